"""What an executor runs: the texts of the one-machine engine, in a DuckDB in memory with one thread.

Work comes as SQL and files, so an executor needs Python, pyarrow, DuckDB of the driver's version and this
package, and no settings of its own. DuckDB spills into Spark's own local folder.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


@dataclass(frozen=True)
class Work:
    """One linkage, as executors know it."""

    name: str
    """Random: an executor that meets another name begins with a new store."""
    duckdb_version: str
    memory: str
    """What the DuckDB of one Python worker may hold before it spills."""
    macros: tuple[str, ...]
    tables: Mapping[str, str]
    """Parquet files of the tables that every task reads, by name: frequencies, nicknames, people's decisions."""
    client: pa.Schema
    register: pa.Schema
    """Columns of the two records, each with the `block_key` it travels under and whether that is of a `first` rule."""
    client_counts: tuple[str, ...]
    """Columns of table `f_client`, which travel with the client as `f_client_<column>`."""
    compare: str
    """SELECT of c, r, r_key, person, first, weight, pass for every pair of records that share a key."""
    settled: str
    """SELECT of c from `weighed`: the clients that the first rules settle."""
    ranked: str
    """SELECT of the best candidates of each client, from `weighed` and `settled`."""

    @cached_property
    def compared_schema(self) -> pa.Schema:
        """What `compare` gives; also proves the SQL before any executor sees it."""
        return compare(self, self.client.empty_table(), self.register.empty_table()).schema

    @cached_property
    def ranked_schema(self) -> pa.Schema:
        """What `rank` gives."""
        return rank(self, self.compared_schema.empty_table(), settled_only=False)[0].schema


def compare(work: Work, clients: pa.Table, register: pa.Table) -> pa.Table:
    """Every pair of one bucket of keys, weighed. The same pair may be made in another bucket too."""
    store = _store(work)
    counts = ", ".join(f"f_client_{name} AS {name}" for name in work.client_counts)
    with _given(store, client_part=clients, register_part=register):
        for side, part in (("clients", "client_part"), ("register", "register_part")):
            # A record comes once for each of its keys that fell into this bucket.
            store.execute(f"""
                CREATE OR REPLACE TEMP TABLE {side}_record AS
                SELECT DISTINCT ON (id) * EXCLUDE (block_key, first) FROM {part}""")
        for side in ("client", "register"):
            store.execute(f"""
                CREATE OR REPLACE TEMP TABLE {side}_key AS SELECT block_key AS key, id, first FROM {side}_part""")
    store.execute(f"CREATE OR REPLACE TEMP VIEW f_client AS SELECT id, {counts} FROM clients_record")
    return store.sql(work.compare).to_arrow_table()


def rank(work: Work, compared: pa.Table, *, settled_only: bool) -> tuple[pa.Table, int]:
    """The best candidates of the clients of one bucket, and how many pairs they were chosen from.

    `settled_only`: of those clients that the first rules settle, and no others.
    """
    store = _store(work)
    with _given(store, compared=compared):
        # Whatever bucket a pair was made in, it is the same pair.
        store.execute("""
            CREATE OR REPLACE TEMP TABLE weighed AS
            SELECT c, r, r_key, person, bool_or(first) AS first, max(weight) AS weight, min(pass) AS pass
            FROM compared GROUP BY c, r, r_key, person""")
    ((pairs,),) = store.execute("SELECT count(*) FROM weighed").fetchall()
    store.execute(f"CREATE OR REPLACE TEMP TABLE settled AS {work.settled}")
    if settled_only:
        store.execute("DELETE FROM weighed WHERE c NOT IN (SELECT c FROM settled)")
    return store.sql(work.ranked).to_arrow_table(), pairs


@contextmanager
def _given(store: duckdb.DuckDBPyConnection, **tables: pa.Table) -> Iterator[None]:
    """Arrow tables under names, for the length of a block."""
    for name, table in tables.items():
        store.register(name, table)
    try:
        yield
    finally:
        for name in tables:
            store.unregister(name)


_stores: dict[str, duckdb.DuckDBPyConnection] = {}


def _store(work: Work) -> duckdb.DuckDBPyConnection:
    """The store of this process: tasks follow each other in it, so the frequencies are loaded once."""
    if work.name not in _stores:
        forget()
        _stores[work.name] = _open(work)
    return _stores[work.name]


def forget() -> None:
    """Close the store of this process, if there is one."""
    while _stores:
        _stores.popitem()[1].close()


def _open(work: Work) -> duckdb.DuckDBPyConnection:
    import duckdb

    if duckdb.__version__ != work.duckdb_version:
        raise RuntimeError(f"CARETRACE_DUCKDB_VERSION {duckdb.__version__} here, {work.duckdb_version} on the driver")
    local = os.environ.get("SPARK_LOCAL_DIRS", "").split(",")[0] or tempfile.gettempdir()
    store = duckdb.connect(
        config={
            # Spark has as many workers as it has cores.
            "threads": 1,
            "memory_limit": work.memory,
            "temp_directory": str(Path(local, f"caretrace-{work.name}-{os.getpid()}")),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    store.execute("SET enable_progress_bar = false")
    for macro in work.macros:
        store.execute(f"CREATE MACRO {macro}")
    for name, path in work.tables.items():
        store.execute(f"CREATE TABLE {name} AS FROM read_parquet(?)", [path])
    return store
