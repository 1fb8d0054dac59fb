"""A Splink settings file as values: the shapes of versions 3.9, 4 and 5, nothing filled in.

Splink fills what a file leaves out with defaults and says nothing, so what is left out is None here, and a gap that the
importer reports. The keys are those of the released code (3.9, 4.0, 5.0).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from linkage.model_file import MOST_COMPARISONS, MOST_LEVELS
from schemas.errors import SettingsError

DEFAULT_PRIOR = 0.0001
"""`probability_two_random_records_match` where a file has none (Splink 5.0)."""

_TOP = {
    *("link_type", "probability_two_random_records_match", "comparisons", "blocking_rules_to_generate_predictions"),
    *("retain_matching_columns", "retain_intermediate_calculation_columns", "additional_columns_to_retain"),
    *("unique_id_column_name", "source_dataset_column_name", "match_weight_column_prefix"),
    *("bayes_factor_column_prefix", "term_frequency_adjustment_column_prefix"),
    *("comparison_vector_value_column_prefix", "em_convergence", "max_iterations", "sql_dialect", "linker_uid"),
}
_COMPARISON = {"output_column_name", "comparison_description", "comparison_levels"}
_LEVEL = {
    *("sql_condition", "label_for_charts", "is_null_level", "m_probability", "u_probability"),
    *("fix_m_probability", "fix_u_probability", "tf_adjustment_column", "tf_adjustment_weight"),
    *("tf_minimum_u_value", "disable_tf_exact_match_detection"),
    # Written by version 3 beside the others; it follows from the order.
    "comparison_vector_value",
}
_DIALECTS = ("duckdb", "spark", "sqlite", "postgres")


@dataclass(frozen=True)
class SplinkLevel:
    """One level as the file has it; `condition` is None for ELSE, m and u are None where the file has none."""

    place: str
    label: str
    condition: str | None
    is_null: bool
    m: float | None
    u: float | None
    tf_column: str | None
    tf_weight: float
    tf_minimum: float
    tf_own_u: bool
    """Whether the adjustment starts from this level's own u instead of the exact level's."""


@dataclass(frozen=True)
class SplinkComparison:
    """One comparison; its levels in the order of Splink's CASE, of which the first true one wins."""

    name: str
    levels: tuple[SplinkLevel, ...]

    @property
    def weighed(self) -> tuple[SplinkLevel, ...]:
        """The levels that weigh: all but those for missing values."""
        return tuple(level for level in self.levels if not level.is_null)


@dataclass(frozen=True)
class SplinkSettings:
    """A whole file."""

    shape: str
    """The version whose shape it has: 5, 4, or 3, which is that of settings written by hand too."""
    dialect: str
    link_type: str
    prior: float | None
    comparisons: tuple[SplinkComparison, ...]
    blocking_rules: int
    unknown_keys: tuple[str, ...]


def read(facts: Mapping[str, Any]) -> SplinkSettings:
    """The settings as values; SettingsError names the place of what is missing or of another kind."""
    comparisons = facts.get("comparisons")
    if not isinstance(comparisons, list) or not comparisons:
        raise SettingsError("this is no Splink model: it has no list of comparisons")
    if len(comparisons) > MOST_COMPARISONS:
        raise SettingsError(f"the model has {len(comparisons)} comparisons, more than {MOST_COMPARISONS}")
    dialect = facts.get("sql_dialect") or "duckdb"
    if dialect not in _DIALECTS:
        raise SettingsError(f"the model is written for {dialect!r}; conditions are read for {', '.join(_DIALECTS)}")
    rules = facts.get("blocking_rules_to_generate_predictions") or []
    read_already = tuple(_comparison(each, place) for place, each in enumerate(comparisons, 1))
    _refuse_repeats(read_already)
    return SplinkSettings(
        shape=_shape(facts),
        dialect=dialect,
        link_type=str(facts.get("link_type", "")),
        prior=_probability(facts, "probability_two_random_records_match", "the model"),
        comparisons=read_already,
        blocking_rules=len(rules),
        unknown_keys=tuple(sorted(printable(key) for key in set(facts) - _TOP)),
    )


def _shape(facts: Mapping[str, Any]) -> str:
    if "match_weight_column_prefix" in facts:
        return "5"
    levels = [level for each in facts["comparisons"] for level in each["comparison_levels"]]
    return "4" if any("fix_m_probability" in level for level in levels) else "3"


