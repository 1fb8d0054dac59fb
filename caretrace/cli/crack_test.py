"""`caretrace crack-test`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from caretrace import console
from caretrace.cli.failures import ExitCode
from schemas.errors import InputError

ColumnOption = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="C", help="The column of pseudonyms; those that look like it if not given."),
]


def crack_test(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV (UTF-8, with a header) or Parquet file.")],
    column: ColumnOption = None,
    minutes: Annotated[float, typer.Option(min=0.01, help="How long to try, for each column.")] = 10.0,
    salts: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Salts of your own to try, one on a line, before the usual ones."),
    ] = None,
    other: Annotated[
        Path | None,
        typer.Option("--with", metavar="FILE", help="Another release: can the two be joined by the column?"),
    ] = None,
) -> None:
    """Try to break a column of pseudonyms as somebody without the key would. Exit code 3 where it is broken or weak.

    Says which scheme fell and how many values, and never a value.
    """
    from governance import crack

    table = crack.read(path)
    second = crack.read(other) if other else None
    failed = False
    columns = column or crack.likely(table)
    if not columns:
        raise InputError("no column looks like pseudonyms; name one with --column", path=path)
    words = _lines(salts) if salts else []
    for name in columns:
        with console.progress() as progress:
            report = crack.crack(
                table,
                name,
                as_at=date.today(),  # noqa: DTZ011 - nobody is born after the user's calendar day
                seconds=minutes * 60,
                salts=words,
                progress=progress,
            )
        console.say(report.to_text())
        joins = crack.linkable(table, name, second) if second is not None else []
        for each in joins:
            console.say(f"{name}: {each.to_text()}")
        failed = failed or report.failed or bool(joins)
    if failed:
        raise typer.Exit(ExitCode.REFUSED)


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line]
    except (OSError, UnicodeDecodeError):
        raise InputError("the salts cannot be read; give a UTF-8 text file, one salt on a line", path=path) from None
