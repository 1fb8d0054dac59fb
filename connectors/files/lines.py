"""The physical lines of delimited text, and which of them are a record beyond doubt.

A line is one when its quotes are even in number and each stands where a quote may stand (RFC 4180), and the delimiters
outside them make as many fields as the header has. All lines of a piece of text are judged at once, with NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MAX_RECORD = 1 << 20
"""Bytes. No supplier's record comes near; without a bound one bad byte could hold the rest of the file in memory."""

PIECE = 1 << 20
"""Bytes indexed at a time: what a processor keeps near itself is gone through twice as fast."""

_LF, _CR, _QUOTE = 10, 13, 34
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Lines:
    """The lines of a text that ends with a line break; `end` is before each one's break, `stop` after it."""

    body: bytes
    start: Ints
    end: Ints
    stop: Ints
    fields: Ints
    """How many, where the line's own quotes pair."""
    odd: Flags
    """Its quotes do not pair."""
    faulty: Flags
    """A misplaced quote, a NUL, or longer than any record."""

    @classmethod
    def of(cls, body: bytes, delimiter: str, width: int) -> Lines:
        """Judge the lines of `body`, of which most are expected to have `width` fields."""
        data = np.frombuffer(body, np.uint8)
        breaks, end = line_breaks(data)
        start = np.concatenate((np.zeros(1, np.int64), breaks[:-1] + 1))
        quotes = np.flatnonzero(data == _QUOTE)
        if _every_field_quoted(data, quotes, start, end, width, ord(delimiter)):
            fields, odd = np.full(len(start), width), np.zeros(len(start), bool)
            faulty = odd.copy()
        else:
            first = np.searchsorted(quotes, start)
            number = np.searchsorted(quotes, breaks) - first
            fields, odd = _fields(data, quotes, start, breaks, first, ord(delimiter)), (number & 1).astype(bool)
            faulty = _misplaced(data, quotes, start, first, number, ord(delimiter))
        if b"\0" in body:
            nul = np.flatnonzero(data == 0)
            faulty |= np.searchsorted(nul, breaks) > np.searchsorted(nul, start)
        faulty |= (end - start) > MAX_RECORD
        return cls(body, start, end, breaks + 1, fields, odd, faulty)

    @property
    def count(self) -> int:
        """How many lines."""
        return len(self.start)

    @property
    def blank(self) -> Flags:
        """Lines with nothing on them."""
        blank: Flags = self.end <= self.start
        return blank

    def sound(self, width: int) -> Flags:
        """Lines that are a record beyond doubt."""
        sound: Flags = (self.fields == width) & ~self.odd & ~self.faulty
        return sound

    def next_odd(self, i: int) -> int | None:
        """The next line with an odd number of quotes."""
        rest = self.odd[i + 1 :]
        step = int(rest.argmax()) if rest.size else 0
        return i + 1 + step if rest.size and rest[step] else None

    def text(self, first: int, last: int) -> bytes:
        """The text of lines `first` to `last`, without the last line break."""
        return self.body[int(self.start[first]) : int(self.end[last])]

    def run(self, first: int, stop: int, is_record: Flags) -> bytes:
        """The good lines from `first` up to `stop`, as they stand; lines that a record took in go out."""
        while first < stop and not is_record[first]:
            first += 1
        return self.body[int(self.start[first]) : int(self.stop[stop - 1])] if first < stop else b""


def line_breaks(data: _Bytes) -> tuple[Ints, Ints]:
    """Position of each line's last break byte, and of the end of its text: LF, CRLF and a CR alone all break lines."""
    breaks = last_breaks(data)
    return breaks, breaks - (_follows_cr(data, breaks) & (data[breaks] == _LF))


def last_breaks(data: _Bytes) -> Ints:
    """Position of each line's last break byte."""
    breaks = _places(data, _LF)
    if _count(data, _CR) == np.count_nonzero(_follows_cr(data, breaks)):
        return breaks
    returns = _places(data, _CR)
    alone = returns[data[np.minimum(returns + 1, len(data) - 1)] != _LF]
    return np.sort(np.concatenate((breaks, alone))) if len(breaks) else alone


def _places(data: _Bytes, byte: int) -> Ints:
    """Where a byte stands; what is compared stays in the processor's cache."""
    pieces = range(0, max(len(data), 1), PIECE)
    return np.concatenate([at + np.flatnonzero(data[at : at + PIECE] == byte) for at in pieces])


def _count(data: _Bytes, byte: int) -> int:
    """How often it stands there: to count takes half as long as to find."""
    return sum(int(np.count_nonzero(data[at : at + PIECE] == byte)) for at in range(0, len(data), PIECE))


def _follows_cr(data: _Bytes, breaks: Ints) -> Flags:
    before: Flags = data[breaks - 1] == _CR
    before[:1] &= breaks[:1] > 0
    return before


def _every_field_quoted(data: _Bytes, quotes: Ints, start: Ints, end: Ints, width: int, delimiter: int) -> bool:
    """Whether nothing stands outside the quotes but delimiters and line breaks, and all lines have `width` fields.

    Most suppliers write so, and then the quotes alone say all: on each line they come in pairs from its first byte to
    its last, and between two pairs stands one delimiter.
    """
    if quotes.size == 0 or quotes.size != 2 * width * start.size:
        return False
    by_line = quotes.reshape(-1, 2 * width)
    if not np.array_equal(by_line[:, 0], start) or not np.array_equal(by_line[:, -1] + 1, end):
        return False
    closing = by_line[:, 1:-1:2]
    return bool((by_line[:, 2::2] - closing == 2).all() and (data[closing + 1] == delimiter).all())


def _misplaced(data: _Bytes, quotes: Ints, start: Ints, first: Ints, number: Ints, delimiter: int) -> Flags:
    """Lines with a quote where RFC 4180 has none: each opens after, or closes before, a delimiter, line break or quote.

    A pair that stands for one quote closes and opens again, so its halves are neighbours of a quote.
    """
    faulty = np.zeros(len(start), bool)
    allowed = np.zeros(256, bool)
    allowed[[delimiter, _LF, _CR, _QUOTE]] = True
    closes = np.arange(quotes.size) & 1
    if (first & 1).any():
        # An odd line before turns opening and closing round for the lines after it.
        closes ^= np.repeat(first & 1, number)
    # Before the first byte of a block stands a line break: data[-1] is one too.
    misplaced = quotes[~allowed[data[quotes - 1 + 2 * closes]]]
    faulty[np.searchsorted(start, misplaced, side="right") - 1] = True
    return faulty


def _fields(data: _Bytes, quotes: Ints, start: Ints, breaks: Ints, first: Ints, delimiter: int) -> Ints:
    """Fields on each line: one more than the delimiters outside its own quotes."""
    delimiters = np.flatnonzero(data == delimiter)
    if not quotes.size:
        return _between(delimiters, start, breaks) + 1
    inside = (np.searchsorted(quotes, delimiters) & 1).astype(bool)
    even = _between(delimiters[~inside], start, breaks)
    if not (first & 1).any():
        return even + 1
    odd = _between(delimiters[inside], start, breaks)
    return np.where(first & 1, odd, even) + 1


def _between(positions: Ints, start: Ints, stop: Ints) -> Ints:
    counts: Ints = np.searchsorted(positions, stop) - np.searchsorted(positions, start)
    return counts


def end_of_lines(body: bytes) -> int:
    """Where the last whole line ends; a CR at the very end may be half a CRLF, so it waits."""
    return max(body.rfind(b"\n"), body.rfind(b"\r", 0, -1)) + 1 if body else 0
