"""Where raw records stand while they are read - in memory, in the store, part here and part there - changes nothing."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors import Source, read
from connectors.files import load, memory
from schemas import SOURCE_TABLES

FIXTURES = Path(__file__).parents[3] / "fixtures"
PLENTY = 1 << 40


def tables(path: Path, threads: int) -> tuple[dict[str, list[tuple[Any, ...]]], dict[str, object], int]:
    """All rows of every table in order, the report, and how many rows were copied into the store before."""
    copied = 0
    with duckdb.connect(config={"threads": threads}) as connection:

        class Watching:
            """The connection, which counts the rows that go into raw tables."""

            def __getattr__(self, name: str) -> Any:
                return getattr(connection, name)

            def execute(self, sql: str, *values: Any) -> Any:
                nonlocal copied
                done = connection.execute(sql, *values)
                if sql.startswith("INSERT INTO loaded_"):
                    ((count,),) = done.fetchall()
                    copied += count
                    return connection.execute(f"SELECT {count}")
                return done

        report = read(Watching(), [Source(path)], side="clients", as_at=date(2026, 11, 22))  # type: ignore[arg-type]
        rows = {
            table.name: connection.execute(f"SELECT * FROM clients.{table.name.lower()} ORDER BY ALL").fetchall()
            for table in SOURCE_TABLES
        }
    return rows, report.to_json(), copied


@pytest.mark.parametrize("extract", ["emis", "systmone"])
def test_memory_and_store_give_the_same(extract: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = FIXTURES / extract
    monkeypatch.setattr(load, "ROWS_AT_ONCE", 10)
    expected, report, copied = tables(path, threads=1)
    assert copied == 0
    assert len(expected["PERSON"]) > 30
    # Fields are let go as soon as they are not needed, however few, and threads take a few records each; then there is
    # no room, and room for a part.
    monkeypatch.setattr(memory, "_LARGE", 0)
    monkeypatch.setattr(memory, "_SHARE", 7)
    assert tables(path, threads=2) == (expected, report, 0)
    records = report["records"]
    assert isinstance(records, int)
    for room, most in ((0, records), (9_000, records - 1)):
        monkeypatch.setattr(memory, "ROOM", room)
        found, told, copied = tables(path, threads=2)
        assert (found, told) == (expected, report)
        assert 0 < copied <= most


def test_a_field_that_is_let_go_is_null_and_the_others_stay() -> None:
    import pyarrow as pa

    from connectors.supplier import Kind

    kind = Kind("patient", {"a": ("a",), "b": ("b",), "c": ("c",)}, ())
    held = memory.Memory(PLENTY)
    for file, column in ((1, "a"), (2, "b")):
        table = pa.table({column: ["x" * 50] * 1_000_000, "record": range(1_000_000), "line": range(1_000_000)})
        held.keep(kind, [table.append_column("file", pa.array([file] * 1_000_000, pa.int32()))])
    with duckdb.connect() as connection:
        held.create_view(connection, kind, beside=())
        seen = "SELECT count(a), count(b), count(c), count(*), max(file), max(record) FROM raw_patient"
        assert connection.execute(seen).fetchall() == [(1_000_000, 1_000_000, 0, 2_000_000, 2, 999_999)]
        before = pa.total_allocated_bytes()
        del table
        held.let_go(connection, kind, {"b"})
        assert connection.execute(seen).fetchall() == [(0, 1_000_000, 0, 2_000_000, 2, 999_999)]
        assert pa.total_allocated_bytes() <= before - 50_000_000
        held.let_go(connection, kind, ())
        assert connection.execute(seen).fetchall() == [(0, 0, 0, 2_000_000, 2, 999_999)]


def test_parquet_is_the_same_in_memory_and_in_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [" Smith", "Jones ", "Zoë", "\tO'Neill\r\n", "Ng\u00a0", "", "   ", None, "van  Dyke", "\u00a0"] * 7
    table = pa.table({"record_id": [str(n) for n in range(70)], "family_name": names, "gender": ["1", "x"] * 35})
    pq.write_table(table, tmp_path / "people.parquet", row_group_size=20)
    monkeypatch.setattr(load, "ROWS_AT_ONCE", 30)
    expected, report, _ = tables(tmp_path / "people.parquet", threads=2)
    assert len(expected["PERSON"]) == 70
    assert len(expected["DATA_QUALITY"]) == 35
    monkeypatch.setattr(memory, "ROOM", 100)
    assert tables(tmp_path / "people.parquet", threads=2)[:2] == (expected, report)


@pytest.mark.parametrize(("records", "pieces"), [(0, 0), (8_192, 1), (8_193, 2), (250_000, 31), (250_001, 1)])
def test_a_short_list_is_shared_out(records: int, pieces: int) -> None:
    import pyarrow as pa

    table = pa.table({"a": pa.array(range(records), pa.int64())})
    shared = memory.shared_out(table)
    assert len(shared.column("a").chunks) == pieces
    assert shared.equals(table)
