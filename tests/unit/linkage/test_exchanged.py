"""Names in each other's place are seen by two comparisons and weighed once."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from linkage import default_model
from linkage.exchanged import weighed_once, weighed_once_of_system
from linkage.model import Model


def with_m_of_swapped(m: float) -> Model:
    """The default model, `m` of whose true pairs have their names exchanged, and whose sample has seen no such pair."""
    model = default_model()
    for name in ("given name", "family name"):
        levels = [
            replace(level, m=m, u=1e-9, h=1e-9)
            if level.level == "swapped"
            else replace(level, m=level.m * (1 - m) / 0.997)
            for level in model[name].levels
        ]
        model = model.with_weights(replace(model[name], levels=tuple(levels)))
    return model


@pytest.mark.parametrize("m", [0.003, 0.03, 0.2])
def test_exchanged_names_are_as_strong_as_both_names_are(m: float) -> None:
    model = weighed_once(with_m_of_swapped(m))
    for kind in ("u", "h"):
        given, family = ({level.level: level for level in model[f"{name} name"].levels} for name in ("given", "family"))
        both = getattr(given["exact"], kind) * getattr(family["exact"], kind)
        evidence = math.log2(given["swapped"].m / getattr(given["swapped"], kind)) + math.log2(
            family["swapped"].m / getattr(family["swapped"], kind)
        )
        assert evidence == pytest.approx(-math.log2(both), abs=0.4)


def test_the_family_name_adds_nothing_to_what_the_given_name_has_said() -> None:
    family = weighed_once(default_model())["family name"]
    for level in family.levels:
        silent = level.level in ("swapped", "half swapped")
        assert (level.m == pytest.approx(level.u, rel=1e-9)) is silent
        assert (level.m == pytest.approx(level.h, rel=1e-9)) is silent


def test_a_system_that_exchanges_names_often_says_so_once() -> None:
    model = weighed_once(default_model())
    usual = model["family name"]
    levels = {"swapped": 0.1, "exact": usual.levels[0].m - 0.097}
    own = replace(usual, levels=tuple(replace(x, m=levels.get(x.level, x.m), h=0.9 * x.h) for x in usual.levels))
    once = weighed_once_of_system(model, own)
    for level in once.levels:
        assert (level.m == level.u == level.h) is (level.level in ("swapped", "half swapped"))
    for kind in ("m", "h"):
        assert sum(getattr(level, kind) for level in once.levels) == pytest.approx(1)
    assert weighed_once_of_system(model, model["given name"]) == model["given name"]


def test_a_sample_that_met_such_pairs_is_believed() -> None:
    model = default_model()
    levels = [replace(level, u=0.001) if level.level == "swapped" else level for level in model["given name"].levels]
    model = weighed_once(model.with_weights(replace(model["given name"], levels=tuple(levels))))
    swapped = next(level for level in model["given name"].levels if level.level == "swapped")
    assert swapped.u == pytest.approx(0.001, rel=1e-9)


def test_every_kind_still_adds_up_to_one_and_once_is_enough() -> None:
    once = weighed_once(with_m_of_swapped(0.03))
    for weights in once.comparisons:
        for kind in ("m", "u", "h"):
            assert sum(getattr(level, kind) for level in weights.levels) == pytest.approx(1, abs=0.02)
    twice = weighed_once(once)
    for before, after in zip(once.comparisons, twice.comparisons, strict=True):
        for x, y in zip(before.levels, after.levels, strict=True):
            assert (x.m, x.u, x.h) == pytest.approx((y.m, y.u, y.h), rel=1e-3)


def test_a_model_without_such_levels_is_left_alone() -> None:
    model = default_model()
    no_names = replace(
        model, comparisons=tuple(each for each in model.comparisons if "name" not in each.comparison.name)
    )
    assert weighed_once(no_names) == no_names
