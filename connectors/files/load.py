"""From text files and sheets into raw relations: block by block, by the layout of their kind.

Text stays as the parser made it while there is `Memory`; what is more goes into a table of the store, which spills.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from connectors.files.header import Header
from connectors.files.layouts import Rows, reader
from connectors.files.memory import Memory
from connectors.files.once import Otherwise, opened, settled
from connectors.files.opening import Member, Tick
from connectors.files.raw import ROWS_AT_ONCE, Loaded, insert, insert_all
from connectors.files.records import Rejected
from connectors.files.text import MIXED, Text
from connectors.supplier import Kind
from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_SHARE = 4096
"""Records of a block that a thread of the store takes at once."""


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
    into = _Into(connection, raw, file, kind, member, memory)
    if member.sheet:
        records = member.sheet.read(kind, header)
        tick(member.size)
        return _load(into, records, None)
    layout = reader(kind.layout)
    try:
        text, told = opened(member, encodings, tick)
        return _load(into, layout(text, kind, header), told)
    except Otherwise:
        connection.execute(f"DELETE FROM {raw} WHERE file = {file}")
        text, told = settled(member, encodings, lambda done: None)
        return _load(into, layout(text, kind, header), told)


@dataclass(frozen=True)
class _Into:
    """Where the records of a file go."""

    connection: duckdb.DuckDBPyConnection
    raw: str
    file: int
    kind: Kind
    member: Member
    memory: Memory | None


def _load(into: _Into, blocks: Iterator[Rows], told: Callable[[], Text] | None) -> Loaded:
    """The records as they are loaded; `told` says what their text is, once they are all read."""
    connection, raw, file, kind = into.connection, into.raw, into.file, into.kind
    member, memory = into.member, into.memory
    more: list[str] = []
    blocks = _placed(blocks, member, more)
    if kind.taken:
        taken, refused = _taken(connection, raw, blocks, file, kind)
        return _facts(member, told, taken + len(refused), refused, more)
    records = loaded = 0
    rejected: list[Rejected] = []
    waiting: list[pa.Table] = []
    kept: list[pa.Table] = []
    # The store finds out which records are wanted, and what has begun there goes on there.
    room = memory.room if memory and kind.wanted is None else 0
    for rows in blocks:
        records += rows.records
        rejected.extend(rows.rejected)
        if rows.table.num_rows:
            waiting.append(rows.table)
        if sum(table.num_rows for table in waiting) < ROWS_AT_ONCE:
            continue
        kept.append(_together(waiting, file))
        if sum(table.nbytes for table in kept) > room:
            room = 0
            loaded += insert_all(connection, raw, kept, kind)
    kept += [_together(waiting, file)] if waiting else []
    facts = _facts(member, told, records, rejected, more)
    if memory and room:
        memory.keep(kind, kept)
        return replace(facts, in_memory=True)
    loaded += insert_all(connection, raw, kept, kind)
    return replace(facts, passed_over=records - len(rejected) - loaded)


def _facts(
    member: Member, told: Callable[[], Text] | None, records: int, rejected: list[Rejected], more: list[str]
) -> Loaded:
    """What is known of a member once it is read; of a sheet there is nothing to be told."""
    text = told() if told else None
    encoding, sha256 = (_spoken(text), text.sha256) if text else (None, member.delivered.sha256)
    return Loaded(records, tuple(rejected), encoding, sha256, member.size, more=more[0] if more else None)


def _together(waiting: list[pa.Table], file: int) -> pa.Table:
    """One table of several, with the number of their file."""
    import numpy as np
    import pyarrow as pa

    table = pa.concat_tables(waiting)
    waiting.clear()
    return table.append_column("file", pa.array(np.full(table.num_rows, file, np.int32)))


def _taken(
    connection: duckdb.DuckDBPyConnection, raw: str, blocks: Iterator[Rows], file: int, kind: Kind
) -> tuple[int, list[Rejected]]:
    """Insert what is kept of the records; how many there are, and the rejected.

    One statement for the whole file: to plan it takes as long as to go through thousands of records. Whichever of the
    store's threads is idle fetches the next block, while the others work on the one before.
    """
    import duckdb
    import pyarrow as pa

    rejected: list[Rejected] = []
    faults: list[InputError | Otherwise] = []

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            for rows in blocks:
                rejected.extend(rows.rejected)
                yield from _together([rows.table], file).to_batches(max_chunksize=_SHARE)
        except (InputError, Otherwise) as error:
            faults.append(error)
            raise

    made = batches()
    first = next(made, None)
    if first is None:
        return 0, rejected
    reader = pa.RecordBatchReader.from_batches(first.schema, chain([first], made))
    try:
        loaded = insert(connection, raw, reader, kind)
    except duckdb.Error:
        # Of an error in a block the store knows no more than the words.
        if faults:
            raise faults[0] from None
        raise
    refused = _refused(connection, raw, file)
    return loaded - len(refused), rejected + refused


def _refused(connection: duckdb.DuckDBPyConnection, raw: str, file: int) -> list[Rejected]:
    """Take out again what proved to be no record as it was parsed."""
    where = f"WHERE file = {file} AND rule IS NOT NULL"
    found = connection.execute(f"SELECT record, line, rule FROM {raw} {where} ORDER BY record").fetchall()
    if found:
        connection.execute(f"DELETE FROM {raw} {where}")
    return [Rejected(*each) for each in found]


def _placed(blocks: Iterator[Rows], member: Member, more: list[str]) -> Iterator[Rows]:
    """The same; a layout's error gets the path, which no layout knows, and `more` what they say of further records."""
    try:
        for rows in blocks:
            more += [rows.more] if rows.more else []
            yield rows
    except InputError as error:
        if error.path is not None:
            raise
        raise InputError(str(error), path=member.where) from error


def _spoken(text: Text) -> str:
    names = {
        "utf-8": "UTF-8",
        "cp1252": "Windows-1252",
        MIXED: "UTF-8 mixed with Windows-1252",
        "utf-16-le": "UTF-16",
        "utf-16-be": "UTF-16",
    }
    return names.get(text.encoding, text.encoding) + (" with a byte order mark" if text.mark else "")
