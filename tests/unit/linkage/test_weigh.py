"""The weight of a pair: the SQL against the formula written out in Python, and what must hold of any model."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import Model, default_model
from linkage.comparison import BIRTH, COMPARISONS, GIVEN, MIDDLE
from linkage.model import shares_among
from linkage.weigh import posterior_sql, weight_sql

PEOPLE = 300_000
FREQUENCIES = sorted(
    {name for each in COMPARISONS for level in each.levels for name in (level.frequency, level.at_least) if name}
)


def oracle(model: Model, reached: dict[str, int | None], u_of: dict[str, float]) -> float:
    """The formula of linkage.weigh, one pair at a time, in plain probabilities."""
    m = u = h = 1.0
    for comparison in COMPARISONS:
        index = reached[comparison.name]
        if index is None:
            continue
        level, weights = comparison.levels[index], model[comparison.name].levels[index]
        m *= weights.m
        h *= weights.h
        share = shares_among(model[comparison.name])[index]
        least = u_of[level.at_least] * share if level.at_least else 0
        u *= u_of[level.frequency] * share if level.frequency else max(weights.u, least)
    prior = model.in_register / (1 - model.in_register) / PEOPLE
    return math.log2(m / (u + model.household / PEOPLE * h) * prior)


def in_sql(model: Model, reached: dict[str, int | None], u_of: dict[str, float]) -> float:
    levels = ", ".join(
        f"CAST({'NULL' if reached[each.name] is None else reached[each.name]} AS UTINYINT) AS {each.column}"
        for each in COMPARISONS
    )
    frequencies = ", ".join(f"{math.log2(value)!r}::DOUBLE AS {name}" for name, value in u_of.items())
    ((weight,),) = duckdb.execute(
        f"SELECT {weight_sql(model, PEOPLE)} FROM (SELECT {levels}, {frequencies}) AS pair_level"
    ).fetchall()
    return weight


_REACHED = st.fixed_dictionaries(
    {each.name: st.one_of(st.none(), st.integers(0, len(each.levels) - 1)) for each in COMPARISONS}
)
_U = st.fixed_dictionaries({name: st.floats(1e-8, 0.5) for name in FREQUENCIES})


@settings(max_examples=25, deadline=None)
@given(reached=_REACHED, u_of=_U)
def test_the_sql_is_the_formula(reached: dict[str, int | None], u_of: dict[str, float]) -> None:
    model = default_model()
    assert in_sql(model, reached, u_of) == pytest.approx(oracle(model, reached, u_of), abs=1e-6)


@settings(max_examples=12, deadline=None)
@given(reached=_REACHED, u_of=_U)
def test_a_comparison_that_says_nothing_weighs_nothing(reached: dict[str, int | None], u_of: dict[str, float]) -> None:
    model = default_model()
    for comparison in COMPARISONS:
        silent = reached | {comparison.name: None}
        assert oracle(model, silent, u_of) == pytest.approx(in_sql(model, silent, u_of), abs=1e-6)
    nothing = dict.fromkeys(reached)
    prior = math.log2(model.in_register / (1 - model.in_register) / PEOPLE)
    household = math.log2(1 + model.household / PEOPLE)
    assert in_sql(model, nothing, u_of) == pytest.approx(prior - household, abs=1e-6)


def test_a_sister_at_the_same_address_does_not_look_like_the_person() -> None:
    """The household explanation: a shared rare name and house prove little once the given name and date differ."""
    u_of = dict.fromkeys(FREQUENCIES, 1e-6)
    best = {each.name: 0 for each in COMPARISONS} | {"NHS number": None, "other identifier": None}
    sister = best | {each.name: len(each.levels) - 1 for each in (GIVEN, MIDDLE, BIRTH)}
    model = default_model()
    assert in_sql(model, best, u_of) > 10
    assert in_sql(model, sister, u_of) < -5
    alone = model.with_weights(model["gender"])
    without_household = Model(alone.comparisons, alone.in_register, household=1e-9)
    assert in_sql(without_household, sister, u_of) > in_sql(model, sister, u_of) + 10


def posteriors(*pairs: tuple[int, int, int, float]) -> dict[tuple[int, int], float]:
    """Probability by (client, person) for pairs (client, register row, person, weight)."""
    rows = ", ".join(f"({c}, {r}, {person}, {weight!r}::DOUBLE, {r})" for c, r, person, weight in pairs)
    sql = posterior_sql(f"(SELECT * FROM (VALUES {rows}) AS v (c, r_key, person, weight, r))")
    return {(c, person): p for c, _r, person, _w, _key, p in duckdb.execute(sql).fetchall()}


@pytest.mark.parametrize(
    ("pairs", "wanted"),
    [
        ([(1, 1, 11, 0.0)], {(1, 11): 1 / 2}),  # as likely as nobody
        ([(1, 1, 11, 3.0)], {(1, 11): 8 / 9}),
        ([(1, 1, 11, 10.0), (1, 2, 12, 10.0)], {(1, 11): 1024 / 2049, (1, 12): 1024 / 2049}),  # twins: neither
        ([(1, 1, 11, 10.0), (1, 2, 11, 10.0)], {(1, 11): 1024 / 1025}),  # one person at two practices
        ([(1, 1, 11, 1.0), (2, 1, 11, 1.0)], {(1, 11): 2 / 3, (2, 11): 2 / 3}),  # clients do not compete
        ([(1, 1, 11, -40.0)], {(1, 11): 2**-40}),
        ([(1, 1, 11, 900.0), (1, 2, 12, -900.0)], {(1, 11): 1.0, (1, 12): 0.0}),
    ],
)
def test_candidates_compete_with_each_other_and_with_nobody(pairs, wanted) -> None:
    found = posteriors(*pairs)
    assert found.keys() == wanted.keys()
    for key, probability in wanted.items():
        assert found[key] == pytest.approx(probability, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(weights=st.lists(st.floats(-60, 60), min_size=1, max_size=12))
def test_probabilities_of_one_client_never_sum_to_more_than_one(weights: list[float]) -> None:
    found = posteriors(*[(1, i, 100 + i, weight) for i, weight in enumerate(weights)])
    assert 0 <= sum(found.values()) <= 1 + 1e-9


ORDERED = {
    "given name": ["exact", "one slip", "alike", "different"],
    "family name": ["exact", "one slip", "alike", "different"],
    "date of birth": ["exact", "day differs", "year agrees", "different"],
    "address": ["same house", "same postcode", "same sector", "same district", "elsewhere"],
    "gender": ["same", "different"],
    "NHS number": ["same", "near", "different"],
    "other identifier": ["same", "different"],
}


@pytest.mark.parametrize("comparison", list(ORDERED))
@settings(max_examples=8, deadline=None)
@given(reached=_REACHED, common=st.floats(1e-8, 0.01))
def test_weights_are_monotone_in_agreement(comparison: str, reached: dict[str, int | None], common: float) -> None:
    """However common the value is: Khan and Kahn never weigh more than Khan and Khan."""
    u_of = dict.fromkeys(FREQUENCIES, common)
    model = default_model()
    about = next(each for each in COMPARISONS if each.name == comparison)
    weights = [in_sql(model, reached | {comparison: about.index(level)}, u_of) for level in ORDERED[comparison]]
    assert all(better >= worse - 1e-9 for better, worse in pairwise(weights))


def test_how_many_dates_are_but_a_year_takes_nothing_from_one_that_agrees() -> None:
    """Half of the dates a year: a true pair shares the day half as often, and two people of one birthday as well."""
    model = replace(default_model(), household=1e-9)
    birth = model[BIRTH.name]
    kinds = [level.among for level in BIRTH.levels]
    total = {kind: sum(x.m for x, own in zip(birth.levels, kinds, strict=True) if own == kind) for kind in set(kinds)}
    both = sum(m for kind, m in total.items() if kind)
    part = {kind: both / 2 / m if kind else 1.0 for kind, m in total.items()}
    levels = tuple(
        replace(each, m=each.m * part[kind], u=each.u * part[kind])
        for each, kind in zip(birth.levels, kinds, strict=True)
    )
    half = model.with_weights(replace(birth, levels=levels))
    u_of = dict.fromkeys(FREQUENCIES, 1e-3)
    for level in ("exact", "day differs", "year only"):
        reached = dict.fromkeys((each.name for each in COMPARISONS), None) | {BIRTH.name: BIRTH.index(level)}
        assert in_sql(half, reached, u_of) == pytest.approx(in_sql(model, reached, u_of), abs=1e-4), level
