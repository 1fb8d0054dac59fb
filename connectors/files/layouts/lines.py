"""A record a line: fixed-width files, and lists without a header."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from connectors.files.ahead import ahead
from connectors.files.header import Header
from connectors.files.layouts import Rows
from connectors.files.layouts.delimited import parse
from connectors.files.layouts.fixed import SPACE, cut
from connectors.files.lines import end_of_lines, last_breaks
from connectors.files.records import MAX_RECORD, NOT_TEXT, TOO_LONG, Rejected

if TYPE_CHECKING:
    import pyarrow as pa

    from connectors.supplier import Kind

BREAKS = "\r\n"


def read(blocks: Iterator[bytes], kind: Kind, header: Header) -> Iterator[Rows]:
    """Every line that is not blank, with the fields at the kind's positions or those of the values it is split into."""
    return ahead(_jobs(blocks, kind))


def _jobs(blocks: Iterator[bytes], kind: Kind) -> Iterator[Callable[[], Rows]]:
    import pyarrow.compute as pc

    met, record, inside = 0, 1, 0
    split = None if kind.fixed else bool(kind.rows)
    whole = "text" in kind.columns and "text" not in kind.positions
    for line in unbroken(blocks):
        present = _present(line)
        number = np.arange(record, record + len(present))
        place = met + 1 + present
        met, record = met + len(line), record + len(present)
        line = taken(line, present)
        if split is None and len(line):
            split = not (kind.fixed and kind.fixed.match(line[0].as_py().encode()))
        bad = _faults(line)
        rejected = tuple(Rejected(int(number[at]), int(place[at]), rule) for at, rule in bad.items())
        good = np.setdiff1d(np.arange(len(present)), np.fromiter(bad, np.int64, len(bad)), assume_unique=True)
        line = taken(line, good)
        columns: dict[str, Any] = {"record": number[good], "line": place[good]}
        text = pc.ascii_rtrim(line, SPACE + BREAKS) if split or whole else None
        if split or whole:
            columns["text"] = text
        if split:
            found, inside = _values(text, kind.rows, inside)
            columns |= found
        yield partial(_rows, line, {} if split else kind.positions, columns, rejected)


def _rows(
    line: pa.Array, positions: Mapping[str, tuple[int, int]], beside: Mapping[str, Any], rejected: tuple[Rejected, ...]
) -> Rows:
    import pyarrow as pa

    return Rows(pa.table({**beside, **(cut(line, positions) if positions else {})}), rejected)


def _present(line: pa.Array) -> npt.NDArray[np.int64]:
    """The places of the lines that are not blank, of lines with their breaks."""
    import pyarrow as pa
    import pyarrow.compute as pc

    starts = np.frombuffer(line.buffers()[1], np.int64)[line.offset : line.offset + len(line)]
    # Nearly every line begins with something that is seen.
    doubtful = np.flatnonzero(np.frombuffer(line.buffers()[2], np.uint8)[starts] <= ord(" "))
    shown = pc.binary_length(pc.ascii_rtrim(line.take(pa.array(doubtful)), SPACE + BREAKS))
    return np.delete(np.arange(len(line)), doubtful[np.asarray(shown) == 0])


