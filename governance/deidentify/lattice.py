"""The least lossy combination of coarser fields in which every group of look-alikes is large and diverse enough.

Every field has steps, finer to coarser; a node takes one step of each. Nodes are tried in the order of the information
they lose, so the first that will do bounds what is left to try, and the answer is the least lossy of all (full-domain
generalisation with suppression, as Samarati 2001 has it; the pruning by pairs of fields is the subset property of
Incognito, LeFevre et al. 2005). People in groups that are still too small are withheld, up to an agreed share.

Loss is non-uniform entropy (Gionis and Tassa 2009): the share of a field's Shannon entropy that its step takes away, in
the mean over fields; somebody withheld loses all of it. 0 is as agreed, 1 is nothing left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations, product
from math import fsum, log2
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

_PLACES = 9
"""Decimals of a loss; what a logarithm differs by between machines lies below."""


@dataclass(frozen=True)
class Axis:
    """A field: its steps, and for each of them the code of every combination of values."""

    path: str
    steps: tuple[str, ...]
    codes: tuple[Ints, ...]


@dataclass(frozen=True)
class Rows:
    """What is grouped: how many rows each combination stands for, and whose they are, where one person has several."""

    n: Ints
    person: Ints | None = None


@dataclass(frozen=True)
class Told:
    """A sensitive field: how many people of combination `at` have `value`, code 0 for none; and what is demanded."""

    at: Ints
    value: Ints
    people: Ints
    least: int
    farthest: float | None


@dataclass(frozen=True)
class Demand:
    """k, in people, and the share of rows that may be withheld for it."""

    k: int
    share: float


@dataclass(frozen=True)
class Node:
    """One step of each field: what it loses, and which combinations are withheld (`gone` rows in all)."""

    steps: tuple[int, ...]
    loss: float
    gone: int
    withheld: Mask
    tried: int


def search(axes: Sequence[Axis], rows: Rows, demand: Demand, told: Sequence[Told] = ()) -> Node | None:
    """The least lossy node that meets the demand; None where there is none.

    Of nodes that lose alike, the one with finer steps of the fields that come first.
    """
    total = int(rows.n.sum())
    most = int(demand.share * total + 1e-9)
    # As if every row were of another person, which is quick to count: no group has more people than rows.
    at_best = Rows(rows.n)
    small = _by_pairs(axes, at_best, demand.k)
    best: Node | None = None
    tried = 0
    for coarse, steps in _ordered(axes, rows):
        if best is not None and coarse >= best.loss:
            break
        if any(small(pair) > most for pair in combinations(list(enumerate(steps)), 2)):
            continue
        tried += 1
        codes = [axis.codes[step] for axis, step in zip(axes, steps, strict=True)]
        if rows.person is not None and int(rows.n[_withheld(codes, at_best, demand, ())].sum()) > most:
            continue
        withheld = _withheld(codes, rows, demand, told)
        gone = int(rows.n[withheld].sum())
        if gone > most or gone == total:
            continue
        loss = round(coarse + (1 - coarse) * gone / total, _PLACES)
        if best is None or (loss, steps) < (best.loss, best.steps):
            best = Node(steps, loss, gone, withheld, 0)
    return None if best is None else replace(best, tried=tried)


def losses(axis: Axis, rows: Rows) -> list[float]:
    """The share of the field's entropy that each step takes away; 0 where everybody has one value anyhow."""
    import numpy as np

    total = int(rows.n.sum())
    held = []
    for codes in axis.codes:
        counts = np.bincount(codes, weights=rows.n)
        held.append(fsum(n * log2(total / n) for n in counts[counts > 0].tolist()))
    return [round(1 - each / held[0], _PLACES) if held[0] else 0.0 for each in held]


def _ordered(axes: Sequence[Axis], rows: Rows) -> Iterator[tuple[float, tuple[int, ...]]]:
    """Every node with the loss of its steps alone, the least lossy first."""
    each = [losses(axis, rows) for axis in axes]
    nodes = product(*(range(len(axis.steps)) for axis in axes))
    scale = max(sum(len(axis.steps) > 1 for axis in axes), 1)
    yield from sorted(
        (round(fsum(each[n][step] for n, step in enumerate(steps)) / scale, _PLACES), steps) for steps in nodes
    )


def _by_pairs(axes: Sequence[Axis], rows: Rows, k: int) -> Callable[[tuple[tuple[int, int], ...]], int]:
    """How many rows stand in groups below k by two fields alone: with more fields, never fewer."""

    @cache
    def small(pair: tuple[tuple[int, int], ...]) -> int:
        group = groups([axes[n].codes[step] for n, step in pair])
        return int(rows.n[(_sizes(group, rows) < k)[group]].sum())

    return small


def groups(codes: Sequence[Ints]) -> Ints:
    """A number for each combination of codes, from 0 on without gaps."""
    import numpy as np

    group = np.zeros(len(codes[0]), dtype=np.int64)
    for column in codes:
        group = dense(group * (int(column.max(initial=0)) + 1) + column)
    return group


def dense(key: Ints) -> Ints:
    """The same groups numbered from 0 on without gaps, in the order of their keys."""
    import numpy as np

    space = int(key.max(initial=0)) + 1
    if space > 16 * len(key):
        return np.unique(key, return_inverse=True)[1].astype(np.int64)
    held = np.zeros(space, dtype=np.bool_)
    held[key] = True
    return (np.cumsum(held) - 1)[key]


def _sizes(group: Ints, rows: Rows) -> Ints:
    """How many people are in each group."""
    import numpy as np

    if rows.person is not None:
        width = int(rows.person.max(initial=0)) + 1
        return np.bincount(np.unique(group * width + rows.person) // width)
    # Counts of people are whole numbers far below 2**53, so the doubles that bincount adds are exact.
    return np.bincount(group, weights=rows.n).astype(np.int64)


def _withheld(codes: Sequence[Ints], rows: Rows, demand: Demand, told: Sequence[Told]) -> Mask:
    """The combinations in groups that are too small, or that tell too much; what they leave is asked again."""
    import numpy as np

    group = groups(codes) if codes else np.zeros(len(rows.n), dtype=np.int64)
    bad = _sizes(group, rows) < demand.k
    # Diversity of a group is its own; its distance is from everybody who is left, which moves as groups go.
    while told:
        more = bad.copy()
        for each in told:
            more |= _telling(each, group, bad)
        if (more == bad).all():
            break
        bad = more
    gone: Mask = bad[group]
    return gone


def _telling(told: Told, group: Ints, gone: Mask) -> Mask:
    """Groups, of those not gone, with too few values of a sensitive field, or too far from everybody left."""
    import numpy as np

    left = ~gone[group[told.at]]
    at, value, people = group[told.at][left], told.value[left], told.people[left]
    bad = np.zeros(len(gone), dtype=np.bool_)
    if not len(at):
        return bad
    width = int(value.max()) + 1
    cell, inverse = np.unique(at * width + value, return_inverse=True)
    n = np.bincount(inverse, weights=people)
    of_group, of_value = cell // width, cell % width
    kinds = np.bincount(of_group, minlength=len(gone))
    known = np.bincount(of_group[of_value > 0], minlength=len(gone))
    bad |= (known > 0) & (kinds < told.least)
    if told.farthest is not None:
        in_group = np.bincount(of_group, weights=n, minlength=len(gone))
        overall = np.bincount(of_value, weights=n) / n.sum()
        apart = np.maximum(n / in_group[of_group] - overall[of_value], 0)
        distance = np.bincount(of_group, weights=apart, minlength=len(gone))
        bad |= np.round(distance, 6) > told.farthest
    return bad
