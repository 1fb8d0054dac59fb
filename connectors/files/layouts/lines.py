"""A record a line: fixed-width files, and lists without a header."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from connectors.files.header import Header
from connectors.files.layouts import Rows
from connectors.files.layouts.delimited import tidy
from connectors.files.records import MAX_RECORD, NOT_TEXT, TOO_LONG, Rejected

if TYPE_CHECKING:
    import pyarrow as pa

    from connectors.supplier import Kind


def read(blocks: Iterator[bytes], kind: Kind, header: Header) -> Iterator[Rows]:
    """Every line that is not blank, with the fields cut out at the kind's positions (1-based, in characters)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    met, record = 0, 1
    for line in lines(blocks):
        text = pc.utf8_rtrim(line, " \t\x1a")
        present = np.flatnonzero(np.asarray(pc.greater(pc.binary_length(text), 0)))
        number = np.arange(record, record + len(present))
        place = met + 1 + present
        met, record = met + len(line), record + len(present)
        text = taken(text, present)
        bad = _faults(text)
        rejected = tuple(Rejected(int(number[at]), int(place[at]), rule) for at, rule in bad.items())
        good = np.setdiff1d(np.arange(len(present)), np.fromiter(bad, np.int64, len(bad)), assume_unique=True)
        text = taken(text, good)
        cut = _cutter(text)
        columns = {name: tidy(cut(start - 1, length)) for name, (start, length) in kind.positions.items()}
        if "text" in kind.columns:
            columns["text"] = text
        yield Rows(pa.table({**columns, "record": number[good], "line": place[good]}), rejected)


def _cutter(text: pa.Array) -> Callable[[int, int], pa.Array]:
    """A function that cuts so many characters out of each line from a place on.

    Where every character is a byte, none has to be counted: that is many times as fast in long lines.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pc.all(pc.string_is_ascii(text)).as_py():
        return lambda start, length: pc.utf8_slice_codeunits(text, start, start + length)
    raw = text.cast(pa.large_binary())
    return lambda start, length: pc.binary_slice(raw, start, start + length).cast(text.type)


def lines(blocks: Iterator[bytes], *, longest: int = 2 * MAX_RECORD) -> Iterator[pa.Array]:
    """The lines of each block, blank ones included, without their breaks (LF, CRLF or CR).

    A line over several blocks is cut after `longest` bytes, so that one bad byte cannot hold a whole file in memory.
    """
    import pyarrow.compute as pc

    pending, half = bytearray(), b""
    for block in blocks:
        body = half + block
        # A CR at the end may be half a CRLF.
        half = b"\r" if body.endswith(b"\r") else b""
        if b"\r" in body:
            body = body[: len(body) - len(half)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        end = body.rfind(b"\n")
        if end < 0:
            pending += body[: max(0, longest - len(pending))]
            continue
        whole = len(pending) < longest
        text = bytes(pending) + body[:end]
        pending[:] = body[end + 1 :]
        yield pc.split_pattern(_one(text if whole else _without_halves(text)), "\n").values
    if pending:
        yield _one(_without_halves(bytes(pending)))


def taken(text: pa.Array, at: npt.NDArray[np.int64]) -> pa.Array:
    """The texts at some places in order: nearly always all of them, which costs nothing."""
    import pyarrow as pa

    return text if len(at) == len(text) else text.take(pa.array(at))


def _one(text: bytes) -> pa.Array:
    """UTF-8 as an array of one text, which is not copied."""
    import pyarrow as pa

    ends = pa.py_buffer(np.array([0, len(text)], np.int64))
    return pa.Array.from_buffers(pa.large_string(), 1, [None, ends, pa.py_buffer(text)])


def _without_halves(text: bytes) -> bytes:
    """Without the bytes of a character that was cut in two."""
    return text.decode(errors="ignore").encode()


def _faults(text: pa.Array) -> dict[int, str]:
    """Lines that can be no record, by place; they are few."""
    import pyarrow.compute as pc

    faults = {int(at): TOO_LONG for at in np.flatnonzero(np.asarray(pc.greater(pc.binary_length(text), MAX_RECORD)))}
    return {**faults, **{int(at): NOT_TEXT for at in with_nul(text)}}


def with_nul(text: pa.Array) -> npt.NDArray[np.int64]:
    """The places of texts with a NUL; among all bytes at once one is looked for in no time, and there seldom is one."""
    import pyarrow.compute as pc

    held = text.buffers()[-1]
    if held is None or not held.size or np.frombuffer(held, np.uint8).min() > 0:
        return np.empty(0, np.int64)
    return np.flatnonzero(np.asarray(pc.match_substring(text, "\0")))
