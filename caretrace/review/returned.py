"""A sheet as it came back, whatever a spreadsheet made of it: workbook or CSV, in any encoding and with any separator.

Columns are found by their titles and rows by their codes, so neither needs to stand where it stood. Nothing is judged
here but whether the file can be read at all.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from caretrace.review.sheets import ANSWER, CODE
from schemas.errors import InputError

MOST_BYTES = 200_000_000
"""Of a file, unpacked; a sheet of 10,000 pairs takes less than 20 MB. What is larger is no sheet of ours."""
_HEADER_WITHIN = 20
"""Rows above the titles, which somebody may have added, in which the titles are still looked for."""
_SEPARATORS = (",", ";", "\t")


@dataclass(frozen=True)
class Row:
    """One row: its number as the spreadsheet counts, and its cells by title."""

    number: int
    cells: Mapping[str, str]

    def get(self, title: str) -> str:
        """The cell's text without blanks around it, empty where there is no such cell."""
        return self.cells.get(title.casefold(), "").strip()


@dataclass(frozen=True)
class Returned:
    """A file that came back."""

    name: str
    titles: frozenset[str]
    """In small letters."""
    rows: tuple[Row, ...]


def read(path: Path) -> Returned:
    """Read `path`, its empty rows left out.

    Raises InputError where it cannot be read, or has no columns for code and answer.
    """
    with path.open("rb") as file:
        start = file.read(8)
    if path.stat().st_size > MOST_BYTES:
        raise InputError("is far larger than any sheet for review; give the file the reader sent back", path=path)
    # By content: what is called .csv may be a workbook, and the other way round.
    is_workbook = start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0"))
    tables = _workbook(path) if is_workbook else _texts(path)
    for table in tables:
        if (at := _header(table)) is not None:
            return _returned(path, table, at)
    raise InputError(
        f"holds no columns {ANSWER!r} and {CODE!r}; if it was saved as CSV, save the sheet with the pairs", path=path
    )


def _returned(path: Path, table: Sequence[Sequence[str]], at: int) -> Returned:
    titles = [_title(cell) for cell in table[at]]
    for title in (ANSWER, CODE):
        if titles.count(title.casefold()) > 1:
            raise InputError(f"row {at + 1}: the column {title!r} stands twice; remove one", path=path)
    rows = tuple(
        # The first of two columns with one title counts.
        Row(number, dict(reversed(list(zip(titles, cells, strict=False)))))
        for number, cells in enumerate(table[at + 1 :], at + 2)
        if any(cell.strip() for cell in cells)
    )
    return Returned(path.name, frozenset(titles), rows)


def _header(table: Sequence[Sequence[str]]) -> int | None:
    wanted = {ANSWER.casefold(), CODE.casefold()}
    return next((at for at, cells in enumerate(table[:_HEADER_WITHIN]) if wanted <= {_title(c) for c in cells}), None)


def _title(cell: str) -> str:
    return " ".join(cell.split()).casefold()


def _texts(path: Path) -> list[list[list[str]]]:
    """The file as a table, once for each separator it may have."""
    data = path.read_bytes()
    # Excel in the UK saves "CSV" in code page 1252, "CSV UTF-8" with a mark, and "Unicode Text" as UTF-16.
    encodings = ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252", "latin-1")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise InputError("is neither a workbook nor a text; save it again as .xlsx or CSV", path=path)
    try:
        return [list(csv.reader(io.StringIO(text, newline=""), delimiter=each)) for each in _SEPARATORS]
    except csv.Error:
        raise InputError("is not CSV; save it again as .xlsx or CSV", path=path) from None


def _workbook(path: Path) -> list[list[list[str]]]:
    """Every sheet of the workbook as a table of texts."""
    import python_calamine

    _check_size(path)
    try:
        book = python_calamine.load_workbook(str(path))
        sheets = [book.get_sheet_by_name(name) for name in book.sheet_names]
        # Empty rows above the data count, or row numbers would not be those that the spreadsheet shows.
        return [[[_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)] for sheet in sheets]
    except python_calamine.PasswordError:
        raise InputError("is protected by a password; save it without one", path=path) from None
    except (python_calamine.CalamineError, ValueError, OSError):
        raise InputError("is a workbook that cannot be read; open it and save it again as .xlsx", path=path) from None


def _check_size(path: Path) -> None:
    """Refuse an archive that would unpack without end."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(each.file_size for each in archive.infolist())
    except zipfile.BadZipFile:
        return  # an old .xls, which is no archive, or what the reader will refuse
    if unpacked > MOST_BYTES:
        raise InputError("unpacks to far more than any sheet for review; give the file the reader sent", path=path)


def _text(cell: object) -> str:
    return cell if isinstance(cell, str) else str(cell)
