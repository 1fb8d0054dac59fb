"""A table that changes from night to night: every version of every record is kept, and any night can be had again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from caretrace.synthetic.people import NONE, Flags, Integers


@dataclass(frozen=True)
class _Laid:
    night: int
    rows: pa.Table
    owner: Integers
    """The unit that each row belongs to."""
    units: Integers
    """The units laid that night."""


@dataclass
class Versions:
    """Rows by unit (a record, or an event): those of a unit hold from one night until they are laid again."""

    units: int
    _laid: list[_Laid] = field(default_factory=list)

    def lay(self, night: int, rows: pa.Table, owner: Integers) -> None:
        """From `night` on these are the rows of the units in `owner`, all of them; once a night, nights in order."""
        if self._laid and self._laid[-1].night >= night:
            raise ValueError(f"rows of night {night} are laid after those of night {self._laid[-1].night}")
        self._laid.append(_Laid(night, rows.combine_chunks(), owner, np.unique(owner)))

    def rows(self, night: int, wanted: Flags) -> tuple[pa.Table, Integers]:
        """The rows that hold on `night` of the units flagged in `wanted`, and the unit of each, units in order."""
        last = np.full(self.units, NONE)
        for laid in self._until(night):
            last[laid.units] = laid.night
        tables, owners = [], []
        for laid in self._until(night):
            at = np.flatnonzero((last[laid.owner] == laid.night) & wanted[laid.owner])
            tables.append(laid.rows.take(pa.array(at)))
            owners.append(laid.owner[at])
        owner = np.concatenate(owners)
        order = np.argsort(owner, kind="stable")
        return pa.concat_tables(tables).combine_chunks().take(pa.array(order)), owner[order]

    def changed(self, night: int) -> Integers:
        """The units laid on `night`, in order."""
        return next((laid.units for laid in self._laid if laid.night == night), np.zeros(0, np.int64))

    def _until(self, night: int) -> Iterator[_Laid]:
        return (laid for laid in self._laid if laid.night <= night)
