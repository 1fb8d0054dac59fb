"""Columns that grow: NumPy arrays with room to spare, lists of lists in two of them, texts in a third.

A million rows are a dozen arrays and never a million Python objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]


class Column:
    """One value a row."""

    def __init__(self, values: Array) -> None:
        self._room = values
        self._used = len(values)

    def __len__(self) -> int:
        return self._used

    @property
    def values(self) -> Array:
        """The values, as a view that must not be kept: appending may move them."""
        return self._room[: self._used]

    def extend(self, more: Sequence[Any] | Array) -> None:
        """Append values."""
        end = self._used + len(more)
        if end > len(self._room):
            # A tenth more than needed: appended one by one, rows move seldom.
            room = np.empty(end + end // 10 + 16, self._room.dtype)
            room[: self._used] = self.values
            self._room = room
        self._room[self._used : end] = more
        self._used = end


class Lists:
    """A list of values a row."""

    def __init__(self, values: Array, ends: Array) -> None:
        self._values, self._ends = Column(values), Column(ends)

    @classmethod
    def of_rows(cls, values: Array, rows: Array, count: int) -> Lists:
        """From values with the row each belongs to, in order of row."""
        return cls(values, np.cumsum(np.bincount(rows, minlength=count)).astype(np.uint32))

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def arrays(self) -> tuple[Array, Array]:
        """Values and the end of each row among them."""
        return self._values.values, self._ends.values

    def append(self, row: Sequence[Any] | Array) -> None:
        """Append one row."""
        self._values.extend(row)
        self._ends.extend([len(self._values)])

    def __getitem__(self, row: int) -> Array:
        values, ends = self.arrays
        return values[(int(ends[row - 1]) if row else 0) : int(ends[row])]

    def take(self, rows: Array) -> tuple[Array, Array]:
        """The values of `rows`, and for each value its place among `rows`."""
        values, ends = self.arrays
        if not len(values):
            return values, np.empty(0, np.int64)
        until = ends[rows].astype(np.int64)
        start = np.where(rows > 0, ends[rows - 1], 0).astype(np.int64)
        counts = until - start
        owner = np.repeat(np.arange(len(rows)), counts)
        before = np.cumsum(counts) - counts
        return values[np.arange(len(owner)) - before[owner] + start[owner]], owner

    def kept(self, rows: Array) -> Lists:
        """Only `rows`, in their order."""
        values, owner = self.take(rows)
        return Lists.of_rows(values, owner, len(rows))


def texts(words: Iterable[str]) -> Lists:
    """Texts as lists of UTF-8 bytes."""
    encoded = [word.encode() for word in words]
    values = np.frombuffer(b"".join(encoded), np.uint8)
    return Lists(values, np.cumsum([len(word) for word in encoded], dtype=np.uint32))


def text(lists: Lists, row: int) -> str:
    """One of `texts`."""
    return lists[row].tobytes().decode()
