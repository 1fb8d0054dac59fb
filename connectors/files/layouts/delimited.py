"""Values parted by a delimiter: the record index finds the sound records, Arrow's parser makes them columns."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from connectors.files.ahead import ahead
from connectors.files.header import Header, after_header
from connectors.files.layouts import Rows
from connectors.files.records import Batch, RecordIndex, Rejected

TITLES = "the titles of the header again"
_AT_ONCE = 8 << 20
"""Bytes that are parsed at a time."""
ASCII_SPACE = " \t\n\v\f\r\x1c\x1d\x1e\x1f"
"""What is space to Unicode, of ASCII."""

if TYPE_CHECKING:
    import pyarrow as pa

    from connectors.supplier import Kind


def read(blocks: Iterator[bytes], kind: Kind, header: Header) -> Iterator[Rows]:
    """The records under the header, block by block; fields are trimmed, null where empty."""
    index = RecordIndex(len(header.titles), header.delimiter or ",", first_line=header.line + 1)
    batches = _longer(index.read(after_header(blocks, header.line)))
    return ahead(partial(_rows, batch, kind, header) for batch in batches)


def _rows(batch: Batch, kind: Kind, header: Header) -> Rows:
    import pyarrow as pa

    table = pa.table({})
    if len(batch.record):
        table = _parse(batch.csv, header, kind.match(header.titles))
        if table.num_rows != len(batch.record):
            raise AssertionError("the record index and the parser disagree")
        table = table.append_column("record", [batch.record]).append_column("line", [batch.line])
    return without_titles(Rows(table, batch.rejected), kind, header)


def _longer(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Batches that are worth a call of the parser, and long enough for the store to read them fast."""
    waiting: list[Batch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(len(each.csv) for each in waiting) >= _AT_ONCE:
            yield Batch.of(waiting)
            waiting = []
    if waiting:
        yield Batch.of(waiting)


def _parse(text: bytes, header: Header, fields: Mapping[str, int]) -> pa.Table:
    return parse(io.BytesIO(text), len(text), len(header.titles), fields, delimiter=header.delimiter or ",")


def parse(
    text: object, size: int, width: int, fields: Mapping[str, int], *, delimiter: str = ",", quoted: bool = True
) -> pa.Table:
    """The fields at some of the places (from 0) of `size` bytes of CSV whose every record is known to have `width`."""
    import pyarrow as pa
    from pyarrow import csv

    names = [f"c{at}" for at in range(width)]
    # Two fields may be mapped to one column.
    used = [names[at] for at in dict.fromkeys(fields.values())]
    # With quotes everywhere taken as the index took them, and no type but text, Arrow has nothing left to decide.
    table = csv.read_csv(
        text,
        # A piece of some thousand lines is too short to be shared out among threads.
        read_options=csv.ReadOptions(column_names=names, block_size=size + 1, use_threads=False),
        parse_options=csv.ParseOptions(
            delimiter=delimiter,
            quote_char='"' if quoted else False,
            newlines_in_values=quoted,
            ignore_empty_lines=len(names) > 0,
        ),
        convert_options=csv.ConvertOptions(
            include_columns=used,
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=True,
            null_values=[""],
        ),
    )
    return pa.table([tidy(table[names[at]]) for at in fields.values()], names=list(fields))


def without_titles(rows: Rows, kind: Kind, header: Header) -> Rows:
    """The same, with records that repeat the titles rejected: files were put together, or a report has pages."""
    import pyarrow.compute as pc

    fields = kind.match(header.titles)
    if not fields or not rows.table.num_rows or not header.line:
        return rows
    repeats = np.ones(rows.table.num_rows, bool)
    for name, at in fields.items():
        repeats &= np.asarray(pc.fill_null(pc.equal(rows.table[name], header.titles[at]), False))
        if not repeats.any():
            return rows
    found = rows.table.select(["record", "line"]).filter(repeats).to_pylist()
    rejected = tuple(Rejected(row["record"], row["line"], TITLES) for row in found)
    return Rows(rows.table.filter(~repeats), (*rows.rejected, *rejected))


def tidy(column: pa.ChunkedArray, *, is_ascii: bool = False) -> pa.ChunkedArray:
    """Without space around it, null where nothing is left; Arrow trims thirty times as fast as DuckDB.

    Of a column that is known to be ASCII no character has to be decoded, which takes four times as long.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = pc.ascii_trim(column, characters=ASCII_SPACE) if is_ascii else pc.utf8_trim_whitespace(column)
    # The parser makes nothing of what is empty; only what held nothing but space is left.
    if pc.min(pc.binary_length(trimmed)).as_py() != 0:
        return trimmed
    return pc.if_else(pc.greater(pc.binary_length(trimmed), 0), trimmed, pa.scalar(None, trimmed.type))
