"""The one pass: every source is found out, loaded as text, standardised and accounted for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from connectors import departures, feed, month_first
from connectors.accounts import Input, facts_of, is_of_people, unread
from connectors.detect import detect
from connectors.feed import File
from connectors.files.load import load_text
from connectors.files.memory import Memory, forget
from connectors.files.parquet import load_parquet
from connectors.files.raw import Loaded, create_raw, create_views
from connectors.files.records import Rejected
from connectors.files.tables import load_table
from connectors.found import Extract, Found
from connectors.naming import tell_apart
from connectors.source import FileFacts, ReadReport, Source
from connectors.standardise import create_work_tables, standardise
from connectors.supplier import Supplier
from connectors.suppliers import candidates
from schemas import SOURCE_TABLES
from schemas.errors import InputError
from schemas.progress import SILENT, Progress
from schemas.sql import install_macros

if TYPE_CHECKING:
    import duckdb

SIDES = ("clients", "register")


def read(
    connection: duckdb.DuckDBPyConnection,
    sources: Sequence[Source],
    *,
    side: str,
    as_at: date,
    progress: Progress = SILENT,
    held: str | None = None,
) -> ReadReport:
    """Read `sources` into new tables of the schema `side` ("clients" or "register"), one for each of SOURCE_TABLES.

    `as_at` settles two-digit years and what is in the future. Raises InputError where a source cannot be used at all;
    what is wrong with single records and values stands in `set_aside` and `data_quality` instead.

    `held` is for changes that are laid over what is known: a relation (SQL) of source, source_org and record_id. What
    hangs on those people is used though the files at hand say nothing else of them, and there need be no people.
    """
    if side not in SIDES:
        raise ValueError(f"side is one of {SIDES}, not {side!r}")
    if not sources:
        raise InputError("nothing to read: give at least one file, folder or table")
    extracts = tell_apart([detect(source, candidates(source), changes=held is not None) for source in sources])
    _prepare(connection, side, as_at)
    facts: list[FileFacts] = []
    for supplier in _suppliers(extracts):
        group = [extract for extract in extracts if extract.supplier is supplier]
        facts += _read_group(connection, supplier, group, side, progress, held)
    return ReadReport(tuple(facts), _count_rows(connection, side))


def _prepare(connection: duckdb.DuckDBPyConnection, side: str, as_at: date) -> None:
    install_macros(connection, as_at=as_at)
    connection.execute(f"CREATE OR REPLACE TEMP MACRO reading_day() AS DATE '{as_at.isoformat()}'")
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {side}")
    connection.execute("; ".join(table.ddl(f"{side}.{table.name.lower()}") for table in SOURCE_TABLES))


def _suppliers(extracts: Sequence[Extract]) -> list[Supplier]:
    """Each supplier once, in the order met: its files are read together, so that repeats over files are seen."""
    return list({id(extract.supplier): extract.supplier for extract in extracts}.values())


def _read_group(
    connection: duckdb.DuckDBPyConnection,
    supplier: Supplier,
    extracts: Sequence[Extract],
    side: str,
    progress: Progress,
    held: str | None,
) -> list[FileFacts]:
    create_work_tables(connection)
    memory = Memory()
    files = _numbered(connection, extracts)
    for kind in supplier.kinds:
        if any(file.kind is kind for file in files):
            create_raw(connection, f"loaded_{kind.name}", kind)
    first = [file for file in files if file.kind.wanted is None]
    inputs = [
        Input(file.number, file.found, load(connection, supplier, file.found, file.number, progress, memory))
        for file in first
    ]
    if held is None:
        _check_people(supplier, inputs)
    create_views(connection, [kind for kind in supplier.kinds if kind.wanted is None], _by_kind(inputs), memory)
    hashes = {item.number: item.loaded.sha256 for item in inputs}
    told = feed.tell(connection, supplier, [replace(f, sha256=hashes.get(f.number)) for f in files], extracts)
    for file in told.in_order([file for file in files if file.kind.wanted is not None]):
        loaded = load(connection, supplier, file.found, file.number, progress, memory)
        inputs.append(Input(file.number, file.found, loaded))
    create_views(connection, [kind for kind in supplier.kinds if kind.wanted is not None], _by_kind(inputs), memory)
    inputs.sort(key=lambda item: item.number)
    _check_needs(inputs)
    for item in inputs:
        departures.check_records(connection, item.found, item.number)
    for item in inputs:
        _reject(connection, item)
    feed.replay(connection, supplier, told)
    feed.leave_out(connection, supplier, [name for extract in extracts for name in extract.source.without])
    feed.hold(connection, supplier)
    with progress.stage(f"Standardising {supplier.name}"):
        standardise(connection, supplier, side, memory, held)
    month_first.refuse(connection, side)
    facts = [*facts_of(connection, supplier, inputs, side, told.notes), *unread(supplier, extracts)]
    feed.clear(connection, supplier)
    _clear(connection, supplier)
    return facts


def _numbered(connection: duckdb.DuckDBPyConnection, extracts: Sequence[Extract]) -> list[File]:
    """The files that are read, by number, and `reading_file` with a row for each."""
    read = [(extract, found) for extract in extracts for found in extract.files if found.kind]
    for number, (extract, found) in enumerate(read, start=1):
        row = [number, found.name, extract.organisation]
        connection.execute("INSERT INTO reading_file VALUES (?, ?, ?)", row)
    return [File(number, found, extract.source) for number, (extract, found) in enumerate(read, start=1)]


def load(
    connection: duckdb.DuckDBPyConnection,
    supplier: Supplier,
    found: Found,
    number: int,
    progress: Progress,
    memory: Memory | None = None,
) -> Loaded:
    """Read one file into the raw table of its kind, or leave it in its place; its records are told by `number`."""
    kind = found.kind
    if kind is None:
        raise AssertionError("a file of no kind is not loaded")
    raw = f"loaded_{kind.name}"
    named = {field: found.header.titles[at] for field, at in kind.match(found.header.titles).items()}
    member = found.member
    with progress.stage(f"Reading {found.name}", member.size if member else None) as tick:
        if member is None:
            if found.table is None:
                raise AssertionError("neither a file nor a table")
            return load_table(connection, found.table, found.name, kind, raw=raw, file=number, fields=named)
        if member.is_parquet:
            loaded = load_parquet(connection, member, kind, raw=raw, file=number, fields=named, memory=memory)
            tick(loaded.bytes)
            return loaded
        return load_text(
            connection,
            member,
            kind,
            found.header,
            raw=raw,
            file=number,
            encodings=supplier.encodings,
            tick=tick,
            memory=memory,
        )


def _check_people(supplier: Supplier, inputs: Sequence[Input]) -> None:
    people = [item for item in inputs if is_of_people(supplier, item.found)]
    if people and not any(item.loaded.records for item in people):
        first = people[0].found
        header = "a header and " if first.header.line else ""
        raise InputError(f"holds {header}no records; export it again", path=first.where)


def _check_needs(inputs: Sequence[Input]) -> None:
    """Entries whose codes nothing explains must not pass for entries that say nothing."""
    present = {item.found.kind.name for item in inputs if item.found.kind}
    for item in inputs:
        kind = item.found.kind
        if kind and item.loaded.records and (missing := [name for name in kind.needs if name not in present]):
            raise InputError(
                f"cannot be understood without the {' and '.join(name.replace('_', ' ') for name in missing)} file; add"
                " it, or take this file out",
                path=item.found.where,
            )


def _by_kind(inputs: Sequence[Input]) -> dict[str, list[Loaded]]:
    loaded: dict[str, list[Loaded]] = {}
    for item in inputs:
        if item.found.kind:
            loaded.setdefault(item.found.kind.name, []).append(item.loaded)
    return loaded


def _reject(connection: duckdb.DuckDBPyConnection, item: Input) -> None:
    import pyarrow as pa

    rejected: tuple[Rejected, ...] = item.loaded.rejected
    if not rejected:
        return
    table = pa.table(
        {
            "record": pa.array([r.record for r in rejected], pa.int64()),
            "line": pa.array([r.line for r in rejected], pa.int64()),
            "rule": pa.array([r.rule for r in rejected], pa.string()),
        }
    )
    connection.register("rejected", table)
    connection.execute(
        "INSERT INTO aside SELECT ?, ?, record, line, (SELECT source_org FROM reading_file WHERE file = ?), 'rejected',"
        " '', rule FROM rejected",
        [item.found.kind.name if item.found.kind else "", item.number, item.number],
    )
    connection.unregister("rejected")


def _count_rows(connection: duckdb.DuckDBPyConnection, side: str) -> dict[str, int]:
    counted = ", ".join(f"(SELECT count(*) FROM {side}.{table.name.lower()})" for table in SOURCE_TABLES)
    (counts,) = connection.execute(f"SELECT {counted}").fetchall()
    return {table.name: count for table, count in zip(SOURCE_TABLES, counts, strict=True)}


def _clear(connection: duckdb.DuckDBPyConnection, supplier: Supplier) -> None:
    for kind in supplier.kinds:
        connection.execute(f"DROP VIEW raw_{kind.name}; DROP TABLE IF EXISTS loaded_{kind.name}")
        forget(connection, kind)
    found = [f"found_{lookup.alias}" for lookup in supplier.lookups]
    for table in ("reading_file", "aside", "later", "repeat", "doubtful", "suspect", "known_here", *found):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
