"""The records of files as they are, in text columns and in no standard table: for what writes such a file again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from connectors.detect import Found, detect
from connectors.files.load import Loaded, create_raw, load_parquet, load_table, load_text
from connectors.naming import tell_apart
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
    create_raw(connection, table, kind)
    facts: list[FileFacts] = []
    for extract in tell_apart([detect(source, (supplier,)) for source in sources]):
        for found in (found for found in extract.files if found.kind is kind):
            loaded = _load(connection, supplier, kind, found, len(facts) + 1, table, progress)
            facts.append(_facts(supplier, found, loaded))
    return tuple(facts)


def _load(
    connection: duckdb.DuckDBPyConnection,
    supplier: Supplier,
    kind: Kind,
    found: Found,
    number: int,
    table: str,
    progress: Progress,
) -> Loaded:
    named = {field: found.header.titles[at] for field, at in kind.match(found.header.titles).items()}
    member = found.member
    with progress.stage(f"Reading {found.name}", member.size if member else None) as tick:
        if member is None:
            return load_table(connection, found.table, found.name, kind, raw=table, file=number, fields=named)
        if not member.is_parquet:
            return load_text(
                connection, member, kind, found.header, raw=table, file=number, encodings=supplier.encodings, tick=tick
            )
        loaded = load_parquet(connection, member, kind, raw=table, file=number, fields=named)
        for select in loaded.selects:
            connection.execute(f"INSERT INTO {table} BY NAME {select}")
        tick(loaded.bytes)
        return loaded


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
