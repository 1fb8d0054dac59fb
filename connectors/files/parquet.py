"""Parquet files: into memory as they stand while there is room for them, else left where they are, as a view."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.files.ahead import ahead
from connectors.files.header import Header
from connectors.files.layouts.delimited import tidy
from connectors.files.memory import Memory
from connectors.files.opening import Member
from connectors.files.raw import ROWS_AT_ONCE, Loaded, nulls, trimmed
from connectors.files.typed import all_text, refuse_float_ids, refuse_nested, text_sql
from connectors.supplier import Kind
from connectors.values import quoted
from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def open_parquet(path: Path) -> Header:
    """The columns of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        reason = "it is not a Parquet file, or it was cut short; export it again"
        raise InputError(f"cannot be read: {reason}", path=path) from error
    refuse_float_ids(schema, path)
    return Header(tuple(schema.names), delimiter=None)


def load_parquet(
    connection: duckdb.DuckDBPyConnection,
    member: Member,
    kind: Kind,
    *,
    raw: str,
    file: int,
    fields: Mapping[str, str],
    memory: Memory | None = None,
) -> Loaded:
    """Take a Parquet file into `memory`, or leave it where it is; `fields` maps fields to its columns.

    Of a kind of which few records are wanted, those go into the table `raw`.
    """
    import pyarrow.parquet as pq

    path = member.path
    schema = pq.read_schema(path)
    refuse_nested(schema, fields.values(), path)
    room = memory.room if memory and kind.wanted is None and all_text(schema, fields.values()) else 0
    if memory and room and (tables := _parquet_text(path, file, fields, room)) is not None:
        memory.keep(kind, tables)
        records = sum(table.num_rows for table in tables)
        return Loaded(records, (), None, member.delivered.sha256, member.size, in_memory=True)
    columns = ", ".join(
        f'{trimmed(text_sql(schema, fields[name]))} AS "{name}"'
        if name in fields
        else f'CAST(NULL AS VARCHAR) AS "{name}"'
        for name in kind.columns
    )
    select = (
        f"SELECT CAST({file} AS INTEGER) AS file, file_row_number + 1 AS record, CAST(NULL AS BIGINT) AS line,"
        f" {columns}"
        f" FROM read_parquet({quoted(str(path))}, file_row_number = true)"
    )
    records, sha256 = _proved(connection, path, fields.values()), member.delivered.sha256
    if kind.wanted is None:
        return Loaded(records, (), None, sha256, member.size, selects=(select,))
    ((loaded,),) = connection.execute(
        f"INSERT INTO {raw} BY NAME SELECT r.* FROM ({select}) r WHERE {kind.wanted}"
    ).fetchall()
    return Loaded(records, (), None, sha256, member.size, records - loaded)


def _parquet_text(path: Path, file: int, fields: Mapping[str, str], room: int) -> list[pa.Table] | None:
    """The records of a Parquet file with text in all columns used, tidied; None where they are more than `room` bytes.

    Arrow trims a text in a third of the time that DuckDB takes to see that it needs no trimming.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables: list[pa.Table] = []
    try:
        with pq.ParquetFile(path) as opened:
            batches = opened.iter_batches(ROWS_AT_ONCE, columns=list(fields.values()))
            for table in ahead(_tidying(batches, file, fields)):
                tables.append(table)
                if sum(each.nbytes for each in tables) > room:
                    return None
    except (pa.ArrowException, OSError) as error:
        raise InputError("is damaged inside, or was cut short; export it again", path=path) from error
    return tables


def _tidying(
    batches: Iterable[pa.RecordBatch], file: int, fields: Mapping[str, str]
) -> Iterator[Callable[[], pa.Table]]:
    """What makes of each batch its records, tidied: one is tidied while the next is read."""
    import numpy as np
    import pyarrow as pa

    def tidied(batch: pa.RecordBatch, first: int) -> pa.Table:
        rows = batch.num_rows
        columns = {name: tidy(batch.column(title).cast(pa.string())) for name, title in fields.items()}
        place = {"record": np.arange(first, first + rows), "line": nulls(rows)}
        return pa.table({**columns, **place, "file": np.full(rows, file, np.int32)})

    record = 1
    for batch in batches:
        yield partial(tidied, batch, record)
        record += batch.num_rows


def _proved(connection: duckdb.DuckDBPyConnection, path: Path, columns: Iterable[str]) -> int:
    """The records of a Parquet file of which every value was read once: damage inside it would show only later."""
    import duckdb

    values = ", ".join('"' + column.replace('"', '""') + '"' for column in columns)
    try:
        # Needed by all columns of all rows, so that none is left out of the reading.
        found = connection.execute(
            f"SELECT count(*), bit_xor(hash({values})) FROM read_parquet({quoted(str(path))})"
        ).fetchall()
    except duckdb.Error as error:
        # Its words may hold what it found; they stay out of ours.
        raise InputError("is damaged inside, or was cut short; export it again", path=path) from error
    return int(found[0][0])
