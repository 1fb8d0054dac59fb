"""Clean records drawn at random, as `linkage.clean` would make them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from linkage.clean import clean
from linkage.verdicts import resolve

SIDES = ("clients", "register")
Records = list[dict[str, Any]]
RecordStore = Callable[[dict[str, Records]], duckdb.DuckDBPyConnection]


@pytest.fixture
def record_store(store) -> RecordStore:
    """Give a function that puts clean records of both sides in place of those that stood there.

    Cleaning costs more than all that is tested here, so it is done once, for the shape of the tables.
    """
    somebody = {"given_name": "Mary", "family_name": "Khan"}
    connection = store([somebody], [somebody])
    clean(connection, SIDES)
    resolve(connection)
    connection.execute("INSERT INTO nickname VALUES ('BILL', 'WILLIAM'), ('WILLIAM', 'BILL'), ('ANNE', 'ANN')")

    def put(lists: dict[str, Records]) -> duckdb.DuckDBPyConnection:
        for side in SIDES:
            table = f"{side}_record"
            schema = connection.sql(f"FROM {table} LIMIT 0").to_arrow_table().schema
            # Keys order the records otherwise than ids do.
            rows = [{"id": n, "key": (n * 7 + 3) % 101, **row} for n, row in enumerate(lists[side])]
            connection.execute(f"DELETE FROM {table}")
            connection.register("given_rows", pa.Table.from_pylist(rows, schema))
            connection.execute(f"INSERT INTO {table} SELECT * FROM given_rows")
            connection.unregister("given_rows")
        return connection

    return put
