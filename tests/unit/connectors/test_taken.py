"""Records of which parts are kept as they are loaded (`Kind.taken`): in blocks of any size, all of them, in order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import Source, read
from connectors.files import load
from connectors.files.layouts import Rows
from connectors.files.raw import create_raw
from connectors.files.records import Rejected
from connectors.suppliers.fhir import FHIR
from schemas.errors import InputError
from schemas.sql import install_macros

KIND = FHIR.kinds[0]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        install_macros(made, as_at=date(2026, 11, 22))
        made.execute("CREATE TEMP MACRO reading_day() AS DATE '2026-11-22'")
        create_raw(made, "made", KIND)
        yield made


def block(first: int, count: int, *rejected: Rejected) -> Rows:
    number = pa.array(range(first, first + count), pa.int64())
    texts = [f'{{"resourceType":"Patient","id":"p{n}"}}' for n in range(first, first + count)]
    types = pa.array(["Patient"] * count, pa.string())
    made = {"resource_type": types, "json": pa.array(texts, pa.large_string()), "record": number, "line": number}
    return Rows(pa.table(made), rejected)


@settings(max_examples=4, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=6))
def test_blocks_of_any_size(connection: duckdb.DuckDBPyConnection, counts: list[int]) -> None:
    """One of which all is rejected among them: every record is there in order, and every rejected one is told."""
    connection.execute("DELETE FROM made")
    rejected = [Rejected(1000 + n, 1000 + n, "not valid JSON") for n in range(len(counts))]
    blocks = [block(1 + sum(counts[:at]), count, rejected[at]) for at, count in enumerate(counts)]
    found = load._taken(connection, "made", iter(blocks), 7, KIND)
    assert found == (sum(counts), rejected)
    kept = connection.execute("SELECT file, record, id FROM made").fetchall()
    assert kept == [(7, n, f"p{n}") for n in range(1, sum(counts) + 1)]


def test_nothing_at_all(connection: duckdb.DuckDBPyConnection) -> None:
    assert load._taken(connection, "made", iter(()), 1, KIND) == (0, [])


def test_an_error_in_a_later_block_is_told_as_it_is(connection: duckdb.DuckDBPyConnection) -> None:
    """With its own sentence and path, and not within one of the store's; nothing of the file is kept."""
    connection.execute("DELETE FROM made")

    def blocks() -> Iterator[Rows]:
        yield block(1, 3)
        raise InputError("cannot be read (gone)", path=Path("x.ndjson"))

    with pytest.raises(InputError, match="gone") as caught:
        load._taken(connection, "made", blocks(), 1, KIND)
    assert caught.value.path == Path("x.ndjson")
    assert connection.execute("SELECT count(*) FROM made").fetchall() == [(0,)]
    assert load._taken(connection, "made", iter([block(1, 2)]), 1, KIND) == (2, [])


def test_more_than_one_share_keeps_its_order(tmp_path: Path) -> None:
    count = 2 * load._SHARE + 1
    path = tmp_path / "p.ndjson"
    path.write_text("\n".join(f'{{"resourceType":"Patient","id":"p{n}"}}' for n in range(count)), encoding="utf-8")
    with duckdb.connect() as store:
        read(store, [Source(path)], side="clients", as_at=date(2026, 11, 22))
        found = store.execute("SELECT record_id, extract_record, extract_line FROM clients.person").fetchall()
    assert found == [(f"p{n}", n + 1, n + 1) for n in range(count)]
