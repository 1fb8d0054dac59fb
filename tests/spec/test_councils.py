"""What becomes of each trap in a council system's extract: records in; records, records set aside and issues out."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors import ReadReport, Source, read
from schemas import SOURCE_TABLES

AS_AT = date(2026, 11, 22)
FIXTURES = Path(__file__).parents[2] / "fixtures"
N1, N2, N3 = "9971000016", "9971000024", "9971000032"
"""Valid numbers of the test range."""
INVALID = "9971000000"


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        yield made


@pytest.fixture
def load(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Any:
    """Write files, read them as one extract, and hold the counts of its report against the tables."""

    def load(files: dict[str, str], **source: Any) -> ReadReport:
        folder = tmp_path / "extract"
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            # Tables stand here with spaces around their bars.
            lines = [line.split("|") for line in text.strip().splitlines()]
            path.write_text("\n".join(",".join(f'"{cell.strip()}"' for cell in line) for line in lines) + "\n", "utf-8")
        return counted(connection, read(connection, [Source(folder, **source)], side="clients", as_at=AS_AT))

    return load


def counted(connection: duckdb.DuckDBPyConnection, report: ReadReport) -> ReadReport:
    tables = [t.name.lower() for t in SOURCE_TABLES if t.name not in ("SET_ASIDE", "DATA_QUALITY")]
    union = " UNION ".join(f"SELECT extract_file, extract_record FROM clients.{table}" for table in tables)
    filled = dict(connection.execute(f"SELECT extract_file, count(*) FROM ({union}) GROUP BY ALL").fetchall())
    aside = dict(connection.execute("SELECT extract_file, count(*) FROM clients.set_aside GROUP BY ALL").fetchall())
    for file in report.files:
        assert aside.get(file.name, 0) == file.rejected + file.excluded
        if file.table != "-":
            assert filled.get(file.name, 0) == file.used
    return report


@pytest.fixture
def rows(connection: duckdb.DuckDBPyConnection) -> Any:
    def rows(table: str, columns: str, order: str = "record_id, extract_file, extract_record") -> list[tuple[Any, ...]]:
        return connection.execute(f"SELECT {columns} FROM clients.{table} ORDER BY {order}").fetchall()

    return rows


@pytest.fixture
def aside(rows: Any) -> Any:
    return lambda: rows("set_aside", "extract_file, extract_line, rule", "extract_file, extract_record")


ECLIPSE = """
    PERSONID | CAREFIRSTID | FORENAME | SURNAME | SEX    | ETHNICITYCODE | DATEOFBIRTH | DUEDATE    | NHSNUMBER
    1        | 0045121     | Ann      | Oakes   | Female | WHITE_BRITISH | 1938-04-17  |            | 997 100 0016
    2        |             | Win      | Clarke  | Male   | NOT_KNOWN     | 1944-09-02  |            |
    3        |             | Anne     | Oakes   | Female | WHITISH       | 1938-04-17  |            |
    4        |             | Unborn   | Bhatt   |        | REFUSED       |             | 2027-02-01 |
"""
ECLIPSE_VIEW = """
    PERSONID | FORENAME | SURNAME | DATEOFBIRTH | GENDER | CAREFIRSTID | DUPLICATED
    1        | Ann      | Oakes   | 1938-04-17  | Woman  | 0045121     |
    3        | Anne     | Oakes   | 1938-04-17  | Woman  |             | DUPLICATE
