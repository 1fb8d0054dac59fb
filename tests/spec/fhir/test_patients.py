"""What becomes of each element of a FHIR R4 Patient, by the UK Core profile and its forerunners."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb

from tests.spec.fhir.patients import (
    NUMBER,
    OTHER,
    RETIRED,
    SLIP,
    UK,
    WALES,
    Load,
    Patient,
    by_case,
    cases,
    name,
    number,
    patient,
    rows,
    verified,
)


def test_a_plain_patient(load: Load, connection: duckdb.DuckDBPyConnection) -> None:
    report = load(patient())
    assert [(file.format, file.table, file.used) for file in report.files] == [("fhir", "PERSON", 1)]
    columns = "source, source_org, record_id, nhs_number, nhs_number_status, family_name, given_name, middle_names"
    assert rows(connection, "person", columns) == [("fhir", "p", "p1", NUMBER, "01", "Smith", "Zoë", "Ann May")]
    more = (
        "birth_date, birth_date_precision, gender, address_line_2, address_line_3, postcode, restricted, extract_line"
    )
    assert rows(connection, "person", more) == [(date(1950, 2, 1), "YMD", "2", "Penge", "Bromley", "BR1 1AA", False, 1)]


NO_CODE = "not one of the codes of this column"
SEVERAL_CODES = "several verification statuses for one NHS number"
CONNECT, GP_CONNECT = f"{UK}/STU3/StructureDefinition/Extension-CareConnect", "https://fhir.nhs.uk/x-CareConnect-GPC"
# Extensions of the NHS number; its status; what is said of it.
STATUSES: list[tuple[list[Patient], str | None, str | None]] = [
    ([verified("02")], "02", None),
    ([verified("01", RETIRED)], "01", None),  # as PDS sends it
    ([verified("number-present-and-verified", RETIRED)], "01", None),
    ([verified("number-present-but-not-traced", RETIRED)], "02", None),
    ([verified("03", WALES)], "03", None),
    ([verified("nn", WALES)], None, NO_CODE),
    ([verified("01", f"{UK}/STU3/CodeSystem/CareConnect-NHSNumberVerificationStatus-1", CONNECT)], "01", None),
    ([verified("04", "https://fhir.nhs.uk/CareConnect-NHSNumberVerificationStatus-1", GP_CONNECT)], "04", None),
    ([verified("NI", "http://terminology.hl7.org/CodeSystem/v3-NullFlavor")], None, None),
    ([{"url": "https://example.org/other", "valueString": "01"}], None, None),
    ([verified("01"), verified("01", RETIRED)], "01", None),
    ([verified("01"), verified("02", RETIRED)], None, SEVERAL_CODES),
    ([], None, None),
]


def test_verification_status_in_every_code_system(load: Load, connection: duckdb.DuckDBPyConnection) -> None:
    load(*cases([{"identifier": [number(NUMBER, *extensions)]} for extensions, _, _ in STATUSES]))
    assert by_case(connection, "person", "nhs_number_status", len(STATUSES)) == [[(s,)] for _, s, _ in STATUSES]
    expected = [[("nhs_number_status", issue)] if issue else [] for _, _, issue in STATUSES]
    assert by_case(connection, "data_quality", '"column", issue', len(STATUSES)) == expected


SUPERSEDED, AS_ENTERED = "superseded NHS number", "NHS number as entered"
PAS = "https://x.nhs.uk/pas"
# Identifiers; the NHS number; rows of IDENTIFIER; what is said of the number.
IDENTIFIERS: list[tuple[list[Patient], str | None, list[tuple[str, str]], str | None]] = [
    ([], None, [], None),
    ([number(" 943 476 5919 ")], NUMBER, [], None),
    ([{"system": "http://fhir.nhs.net/Id/nhs-number", "value": NUMBER}], NUMBER, [], None),
    ([number(SLIP)], None, [(AS_ENTERED, SLIP)], "fails the Modulus 11 check digit"),
    ([number(OTHER, use="old"), number()], NUMBER, [(SUPERSEDED, OTHER)], None),
    ([number(OTHER, period={"end": "2020"}), number()], NUMBER, [(SUPERSEDED, OTHER)], None),
    ([number(), number("943-476-5919")], NUMBER, [], None),
    ([number(), number(OTHER)], None, [], "several current NHS numbers in one resource"),
    ([{"system": PAS, "value": "77"}], None, [(PAS, "77")], None),
    ([{"system": f" {PAS}\n", "value": " 77 "}], None, [(PAS, "77")], None),
    ([{"type": {"text": "Mosaic"}, "value": "77"}], None, [("Mosaic", "77")], None),
    ([{"value": "77"}, {"system": PAS}], None, [("no system given", "77")], None),
]


def test_numbers_and_ids(load: Load, connection: duckdb.DuckDBPyConnection) -> None:
    count = len(IDENTIFIERS)
    load(*cases([{"identifier": given} for given, *_ in IDENTIFIERS]))
    assert by_case(connection, "person", "nhs_number", count) == [[(number,)] for _, number, _, _ in IDENTIFIERS]
    assert by_case(connection, "identifier", "scheme, value", count) == [held for _, _, held, _ in IDENTIFIERS]
    expected = [[("nhs_number", issue)] if issue else [] for *_, issue in IDENTIFIERS]
    assert by_case(connection, "data_quality", '"column", issue', count) == expected


NO_TEXT = "a list or an object where FHIR R4 has a text"
ONE_TEXT = "the name is given as one text only, which is not taken apart"
# Names; family, given and previous family name of PERSON; rows of NAME; what is said.
NAMES: list[tuple[list[Patient], tuple[str | None, ...], list[tuple[Any, ...]], str | None]] = [
    ([name("usual", "Smith", "Zoë")], ("Smith", "Zoë", None), [], None),
    ([name(None, "Smith", "Zoë")], ("Smith", "Zoë", None), [], None),
    (
        [name("usual", "Bell", "Bea"), name("official", "Smith", "Zoë")],
        ("Smith", "Zoë", None),
        [("known as", "Bell", "Bea")],
        None,
    ),
    (
        [name("nickname", None, "Zo"), name("old", "Ash"), name("maiden", "Oak"), name("usual", "Smith")],
        ("Smith", None, "Ash"),
        [("known as", None, "Zo"), ("maiden", "Oak", None), ("previous", "Ash", None)],
        None,
    ),
    # A name whose period is over is an old one, whatever its use says; one that has not begun is none yet.
    (
        [name("official", "Ash", end="2020-05"), name("usual", "Smith"), name("official", "Elm", start="2030")],
        ("Smith", None, "Ash"),
        [("known as", "Elm", None), ("previous", "Ash", None)],
        None,
    ),
    ([name("anonymous", "Nobody")], (None, None, None), [], None),
    ([name("old", "Ash", "Zo")], (None, None, "Ash"), [("previous", "Ash", "Zo")], None),
    ([name("official", "  ", " ", "Zoë")], (None, "Zoë", None), [], None),
    ([{"text": "Zoë Smith"}], (None, None, None), [], ONE_TEXT),
    # DSTU2 has a list of family names.
    ([{"use": "official", "family": ["Smith"], "given": ["Zoë"]}], (None, "Zoë", None), [], NO_TEXT),
    ([name("official", "Ng"), {"use": "nickname", "family": {"x": "Li"}}], ("Ng", None, None), [], None),
]


def test_names(load: Load, connection: duckdb.DuckDBPyConnection) -> None:
    load(*cases([{"name": given} for given, *_ in NAMES]))
    columns = "family_name, given_name, previous_family_name"
    assert by_case(connection, "person", columns, len(NAMES)) == [[called] for _, called, _, _ in NAMES]
    others = by_case(connection, "name", "name_type, family_name, given_name", len(NAMES))
    assert others == [expected for _, _, expected, _ in NAMES]
    expected = [[("family_name", issue)] if issue else [] for *_, issue in NAMES]
    assert by_case(connection, "data_quality", '"column", issue', len(NAMES)) == expected


FORM = "not a date in the form this source uses"
CATEGORY = "Extension-UKCore-EthnicCategory"


def ethnic(url: str, code: str) -> Patient:
    return {"extension": [{"url": f"{UK}/{url}", "valueCodeableConcept": {"coding": [{"system": "x", "code": code}]}}]}


# An element; columns of PERSON; their values; what is said.
ELEMENTS: list[tuple[Patient, str, tuple[Any, ...], str | None]] = [
    ({"birthDate": "1950"}, "birth_date, birth_date_precision", (date(1950, 1, 1), "Y"), None),
    ({"birthDate": "1950-02"}, "birth_date, birth_date_precision", (date(1950, 2, 1), "YM"), None),
    ({"birthDate": "01/02/1950"}, "birth_date, birth_date_precision", (None, None), FORM),
    ({"birthDate": "2050-01-01"}, "birth_date, birth_date_precision", (None, None), "in the future"),
    ({"deceasedDateTime": "2020-05-04T23:30:00+01:00"}, "death_date", (date(2020, 5, 4),), None),
    ({"deceasedDateTime": "2020-05"}, "death_date", (None,), "known to the year or month only"),
    ({"deceasedBoolean": True}, "death_date", (None,), "dead, and no date is given"),
    ({"deceasedBoolean": False}, "death_date", (None,), None),
    ({"gender": "other"}, "gender", ("9",), None),
    ({"gender": "unknown"}, "gender", ("0",), None),
    ({"gender": "F"}, "gender", (None,), "not a word or code this column has"),
    ({"meta": {"security": [{"code": "U"}]}}, "restricted", (False,), None),
    ({"meta": {"security": [{"code": "R"}]}}, "restricted", (True,), None),
    ({"meta": {"security": [{"code": "U"}, {"code": "V"}]}}, "restricted", (True,), None),
    (ethnic(f"StructureDefinition/{CATEGORY}", "G"), "ethnicity", ("G",), None),
    (ethnic("STU3/StructureDefinition/Extension-CareConnect-EthnicCategory-1", "99"), "ethnicity", ("99",), None),
]


def test_single_elements(load: Load, connection: duckdb.DuckDBPyConnection) -> None:
    load(*cases([element for element, *_ in ELEMENTS]))
    found = [rows(connection, "person", f"record_id, {columns}")[n][1:] for n, (_, columns, *_) in enumerate(ELEMENTS)]
    assert found == [expected for _, _, expected, _ in ELEMENTS]
    issues = by_case(connection, "data_quality", "issue", len(ELEMENTS))
    assert issues == [[(issue,)] if issue else [] for *_, issue in ELEMENTS]


def test_telecom_goes_by_rank(load: Load, connection: duckdb.DuckDBPyConnection) -> None:
    home = {"system": "phone", "value": "020 7946 0000", "use": "home"}
    mobile = {"system": "phone", "value": "tel:07700 900001", "use": "mobile"}
    over = {"system": "phone", "value": "07700 900002", "rank": 1, "period": {"end": "2020-01-01"}}
    work = {"system": "phone", "value": "020 7946 0009", "use": "work", "rank": 2}
    mails = [
        {"system": "email", "value": "z@example.org", "use": "old"},
        {"system": "email", "value": "zoe@example.org"},
    ]
    last = {"system": "phone", "value": "020 7946 0001", "use": "mobile", "rank": 2**31 - 1}
    each = [[home, mobile, over, work, *mails], [home, mobile], [over], [last, home], [last, over, mails[0]]]
    load(*cases([{"telecom": given} for given in each]))
    assert rows(connection, "person", "record_id, phone, email") == [
        ("c00", "020 7946 0009", "zoe@example.org"),
        ("c01", "07700 900001", None),
        ("c02", None, None),
        ("c03", "020 7946 0000", None),
        ("c04", "020 7946 0001", None),
    ]
