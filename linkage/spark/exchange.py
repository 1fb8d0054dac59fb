"""The folder in which records wait for executors and results for the driver.

What is in it identifies people: only its owner may read it, and it goes when the work ends, however it ends.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from linkage.spark.settings import OWN
from linkage.spark.wire import carried, load, unload
from schemas.errors import SettingsError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_BATCH = 100_000
"""Rows at a time, and to a row group, which is the least that Spark reads as one piece."""


@contextlib.contextmanager
def folder(connection: duckdb.DuckDBPyConnection, given: Path | None) -> Iterator[Path]:
    """A new folder in `given`, or beside the place where the store spills."""
    if given is not None and not given.is_dir():
        raise SettingsError(f"{OWN}folder: {given} is not a folder")
    place = given or _beside(connection)
    if "," in str(place or ""):
        raise SettingsError(f"{place}: Spark takes a comma in a path for the end of it; choose another folder")
    with tempfile.TemporaryDirectory(prefix="caretrace-spark-", dir=place) as made:
        yield Path(made).resolve()


def require_shared(master: str | None, given: Path | None) -> None:
    """Raise SettingsError where executors on other machines would look for a folder of this one."""
    if given is None and not (master or "").startswith("local"):
        raise SettingsError(
            f"the executors of {master} do not see this machine's temporary folder; give one that driver and executors"
            f" see under one path, with --spark-conf {OWN}folder=FOLDER"
        )


def _beside(connection: duckdb.DuckDBPyConnection) -> Path | None:
    ((spill,),) = connection.execute("SELECT current_setting('temp_directory')").fetchall()
    beside = Path(spill).parent
    return beside if beside.is_absolute() and beside.is_dir() else None


@dataclass(frozen=True)
class Written:
    """A Parquet file, and the schema of what it was written from."""

    path: Path
    schema: pa.Schema


def write(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> Written:
    """Write what `query` gives as Parquet that Spark can read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    reader = connection.sql(query).to_arrow_reader(_BATCH)
    with pq.ParquetWriter(path, carried(reader.schema), compression="zstd") as writer:
        for batch in reader:
            writer.write_table(load(pa.Table.from_batches([batch])))
    return Written(path, reader.schema)


def read_into(connection: duckdb.DuckDBPyConnection, table: str, path: Path, schema: pa.Schema) -> None:
    """Add the Parquet files of folder `path`, which Spark wrote, to `table`, whose columns are `schema`."""
    import pyarrow.parquet as pq

    for file in sorted(path.glob("*.parquet")):
        with pq.ParquetFile(file) as source:
            rows = unload(source.read(), schema)
        connection.register("arrived", rows)
        connection.execute(f"INSERT INTO {table} BY NAME FROM arrived")
        connection.unregister("arrived")
