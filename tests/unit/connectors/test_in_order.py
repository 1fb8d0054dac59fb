"""People stand in the store in the order in which they were read: to sort a long register afterwards costs much."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caretrace.people_in_order import stand_in_order
from connectors import Source, read

_MANY = 300_000
"""More than two of DuckDB's row groups, which its threads share out."""


def _people() -> pa.Table:
    """Test records, records of nobody, and repeats of the record 5,000 before among them."""
    ids = [None if at % 9973 == 0 else str(at - 5000 if at % 7919 == 0 else at) for at in range(1, _MANY + 1)]
    return pa.table(
        {
            "record_id": ids,
            "family_name": ["Smith"] * _MANY,
            "ethnicity": ["A"] * _MANY,
            "test_record": ["yes" if at % 5003 == 0 else "no" for at in range(1, _MANY + 1)],
        }
    )


def _used(people: pa.Table) -> list[int]:
    """Places of the records that are used."""
    seen: set[str] = set()
    used = []
    for place, (record_id, test) in enumerate(zip(*people.select([0, 3]).to_pydict().values(), strict=True), start=1):
        if record_id is None or test == "yes" or record_id in seen:
            continue
        seen.add(record_id)
        used.append(place)
    return used


@pytest.mark.parametrize("aside", [False, True], ids=["all are used", "some are left out"])
def test_people_stand_as_they_were_read(aside: bool, tmp_path: Path) -> None:
    people = _people()
    if not aside:
        people = people.take(pa.array(_used(people)[:-1], pa.int64())).drop_columns(["test_record"])
        people = people.set_column(0, "record_id", pa.array(map(str, range(people.num_rows))))
    pq.write_table(people, tmp_path / "people.parquet")
    with duckdb.connect(config={"threads": 2}) as connection:
        report = read(connection, [Source(tmp_path / "people.parquet")], side="register", as_at=date(2026, 11, 22))
        found = connection.execute("SELECT extract_record FROM register.person ORDER BY rowid").fetchnumpy()
        expected = _used(people) if aside else list(range(1, people.num_rows + 1))
        assert found["extract_record"].tolist() == expected
        assert report.excluded + report.rejected == people.num_rows - len(expected)
        assert (report.rejected > 0) is aside
        assert stand_in_order(connection, "register")


@pytest.mark.parametrize("aside", [False, True], ids=["all are used", "some are left out"])
def test_nothing_is_joined_to_fill_in_people(aside: bool, tmp_path: Path) -> None:
    """In a join the order is lost as the threads happen to be done, which may be in order."""
    people = _people().slice(0, 9000 if aside else 5000)
    pq.write_table(people, tmp_path / "people.parquet")
    plans = []
    with duckdb.connect() as connection:

        class Watching:
            """The connection, which explains how people are filled in."""

            def __getattr__(self, name: str) -> Any:
                return getattr(connection, name)

            def execute(self, sql: str, *values: Any) -> Any:
                if sql.startswith("INSERT INTO register.person"):
                    [(_, plan)] = connection.execute(f"EXPLAIN {sql}").fetchall()
                    plans.append(plan)
                return connection.execute(sql, *values)

        source = Source(tmp_path / "people.parquet")
        report = read(Watching(), [source], side="register", as_at=date(2026, 11, 22))  # type: ignore[arg-type]
    assert (report.excluded > 0) is aside
    [plan] = plans
    assert "scan" in plan.lower()
    assert "join" not in plan.lower()


@pytest.mark.parametrize(
    ("rows", "stands"),
    [
        ([("a.csv", 1), ("a.csv", 2), ("b.csv", 1)], True),
        ([("a.csv", 2), ("a.csv", 1)], False),
        ([("b.csv", 1), ("a.csv", 2)], False),
        ([("a.csv", 1), ("a.csv", 1)], False),  # the source and the record's id would tell
        ([("a.csv", 1), (None, 2)], False),
        ([], True),
    ],
)
def test_who_stands_in_order(rows: list[tuple[str | None, int]], stands: bool) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA clients")
        connection.execute("CREATE TABLE clients.person (extract_file VARCHAR, extract_record BIGINT)")
        for row in rows:
            connection.execute("INSERT INTO clients.person VALUES (?, ?)", row)
        assert stand_in_order(connection, "clients") is stands


def test_a_row_that_is_gone_leaves_a_gap() -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA clients")
        connection.execute(
            "CREATE TABLE clients.person AS SELECT 'a' AS extract_file, i AS extract_record FROM range(9) r(i)"
        )
        connection.execute("DELETE FROM clients.person WHERE extract_record = 3")
        assert not stand_in_order(connection, "clients")
