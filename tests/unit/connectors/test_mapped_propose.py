"""How well a mapping is proposed: the fixtures of five systems with their titles kept, renamed and taken away."""

from __future__ import annotations

import csv
import importlib
import io
import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors import Source, read
from connectors.propose import Proposal, as_toml, propose
from connectors.suppliers.mapped import load
from schemas.errors import InputError, SettingsError

AS_AT = date(2026, 11, 22)
FIXTURES = Path(__file__).parents[3] / "fixtures"

# What a council might call the same columns.
OTHER_WORDS = {
    "CareFirst ID": "Client Ref",
    "SWIFT_NUMBER": "client_no",
    "PERSON_ID": "Person Ref",
    "DIM_PERSON_ID": "Person Ref",
    "PERSONID": "PersonRef",
    "NHS Number": "NHSNo",
    "NHS_ID": "NHS Num",
    "NHSNUMBER": "nhs_no",
    "Surname": "Family name",
    "SURNAME": "lname",
    "LAST_NAME": "Client Surname",
    "Forename": "1st Name",
    "FORENAMES": "Given Names",
    "FIRST_NAME": "fname",
    "FORENAME": "First name(s)",
    "Date of Birth": "Born",
    "DATE_OF_BIRTH": "Client DOB",
    "DATEOFBIRTH": "BirthDate",
    "BIRTH_DTTM": "Dt of Birth",
    "Gender": "M/F",
    "GENDER": "Sex Code",
    "Postcode": "P/code",
    "POSTCODE": "Post Cd",
    "POST_CODE": "PCODE",
    "Address Line 1": "Addr 1",
    "ADDRESS_LINE_1": "AddressLine1",
    "STREETNAME": "Road",
    "Telephone": "Tel No.",
    "TELEPHONE": "Phone No",
    "Address From": "Addr From",
    "Address To": "Addr To",
    "START_DATE": "From Dt",
    "END_DATE": "To Dt",
}


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        yield made


