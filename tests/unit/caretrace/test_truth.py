"""Truth files: what is read, what is refused and in which words, and never a value in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caretrace import truth
from schemas.errors import InputError

NUMBER, OTHER = "9434765919", "9000000009"


@pytest.fixture
def links(empty_store: duckdb.DuckDBPyConnection, add: Any) -> duckdb.DuckDBPyConnection:
    for name in ("1", "2", "007"):
        add("link", record_id=name, decision="link", nhs_number=NUMBER, register_record_id=f"r{name}")
    return empty_store


def write(folder: Path, text: str) -> Path:
    path = folder / "truth.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_other_encodings_are_refused(links: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_bytes("record_id,nhs_number,größe\n1,9434765919,ü\n".encode("latin-1"))
    with pytest.raises(InputError, match="cannot be read"):
        truth.load(links, path)


def test_ids_stay_text_and_counts_say_who_is_left_out(links: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    text = f"Record_ID,nhs_number,in_register,person\n007,943 476 5919,true,x\n1,,No,y\n9,{NUMBER},1,z\n"
    facts = truth.load(links, write(tmp_path, text))
    assert (facts.rows, facts.clients, facts.of_no_client, facts.not_told) == (3, 2, 1, 1)
    rows = links.execute(
        "SELECT record_id, nhs_number, register_record_id, in_register FROM truth ORDER BY 1"
    ).fetchall()
    assert rows == [("007", NUMBER, None, True), ("1", None, None, False)]


def test_parquet(links: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "truth.parquet"
    table = {"record_id": ["1", "2"], "register_record_id": ["r1", "r9"], "in_register": [True, False]}
    pq.write_table(pa.table(table), path)
    assert truth.load(links, path).clients == 2
    rows = links.execute("SELECT nhs_number, register_record_id, in_register FROM truth ORDER BY record_id").fetchall()
    assert rows == [(None, "r1", True), (None, "r9", False)]


def test_several_sources_need_their_names(links: duckdb.DuckDBPyConnection, add: Any, tmp_path: Path) -> None:
    add("link", record_id="1", decision="none", source_org="elsewhere")
    with pytest.raises(InputError, match="several clients"):
        truth.load(links, write(tmp_path, f"record_id,nhs_number\n1,{NUMBER}\n"))
    text = f"record_id,source,source_org,nhs_number\n1,standard,council,{NUMBER}\n1,standard,elsewhere,{OTHER}\n"
    assert truth.load(links, write(tmp_path, text)).clients == 2


def test_a_register_id_of_several_people_names_nobody(
    links: duckdb.DuckDBPyConnection, add: Any, tmp_path: Path
) -> None:
    add("register.person", record_id="r1", source_org="A", nhs_number=NUMBER)
    add("register.person", record_id="r1", source_org="B", nhs_number=NUMBER)  # one person, two practices
    path = write(tmp_path, "record_id,register_record_id\n1,r1\n")
    truth.load(links, path)
    truth.refuse_unclear(links, path)
    add("register.person", record_id="r1", source_org="C", nhs_number=OTHER)
    with pytest.raises(InputError, match="1 of its register_record_id are of several people"):
        truth.refuse_unclear(links, path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,nhs_number\n1,9434765919\n", "no column record_id"),
        ("record_id,person\n1,x\n", "neither a column nhs_number nor register_record_id"),
        ("record_id,source,nhs_number\n1,s,9434765919\n", "give both or neither"),
        ("record_id,nhs_number\n1,9434765919\n,9434765919\n", "record 2: column record_id is empty"),
        ("record_id,nhs_number\n1,Featherstone\n", "record 1: column nhs_number is not ten digits"),
        ("record_id,nhs_number,in_register\n1,9434765919,perhaps\n", "record 1: column in_register is neither"),
        ("record_id,nhs_number\n1,9434765919\n1,9434765919\n", "record 2 tells of a client a second time"),
        ("record_id,nhs_number\n88,9434765919\n", "names no client of this run"),
        ("record_id,nhs_number\n1,9434765919,Featherstone\n", "cannot be read"),
        ("", "cannot be read"),
        ("record_id,nhs_number,NHS_Number\n1,9434765919,9434765919\n", "has the column nhs_number twice"),
    ],
)
def test_refusals(links: duckdb.DuckDBPyConnection, tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as refusal:
        truth.load(links, write(tmp_path, text))
    assert "truth.csv" in str(refusal.value)
    assert "Featherstone" not in str(refusal.value)
    assert "9434765919" not in str(refusal.value)


@pytest.mark.parametrize(("name", "words"), [("none.csv", "no such truth file"), ("truth.xlsx", "neither .csv")])
def test_other_files(links: duckdb.DuckDBPyConnection, tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        truth.load(links, tmp_path / name)
