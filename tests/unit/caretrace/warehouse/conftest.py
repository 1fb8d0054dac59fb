"""A warehouse in memory, night after night, from a few readable rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from caretrace.warehouse import keys, links, migrations
from caretrace.warehouse.apply import Applied, apply, clear_read
from caretrace.warehouse.store import State
from caretrace.warehouse.views import make_room
from schemas import CANDIDATE, LINK, SOURCE_TABLES, TABLES

Row = Mapping[str, Any]


class Warehouse:
    """The state without its file; `night` begins a run, and what is done until the next one belongs to it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self.connection = connection
        connection.execute("ATTACH ':memory:' AS state")
        migrations.create(connection)
        self.state = State(connection, 0, folder)
        self.random = Random(1)  # noqa: S311

    def night(self) -> Warehouse:
        self.connection.execute(
            "DROP TABLE IF EXISTS temp.changed_clients; DROP TABLE IF EXISTS temp.changed_register;"
            "DROP TABLE IF EXISTS temp.relinked"
        )
        self.state.run += 1
        self.connection.execute("INSERT INTO state.run (run, kind) VALUES (?, 'night')", [self.state.run])
        return self

    def read(self, side: str, rows: Mapping[str, Sequence[Row]]) -> None:
        """What a reading leaves: `rows` by name of the table; all values are text."""
        clear_read(self.state, side)
        self.connection.execute(f"CREATE SCHEMA {side}")
        self.connection.execute("; ".join(t.ddl(f"store.{side}.{t.name.lower()}") for t in SOURCE_TABLES))
        for table, given in rows.items():
            self._insert(f"store.{side}.{table.lower()}", table, given)

    def deliver(self, side: str, feed: str, *, whole: bool, **rows: Sequence[Row]) -> Applied:
        self.read(side, {name.upper(): given for name, given in rows.items()})
        return apply(self.state, side=side, feed=feed, whole=whole)

    def decide(self, *rows: Row, candidates: Sequence[Row] = ()) -> links.LinkChanges:
        """What linkage leaves of the clients decided again, each named by its record_id; then links and keys."""
        for table, given in ((LINK, rows), (CANDIDATE, candidates)):
            name = table.name.lower()
            make_room(self.state, name)
            self.connection.execute(f"DROP TABLE IF EXISTS store.given; {table.ddl('store.given')}")
            self._insert(
                "store.given", table.name, [{"model_id": "m", **row} if table is LINK else row for row in given]
            )
            self.connection.execute(
                f"CREATE TABLE store.{name} AS SELECT r.id, g.* REPLACE (r.source AS source,"
                " r.source_org AS source_org) FROM store.given g JOIN state.record r"
                " ON r.side = 'clients' AND r.record_id = g.record_id"
            )
        return links.update_links(self.state, taken=self._take)

    def _take(self) -> None:
        """Note what whoever writes candidates beside the links sees of them."""
        self.taken = self.ask("FROM state.candidate ORDER BY id, rank")

    def key(self) -> keys.KeyChanges:
        return keys.update_keys(self.state, self.random.randbytes)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()

    def held(self, side: str, table: str) -> list[tuple[Any, ...]]:
        return self.ask(f"SELECT * EXCLUDE (id, content, from_run) FROM state.{side}.{table} ORDER BY ALL")

    def keys(self) -> dict[str, str]:
        """Person key by record_id."""
        return dict(self.ask("SELECT record_id, person_key FROM state.person_key JOIN state.record USING (id)"))

    def _insert(self, relation: str, table: str, rows: Sequence[Row]) -> None:
        if not rows:
            return
        filled = [{"source": "s", "source_org": "o", **row} for row in rows]
        names = [name for name in TABLES[table].names if any(name in row for row in filled)]
        given = pa.table({name: pa.array([row.get(name) for row in filled], pa.string()) for name in names})
        self.connection.register("given_rows", given)
        self.connection.execute(f"INSERT INTO {relation} BY NAME SELECT * FROM given_rows")
        self.connection.unregister("given_rows")


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    with opened_warehouse(tmp_path) as made:
        yield made


@pytest.fixture
def make_warehouse(tmp_path: Path) -> Any:
    """For properties: a warehouse for each example."""
    return lambda: opened_warehouse(tmp_path)


class opened_warehouse:  # noqa: N801 - reads as a function, as contextlib's do
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connection = duckdb.connect(config={"threads": 1})

    def __enter__(self) -> Warehouse:
        self.connection.execute("ATTACH ':memory:' AS store; USE store")
        return Warehouse(self.connection, self.folder / "warehouse")

    def __exit__(self, *_: object) -> None:
        self.connection.close()