def extract(system: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """The files of a system's fixture as rows of cells."""
    if system in ("carefirst", "swift"):
        files = {path.name: path.read_bytes() for path in (FIXTURES / system).glob("*.csv")}
    else:
        monkeypatch.syspath_prepend(str(FIXTURES))
        made = importlib.import_module(f"systems.{system}").files()
        files = {name.split("/")[1]: data for name, data in made.items() if name.endswith(".csv")}
    encoding = "cp1252" if system == "carefirst" else "utf-8-sig"
    return {name: list(csv.reader(io.StringIO(data.decode(encoding)))) for name, data in sorted(files.items())}


def retitled(
    system: str, how: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, tuple[str, dict[str, str | None]]]:
    """Write the files with other titles and shuffled columns; what each column is, by file and new title."""
    kinds, draw, truth = load(system).kinds, random.Random(7), {}  # noqa: S311 - no secret, an order
    for number, (name, (header, *records)) in enumerate(extract(system, monkeypatch).items()):
        kind = next(kind for kind in kinds if not kind.missing(tuple(header)))
        fields = {at: field for field, at in kind.match(tuple(header)).items()}
        titles = {
            "kept": header,
            "renamed": [OTHER_WORDS.get(title, title) for title in header],
            "taken away": [f"COL{number}_{at}" for at in range(len(header))],
        }[how]
        places = draw.sample(range(len(header)), len(header))
        text = io.StringIO()
        csv.writer(text).writerows([row[at] for at in places] for row in (titles, *records))
        (folder / name).write_text(text.getvalue(), encoding="utf-8")
        truth[name] = (kind.name, {titles[at]: fields.get(at) for at in places})
    return truth


def counted(proposal: Proposal, truth: dict[str, tuple[str, dict[str, str | None]]]) -> tuple[int, int, int]:
    """Columns proposed right, proposed wrong, and left to the user."""
    right = wrong = left = 0
    for sheet in proposal.sheets:
        kind, fields = truth[sheet.name]
        for column in sheet.columns:
            is_it = fields[column.title]
            said = column.chosen.field if column.chosen and sheet.kind else None
            if kind == "mark" or (is_it and is_it.startswith(("identifier_", "duplicate", "not_a_client"))):
                continue  # lists of marks and further ids are for the user to name
            right += said is not None and same(said, is_it)
            wrong += said is not None and not same(said, is_it)
            left += said is None and is_it is not None
    return right, wrong, left


def same(said: str, is_it: str | None) -> bool:
    """Fields that read a column alike: the lines of an address, and the parts that make them up."""
    place = ("address", "street", "building", "town")
    lines = said.startswith(place) and (is_it or "").startswith(place) and "type" not in f"{said}{is_it}"
    return said == is_it or lines or {said, is_it} == {"given_name", "given_names"}


@pytest.mark.parametrize(
    # Of 32, 36, 24, 24 and 22 columns that a shipped mapping reads.
    ("system", "titles", "right", "wrong"),
    [
        ("carefirst", "kept", 32, 0),
        ("carefirst", "renamed", 32, 0),
        ("carefirst", "taken away", 14, 0),
        ("swift", "kept", 36, 0),
        ("swift", "renamed", 36, 0),
        ("swift", "taken away", 16, 0),
        ("eclipse", "kept", 23, 0),
        ("eclipse", "renamed", 24, 0),
        ("eclipse", "taken away", 12, 0),
        ("mosaic", "kept", 23, 0),
        ("mosaic", "renamed", 23, 0),
        ("mosaic", "taken away", 8, 0),
        ("liquidlogic", "kept", 22, 0),
        ("liquidlogic", "renamed", 22, 0),
        ("liquidlogic", "taken away", 8, 0),
    ],
)
def test_columns_proposed_right_at_least_and_wrong_at_most(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    system: str,
    titles: str,
    right: int,
    wrong: int,
) -> None:
    truth = retitled(system, titles, tmp_path, monkeypatch)
    found = counted(propose(connection, [tmp_path], as_at=AS_AT), truth)
    assert found[0] >= right, found
    assert found[1] <= wrong, found


def test_the_proposal_reads_the_files_at_once_and_holds_no_value(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "extract"
    folder.mkdir()
    retitled("swift", "renamed", folder, monkeypatch)
    text = as_toml(propose(connection, [folder], as_at=AS_AT))
    (tmp_path / "map.toml").write_text(text, encoding="utf-8")
    report = read(connection, [Source(folder, mapping=tmp_path / "map.toml")], side="clients", as_at=AS_AT)
    filled = {table for table, count in report.tables.items() if count}
    assert {"PERSON", "ADDRESS", "IDENTIFIER", "SERVICE"} <= filled
    ((people, numbers, homes, births),) = connection.execute(
        "SELECT count(*), count(nhs_number), count(postcode), count(birth_date) FROM clients.person"
    ).fetchall()
    assert (people, numbers, homes, births) == (30, 17, 30, 30)
    names = {cell for rows in extract("swift", monkeypatch).values() for row in rows[1:] for cell in row}
    words = set(text.replace('"', " ").replace(",", " ").split())
    told = {name for name in names & words if name.isupper() or any(letter.isdigit() for letter in name)}
    assert told <= {"NHS"}


def sheet(connection: duckdb.DuckDBPyConnection, folder: Path, text: str, system: str = "other") -> Any:
    (folder / "a.csv").write_text(text, encoding="utf-8")
    (made,) = propose(connection, [folder / "a.csv"], as_at=AS_AT, system=system).sheets
    return made


PEOPLE = (
    "1,Ann,Smith,03/04/1940,11/05/2019",
    "2,Joan,Taylor,14/08/1951,12/06/2020",
    "3,Mary,Brown,25/12/1938,23/07/2021",
    "4,Peter,Evans,19/02/1962,24/08/2018",
    "5,John,Walker,30/09/1971,15/09/2022",
)


def test_two_columns_that_could_both_be_it_are_left_to_the_user(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    records = [f"{person},{person.split(',')[3]}" for person in PEOPLE]
    made = sheet(connection, tmp_path, "\n".join(["A,B,C,D,E,F", *records]))
    assert (made.kind, made.open_questions) == ("person", (("birth_date", ("D", "F")),))
    assert made.title_of("birth_date") is None
    text = as_toml(Proposal("other", (made,)))
    assert text.count("# choose one: ") + text.count("# birth_date = ") >= 2


def test_dates_are_told_apart_by_their_order(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    made = sheet(connection, tmp_path, "\n".join(["A,B,C,D,E", *PEOPLE]))
    assert made.title_of("birth_date") == "D"
    assert made.forms == ("dd/mm/yyyy",)


def test_a_title_that_the_contents_belie_is_not_believed(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    records = [f"{person},07700 90000{n}" for n, person in enumerate(PEOPLE)]
    made = sheet(connection, tmp_path, "\n".join(["Person ID,Forename,Surname,DOB,Start,NHS Number", *records]))
    assert made.title_of("nhs_number") is None
    doubt = next(column for column in made.columns if column.title == "NHS Number")
    assert (doubt.chosen and doubt.chosen.field) in (None, "phone")
    assert any("but none of its values pass" in other.reason for other in doubt.others)


def test_dates_with_the_month_first_are_pointed_out(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    made = sheet(
        connection, tmp_path, "Person ID,Surname,Forename,DOB\n1,Smith,Ann,12/25/1940\n2,Brown,Joan,03/04/1950\n"
    )
    assert made.american == ("DOB",)


@pytest.mark.parametrize(
    "text",
    [
        "1,Smith,Ann,03/04/1940\n2,Brown,Joan,04/05/1950\n",
        "Smith,Ann,F\nBrown,Joan,F\n",
        "ref,name,BR1 1AA\n1,Brown,BR1 1AB\n",
    ],
)
def test_a_file_without_titles_is_said_to_have_none(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, text: str
) -> None:
    with pytest.raises(InputError, match="seems to hold a record, not titles; put a line of titles above it") as failed:
        sheet(connection, tmp_path, text)
    assert "Smith" not in str(failed.value)


def test_what_cannot_be_proposed(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="the system 'emis' is not known; it is one of carefirst"):
        sheet(connection, tmp_path, "a,b\n1,2\n", system="emis")
    with pytest.raises(InputError, match="holds a header and no records"):
        sheet(connection, tmp_path, "Person ID,Surname\n")
    made = sheet(connection, tmp_path, 'Shoe,"Odd ""title"" # \\"\nx,y\n')
    assert made.kind is None
    text = as_toml(Proposal("other", (made,)))
    (tmp_path / "map.toml").write_text(text, encoding="utf-8")
    assert "no kind of file was recognised" in text
    with pytest.raises(InputError, match="file found"):
        read(connection, [Source(tmp_path / "a.csv", mapping=tmp_path / "map.toml")], side="clients", as_at=AS_AT)


def test_the_sheets_of_a_workbook(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    import xlsxwriter

    book = xlsxwriter.Workbook(tmp_path / "clients.xlsx")
    people, phones = book.add_worksheet("People"), book.add_worksheet("Phones")
    for at, row in enumerate(["Ref,First,Last,Born,Seen", *PEOPLE]):
        people.write_row(at, 0, row.split(","))
    for at, row in enumerate([("Client", "Tel"), *((str(n), f"07700 90000{n}") for n in range(1, 6))]):
        phones.write_row(at, 0, row)
    book.close()
    sheets = propose(connection, [tmp_path / "clients.xlsx"], as_at=AS_AT).sheets
    assert [(sheet.name, sheet.kind) for sheet in sheets] == [
        ("clients.xlsx/People", "person"),
        ("clients.xlsx/Phones", "phone"),
    ]


@pytest.mark.parametrize(
    "above", [["Open clients", "Run on 1 May,", ""], ["Open clients,,,,", ",,,,", "Run on,1 May,,,"]]
)
def test_titles_below_what_a_report_says_of_itself(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, above: list[str]
) -> None:
    made = sheet(connection, tmp_path, "\n".join([*above, "A,B,C,D,E", *PEOPLE]))
    assert (made.kind, made.title_of("birth_date"), made.preamble) == ("person", "D", 30)


def test_empty_columns_go_by_their_titles(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    made = sheet(
        connection, tmp_path, "Person ID,Surname,Forename,DOB,UPRN\n1,Smith,Ann,25/12/1940,\n2,Brown,Joan,03/04/1950,\n"
    )
    assert made.title_of("uprn") == "UPRN"
    assert next(c for c in made.columns if c.title == "UPRN").holds == "empty"