def _values(text: pa.Array, rows: Mapping[int, Mapping[str, int]], inside: int) -> tuple[dict[str, pa.Array], int]:
    """The fields of lines that have a number of values `rows` knows, and `plain`; the others' are null.

    Left whole is also a line with a quotation mark, and one between two marks that pair. `inside` is 1 where a mark of
    a line before is still open, and is given back for the lines to come.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    marks = np.asarray(pc.count_substring(text, '"'))
    opened = (inside + np.cumsum(marks)) & 1
    left = (marks > 0) | (opened > 0)
    width = np.where(left, 0, np.asarray(pc.count_substring(text, ",")) + 1)
    columns = {name: pa.nulls(len(text), pa.string()) for fields in rows.values() for name in fields}
    for values, fields in rows.items():
        here = width == values
        if not here.any():
            continue
        # Joined to nothing, each gets the line break that parts it from the next.
        ends = (pa.scalar(end, text.type) for end in ("", "\n"))
        joined = pc.binary_join_element_wise(taken(text, np.flatnonzero(here)), *ends)
        held = joined.buffers()[2]
        found = parse(pa.BufferReader(held), held.size, values, {n: at - 1 for n, at in fields.items()}, quoted=False)
        for name in fields:
            column = found[name].combine_chunks()
            columns[name] = column if here.all() else pc.replace_with_mask(columns[name], pa.array(here), column)
    known = pa.array(np.isin(width, list(rows)))
    columns["plain"] = pc.if_else(known, "yes", pa.scalar(None, pa.string()))
    return columns, int(opened[-1]) if len(opened) else inside


def lines(blocks: Iterator[bytes], *, longest: int = 2 * MAX_RECORD) -> Iterator[pa.Array]:
    """The lines of each block, blank ones included, without their breaks (LF, CRLF or CR)."""
    import pyarrow.compute as pc

    for line in unbroken(blocks, longest=longest):
        yield pc.ascii_rtrim(line, BREAKS)


def unbroken(blocks: Iterator[bytes], *, longest: int = 2 * MAX_RECORD) -> Iterator[pa.Array]:
    """The same, each with its break still at its end: nothing is copied.

    A line over several blocks is cut after `longest` bytes, so that one bad byte cannot hold a whole file in memory.
    """
    pending, half = bytearray(), b""
    for block in blocks:
        body = half + block if half else block
        # A CR at the end may be half a CRLF.
        half = b"\r" if body.endswith(b"\r") else b""
        end = end_of_lines(body)
        if not end:
            pending += body[: min(len(body) - len(half), max(0, longest - len(pending)))]
            continue
        first = _end_of_first(body) if pending else 0
        if pending:
            yield _parted(_without_halves(bytes(pending)) + body[:first])
        if first < end:
            yield _parted(memoryview(body)[first:end])
        pending[:] = body[end : len(body) - len(half)]
    if pending:
        yield _parted(_without_halves(bytes(pending)) + b"\n")


def _end_of_first(body: bytes) -> int:
    """Where the line after the first begins."""
    line_feed = body.find(b"\n")
    at = body.find(b"\r", 0, line_feed) if line_feed >= 0 else body.find(b"\r")
    return line_feed + 1 if at < 0 or at + 1 == line_feed else at + 1


def _parted(text: bytes | memoryview) -> pa.Array:
    """The lines of UTF-8 that ends with a line break."""
    import pyarrow as pa

    breaks = last_breaks(np.frombuffer(text, np.uint8))
    ends = pa.py_buffer(np.concatenate((np.zeros(1, np.int64), breaks + 1)))
    return pa.Array.from_buffers(pa.large_string(), len(breaks), [None, ends, pa.py_buffer(text)])


def taken(text: pa.Array, at: npt.NDArray[np.int64]) -> pa.Array:
    """The texts at some places in order: nearly always all of them, which costs nothing."""
    import pyarrow as pa

    return text if len(at) == len(text) else text.take(pa.array(at))


def _without_halves(text: bytes) -> bytes:
    """Without the bytes of a character that was cut in two."""
    return text.decode(errors="ignore").encode()


def _faults(line: pa.Array) -> dict[int, str]:
    """Lines that can be no record, by place; they are few."""
    import pyarrow as pa
    import pyarrow.compute as pc

    long = np.flatnonzero(np.asarray(pc.greater(pc.binary_length(line), MAX_RECORD)))
    shown = pc.binary_length(pc.ascii_rtrim(line.take(pa.array(long)), SPACE + BREAKS))
    faults = {int(at): TOO_LONG for at in long[np.asarray(shown) > MAX_RECORD]}
    return {**faults, **{int(at): NOT_TEXT for at in with_nul(line)}}


def with_nul(text: pa.Array) -> npt.NDArray[np.int64]:
    """The places of texts with a NUL; among all bytes at once one is looked for in no time, and there seldom is one."""
    import pyarrow.compute as pc

    held = text.buffers()[-1]
    if held is None or not held.size or np.frombuffer(held, np.uint8).min() > 0:
        return np.empty(0, np.int64)
    return np.flatnonzero(np.asarray(pc.match_substring(text, "\0")))
