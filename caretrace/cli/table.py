"""Rows for a person: printed as CSV or JSON, or written as CSV, a workbook, or a page to print."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from caretrace import console
from caretrace.outputs import neutralised
from caretrace.words import several

JsonOption = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
ToOption = Annotated[
    Path | None, typer.Option("--to", metavar="FILE", help="A new .csv, .xlsx or .html file; else CSV is printed.")
]


def as_csv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """A header and rows, safe to open in a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([neutralised(str(row[column])) for column in columns] for row in rows)
    return text.getvalue().removesuffix("\n")


def hand_over(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    to: Path | None,
    *,
    as_json: bool = False,
) -> None:
    """Print rows worked out from the log, or write them to the new file `to` as its ending says."""
    from governance.officer import paper

    if to is None:
        console.say(json.dumps(rows, indent=2, ensure_ascii=False) if as_json else as_csv(columns, rows))
        return
    paper.write(to, title, columns, rows, made_at=datetime.now(UTC))
    console.say(f"written: {to} ({several(len(rows), 'row')})")
