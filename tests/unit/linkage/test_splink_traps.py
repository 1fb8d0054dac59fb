"""The traps in models that Splink wrote, by number."""

import math
from typing import Any

import pytest

from linkage.model import FLOOR
from linkage.splink.imports import import_settings
from linkage.splink.weights import defaults
from schemas.errors import SettingsError
from tests.unit.linkage.splink_settings import ELSE, EXACT, NULL, conditions, level, settings


def test_1_keys_that_no_version_knows_are_told_or_refused() -> None:
    imported = import_settings(settings(fingerprint="abc"))
    assert "not read, since no version of Splink knows them: fingerprint" in imported.notes
    with pytest.raises(SettingsError, match=r"comparison 1 \('surname'\), level 2: it has the key 'weight'"):
        import_settings(settings(NULL, {**EXACT, "weight": 3}, ELSE))


def test_2_missing_values_are_asked_about_and_then_splinks_own() -> None:
    levels = [
        NULL,
        *({"sql_condition": f"levenshtein(surname_l, surname_r) <= {n}"} for n in range(3)),
        {"sql_condition": "ELSE"},
    ]
    with pytest.raises(SettingsError, match=r"^8 values are missing") as refused:
        import_settings(settings(*levels))
    assert "level 2 ('level 2'): no m_probability; Splink would put 0.95" in str(refused.value)
    imported = import_settings(settings(*levels), accept_defaults=True)
    (weights,) = imported.model.comparisons
    assert [each.m for each in weights.levels] == pytest.approx([0.95, 0.05 / 3, 0.05 / 3, 0.05 / 3])
    bits = [math.log2(each.m / each.u) for each in weights.levels]
    assert bits == pytest.approx([10, 3, -1, -5])
    assert len([note for note in imported.notes if "Splink's default" in note]) == 8


@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_2_the_defaults_are_those_of_splink_itself(count: int) -> None:
    internals = pytest.importorskip("splink.internals.comparison_level")
    m, u = internals._default_m_values(count)[::-1], internals._default_u_values(count)[::-1]
    assert defaults(count) == [(pytest.approx(a), pytest.approx(b)) for a, b in zip(m, u, strict=True)]


def test_3_a_level_that_training_never_met_is_a_gap_not_a_guess() -> None:
    unmet = {key: value for key, value in level("levenshtein(surname_l, surname_r) <= 1").items() if "_pro" not in key}
    with pytest.raises(SettingsError, match=r"what training never met.*--accept-defaults"):
        import_settings(settings(NULL, EXACT, unmet, ELSE))


@pytest.mark.parametrize("value", [0, 1e-320, 5e-63])
def test_4_what_no_data_can_show_stops_at_our_floor_and_is_told(value: float) -> None:
    imported = import_settings(settings(NULL, EXACT, {**ELSE, "m_probability": value}))
    assert imported.model.comparisons[0].levels[1].m == FLOOR
    assert any("level 3" in note and "no data can show" in note for note in imported.notes)


def test_4_a_term_frequency_of_no_weight_is_none() -> None:
    imported = import_settings(
        settings(NULL, {**EXACT, "tf_adjustment_column": "surname", "tf_adjustment_weight": 0}, ELSE)
    )
    assert imported.model.comparisons[0].comparison.levels[0].frequency is None


@pytest.mark.parametrize(
    ("dialect", "condition", "ours"),
    [
        ("spark", "jaro_winkler(`surname_l`, `surname_r`) > 1", "(jaro_winkler_similarity(l.family, r.family) > 1)"),
        ("sqlite", 'jaro_sim("surname_l", "surname_r") > 0.9', "(jaro_similarity(l.family, r.family) > 0.9)"),
        ("spark", "levenshtein(surname_l, surname_r) < 2", "(levenshtein(l.family, r.family) < 2)"),
        ("spark", "size(array_intersect(middle_names_l, middle_names_r)) >= 1", None),
        ("postgres", "substring(postcode_l from '(^[A-Z])') = 'O'", "(regexp_extract(l.unit, '(^[A-Z])', 1) = 'O')"),
        (
            "spark",
            "abs(datediff(date(try_to_timestamp(dob_l, 'yyyy-MM-dd')), `dob_r`)) <= floor(864000 / 86400)",
            "(abs(date_diff('day', r.birth_date, TRY_CAST(TRY_CAST(l.birth_date AS TIMESTAMP) AS DATE)))"
            " <= floor((864000 / 86400)))",
        ),
    ],
)  # fmt: skip
def test_6_names_of_functions_follow_the_dialect(dialect: str, condition: str, ours: str | None) -> None:
    imported = import_settings(settings(level(condition), ELSE, sql_dialect=dialect))
    assert ours in (None, conditions(imported)[1])
    assert any(f"written for {dialect}" in note for note in imported.notes)


