"""Who in the person file is left out: marked, merged, nobody, or known by an id that was damaged."""

from __future__ import annotations

from connectors.supplier import Rule
from connectors.suppliers.mapped import texts
from connectors.suppliers.mapped.settings import LeaveOut, Mapped
from connectors.values import listed, quoted


def rules(settings: Mapped) -> tuple[Rule, ...]:
    """The rules in the order in which they are held against a record."""
    found = [texts.DAMAGED, *(_marked(settings, rule) for rule in settings.leave_out)]
    if settings.has("person", "merged_into"):
        own, other = (texts.padded(settings, f"r.{name}") for name in ("person_id", "merged_into"))
        found.append(Rule("merged into another record", f"coalesce({other} <> {own}, false)", ("merged_into",)))
    if settings.name_flags:
        flags = "|".join(settings.name_flags)
        found.append(
            Rule(
                "the name carries a mark such as DUPLICATE, TEST or DO NOT USE",
                "regexp_matches(upper(concat_ws(' ', r.family_name, r.given_name, r.given_names, r.full_name)),"
                f" {quoted(f'(^|[^A-Z])({flags})([^A-Z]|$)')})",
                ("family_name",),
            )
        )
    return tuple(found)


def _marked(settings: Mapped, rule: LeaveOut) -> Rule:
    """Marked in the record itself, or in a file of marks."""

    def marked(record: str) -> str:
        x = f"{record}.{rule.field}"
        return f"coalesce(lower({x}) IN ({listed(rule.words)}), false)" if rule.words else texts.said(x)

    when = marked("r")
    if rule.titles and settings.reads("mark"):
        when += (
            f" OR EXISTS (SELECT 1 FROM raw_mark m JOIN reading_file mf ON mf.file = m.file WHERE {marked('m')}"
            f" AND {texts.padded(settings, 'm.person_id')} = r.record_id AND mf.source_org = r.source_org)"
        )
    return Rule(rule.because, when, (rule.field,))
