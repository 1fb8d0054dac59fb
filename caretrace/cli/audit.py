"""`caretrace audit verify`, `caretrace audit register` and `caretrace audit writings`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caretrace import console
from caretrace.cli.place import ProjectOption, find
from caretrace.outputs import neutralised

if TYPE_CHECKING:
    from governance.audit.verification import Verification

app = typer.Typer(help="Check the log of what was released and written, and read it.", no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print as JSON.")]

AnchorOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--anchor",
        metavar="FILE",
        help="A checkpoint or .tlog-proof of this log that was kept elsewhere; may be given several times.",
    ),
]


@app.command("verify")
def verify(project: ProjectOption = None, anchor: AnchorOption = None, as_json: JsonOption = False) -> None:
    """Check every entry of the log, its order and its end. Exit code 4 where it was altered."""
    from governance.audit import writings

    found = _verification(project, anchor or ())
    open_ones = [each["writing_id"] for each in writings.unfinished(found.entries)]
    facts = {
        "origin": found.origin,
        "entries": found.size,
        "anchored": found.anchored,
        "key_confirmed": found.key_confirmed,
        "writings_without_outcome": open_ones,
    }
    text = found.to_text()
    if open_ones:
        text += f" Begun and without an outcome: {', '.join(open_ones)}; the next writing settles that."
    console.say(json.dumps(facts, indent=2) if as_json else text)


@app.command("register")
def register(project: ProjectOption = None, as_json: JsonOption = False) -> None:
    """Print the register of disclosures as CSV, one row for each release, after checking the log."""
    from governance.audit import register as disclosures

    rows = disclosures.rows(_verification(project).entries)
    text = json.dumps(rows, indent=2, ensure_ascii=False) if as_json else as_csv(disclosures.COLUMNS, rows)
    console.say(text)


@app.command("writings")
def writings(project: ProjectOption = None, as_json: JsonOption = False) -> None:
    """Print what was written for our own systems and national services as CSV, after checking the log."""
    from governance.audit import writings as written

    rows = written.rows(_verification(project).entries)
    text = json.dumps(rows, indent=2, ensure_ascii=False) if as_json else as_csv(written.COLUMNS, rows)
    console.say(text)


def as_csv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """A header and rows, safe to open in a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([neutralised(str(row[column])) for column in columns] for row in rows)
    return text.getvalue().removesuffix("\n")


def _verification(project: ProjectOption, kept: Sequence[Path] = ()) -> Verification:
    from governance import audit
    from governance.audit import anchors

    place = find(project)
    given = [anchors.given(path) for path in kept]
    return audit.verify(place.project.audit, keys_dir=place.keys_dir, anchors=given)
