"""What happens to people between two nights: they move, die, marry, and are given other NHS numbers.

It happens to the truth; `upkeep` says when the two lists learn of it. All shares are assumed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from caretrace.synthetic import numbers
from caretrace.synthetic.people import NONE, UNRELATED, Flags, Integers
from caretrace.synthetic.population import Population

_SHARES = (0.62, 0.18, 0.15, 0.05)
"""Of all that happens: moves, deaths, marriages, NHS numbers that others replace."""
_YEAR = 365.25


@dataclass(frozen=True)
class Happened:
    """The people something happened to, nobody in two of them."""

    moved: Integers
    died: Integers
    married: Integers
    renumbered: Integers

    @property
    def everybody(self) -> Integers:
        """All of them."""
        return np.concatenate([self.moved, self.died, self.married, self.renumbered])


def pass_a_day(rng: np.random.Generator, society: Population, known: Flags, much: int, today: int) -> Happened:
    """Change `society` by about `much` events among the people flagged in `known`; `today` counts days from 1970."""
    people = society.people
    living = np.flatnonzero(known & (people.died == NONE))
    age = (today - people.born[living]) / _YEAR
    free = np.ones(len(living), np.bool_)
    single = people.female[living] & (people.maiden[living] == NONE) & (people.second_surname[living] == NONE)
    fit = (
        np.ones(len(living), np.bool_),
        age > 65,
        single & (age > 18) & (age < 70),
        np.ones(len(living), np.bool_),
    )
    drawn: list[Integers] = []
    for share, who in zip(_SHARES, fit, strict=True):
        at = np.flatnonzero(free & who)
        at = rng.permutation(at)[: round(much * share)]
        free[at] = False
        drawn.append(np.sort(living[at]))
    happened = Happened(*drawn)
    _move(rng, society, happened.moved, today)
    people.died[happened.died] = today - rng.integers(0, 10, len(happened.died))
    _marry(rng, society, happened.married, living)
    people.nhs_number[happened.renumbered] = _fresh(rng, people.nhs_number, len(happened.renumbered))
    return happened


def _move(rng: np.random.Generator, society: Population, who: Integers, today: int) -> None:
    people = society.people
    people.previous_home[who] = people.home[who]
    people.home[who] = rng.integers(0, society.places.homes, len(who))
    people.moved[who] = today - rng.integers(0, 30, len(who))


def _marry(rng: np.random.Generator, society: Population, brides: Integers, living: Integers) -> None:
    """She takes the name of somebody of about her age, as most do."""
    people = society.people
    men = living[~people.female[living] & ~np.isin(people.kind[living], UNRELATED)]
    if not len(men):
        return
    men = men[np.argsort(people.born[men], kind="stable")]
    near = np.searchsorted(people.born[men], people.born[brides]) + rng.integers(-40, 40, len(brides))
    name = people.surname[men[np.clip(near, 0, len(men) - 1)]]
    people.maiden[brides] = np.where(name == people.surname[brides], NONE, people.surname[brides])
    people.surname[brides] = name


def _fresh(rng: np.random.Generator, taken: Integers, n: int) -> Integers:
    """`n` numbers that nobody has."""
    drawn = numbers.nhs_numbers(rng, n + 50)
    free = drawn[~np.isin(drawn, taken)]
    return free[:n]
