"""From files and tables into raw text columns in the working store, one DuckDB relation for each kind of file.

A raw relation has `file`, `record` and `line`, then every declared field of the kind as trimmed text, null where empty.
Delimited text goes through the record index and Arrow's parser in blocks; Parquet stays where it is and becomes a view.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectors.files.header import Header, after_header
from connectors.files.records import RecordIndex, Rejected
from connectors.files.text import Text, examine, raw_blocks, utf8_blocks
from connectors.files.typed import refuse_float_ids, refuse_nested, text_sql
from connectors.supplier import Kind
from connectors.values import quoted
from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_SPACE = "' ' || chr(9) || chr(10) || chr(13) || chr(160)"
# DuckDB writes whole row groups (122,880 rows) cheaply; inserts of a few thousand rows cost it ten times as much.
_ROWS_AT_ONCE = 245_760
PARQUET = (".parquet", ".pq")


@dataclass(frozen=True)
class Loaded:
    """One file or table as it was loaded: `records` met, and those rejected before they had columns."""

    records: int
    rejected: tuple[Rejected, ...]
    encoding: str | None
    sha256: str
    bytes: int
    selects: tuple[str, ...] = ()
    """SQL to make part of the kind's raw relation of, where the data was left in its place."""


def create_raw(connection: duckdb.DuckDBPyConnection, name: str, kind: Kind) -> None:
    """The empty raw table of a kind."""
    fields = "".join(f', "{field}" VARCHAR' for field in kind.columns)
    connection.execute(f"CREATE TEMP TABLE {name} (file INTEGER, record BIGINT, line BIGINT{fields})")


def load_text(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    header: Header,
    *,
    raw: str,
    file: int,
    fields: Mapping[str, int],
    encodings: tuple[str, ...],
    tick: Callable[[int], None],
) -> Loaded:
    """Read a delimited file into the raw table `raw`; `fields` maps its fields to positions in the header."""
    text = examine(path, encodings)
    index = RecordIndex(len(header.titles), header.delimiter or ",", first_line=header.line + 1)
    rejected: list[Rejected] = []
    blocks = _counted(after_header(utf8_blocks(text), header.line), tick)
    waiting: list[pa.Table] = []
    for batch in index.read(blocks):
        rejected.extend(batch.rejected)
        if len(batch.record):
            table = _parse(batch.csv, header, fields)
            if table.num_rows != len(batch.record):
                raise AssertionError(f"{path}: the record index and the parser disagree")
            waiting.append(table.append_column("record", [batch.record]).append_column("line", [batch.line]))
        if sum(table.num_rows for table in waiting) >= _ROWS_AT_ONCE:
            _insert_all(connection, raw, file, waiting)
    _insert_all(connection, raw, file, waiting)
    return Loaded(index.records, tuple(rejected), _spoken(text), text.sha256, text.bytes)


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


def load_parquet(path: Path, *, file: int, fields: Mapping[str, str], kind: Kind) -> Loaded:
    """Leave a Parquet file where it is; `fields` maps the kind's fields to its columns."""
    import pyarrow.parquet as pq

    schema = pq.read_schema(path)
    refuse_nested(schema, fields.values(), path)
    digest, size = hashlib.sha256(), 0
    for block in raw_blocks(path):
        digest.update(block)
        size += len(block)
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
    return Loaded(pq.read_metadata(path).num_rows, (), None, digest.hexdigest(), size, (select,))


def load_table(
    connection: duckdb.DuckDBPyConnection,
    table: pa.Table,
    label: str,
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
    _insert(connection, raw, file, numbered, f"record, line{columns}")
    return Loaded(table.num_rows, (), None, digest, table.nbytes)


def _parse(text: bytes, header: Header, fields: Mapping[str, int]) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv

    names = [f"c{at}" for at in range(len(header.titles))]
    used = [names[at] for at in fields.values()]
    # With quotes everywhere taken as the index took them, and no type but text, Arrow has nothing left to decide.
    table = csv.read_csv(
        io.BytesIO(text),
        read_options=csv.ReadOptions(column_names=names, block_size=len(text) + 1),
        parse_options=csv.ParseOptions(
            delimiter=header.delimiter, newlines_in_values=True, ignore_empty_lines=len(names) > 0
        ),
        convert_options=csv.ConvertOptions(
            include_columns=used, column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )
    return pa.table([_tidy(table[names[at]]) for at in fields.values()], names=list(fields))


def _insert_all(connection: duckdb.DuckDBPyConnection, raw: str, file: int, waiting: list[pa.Table]) -> None:
    import pyarrow as pa

    if waiting:
        _insert(connection, raw, file, pa.concat_tables(waiting))
        waiting.clear()


def _insert(connection: duckdb.DuckDBPyConnection, raw: str, file: int, table: pa.Table, columns: str = "*") -> None:
    connection.register("incoming", table)
    connection.execute(f"INSERT INTO {raw} BY NAME SELECT CAST({file} AS INTEGER) AS file, {columns} FROM incoming")
    connection.unregister("incoming")


def _trimmed(x: str) -> str:
    """Without space around it, null where nothing is left; what plainly has none is spared the dear trim."""
    sound = f"{x} > '!' AND {x} < chr(160) AND {x}[-1] > ' ' AND {x}[-1] <> chr(160)"
    return f"CASE WHEN {sound} THEN {x} ELSE nullif(trim({x}, {_SPACE}), '') END"


def _tidy(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The same in Arrow, which trims thirty times as fast."""
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def _spoken(text: Text) -> str:
    names = {"utf-8": "UTF-8", "cp1252": "Windows-1252", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}
    return names.get(text.encoding, text.encoding) + (" with a byte order mark" if text.mark else "")


def _counted(blocks: Iterator[bytes], tick: Callable[[int], None]) -> Iterator[bytes]:
    for block in blocks:
        yield block
        tick(len(block))


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
