"""HL7 version 2: a message is a record, from its MSH segment to the next; a field holds the segments of one name.

Segments end in CR, as the standard has it, or in LF or CRLF, as files that were saved by hand do. MLLP's frame bytes
and the segments of batches and files (FHS, BHS, BTS, FTS) stand between messages and are no part of them.

A kind may want fields as well, such as PID-5 (a segment's name is its field 0). Nearly every message is plain: the
usual delimiters, nothing escaped, no segment twice. Of a plain one the fields are given, null where empty, and no
segments; of any other the segments, and no fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from connectors.files.ahead import ahead
from connectors.files.header import Header
from connectors.files.layouts import Rows
from connectors.files.layouts.lines import BREAKS, taken, unbroken, with_nul
from connectors.files.records import MAX_RECORD, NOT_TEXT, TOO_LONG, Rejected

if TYPE_CHECKING:
    import pyarrow as pa

    from connectors.supplier import Kind

STRAY = "a line that is no HL7 segment"
HEADLESS = "segments before the first MSH"
_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")
_USUAL = "MSH|^~\\&"
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
    names = tuple(name for name in kind.columns if "-" not in name)
    fields = {name: places for name in names if (places := _places(kind, name))}
    parts = _whole_messages(_segments(block.translate(None, _FRAME) for block in blocks))
    # To cut fields out takes twice as long as to find the segments.
    return ahead(_jobs(parts, names, fields), threads=2)


def _jobs(
    parts: Iterator[_Segments], names: tuple[str, ...], fields: Mapping[str, dict[str, int]]
) -> Iterator[Callable[[], Rows]]:
    record = 1
    for segments in parts:
        yield partial(_messages, segments, names, fields, record)
        record += int(np.count_nonzero(_begins(segments.text)[1:])) + 1


def _segments(blocks: Iterator[bytes]) -> Iterator[_Segments]:
    import pyarrow as pa
    import pyarrow.compute as pc

    met = 0
    for line in unbroken(blocks):
        text = pc.ascii_rtrim(line, " \t\x1a" + BREAKS)
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


def _places(kind: Kind, segment: str) -> dict[str, int]:
    """The fields that are wanted of a segment, by the place of each among what the delimiter parts."""
    parted = (name.partition("-") for name in kind.columns)
    # MSH-1 is the delimiter itself.
    return {f"{of}-{n}": int(n) - (of == "MSH") for of, _, n in parted if of == segment and n}


def _messages(segments: _Segments, names: tuple[str, ...], fields: Mapping[str, dict[str, int]], record: int) -> Rows:
    import pyarrow as pa
    import pyarrow.compute as pc

    # A handful of beginnings says of every segment what it is.
    begun = pc.utf8_slice_codeunits(segments.text, 0, 4).dictionary_encode()
    kinds, kind = begun.dictionary.to_pylist(), np.asarray(begun.indices)
    begins = _true_of(kinds, kind, re.compile("MSH").match)
    begins[:1] = True
    starts = np.flatnonzero(begins)
    message = np.cumsum(begins) - 1
    found = {name: np.flatnonzero(_true_of(kinds, kind, re.compile(name).match)) for name in names}
    # A segment is its name and the separator that the fourth character of its MSH declares.
    separator = np.array([each[3:] for each in kinds])[kind]
    stray = ~_true_of(kinds, kind, _NAME.match)
    stray |= (separator != "") & (separator != separator[starts][message])
    rule = _faults(segments.text, message, stray, np.concatenate(list(found.values())))
    bad = np.zeros(len(starts), bool)
    bad[list(rule)] = True
    rejected = tuple(Rejected(record + at, int(segments.line[starts[at]]), why) for at, why in sorted(rule.items()))
    plain = _plain(segments.text, found, message, len(starts)) if fields else np.zeros(len(starts), bool)
    columns = {one: _joined(segments.text, at[~plain[message[at]]], message, len(starts)) for one, at in found.items()}
    columns |= _fields(segments.text, {one: found[one][plain[message[found[one]]]] for one in fields}, message, fields)
    table = pa.table({**columns, "record": record + np.arange(len(starts)), "line": segments.line[starts]})
    return Rows(table.filter(pa.array(~bad)) if bad.any() else table, rejected)


def _true_of(kinds: list[str], kind: _Ints, test: Callable[[str], object]) -> npt.NDArray[np.bool_]:
    """For each segment whether its kind passes a test."""
    passed = np.array([bool(test(each)) for each in kinds])
    return passed[kind] if kinds else np.zeros(0, bool)


def _plain(text: pa.Array, found: Mapping[str, _Ints], message: _Ints, count: int) -> npt.NDArray[np.bool_]:
    """Messages whose fields may be cut out as they stand."""
    import pyarrow as pa
    import pyarrow.compute as pc

    plain: npt.NDArray[np.bool_] = np.bincount(message[found["PID"]], minlength=count) == 1
    escapes = _escapes(text)
    for name, at in found.items():
        plain &= np.bincount(message[at], minlength=count) <= 1
        strange = escapes[at] > 0
        if name == "MSH":
            # The escape character itself stands in MSH-2.
            strange = (escapes[at] != 1) | ~np.asarray(pc.starts_with(text.take(pa.array(at)), _USUAL))
        plain[message[at[strange]]] = False
    return plain


def _escapes(text: pa.Array) -> _Ints:
    """How many escape characters stand in each segment."""
    ends = np.frombuffer(text.buffers()[1], np.int64)[text.offset : text.offset + len(text) + 1]
    marks = np.flatnonzero(np.frombuffer(text.buffers()[2], np.uint8)[ends[0] : ends[-1]] == ord("\\")) + ends[0]
    return np.diff(np.searchsorted(marks, ends))


def _fields(
    text: pa.Array, found: Mapping[str, _Ints], message: _Ints, wanted: Mapping[str, Mapping[str, int]]
) -> dict[str, pa.Array]:
    """Fields of segments by the place of each among what the delimiter parts; null where empty.

    `found` has the segments of each name, one a message at most.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    count = int(message[-1]) + 1 if len(message) else 0
    columns = {}
    for segment, at in found.items():
        places = wanted[segment]
        parts = pc.split_pattern(text.take(pa.array(at)), "|", max_splits=max(places.values()) + 1)
        begin, values = np.asarray(parts.offsets), parts.values
        filled = np.append(np.asarray(pc.binary_length(values)) > 0, False)
        for name, place in places.items():
            # Past the end of a segment lies another's field, or nothing.
            field = np.where(begin[:-1] + place < begin[1:], begin[:-1] + place, len(values))
            none = np.ones(count, bool)
            none[message[at]] = ~filled[field]
            index = np.zeros(count, np.int64)
            index[message[at]] = field
            columns[name] = values.take(pa.array(index, mask=none)).cast(pa.string())
    return columns


