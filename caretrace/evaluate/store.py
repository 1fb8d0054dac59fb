"""A finished run as tables again: `link`, `candidate`, `clients.*` and `register.*`, read and never written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from caretrace.linked import SIDES
from caretrace.run_folder import Run
from governance import at_rest
from schemas import CANDIDATE, TABLES
from schemas.sql import install_macros

if TYPE_CHECKING:
    import duckdb


@contextmanager
def opened(run: Run, *, tables: tuple[str, ...] = ("person",)) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the run's tables as views; `tables` are those of both sides that are wanted."""
    import duckdb

    with duckdb.connect(config=at_rest.spilling(run.path)) as connection:
        connection.execute("SET enable_progress_bar = false")
        install_macros(connection, as_at=as_at(run))
        connection.execute(f"CREATE VIEW link AS FROM {links_sql(run)}")
        if (run.path / "candidates.parquet").is_file():
            connection.execute(f"CREATE VIEW candidate AS FROM {_parquet(run.path / 'candidates.parquet')}")
        else:
            connection.execute(CANDIDATE.ddl("candidate"))  # a run of before candidates were kept
        for schema, side in SIDES.items():
            connection.execute(f"CREATE SCHEMA {schema}")
            for table in tables:
                connection.execute(f"CREATE VIEW {schema}.{table} AS {linked_sql(run, table, side)}")
        yield connection


def links_sql(run: Run) -> str:
    """The run's links, as SQL."""
    return _parquet(run.path / "links.parquet")


def linked_sql(run: Run, table: str, side: str) -> str:
    """SELECT of one side of a linked table, as the table was declared."""
    path = _parquet(run.path / "linked" / f"{table}.parquet")
    columns = ", ".join(f'"{name}"' for name in TABLES[table.upper()].names)
    return f"SELECT {columns} FROM {path} WHERE side = '{side}'"


def as_at(run: Run) -> date:
    """The day the run's dates were judged by."""
    return date.fromisoformat(run.manifest["settings"]["as_at"])


def _parquet(path: Path) -> str:
    quoted = str(at_rest.readable(path)).replace("'", "''")
    return f"read_parquet('{quoted}')"
