"""What the functions of levels are made with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from linkage.lookup.columns import Array
from linkage.lookup.pairs import Mask, Pairs

Test: TypeAlias = Callable[[Pairs], Mask]
UNKNOWN = "unknown"
"""Stands for a level in the test whether a comparison says nothing."""


class Tests:
    """Tests by comparison and level, as their functions are declared."""

    def __init__(self) -> None:
        self.tests: dict[tuple[str, str], Test] = {}

    def __call__(self, comparison: str, level: str) -> Callable[[Test], Test]:
        """Declare the function below as the test of a level."""

        def keep(test: Test) -> Test:
            self.tests[comparison, level] = test
            return test

        return keep


def is_(column: Array, value: object) -> Mask:
    """Where a column has a value."""
    same: Mask = column == value
    return same


def is_known(column: Array) -> Mask:
    """Of columns that are not texts."""
    known: Mask = column > 0
    return known
