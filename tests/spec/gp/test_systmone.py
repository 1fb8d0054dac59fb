"""What becomes of each trap in SystmOne extracts, and their deliveries laid over each other."""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path

import duckdb
import pytest

from connectors import Source
from schemas.errors import InputError
from tests.spec.gp.reading import NUMBER, Files, Row, aside, load, table
from tests.spec.gp.systmone import SR_CODE, SR_PATIENT, removed, systmone

# Entries of one patient (what differs from SR_CODE), the opt-outs that come of them, and the rules of those left out.
_SR_ENTRIES: dict[str, tuple[list[Row], list[tuple[str, bool]], list[str]]] = {
    "by CTV3": ([{}], [("type 1", True)], []),
    "by SNOMED": ([{"CTV3Code": "", "SNOMEDCode": "416409005"}], [("local sharing", True)], []),
    "in other capitals it is another code": ([{"CTV3Code": "XAZ89"}], [], []),
    "a Read v2 code is not a CTV3 code": ([{"CTV3Code": "9Nu0"}], [], []),
    "removed": ([{"RemovedData": "1"}], [], ["removed (RemovedData)"]),
    "a Type 2 objection": (
        [{"CTV3Code": "XaaVL"}],
        [],
        ["a Type 2 objection: retired on 11 October 2018, the national"],
    ),
    "nobody's": ([{"IDPatient": ""}], [], ["no IDPatient"]),
    "recorded elsewhere it holds as well": ([{"IDOrganisation": "B81002"}], [("type 1", True)], []),
    "re-sent": ([{}, {"CTV3Code": "XaKRw", "RowIdentifier": "same"}], [("local sharing", True)], ["superseded"]),
    "a number without its value": ([{"CTV3Code": "XaJQs"}], [], ["a code for a number, and no number with it"]),
}


def test_systmone_coded_entries(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    ids = {case: str(n) for n, case in enumerate(_SR_ENTRIES, start=1)}
    records, cases = [], []
    for case, (changes, *_) in _SR_ENTRIES.items():
        for n, change in enumerate(changes):
            own = {"IDPatient": ids[case], "RowIdentifier": f"{ids[case]}0{n}", "IDOrganisation": ""}
            record = {**SR_CODE, **own, **change}
            records.append(record | ({"RowIdentifier": f"{ids[case]}00"} if record["RowIdentifier"] == "same" else {}))
            cases.append(case)
    people = [{**SR_PATIENT, "RowIdentifier": number} for number in ids.values()]
    opted_out = [{"RowIdentifier": "1", "IDOrganisationVisibleTo": "A81001", "IDPatient": "1"}]
    number = {**SR_CODE, "CTV3Code": "XaJQs", "RowIdentifier": "9", "NumericValue": "77.0"}
    files = {"SRPatient": people, "SRCode": [*records, number], "SRNDOptOutPreference": opted_out}
    load(connection, systmone(tmp_path, **files))
    opt_outs = table(connection, "opt_out", "record_id, scheme, opted_out")
    rules = {line: rule for _, line, rule in aside(connection)}
    for case, (_, expected, starts) in _SR_ENTRIES.items():
        own = [found[1:] for found in opt_outs if found[0] == ids[case] and found[1] != "national data opt-out"]
        said = [rules[line] for line, of in enumerate(cases, start=2) if of == case and line in rules]
        assert own == expected, case
        assert [rule.startswith(start) for rule, start in zip(said, starts, strict=True)] == [True] * len(starts), case
    assert ("1", "national data opt-out", True) in opt_outs
    assert table(connection, "identifier", "scheme, value") == [("social services reference", "77")]


def test_systmone_takes_nothing_from_relatives_and_rounds_nothing(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    relative = {"RowIdentifier": "1", "IDPatient": "1", "CodeRelationshipWithUser": NUMBER, "NextOfKin": "1"}
    patient = {**SR_PATIENT, "NHSNumber": "9434765919.0", "SSRef": "12345"}
    report = load(connection, systmone(tmp_path, SRPatient=[patient], SRPatientRelationship=[relative]))
    assert table(connection, "person", "nhs_number, birth_date") == [(None, date(1950, 2, 1))]
    assert table(connection, "identifier", "scheme, value") == [("social services reference", "12345")]
    notes = {file.name: file.note or "" for file in report.files}
    assert notes["SRPatientRelationship.csv"].startswith("not read")


SR_FULL = {"SRPatient": [SR_PATIENT, {**SR_PATIENT, "RowIdentifier": "2"}], "SRCode": [SR_CODE]}
NEXT = {"since": "20261001_0200", "until": "20261002_0200"}
# What the second delivery holds; the people and the number of opt-outs that are left.
_SR_DELTAS: dict[str, tuple[Files, list[str], int]] = {
    "added and changed": ({"SRPatient": [{**SR_PATIENT, "RowIdentifier": "3"}]}, ["1", "2", "3"], 1),
    "a patient is removed by the row alone": ({"SRPatient": [removed("1")]}, ["2"], 0),
    "an entry is removed by the row alone": ({"SRPatient": [], "SRCode": [removed("31")]}, ["1", "2"], 0),
    "an entry gets another code": ({"SRCode": [{**SR_CODE, "CTV3Code": "XaX"}], "SRPatient": []}, ["1", "2"], 0),
    "one is removed, another is new": (
        {"SRPatient": [removed("1"), {**SR_PATIENT, "RowIdentifier": "3"}]},
        ["2", "3"],
        0,
    ),
}


@pytest.mark.parametrize("case", _SR_DELTAS)
def test_a_feed_of_systmone(connection: duckdb.DuckDBPyConnection, tmp_path: Path, case: str) -> None:
    files, people, opt_outs = _SR_DELTAS[case]
    systmone(tmp_path / "a", **SR_FULL)
    # Files without records have their titles all the same.
    rows = {name: records or [{**dict.fromkeys(SR_PATIENT, ""), **removed("404")}] for name, records in files.items()}
    systmone(tmp_path / "b", delta=list(files), **NEXT, **rows)
    load(connection, tmp_path)
    assert [who for (who,) in table(connection, "person", "record_id")] == people
    assert len(table(connection, "opt_out", "record_id")) == opt_outs


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        (
            {"since": "20261003_0200", "until": "20261004_0200"},
            "a delivery is missing before this one: it begins after",
        ),
        ({"since": "20261001_0200", "until": "20261001_0200"}, "is of the same delivery and differs"),
    ],
)
def test_a_feed_of_systmone_is_held(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, second: dict[str, str], sentence: str
) -> None:
    systmone(tmp_path / "a", **SR_FULL)
    systmone(tmp_path / "b", delta=["SRPatient"], SRPatient=[{**SR_PATIENT, "Surname": "Jones"}], **second)
    with pytest.raises(InputError, match=sentence):
        load(connection, tmp_path / "b", tmp_path / "a")


