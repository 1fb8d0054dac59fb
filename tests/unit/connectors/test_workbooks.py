"""Workbooks: what the cells of a sheet become, and which sheets are read."""

from __future__ import annotations

import io
import struct
import sys
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from connectors.files.opening import Opening
from schemas.errors import InputError

HELD = Path(__file__).parent / "workbooks"
BIRTH = date(1950, 2, 1)
AFTERNOON = datetime(1950, 2, 1, 13, 45)  # noqa: DTZ001 - a cell has no time zone
ISSUE = ("record_id", "column", "issue")
TITLES = ["record_id", "family_name", "birth_date", "nhs_number"]


def book(*sheets: Callable[[Any], None], names: tuple[str, ...] = ("Sheet1", "Sheet2")) -> bytes:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as workbook:
        for name, fill in zip(names, sheets, strict=False):
            fill(workbook.add_worksheet(name))
    return made.getvalue()


def people(*rows: list[Any], above: int = 0) -> Callable[[Any], None]:
    def fill(sheet: Any) -> None:
        sheet.write_row(above, 0, TITLES)
        for at, row in enumerate(rows, start=above + 1):
            sheet.write_row(at, 0, row)

    return fill


@pytest.mark.parametrize("name", ["people.xls", "people.ods"])
def test_other_programs_workbooks(store, name: str) -> None:  # type: ignore[no-untyped-def]
    report = store.read(HELD / name)
    assert [(file.name, file.records, file.used) for file in report.files] == [(f"{name}/People", 1, 1)]
    assert store.one("person", *TITLES, "extract_line") == ("1", "Smith", date(1950, 2, 1), "9434765919", 4)


def test_a_locked_workbook(store) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=r"locked\.xlsx: is a workbook with a password"):
        store.read(HELD / "locked.xlsx")


CELLS = [
    (BIRTH, "birth_date", date(1950, 2, 1), None),
    (AFTERNOON, "birth_date", date(1950, 2, 1), None),
    ("01/02/1950", "birth_date", None, "not a date in the form this source uses"),
    (9434765919, "nhs_number", "9434765919", None),
    ("9.43E+09", "nhs_number", None, "damaged by a spreadsheet (scientific notation or a decimal point)"),
    (9.434765919e18, "nhs_number", None, "damaged by a spreadsheet (scientific notation or a decimal point)"),
    (9434765919.5, "nhs_number", None, "damaged by a spreadsheet (scientific notation or a decimal point)"),
    ("=1/0", "family_name", None, None),
    (True, "family_name", "true", None),
    (12.0, "family_name", "12", None),
    (" Ng\u00a0", "family_name", "Ng", None),
]


def test_cells(store, write) -> None:  # type: ignore[no-untyped-def]
    def fill(sheet: Any) -> None:
        sheet.write_row(0, 0, TITLES)
        for row, (cell, column, _, _) in enumerate(CELLS, start=1):
            sheet.write(row, 0, row)
            if isinstance(cell, date):
                sheet.write_datetime(row, TITLES.index(column), cell)
            elif str(cell).startswith("="):
                sheet.write_formula(row, TITLES.index(column), str(cell), None, "#DIV/0!")
            else:
                sheet.write(row, TITLES.index(column), cell)

    store.read(write("a.xlsx", dated(fill)))
    found = store.rows("person", *TITLES)
    issues = {number: (column, issue) for number, column, issue in store.rows("data_quality", *ISSUE)}
    for row, (cell, column, held, issue) in enumerate(CELLS, start=1):
        record = dict(zip(TITLES, found[row - 1], strict=True))
        assert (record["record_id"], record[column]) == (str(row), held), cell
        assert issues.get(str(row)) == ((column, issue) if issue else None), cell


def dated(fill: Callable[[Any], None]) -> bytes:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True, "default_date_format": "dd/mm/yy"}) as workbook:
        fill(workbook.add_worksheet())
    return made.getvalue()


