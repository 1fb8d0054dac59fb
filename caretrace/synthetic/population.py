"""The true people: households with names, birthdays and homes that hang together.

Everything is a column; a person is a number into it. Families are built from their youngest child upwards, so that
nobody is born before a parent could have them. All shares are assumed, shaped after Census 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from caretrace.synthetic import naming, numbers, places, pools
from caretrace.synthetic.people import ADULTS, HAS_CHILDREN, HAS_PARTNER, NONE, UNRELATED, Flags, Integers, Kind, People

_KIND_SHARES = (0.2896, 0.28, 0.22, 0.10, 0.05, 0.03, 0.03, 0.0004)
_YEAR = 365.25


@dataclass(frozen=True)
class Population:
    """People and the map they live on."""

    people: People
    places: places.Places
    as_at: date


def make(rng: np.random.Generator, n: int, as_at: date) -> Population:
    """`n` people on the day `as_at`."""
    today = (as_at - date(1970, 1, 1)).days
    kinds, sizes = _households(rng, n)
    household = np.repeat(np.arange(len(sizes)), sizes)[:n]
    at = (np.arange(len(household)) - np.repeat(np.cumsum(sizes) - sizes, sizes)[:n]).astype(np.int64)
    area = places.make(rng, int(len(sizes) * 1.06) + 20)
    # One home in eighteen stands empty.
    home_of = np.arange(len(sizes)) * 106 // 100
    kind = kinds[household]
    home = home_of[household]
    age = _ages(rng, kind, household, at, len(sizes))
    female = _sex(rng, kind, at, age)
    community, mixed = _communities(rng, area, home_of, household, kind, at)
    people = People(
        household=household,
        kind=kind,
        place_in_household=at,
        home=home,
        previous_home=np.full(n, NONE),
        moved=np.full(n, NONE),
        community=community,
        mixed=mixed,
        female=female,
        born=today - (age * _YEAR).astype(np.int64) - 1,
        died=np.full(n, NONE),
        surname=np.full(n, NONE),
        second_surname=np.full(n, NONE),
        maiden=np.full(n, NONE),
        given=np.full(n, NONE),
        middle=np.full(n, NONE),
        nhs_number=numbers.nhs_numbers(rng, n),
    )
    naming.give_surnames(rng, people, age)
    naming.part_twins(rng, people)
    naming.give_names(rng, people)
    naming.make_namesakes(rng, people)
    _move(rng, people, area.homes, today)
    old = (today - people.born > 65 * _YEAR) & (rng.random(n) < 0.03)
    people.died[old] = today - rng.integers(1, 5 * 365, int(old.sum()))
    return Population(people, area, as_at)


def _households(rng: np.random.Generator, n: int) -> tuple[Integers, Integers]:
    """Kinds and sizes of households that together hold at least `n` people."""
    count = int(n / 2.2) + 60
    kinds = rng.choice(len(Kind), count, p=np.array(_KIND_SHARES) / sum(_KIND_SHARES))
    children = rng.choice([1, 2, 3, 4, 5], count, p=[0.42, 0.40, 0.12, 0.045, 0.015])
    sizes = ADULTS[kinds] + children * HAS_CHILDREN[kinds]
    sizes = np.where(kinds == Kind.SHARERS, 2 + rng.binomial(4, 0.3, count), sizes)
    sizes = np.where(kinds == Kind.CARE_HOME, rng.integers(15, 60, count), sizes)
    while sizes.sum() < n:  # only chance in a small population can leave it short
        kinds, sizes = np.concatenate([kinds, kinds]), np.concatenate([sizes, sizes])
    enough = int(np.searchsorted(np.cumsum(sizes), n)) + 1
    return kinds[:enough], sizes[:enough]


def _ages(
    rng: np.random.Generator, kind: Integers, household: Integers, at: Integers, households: int
) -> NDArray[np.float64]:
    n = len(kind)
    chance = rng.random(n)
    child = HAS_CHILDREN[kind] & (at >= ADULTS[kind])
    # From the youngest child upwards; a gap of nothing is a twin.
    first = child & (at == ADULTS[kind])
    gap = np.where(rng.random(n) < 0.05, 0.0, 1.1 + rng.gamma(2.0, 1.1, n))
    gap = np.where(child & ~first, gap, 0.0)
    summed = np.cumsum(gap)
    start = np.zeros(households)
    start[household[first]] = summed[first]
    youngest = rng.random(households)[household] * 24
    age = np.where(child, youngest + summed - start[household], 0.0)
    oldest = np.zeros(households)
    oldest[household[child]] = age[child]  # the last child of a household is the eldest

    single = np.where(chance < 0.5, 20 + 45 * rng.random(n), 60 + 38 * rng.beta(1.6, 2.0, n))
    couple = np.where(chance < 0.45, 20 + 30 * rng.random(n), np.clip(rng.normal(66, 10, n), 22, 96))
    choices = [single, couple, 0 * single, 0 * single, 19 + 25 * rng.random(n), 0 * single, 20 + 65 * rng.random(n)]
    head = np.select([kind == k for k in range(7)], choices, np.clip(rng.normal(85, 8, n), 58, 107))
    mother = oldest[household] + np.clip(rng.normal(29, 5.5, n), 16.5, 44)
    head = np.where(HAS_CHILDREN[kind], mother, head)
    lead = np.zeros(households)
    lead[household[at == 0]] = head[at == 0]
    partner = np.clip(lead[household] + rng.normal(2.4, 3.8, n), 18, 104)
    grandparent = np.clip(lead[household] + np.clip(rng.normal(27, 5, n), 17, 42), 34, 106)
    brother = lead[household] + np.where(rng.random(n) < 0.05, 0.0, rng.normal(0, 4, n))
    age = np.where(at == 0, head, age)
    age = np.where(HAS_PARTNER[kind] & (at == 1), partner, age)
    age = np.where((kind == Kind.THREE_GENERATIONS) & (at == 2), grandparent, age)
    age = np.where((kind == Kind.SIBLINGS) & (at == 1), np.clip(brother, 16, 104), age)
    return np.where(np.isin(kind, UNRELATED), head, age)


def _sex(rng: np.random.Generator, kind: Integers, at: Integers, age: NDArray[np.float64]) -> Flags:
    chance = rng.random(len(kind))
    female = chance < np.where(age > 72, 0.56, 0.49)
    female = np.where(HAS_PARTNER[kind] & (at == 0), chance < 0.985, female)
    female = np.where(HAS_PARTNER[kind] & (at == 1), chance < 0.015, female)
    female = np.where((kind == Kind.LONE_PARENT) & (at == 0), chance < 0.86, female)
    resident: Flags = np.where(kind == Kind.CARE_HOME, chance < 0.7, female)
    return resident


def _communities(
    rng: np.random.Generator,
    area: places.Places,
    home_of: Integers,
    household: Integers,
    kind: Integers,
    at: Integers,
) -> tuple[Integers, Flags]:
    """By person; districts differ in their mix, households seldom do. Also who is a child of a mixed couple."""
    shares = np.array([community.share for community in pools.COMMUNITIES])
    district = area.district(home_of)
    mix = rng.dirichlet(shares * 25, int(district.max()) + 1).cumsum(axis=1)

    def draw(districts: Integers) -> Integers:
        above = rng.random(len(districts))[:, None] > mix[districts]
        drawn: Integers = np.minimum(above.sum(axis=1), len(shares) - 1)
        return drawn

    of_household = draw(district)
    community = of_household[household]
    own = np.isin(kind, UNRELATED) | (HAS_PARTNER[kind] & (at == 1) & (rng.random(len(kind)) < 0.12))
    community[own] = draw(district[household[own]])
    differs = np.zeros(len(home_of), np.bool_)
    partner = HAS_PARTNER[kind] & (at == 1)
    differs[household[partner]] = community[partner] != of_household[household[partner]]
    child = HAS_CHILDREN[kind] & (at >= ADULTS[kind])
    return community, child & differs[household]


def _move(rng: np.random.Generator, people: People, homes: int, today: int) -> None:
    """A third of households moved in ten years, most not far; care home residents came from homes of their own."""
    households = int(people.household[-1]) + 1
    moved = rng.random(households) < 0.35
    days = today - rng.integers(20, 3650, households)
    step = rng.integers(-3000, 3000, households)
    anywhere = rng.integers(0, homes, households)
    home_of = np.zeros(households, np.int64)
    home_of[people.household] = people.home
    previous = np.where(rng.random(households) < 0.6, (home_of + step) % homes, anywhere)
    at = people.household
    # A child born after the move never lived at the old address.
    lived_there = moved[at] & (people.born < days[at])
    people.previous_home = np.where(lived_there, previous[at], NONE)
    people.moved = np.where(lived_there, days[at], NONE)
    resident = np.flatnonzero(people.kind == Kind.CARE_HOME)
    people.previous_home[resident] = rng.integers(0, homes, len(resident))
    people.moved[resident] = today - rng.integers(20, 1800, len(resident))
    people.previous_home[people.previous_home == people.home] = NONE