def _joined(text: pa.Array, at: _Ints, message: _Ints, count: int) -> pa.Array:
    """Segments at some places for each message, joined by CR; null where it has none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(at):
        return pa.nulls(count, pa.string())
    # Segments stand in the order of their messages, so those of one message are a run.
    ends = np.searchsorted(message[at], np.arange(count + 1))
    runs = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), text.take(pa.array(at)).cast(pa.string()))
    joined = pc.binary_join(runs, "\r")
    return pc.if_else(pa.array(ends[1:] > ends[:-1]), joined, pa.scalar(None, joined.type))


def _faults(text: pa.Array, message: _Ints, stray: npt.NDArray[np.bool_], used: _Ints) -> dict[int, str]:
    """Messages that cannot be read, by place, with the rule; they are few."""
    import pyarrow as pa
    import pyarrow.compute as pc

    faults = dict.fromkeys(message[stray].tolist(), STRAY)
    long = used[np.asarray(pc.greater(pc.binary_length(text.take(pa.array(used))), MAX_RECORD))]
    faults |= dict.fromkeys(message[long].tolist(), TOO_LONG)
    faults |= dict.fromkeys(message[with_nul(text)].tolist(), NOT_TEXT)
    if len(text) and not text[0].as_py().startswith("MSH"):
        faults[0] = HEADLESS
    return faults
