"""HL7 version 2: a message is a record, from its MSH segment to the next; a field holds the segments of one name.

Segments end in CR, as the standard has it, or in LF or CRLF, as files that were saved by hand do. MLLP's frame bytes
and the segments of batches and files (FHS, BHS, BTS, FTS) stand between messages and are no part of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from connectors.files.header import Header
from connectors.files.layouts import Rows
from connectors.files.layouts.lines import lines, taken, with_nul
from connectors.files.records import MAX_RECORD, NOT_TEXT, TOO_LONG, Rejected

if TYPE_CHECKING:
    import pyarrow as pa

    from connectors.supplier import Kind

STRAY = "a line that is no HL7 segment"
HEADLESS = "segments before the first MSH"
_FRAME = b"\x0b\x1c"
_WRAPPERS = ("FHS", "BHS", "BTS", "FTS")
_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Segments:
    """Segments that are not blank, with the line each stands on."""

    text: pa.Array
    line: _Ints


def read(blocks: Iterator[bytes], kind: Kind, header: Header) -> Iterator[Rows]:
    """Every message; a message that holds a line which is no segment is rejected, for it may be half a segment."""
    record = 1
    for segments in _whole_messages(_segments(block.translate(None, _FRAME) for block in blocks)):
        rows = _messages(segments, tuple(kind.columns), record)
        record += rows.records
        yield rows


def _segments(blocks: Iterator[bytes]) -> Iterator[_Segments]:
    import pyarrow as pa
    import pyarrow.compute as pc

    met = 0
    for line in lines(blocks):
        text = pc.utf8_rtrim(line, " \t\x1a")
        names = pc.utf8_slice_codeunits(text, 0, 3)
        keep = pc.and_(
            pc.greater(pc.binary_length(text), 0),
            pc.invert(pc.is_in(names, value_set=pa.array(_WRAPPERS, names.type))),
        )
        at = np.flatnonzero(np.asarray(keep))
        yield _Segments(taken(text, at), met + 1 + at)
        met += len(line)


def _whole_messages(parts: Iterator[_Segments]) -> Iterator[_Segments]:
    """The same segments, parted before an MSH."""
    import pyarrow as pa

    pending: _Segments | None = None
    for part in parts:
        joined = part
        if pending:
            joined = _Segments(pa.concat_arrays([pending.text, part.text]), np.concatenate((pending.line, part.line)))
        starts = np.flatnonzero(_begins(joined.text))
        last = int(starts[-1]) if len(starts) else 0
        if last:
            yield _Segments(joined.text.slice(0, last), joined.line[:last])
        pending = _Segments(joined.text.slice(last), joined.line[last:])
    if pending and len(pending.text):
        yield pending


def _begins(text: pa.Array) -> npt.NDArray[np.bool_]:
    import pyarrow.compute as pc

    return np.asarray(pc.starts_with(text, "MSH"))


def _messages(segments: _Segments, names: tuple[str, ...], record: int) -> Rows:
    import pyarrow as pa
    import pyarrow.compute as pc

    begins = _begins(segments.text)
    begins[:1] = True
    starts = np.flatnonzero(begins)
    message = np.cumsum(begins) - 1
    name = pc.utf8_slice_codeunits(segments.text, 0, 3)
    used = np.asarray(pc.is_in(name, value_set=pa.array(names, name.type)))
    rule = _faults(segments.text, starts, message, used)
    bad = np.zeros(len(starts), bool)
    bad[list(rule)] = True
    rejected = tuple(Rejected(record + at, int(segments.line[starts[at]]), why) for at, why in sorted(rule.items()))
    columns = {wanted: _of_name(segments.text, name, wanted, message, len(starts)) for wanted in names}
    good = pa.array(np.flatnonzero(~bad))
    table = pa.table({**columns, "record": record + np.arange(len(starts)), "line": segments.line[starts]})
    return Rows(table.take(good), rejected)


def _of_name(text: pa.Array, name: pa.Array, wanted: str, message: _Ints, count: int) -> pa.Array:
    """The segments of one name for each message, joined by CR; null where it has none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    at = np.flatnonzero(np.asarray(pc.equal(name, wanted)))
    # Segments stand in the order of their messages, so those of one message are a run.
    ends = np.searchsorted(message[at], np.arange(count + 1))
    runs = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), text.take(pa.array(at)).cast(pa.string()))
    joined = pc.binary_join(runs, "\r")
    return pc.if_else(pa.array(ends[1:] > ends[:-1]), joined, pa.scalar(None, joined.type))


def _faults(text: pa.Array, starts: _Ints, message: _Ints, used: npt.NDArray[np.bool_]) -> dict[int, str]:
    """Messages that cannot be read, by place, with the rule; they are few."""
    import pyarrow as pa
    import pyarrow.compute as pc

    # A segment is its name and the separator that the fourth character of its MSH declares.
    separator = pc.utf8_slice_codeunits(text.take(pa.array(starts)), 3, 4).take(pa.array(message))
    fourth = pc.utf8_slice_codeunits(text, 3, 4)
    sound = pc.and_(
        pc.match_substring_regex(text, "^[A-Z][A-Z0-9]{2}"), pc.or_(pc.equal(fourth, separator), pc.equal(fourth, ""))
    )
    faults = dict.fromkeys(message[~np.asarray(sound)].tolist(), STRAY)
    long = used & np.asarray(pc.greater(pc.binary_length(text), MAX_RECORD))
    faults |= dict.fromkeys(message[long].tolist(), TOO_LONG)
    faults |= dict.fromkeys(message[with_nul(text)].tolist(), NOT_TEXT)
    if len(text) and not text[0].as_py().startswith("MSH"):
        faults[0] = HEADLESS
    return faults
