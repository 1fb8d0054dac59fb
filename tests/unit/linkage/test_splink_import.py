"""Splink's settings as a model of ours: every trap of the format, one test each."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from linkage.default import default_model
from linkage.model import FLOOR
from linkage.model_file import dumps, from_facts
from linkage.splink.exports import export_settings
from linkage.splink.imports import Imported, import_settings
from linkage.splink.weights import defaults
from linkage.weigh import prior_bits
from schemas.errors import SettingsError

SAVED = Path(__file__).parent / "splink_models"
"""Models that Splink 3.9.15 and 4.0.17 trained on made-up people and saved."""
NULL = {"sql_condition": '"surname_l" IS NULL OR "surname_r" IS NULL', "is_null_level": True}
EXACT = {"sql_condition": '"surname_l" = "surname_r"', "m_probability": 0.9, "u_probability": 0.01}
ELSE = {"sql_condition": "ELSE", "m_probability": 0.1, "u_probability": 0.99}


def settings(*levels: dict[str, Any], name: str = "surname", **top: Any) -> dict[str, Any]:
    """The smallest model: one comparison."""
    comparison = {"output_column_name": name, "comparison_levels": list(levels or (NULL, EXACT, ELSE))}
    return {"link_type": "link_only", "comparisons": [comparison], "probability_two_random_records_match": 0.01, **top}


def level(condition: str, **more: Any) -> dict[str, Any]:
    return {"sql_condition": condition, "m_probability": 0.5, "u_probability": 0.2, **more}


def conditions(imported: Imported) -> list[str]:
    (weights,) = imported.model.comparisons
    return [weights.comparison.unknown, *(each.condition for each in weights.comparison.levels)]


# ------------------------------------------------------------------------------------------------------------- shapes


@pytest.mark.parametrize(("version", "gaps"), [("3", True), ("4", False)])
def test_files_of_earlier_versions_are_read(version: str, gaps: bool) -> None:
    facts = json.loads((SAVED / f"splink{version}.json").read_text("utf-8"))
    if gaps:
        with pytest.raises(SettingsError, match=r"level 4 .*no m_probability"):
            import_settings(facts)
    imported = import_settings(facts, accept_defaults=gaps)
    assert imported.model.provenance["splink_shape"] == version
    roles = [each.comparison.role for each in imported.model.comparisons]
    assert roles == ["given", "family", "birth", "place", "gender"]
    given = imported.model.comparisons[0]
    first = facts["comparisons"][0]["comparison_levels"][1]
    assert (given.levels[0].m, given.levels[0].u) == (first["m_probability"], first["u_probability"])
    assert from_facts(json.loads(dumps(imported.model))) == from_facts(imported.model.to_json())


def test_the_shape_of_version_5_is_known_by_its_key() -> None:
    assert import_settings(settings(match_weight_column_prefix="mw_")).model.provenance["splink_shape"] == "5"
    assert import_settings(settings()).model.provenance["splink_shape"] == "3"


def test_our_own_export_comes_back_as_it_was() -> None:
    model = default_model()
    exported = export_settings(model, people=1000, frequencies=False)
    imported = import_settings(exported.settings, people=1000)
    for ours, back in zip(model.comparisons, imported.model.comparisons, strict=True):
        assert back.comparison.name == ours.comparison.name
        assert [x.stance for x in back.comparison.levels] == [x.stance for x in ours.comparison.levels]
        assert [(x.level, x.m, x.u) for x in back.levels] == [(x.level, x.m, x.u) for x in ours.levels]
    assert imported.model.in_register == pytest.approx(model.in_register, rel=1e-12)


def test_frequencies_of_our_own_export_come_back_too() -> None:
    model = default_model()
    exported = export_settings(model, people=1000)
    imported = import_settings(exported.settings, people=1000)
    # The exact level of the family name went out as two, so that comparison is no longer ours.
    split = {note.split(",")[0] for note in exported.notes if "it becomes 2 levels" in note}
    lost = {note.split(":")[0] for note in exported.notes if "its frequency cannot be had" in note}
    for ours, back in zip(model.comparisons, imported.model.comparisons, strict=True):
        if ours.comparison.name not in split:
            levels = [level for level in ours.comparison.levels if f"{ours.comparison.name}, {level.name}" not in lost]
            assert [x for x in back.comparison.levels if x.name in {y.name for y in levels}] == levels


# --------------------------------------------------------------------------------------------------------------- traps


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


# ------------------------------------------------------------------------------------------------- levels, as in a CASE


def test_a_level_for_missing_values_counts_only_where_none_before_it_holds() -> None:
    imported = import_settings(settings(EXACT, NULL, ELSE))
    unknown, *levels = conditions(imported)
    assert unknown.startswith(
        "(((l.family IS NULL) OR (r.family IS NULL)) AND (NOT coalesce((l.family = r.family), false)"
    )
    assert levels == ["(l.family = r.family)", "true"]


def test_without_a_level_for_missing_values_one_is_disagreement_as_in_splink() -> None:
    imported = import_settings(settings(EXACT, ELSE))
    assert conditions(imported)[0] == "false"
    assert any("no level for missing values" in note for note in imported.notes)


@pytest.mark.parametrize(
    ("levels", "reason"),
    [
        ((NULL, EXACT), "fewer than two levels"),
        ((NULL, EXACT, level("surname_l > surname_r")), "its last level is not ELSE"),
        ((ELSE, EXACT), "ELSE stands before the last level"),
        ((NULL, EXACT, {**ELSE, "is_null_level": True}), "ELSE is marked as the level of missing values"),
        ((NULL, {**EXACT, "m_probability": 1.5}, ELSE), "m_probability is more than 1"),
        ((NULL, {**EXACT, "m_probability": "0.9"}, ELSE), "m_probability is no number"),
        ((NULL, {**EXACT, "u_probability": True}, ELSE), "u_probability is no number"),
        ((NULL, {**EXACT, "u_probability": float("nan")}, ELSE), "u_probability is no number"),
        ((NULL, {"m_probability": 0.5}, ELSE), "no text sql_condition"),
        ((NULL, "surname_l = surname_r", ELSE), "no text sql_condition"),
        ((NULL, level("shoe_size_l = shoe_size_r"), ELSE), "--column shoe_size=FIELD, where FIELD is one of given"),
        ((NULL, level("l.surname = r.surname"), ELSE), "reads l.surname; Splink's columns end in _l or _r"),
        ((NULL, level("surname_l = surname_r, 1"), ELSE), "calls row"),
        ((NULL, level("sex_l = 'M'"), ELSE), "DuckDB does not take the condition"),
        ((NULL, level("surname_l"), ELSE), "takes a text for true or false"),
        ((NULL, level("surname_l = (SELECT max(family) FROM register_record)"), ELSE), "a subquery"),
        ((NULL, level("read_csv('/etc/passwd') IS NULL"), ELSE), "calls read_csv"),
        ((NULL, level("surname_l = 'x'; DROP TABLE link"), ELSE), "not one expression"),
        ((NULL, level("getenv('HOME') = surname_l"), ELSE), "calls getenv"),
        ((NULL, level("pragma_version() IS NULL"), ELSE), "calls pragma_version"),
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_refused_with_its_place(levels: tuple[Any, ...], reason: str) -> None:
    with pytest.raises(SettingsError, match=r"^comparison 1 \('surname'\)") as refused:
        import_settings(settings(*levels))
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({}, "no list of comparisons"),
        ({"comparisons": "surname"}, "no list of comparisons"),
        ({"comparisons": [7]}, "comparison 1: it has no list comparison_levels"),
        (settings(sql_dialect="athena"), "written for 'athena'"),
        (settings(probability_two_random_records_match=2), "is more than 1"),
        ({**settings(), "comparisons": settings()["comparisons"] * 2}, "two comparisons have the name 'surname'"),
    ],
)
def test_what_is_no_model_is_refused(facts: Any, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        import_settings(facts)


@pytest.mark.parametrize("name", ["x'); DROP TABLE link --", 'a"b', "1st name", "Prénom", "\x00", "x" * 500])
def test_names_from_a_file_can_stand_in_a_query(name: str) -> None:
    imported = import_settings(settings(NULL, {**EXACT, "label_for_charts": name}, ELSE, name=name))
    assert from_facts(imported.model.to_json()).comparisons[0].comparison.name[0].isalpha()


# ------------------------------------------------------------------------------------------------ columns, roles, prior


def test_columns_are_known_by_usual_names_or_said() -> None:
    facts = settings(NULL, level("nom_l = nom_r"), ELSE)
    imported = import_settings(facts, names={"NOM": "family"})
    assert conditions(imported)[1] == "(l.family = r.family)"
    with pytest.raises(SettingsError, match="--column nom=surname: our record has no surname; it has given, family"):
        import_settings(facts, names={"nom": "surname"})


@pytest.mark.parametrize(
    ("condition", "role", "stance"),
    [
        ("first_name_l = first_name_r", "given", "agrees"),
        ("forename_l = forename_r AND surname_l = surname_r", "given", "agrees"),
        ("lower(surname_l) = lower(surname_r)", "family", "agrees"),
        ("dob_l = dob_r", "birth", "agrees"),
        ("abs(epoch(dob_l) - epoch(dob_r)) < 86400 * 30", "birth", "differs"),
        ("levenshtein(dob_l, dob_r) <= 1", "birth", None),
        ("postcode_l = postcode_r", "place", "agrees"),
        ("outcode_l = outcode_r", "place", None),
        ("postcode_sector_l = postcode_sector_r", "place", None),
        ("nhs_number_l = nhs_number_r", "number", "agrees"),
        ("gender_l = gender_r", "gender", "agrees"),
        ("middle_names_l = middle_names_r", None, "agrees"),
        ("dob_l = dob_r AND postcode_l = postcode_r", None, "agrees"),
    ],
)
def test_what_a_comparison_is_about_follows_from_what_it_reads(
    condition: str, role: str | None, stance: str | None
) -> None:
    imported = import_settings(settings(level(condition), ELSE))
    comparison = imported.model.comparisons[0].comparison
    assert comparison.role == role
    assert comparison.levels[0].stance == stance


def test_a_level_that_speaks_against_a_match_differs() -> None:
    unlikely = level("jaro_winkler_similarity(first_name_l, first_name_r) > 0.7", m_probability=0.01)
    imported = import_settings(settings(level("first_name_l = first_name_r"), unlikely, ELSE))
    assert [each.stance for each in imported.model.comparisons[0].comparison.levels] == ["agrees", "differs", "differs"]


def test_guards_that_cannot_work_are_told() -> None:
    notes = "\n".join(import_settings(settings()).notes)
    for role in ("given", "birth", "number", "place"):
        assert f"no comparison of it is about the {role} alone" in notes


def test_the_prior_is_splinks_where_the_size_of_the_register_is_known() -> None:
    model = import_settings(settings(), people=5_000).model
    assert prior_bits(model, 5_000) == pytest.approx(math.log2(0.01 / 0.99), abs=1e-9)
    assert import_settings(settings()).model.in_register == default_model().in_register


@pytest.mark.parametrize(
    ("tf", "frequency", "note"),
    [
        ({}, "family_u", "those of the register, counted our way"),
        ({"tf_adjustment_weight": 0.5}, None, "are left out, u is the level's average"),
    ],
)
def test_term_frequencies_are_ours_or_left_out_and_told(tf: dict[str, Any], frequency: str | None, note: str) -> None:
    facts = settings(NULL, {**EXACT, "tf_adjustment_column": "surname", **tf}, ELSE)
    imported = import_settings(facts)
    assert imported.model.comparisons[0].comparison.levels[0].frequency == frequency
    assert any("level 2" in each and note in each for each in imported.notes)
    left_out = import_settings(facts, frequencies=False)
    assert left_out.model.comparisons[0].comparison.levels[0].frequency is None
    assert any("left out as asked" in each for each in left_out.notes)
