"""A finished run as tables: `clients.person`, `register.person` and `link`, read from its files and never changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from caretrace.linked import SIDES
from caretrace.run_folder import Run
from governance import at_rest
from schemas import PERSON
from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb


@contextmanager
def opened(run: Run) -> Iterator[duckdb.DuckDBPyConnection]:
    """The run's people and links as views."""
    import duckdb

    people, links = run.path / "linked" / "person.parquet", run.path / "links.parquet"
    if missing := [path.name for path in (people, links) if not path.is_file()]:
        raise InputError(f"holds no {', '.join(missing)}; link again with this version", path=run.path)
    closed = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    with duckdb.connect(config={**closed, **at_rest.spilling(run.path)}) as connection:
        connection.execute("SET enable_progress_bar = false")
        columns = ", ".join(f'"{name}"' for name in PERSON.names)
        for schema, side in SIDES.items():
            connection.execute(f"CREATE SCHEMA {schema}")
            connection.execute(
                f"CREATE VIEW {schema}.person AS SELECT {columns} FROM {parquet(people)} WHERE side = '{side}'"
            )
        connection.execute(f"CREATE VIEW link AS SELECT * FROM {parquet(links)}")
        yield connection


def parquet(*paths: Path) -> str:
    """SQL that reads Parquet files, encrypted or not."""
    return f"read_parquet([{', '.join(quoted(str(at_rest.readable(path))) for path in paths)}])"


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
