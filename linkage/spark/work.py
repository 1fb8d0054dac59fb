"""What executors are told: the SQL of the one-machine engine, over tables as they stand in a bucket."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from linkage.blocking import pairs_sql
from linkage.frequencies import Frequencies
from linkage.model import Model
from linkage.rank import ranked_sql, settled_sql, weighed_sql
from linkage.spark.worker import Work
from linkage.weigh import pair_level_sql

if TYPE_CHECKING:
    import duckdb

_EVERYWHERE = {
    **{name: f"FROM {name}" for name in ("nickname", "f_given", "f_family", "f_cohort", "f_given_cohort")},
    "ruled_out": "FROM ruled_out",
    "confirmed": "SELECT c, r, person FROM confirmed",
}
"""Tables that weighing and ranking a pair read beside the two records: small, so every executor has them whole."""


def make_work(
    connection: duckdb.DuckDBPyConnection, model: Model, frequencies: Frequencies, folder: Path, memory: str
) -> Work:
    """The work of one linkage; writes the tables it needs into `folder`; `memory` is for one Python worker's DuckDB."""
    import duckdb
    import pyarrow as pa

    key = [pa.field("block_key", pa.uint64()), pa.field("first", pa.bool_())]
    client, register = (
        pa.schema([*connection.sql(f"{query} LIMIT 0").to_arrow_table().schema, *key])
        for query in records_sql(connection).values()
    )
    tables = {name: str(folder / f"{name}.parquet") for name in _EVERYWHERE}
    for name, path in tables.items():
        connection.execute(f"COPY ({_EVERYWHERE[name]}) TO '{path.replace(chr(39), chr(39) * 2)}' (FORMAT parquet)")
    levels = pair_level_sql(
        (each.comparison for each in model.comparisons), frequencies, f"({pairs_sql()})", model.sources
    )
    return Work(
        name=secrets.token_hex(8),
        duckdb_version=duckdb.__version__,
        memory=memory,
        macros=_macros(connection),
        tables=tables,
        client=client,
        register=register,
        client_counts=_client_counts(connection),
        compare=weighed_sql(model, frequencies.people, f"({levels})", "c, r, r_key, person, first"),
        settled=settled_sql(),
        ranked=ranked_sql(),
    )


def records_sql(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """SELECT of each side's rows as they travel: a client's with its own counts from `f_client`."""
    counts = ", ".join(f"f.{name} AS f_client_{name}" for name in _client_counts(connection))
    return {
        "client": f"SELECT l.*, {counts} FROM clients_record l JOIN f_client f ON f.id = l.id",
        "register": "SELECT * FROM register_record",
    }


def _client_counts(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    columns = connection.sql("FROM f_client LIMIT 0").columns
    return tuple(name for name in columns if name != "id")


def _macros(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """The macros as this connection has them, in the order in which they call each other."""
    return tuple(
        macro
        for (macro,) in connection.execute("""
            SELECT function_name || '(' || array_to_string(parameters, ', ') || ') AS ' || macro_definition
            FROM duckdb_functions()
            WHERE NOT internal AND function_type = 'macro' AND database_name = current_database()
            ORDER BY function_oid""").fetchall()
    )