"""


def test_eclipse_people(load: Any, rows: Any, aside: Any) -> None:
    report = load({"PERSONDEMOGRAPHICSVIEW.csv": ECLIPSE, "PERSONVIEW.csv": ECLIPSE_VIEW})
    assert report.formats == ("eclipse",)
    assert rows("person", "record_id, nhs_number, family_name, given_name, birth_date, gender, ethnicity") == [
        ("1", N1, "Oakes", "Ann", date(1938, 4, 17), "2", "A"),
        ("2", None, "Clarke", "Win", date(1944, 9, 2), "1", "99"),
        ("4", None, "Bhatt", None, None, None, "Z"),  # a due date is no date of birth
    ]
    assert rows("identifier", "record_id, scheme, value") == [("1", "carefirst", "0045121")]
    assert aside() == [("PERSONDEMOGRAPHICSVIEW.csv", 4, "marked as a duplicate")]
    assert [file.used for file in report.files] == [3, 2]  # the second view only helps to read the first


def test_eclipse_addresses_in_parts_and_numbers_in_rows(load: Any, rows: Any, aside: Any) -> None:
    files = {
        "people.csv": ECLIPSE,
        "addresses.csv": """
            PERSONID|TYPE|STARTDATE|ENDDATE|POSTCODE|ROOMDESCRIPTION|FLOORDESCRIPTION|BUILDINGNAMEORNUMBER|STREETNAME|TOWNORCITY|UPRN
            1|HOME     |2001-05-01|2019-02-03|BR1 1AA|      ||12        |Mill Lane  |Bexford|
            1|HOME     |2019-02-03|          |br11bx |Room 4||Rose Court|High Street|Bexford|010012345678
            1|PLACEMENT|2026-01-10|          |BR1 1ET|      ||The Limes |Park Road  |Bexford|
            2|HOME     |1999-01-01|9999-12-31|BR1 1GQ|      ||5         |Station Road|Bexford|
            9|HOME     |1999-01-01|          |BR1 1GQ|      ||5         |Station Road|Bexford|
        """,
        "numbers.csv": f"""
            PERSONID|REFERENCENUMBER|REFERENCETYPECODE|STARTDATE|ENDDATE
            1|{N2}|NHS|2015-01-01|
            2|{N3}|NHS|2015-01-01|2016-01-01
            2|{INVALID}|NHS|2016-01-01|
            2|QQ123456C|NINO|2016-01-01|
        """,
    }
    load(files)
    where = "record_id, address_line_1, address_line_2, address_line_4, postcode, uprn"
    assert rows("person", where)[:2] == [
        ("1", "Room 4", "Rose Court High Street", "Bexford", "BR1 1BX", "010012345678"),
        ("2", None, "5 Station Road", "Bexford", "BR1 1GQ", None),
    ]
    assert rows("address", "record_id, address_type, to_date") == [
        ("1", "home", date(2019, 2, 3)),
        ("1", "home", None),
        ("1", "temporary", None),
        ("2", "home", None),  # the year 9999 is no end
    ]
    # The person's own number goes before that of a row; an ended number is nobody's, an invalid one is kept as entered.
    assert rows("person", "record_id, nhs_number")[:2] == [("1", N1), ("2", None)]
    assert rows("identifier", "record_id, scheme, value", "record_id, scheme, value") == [
        ("1", "carefirst", "0045121"),
        ("1", "nhs number", N2),
        ("2", "NHS number as entered", INVALID),
        ("2", "NINO", "QQ123456C"),
        ("2", "nhs number", N3),
        ("2", "nhs number", None),
    ]
    assert rows("data_quality", 'record_id, "column", issue, used, extract_file') == [
        ("1", "nhs_number", "an identifier row holds another NHS number", True, "numbers.csv"),
        ("2", "nhs_number", "fails the Modulus 11 check digit", False, "numbers.csv"),
        ("3", "ethnicity", "not a word or code this column has", False, "people.csv"),
    ]
    assert aside() == [("addresses.csv", 6, "its person is not in the extract, or was set aside")]


MOSAIC = """
    PERSON_ID | NHS_ID     | FIRST_NAME | LAST_NAME | DATE_OF_BIRTH           | GENDER | RESTRICTED | PERSON_ID_LEGACY
    1         | 9971000016 | Sheila     | Dunn      | 1941-07-14 00:00:00.000 | F      | N          | 00091
    2         | 0          | Ahmed      | Iqbal     | 1955-11-03 00:00:00.000 | M      |            | F2
    3         | 9.971E+09  | Ellen      | Voss      | 1962-02-28T00:00:00     | U      | R          | F3
    4         |            | Sheila     | Dunne     | 1941-07-14              | F      | Y          | F4