def test_a_date_that_was_typed_is_read_by_a_source_with_another_form(store, write) -> None:  # type: ignore[no-untyped-def]
    def fill(sheet: Any) -> None:
        sheet.write_row(0, 0, ["CareFirst ID", "Surname", "Forename", "Date of Birth"])
        sheet.write_row(1, 0, [1, "Smith", "Zoe"])
        sheet.write_datetime(1, 3, BIRTH)
        sheet.write_row(2, 0, [2, "Smith", "Ann", "03/02/1950"])

    store.read(write("persons.xlsx", dated(fill)))
    assert store.rows("person", "birth_date", "birth_date_precision") == [
        (date(1950, 2, 1), "YMD"),
        (date(1950, 2, 3), "YMD"),
    ]


def test_rows_above_the_titles_blank_rows_and_titles_again(store, write) -> None:  # type: ignore[no-untyped-def]
    def fill(sheet: Any) -> None:
        sheet.write(1, 0, "Clients of the council")
        people(["1", "Smith"], ["", ""], TITLES, ["2", "Jones"], above=4)(sheet)

    (file,) = store.read(write("a.xlsx", book(fill))).files
    assert (file.records, file.used, file.rejected) == (3, 2, 1)
    assert store.rows("person", "record_id", "extract_record", "extract_line") == [("1", 1, 6), ("2", 3, 9)]
    assert store.one("set_aside", "extract_line", "rule") == (8, "the titles of the header again")


def test_sheets(store, write) -> None:  # type: ignore[no-untyped-def]
    def hidden(sheet: Any) -> None:
        people(["9", "Old"])(sheet)
        sheet.hide()

    sheets = book(
        people(["1", "Smith"]),
        lambda sheet: sheet.write_column(0, 0, ["record_id", "1"]) + sheet.write_column(0, 1, ["postcode", "BR1 1AA"]),
        hidden,
        lambda sheet: None,
        lambda sheet: sheet.write(0, 0, "Notes"),
        names=("Clients", "address", "Old", "Empty", "Notes"),
    )
    report = store.read(write("a.xlsx", sheets))
    strange = "not read: its columns are those of no file that the standard format uses"
    assert {file.name: (file.table, file.used) for file in report.files if file.used} == {
        "a.xlsx/Clients": ("PERSON", 1),
        "a.xlsx/address": ("ADDRESS", 1),
    }
    assert {file.name: file.note for file in report.files if not file.records} == {
        "a.xlsx/Old": "not read: the sheet is hidden; show it, if it is to be read",
        "a.xlsx/Notes": strange,
    }
    assert len({file.sha256 for file in report.files if file.records}) == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (book(lambda sheet: None), "the workbook holds no rows"),
        (book(people())[:900], "is damaged or was cut short"),
        (b'<?xml version="1.0"?><Workbook/>', "it is XML"),
        (b"<html><table><tr><td> </td></tr></table></html>", "is a web page without a table"),
        (b"ID;PWXL;N;E\nC;Y1;X1;K1\nE\n", "a workbook in the format SYLK"),
    ],
)
def test_what_is_no_workbook(store, write, content: bytes, sentence: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=sentence):
        store.read(write("a.xls", content))


PAGE = """<html><meta charset=windows-1252><table><tr><td colspan=3>Clients &amp; others
<tr><th>record_id</th><th>family_name<th>phone</tr>
<tr><td>1<td>Zoë&nbsp;Ng</td><td><b>02</b>0<br>7946</td></tr><tr></tr>
<tr><td>2<td><table><tr><td>inner</table><td></tr></table></html>"""


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_a_web_page_that_is_named_as_a_workbook(store, write, encoding: str) -> None:  # type: ignore[no-untyped-def]
    report = store.read(write("a.xls", PAGE, encoding))
    assert [(file.name, file.used) for file in report.files] == [("a.xls/table 1", 2), ("a.xls/table 2", 0)]
    assert store.rows("person", "record_id", "family_name", "phone", "extract_line") == [
        ("1", "Zoë Ng", "020 7946", 3),
        ("2", None, None, 5),
    ]


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="this system does not hold a process to a limit")
def test_a_cell_far_away_takes_no_more_memory_than_is_allowed(store, write) -> None:  # type: ignore[no-untyped-def]
    def fill(sheet: Any) -> None:
        people(["1", "Smith"])(sheet)
        sheet.write(1_048_575, 16_383, "x")

    path = write("a.xlsx", book(fill))
    with pytest.raises(InputError, match="is damaged, or needs more than 1,024 MB to be opened"):
        store.read(path, opening=Opening(workbook_memory=1 << 30))


