"""What becomes of each form and trap of FHIR R4 Patient resources, by the UK Core profile and its forerunners."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors import ReadReport, Source, read
from schemas.errors import InputError

AS_AT = date(2026, 11, 22)
NUMBER, OTHER, SLIP = "9434765919", "9434765870", "9434765918"
NHS = "https://fhir.nhs.uk/Id/nhs-number"
UK = "https://fhir.hl7.org.uk"
ENGLAND = f"{UK}/CodeSystem/UKCore-NHSNumberVerificationStatusEngland"
RETIRED = f"{UK}/CodeSystem/UKCore-NHSNumberVerificationStatus"
WALES = f"{UK}/CodeSystem/UKCore-NHSNumberVerificationStatusWales"
ODS = "https://fhir.nhs.uk/Id/ods-organization-code"

Patient = dict[str, Any]
Load = Callable[..., ReadReport]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        yield made


@pytest.fixture
def load(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Load:
    def load(*resources: Patient, text: str | None = None, name: str = "p.ndjson") -> ReadReport:
        path = tmp_path / name
        path.write_text(text or "\n".join(json.dumps(each) for each in resources), encoding="utf-8")
        report = read(connection, [Source(path)], side="clients", as_at=AS_AT)
        assert report.records == report.used + report.rejected + report.excluded
        return report

    return load


def rows(connection: duckdb.DuckDBPyConnection, table: str, columns: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT {columns} FROM clients.{table} ORDER BY ALL").fetchall()


def verified(code: str, system: str = ENGLAND, url: str = f"{UK}/StructureDefinition/Extension-UKCore") -> Patient:
    return {
        "url": f"{url}-NHSNumberVerificationStatus",
        "valueCodeableConcept": {"coding": [{"system": system, "code": code}]},
    }


def number(value: str = NUMBER, *extensions: Patient, **more: Any) -> Patient:
    return {"system": NHS, "value": value, **({"extension": list(extensions)} if extensions else {}), **more}


def patient(**changes: Any) -> Patient:
    """A plain Patient with changes; None takes an element away."""
    plain = {
        "resourceType": "Patient",
        "id": "p1",
        "identifier": [number(NUMBER, verified("01"))],
        "name": [{"use": "official", "family": "Smith", "given": ["Zoë", "Ann", "May"]}],
        "gender": "female",
        "birthDate": "1950-02-01",
        "address": [{"use": "home", "line": ["1 High Street", "Penge"], "city": "Bromley", "postalCode": "br11aa"}],
        **changes,
    }
    return {name: value for name, value in plain.items() if value is not None}


def name(use: str | None, family: str | None = None, *given: str, **period: str) -> Patient:
    made = {"use": use, "family": family, "given": list(given) or None, "period": period or None}
    return {key: value for key, value in made.items() if value is not None}


def cases(elements: Sequence[Patient]) -> list[Patient]:
    """A patient for each case, with the ids c00, c01, ...: one reading for a whole table."""
    return [patient(id=f"c{n:02}", **each) for n, each in enumerate(elements)]


def by_case(connection: duckdb.DuckDBPyConnection, table: str, columns: str, count: int) -> list[list[tuple[Any, ...]]]:
    """The rows of a table for each case, in order."""
    found: list[list[tuple[Any, ...]]] = [[] for _ in range(count)]
    for record_id, *row in rows(connection, table, f"record_id, {columns}"):
        found[int(record_id[1:])].append(tuple(row))
    return found


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


def test_addresses(load: Load, connection: duckdb.DuckDBPyConnection) -> None:
    """The home that is open and began last; lines beyond the fifth stand in it; empty lines close up."""
    key = {
        "url": f"{UK}/StructureDefinition/Extension-UKCore-AddressKey",
        "extension": [
            {"url": "type", "valueCoding": {"code": "UPRN"}},
            {"url": "value", "valueString": "100012345678"},
        ],
    }
    here = {
        "use": "home",
        "line": ["", "Flat 2", "The Elms", "1 High Street", "Penge"],
        "city": "Bromley",
        "district": "Kent",
        "postalCode": "BR1 1AB",
        "period": {"start": "2015-03"},
        "extension": [key],
    }
    load(
        patient(
            address=[
                {"use": "temp", "line": ["Hospital"], "postalCode": "SE5 9RS"},
                {"use": "home", "line": ["Before"], "postalCode": "BR1 1AA", "period": {"end": "2019"}},
                {"use": "home", "line": ["Earlier"], "period": {"start": "2001-01-01"}},
                here,
                {"type": "postal", "line": ["PO Box 1"]},
                {"use": "home", "line": ["Next year"], "period": {"start": "2027-01-01"}},
            ]
        )
    )
    five = "address_line_1, address_line_2, address_line_3, address_line_4, address_line_5"
    assert rows(connection, "person", f"{five}, postcode, uprn") == [
        ("Flat 2", "The Elms", "1 High Street", "Penge", "Kent, Bromley", "BR1 1AB", "100012345678")
    ]
    assert rows(connection, "address", "address_type, address_line_1, from_date, to_date") == [
        ("correspondence", "PO Box 1", None, None),
        ("home", "Before", None, date(2019, 12, 31)),
        ("home", "Earlier", date(2001, 1, 1), None),
        ("home", "Flat 2", date(2015, 3, 1), None),
        ("home", "Next year", date(2027, 1, 1), None),
        ("temporary", "Hospital", None, None),
    ]


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


def organisation(resource_id: str, code: str) -> Patient:
    identifiers = [{"system": "https://x", "value": "1"}, {"system": ODS, "value": code}]
    return {"resourceType": "Organization", "id": resource_id, "identifier": identifiers}


def test_organisations(load: Load, connection: duckdb.DuckDBPyConnection) -> None:
    """A reference says the code itself, or points at an Organization in the file or within the resource."""
    said = {
        "generalPractitioner": [{"identifier": {"system": ODS, "value": "A81001"}}],
        "managingOrganization": {"identifier": {"system": ODS, "value": "RYJ"}},
    }
    pointed = {
        "generalPractitioner": [
            {"identifier": {"system": ODS, "value": "A81009", "period": {"end": "2011"}}},
            {"reference": "Organization/o1"},
        ],
        "managingOrganization": {"reference": "https://example.org/fhir/Organization/o2"},
    }
    within = {
        "contained": [{"resourceType": "Organization", "id": "gp", "identifier": [{"system": ODS, "value": "A81002"}]}],
        "generalPractitioner": [{"reference": "#gp"}],
        "managingOrganization": {"reference": "Organization/missing"},
    }
    report = load(organisation("o1", "A81001"), organisation("o2", "RYJ"), *cases([said, pointed, within]))
    assert rows(connection, "person", "record_id, gp_practice_code, source_org") == [
        ("c00", "A81001", "RYJ"),
        ("c01", "A81001", "RYJ"),
        ("c02", "A81002", "p"),
    ]
    assert (report.used, report.excluded) == (3, 2)


ELSE = "another type of resource than Patient"
SHAPE = "not shaped as FHIR R4 has it: a list, object or text stands where another is due"
REPLACED = "replaced by another record (link.type = replaced-by)"
# A resource; whether it is excluded or rejected; the rule.
SET_ASIDE: list[tuple[Patient, str, str]] = [
    ({"resourceType": "Observation", "id": "p1"}, "excluded", ELSE),
    ({"resourceType": "OperationOutcome"}, "excluded", ELSE),
    ({"resourceType": "patient", "id": "p2"}, "excluded", ELSE),
    (patient(id=None), "rejected", "no id"),
    (patient(id="p3", active=False), "excluded", "not in use (active = false)"),
    (patient(id="p4", link=[{"type": "replaced-by", "other": {"reference": "Patient/p1"}}]), "excluded", REPLACED),
    (patient(id="p5", meta={"security": [{"code": "HTEST"}]}), "excluded", "marked as test data (HTEST)"),
    (patient(id="p6", name={"family": "Smith"}), "excluded", SHAPE),
    (patient(id="p7", identifier="9434765919"), "excluded", SHAPE),
    (patient(id="p8", birthDate=19500201), "excluded", SHAPE),
    ({"id": "p9", "name": []}, "rejected", "no FHIR resource: it has no resourceType"),
]


def test_set_aside(load: Load, connection: duckdb.DuckDBPyConnection) -> None:
    cut = json.dumps(patient(id="p10"))[:-9]
    lines = [json.dumps(patient()), *(json.dumps(each) for each, _, _ in SET_ASIDE), cut]
    load(text="\n".join(lines))
    expected = [(n, kind, rule) for n, (_, kind, rule) in enumerate(SET_ASIDE, 2)]
    expected.append((len(lines), "rejected", "not valid JSON"))
    assert rows(connection, "set_aside", "extract_line, kind, rule") == expected
    assert rows(connection, "person", "record_id") == [("p1",)]


def test_links_to_records_that_were_merged(load: Load, connection: duckdb.DuckDBPyConnection) -> None:
    """The one that stands for another keeps its id; refer and seealso say nothing of who they are."""
    links = [{"type": kind, "other": {"reference": f"Patient/{kind}"}} for kind in ("replaces", "refer", "seealso")]
    load(patient(link=links))
    assert rows(connection, "identifier", "scheme, value") == [("replaced record", "replaces")]


# Meta of the first and second version of one id; which is used.
VERSIONS: list[tuple[Patient, Patient, str]] = [
    ({"lastUpdated": "2024-01-02T00:00:00Z"}, {"lastUpdated": "2024-01-01T00:00:00Z"}, "First"),
    # 00:30 in Paris is the evening before in Greenwich.
    ({"lastUpdated": "2024-01-02T00:30:00+01:00"}, {"lastUpdated": "2024-01-01T23:45:00Z"}, "Second"),
    ({"versionId": "9"}, {"versionId": "10"}, "Second"),
    ({"versionId": "10"}, {"versionId": "9"}, "First"),
    ({}, {}, "Second"),
]


def test_of_one_id_the_latest_version_is_used(load: Load, connection: duckdb.DuckDBPyConnection) -> None:
    firsts = cases([{"meta": first, "name": [{"family": "First"}]} for first, _, _ in VERSIONS])
    seconds = cases([{"meta": second, "name": [{"family": "Second"}]} for _, second, _ in VERSIONS])
    report = load(*firsts, *seconds)
    assert by_case(connection, "person", "family_name", len(VERSIONS)) == [[(kept,)] for *_, kept in VERSIONS]
    assert (report.used, report.excluded) == (len(VERSIONS), len(VERSIONS))


def test_the_entries_of_a_bundle_are_records(connection: duckdb.DuckDBPyConnection, load: Load) -> None:
    people = [patient(id=f"p{n}") for n in range(3)]
    entries: list[Patient] = [{"fullUrl": f"urn:uuid:{n}", "resource": each} for n, each in enumerate(people)]
    entries.append({"search": {"mode": "include"}, "resource": {"resourceType": "Organization", "id": "o"}})
    load(text=json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": entries}, indent=2), name="b.json")
    assert rows(connection, "person", "record_id") == [("p0",), ("p1",), ("p2",)]
    assert rows(connection, "set_aside", "extract_record, rule") == [(4, ELSE)]


def test_an_array_of_resources(connection: duckdb.DuckDBPyConnection, load: Load) -> None:
    load(text=json.dumps([patient(), patient(id="p2")]), name="one.json")
    assert rows(connection, "person", "record_id, nhs_number") == [("p1", NUMBER), ("p2", NUMBER)]


def test_a_cut_document_is_refused_in_one_sentence(load: Load) -> None:
    whole = json.dumps({"resourceType": "Bundle", "entry": [{"resource": patient()}]}, indent=2)
    with pytest.raises(InputError, match="not valid JSON, or was cut short") as caught:
        load(text=whole[:-20], name="b.json")
    assert NUMBER not in str(caught.value)


# The oracle: what the plain json module sees of resources whose elements are there or not, in any order.
_TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=8
)
_PEOPLE = st.lists(
    st.fixed_dictionaries(
        {"id": st.from_regex("[A-Za-z0-9.-]{1,20}", fullmatch=True)},
        optional={
            "gender": st.sampled_from(["male", "female", "other", "unknown"]),
            "birthDate": st.sampled_from(["1950", "1950-02", "1950-02-28"]),
            "name": st.lists(st.fixed_dictionaries({"use": st.just("official"), "family": _TEXTS}), max_size=1),
            "active": st.just(True),
            "multipleBirthInteger": st.integers(1, 3),
            "photo": st.just([{"data": "AA=="}]),
        },
    ),
    min_size=1,
    max_size=20,
    unique_by=lambda each: each["id"],
)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=_PEOPLE, as_bundle=st.booleans(), turned=st.booleans())
def test_what_is_read_is_what_json_says(tmp_path: Path, people: list[Patient], as_bundle: bool, turned: bool) -> None:
    resources = [{"resourceType": "Patient", **each} for each in people]
    if turned:
        resources = [dict(reversed(each.items())) for each in resources]
    bundle = {"resourceType": "Bundle", "entry": [{"resource": each} for each in resources]}
    path = tmp_path / "x.json"
    text = json.dumps(bundle) if as_bundle else "\n".join(json.dumps(each, ensure_ascii=False) for each in resources)
    path.write_text(text, encoding="utf-8")
    genders = {"male": "1", "female": "2", "other": "9", "unknown": "0"}
    precision = {4: "Y", 7: "YM", 10: "YMD"}
    with duckdb.connect() as connection:
        read(connection, [Source(path)], side="clients", as_at=AS_AT)
        found = connection.execute(
            "SELECT record_id, gender, birth_date_precision, family_name FROM clients.person"
        ).fetchall()
    assert sorted(found, key=str) == sorted(
        (
            (
                each["id"],
                genders.get(each.get("gender", "")),
                precision.get(len(each.get("birthDate", ""))),
                (each.get("name") or [{}])[0].get("family"),
            )
            for each in people
        ),
        key=str,
    )
