"""What the rows of a run are, and which of them the database lacks: all of it in DuckDB's columns.

In: a Parquet file of the run folder and the ids of the rows that the database holds. Out: the ids that are gone, and
the rows that are new as the bytes of PostgreSQL's COPY in CSV. A row is one CSV line; its id is 128 bits of the line's
SHA-256, so that equal ids mean equal rows whatever wrote them. No Python sees a row: DuckDB makes the lines, and the
buffer in which Arrow holds them is sent as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace.warehouse.publish.postgres.tables import Stored
from governance import at_rest
from schemas import Column, Type
from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb

ID_BYTES = 16
_BATCH = 16_384
"""Rows to a message, some megabytes of text."""


@dataclass(frozen=True)
class Difference:
    """How the rows of a run and those of the database differ, as numbers of rows."""

    rows: int
    """In the run."""
    fresh: int
    """In the run only."""
    gone: int
    """In the database only."""


@contextmanager
def workspace(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory that spills into `folder` and fetches nothing from the network."""
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": "50%",
        "temp_directory": str(folder),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        # Rows are sent in any order, so that no thread waits for another.
        "preserve_insertion_order": False,
    }
    with duckdb.connect(config=config) as connection:
        connection.execute("SET enable_progress_bar = false")
        yield connection


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn whatever DuckDB raises in the block into one sentence: its own may hold values."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        kind = type(error).__name__
        raise InputError(
            f"{what} of the run could not be read ({kind}); see that disk and memory suffice, and load again"
        ) from None


def source(connection: duckdb.DuckDBPyConnection, stored: Stored, files: Sequence[Path]) -> str | None:
    """The query that gives the rows of `files` with a number of each as `place`; None where there are no files.

    Raises InputError where they do not hold the declared columns with their types.
    """
    if not files:
        return None
    held = _described(connection, files)
    wanted = {column.name: column.type.value for column in stored.table.columns}
    faults = [
        n for n in {*held, *wanted} if held.get(n) != wanted.get(n) and not (n not in held and stored.may_lack(n))
    ]
    if faults:
        raise InputError(
            f"does not hold the declared columns of {stored.table.name} ({', '.join(sorted(faults))}); another version"
            " of caretrace wrote it: load it with that one, or make the run again",
            path=files[0],
        )
    columns = ", ".join(f'"{n}"' if n in held else f'NULL::{t} AS "{n}"' for n, t in wanted.items())
    return f"SELECT (file_index::BIGINT << 40) + file_row_number AS place, {columns} FROM {_parquet(files)}"


def _parquet(files: Sequence[Path]) -> str:
    # A folder above might be called a=b, which DuckDB would take for a column.
    listed = ", ".join("'" + at_rest.readable(path).as_posix().replace("'", "''") + "'" for path in files)
    return f"read_parquet([{listed}], hive_partitioning = false, union_by_name = true)"


def _described(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> dict[str, str]:
    import duckdb

    try:
        rows = connection.execute(f"DESCRIBE SELECT * FROM {_parquet(files)}").fetchall()
    except duckdb.Error:
        raise InputError("cannot be read as Parquet; make the run again", path=files[0]) from None
    return {row[0]: row[1] for row in rows}


def compare(
    connection: duckdb.DuckDBPyConnection, stored: Stored, query: str | None, held: bytes, *, whole: bool = False
) -> Difference:
    """Lay the ids of the run beside `held`, the ids in the database one after the other; makes `fresh` and `gone`.

    With `whole` every row of the run counts as fresh, and every row held as gone.
    """
    import pyarrow as pa

    if query is None and not held:
        return Difference(0, 0, 0)
    ids = pa.FixedSizeBinaryArray.from_buffers(pa.binary(ID_BYTES), len(held) // ID_BYTES, [None, pa.py_buffer(held)])
    connection.register("held", pa.table({"id": ids}))
    if query is None:
        connection.execute("CREATE OR REPLACE TEMP TABLE laid (place BIGINT, id BLOB)")
    else:
        # Equal rows of a table without a key are told apart by counting them.
        counted = "" if stored.key else " || '#' || row_number() OVER (PARTITION BY line ORDER BY place)"
        connection.execute(f"""CREATE OR REPLACE TEMP TABLE laid AS
            SELECT place, unhex(left(sha256(line{counted}), {2 * ID_BYTES})) AS id
            FROM (SELECT place, {line(stored.table.columns)} AS line FROM ({query}))""")
    unlike = {name: "" if whole else f"ANTI JOIN {name} USING (id)" for name in ("held", "laid")}
    connection.execute(f"CREATE OR REPLACE TEMP TABLE fresh AS FROM laid {unlike['held']}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE gone AS SELECT id FROM held {unlike['laid']}")
    counts = [connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0] for name in ("laid", "fresh", "gone")]
    connection.execute("DROP TABLE laid")
    connection.unregister("held")
    return Difference(*counts)


def fresh_lines(connection: duckdb.DuckDBPyConnection, stored: Stored, query: str) -> Iterator[memoryview]:
    """The rows of `fresh` as CSV: row_id, then the declared columns."""
    text = line(stored.table.columns)
    return _buffers(
        connection, f"SELECT hex(id) || ',' || {text} || chr(10) AS line FROM ({query}) JOIN fresh USING (place)"
    )


def gone_lines(connection: duckdb.DuckDBPyConnection) -> Iterator[memoryview]:
    """The ids of `gone`, one to a line."""
    return _buffers(connection, "SELECT hex(id) || chr(10) AS line FROM gone")


def line(columns: Sequence[Column]) -> str:
    """SQL of a row as PostgreSQL reads CSV: text in quotes, null as nothing at all."""
    return f"concat_ws(',', {', '.join(_field(column) for column in columns)})"


def _field(column: Column) -> str:
    quoted = '"' + column.name.replace('"', '""') + '"'
    if column.type is Type.TEXT:
        written = f"""'"' || replace({quoted}, '"', '""') || '"'"""
    elif column.type in (Type.LEVELS, Type.BITS):
        written = f"""'"' || replace(CAST(to_json({quoted}) AS VARCHAR), '"', '""') || '"'"""
    else:
        written = f"CAST({quoted} AS VARCHAR)"
    return f"coalesce({written}, '')"


def column_with_nul(connection: duckdb.DuckDBPyConnection, stored: Stored, query: str) -> str | None:
    """The first text column that holds a NUL character, which PostgreSQL cannot store; looked for after it refused."""
    names = [c.name for c in stored.table.columns if c.type is Type.TEXT]
    found = ", ".join(f"""bool_or(contains("{name}", chr(0)))""" for name in names)
    (row,) = connection.execute(f"SELECT {found} FROM ({query})").fetchall()
    return next((name for name, held in zip(names, row, strict=True) if held), None)


def _buffers(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[memoryview]:
    """The text of a column of lines, batch after batch, as it lies in memory."""
    import numpy as np

    # What is raised here psycopg sends to the server, whose log others read.
    with reading("rows"):
        for batch in connection.sql(query).to_arrow_reader(_BATCH):
            lines: Any = batch.column(0)
            _, offsets, text = lines.buffers()
            ends = np.frombuffer(offsets, np.int32)[lines.offset : lines.offset + len(lines) + 1]
            yield memoryview(text)[ends[0] : ends[-1]]