def _comparison(facts: object, place: int) -> SplinkComparison:
    where = f"comparison {place}"
    if not isinstance(facts, dict) or not isinstance(facts.get("comparison_levels"), list):
        raise SettingsError(f"{where}: it has no list comparison_levels")
    name = facts.get("output_column_name") or facts.get("comparison_description") or f"comparison {place}"
    where = f"comparison {place} ('{printable(name)}')"
    _refuse_unknown(facts, _COMPARISON, where)
    if len(facts["comparison_levels"]) > MOST_LEVELS:
        raise SettingsError(f"{where}: it has {len(facts['comparison_levels'])} levels, more than {MOST_LEVELS}")
    levels = tuple(_level(each, f"{where}, level {n}") for n, each in enumerate(facts["comparison_levels"], 1))
    if len([level for level in levels if not level.is_null]) < 2:
        raise SettingsError(f"{where}: it has fewer than two levels besides missing values, so it says nothing")
    if any(level.condition is None for level in levels[:-1]):
        raise SettingsError(f"{where}: ELSE stands before the last level")
    if levels[-1].condition is not None and not _is_true(levels[-1].condition):
        raise SettingsError(
            f"{where}: its last level is not ELSE. A pair that reached no level would have no weight at all in Splink;"
            " add a level ELSE"
        )
    return SplinkComparison(printable(name), levels)


def _level(facts: object, where: str) -> SplinkLevel:
    if not isinstance(facts, dict) or not isinstance(facts.get("sql_condition"), str):
        raise SettingsError(f"{where}: it has no text sql_condition")
    _refuse_unknown(facts, _LEVEL, where)
    condition = facts["sql_condition"].strip()
    is_else = condition.upper() == "ELSE"
    label = printable(facts.get("label_for_charts") or ("all other" if is_else else where.rpartition(", ")[2]))
    where = f"{where} ('{label}')"
    is_null = bool(facts.get("is_null_level"))
    if is_null and is_else:
        raise SettingsError(f"{where}: ELSE is marked as the level of missing values")
    column = facts.get("tf_adjustment_column")
    if column is not None and not isinstance(column, str):
        raise SettingsError(f"{where}: tf_adjustment_column is no text")
    return SplinkLevel(
        place=where,
        label=label,
        condition=None if is_else else condition,
        is_null=is_null,
        m=None if is_null else _probability(facts, "m_probability", where),
        u=None if is_null else _probability(facts, "u_probability", where),
        tf_column=column,
        tf_weight=_number(facts, "tf_adjustment_weight", where, 1.0),
        tf_minimum=_number(facts, "tf_minimum_u_value", where, 0.0),
        tf_own_u=bool(facts.get("disable_tf_exact_match_detection")),
    )


def _refuse_unknown(facts: Mapping[str, Any], known: set[str], where: str) -> None:
    # Splink refuses them too; taking no notice of a key that changes a weight would be worse.
    if unknown := sorted(set(facts) - known):
        raise SettingsError(f"{where}: it has the key '{printable(unknown[0])}', which no version of Splink knows")


def _refuse_repeats(comparisons: tuple[SplinkComparison, ...]) -> None:
    names = [each.name.lower() for each in comparisons]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise SettingsError(f"two comparisons have the name '{repeated[0]}'")


def _is_true(condition: str) -> bool:
    return condition.replace(" ", "").lower() in ("true", "1=1")


def _number(facts: Mapping[str, Any], key: str, where: str, default: float) -> float:
    value = facts.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise SettingsError(f"{where}: {key} is no number from 0 up")
    return float(value)


def _probability(facts: Mapping[str, Any], key: str, where: str) -> float | None:
    if facts.get(key) is None:
        return None
    value = _number(facts, key, where, 0.0)
    # Splink's EM leaves sums of 1 that are off in the last digits.
    if value > 1 + 1e-9:
        raise SettingsError(f"{where}: {key} is more than 1")
    return min(value, 1.0)


def printable(value: object) -> str:
    """A name from a file as it may stand in a message, a table and a string of SQL: short, and without quotes."""
    text = "".join(c if c.isprintable() and c not in "'\"\\`" else " " for c in str(value))
    return " ".join(text.split())[:80] or "unnamed"
