"""From files and tables into raw text columns in the working store, one DuckDB relation for each kind of file.

A raw relation has `file`, `record` and `line`, then every declared field of the kind as trimmed text, null where empty.
Text is read block by block by the layout of its kind, and stays as the parser made it while there is `Memory`; what is
more goes into a table of the store, which spills. So does Parquet; what is more stays where it is and becomes a view.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectors.files.header import Header
from connectors.files.layouts import Rows, reader
from connectors.files.layouts.delimited import tidy
from connectors.files.memory import Memory
from connectors.files.opening import Member, Tick
from connectors.files.records import Rejected
from connectors.files.text import MIXED, Text, examine, utf8_blocks
from connectors.files.typed import all_text, refuse_float_ids, refuse_nested, text_sql
from connectors.supplier import Kind
from connectors.values import quoted
from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_SPACE = "' ' || chr(9) || chr(10) || chr(13) || chr(160)"
# DuckDB writes whole row groups cheaply; inserts of a few thousand rows cost it ten times as much.
_ROWS_AT_ONCE = 122_880


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


def create_raw(connection: duckdb.DuckDBPyConnection, name: str, kind: Kind) -> None:
    """The empty raw table of a kind."""
    fields = "".join(f', CAST(NULL AS VARCHAR) AS "{field}"' for field in kind.columns)
    nothing = f"SELECT 0 AS file, CAST(0 AS BIGINT) AS record, CAST(0 AS BIGINT) AS line{fields} WHERE false"
    taken = f"WITH incoming AS ({nothing}) FROM ({kind.taken})" if kind.taken else nothing
    connection.execute(f"CREATE TEMP TABLE {name} AS {taken}")


def create_views(
    connection: duckdb.DuckDBPyConnection, kinds: Iterable[Kind], loaded: Mapping[str, Sequence[Loaded]], memory: Memory
) -> None:
    """`raw_<kind>`: what was loaded, what stays in memory, and what stays in Parquet files, as one relation."""
    for kind in kinds:
        files = loaded.get(kind.name, ())
        parts = [select for file in files for select in file.selects]
        if any(not file.in_memory and not file.selects for file in files):
            parts.append(f"SELECT * FROM loaded_{kind.name}")
        memory.create_view(connection, kind, beside=parts)


def load_text(
    connection: duckdb.DuckDBPyConnection,
    member: Member,
    kind: Kind,
    header: Header,
    *,
    raw: str,
    file: int,
    encodings: tuple[str, ...],
    tick: Tick,
    memory: Memory | None = None,
) -> Loaded:
    """Read a text by the layout of its kind, or a sheet: into `memory` where it has room, else into the table `raw`."""
    if member.sheet:
        blocks, encoding, sha256 = member.sheet.read(kind, header), None, member.delivered.sha256
        tick(member.size)
    else:
        text = examine(member, encodings)
        blocks = reader(kind.layout)(utf8_blocks(text, tick), kind, header)
        encoding, sha256 = _spoken(text), text.sha256
    records = loaded = 0
    rejected: list[Rejected] = []
    waiting: list[pa.Table] = []
    kept: list[pa.Table] = []
    # The store finds out which records are wanted, or what of them, and what has begun there goes on there.
    room = memory.room if memory and kind.wanted is None and kind.taken is None else 0
    for rows in _placed(blocks, member):
        records += rows.records
        rejected.extend(rows.rejected)
        if rows.table.num_rows:
            waiting.append(rows.table)
        if sum(table.num_rows for table in waiting) < _ROWS_AT_ONCE:
            continue
        kept.append(_together(waiting, file))
        if sum(table.nbytes for table in kept) > room:
            room = 0
            loaded += _insert_all(connection, raw, kept, kind)
    kept += [_together(waiting, file)] if waiting else []
    facts = Loaded(records, tuple(rejected), encoding, sha256, member.size)
    if memory and room:
        memory.keep(kind, kept)
        return replace(facts, in_memory=True)
    loaded += _insert_all(connection, raw, kept, kind)
    return replace(facts, passed_over=records - len(rejected) - loaded)


def _together(waiting: list[pa.Table], file: int) -> pa.Table:
    """One table of several, with the number of their file."""
    import numpy as np
    import pyarrow as pa

    table = pa.concat_tables(waiting)
    waiting.clear()
    return table.append_column("file", pa.array(np.full(table.num_rows, file, np.int32)))


def _placed(rows: Iterator[Rows], member: Member) -> Iterator[Rows]:
    """The same; a layout's error gets the path, which no layout knows."""
    try:
        yield from rows
    except InputError as error:
        if error.path is not None:
            raise
        raise InputError(str(error), path=member.where) from error


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
        f'{_trimmed(text_sql(schema, fields[name]))} AS "{name}"'
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
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables: list[pa.Table] = []
    record = 1
    try:
        with pq.ParquetFile(path) as opened:
            for batch in opened.iter_batches(_ROWS_AT_ONCE, columns=list(fields.values())):
                columns = {name: tidy(batch.column(title).cast(pa.string())) for name, title in fields.items()}
                rows = batch.num_rows
                place = {"record": np.arange(record, record + rows), "line": _nulls(rows)}
                tables.append(pa.table({**columns, **place, "file": np.full(rows, file, np.int32)}))
                record += rows
                if sum(table.nbytes for table in tables) > room:
                    return None
    except (pa.ArrowException, OSError) as error:
        raise InputError("is damaged inside, or was cut short; export it again", path=path) from error
    return tables


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


