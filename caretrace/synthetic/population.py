"""The true people: households with names, birthdays and homes that hang together.

Everything is a column; a person is a number into it. Families are built from their youngest child upwards, so that
nobody is born before a parent could have them. All shares are assumed, shaped after Census 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from caretrace.synthetic import numbers, places, pools
from caretrace.synthetic.namelists import COHORT_STARTS, FEMALE_SURNAMES

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


_KIND_SHARES = (0.2896, 0.28, 0.22, 0.10, 0.05, 0.03, 0.03, 0.0004)
_ADULTS = np.array([1, 2, 2, 1, 0, 3, 2, 0])
_HAS_CHILDREN = np.array([False, False, True, True, False, True, False, False])
_HAS_PARTNER = np.array([False, True, True, False, False, True, False, False])
_UNRELATED = (Kind.SHARERS, Kind.CARE_HOME)
_YEAR = 365.25


@dataclass
class People:
    """Columns of equal length, one entry a person; names are codes into `pools`, days count from 1970."""

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
    _give_surnames(rng, people, age)
    _give_names(rng, people)
    _living_apart(rng, people)
    _move(rng, people, area.homes, today)
    old = (age > 65) & (rng.random(n) < 0.03)
    people.died[old] = today - rng.integers(1, 5 * 365, int(old.sum()))
    return Population(people, area, as_at)


def _households(rng: np.random.Generator, n: int) -> tuple[Integers, Integers]:
    """Kinds and sizes of households that together hold at least `n` people."""
    count = int(n / 2.2) + 60
    kinds = rng.choice(len(Kind), count, p=np.array(_KIND_SHARES) / sum(_KIND_SHARES))
    children = rng.choice([1, 2, 3, 4, 5], count, p=[0.42, 0.40, 0.12, 0.045, 0.015])
    sizes = _ADULTS[kinds] + children * _HAS_CHILDREN[kinds]
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
    child = _HAS_CHILDREN[kind] & (at >= _ADULTS[kind])
    # From the youngest child upwards; a gap of nothing is a twin.
    first = child & (at == _ADULTS[kind])
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
    head = np.where(_HAS_CHILDREN[kind], mother, head)
    lead = np.zeros(households)
    lead[household[at == 0]] = head[at == 0]
    partner = np.clip(lead[household] + rng.normal(2.4, 3.8, n), 18, 104)
    grandparent = np.clip(lead[household] + np.clip(rng.normal(27, 5, n), 17, 42), 34, 106)
    brother = lead[household] + np.where(rng.random(n) < 0.05, 0.0, rng.normal(0, 4, n))
    age = np.where(at == 0, head, age)
    age = np.where(_HAS_PARTNER[kind] & (at == 1), partner, age)
    age = np.where((kind == Kind.THREE_GENERATIONS) & (at == 2), grandparent, age)
    age = np.where((kind == Kind.SIBLINGS) & (at == 1), np.clip(brother, 16, 104), age)
    return np.where(np.isin(kind, _UNRELATED), head, age)


def _sex(rng: np.random.Generator, kind: Integers, at: Integers, age: NDArray[np.float64]) -> Flags:
    chance = rng.random(len(kind))
    female = chance < np.where(age > 72, 0.56, 0.49)
    female = np.where(_HAS_PARTNER[kind] & (at == 0), chance < 0.985, female)
    female = np.where(_HAS_PARTNER[kind] & (at == 1), chance < 0.015, female)
    female = np.where((kind == Kind.LONE_PARENT) & (at == 0), chance < 0.86, female)
    return np.where(kind == Kind.CARE_HOME, chance < 0.7, female)


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
        cumulative = mix[districts]
        return np.minimum((rng.random(len(districts))[:, None] > cumulative).sum(axis=1), len(shares) - 1)

    of_household = draw(district)
    community = of_household[household]
    own = np.isin(kind, _UNRELATED) | (_HAS_PARTNER[kind] & (at == 1) & (rng.random(len(kind)) < 0.12))
    community[own] = draw(district[household[own]])
    differs = np.zeros(len(home_of), np.bool_)
    partner = _HAS_PARTNER[kind] & (at == 1)
    differs[household[partner]] = community[partner] != of_household[household[partner]]
    child = _HAS_CHILDREN[kind] & (at >= _ADULTS[kind])
    return community, child & differs[household]


def _give_surnames(rng: np.random.Generator, people: People, age: NDArray[np.float64]) -> None:
    """Families share the partner's name where there is one; many women have changed theirs."""
    n, kind, at = len(people), people.kind, people.place_in_household
    own = _sample_surnames(rng, people.community)
    lead = np.zeros(int(people.household[-1]) + 1, np.int64)
    first, partner = at == 0, _HAS_PARTNER[kind] & (at == 1)
    lead[people.household[first]] = own[first]
    lead[people.household[partner]] = own[partner]
    family = lead[people.household]
    chance = rng.random(n)
    kept_own = np.isin(kind, _UNRELATED) | (_HAS_PARTNER[kind] & (at == 0) & (chance < 0.2))
    kept_own |= (kind == Kind.THREE_GENERATIONS) & (at == 2) & (chance < 0.5)
    people.surname = np.where(kept_own, own, family)

    bride = _HAS_PARTNER[kind] & (at == 0) & ~kept_own & people.female
    widow = people.female & (age > 40) & np.isin(kind, (Kind.SINGLE, Kind.LONE_PARENT, Kind.CARE_HOME)) & (chance < 0.6)
    fresh = _sample_surnames(rng, people.community)
    people.maiden = np.where(bride, own, np.where(widow, fresh, NONE))
    people.maiden[people.maiden == people.surname] = NONE

    # Double-barrelled: whole families, and brides who joined both names.
    barrelled = rng.random(len(lead)) < 0.012
    partner_name = _sample_surnames(rng, np.zeros(len(lead), np.int64))
    english = np.isin(people.community, (0, 1, 10))
    whole = barrelled[people.household] & english & (people.surname == family)
    people.second_surname = np.where(whole, partner_name[people.household], NONE)
    joined = bride & english & (people.maiden != NONE) & (rng.random(n) < 0.02) & ~whole
    people.second_surname[joined] = people.surname[joined]
    people.surname[joined] = people.maiden[joined]
    people.second_surname[people.second_surname == people.surname] = NONE
    _female_surnames(rng, people)


