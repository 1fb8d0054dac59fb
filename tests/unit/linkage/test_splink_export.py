"""Our model as Splink settings: every m and u is there, and what cannot be said is named."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from linkage.blocking import RULES, AnyOf, BlockingRule
from linkage.comparison import Comparison, Level
from linkage.default import default_model
from linkage.frequencies import USUAL_AGREEMENT, Frequencies, u_columns
from linkage.model import ComparisonWeights, LevelWeights, Model
from linkage.splink.exports import FREQUENCIES, SMALLEST, export_settings
from linkage.weigh import prior_bits
from schemas.errors import SettingsError

NHS = LevelWeights("same", 0.9, 0.1, 0.1), LevelWeights("different", 0.1, 0.9, 0.9)


def one(*levels: Level, unknown: str = "false", weights: tuple[LevelWeights, ...] = NHS) -> Model:
    comparison = Comparison("nhs number", unknown, levels)
    return replace(default_model(), comparisons=(ComparisonWeights(comparison, weights),))


def levels_of(settings: dict[str, Any]) -> list[dict[str, Any]]:
    return [level for each in settings["comparisons"] for level in each["comparison_levels"]]


def test_every_level_has_its_m_and_u_and_the_last_is_else() -> None:
    model = default_model()
    settings = export_settings(model, people=1000, frequencies=False).settings
    for weights, theirs in zip(model.comparisons, settings["comparisons"], strict=True):
        null, *levels = theirs["comparison_levels"]
        assert null["is_null_level"] is True
        assert [(x["m_probability"], x["u_probability"]) for x in levels] == [(x.m, x.u) for x in weights.levels]
        assert [x["label_for_charts"] for x in levels] == [x.level for x in weights.levels]
        assert [x["sql_condition"] == "ELSE" for x in levels] == [False] * (len(levels) - 1) + [True]


def test_what_is_too_small_for_splink_is_raised_to_what_it_takes() -> None:
    tiny = LevelWeights("same", 0.0, 1e-320, 0.1), NHS[1]
    settings = export_settings(
        one(Level("same", "l.nhs = r.nhs", ""), Level("different", "true", ""), weights=tiny), people=9
    )
    level = levels_of(settings.settings)[0]
    assert (level["m_probability"], level["u_probability"]) == (SMALLEST, SMALLEST)


@pytest.mark.parametrize(
    ("to", "key"), [("splink5", "match_weight_column_prefix"), ("splink4", "bayes_factor_column_prefix")]
)
def test_each_version_gets_only_its_own_key(to: Any, key: str) -> None:
    settings = export_settings(default_model(), to=to, people=1000).settings
    both = {"match_weight_column_prefix", "bayes_factor_column_prefix"}
    assert both & settings.keys() == {key}
    assert json.loads(json.dumps(settings)) == settings


@pytest.mark.parametrize("to", ["splink5", "splink4"])
def test_splink_itself_takes_it_and_gives_it_back(to: Any) -> None:
    pytest.importorskip("splink")
    from splink import SettingsCreator

    exported = export_settings(default_model(), to=to, people=1000).settings
    back = SettingsCreator.from_path_or_dict(exported).get_settings("duckdb").as_dict()
    ours, theirs = levels_of(exported), levels_of(back)
    for key in ("sql_condition", "m_probability", "u_probability", "tf_adjustment_column", "is_null_level"):
        assert [each.get(key) for each in theirs] == [each.get(key) for each in ours], key
    rules = exported["blocking_rules_to_generate_predictions"]
    assert [each["blocking_rule"] for each in back["blocking_rules_to_generate_predictions"]] == [
        each["blocking_rule"] for each in rules
    ]


def test_the_prior_is_of_one_pair() -> None:
    model = default_model()
    prior = export_settings(model, people=2000).settings["probability_two_random_records_match"]
    assert math.log2(prior / (1 - prior)) == pytest.approx(prior_bits(model, 2000), abs=1e-12)
    with pytest.raises(SettingsError, match="must be 1 or more"):
        export_settings(model, people=0)


def test_nicknames_are_a_list_in_each_record() -> None:
    given = export_settings(default_model(), people=1000).settings["comparisons"][0]
    assert 'list_contains("given_nicknames_l", "given_r")' in [x["sql_condition"] for x in given["comparison_levels"]]
    with pytest.raises(SettingsError, match="reads the table of nicknames"):
        export_settings(one(Level("same", "n.a = 'X'", ""), Level("different", "true", "")), people=9)


def test_every_frequency_is_carried_over_or_named() -> None:
    """A frequency that is new in the model is told until somebody says what it is in Splink."""
    exported = export_settings(default_model(), people=1000)
    known = u_columns(Frequencies(1, dict.fromkeys(USUAL_AGREEMENT, 0.1), 1.0))
    assert FREQUENCIES.keys() <= known.keys()
    for weights in default_model().comparisons:
        for level in weights.comparison.levels:
            lost = f"{weights.comparison.name}, {level.name}: its frequency cannot be had"
            told = any(note.startswith(lost) for note in exported.notes)
            named = level.frequency or level.at_least
            assert told == (named is not None and named not in FREQUENCIES)


def test_a_term_frequency_starts_from_its_own_level() -> None:
    with_frequency = [
        x for x in levels_of(export_settings(default_model(), people=9).settings) if "tf_adjustment_column" in x
    ]
    assert with_frequency
    assert all(each["disable_tf_exact_match_detection"] is True for each in with_frequency)
    # A weight of 0 would come back as 1: what has no adjustment has no column.
    assert all(
        "tf_adjustment_weight" not in each for each in levels_of(export_settings(default_model(), people=9).settings)
    )
    plain = levels_of(export_settings(default_model(), people=9, frequencies=False).settings)
    assert not [each for each in plain if "tf_adjustment_column" in each]


def test_a_frequency_that_u_does_not_fall_below_is_splinks_least_u() -> None:
    model = default_model()
    exported = export_settings(model, people=9).settings
    theirs = {x["label_for_charts"]: x for x in exported["comparisons"][0]["comparison_levels"]}
    (given, *_) = model.comparisons
    for level, own in zip(given.comparison.levels, given.levels, strict=True):
        assert theirs[level.name].get("tf_minimum_u_value") == (own.u if level.at_least else None)


def test_blocking_rules_are_equalities_of_columns_and_lists_are_taken_apart() -> None:
    exported = export_settings(default_model(), people=9)
    made = exported.settings["blocking_rules_to_generate_predictions"]
    left_out = [note for note in exported.notes if note.startswith("blocking rule '")]
    assert len(made) + len(left_out) == len(RULES)
    assert len(left_out) <= 2, left_out
    lists = [each["arrays_to_explode"] for each in made if "arrays_to_explode" in each]
    assert ["families"] in lists
    crosswise = BlockingRule("crosswise", ("given",), ("family",))
    odd = BlockingRule("odd", ("given[:3]",)), BlockingRule("other", (AnyOf("given", "other_givens"),))
    exported = export_settings(default_model(), people=9, rules=(crosswise, *odd))
    (rule,) = exported.settings["blocking_rules_to_generate_predictions"]
    assert rule["blocking_rule"] == 'l."given" = r."family"'
    assert len([note for note in exported.notes if "is no column" in note]) == 2


def test_what_splink_has_no_place_for_goes_beside() -> None:
    model = default_model()
    exported = export_settings(model, people=9)
    assert Model.from_json(exported.beside["model"]) == model
    assert exported.beside["notes"] == list(exported.notes)
    assert any(note.startswith("households: ") for note in exported.notes)
    assert exported.settings.keys() & exported.beside.keys() == set()


def test_a_comparison_that_leaves_pairs_out_is_refused() -> None:
    with pytest.raises(SettingsError, match="last level is not for all other pairs"):
        export_settings(one(Level("same", "l.nhs = r.nhs", ""), Level("different", "l.nhs <> r.nhs", "")), people=9)
