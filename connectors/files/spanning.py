"""Records over several lines, such as those with an address as it is written, of a whole piece of text at once.

A line with an odd number of quotes opens such a record and the next one closes it. Where anything in the piece leaves
that in doubt nothing is said here, and the lines are looked at one by one (`records.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from connectors.files.lines import Flags, Ints, Lines

_LF, _CR, _QUOTE = 10, 13, 34
_LONGEST = 1 << 17
"""Bytes of a record; what is longer has a field that the csv module may refuse."""


@dataclass(frozen=True)
class Spans:
    """The records over several lines by their first and last line, and the line before which the piece ends."""

    first: Ints
    last: Ints
    stop: int
    """The last line that opens a record which goes on in the next piece, or the number of lines."""

    def within(self, count: int) -> Flags:
        """Of `count` lines those that a record takes in, its first one not among them."""
        steps = np.zeros(count + 1, np.int64)
        steps[self.first + 1] += 1
        steps[self.last + 1] -= 1
        within: Flags = np.cumsum(steps[:count]) > 0
        return within


def spans(lines: Lines, delimiter: str, width: int, *, last: bool) -> Spans | None:
    """What there is in a piece whose every line is sound or part of a sound record; else None.

    `last` says that no more text follows, so that what is open stays so.
    """
    odd = np.flatnonzero(lines.odd)
    is_open = bool(odd.size & 1)
    if odd.size < 2 or (is_open and (last or len(lines.body) - int(lines.start[odd[-1]]) > _LONGEST)):
        return None
    pairs = odd[: odd.size - is_open].reshape(-1, 2)
    found = Spans(pairs[:, 0], pairs[:, 1], int(odd[-1]) if is_open else lines.count)
    return found if _without_doubt(lines, found, ord(delimiter), width) else None


def _without_doubt(lines: Lines, found: Spans, delimiter: int, width: int) -> bool:
    first, last, stop = found.first, found.last, found.stop
    within = found.within(lines.count)
    alone = ~within
    alone[first] = False
    sound = lines.sound(width)
    between = within.copy()
    between[last] = False
    # A line between that could be a record itself may be one, between two stray quotes.
    if (alone & ~lines.blank & ~sound)[:stop].any() or (between & ~lines.blank & sound).any():
        return False
    begin, end = lines.start[first], lines.end[last]
    stopped = int(lines.start[stop]) if stop < lines.count else len(lines.body)
    if (end - begin > _LONGEST).any() or lines.body.find(b"\0", 0, stopped) >= 0:
        return False
    data = np.frombuffer(lines.body, np.uint8)
    quotes = np.flatnonzero(data[:stopped] == _QUOTE)
    allowed = np.zeros(256, bool)
    allowed[[delimiter, _LF, _CR, _QUOTE]] = True
    # Every other one closes. Before the first byte of a piece stands a line break: data[-1] is one too.
    if not allowed[data[quotes - 1 + 2 * (np.arange(quotes.size) & 1)]].all():
        return False
    delimiters = np.flatnonzero(data[:stopped] == delimiter)
    outside = delimiters[(np.searchsorted(quotes, delimiters) & 1) == 0]
    fields = np.searchsorted(outside, end) - np.searchsorted(outside, begin) + 1
    return bool((fields == width).all())
