"""The one pass: every source is found out, loaded as text, standardised and accounted for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from connectors import feed
from connectors.detect import Extract, Found, detect
from connectors.feed import File
from connectors.files.load import Loaded, create_raw, create_views, load_parquet, load_table, load_text
from connectors.files.memory import Memory, forget
from connectors.files.records import Rejected
from connectors.naming import tell_apart
from connectors.source import FileFacts, ReadReport, Source
from connectors.standardise import create_work_tables, standardise
from connectors.standardise.aside import ORPHAN
from connectors.supplier import Kind, Supplier
from connectors.suppliers import candidates
from schemas import SOURCE_TABLES
from schemas.errors import InputError
from schemas.progress import SILENT, Progress
from schemas.sql import install_macros

if TYPE_CHECKING:
    import duckdb

SIDES = ("clients", "register")
_WHO = ("family_name", "given_name", "birth_date", "postcode", "nhs_number")
_NAMED_AT_MOST = 60
"""Columns that are not used; of a wider file (SUS has 1,200) the number says more than the names."""


def read(
    connection: duckdb.DuckDBPyConnection,
    sources: Sequence[Source],
    *,
    side: str,
    as_at: date,
    progress: Progress = SILENT,
) -> ReadReport:
    """Read `sources` into new tables of the schema `side` ("clients" or "register"), one for each of SOURCE_TABLES.

    `as_at` settles two-digit years and what is in the future. Raises InputError where a source cannot be used at all;
    what is wrong with single records and values stands in `set_aside` and `data_quality` instead.
    """
    if side not in SIDES:
        raise ValueError(f"side is one of {SIDES}, not {side!r}")
    if not sources:
        raise InputError("nothing to read: give at least one file, folder or table")
    extracts = tell_apart([detect(source, candidates(source)) for source in sources])
    _prepare(connection, side, as_at)
    facts: list[FileFacts] = []
    for supplier in _suppliers(extracts):
        group = [extract for extract in extracts if extract.supplier is supplier]
        facts += _read_group(connection, supplier, group, side, progress)
    return ReadReport(tuple(facts), _count_rows(connection, side))


def _prepare(connection: duckdb.DuckDBPyConnection, side: str, as_at: date) -> None:
    install_macros(connection, as_at=as_at)
    connection.execute(f"CREATE OR REPLACE TEMP MACRO reading_day() AS DATE '{as_at.isoformat()}'")
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {side}")
    connection.execute("; ".join(table.ddl(f"{side}.{table.name.lower()}") for table in SOURCE_TABLES))


def _suppliers(extracts: Sequence[Extract]) -> list[Supplier]:
    """Each supplier once, in the order met: its files are read together, so that repeats over files are seen."""
    return list({id(extract.supplier): extract.supplier for extract in extracts}.values())


@dataclass(frozen=True)
class _Input:
    """One file with the number it has while it is read."""

    number: int
    found: Found
    loaded: Loaded


def _read_group(
    connection: duckdb.DuckDBPyConnection,
    supplier: Supplier,
    extracts: Sequence[Extract],
    side: str,
    progress: Progress,
) -> list[FileFacts]:
    create_work_tables(connection)
    for kind in supplier.kinds:
        create_raw(connection, f"loaded_{kind.name}", kind)
    memory = Memory()
    files = _numbered(connection, extracts)
    first = [file for file in files if file.kind.wanted is None]
    inputs = [
        _Input(file.number, file.found, load(connection, supplier, file.found, file.number, progress, memory))
        for file in first
    ]
    _check_people(supplier, inputs)
    create_views(connection, [kind for kind in supplier.kinds if kind.wanted is None], _by_kind(inputs), memory)
    hashes = {item.number: item.loaded.sha256 for item in inputs}
    told = feed.tell(connection, supplier, [replace(f, sha256=hashes.get(f.number)) for f in files], extracts)
    for file in told.in_order([file for file in files if file.kind.wanted is not None]):
        loaded = load(connection, supplier, file.found, file.number, progress, memory)
        inputs.append(_Input(file.number, file.found, loaded))
    create_views(connection, [kind for kind in supplier.kinds if kind.wanted is not None], _by_kind(inputs), memory)
    inputs.sort(key=lambda item: item.number)
    _check_needs(inputs)
    for item in inputs:
        _reject(connection, item)
    feed.replay(connection, supplier, told)
    feed.leave_out(connection, supplier, [name for extract in extracts for name in extract.source.without])
    feed.hold(connection, supplier)
    with progress.stage(f"Standardising {supplier.name}"):
        standardise(connection, supplier, side, memory)
    facts = [*_facts(connection, supplier, inputs, side, told.notes), *_unread(supplier, extracts)]
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


def _check_people(supplier: Supplier, inputs: Sequence[_Input]) -> None:
    people = [item for item in inputs if _is_of_people(supplier, item.found)]
    if people and not any(item.loaded.records for item in people):
        first = people[0].found
        header = "a header and " if first.header.line else ""
        raise InputError(f"holds {header}no records; export it again", path=first.where)


def _is_of_people(supplier: Supplier, found: Found) -> bool:
    return any(found.kind is kind for kind in supplier.people)


def _check_needs(inputs: Sequence[_Input]) -> None:
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


def _by_kind(inputs: Sequence[_Input]) -> dict[str, list[Loaded]]:
    loaded: dict[str, list[Loaded]] = {}
    for item in inputs:
        if item.found.kind:
            loaded.setdefault(item.found.kind.name, []).append(item.loaded)
    return loaded


def _reject(connection: duckdb.DuckDBPyConnection, item: _Input) -> None:
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


def _facts(
    connection: duckdb.DuckDBPyConnection,
    supplier: Supplier,
    inputs: Sequence[_Input],
    side: str,
    notes: Mapping[int, str],
) -> list[FileFacts]:
    counted = connection.execute("SELECT file, verdict, count(*) FROM aside GROUP BY ALL").fetchall()
    aside = {(file, verdict): count for file, verdict, count in counted}
    tests = dict(
        connection.execute(
            f"SELECT extract_file, count(*) FROM {side}.person WHERE nhs_number >= '9' AND source = ? GROUP BY ALL",
            [supplier.name],
        ).fetchall()
    )
    orphans = dict(
        connection.execute("SELECT file, count(*) FROM aside WHERE rule = ? GROUP BY ALL", [ORPHAN]).fetchall()
    )
    facts = []
    for item in inputs:
        kind, header = item.found.kind, item.found.header
        if kind is None:
            continue
        rejected = aside.get((item.number, "rejected"), 0)
        excluded = aside.get((item.number, "excluded"), 0) + item.loaded.passed_over
        facts.append(
            FileFacts(
                name=item.found.name,
                format=supplier.name,
                version=kind.version(header.titles),
                encoding=item.loaded.encoding,
                sha256=item.loaded.sha256,
                bytes=item.loaded.bytes,
                table=kind.fills[0].table.name if kind.fills else "-",
                records=item.loaded.records,
                used=item.loaded.records - rejected - excluded,
                rejected=rejected,
                excluded=excluded,
                passed_over=item.loaded.passed_over,
                test_numbers=tests.get(item.found.name, 0) if _is_of_people(supplier, item.found) else 0,
                note=_joined(
                    _cut(item.loaded),
                    _ORPHANS if orphans.get(item.number, 0) * 2 > item.loaded.records else None,
                    notes.get(item.number) or _note(kind, header.titles),
                    supplier.note,
                ),
            )
        )
    return facts


_ORPHANS = (
    "more than half of its records are of people who are not in the extract: a file of people is missing or cut, or ids"
    " are not written alike (leading zeros)"
)


def _cut(loaded: Loaded) -> str | None:
    """What is wrong with a last record often says that there were more."""
    if any(rejected.record == loaded.records for rejected in loaded.rejected):
        return "its last record is broken: the file may be cut short, or end in a line of totals"
    return None


def _joined(*notes: str | None) -> str | None:
    return "; ".join(filter(None, notes)) or None


def _note(kind: Kind, titles: tuple[str, ...]) -> str | None:
    """Columns that were given and not used, and those that say who people are and were not given.

    Where only an id is required a misspelt title costs its whole column, so the two stand side by side.
    """
    if kind.recognised:
        return None
    used = kind.match(titles)
    ignored = [title for at, title in enumerate(titles) if title and at not in used.values()]
    if len(ignored) > _NAMED_AT_MOST:
        ignored = [f"{len(ignored)} of {len(titles)}"]
    absent = [kind.title(name) for name in _WHO if name not in used] if kind.any_of else []
    parts = {"columns not used": ignored, "columns absent": absent}
    return "; ".join(f"{what}: {', '.join(names)}" for what, names in parts.items() if names) or None


def _unread(supplier: Supplier, extracts: Sequence[Extract]) -> list[FileFacts]:
    """Files of the folder whose columns are those of nothing we read, such as appointments: named, not opened."""
    unread = [found for extract in extracts for found in extract.files if found.kind is None]
    strange = f"its columns are those of no file that the {supplier.name} format uses"
    return [
        FileFacts(
            name=found.name,
            format=supplier.name,
            version=None,
            encoding=None,
            sha256="",
            bytes=found.member.size if found.member else 0,
            table="-",
            records=0,
            used=0,
            rejected=0,
            excluded=0,
            note=f"not read: {(found.member and found.member.unread) or strange}",
        )
        for found in unread
    ]


def _count_rows(connection: duckdb.DuckDBPyConnection, side: str) -> dict[str, int]:
    counted = ", ".join(f"(SELECT count(*) FROM {side}.{table.name.lower()})" for table in SOURCE_TABLES)
    (counts,) = connection.execute(f"SELECT {counted}").fetchall()
    return {table.name: count for table, count in zip(SOURCE_TABLES, counts, strict=True)}


def _clear(connection: duckdb.DuckDBPyConnection, supplier: Supplier) -> None:
    for kind in supplier.kinds:
        connection.execute(f"DROP VIEW raw_{kind.name}; DROP TABLE loaded_{kind.name}")
        forget(connection, kind)
    found = [f"found_{lookup.alias}" for lookup in supplier.lookups]
    for table in ("reading_file", "aside", "later", "repeat", "doubtful", "suspect", *found):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
