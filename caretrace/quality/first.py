"""What to mend first: the kinds whose records are missed by the linkage more often than others, then the rest.

In: `Quality`. Out: a short list, most effect first.
"""

from __future__ import annotations

from dataclasses import dataclass

from caretrace.quality.figures import Quality
from caretrace.quality.find import BY_NAME
from caretrace.quality.kind import Kind, Severity

_MOST = 10
_COMPARED = (
    "nhs_number",
    "family_name",
    "given_name",
    "birth_date",
    "gender",
    "postcode",
    "address_line_1",
    "record_id",
)
"""Columns that linking goes by; that records without, say, a practice are linked less often has other reasons."""
_BEYOND_CHANCE = 2.0
"""Standard deviations of a count by which it must exceed what is expected."""
_OUTCOMES = ("unknown-to-register", "test-number")
"""Kinds that nobody mends: not being found is what mending is for."""


@dataclass(frozen=True)
class ToMend:
    """One kind in one system, its organisations together."""

    kind: Kind
    side: str
    source: str
    records: int
    of: int
    unmatched: int
    """Clients among them who are not linked."""
    effect: float
    """How many more are not linked than if they were missed as often as the system's other clients: an estimate of
    what mending may bring, since records that lack one thing often lack others."""


def to_mend(quality: Quality, most: int = _MOST) -> tuple[ToMend, ...]:
    """The `most` first things to mend: by effect on matching; what has none follows by severity and number."""
    wholes: dict[tuple[str, str], list[int]] = {}
    for each in quality.sources:
        whole = wholes.setdefault((each.side, each.source), [0, 0, 0])
        for place, number in enumerate((each.records, each.shared, each.unmatched)):
            whole[place] += number
    sums: dict[tuple[str, str, str], list[int]] = {}
    for figure in quality.figures:
        if figure.records and figure.kind not in _OUTCOMES:
            added = sums.setdefault((figure.kind, figure.side, figure.source), [0, 0])
            added[0] += figure.records
            added[1] += figure.unmatched
    items = []
    for (name, side, source), (records, unmatched) in sums.items():
        kind = BY_NAME[name]
        people, shared, missed = wholes[side, source]
        effect = _effect(records, unmatched, people, missed) if kind.column in _COMPARED else 0.0
        items.append(ToMend(kind, side, source, records, shared if kind.of_shared else people, unmatched, effect))
    order = list(Severity)
    items.sort(key=lambda item: (-item.effect, order.index(item.kind.severity), -item.records, item.kind.name))
    return tuple(items[:most])


def _effect(records: int, unmatched: int, people: int, missed: int) -> float:
    """Unmatched among `records` beyond the share of the others; 0 where chance alone could bring it.

    >>> _effect(records=100, unmatched=30, people=1000, missed=120)
    20.0
    >>> _effect(records=100, unmatched=12, people=1000, missed=102)
    0.0
    """
    others = people - records
    if others <= 0:
        return 0.0
    expected = records * (missed - unmatched) / others
    effect = unmatched - expected
    return effect if effect > _BEYOND_CHANCE * max(expected, 1.0) ** 0.5 else 0.0


def urgent(quality: Quality) -> tuple[tuple[Kind, int], ...]:
    """Kinds by which somebody may be harmed or taken for another, with their records over all sources."""
    counts: dict[str, int] = {}
    for figure in quality.figures:
        if figure.declared.severity is Severity.URGENT and figure.records:
            counts[figure.kind] = counts.get(figure.kind, 0) + figure.records
    return tuple((BY_NAME[name], records) for name, records in counts.items())
