"""How small the groups of look-alikes are (k-anonymity), and withholding the people who stand in too small ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Groups:
    """The groups of people who look alike in the columns that identify indirectly."""

    columns: tuple[str, ...]
    groups: int
    smallest: int
    people_below: int


def measure(connection: duckdb.DuckDBPyConnection, columns: Sequence[str], *, k: int) -> Groups:
    """Group the people of table `profile` by `columns`; a missing value is a value of its own."""
    connection.execute(
        f"CREATE OR REPLACE TABLE look_alikes AS SELECT {_list(columns)}count(*) AS size FROM profile GROUP BY ALL"
    )
    [(groups, smallest, below)] = connection.execute(
        "SELECT count(*), coalesce(min(size), 0), coalesce(sum(size) FILTER (size < ?), 0)::BIGINT FROM look_alikes",
        [k],
    ).fetchall()
    return Groups(tuple(columns), groups, smallest, below)


def withhold(connection: duckdb.DuckDBPyConnection, groups: Groups, *, k: int) -> None:
    """Take the people in groups below `k` out of `chosen` and `profile`.

    Whole groups go, so no other group becomes smaller: one pass is enough, and no fewer people would do.
    """
    same = " AND ".join(f'p."{name}" IS NOT DISTINCT FROM s."{name}"' for name in groups.columns) or "true"
    connection.execute(
        f"CREATE OR REPLACE TABLE withheld AS SELECT person_key FROM profile p"
        f" JOIN look_alikes s ON {same} AND s.size < ?",
        [k],
    )
    for table in ("chosen", "profile"):
        connection.execute(f"DELETE FROM {table} WHERE person_key IN (SELECT person_key FROM withheld)")


def _list(columns: Sequence[str]) -> str:
    return "".join(f'"{name}", ' for name in columns)
