"""What a level may ask of two frames of records, row by row: rules over columns, and over distinct pairs of values.

What is not known (NaN, None) never holds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Held = NDArray[np.bool_]
    Rule = Callable[[pd.DataFrame, pd.DataFrame], Held]
    """What holds for each pair, given its client's record and its register's, row by row."""


# Rules over whole columns.


def always(left: pd.DataFrame, right: pd.DataFrame) -> Held:
    """It holds of every pair."""
    return np.ones(len(left), bool)


def both(column: str) -> Rule:
    """Both know it."""
    return lambda left, right: left[column].notna().to_numpy(bool) & right[column].notna().to_numpy(bool)


def same(*columns: str) -> Rule:
    """Both know these columns, and they are equal."""

    def rule(left: pd.DataFrame, right: pd.DataFrame) -> Held:
        held = np.ones(len(left), bool)
        for column in columns:
            held &= both(column)(left, right) & (left[column].to_numpy() == right[column].to_numpy())
        return held

    return rule


def any_of(*rules: Rule) -> Rule:
    """At least one of `rules` holds."""

    def rule(left: pd.DataFrame, right: pd.DataFrame) -> Held:
        held: Held = np.logical_or.reduce([each(left, right) for each in rules])
        return held

    return rule


def all_of(*rules: Rule) -> Rule:
    """All of `rules` hold."""

    def rule(left: pd.DataFrame, right: pd.DataFrame) -> Held:
        held: Held = np.logical_and.reduce([each(left, right) for each in rules])
        return held

    return rule


def negated(other: Rule) -> Rule:
    """It does not hold."""
    return lambda left, right: ~other(left, right)


def either(one_way: Rule) -> Rule:
    """It holds one way round or the other."""
    return any_of(one_way, lambda left, right: one_way(right, left))


# Rules over distinct pairs of values, each tested once however many pairs of records have them.


def over_distinct(left: pd.Series[Any], right: pd.Series[Any], test: Callable[[Any, Any], bool]) -> Held:
    """Whether `test` holds of each pair of values; of none where one is not known."""
    held = np.zeros(len(left), bool)
    known = np.flatnonzero(left.notna().to_numpy(bool) & right.notna().to_numpy(bool))
    if len(known):
        a, a_values = pd.factorize(left.iloc[known])
        b, b_values = pd.factorize(right.iloc[known])
        distinct, back = np.unique(a * len(b_values) + b, return_inverse=True)
        answers = (test(a_values[code // len(b_values)], b_values[code % len(b_values)]) for code in distinct)
        held[known] = np.fromiter(answers, bool, len(distinct))[back]
    return held


def distinct(column: str, test: Callable[[Any, Any], bool]) -> Rule:
    """`test` holds of the two values of a column."""
    return lambda left, right: over_distinct(left[column], right[column], test)


def among(value: str, others: str) -> Rule:
    """The left's value is one of the right's others."""
    return lambda left, right: over_distinct(left[value], right[others], lambda one, many: one in many)


def meet(others: str) -> Rule:
    """The two lists share a value."""
    return lambda left, right: over_distinct(left[others], right[others], lambda one, two: not set(one).isdisjoint(two))
