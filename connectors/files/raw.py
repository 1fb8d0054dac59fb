"""Raw relations of the working store, one for each kind of file, and what was loaded into them.

A raw relation has `file`, `record` and `line`, then every declared field of the kind as trimmed text, null where empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connectors.files.memory import Memory
from connectors.files.records import Rejected
from connectors.supplier import Kind

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_SPACE = "' ' || chr(9) || chr(10) || chr(13) || chr(160)"
# DuckDB writes whole row groups cheaply; inserts of a few thousand rows cost it ten times as much.
ROWS_AT_ONCE = 122_880


@dataclass(frozen=True)
class Loaded:
    """One file or table as it was loaded: `records` met, and those rejected before they had columns."""

    records: int
    rejected: tuple[Rejected, ...]
    encoding: str | None
    sha256: str
    bytes: int
    passed_over: int = 0
    """Records that are not `Kind.wanted`: counted, and not loaded."""
    selects: tuple[str, ...] = ()
    """SQL to make part of the kind's raw relation of, where the data was left in its place."""
    in_memory: bool = False
    """Its records stay in `Memory`."""
    more: str | None = None
    """What says in the text itself that there are records elsewhere."""


def create_raw(connection: duckdb.DuckDBPyConnection, name: str, kind: Kind) -> None:
    """The empty raw table of a kind."""
    connection.execute(f"CREATE TEMP TABLE {name} AS {_nothing(kind)}")


def _nothing(kind: Kind) -> str:
    """SQL of no record of a kind, with every column of its raw relation."""
    fields = "".join(f', CAST(NULL AS VARCHAR) AS "{field}"' for field in kind.columns)
    nothing = f"SELECT 0 AS file, CAST(0 AS BIGINT) AS record, CAST(0 AS BIGINT) AS line{fields} WHERE false"
    return f"WITH incoming AS ({nothing}) FROM ({kind.taken})" if kind.taken else nothing


def create_views(
    connection: duckdb.DuckDBPyConnection, kinds: Iterable[Kind], loaded: Mapping[str, Sequence[Loaded]], memory: Memory
) -> None:
    """`raw_<kind>`: what was loaded, what stays in memory, and what stays in Parquet files, as one relation."""
    for kind in kinds:
        files = loaded.get(kind.name, ())
        parts = [select for file in files for select in file.selects]
        if any(not file.in_memory and not file.selects for file in files):
            parts.append(f"SELECT * FROM loaded_{kind.name}")
        if not files:
            parts.append(_nothing(kind))
        memory.create_view(connection, kind, beside=parts)


def insert_all(connection: duckdb.DuckDBPyConnection, raw: str, kept: list[pa.Table], kind: Kind) -> int:
    """Insert tables and forget them; how many records were wanted."""
    loaded = sum(insert(connection, raw, table, kind) for table in kept)
    kept.clear()
    return loaded


def insert(
    connection: duckdb.DuckDBPyConnection,
    raw: str,
    table: pa.Table | pa.RecordBatchReader,
    kind: Kind,
    columns: str = "*",
) -> int:
    """Insert what is wanted of a table; how many records that were."""
    select = kind.taken or f"SELECT {columns} FROM incoming"
    if kind.wanted is not None:
        # With every field of the kind, whichever the file has.
        select = f"SELECT * FROM (SELECT * FROM {raw} WHERE false UNION ALL BY NAME {select}) r WHERE {kind.wanted}"
    connection.register("incoming", table)
    try:
        ((loaded,),) = connection.execute(f"INSERT INTO {raw} BY NAME {select}").fetchall()
    finally:
        connection.unregister("incoming")
    return int(loaded)


def trimmed(x: str) -> str:
    """Without space around it, null where nothing is left; what plainly has none is spared the dear trim."""
    sound = f"{x} > '!' AND {x} < chr(160) AND {x}[-1] BETWEEN '!' AND '~'"
    return f"CASE WHEN {sound} THEN {x} ELSE nullif(trim({x}, {_SPACE}), '') END"


def nulls(count: int) -> pa.Array:
    """As many lines that mean nothing."""
    import pyarrow as pa

    return pa.nulls(count, pa.int64())