def _sample_surnames(rng: np.random.Generator, community: Integers) -> Integers:
    surnames = np.zeros(len(community), np.int64)
    for number, pool in enumerate(pools.load().surname):
        chosen = np.flatnonzero(community == number)
        surnames[chosen] = pool.sample(rng, len(chosen))
    return surnames


def _female_surnames(rng: np.random.Generator, people: People) -> None:
    """Names that only women bear, beside brothers and husbands of another name: Kaur and Singh, Begum and Miah."""
    known = pools.load().surnames
    for communities, (male, names, share) in FEMALE_SURNAMES.items():
        at = np.isin(people.community, communities) & people.female & (rng.random(len(people)) < share)
        if male:
            at &= people.surname == known.index(male)
        codes = np.array([known.index(name) for name in names])
        people.surname[at] = rng.choice(codes, int(at.sum()))
        people.maiden[at] = NONE


def _give_names(rng: np.random.Generator, people: People) -> None:
    n = len(people)
    year = people.born // _YEAR + 1970
    cohort = np.searchsorted(np.array(COHORT_STARTS[1:]), year, side="right")
    group = (people.community * 2 + ~people.female) * len(COHORT_STARTS) + cohort
    draws = np.zeros((3, n), np.int64)
    for number in np.unique(group):
        chosen = np.flatnonzero(group == number)
        community, rest = divmod(int(number), 2 * len(COHORT_STARTS))
        pool = pools.load().given_name[community][rest // len(COHORT_STARTS)][rest % len(COHORT_STARTS)]
        draws[:, chosen] = pool.sample(rng, 3 * len(chosen)).reshape(3, -1)
    people.given = draws[0]
    # Two children of one household seldom share a name; a second draw leaves few who do.
    same = np.zeros(n, np.bool_)
    same[1:] = (people.household[1:] == people.household[:-1]) & (people.given[1:] == people.given[:-1])
    people.given = np.where(same, draws[2], people.given)
    # Sons who carry their father's name.
    father = np.full(int(people.household[-1]) + 1, NONE)
    partner = _HAS_PARTNER[people.kind] & (people.place_in_household == 1) & ~people.female
    father[people.household[partner]] = people.given[partner]
    child = _HAS_CHILDREN[people.kind] & (people.place_in_household == _ADULTS[people.kind]) & ~people.female
    named_after = child & (father[people.household] != NONE) & (rng.random(n) < 0.05)
    people.given = np.where(named_after, father[people.household], people.given)
    has_middle = rng.random(n) < np.where(np.isin(people.community, (0, 1, 10)), 0.75, 0.25)
    people.middle = np.where(has_middle & (draws[1] != people.given), draws[1], NONE)
    _similar_twins(rng, people)


def _similar_twins(rng: np.random.Generator, people: People) -> None:
    """One pair of twins in ten has names that sound alike: the next name of the list with the same first letter."""
    given = np.array(pools.load().given)
    order = np.argsort(given, kind="stable")
    neighbour = np.empty(len(given), np.int64)
    neighbour[order] = np.roll(order, -1)
    twin = np.zeros(len(people), np.bool_)
    twin[1:] = (people.household[1:] == people.household[:-1]) & (people.born[1:] == people.born[:-1])
    twin[1:] &= people.female[1:] == people.female[:-1]
    alike = np.flatnonzero(twin & (rng.random(len(people)) < 0.1))
    people.given[alike] = neighbour[people.given[alike - 1]]


def _living_apart(rng: np.random.Generator, people: People) -> None:
    """Grown-up twins in two homes, and strangers with one name and birthday."""
    alone = rng.permutation(np.flatnonzero(people.kind == Kind.SINGLE))
    twins, namesakes = len(people) // 400, len(people) // 8000
    pairs = alone[: 2 * (twins + namesakes)]
    pairs = pairs[: len(pairs) // 2 * 2].reshape(-1, 2)
    one, other = pairs[:, 0], pairs[:, 1]
    for column in ("born", "surname", "second_surname", "community"):
        values = getattr(people, column)
        values[other] = values[one]
    people.maiden[other] = NONE
    strangers = slice(0, namesakes)
    for column in ("given", "female", "maiden"):
        values = getattr(people, column)
        values[other[strangers]] = values[one[strangers]]
    clash = other[namesakes:][people.given[other[namesakes:]] == people.given[one[namesakes:]]]
    people.middle[clash] = NONE


def _move(rng: np.random.Generator, people: People, homes: int, today: int) -> None:
    """A third of households moved in ten years, most of them not far; care home residents came from homes of their own."""
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
