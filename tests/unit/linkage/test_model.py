"""The model as a value: complete, readable by others, and refused when it makes no sense."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from linkage import Model, default_model
from linkage.comparison import COMPARISONS
from schemas import SettingsError


@pytest.mark.parametrize("kind", ["m", "u", "h"])
@pytest.mark.parametrize("comparison", [each.name for each in COMPARISONS])
def test_the_default_is_a_distribution(comparison: str, kind: str) -> None:
    assert sum(getattr(level, kind) for level in default_model()[comparison].levels) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("comparison", [each.name for each in COMPARISONS])
def test_the_best_level_speaks_for_and_the_worst_against(comparison: str) -> None:
    levels = default_model()[comparison].levels
    assert levels[0].m > levels[0].u
    assert levels[-1].m < levels[-1].u


def test_json_there_and_back() -> None:
    model = default_model()
    assert Model.from_json(json.loads(json.dumps(model.to_json()))) == model


def test_the_id_depends_on_the_numbers_and_not_on_where_they_came_from() -> None:
    model = default_model()
    assert replace(model, provenance={"origin": "elsewhere"}).model_id == model.model_id
    assert replace(model, in_register=0.5).model_id != model.model_id


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda facts: facts.update(format=99), "format 99"),
        (lambda facts: facts["comparisons"].clear(), "no comparison"),
        (lambda facts: facts["comparisons"].append(facts["comparisons"][0]), "one name"),
        (lambda facts: facts["comparisons"][5].update(comparison="shoe size"), "'shoe size' is none of ours"),
        (lambda facts: facts["comparisons"][5].update(unknown="l.gender IS NULL"), "brings a comparison of its own"),
        (lambda facts: facts["comparisons"][5]["levels"].pop(), "comparison 'gender' has levels"),
        (lambda facts: facts["comparisons"][5]["levels"][0].update(m=0), "outside 0 to 1"),
        (lambda facts: facts["comparisons"][5]["levels"][0].update(u=1.5), "outside 0 to 1"),
        (lambda facts: facts["comparisons"][5]["levels"][0].update(u="many"), "another kind of value"),
        (lambda facts: facts["comparisons"][5]["levels"][0].pop("u"), "lacks a part"),
        (lambda facts: facts.update(in_register=1), "between 0 and 1"),
        (lambda facts: facts.update(bands={"link_at": 0.5, "review_at": 0.9}), "must rise"),
    ],
)
def test_a_model_that_makes_no_sense_is_refused(change, sentence: str) -> None:
    facts = json.loads(json.dumps(default_model().to_json()))
    change(facts)
    with pytest.raises(SettingsError, match=sentence):
        Model.from_json(facts)