def test_two_practices_and_a_day_on_which_nothing_changed(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """A delivery of no records may be of either practice: it fills a gap, and is no copy of another one."""
    other = {"IDOrganisationVisibleTo": "B81002", "RowIdentifier": "5"}
    nothing = [removed("404")]
    days = [("20261001_0200", "20261002_0200"), ("20261002_0200", "20261003_0200")]
    (first_since, first_until), (then_since, then_until) = days
    systmone(tmp_path / "a1", SRPatient=[SR_PATIENT])
    systmone(tmp_path / "a2", delta=["SRPatient"], since=first_since, until=first_until, SRPatient=nothing)
    changed = [{**SR_PATIENT, "Surname": "Jones"}]
    systmone(tmp_path / "a3", delta=["SRPatient"], since=then_since, until=then_until, SRPatient=changed)
    systmone(tmp_path / "b1", SRPatient=[{**SR_PATIENT, **other}])
    changed = [{**SR_PATIENT, **other, "Surname": "Brown"}]
    systmone(tmp_path / "b2", delta=["SRPatient"], since=first_since, until=first_until, SRPatient=changed)
    load(connection, tmp_path)
    assert table(connection, "person", "source_org, family_name") == [("A81001", "Jones"), ("B81002", "Brown")]


def test_changes_alone_are_read_where_they_are_meant(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    systmone(tmp_path, delta=["SRPatient"], SRPatient=[SR_PATIENT], **NEXT)
    with pytest.raises(InputError, match="holds only changes, and the full extract they follow is not here: SRPatient"):
        load(connection, tmp_path)
    with duckdb.connect() as other:
        load(other, Source(tmp_path, feed="delta"))
        assert table(other, "person", "record_id") == [("1",)]


def test_one_table_is_sent_in_full_again_alone(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    first = systmone(tmp_path / "a", **SR_FULL)
    second = systmone(tmp_path / "b", SRCode=[{**SR_CODE, "RowIdentifier": "32", "IDPatient": "2"}], **NEXT)
    load(connection, first, Source(second, format="systmone", feed="full"))
    assert table(connection, "opt_out", "record_id") == [("2",)]


def test_a_manifest_of_two_moments(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    folder = systmone(tmp_path, SRPatient=[SR_PATIENT], SRCode=[SR_CODE])
    path = folder / "SRManifest.csv"
    path.write_text(path.read_text(encoding="cp1252").replace("20261001_0200", "20261002_0200", 1), encoding="cp1252")
    with pytest.raises(InputError, match="the manifest gives its files different ends"):
        load(connection, tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"N"', '""', "does not say whether a file is full or holds changes only .* SRPatient;"),
        ('"N"', '"?"', "does not say whether a file is full or holds changes only .* SRPatient;"),
        ('"SRPatient"', '""', "the manifest lists no file"),
    ],
)
def test_a_manifest_that_does_not_say_what_there_is(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    path = systmone(tmp_path, SRPatient=[SR_PATIENT]) / "SRManifest.csv"
    text = path.read_text(encoding="cp1252")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="cp1252")
    with pytest.raises(InputError, match=sentence):
        load(connection, tmp_path)


def test_a_file_that_the_manifest_does_not_list_is_named(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    stray = systmone(tmp_path / "b", SRCode=[SR_CODE]) / "SRCode.csv"
    folder = systmone(tmp_path / "a", SRPatient=[SR_PATIENT])
    stray.rename(folder / "SRCode.csv")
    report = load(connection, folder)
    notes = {file.name: file.note or "" for file in report.files}
    assert notes["SRManifest.csv"].endswith("; here and not listed, so perhaps of another extract: SRCode")


def test_systmone_as_it_comes_in_archives(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for name, made in (
        ("one", systmone(tmp_path / "x" / "a", **SR_FULL)),
        ("two", systmone(tmp_path / "x" / "b", delta=["SRPatient"], SRPatient=[removed("1")], **NEXT)),
    ):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            for path in sorted(made.iterdir()):
                archive.write(path, path.name)
    load(connection, tmp_path / "two.zip", tmp_path / "one.zip")
    assert table(connection, "person", "record_id") == [("2",)]
