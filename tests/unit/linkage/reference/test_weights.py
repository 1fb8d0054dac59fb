"""Weights by the classifier against the formula by hand."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("recordlinkage")

from linkage.default import default_model
from linkage.model import FLOOR, shares_among
from linkage.reference.levels import NOTHING
from linkage.reference.weights import weigh

MODEL = default_model()
PEOPLE = 50_000
LEVELS = [level for each in MODEL.comparisons for level in each.comparison.levels]
FREQUENCIES = sorted({name for level in LEVELS for name in (level.frequency, level.at_least) if name})
PAIRS = st.lists(
    st.fixed_dictionaries(
        {each.comparison.column: st.integers(NOTHING, len(each.levels) - 1) for each in MODEL.comparisons}
        | {name: st.floats(-20, 0) for name in FREQUENCIES}
    ),
    min_size=1,
    max_size=20,
)


def by_hand(pair: dict[str, float]) -> float:
    """The formula of linkage.weigh, as it stands there."""
    m = u = h = 1.0
    for each in MODEL.comparisons:
        reached = int(pair[each.comparison.column])
        if reached == NOTHING:
            continue
        probabilities, level = each.levels[reached], each.comparison.levels[reached]
        m *= max(probabilities.m, FLOOR)
        share = shares_among(each)[reached]
        if level.frequency:
            u *= 2 ** pair[level.frequency] * share
        else:
            u *= max(probabilities.u, FLOOR, 2 ** pair[level.at_least] * share if level.at_least else 0)
        h *= max(probabilities.h, FLOOR)
    prior = MODEL.in_register / ((1 - MODEL.in_register) * PEOPLE)
    return math.log2(m / (u + MODEL.household / PEOPLE * h) * prior)


@settings(deadline=None, max_examples=50)
@given(pairs=PAIRS)
def test_weights_are_the_formula(pairs: list[dict[str, float]]) -> None:
    found = weigh(pd.DataFrame(pairs), MODEL, PEOPLE)["weight"]
    assert list(found) == pytest.approx([by_hand(pair) for pair in pairs], abs=1e-8)


@pytest.mark.parametrize("comparison", [each.comparison for each in MODEL.comparisons], ids=lambda each: each.name)
def test_a_comparison_that_says_nothing_lies_between_its_best_and_its_worst_level(comparison) -> None:
    pair = {each.comparison.column: NOTHING for each in MODEL.comparisons} | dict.fromkeys(FREQUENCIES, -12.0)
    reached = (0, len(comparison.levels) - 1, NOTHING)
    pairs = pd.DataFrame([pair | {comparison.column: place} for place in reached])
    best, worst, nothing = weigh(pairs, MODEL, PEOPLE)["weight"]
    assert worst < nothing < best
