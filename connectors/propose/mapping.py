"""A proposal as a mapping file: what is proposed stands first, what else it may be and what is not used as comments."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from connectors.propose.judge import NEEDED
from connectors.propose.proposal import UNSAID, Proposal, Sheet
from connectors.suppliers.mapped import GENERIC
from connectors.suppliers.mapped.fields import KINDS

_HEAD = """\
# Proposed by `caretrace map` from the titles and the contents of the files named below. Check every line: a column
# taken for another makes wrong links. To correct one, put the right title in its place; to leave one out, delete its
# line. A line that begins with # is not read. docs/connectors/mapping.md says what every setting means.
"""


def as_toml(proposal: Proposal) -> str:
    """The text of a mapping that can be given at once (`--map`, `--clients-map`); no value of the files is in it."""
    lines = [_HEAD, f"source = {_quoted(proposal.system)} # what reports call this system"]
    if proposal.system == GENERIC:
        lines.append(
            f'profile = "{GENERIC}" # keep this line, and give source the name of your system in small letters'
        )
    forms = dict.fromkeys(form for sheet in proposal.sheets for form in sheet.forms)
    if forms:
        lines.append(f"dates = [{', '.join(map(_quoted, forms))}] # the forms seen in the files, the commonest first")
    if preamble := max(sheet.preamble for sheet in proposal.sheets):
        lines.append(f"preamble = {preamble} # so many lines may stand above the titles of the people")
    if any(sheet.title_of("full_name") and not sheet.commas for sheet in proposal.sheets):
        lines.append(
            'full_name_order = "given family" # or "family given"; with a comma the surname stands first anyhow'
        )
    for kind in KINDS:
        sheets = [sheet for sheet in proposal.sheets if sheet.kind == kind]
        if sheets:
            lines += ["", *_kind(kind, sheets)]
    for sheet in proposal.sheets:
        if sheet.kind is None:
            lines += ["", *_unknown(sheet)]
    return "\n".join([*lines, ""])


def _kind(kind: str, sheets: list[Sheet]) -> Iterator[str]:
    yield f"[kinds.{kind}] # {', '.join(_comment(sheet.name) for sheet in sheets)}"
    required = dict.fromkeys(
        field for group in NEEDED[kind] for field in group if all(sheet.title_of(field) for sheet in sheets)
    )
    yield f"required = [{', '.join(map(_quoted, required))}] # a file with all of these is of this kind"
    yield f"[kinds.{kind}.columns]"
    for field, meaning in KINDS[kind].items():
        chosen = [(c, c.chosen) for sheet in sheets for c in sheet.columns if c.chosen and c.chosen.field == field]
        titles = list(dict.fromkeys(column.title for column, _ in chosen))
        if titles:
            written = _quoted(titles[0]) if len(titles) == 1 else f"[{', '.join(map(_quoted, titles))}]"
            told = chosen[0][1]
            yield f"{field} = {written} # {meaning}; {told.confidence}: {told.reason}"
        yield from _alternatives(field, sheets)
    for column in (c for sheet in sheets for c in sheet.columns if c.chosen is None):
        yield f"# not used: {_quoted(column.title)} ({column.holds})"
    yield from (f"# {column}: {UNSAID}" for sheet in sheets for column in sheet.unsaid)


def _alternatives(field: str, sheets: Iterable[Sheet]) -> Iterator[str]:
    for sheet in sheets:
        asked = {title for name, titles in sheet.open_questions if name == field for title in titles}
        for column in sheet.columns:
            for other in column.others:
                if other.field == field and column.chosen is None:
                    doubt = "choose one" if column.title in asked else other.confidence
                    yield f"# {field} = {_quoted(column.title)} # {doubt}: {other.reason}"


def _unknown(sheet: Sheet) -> Iterator[str]:
    yield f"# {_comment(sheet.name)}: no kind of file was recognised, so none of its columns is used:"
    for column in sheet.columns:
        best = column.chosen or next(iter(column.others), None)
        perhaps = f"; {best.field}, {best.confidence}: {best.reason}" if best else ""
        yield f"#   {_quoted(column.title)} ({column.holds}){perhaps}"
    yield from (f"#   {column}: {UNSAID}" for column in sheet.unsaid)


def _quoted(text: str) -> str:
    # A TOML string in quotation marks is written as JSON writes one; DEL is the one letter that JSON lets stand.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    return _quoted(text)[1:-1]