def test_names_that_are_not_true(store, write) -> None:  # type: ignore[no-untyped-def]
    store.read(write("one.csv", book(people(["1", "Smith"]))), write("two.xls", "record_id,family_name\n1,Ng\n"))
    assert store.rows("person", "source_org", "family_name") == [("one", "Smith"), ("two", "Ng")]
    assert store.rows("person", "extract_file") == [("one.csv/Sheet1",), ("two.xls",)]


# Binary workbooks, record by record as [MS-XLSB] has them: no free program writes one.
def _record(number: int, body: bytes = b"") -> bytes:
    kind = bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80, number >> 7])
    size, length = b"", len(body)
    while length >= 0x80:
        size, length = size + bytes([length & 0x7F | 0x80]), length >> 7
    return kind + size + bytes([length]) + body


def _text(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def _cell(column: int, value: str | float, style: int = 0) -> bytes:
    place = struct.pack("<II", column, style)
    return _record(6, place + _text(value)) if isinstance(value, str) else _record(5, place + struct.pack("<d", value))


def binary_workbook(rows: list[list[str | float]], dates: int) -> bytes:
    """One sheet called People; numbers in the column `dates` have the format of a date."""
    lines = [
        _record(0, struct.pack("<IIHBBBI", at, 0, 300, 0, 0, 0, 0))
        + b"".join(_cell(n, value, int(n == dates and not isinstance(value, str))) for n, value in enumerate(row))
        for at, row in enumerate(rows)
    ]
    dimension = _record(148, struct.pack("<IIII", 0, len(rows) - 1, 0, len(rows[0]) - 1))
    sheet = [_record(129), dimension, _record(145), *lines, _record(146), _record(130)]
    named = struct.pack("<II", 0, 1) + _text("rId1") + _text("People")
    wb = [_record(131), _record(153, struct.pack("<II", 0, 0) + _text("")), _record(143), _record(156, named)]
    formats = [struct.pack("<HHHHHBBBB", 0, number, 0, 0, 0, 0, 0, 0, 0) for number in (0, 14)]
    styles = [_record(617, struct.pack("<I", 2)), *(_record(47, each) for each in formats), _record(618)]
    package = "http://schemas.openxmlformats.org/package/2006"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    link = '<Relationship Id="{}" Type="{}/{}" Target="{}"/>'
    links = link.format("rId1", office, "worksheet", "worksheets/sheet1.bin")
    links += link.format("rId2", office, "styles", "styles.bin")
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"/>'.encode(),
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"/>'.encode(),
        "xl/_rels/workbook.bin.rels": f'<Relationships xmlns="{package}/relationships">{links}'.encode()
        + b"</Relationships>",
        "xl/workbook.bin": b"".join([*wb, _record(144), _record(132)]),
        "xl/styles.bin": b"".join([_record(278), *styles, _record(279)]),
        "xl/worksheets/sheet1.bin": b"".join(sheet),
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return made.getvalue()


def test_a_binary_workbook(store, write) -> None:  # type: ignore[no-untyped-def]
    # 18295 is the 1st of February 1950.
    content = binary_workbook(
        [[*TITLES], [1.0, "Smith", 18295.0, 9434765919.0], ["2", "Sm\u00efth", 18295.5, ""]], dates=2
    )
    report = store.read(write("people.xlsb", content))
    assert [(file.name, file.records, file.used) for file in report.files] == [("people.xlsb/People", 2, 2)]
    assert store.rows("person", *TITLES, "extract_line") == [
        ("1", "Smith", BIRTH, "9434765919", 2),
        ("2", "Sm\u00efth", BIRTH, None, 3),
    ]
    with pytest.raises(InputError, match="damaged"):
        store.read(write("cut.xlsb", content[:-400]))
