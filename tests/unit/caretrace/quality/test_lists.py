"""Lists, pages and workbooks for whoever mends the records."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caretrace import quality
from caretrace.quality import to_fix
from caretrace.report import checked as page
from caretrace.report import mending
from schemas import PERSON
from tests.unit.caretrace.quality.records import CLIENT, NUMBER, OTHER_NUMBER, add, look

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
    page_text = (Path(__file__).parents[4] / "docs" / "quality.md").read_text(encoding="utf-8")
    assert f"| `{kind.name}` | {kind.title} | {kind.means} |" in page_text
    assert all(sentence.endswith(".") for sentence in (kind.means, kind.matters, kind.do))
    assert not kind.title.endswith(".")
    assert kind.column == "record_id" or kind.column in PERSON
