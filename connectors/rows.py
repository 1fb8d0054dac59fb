"""The records of files as they are, in text columns and in no standard table: for what writes such a file again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from connectors.detect import detect
from connectors.files.raw import Loaded, create_raw
from connectors.found import Found
from connectors.naming import tell_apart
from connectors.read import load
from connectors.source import FileFacts, Source
from connectors.supplier import Kind, Supplier
from schemas.errors import InputError
from schemas.progress import SILENT, Progress

if TYPE_CHECKING:
    import duckdb


def read_rows(
    connection: duckdb.DuckDBPyConnection,
    sources: Sequence[Source],
    supplier: Supplier,
    kind: Kind,
    *,
    table: str,
    progress: Progress = SILENT,
) -> tuple[FileFacts, ...]:
    """Make the temporary table `table` of every record of `kind`: `file` (its number from 1), `record`, `line`, fields.

    Facts count records that could not be read as rejected. Raises InputError where a source holds no such file.
    """
    if not sources:
        raise InputError("nothing to read: give at least one file or folder")
    raw = f"loaded_{kind.name}"
    create_raw(connection, raw, kind)
    facts: list[FileFacts] = []
    for extract in tell_apart([detect(source, (supplier,)) for source in sources]):
        for found in (found for found in extract.files if found.kind is kind):
            loaded = load(connection, supplier, found, len(facts) + 1, progress)
            for select in loaded.selects:
                connection.execute(f"INSERT INTO {raw} BY NAME {select}")
            facts.append(_facts(supplier, found, loaded))
    connection.execute(f"ALTER TABLE {raw} RENAME TO {table}")
    return tuple(facts)


def _facts(supplier: Supplier, found: Found, loaded: Loaded) -> FileFacts:
    rejected = len(loaded.rejected)
    return FileFacts(
        name=found.name,
        format=supplier.name,
        version=None,
        encoding=loaded.encoding,
        sha256=loaded.sha256,
        bytes=loaded.bytes,
        table="-",
        records=loaded.records,
        used=loaded.records - rejected,
        rejected=rejected,
        excluded=0,
    )