"""


def test_mosaic_people(load: Any, rows: Any, aside: Any) -> None:
    files = {
        "DM_PERSONS.csv": MOSAIC,
        "duplicates.csv": "PERSON_ID|DUPLICATE\n4|Y",
        "DM_TELEPHONE_NUMBERS.csv": """
            TELEPHONE_NUMBER_ID|PERSON_ID|TELEPHONE_NUMBER|TELEPHONE_NUMBER_TYPE
            1|1|01632 960001|Home
            2|1|07700 900001|Mobile
            3|2|01632 960002|Home
        """,
        "MO_SUBJECT_REFERENCES.csv": f"SUBJECT_COMPOUND_ID|REFERENCE|REFERENCE_TYPE_CODE\n2|{N2}|NHS",
    }
    assert load(files).formats == ("mosaic",)
    assert rows("person", "record_id, nhs_number, gender, restricted, phone") == [
        ("1", N1, "2", False, "07700 900001"),
        ("2", N2, "1", None, "01632 960002"),
        ("3", None, "0", True, None),
    ]
    assert rows("opt_out", "record_id, scheme, opted_out") == [("3", "local", True)]
    assert rows("data_quality", 'record_id, "column", issue, used') == [
        ("3", "nhs_number", "damaged by a spreadsheet (scientific notation or a decimal point)", False),
        ("3", "restricted", "neither yes nor no: taken as restricted", True),
    ]
    assert aside() == [("DM_PERSONS.csv", 5, "marked as a duplicate")]
    legacy = [("1", "00091"), ("2", "F2"), ("3", "F3")]
    assert rows("identifier", "record_id, value", "record_id, scheme")[:1] == legacy[:1]


CURRENT_ADDRESSES = [
    # One column, parted at commas and line breaks; the postcode is taken from its end where it has no column.
    (
        ["Flat 2, 40 Quay Street, Lutham, lu2 4qd||MAIN|Y|2015-06-01|"],
        ("Flat 2", "40 Quay Street", "Lutham", "LU2 4QD"),
    ),
    (["a, b, c, d, e, f|BR1 1AA|MAIN|Y|2015-06-01|"], ("a", "b", "c", "BR1 1AA")),
    # Of two open homes the one that is shown, then the last to begin.
    (["1 Old Road||MAIN|Y|2010-01-01|", "2 New Road||MAIN|N|2018-01-01|"], ("1 Old Road", None, None, None)),
    (["1 Old Road||MAIN|Y|2010-01-01|", "2 New Road||MAIN|Y|2018-01-01|"], ("2 New Road", None, None, None)),
    # Neither one that ends today, nor one that has not begun, nor a placement.
    (["1 Old Road||MAIN|Y|2010-01-01|2026-11-22"], (None, None, None, None)),
    (["1 Old Road||MAIN|Y|2010-01-01|2026-11-23"], ("1 Old Road", None, None, None)),
    (["1 Old Road||MAIN|Y|2027-01-01|"], (None, None, None, None)),
    (["1 Old Road||PLACEMENT|Y|2010-01-01|"], (None, None, None, None)),
    # An end that cannot be read is an end.
    (["1 Old Road||MAIN|Y|2010-01-01|soon"], (None, None, None, None)),
    (["NOT FOUND||MAIN|Y|2010-01-01|"], (None, None, None, None)),
]


def test_mosaic_current_address(load: Any, rows: Any) -> None:
    titles = "PERSON_ID|ADDRESS|POST_CODE|ADDRESS_TYPE|IS_DISPLAY_ADDRESS|START_DATE|END_DATE"
    numbered = list(enumerate(CURRENT_ADDRESSES, start=100))
    people = "\n".join(f"{n}||Ann|Oakes|1941-07-14|F||" for n, _ in numbered)
    addresses = "\n".join(f"{n}|{row}" for n, (written, _) in numbered for row in written)
    load({"p.csv": f"{MOSAIC.strip().splitlines()[0]}\n{people}", "a.csv": f"{titles}\n{addresses}"})
    assert rows("person", "address_line_1, address_line_2, address_line_3, postcode") == [
        found for _, found in CURRENT_ADDRESSES
    ]


def test_liquidlogic(load: Any, rows: Any, aside: Any) -> None:
    files = {
        "DIM_PERSON.csv": """
            DIM_PERSON_ID|LEGACY_ID|FORENAME|SURNAME|GENDER_MAIN_CODE|BIRTH_DTTM|DOB_ESTIMATED|DUPLICATED_DTTM|IS_CLIENT
            -1|      |Unknown|Unknown|U|                   | |          |Y
            1 |SW0771|Doreen |Hale   |F|1936-05-05 00:00:00|N|          |Y
            2 |      |Tomasz |Nowak  |M|1958-03-01 00:00:00|Y|          |Y
            3 |      |Dorene |Hale   |F|1936-05-05 00:00:00|N|2023-04-05|Y
            4 |      |Linda  |Hale   |F|1965-02-02 00:00:00|N|          |N
            5 |      |Unknown|Farrow |M|1950-02-30 00:00:00|N|          |Y
        """,
        "DIM_PERSON_ADDRESS.csv": """
            DIM_PERSON_ID|ADDSS_TYPE_CODE|START_DTTM|END_DTTM|POSTCODE|FLAT_NO|BUILDING|HOUSE_NO|STREET|TOWN
            1 |HOME|2000-01-01||BR1 1LA   |Flat 3|Ash House|18|Cedar Road|Bexford
            2 |HOME|2019-01-01||XXXX XXX  |      |         |  |NOT KNOWN |UNKNOWN
            5 |HOME|2019-01-01||nopostcode|      |         |2 |Vale Road |Bexford
            -1|HOME|2019-01-01||BR1 1LB   |      |         |2 |Vale Road |Bexford
        """,
    }
    (report, *_) = load(files).files
    assert report.format == "liquidlogic"
    columns = "record_id, family_name, given_name, birth_date, birth_date_precision, address_line_1, address_line_2"
    assert rows("person", columns) == [
        ("1", "Hale", "Doreen", date(1936, 5, 5), "YMD", "Flat 3", "Ash House 18 Cedar Road"),
        ("2", "Nowak", "Tomasz", date(1958, 1, 1), "Y", None, None),
        ("5", "Farrow", None, None, None, None, "2 Vale Road"),
    ]
    assert rows("identifier", "scheme, value") == [("liquidlogic legacy", "SW0771")]
    assert rows("data_quality", 'record_id, "column", issue') == [("5", "birth_date", "an impossible date")]
    assert aside() == [
        ("DIM_PERSON.csv", 2, "the row that stands for an unknown person"),
        ("DIM_PERSON.csv", 5, "marked as a duplicate"),
        ("DIM_PERSON.csv", 6, "not a client: a relative, carer or professional"),
        ("DIM_PERSON_ADDRESS.csv", 3, "no address in the record"),
        ("DIM_PERSON_ADDRESS.csv", 5, "its person is not in the extract, or was set aside"),
    ]


def test_carefirst_merges_marks_and_events(load: Any, rows: Any, aside: Any) -> None:
    files = {
        "people.csv": """
            CareFirst Number|Surname|Forename|DOB|Deceased|CareSecure|Merged Into
            0001    |Oakes |Ann|03/04/1940|No |          |
            0002    |Oaks  |Ann|03/04/1940|No |          |0001
            0003    |      |   |12/12/1948|   |CareSecure|
            0004    |Blythe|Tom|09/09/1930|Yes|          |
            5.0E+03 |Cole  |Una|01/02/1950|No |          |
            6.0     |Cole  |Ina|01/02/1950|No |          |
            7       |n/a   |TBC|not known |No |          |
        """,
        "assessments.csv": """
            ASM_ID|PERID|ASSESSMENT_START|ASSESSMENT_END|QSA_DESCRIPTION|QSA_GROUP|FORM_OUTCOME|CLIENT_GROUP
            A1|0002|02/05/2023|31/12/9999|Overview|Adults|Services to start|Older people
        """,
        "contacts.csv": "Person ID|Contact ID|Contact Type|Contact Date\n0004|K1|Existing client contact|07/01/2025",
        "reviews.csv": "PIN|Review ID|Review Type|Review Date|Review Outcome\n0001|R1|Planned|01/11/2025|Continue",
        "agreements.csv": """
            PERID|AGREEMENT_START|AGREEMENT_END|SERVICE|SERVICE_DESCRIPTION|ELEMENT_DESCRIPTION|SERVICE/ELEMENT_COST
            0002|01/04/2024|31/03/2025|HC|Home care|Morning call|£12.50
        """,
        "ids.csv": f"PIN|Alternative ID Type|Alternative ID\n0003|NHS Number|{INVALID}\n0003|NHS Number|{N1}",
    }
    load(files)
    assert rows("person", "record_id, nhs_number, family_name, given_name, death_date, restricted") == [
        ("0001", None, "Oakes", "Ann", None, None),
        ("0003", N1, None, None, None, True),
        ("0004", None, "Blythe", "Tom", None, None),
        ("7", None, None, None, None, None),
    ]
    # What hangs on a merged id goes to the record that is left.
    assert rows("assessment", "record_id, event_id, assessment_type, outcome, start_date, end_date") == [
        ("0001", "A1", "Overview", "Services to start", date(2023, 5, 2), None)
    ]
    assert rows("service", "record_id, service_type, service_component, unit_cost") == [
        ("0001", "Home care", "Morning call", 12.5)
    ]
    assert rows("request", "record_id, route_of_access") == [("0004", "Existing client contact")]
    assert rows("care_review", "record_id, review_reason, outcome") == [("0001", "Planned", "Continue")]
    assert rows("opt_out", "record_id, scheme") == [("0003", "local")]
    assert rows("data_quality", 'record_id, "column", issue') == [
        ("0003", "restricted", "neither yes nor no: taken as restricted"),
        ("0004", "death_date", "marked as dead, without a date"),
    ]
    damaged = "its id was damaged by a spreadsheet (scientific notation or a decimal point)"
    assert aside() == [
        ("people.csv", 3, "merged into another record"),
        ("people.csv", 6, damaged),
        ("people.csv", 7, damaged),
    ]


def test_swift_ids_that_lost_their_zeros(load: Any, rows: Any, tmp_path: Path) -> None:
    mapping = tmp_path / "map.toml"
    mapping.write_text('source = "swift"\nperson_id_digits = 8\n', encoding="utf-8")
    files = {
        "persons.csv": """
            AIS ID   | SURNAME | FORENAMES | DATE_OF_BIRTH | RESTRICTED_ACCESS | SHARING_OBJECTION | MERGED_INTO
            00006001 | WARD    | JOHN PAUL | 01-JAN-45     | N                 |                   |
            00006002 | WARD    | JON       | 01-JAN-45     | N                 |                   | 6001
            00006003 | HOLT    | EDITH     | 30-JUN-1931   | N                 | Y                 |
        """,
        "references.csv": f"""
            AIS ID | REFERENCE_TYPE | REFERENCE_VALUE | START_DATE | END_DATE
            6002   | NHS            | {N1}            |            |
            6003   | NHS NO         | {N2}            | 01-Feb-10  | 31-Dec-9999
            6003   | NHS NO         | {N3}            | 01-Feb-05  | 01-Feb-10
        """,
        "referrals.csv": "AIS ID|REFERRAL_ID|REFERRAL_SOURCE|REFERRAL_DATE\n6003|F1|GP|03-Mar-24",
    }
    (note, *_) = [file.note for file in load(files, mapping=mapping).files]
    assert note == "own mapping map.toml, over the swift profile: assumed layout: no public one exists"
    assert rows("person", "record_id, nhs_number, given_name, middle_names, birth_date") == [
        ("00006001", N1, "JOHN", "PAUL", date(1945, 1, 1)),
        ("00006003", N2, "EDITH", None, date(1931, 6, 30)),
    ]
    assert rows("opt_out", "record_id") == [("00006003",)]
    assert rows("request", "record_id, event_id, route_of_access, start_date") == [
        ("00006003", "F1", "GP", date(2024, 3, 3))
    ]


OWN = """
source = "northshire"
profile = "other"
full_name_order = "{order}"
placeholder_births = ["1900-01-01", "1911-11-11"]
restricted_is_objection = false

