"""`caretrace cld history`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caretrace import console, project
from caretrace.cli.place import ProjectOption

if TYPE_CHECKING:
    from caretrace.cld.history import Written


def history(
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a page with a chart; it must not exist.")
    ] = None,
    project_dir: ProjectOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show how complete the NHS numbers of each quarter's submission were, before and after filling in."""
    from caretrace.cld.history import quarters, read
    from caretrace.files import replaced
    from schemas.errors import InputError

    found = quarters(read(project.find(project_dir, here=Path.cwd())))
    if html is not None:
        if html.exists() or html.is_symlink():
            raise InputError("exists already; give --html a new name", path=html)
        if not found:
            raise InputError("there is nothing to show yet: `caretrace cld write` begins the history")
        from caretrace.report.submissions import render

        with replaced(html) as draft:
            draft.write_text(render(found), encoding="utf-8", newline="\n")
    if as_json:
        told = [{"period": each.period, "written": count, **asdict(each)} for each, count in found]
        console.say(json.dumps(told, indent=2, default=str))
    else:
        console.say("\n".join(map(_line, found)) or "no submission was written in this project yet")


def _line(quarter: tuple[Written, int]) -> str:
    each, count = quarter
    times = "" if count == 1 else f"; written {count} times"
    return (
        f"{each.period}: {each.people:,} people; number before {each.before:,} ({_share(each.before, each.people)}),"
        f" filled in {each.filled:,}, after {each.after:,} ({_share(each.after, each.people)}){times}"
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"
