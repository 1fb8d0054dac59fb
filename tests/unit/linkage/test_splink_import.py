"""Models that Splink wrote, as they are read: shape, levels, columns, roles and priors."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from linkage.default import default_model
from linkage.model_file import dumps, from_facts
from linkage.splink.exports import export_settings
from linkage.splink.imports import import_settings
from linkage.weigh import prior_bits
from schemas.errors import SettingsError
from tests.unit.linkage.splink_settings import ELSE, EXACT, NULL, conditions, level, settings

SAVED = Path(__file__).parent / "splink_models"
"""Models that Splink 3.9.15 and 4.0.17 trained on made-up people and saved."""


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
