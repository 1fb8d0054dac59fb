"""Settings of Splink for the tests."""

from typing import Any

from linkage.splink.imports import Imported

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
