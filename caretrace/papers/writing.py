"""The papers of a project as files: for each a page to print, and its rows as CSV and workbook."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from itertools import groupby
from pathlib import Path

from caretrace.papers import hazards
from caretrace.papers.known import Fact
from caretrace.papers.paper import COLUMNS, Paper, filled, read
from caretrace.words import as_html
from governance.files import move, owner_only, write_durably
from governance.officer import paper as table
from schemas.errors import InputError

_STYLE = """table { table-layout: fixed }
td { white-space: pre-line }
th:first-child { width: 18% } th:nth-child(3) { width: 14% } th:last-child { width: 26% }
td.ask { border: 2px dashed #d4351c }"""


def papers() -> tuple[Paper, ...]:
    """Every paper there is."""
    return read("dpia"), read("processing"), hazards.paper()


def write(out: Path, facts: Mapping[str, Fact], *, made_at: datetime) -> tuple[Path, ...]:
    """Write every paper into the new folder `out`, for its owner only; gives the files.

    InputError where the folder exists or cannot be written; nothing is left of it then.
    """
    if out.exists():
        raise InputError("exists already; papers are written into a new folder", path=out)
    draft = out.with_name(f".{out.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir(parents=True, mode=0o700)
        for each in papers():
            rows = filled(each, facts)
            write_durably(draft / f"{each.name}.html", page(each, rows, made_at=made_at).encode())
            for ending in ("csv", "xlsx"):
                table.write(draft / f"{each.name}.{ending}", each.title, COLUMNS, rows, made_at=made_at)
        for path in (draft, *draft.iterdir()):
            owner_only(path)
        move(draft, out)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise InputError(f"cannot be written ({error.strerror})", path=out) from None
    return tuple(sorted(out.iterdir()))


def page(paper: Paper, rows: Sequence[Mapping[str, str]], *, made_at: datetime) -> str:
    """A paper as one page to print: no script, nothing from outside."""
    sections = "\n".join(_section(title, list(group)) for title, group in groupby(rows, lambda row: row["section"]))
    known, asked = (sum(bool(row[column]) for row in rows) for column in ("said", "to_be_filled"))
    body = f"""<p>{escape(paper.about)}</p>
<p>Filled from the project on {made_at:%d %B %Y, %H:%M} UTC: {known} rows say something, {asked} wait for somebody
(dashed). Make it anew when the project changes; do not copy what it says by hand.</p>
{sections}"""
    return table.framed(paper.title, body, style=_STYLE)


def _section(title: str, rows: Sequence[Mapping[str, str]]) -> str:
    heads = "".join(f"<th scope='col'>{each}</th>" for each in ("Item", "Said", "From", "To be filled"))
    return (
        f"<h2>{escape(title)}</h2>\n<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n"
        + "\n".join(map(_row, rows))
        + "\n</tbody>\n</table>"
    )


def _row(row: Mapping[str, str]) -> str:
    asked = f"To be filled by {row['to_be_filled_by']}: {row['to_be_filled']}" if row["to_be_filled"] else ""
    cells = "".join(f"<td>{as_html(row[name])}</td>" for name in ("item", "said", "from"))
    return f"<tr>{cells}<td{' class=ask' if asked else ''}>{as_html(asked)}</td></tr>"
