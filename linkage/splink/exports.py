"""One of our models as Splink settings, for the tables that `linkage.splink.records` writes.

Every m and u is written, since Splink fills a gap with a default and says nothing. What Splink's model has no place for
(households, bands, provenance) goes into a file beside it, and what its arithmetic cannot say is named, comparison by
comparison.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from linkage.blocking import RULES, AnyOf, BlockingRule
from linkage.comparison import Comparison, Level
from linkage.conditions.expression import Call, columns, write
from linkage.conditions.fields import BY_NAME, NICKNAME, own_column
from linkage.conditions.reading import parse
from linkage.model import ComparisonWeights, LevelWeights, Model, shares_among
from linkage.weigh import prior_bits
from schemas.errors import SettingsError

Target = Literal["splink5", "splink4"]

SMALLEST = 1e-300
"""Splink refuses an m or u below this, so also 0 (Splink 5.0, comparison_level.py)."""
UNIQUE_ID, NICKNAMES = "unique_id", "given_nicknames"
# Columns of several values that a rule takes apart, by the parts of ours.
_LISTS = {
    ("place", "other_units"): "places",
    ("family", "other_families"): "families",
    ("nhs", "former_nhs"): "all_nhs",
    (None, "ids"): "ids",
}


@dataclass(frozen=True)
class Frequency:
    """A frequency of ours as a term-frequency column of Splink's."""

    column: str
    """The column `tf_<column>` holds the frequency; `column` itself what it is the frequency of."""
    sql: str
    """That column over a record {0}."""
    side: Literal["clients", "register"]
    """Whose records carry it; Splink takes the other's where one is null."""
    when: str = ""
    """A condition under which it is this frequency; it becomes a level of its own."""
    label: str = ""


FREQUENCIES: dict[str, tuple[Frequency, ...]] = {
    "given_u": (Frequency("given", "{0}.given", "register"),),
    "nickname_u": (Frequency("given_nickname", "{0}.given", "register"),),
    "middle_u": (Frequency("middle", "{0}.middle", "clients"),),
    # How common a family name is depends on whether the given names agree too.
    "family_u": (
        Frequency("names", "{0}.given || ' ' || {0}.family", "clients", "l.given = r.given", ", given name too"),
        Frequency("family", "{0}.family", "register"),
    ),
    "family_near_u": (Frequency("family", "{0}.family", "register"),),
    "birth_u": (Frequency("birth_date", "{0}.birth_date", "clients"),),
    "year_u": (Frequency("birth_year", "{0}.birth_year", "clients"),),
    "house_u": (Frequency("unit_house", "{0}.unit || ' ' || {0}.house", "clients"),),
    "unit_u": (Frequency("unit", "{0}.unit", "clients"),),
    "other_unit_u": (Frequency("unit_other", "{0}.unit", "clients"),),
}
"""By the column of `pair_level`; one that is not here cannot be had from either record alone."""


@dataclass(frozen=True)
class Exported:
    """Splink's settings, what goes beside them, and every way in which they say less than the model."""

    settings: dict[str, Any]
    beside: dict[str, Any]
    notes: tuple[str, ...]


def export_settings(
    model: Model,
    *,
    to: Target = "splink5",
    people: int,
    frequencies: bool = True,
    rules: Iterable[BlockingRule] = RULES,
) -> Exported:
    """The settings dictionary for Splink with DuckDB, for a register of `people` people.

    `frequencies` false leaves term frequencies out: every level then weighs its average. Raises SettingsError where a
    condition cannot be written.
    """
    if people < 1:
        raise SettingsError("the number of people in the register must be 1 or more")
    notes: list[str] = []
    comparisons = [_comparison(each, notes, frequencies=frequencies) for each in model.comparisons]
    blocking = _blocking(rules, notes)
    odds = 2 ** prior_bits(model, people)
    settings: dict[str, Any] = {
        "link_type": "link_only",
        "probability_two_random_records_match": max(odds / (1 + odds), SMALLEST),
        "comparisons": comparisons,
        "blocking_rules_to_generate_predictions": blocking,
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": True,
        "additional_columns_to_retain": [],
        "unique_id_column_name": UNIQUE_ID,
        "source_dataset_column_name": "source_dataset",
        "term_frequency_adjustment_column_prefix": "tf_",
        "comparison_vector_value_column_prefix": "gamma_",
        "sql_dialect": "duckdb",
    }
    # Version 4 refuses a file that has version 5's key.
    settings |= {"match_weight_column_prefix": "mw_"} if to == "splink5" else {"bayes_factor_column_prefix": "bf_"}
    if model.systems:
        notes.append(
            f"the error rates of {', '.join(model.sources)} alone are left out: Splink has one m for all clients"
        )
    notes.append(
        "households: Splink compares a pair with two random people only, so a sister at the same address weighs more"
        " there than here; everything else being equal, its weight is ours or higher"
    )
    notes.append(
        "decisions: bands, guards, passes and the competition of a client's candidates are not part of Splink's model"
    )
    beside = {"model": model.to_json(), "model_id": model.model_id, "to": to, "register_people": people, "notes": notes}
    return Exported(settings, beside, tuple(notes))


