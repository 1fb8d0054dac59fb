"""A program of its own that writes the sheets of a workbook as text: `python sheets.py LIMIT [FILE]`.

Workbooks are read by a library in another language, which keeps every cell between the first and the last in memory:
a damaged or hostile file of a few kilobytes can ask for more than there is, and takes the process with it. So it has
this process, of LIMIT bytes where the system can hold it to that. It imports nothing of ours, and starts in no time.

The file is FILE or the standard input. Each line written is JSON: {"sheet": name, "visible": whether it is shown},
then {"columns": [...]} for the next rows of that sheet; {"error": "locked" or "damaged"}; at the end {"end": true}.
"""

from __future__ import annotations

import io
import json
import sys
from datetime import date, datetime, time
from itertools import islice
from typing import IO, Any

import python_calamine as calamine

AT_ONCE = 20_000
_EXACT = 2**53
"""Whole numbers up to here are exact in a cell."""


def write(file: IO[bytes], out: IO[bytes]) -> None:
    """Write every sheet of the workbook."""

    def say(**what: object) -> None:
        out.write(json.dumps(what).encode() + b"\n")

    try:
        with calamine.load_workbook(file) as book:
            for each in book.sheets_metadata:
                say(sheet=each.name, visible=each.visible == calamine.SheetVisibleEnum.Visible)
                rows = book.get_sheet_by_name(each.name).iter_rows()
                while part := list(islice(rows, AT_ONCE)):
                    say(columns=[[text(cell) for cell in column] for column in zip(*part, strict=True)])
    except calamine.PasswordError:
        say(error="locked")
    except (calamine.CalamineError, calamine.ZipError, calamine.XmlError, ValueError, OSError):
        say(error="damaged")
    say(end=True)


def text(value: Any) -> str | None:
    """What a cell holds, as text: not what its format shows."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if abs(value) <= _EXACT and value.is_integer() else repr(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    return None if value is None else str(value)


def _limit(memory: int) -> None:
    """Hold this process to `memory` bytes, where the system can."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


if __name__ == "__main__":
    _limit(int(sys.argv[1]))
    if len(sys.argv) > 2:
        with open(sys.argv[2], "rb") as given:  # noqa: PTH123 - nothing is imported that need not be
            write(given, sys.stdout.buffer)
    else:
        write(io.BytesIO(sys.stdin.buffer.read()), sys.stdout.buffer)
