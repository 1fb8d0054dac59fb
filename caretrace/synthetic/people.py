"""The columns that people are held in, and who lives together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
NONE = -1
"""Stands for "no such name, home or day" in a column of codes."""


class Kind(IntEnum):
    """Who lives together."""

    SINGLE = 0
    COUPLE = 1
    FAMILY = 2
    LONE_PARENT = 3
    SHARERS = 4
    THREE_GENERATIONS = 5
    SIBLINGS = 6
    CARE_HOME = 7


# By kind: how many grown-ups lead the household, and whether children and a partner belong to it.
ADULTS = np.array([1, 2, 2, 1, 0, 3, 2, 0])
HAS_CHILDREN = np.array([False, False, True, True, False, True, False, False])
HAS_PARTNER = np.array([False, True, True, False, False, True, False, False])
UNRELATED = (Kind.SHARERS, Kind.CARE_HOME)


@dataclass
class People:
    """Columns of equal length, one entry a person; names are codes into `pools`, days count from 1970.

    Filled step by step while a population is made, and not changed afterwards.
    """

    household: Integers
    kind: Integers
    place_in_household: Integers
    home: Integers
    previous_home: Integers
    moved: Integers
    community: Integers
    mixed: Flags
    female: Flags
    born: Integers
    died: Integers
    surname: Integers
    second_surname: Integers
    maiden: Integers
    given: Integers
    middle: Integers
    nhs_number: Integers

    def __len__(self) -> int:
        return len(self.household)