[columns]
person_id = "Ref"

[kinds.person]
required = ["person_id", "full_name", "birth_date"]
[kinds.person.columns]
full_name = "Client"
birth_date = "Born"
address = "Lives at"
restricted = "Locked"
gender = "G"

[identifiers]
housing = "Tenancy"

[words.gender]
w = "2"

[leave_out.staff_test_people]
field = "person_id"
words = ["T1", "T2"]
because = "a test person"

[kinds.name.columns]
name_type = "What"
family_name = "Name"
"""


@pytest.mark.parametrize(
    ("order", "names"),
    [
        (
            "given family",
            {
                "Ann Jane Oakes": ("Oakes", "Ann", "Jane"),
                "OAKES, Ann Jane": ("OAKES", "Ann", "Jane"),
                "Oakes": ("Oakes", None, None),
                "Unknown": (None, None, None),
            },
        ),
        ("family given", {"Oakes Ann Jane": ("Oakes", "Ann", "Jane"), "Oakes": ("Oakes", None, None)}),
    ],
)
def test_a_system_nobody_has_heard_of_is_one_mapping(
    load: Any, rows: Any, aside: Any, tmp_path: Path, order: str, names: dict[str, tuple[str | None, ...]]
) -> None:
    mapping = tmp_path / "map.toml"
    mapping.write_text(OWN.format(order=order), encoding="utf-8")
    lives = "Y|w|1 High Street; Bexford BR1 1AA|11/11/1911|H1"
    people = "\n".join(f"{n}|{name}|{lives}" for n, name in enumerate(names, start=1))
    files = {
        "clients.csv": f"Ref|Client|Locked|G|Lives at|Born|Tenancy\n{people}\nT1|Some One||||01/01/1950|",
        "names.csv": "Ref|What|Name\n1|Maiden|Pike\n1|Nickname|Pip\n1|Former|",
    }
    assert load(files, mapping=mapping).formats == ("northshire",)
    assert rows("person", "family_name, given_name, middle_names") == list(names.values())
    columns = "source, birth_date, birth_date_precision, gender, restricted, postcode"
    assert set(rows("person", columns)) == {("northshire", None, None, "2", True, "BR1 1AA")}
    assert rows("opt_out", "record_id") == []
    assert rows("name", "name_type, family_name") == [("maiden", "Pike"), (None, "Pip")]
    assert {held for _, held in rows("identifier", "scheme, value")} == {"H1"}
    issue = ("birth_date", "a date that stands for an unknown one")
    assert set(rows("data_quality", '"column", issue')) == {issue}
    assert [rule for *_, rule in aside()] == ["a test person", "no name in the record"]


def test_two_fields_may_be_one_column(load: Any, rows: Any, tmp_path: Path) -> None:
    mapping = tmp_path / "map.toml"
    mapping.write_text(
        'source = "carefirst"\n[kinds.person.columns]\nknown_as = "Forename"\n[identifiers]\nown = "PIN"\n',
        encoding="utf-8",
    )
    load({"p.csv": "PIN|Surname|Forename|DOB\n1|Oakes|Ann|01/02/1940"}, mapping=mapping)
    assert rows("name", "given_name") == [("Ann",)]
    assert rows("identifier", "scheme, value") == [("own", "1")]


@pytest.mark.parametrize(
    ("system", "folder", "people"),
    [
        ("carefirst", "carefirst6", 4),
        ("swift", "ais", 3),
        ("eclipse", "eclipse", 7),
        ("mosaic", "mosaic", 5),
        ("liquidlogic", "liquidlogic", 4),
    ],
)
def test_the_fixtures_are_read_as_the_system_they_are_of(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    system: str,
    folder: str,
    people: int,
) -> None:
    monkeypatch.syspath_prepend(str(FIXTURES))
    for name, data in importlib.import_module(f"systems.{system}").files().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    mapping = tmp_path / folder / "mapping.toml"
    source = Source(tmp_path / folder, mapping=mapping if mapping.exists() else None)
    report = counted(connection, read(connection, [source], side="clients", as_at=AS_AT))
    assert report.formats == (system,)
    assert report.tables["PERSON"] == people
    assert {"layout" in (file.note or "") for file in report.files} == {True}
