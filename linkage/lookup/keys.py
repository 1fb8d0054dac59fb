"""64-bit keys and the rows that have them: sorted arrays for the most, a dictionary for rows added since."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from linkage.lookup.columns import Array


class Keys:
    """Which rows have a key. Rows that were removed are still named; whoever asks leaves them out."""

    def __init__(self, keys: Array, rows: Array) -> None:
        """`keys` ascending, uint64; `rows` beside them, uint32."""
        self.keys, self.rows = keys, rows
        self._added: dict[int, list[int]] = {}

    @classmethod
    def unsorted(cls, keys: Array, rows: Array) -> Keys:
        """From keys in any order; rows of one key stay in theirs."""
        order = np.argsort(keys, kind="stable")
        return cls(keys[order], rows[order])

    def add(self, keys: Iterable[int], row: int) -> None:
        """Give `row` these keys."""
        for key in keys:
            self._added.setdefault(key, []).append(row)

    def rows_of(self, keys: list[int]) -> list[Array]:
        """The rows of each of `keys`."""
        wanted = np.array(keys, np.uint64)
        starts = np.searchsorted(self.keys, wanted, "left").tolist()
        ends = np.searchsorted(self.keys, wanted, "right").tolist()
        found = [self.rows[start:end] for start, end in zip(starts, ends, strict=True)]
        if self._added:
            for place, key in enumerate(keys):
                if more := self._added.get(key):
                    found[place] = np.concatenate([found[place], np.array(more, np.uint32)])
        return found

    def renumbered(self, new: Array) -> Keys:
        """The same with rows numbered anew by `new` (int64, -1 for a row that is gone), all in the sorted arrays."""
        added = [(key, row) for key, rows in self._added.items() for row in rows]
        keys = np.concatenate([self.keys, np.array([key for key, _ in added], np.uint64)])
        rows = new[np.concatenate([self.rows, np.array([row for _, row in added], np.uint32)])]
        return Keys.unsorted(keys[rows >= 0], rows[rows >= 0].astype(np.uint32))


class Counts:
    """How many people have a key, with what has changed since it was counted."""

    def __init__(self, keys: Array, counts: Array) -> None:
        """`keys` ascending, uint64; `counts` beside them, int32."""
        self.keys, self.counts = keys, counts
        self._changed: dict[int, int] = {}

    def of(self, key: int) -> int:
        """The count of one key."""
        place = int(np.searchsorted(self.keys, np.uint64(key)))
        counted = int(self.counts[place]) if place < len(self.keys) and int(self.keys[place]) == key else 0
        return counted + self._changed.get(key, 0)

    def change(self, key: int, by: int) -> None:
        """Count `by` more people under `key`."""
        self._changed[key] = self._changed.get(key, 0) + by

    def settled(self) -> Counts:
        """The same with all changes in the sorted arrays."""
        keys = np.concatenate([self.keys, np.array(list(self._changed), np.uint64)])
        counts = np.concatenate([self.counts, np.array(list(self._changed.values()), np.int32)])
        distinct, places = np.unique(keys, return_inverse=True)
        summed = np.bincount(places, counts, len(distinct)).astype(np.int32)
        return Counts(distinct[summed > 0], summed[summed > 0])
