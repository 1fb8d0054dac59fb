"""Counts that a reader can count, lists that say the same, the trend, what to mend first; tests/spec has the kinds."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caretrace import quality
from caretrace.quality import first, to_fix, trend
from caretrace.report import checked as page
from caretrace.report import mending
from schemas import LINK, PERSON, SOURCE_TABLES
from schemas.errors import InputError
from schemas.sql import install_macros

AS_AT = date(2026, 11, 22)
CLIENT = {"side": "clients", "source": "carefirst", "source_org": "Northshire"}
PATIENT = {"side": "register", "source": "emis", "source_org": "A81001"}
ANN = {"family_name": "Hale", "given_name": "Ann", "birth_date": date(1950, 5, 4), "birth_date_precision": "YMD"}
NUMBER, OTHER_NUMBER = "9434765919", "9434765870"


@pytest.fixture(scope="module")
def tables() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        install_macros(connection, as_at=AS_AT)
        for side in quality.SIDES:
            connection.execute(f"CREATE SCHEMA {side}")
            for table in SOURCE_TABLES:
                connection.execute(table.ddl(f"{side}.{table.name.lower()}"))
        connection.execute(LINK.ddl("link"))
        yield connection


@pytest.fixture
def store(tables: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """Empty tables; what a test adds is rolled back."""
    tables.execute("BEGIN")
    yield tables
    tables.execute("ROLLBACK")


def add(store: duckdb.DuckDBPyConnection, table: str, *rows: dict[str, Any]) -> None:
    """Insert rows; record_id counts up where a row does not give it."""
    for number, row in enumerate(rows, 1):
        columns = {"record_id": f"r{number}", **row} if table != "set_aside" else row
        names = [name for name in columns if name != "side"]
        quoted = ", ".join(f'"{name}"' for name in names)
        marks = ", ".join("?" * len(names))
        values = [columns[name] for name in names]
        schema = f"{row['side']}." if "side" in row else ""
        store.execute(f"INSERT INTO {schema}{table} ({quoted}) VALUES ({marks})", values)


def look(store: duckdb.DuckDBPyConnection, **options: Any) -> quality.Quality:
    return quality.facts(store, as_at=AS_AT, **options)


def counts(found: quality.Quality) -> dict[tuple[str, str], int]:
    """Records by kind and organisation; test numbers are everywhere here."""
    return {(f.kind, f.source_org): f.records for f in found.figures if f.kind != "test-number"}


def test_a_field_is_present_missing_refused_or_doubtful(store: duckdb.DuckDBPyConnection) -> None:
    add(store, "person", {**CLIENT, "postcode": "AB1 2CD"}, {**CLIENT, "postcode": "AB1 2CE"}, CLIENT, CLIENT, CLIENT)
    add(
        store,
        "data_quality",
        {**CLIENT, "record_id": "r1", "column": "postcode", "issue": "an old address was refused", "used": False},
        {**CLIENT, "record_id": "r2", "column": "postcode", "issue": "no longer in use", "used": True},
        {**CLIENT, "record_id": "r3", "column": "postcode", "issue": "not a UK postcode", "used": False},
        {**CLIENT, "record_id": "r3", "column": "postcode", "issue": "cut short", "used": False},
        {**CLIENT, "record_id": "r4", "column": "uprn", "issue": "not a number", "used": False},
    )
    found = look(store)
    (source,) = found.sources
    assert source.field("postcode") == quality.Field("postcode", present=2, missing=2, refused=1, doubtful=1)
    assert source.field("uprn") == quality.Field("uprn", present=0, missing=4, refused=1, doubtful=0)
    assert all(field.present + field.missing + field.refused == 5 for field in source.fields)
    # The kinds count the same records as the fields do.
    kinds = counts(found)
    assert (kinds["postcode-missing", "Northshire"], kinds["postcode-refused", "Northshire"]) == (2, 1)


def test_issues_and_records_set_aside_are_counted_by_rule(store: duckdb.DuckDBPyConnection) -> None:
    fault = {"column": "nhs_number", "issue": "fails the Modulus 11 check digit", "used": False}
    add(store, "person", CLIENT, CLIENT)
    add(store, "data_quality", {**CLIENT, **fault}, {**CLIENT, **fault})
    left_out = {**CLIENT, "kind": "excluded", "extract_file": "people.csv", "rule": "a test record"}
    add(store, "set_aside", left_out, left_out, {**left_out, "kind": "rejected", "rule": "too few columns"})
    found = look(store)
    assert found.issues == (quality.Issue(*CLIENT.values(), *fault.values(), 2),)
    assert found.set_aside == (
        quality.SetAside("clients", "carefirst", "excluded", "people.csv", "a test record", 2),
        quality.SetAside("clients", "carefirst", "rejected", "people.csv", "too few columns", 1),
    )


def test_organisations_are_kept_apart_and_flags_counted(store: duckdb.DuckDBPyConnection) -> None:
    add(store, "person", {**CLIENT, "restricted": True}, {**CLIENT, "restricted": False}, CLIENT)
    add(store, "person", {**CLIENT, "source_org": "Southshire"})
    found = look(store)
    assert [(s.source_org, s.records, s.restricted) for s in found.sources] == [
        ("Northshire", 3, 1),
        ("Southshire", 1, 0),
    ]
    assert {org: n for (kind, org), n in counts(found).items() if kind == "birth-date-missing"} == {
        "Northshire": 3,
        "Southshire": 1,
    }


def test_two_councils_with_one_number_are_held_against_each_other(store: duckdb.DuckDBPyConnection) -> None:
    person = {**CLIENT, **ANN, "nhs_number": NUMBER, "gender": "2"}
    add(store, "person", person)
    add(store, "person", {**person, "source_org": "Southshire", "gender": "1"})
    found = look(store)
    assert {org for kind, org in counts(found) if kind == "gender-differs"} == {"Northshire", "Southshire"}
    (pair,) = found.between
    assert (pair.source, pair.other_source, pair.people, pair.differ["gender-differs"]) == (
        "carefirst",
        "carefirst",
        1,
        1,
    )


def test_a_person_in_three_systems_counts_once_in_each(store: duckdb.DuckDBPyConnection) -> None:
    person = {**ANN, "nhs_number": NUMBER, "gender": "2"}
    add(store, "person", {**CLIENT, **person, "gender": "1"})
    add(store, "person", {**PATIENT, **person})
    add(store, "person", {**PATIENT, **person, "source": "systmone", "source_org": "A81002"})
    found = look(store)
    assert {org: n for (kind, org), n in counts(found).items() if kind == "gender-differs"} == {
        "Northshire": 1,
        "A81001": 1,
        "A81002": 1,
    }
    assert sorted((p.source, p.other_source, p.differ.get("gender-differs", 0)) for p in found.between) == [
        ("carefirst", "emis", 1),
        ("carefirst", "systmone", 1),
        ("emis", "systmone", 0),
    ]


def test_a_number_that_stands_for_none_is_nobodys(store: duckdb.DuckDBPyConnection) -> None:
    rows = [{**ANN, "nhs_number": NUMBER, "record_id": str(n), "birth_date": date(1950, 1, 2 + n)} for n in range(26)]
    add(store, "person", *({**CLIENT, **row} for row in rows))
    add(store, "person", *({**PATIENT, **row} for row in rows))
    found = look(store)
    assert counts(found)["number-on-different-people", "Northshire"] == 26
    assert found.between == ()


def test_one_side_alone_can_be_looked_at(store: duckdb.DuckDBPyConnection) -> None:
    store.execute("DROP SCHEMA register CASCADE")
    add(store, "person", {**CLIENT, **ANN})
    assert [source.records for source in look(store).sources] == [1]


def test_nobody_can_be_looked_at(store: duckdb.DuckDBPyConnection) -> None:
    found = look(store, linked=True)
    assert (found.sources, found.figures, found.between) == ((), (), ())
    assert first.to_mend(found) == ()


def test_nothing_is_left_in_the_store(store: duckdb.DuckDBPyConnection) -> None:
    add(store, "person", {**CLIENT, **ANN})
    before = store.execute("SELECT table_name FROM duckdb_tables() ORDER BY ALL").fetchall()
    look(store, linked=True)
    assert store.execute("SELECT table_name FROM duckdb_tables() ORDER BY ALL").fetchall() == before


# Every text of a person is a word that stands nowhere else, every day one that no output needs.
MARK = "Qzx"
words = st.none() | st.sampled_from([f"{MARK}ab", f"{MARK}cd", f"={MARK}ef", "UNKNOWN"])
days = st.none() | st.sampled_from([date(1931, 7, 9), date(1932, 8, 19), date(1900, 1, 1), date(2031, 7, 9)])
people = st.lists(
    st.fixed_dictionaries(
        {
            "side": st.sampled_from(quality.SIDES),
            "source_org": st.sampled_from(["one", "two"]),
            "nhs_number": st.none() | st.sampled_from([NUMBER, OTHER_NUMBER]),
            "family_name": words,
            "given_name": words,
            "birth_date": days,
            "death_date": days,
            "gender": st.sampled_from([None, "0", "1", "2"]),
            "postcode": st.sampled_from([None, "QZ1 9ZX", "QZ1 9ZY"]),
            "address_line_1": words,
            "gp_practice_code": st.sampled_from([None, "QZX81", "QZX82"]),
            "restricted": st.booleans(),
            "link": st.sampled_from([None, NUMBER, OTHER_NUMBER]),
            "probability": st.sampled_from([0.97, 0.9999]),
        }
    ),
    min_size=5,
    max_size=30,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=people, linked=st.booleans())
def test_lists_page_and_json_agree_and_hold_no_value(
    tables: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]], linked: bool
) -> None:
    tables.execute("BEGIN")
    try:
        for number, row in enumerate(rows):
            source = "carefirst" if row["side"] == "clients" else "emis"
            record = {"record_id": f"id{number}", "source": source, "source_org": row["source_org"]}
            held = {name: value for name, value in row.items() if name not in ("link", "probability")}
            precision = "YMD" if row["birth_date"] else None
            add(tables, "person", {**held, **record, "birth_date_precision": precision})
            if row["side"] == "clients":
                decided = {"decision": "link" if row["link"] else "none", "nhs_number": row["link"]}
                add(tables, "link", {**record, **decided, "probability": row["probability"]})
        with TemporaryDirectory() as folder:
            found = look(tables, linked=linked, lists=Path(folder), workbooks=True)
            lists = {path.name: path.read_text(encoding="utf-8-sig") for path in Path(folder).glob("*.csv")}
    finally:
        tables.execute("ROLLBACK")
    as_json, summary = json.dumps(found.to_json()), json.dumps(found.summary())
    html = page.render({"read": {"files": []}}, found, None)
    in_figures = {(to_fix.file_name(f.source, f.source_org), f.kind): f.listed for f in found.figures if f.listed}
    in_lists: dict[tuple[str, str], int] = {}
    for name, text in lists.items():
        seen = [(row["record_id"], row["kind"]) for row in csv.DictReader(text.splitlines())]
        assert len(set(seen)) == len(seen)
        for _, kind in seen:
            in_lists[name, kind] = in_lists.get((name, kind), 0) + 1
    assert in_lists == in_figures
    in_json = {(f["kind"], f["side"], f["source_org"]): f["records"] for f in json.loads(as_json)["figures"]}
    in_summary = {
        (kind, s["side"], s["source_org"]): figure.get("records", 0)
        for s in json.loads(summary)["sources"]
        for kind, figure in s["figures"].items()
    }
    in_page = [(row[0], row[2], row[3]) for row in mending.found(found, None).rows]
    assert in_json == in_summary == {(f.kind, f.side, f.source_org): f.records for f in found.figures}
    assert sorted(in_page) == sorted((mending.names(found)[f.key], f.declared.title, f.records) for f in found.figures)
    for text in (as_json, summary, html, *lists.values()):
        for value in (MARK, "QZ1", "QZX8", NUMBER, OTHER_NUMBER, "1931", "1932", "2031", "07-09"):
            assert value not in text


def test_a_list_is_safe_in_a_spreadsheet_and_for_its_owner(store: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    add(store, "person", {**CLIENT, "record_id": '=HYPERLINK("x")', "source_org": "../con"})
    add(store, "person", {**CLIENT, "record_id": "2", "source_org": "CON"})
    look(store, lists=tmp_path, workbooks=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("carefirst-CON-2.csv", "carefirst-CON-2.xlsx", "carefirst-con.csv", "carefirst-con.xlsx")
    ]
    text = (tmp_path / "carefirst-con.csv").read_bytes().decode("utf-8-sig")
    assert text.count("\r\n") == text.count("\n")
    assert '\r\n"\'=HYPERLINK(""x"")","family_name","no family name",' in text


def test_workbooks_say_what_the_lists_say(store: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    from zipfile import ZipFile

    add(store, "person", {**CLIENT, "record_id": "007"})
    look(store, lists=tmp_path, workbooks=True)
    with ZipFile(tmp_path / "carefirst-Northshire.xlsx") as book:
        text = book.read("xl/sharedStrings.xml").decode()
    with (tmp_path / "carefirst-Northshire.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = {cell for row in csv.reader(file) for cell in row if cell}
    assert all(f">{cell}<" in text for cell in cells)


@pytest.mark.parametrize(
    ("source", "organisation", "name"),
    [
        ("emis", "A81001", "emis-A81001.csv"),
        ("standard", "a/b\\c:d*?", "standard-a-b-c-d.csv"),
        ("", "..", "source.csv"),
        ("nul", "", "source-nul.csv"),
        ("swift", "x" * 300, f"swift-{'x' * 74}.csv"),
    ],
)
def test_a_file_name_that_every_system_takes(source: str, organisation: str, name: str) -> None:
    assert to_fix.file_name(source, organisation) == name


@pytest.mark.parametrize("kind", quality.KINDS, ids=lambda kind: kind.name)
def test_every_kind_says_what_it_is_and_stands_in_the_docs(kind: quality.Kind) -> None:
    page_text = (Path(__file__).parents[3] / "docs" / "quality.md").read_text(encoding="utf-8")
    assert f"| `{kind.name}` | {kind.title} | {kind.means} |" in page_text
    assert all(sentence.endswith(".") for sentence in (kind.means, kind.matters, kind.do))
    assert not kind.title.endswith(".")
    assert kind.column == "record_id" or kind.column in PERSON


def figure(
    kind: str, records: int, unmatched: int = 0, org: str = "Northshire", side: str = "clients"
) -> quality.Figure:
    return quality.Figure(kind, side, "carefirst", org, records, 0, unmatched)


def made(*figures: quality.Figure, records: int = 1000, unmatched: int = 100, linked: bool = True) -> quality.Quality:
    sources = tuple(
        quality.SourceQuality(side, "carefirst", org, records, records // 2, 0, 0, unmatched, (), {})
        for side, org in dict.fromkeys((f.side, f.source_org) for f in figures)
    )
    return quality.Quality(AS_AT, linked, sources, figures, (), (), ())


def test_what_costs_most_links_is_mended_first() -> None:
    found = made(
        figure("ethnicity-missing", 500, 50),
        figure("birth-date-missing", 40, 30),
        figure("postcode-missing", 100, 40),
        figure("dead-with-open-service", 3, 0),
        figure("unknown-to-register", 90, 90),
        figure("gp-practice-differs", 7, 0),
    )
    items = first.to_mend(found)
    assert [(item.kind.name, round(item.effect, 1)) for item in items] == [
        ("postcode-missing", 33.3),
        ("birth-date-missing", 27.1),
        ("dead-with-open-service", 0),
        ("gp-practice-differs", 0),
        ("ethnicity-missing", 0),
    ]
    assert [item.of for item in items] == [1000, 1000, 1000, 500, 1000]
    assert [(kind.name, n) for kind, n in first.urgent(found)] == [("dead-with-open-service", 3)]


def test_organisations_of_a_system_are_mended_together() -> None:
    (item,) = first.to_mend(made(figure("birth-date-missing", 4), figure("birth-date-missing", 5, org="Southshire")))
    assert (item.records, item.of) == (9, 2000)


@pytest.mark.parametrize(
    ("before", "now", "direction", "words"),
    [
        ((10, 1000), (10, 1000), "same", "● as before"),
        ((10, 1000), (20, 2000), "same", "● as before"),
        ((10, 1000), (11, 1000), "worse", "▲ 10 (1.0%)"),
        ((10, 1000), (10, 2000), "better", "▼ 10 (1.0%)"),
        ((0, 1000), (1, 1000), "worse", "▲ 0 (0%)"),
        ((0, 0), (0, 0), "same", "● as before"),
    ],
)
def test_a_trend_goes_by_share(before: tuple[int, int], now: tuple[int, int], direction: str, words: str) -> None:
    change = trend.Change(*before, *now)
    assert (change.direction, mending.then(change)) == (direction, words)


def test_a_trend_needs_only_the_figures_of_before() -> None:
    then = made(figure("postcode-missing", 10), figure("gender-differs", 5)).summary()
    now = made(
        figure("postcode-missing", 12), figure("birth-date-missing", 1), figure("postcode-missing", 3, org="Southshire")
    )
    found = trend.compare(now, "october", json.loads(json.dumps(then)))
    assert {key[0]: (change.before, change.now) for key, change in found.changes.items()} == {
        "postcode-missing": (10, 12),
        "birth-date-missing": (0, 1),
        "gender-differs": (5, 0),
    }
    assert found.change(now.figures[2]) is None  # the council was not there before
    assert [row[1:] for row in mending.gone(now, found).rows] == [("another gender in another system", 5)]


def test_contradictions_by_links_and_by_numbers_are_not_compared() -> None:
    then = made(figure("gender-differs", 5), linked=False).summary()
    assert trend.compare(made(figure("gender-differs", 9)), "october", then).changes == {}


def test_figures_of_other_rules_are_not_compared() -> None:
    found = trend.compare(made(figure("postcode-missing", 1)), "october", {"rules": 0, "sources": []})
    assert (found.changes, found.why_not) == ({}, "its figures were counted by other rules")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("quality.json", "{", "is not what `caretrace check --out` writes"),
        ("quality.json", "[]", "is not what `caretrace check --out` writes"),
        ("quality.json", '{"summary": {}}', "keeps no figures of data quality"),
        ("quality.json", '{"summary": {"sources": [{"side": 1}]}}', "keeps no figures of data quality"),
        ("quality.json", '{"summary": []}', "keeps no figures of data quality"),
        ("nothing", "", "not a finished run"),
    ],
)
def test_an_earlier_folder_that_tells_nothing(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        trend.load(tmp_path)


def test_the_newest_run_that_keeps_figures_is_the_earlier_one(tmp_path: Path) -> None:
    def run(name: str, day: int, **more: Any) -> Path:
        (tmp_path / name).mkdir()
        (tmp_path / name / "links.parquet").touch()
        made_at = (AS_AT + timedelta(days=day)).isoformat()
        manifest = {"format": 1, "created_at": made_at, "outputs": {"links.parquet": ""}, **more}
        (tmp_path / name / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        return tmp_path / name

    run("a", 3, quality={})
    b = run("b", 4, quality={})
    run("older version", 5)
    run("not ours", 6, format=99, quality={})
    last = run("this one", 7, quality={})
    assert trend.newest(tmp_path, but=last) == b
    assert trend.newest(tmp_path / "nowhere") is None