def test_6_a_text_in_sparks_quotes_is_not_taken_for_a_column() -> None:
    with pytest.raises(SettingsError, match=r"level 1.*reads OX; Splink's columns end in _l or _r"):
        import_settings(settings(level('postcode_l = "OX"'), ELSE, sql_dialect="spark"))


@pytest.mark.parametrize(
    ("condition", "ours"),
    [
        (
            "ABS(EPOCH(try_strptime(\"dob_l\", '%d/%m/%Y')) - EPOCH(try_strptime(\"dob_r\", '%d/%m/%Y'))) <= 86400.0",
            "(abs(TRY(epoch(TRY_CAST(l.birth_date AS TIMESTAMP)) - epoch(TRY_CAST(r.birth_date AS TIMESTAMP))))"
            " <= 86400.0)",
        ),
        (
            "NULLIF(regexp_extract(\"postcode_l\", '^[A-Z]{1,2}', 0), '') = 'OX'",
            "(nullif(regexp_extract(l.unit, '^[A-Z]{1,2}', 0), '') = 'OX')",
        ),
        ('levenshtein("dob_l", "dob_r") <= 1', None),
    ],
)
def test_7_expressions_in_ready_comparisons_are_read(condition: str, ours: str | None) -> None:
    """A date is parsed whatever way their text was written: ours is a date already."""
    imported = import_settings(settings(level(condition), ELSE))
    assert ours in (None, conditions(imported)[1])


@pytest.mark.parametrize("version", ["duckdb", "spark"])
def test_7_lists_of_names_are_compared_pair_by_pair_in_duckdbs_dialect_alone(version: str) -> None:
    """Splink writes the arrow that DuckDB 2 gives up; Spark counts elements from 0."""
    cl = pytest.importorskip("splink.comparison_level_library")
    made = cl.PairwiseStringDistanceFunctionLevel("middle_names", "jaro_winkler", 0.9)
    condition = made.get_comparison_level(version).sql_condition
    facts = settings(level(condition), ELSE, sql_dialect=version)
    if version == "spark":
        with pytest.raises(SettingsError, match=r"level 1.*holds a lambda"):
            import_settings(facts)
    else:
        assert "lambda pair: jaro_winkler_similarity(pair[1], pair[2])" in conditions(import_settings(facts))[1]


READY = [
    ("NameComparison", ("first_name",), {}),
    ("ForenameSurnameComparison", ("first_name", "surname"), {}),
    ("DateOfBirthComparison", ("dob",), {"input_is_string": True}),
    ("DateOfBirthComparison", ("dob",), {"input_is_string": False}),
    ("PostcodeComparison", ("postcode",), {}),
    ("ExactMatch", ("nhs_number",), {}),
    ("LevenshteinAtThresholds", ("surname",), {}),
    ("DamerauLevenshteinAtThresholds", ("surname",), {}),
    ("JaroAtThresholds", ("surname",), {}),
    ("JaroWinklerAtThresholds", ("surname",), {}),
    ("JaccardAtThresholds", ("surname",), {}),
    ("ArrayIntersectAtSizes", ("middle_names",), {}),
    ("AbsoluteDateDifferenceAtThresholds", ("dob",), {"input_is_string": True, "metrics": ["day"], "thresholds": [3]}),
]


@pytest.mark.parametrize("dialect", ["duckdb", "spark", "sqlite", "postgres"])
@pytest.mark.parametrize(("name", "columns", "options"), READY)
def test_splinks_ready_comparisons_are_read_in_every_dialect(
    name: str, columns: tuple[str, ...], options: dict[str, Any], dialect: str
) -> None:
    library = pytest.importorskip("splink.comparison_library")
    try:
        comparison = getattr(library, name)(*columns, **options).get_comparison(dialect).as_dict()
    except (NotImplementedError, ValueError):
        return  # Splink itself has it not for this dialect
    imported = import_settings({"comparisons": [comparison], "sql_dialect": dialect}, accept_defaults=True)
    (weights,) = imported.model.comparisons
    assert len(weights.levels) == len([x for x in comparison["comparison_levels"] if "is_null_level" not in x])


def test_8_its_blocking_rules_are_not_ours() -> None:
    rules = ["l.surname = r.surname", {"blocking_rule": "l.dob = r.dob", "sql_dialect": "duckdb"}]
    imported = import_settings(settings(blocking_rules_to_generate_predictions=rules))
    assert any("2 blocking rules are not used" in note for note in imported.notes)