def _comparison(weights: ComparisonWeights, notes: list[str], *, frequencies: bool) -> dict[str, Any]:
    comparison = weights.comparison
    levels: list[dict[str, Any]] = []
    if comparison.unknown != "false":
        levels.append(
            {
                "sql_condition": _condition(comparison.unknown),
                "label_for_charts": "not known",
                "is_null_level": True,
            }
        )
    last = len(weights.levels) - 1
    # A frequency of Splink is one among all pairs. Where ours is one among those of a kind, so are m and u told.
    shares = shares_among(weights) if frequencies else (1.0,) * len(weights.levels)
    told = [
        replace(each, m=each.m / share, u=each.u / share) for each, share in zip(weights.levels, shares, strict=True)
    ]
    for place, (level, own) in enumerate(zip(comparison.levels, told, strict=True)):
        levels += _levels(comparison, level, own, notes, is_last=place == last, frequencies=frequencies)
    return {
        "output_column_name": comparison.name.replace(" ", "_"),
        "comparison_description": comparison.name,
        "comparison_levels": levels,
    }


def _levels(
    comparison: Comparison, level: Level, own: LevelWeights, notes: list[str], *, is_last: bool, frequencies: bool
) -> list[dict[str, Any]]:
    """One level of ours: one of Splink's, or several where its frequency depends on more than the level."""
    if is_last and level.condition != "true":
        raise SettingsError(f"comparison '{comparison.name}': its last level is not for all other pairs")
    made: dict[str, Any] = {
        "sql_condition": "ELSE" if is_last else _condition(level.condition),
        "label_for_charts": level.name,
        "m_probability": max(own.m, SMALLEST),
        "u_probability": max(own.u, SMALLEST),
    }
    where = f"{comparison.name}, {level.name}"
    theirs = FREQUENCIES.get(level.frequency or level.at_least or "", ())
    if level.frequency is None and level.at_least is None:
        return [made]
    if not frequencies or not theirs:
        reason = "cannot be had from either record alone" if frequencies else "is left out as asked"
        notes.append(f"{where}: its frequency {reason}; it weighs its average in Splink")
        return [made]
    if len(theirs) > 1:
        notes.append(f"{where}: it becomes {len(theirs)} levels with one m and u, each with a frequency of its own")
    return [made | _adjusted(each, made, level) for each in theirs]


def _adjusted(frequency: Frequency, level: dict[str, Any], own: Level) -> dict[str, Any]:
    # With its own u as the base, the level weighs log2(m / tf): what ours does.
    adjusted: dict[str, Any] = {"tf_adjustment_column": frequency.column, "disable_tf_exact_match_detection": True}
    if own.at_least:
        # Ours is never below the level's average: for Splink, the least u that a frequency may stand for.
        adjusted["tf_minimum_u_value"] = level["u_probability"]
    if frequency.when:
        adjusted["sql_condition"] = _condition(f"({own.condition}) AND {frequency.when}")
        adjusted["label_for_charts"] = level["label_for_charts"] + frequency.label
    return adjusted


def _condition(condition: str) -> str:
    """Our condition with Splink's columns: `l.given` is "given_l"."""
    tree = parse(condition, own_column)
    if tree == Call("is not null", (NICKNAME,)):
        # Here a join finds the row of the nickname table; a record of the export lists its own.
        return f'list_contains("{NICKNAMES}_l", "given_r")'
    if NICKNAME in columns(tree):
        raise SettingsError("a condition reads the table of nicknames in a way that Splink cannot")
    return write(tree, lambda column: f'"{column.name}_{column.side}"')


def _blocking(rules: Iterable[BlockingRule], notes: list[str]) -> list[dict[str, Any]]:
    made = []
    for rule in rules:
        pairs = list(zip(rule.client, rule.register_parts, strict=True))
        if all(_columns_of(part) for pair in pairs for part in pair):
            made.append(_rule(pairs))
        else:
            notes.append(f"blocking rule '{rule.name}': it has a part that is no column, so it is left out")
    notes.append(
        "blocking: our rules leave out keys that very many register rows share, and look no further for clients that"
        " the first rules settle; Splink's make every pair"
    )
    return made


def _columns_of(part: str | AnyOf) -> tuple[str, ...]:
    if isinstance(part, AnyOf):
        one = _LISTS.get((part.usual, part.others))
        return (one,) if one else ()
    return (part,) if part in BY_NAME else ()


def _rule(pairs: list[tuple[str | AnyOf, str | AnyOf]]) -> dict[str, Any]:
    named = [(_columns_of(client)[0], _columns_of(register)[0]) for client, register in pairs]
    rule: dict[str, Any] = {
        "blocking_rule": " AND ".join(f'l."{client}" = r."{register}"' for client, register in named),
        "sql_dialect": "duckdb",
    }
    lists = sorted({name for pair in named for name in pair} & set(_LISTS.values()))
    return rule | ({"arrays_to_explode": lists} if lists else {})
