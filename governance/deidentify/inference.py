"""What somebody learns of a person whose group of look-alikes they know: l-diversity and t-closeness (rule R37)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

SENSITIVE = {"primary_diagnosis", "primary_support_reason", "client_type"}
"""Columns that say what is the matter with somebody; an agreement that has one must declare it sensitive."""


@dataclass(frozen=True)
class Inference:
    """A sensitive field: the fewest different values in a group that has any, and how far a group is from everybody.

    `distance` is the largest total variation distance (0 to 1) of a group's values from those of all people, which is
    the distance of t-closeness for values without an order. Having no value counts as a value.
    """

    path: str
    fewest: int
    distance: float


def measure(connection: duckdb.DuckDBPyConnection, table: str, column: str, groups: Sequence[str]) -> Inference:
    """Measure a column of `out_<table>` over the groups of `profile` by the columns `groups`."""
    by = ", ".join(f'p."{name}" AS g{n}' for n, name in enumerate(groups))
    names = ", ".join(f"g{n}" for n in range(len(groups)))
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE inferred AS
        WITH held AS (
            SELECT DISTINCT {by}{", " if by else ""}p.person_key, CAST(o."{column}" AS VARCHAR) AS v
            FROM profile p LEFT JOIN out_{table} o ON o.person_key = p.person_key
        ), grouped AS (
            SELECT {names}{", " if names else ""}v, count(*) AS n FROM held GROUP BY ALL
        )
        SELECT *, sum(n) OVER (PARTITION BY {names or "1"}) AS in_group, sum(n) OVER (PARTITION BY v) AS of_value,
            sum(n) OVER () AS all_of_them
        FROM grouped"""
    )
    [(fewest, distance)] = connection.execute(
        f"""SELECT coalesce(min(kinds) FILTER (known > 0), 0), coalesce(max(distance), 0) FROM (
            SELECT count(*) AS kinds, count(v) AS known,
                sum(greatest(n / in_group - of_value / all_of_them, 0)) AS distance
            FROM inferred GROUP BY {names or "()"}
        )"""
    ).fetchall()
    return Inference(f"{table}.{column}", int(fewest), round(float(distance), 6))
