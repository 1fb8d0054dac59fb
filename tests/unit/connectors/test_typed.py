"""Columns with types: whole numbers in floating point are text without a loss, what has no text is refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors import Source, read
from schemas.errors import InputError

NUMBERS = [9434765919.0, None, 9434765919.5]
DAMAGED = "damaged by a spreadsheet (scientific notation or a decimal point)"


def _columns(kind: pa.DataType) -> pa.Table:
    columns = {"record_id": ["1", "2", "3"], "family_name": ["Ng", "Ng", "Ng"]}
    return pa.table({**columns, "nhs_number": pa.array(NUMBERS, kind), "uprn": pa.array([100000000001.0, None, 7.0])})


@pytest.mark.parametrize("form", ["parquet", "arrow", "pandas", "polars"])
def test_whole_numbers_in_floating_point(store, tmp_path: Path, form: str) -> None:  # type: ignore[no-untyped-def]
    table = _columns(pa.float64())
    if form == "parquet":
        pq.write_table(table, tmp_path / "people.parquet")
    given = {"arrow": table, "pandas": table.to_pandas(), "polars": pl.from_arrow(table)}
    store.read(given.get(form, tmp_path / "people.parquet"))
    assert store.rows("person", "nhs_number", "uprn") == [("9434765919", "100000000001"), (None, None), (None, "7")]
    assert store.rows("data_quality", "record_id", "column", "issue") == [("3", "nhs_number", DAMAGED)]


def test_digits_that_are_lost_are_not_made_up(store) -> None:  # type: ignore[no-untyped-def]
    store.read(_columns(pa.float32()))
    assert [number for (number,) in store.rows("person", "nhs_number")] == [None, None, None]
    assert {issue for (issue,) in store.rows("data_quality", "issue")} == {DAMAGED}


def test_a_decimal_point_in_text_stays_refused(store, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "a.csv").write_text("record_id,family_name,nhs_number\n1,Ng,9434765919.0\n", encoding="utf-8")
    store.read(tmp_path / "a.csv")
    assert store.one("person", "nhs_number") == (None,)
    assert store.one("data_quality", "issue") == (DAMAGED,)


def test_not_a_number_is_a_gap(store) -> None:  # type: ignore[no-untyped-def]
    store.read(pl.DataFrame({"record_id": ["1"], "family_name": ["Ng"], "nhs_number": [float("nan")]}))
    assert store.one("person", "nhs_number") == (None,)
    assert store.rows("data_quality", "issue") == []


def _refusal(data: Any) -> str:
    with duckdb.connect() as connection, pytest.raises(InputError) as caught:
        read(connection, [Source(data)], side="clients", as_at=date(2026, 11, 22))
    message = str(caught.value)
    assert "Ramasubramanian" not in message
    assert "\n" not in message
    return message


NAMES = ["record_id", "family_name"]
ROW = [["1", "Ramasubramanian"]]
TWICE = pa.table([["1"], ["Ramasubramanian"], ["x"]], names=[*NAMES, "family_name"])
IDS_TWICE = pa.table([["1"], ["2"], ["x"]], names=["record_id", "record_id", "family_name"])


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        pytest.param(pd.Series(["Ramasubramanian"]), "a Series is neither", id="pandas series"),
        pytest.param(pl.Series(["Ramasubramanian"]), "a Series is neither", id="polars series"),
        pytest.param(pl.Series([{"record_id": "1", "family_name": "x"}]), "a Series is neither", id="struct series"),
        pytest.param(pd.Index(["Ramasubramanian"]), "a Index is neither", id="pandas index"),
        pytest.param(pa.chunked_array([["1"]]), "a ChunkedArray is neither", id="arrow column"),
        pytest.param(
            pd.DataFrame([[*ROW[0], "x"]], columns=[*NAMES, "family_name"]), "'family_name' stands twice", id="pandas"
        ),
        pytest.param(TWICE, "'family_name' stands twice", id="arrow"),
        pytest.param(IDS_TWICE, "'record_id' stands twice", id="arrow ids"),
        pytest.param(
            pl.DataFrame({"record_id": ["1"], "family_name": ["x"], "FAMILY_NAME": ["x"]}),
            "'FAMILY_NAME' stands",
            id="polars",
        ),
        pytest.param(
            pd.DataFrame({"record_id": ["1"], "family_name": [["Ramasubramanian"]]}), "family_name holds", id="list"
        ),
        pytest.param(
            pd.DataFrame({"record_id": ["1"], "family_name": [{"Ramasubramanian": 1}]}), "family_name holds", id="dict"
        ),
        pytest.param(
            pd.DataFrame({"record_id": ["1"], "family_name": [b"Ramasubramanian"]}), "family_name holds", id="bytes"
        ),
        pytest.param(
            pd.DataFrame({"record_id": ["1", "2"], "family_name": [["Ramasubramanian"], 1]}),
            "several types",
            id="both",
        ),
        pytest.param(
            pd.DataFrame({"record_id": ["1"], "family_name": [{"Ramasubramanian"}]}), "family_name holds", id="set"
        ),
        pytest.param(
            pl.DataFrame({"record_id": ["1"], "family_name": [["Ramasubramanian"]]}), "family_name holds", id="lists"
        ),
    ],
)
def test_tables_that_cannot_be_used(data: Any, sentence: str) -> None:
    assert sentence in _refusal(data)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (TWICE, "'family_name' stands twice"),
        (IDS_TWICE, "'record_id' stands twice"),
        (pa.table({"record_id": ["1"], "family_name": [b"Ramasubramanian"]}), "the column family_name holds"),
        (pa.table({"RECORD_ID": [1.0], "family_name": ["x"]}), "record_id holds decimal numbers"),
    ],
)
def test_parquet_that_cannot_be_used(tmp_path: Path, table: pa.Table, sentence: str) -> None:
    pq.write_table(table, tmp_path / "people.parquet")
    message = _refusal(tmp_path / "people.parquet")
    assert sentence in message
    assert "line" not in message


def test_a_column_that_is_not_used_may_hold_anything(store) -> None:  # type: ignore[no-untyped-def]
    frame = pd.DataFrame({"record_id": ["1"], "family_name": ["Ng"], "tags": [["a", "b"]], 7: [b"x"]})
    assert store.read(frame).used == 1
