"""What is loaded back, what is a conflict, and what a spreadsheet may run: nothing."""

import csv
import io
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caretrace.outputs import FORMULA_STARTS, OutputSettings, neutralised, write_csv, write_outputs

A, B, C, D, E = "9434765919", "9876543210", "9000000009", "9000000017", "9000000025"


@pytest.fixture
def store(empty_store: duckdb.DuckDBPyConnection, add: Callable[..., None]) -> duckdb.DuckDBPyConnection:
    clients = (
        # record, own number, decision, linked number, method
        ("exact", None, "link", A, "names, date and house"),
        ("probable", None, "link", B, "probabilistic"),
        ("holds it", C, "link", C, "number and date"),
        ("differs", A, "link", D, "probabilistic"),
        ("twice 1", None, "link", E, "probabilistic"),
        ("twice 2", E, "link", E, "number and date"),
        ("to review", None, "review", None, "probabilistic"),
        ("nobody", None, "none", None, None),
    )
    for record, own, decision, number, method in clients:
        add("clients.person", record_id=record, nhs_number=own)
        add(
            "link",
            record_id=record,
            decision=decision,
            nhs_number=number,
            method=method,
            candidate_nhs_number=number or (A if decision == "review" else None),
            reason="two candidates are close" if decision == "review" else None,
            levels={"given name": "exact", "gender": "same"} if decision != "none" else None,
        )
    add("register.person", record_id="r1", nhs_number=A, death_date=date(2020, 1, 2))
    add("register.person", record_id="r2", nhs_number=B, restricted=True)
    return empty_store


def read(path: Path) -> list[dict[str, str]]:
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\n") == data.count(b"\r\n")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def written(store: duckdb.DuckDBPyConnection, folder: Path, **settings: str) -> dict[str, list[dict[str, str]]]:
    write_outputs(store, folder, OutputSettings(**settings))  # type: ignore[arg-type]
    return {path.stem: read(path) for path in folder.glob("*.csv")}


def test_only_new_numbers_that_one_client_claims_are_loaded_back(
    store: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    files = written(store, tmp_path)
    assert [tuple(row.values())[2:] for row in files["load_back"]] == [
        ("exact", A, "02", "yes", ""),
        ("probable", B, "03", "", "yes"),
    ]
    assert [(row["client_id"], row["client_nhs_number"], row["linked_nhs_number"]) for row in files["conflicts"]] == [
        ("differs", A, D),
        ("twice 1", "", E),
        ("twice 2", E, E),
    ]
    assert [row["reason"].split(" ")[0] for row in files["conflicts"]] == ["the", "several", "several"]


@pytest.mark.parametrize(
    ("settings", "loaded"),
    [
        ({"dead": "leave-out"}, {"probable": "03"}),
        ({"restricted": "leave-out"}, {"exact": "02"}),
        ({"trace_required": "always"}, {"exact": "03", "probable": "03"}),
        ({"trace_required": "never"}, {"exact": "02", "probable": "02"}),
    ],
)
def test_settings_of_the_load_back(
    store: duckdb.DuckDBPyConnection, tmp_path: Path, settings: dict[str, str], loaded: dict[str, str]
) -> None:
    rows = written(store, tmp_path, **settings)["load_back"]
    assert {row["client_id"]: row["nhs_number_status"] for row in rows} == loaded


def test_a_link_to_another_given_name_is_a_conflict_and_never_loaded(
    store: duckdb.DuckDBPyConnection, add: Callable[..., None], tmp_path: Path
) -> None:
    different = {"levels": {"given name": "different"}, "decision": "link", "method": "probabilistic"}
    for record, own, number in (("sister", None, "9000000033"), ("twin", "9000000041", "9000000041")):
        add("clients.person", record_id=record, nhs_number=own)
        add("link", record_id=record, nhs_number=number, candidate_nhs_number=number, **different)
    files = written(store, tmp_path)
    assert {"sister", "twin"}.isdisjoint(row["client_id"] for row in files["load_back"])
    reasons = {row["client_id"]: row["reason"] for row in files["conflicts"]}
    assert "is it a sister or brother?" in reasons["sister"]
    assert "are they twins whose numbers were exchanged?" in reasons["twin"]


def test_the_review_list_says_why(store: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (row,) = written(store, tmp_path)["review"]
    assert (row["client_id"], row["candidate_nhs_number"], row["reason"]) == (
        "to review",
        A,
        "two candidates are close",
    )
    assert row["levels"] == "given name: exact; gender: same"


_TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=12)


@settings(max_examples=25, deadline=None)
@given(st.lists(_TEXT, min_size=5, max_size=50))
def test_no_cell_is_run_by_a_spreadsheet_and_no_text_is_lost(texts: list[str]) -> None:
    with duckdb.connect() as connection, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cells.csv"
        connection.execute("CREATE TABLE cell AS SELECT unnest(?::VARCHAR[]) AS value", [texts])
        assert write_csv(connection, "SELECT value FROM cell", path) == len(texts)
        with path.open(encoding="utf-8-sig", newline="") as file:
            cells = [cell for (cell,) in list(csv.reader(file))[1:]]
    assert not any(cell.lstrip(" ").startswith(tuple(FORMULA_STARTS)) for cell in cells)
    assert all(cell in (text, f"'{text}") for cell, text in zip(cells, texts, strict=True))
    assert cells == [neutralised(text) for text in texts]


@pytest.mark.parametrize("start", list(FORMULA_STARTS))
def test_each_formula_sign_is_neutralised(tmp_path: Path, start: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE cell AS SELECT ? AS value", [f"{start}1+1"])
        write_csv(connection, "SELECT value FROM cell", tmp_path / "cells.csv")
    with (tmp_path / "cells.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file))[1] == [f"'{start}1+1"]
