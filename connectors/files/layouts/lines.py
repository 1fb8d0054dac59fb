"""A record a line: fixed-width files, and lists without a header."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

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
        text = text.take(pa.array(present))
        bad = _faults(text)
        rejected = tuple(Rejected(int(number[at]), int(place[at]), rule) for at, rule in bad.items())
        good = np.setdiff1d(np.arange(len(present)), np.fromiter(bad, np.int64, len(bad)), assume_unique=True)
        text = text.take(pa.array(good))
        columns = {
            name: tidy(pc.utf8_slice_codeunits(text, start - 1, start - 1 + length))
            for name, (start, length) in kind.positions.items()
        }
        if "text" in kind.columns:
            columns["text"] = text
        yield Rows(pa.table({**columns, "record": number[good], "line": place[good]}), rejected)


def lines(blocks: Iterator[bytes], *, longest: int = 2 * MAX_RECORD) -> Iterator[pa.Array]:
    """The lines of each block, blank ones included, without their breaks (LF, CRLF or CR).

    A line over several blocks is cut after `longest` bytes, so that one bad byte cannot hold a whole file in memory.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    pending, half = bytearray(), b""
    for block in blocks:
        body = half + block
        # A CR at the end may be half a CRLF.
        half = b"\r" if body.endswith(b"\r") else b""
        body = body[: len(body) - len(half)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        end = body.rfind(b"\n")
        if end < 0:
            pending += body[: max(0, longest - len(pending))]
            continue
        text = (bytes(pending) + body[:end]).decode(errors="ignore")
        pending[:] = body[end + 1 :]
        yield pc.split_pattern(pa.array([text], pa.large_string()), "\n").values
    if pending:
        yield pa.array([pending.decode(errors="ignore")], pa.large_string())


def _faults(text: pa.Array) -> dict[int, str]:
    """Lines that can be no record, by place; they are few."""
    import pyarrow.compute as pc

    faults = {int(at): TOO_LONG for at in np.flatnonzero(np.asarray(pc.greater(pc.binary_length(text), MAX_RECORD)))}
    nul = np.flatnonzero(np.asarray(pc.match_substring(text, "\0")))
    return {**faults, **{int(at): NOT_TEXT for at in nul}}
