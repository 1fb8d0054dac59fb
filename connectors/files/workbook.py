"""Workbooks (XLSX, XLSM, XLSB, XLS, ODS): each sheet that holds anything is a member, its cells made text.

A cell's text is what it holds, not what it shows: a date is YYYY-MM-DD whatever its format, which every source's dates
take (`values.day`); a whole number has no ".0"; a number that a spreadsheet cannot hold exactly keeps the look
of one, so that the NHS number it once was is refused and not believed. An error of a formula is an empty cell.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from connectors.files.header import Header
from connectors.files.layouts import Rows
from connectors.files.layouts.delimited import tidy, without_titles
from connectors.files.opening import Member, Opening, seekable
from connectors.files.packed import check_sizes
from schemas.errors import InputError, shown

if TYPE_CHECKING:
    import pyarrow as pa

    from connectors.supplier import Kind

PREAMBLE = 25
"""Rows above the titles that a sheet may have: a name, a date, a logo."""
_PROGRAM = Path(__file__).with_name("sheets.py")
# [MS-OFFCRYPTO]: the name of the stream that holds an encrypted workbook.
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_LOCKED = "is a workbook with a password; open it, save it without one, or save the sheet as CSV UTF-8"
_DAMAGED = "is no workbook that can be read; save it again as XLSX, or save the sheet as CSV UTF-8"


@dataclass(frozen=True)
class Sheet:
    """The cells of a sheet as text; row 1 is the sheet's first, as the spreadsheet counts."""

    cells: pa.Table

    def headers(self) -> list[Header]:
        """What the first rows that are not blank would be as headers."""
        found: list[Header] = []
        rows = zip(*(column.to_pylist() for column in self.cells.slice(0, 200).columns), strict=True)
        for row, titles in enumerate(rows, start=1):
            if any(titles):
                found.append(Header(tuple((title or "").strip() for title in titles), None, row))
        return found[: 1 + PREAMBLE]

    def read(self, kind: Kind, header: Header) -> Iterator[Rows]:
        """The rows below the header that are not blank."""
        import pyarrow as pa
        import pyarrow.compute as pc

        body = self.cells.slice(header.line)
        blank = np.ones(body.num_rows, bool)
        columns = [tidy(column) for column in body.columns]
        for column in columns:
            blank &= np.asarray(pc.is_null(column))
        kept = np.flatnonzero(~blank)
        fields = {name: columns[at].take(pa.array(kept)) for name, at in kind.match(header.titles).items()}
        table = pa.table({**fields, "record": 1 + np.arange(len(kept)), "line": header.line + 1 + kept})
        yield without_titles(Rows(table), kind, header)


def sheets(member: Member, opening: Opening) -> list[Member]:
    """The sheets that hold anything, hidden ones unread; InputError where the workbook cannot be read."""
    if member.head.startswith(b"PK"):
        with seekable(member, opening) as file, zipfile.ZipFile(file) as archive:
            check_sizes(archive.infolist(), member, opening)
    found = _sheets(member, opening)
    used = {name: (sheet, visible) for name, (sheet, visible) in found.items() if sheet.headers()}
    if not any(visible for _, visible in used.values()):
        raise InputError("the workbook holds no rows; export it again", path=member.where)
    return [
        replace(
            member,
            name=shown(f"{member.name}/{name}"),
            within=(*member.within, name),
            # A sheet that nobody named is called what the file is called.
            stem=member.stem if len(used) == 1 else name,
            sheet=sheet,
            unread=None if visible else "the sheet is hidden; show it, if it is to be read",
        )
        for name, (sheet, visible) in used.items()
    ]


def _sheets(member: Member, opening: Opening) -> dict[str, tuple[Sheet, bool]]:
    """Each sheet and whether it is shown, from a process of its own."""
    import pyarrow as pa

    visible: dict[str, bool] = {}
    parts: dict[str, list[pa.Table]] = {}
    ended = False
    for line in _lines(member, opening):
        said = json.loads(line)
        if "sheet" in said:
            visible[said["sheet"]] = said["visible"]
            parts[said["sheet"]] = []
        elif "columns" in said:
            columns = [pa.array(column, pa.string()) for column in said["columns"]]
            parts[list(parts)[-1]].append(pa.table(columns, names=[str(at) for at in range(len(columns))]))
        elif "error" in said:
            raise InputError(_reason(said["error"], member, opening), path=member.where)
        ended = "end" in said
    if not ended:
        memory = f"{opening.workbook_memory >> 20:,} MB"
        raise InputError(
            f"is damaged, or needs more than {memory} to be opened; save the sheet as CSV UTF-8", path=member.where
        )
    return {
        name: (Sheet(pa.concat_tables(parts[name]) if parts[name] else pa.table({})), visible[name]) for name in parts
    }


def _lines(member: Member, opening: Opening) -> Iterator[bytes]:
    command = [sys.executable, "-I", str(_PROGRAM), str(opening.workbook_memory)]
    if member.is_plain:
        command.append(str(member.path))
        given = None
    else:
        with seekable(member, opening) as file:
            given = file.read()
    with subprocess.Popen(  # noqa: S603 - our own program; no shell
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as program:
        if program.stdin is None or program.stdout is None:
            raise AssertionError("pipes were asked for")
        # It reads all before it writes anything, so neither waits for the other.
        with suppress(OSError):
            program.stdin.write(given or b"")
            program.stdin.close()
        yield from program.stdout


def _reason(error: str, member: Member, opening: Opening) -> str:
    with seekable(member, opening) as file:
        return _LOCKED if error == "locked" or _ENCRYPTED in file.read() else _DAMAGED
