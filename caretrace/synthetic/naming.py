"""Names for the people of a population: families share one, brides change theirs, sons carry their fathers'."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from caretrace.synthetic import pools
from caretrace.synthetic.namelists import COHORT_STARTS, FEMALE_SURNAMES
from caretrace.synthetic.people import ADULTS, HAS_CHILDREN, HAS_PARTNER, NONE, UNRELATED, Integers, Kind, People

WITH_ENGLISH_NAMES = (0, 1, 10)
"""Positions in pools.COMMUNITIES of those who double their names and give middle names [assumed]."""


def give_surnames(rng: np.random.Generator, people: People, age: NDArray[np.float64]) -> None:
    """Families share the partner's name where there is one; many women have changed theirs."""
    n, kind, at = len(people), people.kind, people.place_in_household
    own = _sample_surnames(rng, people.community)
    lead = np.zeros(int(people.household[-1]) + 1, np.int64)
    first, partner = at == 0, HAS_PARTNER[kind] & (at == 1)
    lead[people.household[first]] = own[first]
    lead[people.household[partner]] = own[partner]
    family = lead[people.household]
    chance = rng.random(n)
    kept_own = np.isin(kind, UNRELATED) | (HAS_PARTNER[kind] & (at == 0) & (chance < 0.2))
    kept_own |= (kind == Kind.THREE_GENERATIONS) & (at == 2) & (chance < 0.5)
    people.surname = np.where(kept_own, own, family)

    bride = HAS_PARTNER[kind] & (at == 0) & ~kept_own & people.female
    widow = people.female & (age > 40) & np.isin(kind, (Kind.SINGLE, Kind.LONE_PARENT, Kind.CARE_HOME)) & (chance < 0.6)
    fresh = _sample_surnames(rng, people.community)
    people.maiden = np.where(bride, own, np.where(widow, fresh, NONE))
    people.maiden[people.maiden == people.surname] = NONE

    # Double-barrelled: whole families, and brides who joined both names.
    barrelled = rng.random(len(lead)) < 0.012
    partner_name = _sample_surnames(rng, np.zeros(len(lead), np.int64))
    english = np.isin(people.community, WITH_ENGLISH_NAMES)
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


def give_names(rng: np.random.Generator, people: People) -> None:
    """Given names by community, sex and decade of birth; middle names; sons after their fathers."""
    n = len(people)
    year = people.born // 365.25 + 1970
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
    partner = HAS_PARTNER[people.kind] & (people.place_in_household == 1) & ~people.female
    father[people.household[partner]] = people.given[partner]
    child = HAS_CHILDREN[people.kind] & (people.place_in_household == ADULTS[people.kind]) & ~people.female
    named_after = child & (father[people.household] != NONE) & (rng.random(n) < 0.05)
    people.given = np.where(named_after, father[people.household], people.given)
    has_middle = rng.random(n) < np.where(np.isin(people.community, WITH_ENGLISH_NAMES), 0.75, 0.25)
    people.middle = np.where(has_middle & (draws[1] != people.given), draws[1], NONE)
    _similar_twins(rng, people)


def _similar_twins(rng: np.random.Generator, people: People) -> None:
    """One pair of twins in ten has names that look alike: neighbours in the order of the alphabet."""
    twin = np.zeros(len(people), np.bool_)
    twin[1:] = (people.household[1:] == people.household[:-1]) & (people.born[1:] == people.born[:-1])
    twin[1:] &= people.female[1:] == people.female[:-1]
    alike = np.flatnonzero(twin & (rng.random(len(people)) < 0.1))
    for sex, female in enumerate((True, False)):
        chosen = alike[people.female[alike] == female]
        people.given[chosen] = _beside(sex)[people.given[chosen - 1]]


def _beside(sex: int) -> Integers:
    """For each given name the next in the alphabet among the names of that sex, or the one before at a letter's end."""
    names = np.array(pools.load().given)
    codes = np.unique(np.concatenate([pool.codes for by_sex in pools.load().given_name for pool in by_sex[sex]]))
    ordered = codes[np.argsort(names[codes], kind="stable")]
    initial = names[ordered].astype("U1")
    following = np.where(np.roll(initial, -1) == initial, np.roll(ordered, -1), np.roll(ordered, 1))
    beside = np.arange(len(names))
    beside[ordered] = following
    return beside


def part_twins(rng: np.random.Generator, people: People) -> None:
    """Grown-up twins in two homes of their own: one birthday, one family name, not always one sex."""
    one, other = _two_who_live_alone(rng, people, len(people) // 400)
    for column in (people.born, people.surname, people.second_surname, people.community):
        column[other] = column[one]
    people.maiden[other] = NONE


def make_namesakes(rng: np.random.Generator, people: People) -> None:
    """Strangers with one name and birthday, beyond those that chance makes."""
    one, other = _two_who_live_alone(rng, people, len(people) // 8000)
    columns = (people.born, people.surname, people.second_surname, people.community, people.given, people.maiden)
    for column in columns:
        column[other] = column[one]
    people.female[other] = people.female[one]


def _two_who_live_alone(rng: np.random.Generator, people: People, pairs: int) -> tuple[Integers, Integers]:
    alone = rng.permutation(np.flatnonzero(people.kind == Kind.SINGLE))
    pairs = min(pairs, len(alone) // 2)
    return alone[:pairs], alone[pairs : 2 * pairs]
