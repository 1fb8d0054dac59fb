"""Workbooks (XLSX, XLSM, XLSB, XLS, ODS): each sheet that holds anything is a member, its cells made text.

A cell's text is what it holds, not what it shows: a date is YYYY-MM-DD whatever its format, which every source's dates
take (`values.day`); a whole number has no ".0"; a number that a spreadsheet cannot hold exactly keeps the look
of one, so that the NHS number it once was is refused and not believed. An error of a formula is an empty cell.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from connectors.files.header import Header
from connectors.files.layouts import Rows
from connectors.files.layouts.delimited import tidy, without_titles
from connectors.files.opening import Member, Opening, seekable
from connectors.files.packed import check_sizes
from schemas.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

    from connectors.supplier import Kind

PREAMBLE = 25
"""Rows above the titles that a sheet may have: a name, a date, a logo."""
_AT_ONCE = 20_000
_EXACT = 2**53
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
    import python_calamine as calamine

    if member.head.startswith(b"PK"):
        with seekable(member, opening) as file, zipfile.ZipFile(file) as archive:
            check_sizes(archive.infolist(), member, opening)
    try:
        with seekable(member, opening) as file, calamine.load_workbook(file) as book:
            visible = {each.name: each.visible == calamine.SheetVisibleEnum.Visible for each in book.sheets_metadata}
            made = {name: Sheet(_cells(book.get_sheet_by_name(name).iter_rows())) for name in visible}
    except calamine.PasswordError as error:
        raise InputError(_LOCKED, path=member.where) from error
    except (calamine.CalamineError, calamine.ZipError, calamine.XmlError, ValueError, OSError) as error:
        with seekable(member, opening) as file:
            locked = _ENCRYPTED in file.read()
        raise InputError(_LOCKED if locked else _DAMAGED, path=member.where) from error
    used = {name: sheet for name, sheet in made.items() if sheet.headers()}
    if not any(visible[name] for name in used):
        raise InputError("the workbook holds no rows; export it again", path=member.where)
    return [
        replace(
            member,
            name=f"{member.name}/{name}",
            within=(*member.within, name),
            # A sheet that nobody named is called what the file is called.
            stem=member.stem if len(used) == 1 else name,
            sheet=sheet,
            unread=None if visible[name] else "the sheet is hidden; show it, if it is to be read",
        )
        for name, sheet in used.items()
    ]


def _cells(rows: Iterator[list[Any]]) -> pa.Table:
    import pyarrow as pa

    parts = []
    while part := list(islice(rows, _AT_ONCE)):
        columns = [pa.array(_texts(column), pa.string()) for column in zip(*part, strict=True)]
        parts.append(pa.table(columns, names=[str(at) for at in range(len(columns))]))
    return pa.concat_tables(parts) if parts else pa.table({})


def _texts(column: tuple[Any, ...]) -> list[str | None]:
    return [value or None if isinstance(value, str) else _text(value) for value in column]


def _text(value: Any) -> str | None:
    """The text of a cell that is no text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if abs(value) <= _EXACT and value.is_integer() else repr(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    return None if value is None else str(value)
