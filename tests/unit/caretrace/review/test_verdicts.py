"""Earlier decisions as a linkage takes them: from the project's file or from a caller's own table."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

import caretrace
from caretrace.identity import identify
from caretrace.review import from_table, given, verdicts
from caretrace.review.verdicts import load
from caretrace.run_settings import RunSettings
from schemas import VERDICT
from schemas.errors import InputError

ROW: dict[str, Any] = {
    **{"source": "standard", "source_org": "clients", "record_id": "1"},
    **{"register_source": "standard", "register_source_org": "register", "register_record_id": "b"},
    **{"nhs_number": "9990000026", "verdict": "same", "decided_by": "ann, bob"},
    "decided_at": datetime(2026, 11, 22, 9, 30),  # noqa: DTZ001 - UTC without saying so, as declared
}


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=VERDICT.arrow_schema())


def test_a_table_is_taken_in_any_form_and_order() -> None:
    other = {**ROW, "record_id": "2", "verdict": "different"}
    found = from_table(table(ROW, other))
    assert found.facts["same"] == found.facts["different"] == 1
    assert from_table(table(other, ROW)).table == found.table
    assert from_table(pd.DataFrame([ROW, other])).table == found.table


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (pa.table({"source": ["x"]}), "no column source_org"),
        (table({**ROW, "verdict": "perhaps"}), "neither of same and different"),
        (table(ROW, {**ROW, "nhs_number": "9990000018"}), "'same' with two register people"),
        (pa.table({**{name: ["x"] for name in VERDICT.names}}), "another type"),
    ],
)
def test_a_table_that_is_no_table_of_verdicts_is_refused(data: pa.Table, says: str) -> None:
    with pytest.raises(InputError, match=says):
        from_table(data)


def test_the_store_gets_the_declared_table() -> None:
    with duckdb.connect() as connection:
        load(connection, from_table(table(ROW)))
        VERDICT.check(connection.sql("SELECT * FROM verdict").to_arrow_table())


def test_decisions_are_part_of_what_makes_a_run(tmp_path: Path) -> None:
    settings = RunSettings(as_at=date(2026, 11, 22))
    ids = {
        identify({}, [], {}, settings, given)
        for given in (None, from_table(table(ROW)), from_table(table({**ROW, "verdict": "different"})))
    }
    assert len(ids) == 3
    assert verdicts(tmp_path / "none.jsonl") is None
    with pytest.raises(InputError, match="no such file of decisions"):
        given(tmp_path / "none.jsonl")


def test_a_linkage_in_python_honours_them() -> None:
    clients = pd.DataFrame(
        {"record_id": ["1"], "family_name": ["Okafor"], "given_name": ["Ann"], "birth_date": ["1950-03-12"]}
    )
    register = pd.DataFrame(
        {
            "record_id": ["a", "b"],
            "nhs_number": ["9990000018", "9990000026"],
            "family_name": ["Okafor", "Okafor"],
            "given_name": ["Ann", "Ann"],
            "birth_date": ["1950-03-12", "1950-03-12"],
        }
    )
    before = caretrace.link(clients, register, as_at=date(2026, 11, 22))
    assert before.summary["linked"] == 0  # two people alike
    (row,) = before.links.to_pylist()
    names = ("source", "source_org", "register_source", "register_source_org")
    decided = table({**ROW, **{name: row[name] for name in names}})
    after = caretrace.link(clients, register, as_at=date(2026, 11, 22), verdicts=decided)
    (row,) = after.links.to_pylist()
    assert (row["decision"], row["nhs_number"], row["method"]) == ("link", "9990000026", "review")
    assert (row["decided_by"], row["decided_at"]) == (ROW["decided_by"], ROW["decided_at"])
    assert before.run_id != after.run_id