def load_table(
    connection: duckdb.DuckDBPyConnection,
    table: pa.Table,
    label: str,
    kind: Kind,
    *,
    raw: str,
    file: int,
    fields: Mapping[str, str],
) -> Loaded:
    """Copy a table in memory into the raw table `raw`; its hash is that of its Arrow stream."""
    import numpy as np

    refuse_nested(table.schema, fields.values(), label)
    digest = _hash(table)
    numbered = table.select(list(fields.values())).rename_columns(list(fields))
    numbered = numbered.append_column("record", [np.arange(1, table.num_rows + 1)])
    numbered = numbered.append_column("line", [_nulls(table.num_rows)])
    columns = "".join(f', {_trimmed(text_sql(numbered.schema, name))} AS "{name}"' for name in fields)
    number = f"CAST({file} AS INTEGER) AS file, record, line"
    loaded = _insert(connection, raw, numbered, kind, number + columns)
    return Loaded(table.num_rows, (), None, digest, table.nbytes, table.num_rows - loaded)


def _insert_all(connection: duckdb.DuckDBPyConnection, raw: str, kept: list[pa.Table], kind: Kind) -> int:
    loaded = sum(_insert(connection, raw, table, kind) for table in kept)
    kept.clear()
    return loaded


def _insert(connection: duckdb.DuckDBPyConnection, raw: str, table: pa.Table, kind: Kind, columns: str = "*") -> int:
    """How many records were wanted."""
    select = kind.taken or f"SELECT {columns} FROM incoming"
    if kind.wanted is not None:
        # With every field of the kind, whichever the file has.
        select = f"SELECT * FROM (SELECT * FROM {raw} WHERE false UNION ALL BY NAME {select}) r WHERE {kind.wanted}"
    connection.register("incoming", table)
    ((loaded,),) = connection.execute(f"INSERT INTO {raw} BY NAME {select}").fetchall()
    connection.unregister("incoming")
    return int(loaded)


def _trimmed(x: str) -> str:
    """Without space around it, null where nothing is left; what plainly has none is spared the dear trim."""
    sound = f"{x} > '!' AND {x} < chr(160) AND {x}[-1] BETWEEN '!' AND '~'"
    return f"CASE WHEN {sound} THEN {x} ELSE nullif(trim({x}, {_SPACE}), '') END"


def _spoken(text: Text) -> str:
    names = {
        "utf-8": "UTF-8",
        "cp1252": "Windows-1252",
        MIXED: "UTF-8 mixed with Windows-1252",
        "utf-16-le": "UTF-16",
        "utf-16-be": "UTF-16",
    }
    return names.get(text.encoding, text.encoding) + (" with a byte order mark" if text.mark else "")


def _nulls(count: int) -> pa.Array:
    import pyarrow as pa

    return pa.nulls(count, pa.int64())


def _hash(table: pa.Table) -> str:
    import pyarrow as pa

    class Sink(io.RawIOBase):
        digest = hashlib.sha256()

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.digest.update(data)
            return len(data)

    sink = Sink()
    sink.digest = hashlib.sha256()
    with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), table.schema) as writer:
        writer.write_table(table)
    return str(sink.digest.hexdigest())
