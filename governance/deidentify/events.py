"""Rows of events held to k: how many people share what a row tells, together with what is told of the person.

People are counted, never rows: somebody with ten visits is one. A row is judged alone; what all rows of a person tell
together is measured (`Events.alone`) and not held to anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Events:
    """A table of events: the fewest people who share a row, and how many rows too few share, there or withheld."""

    table: str
    columns: tuple[str, ...]
    smallest: int
    rows: int
    small: int
    withheld: int = 0

    @property
    def share(self) -> float:
        """The share of the rows that are withheld."""
        return self.withheld / (self.rows + self.withheld) if self.withheld else 0.0


def measure(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], groups: Sequence[str], *, k: int
) -> Events:
    """Group the rows of `out_<table>` by `columns` and the person's group in `profile`; counts people in each."""
    both = _both(columns, groups)
    by = "".join(f"{name}, " for name, _ in both)
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE shared AS
        WITH each AS (
            SELECT {"".join(f"{sql} AS {name}, " for name, sql in both)}o.person_key, count(*) AS n
            FROM out_{table} o JOIN profile p USING (person_key) GROUP BY ALL
        )
        SELECT {by}count(*) AS people, sum(n)::BIGINT AS n FROM each GROUP BY ALL"""
    )
    [(smallest, rows, small)] = connection.execute(
        "SELECT coalesce(min(people), 0), coalesce(sum(n), 0)::BIGINT,"
        " coalesce(sum(n) FILTER (people < ?), 0)::BIGINT FROM shared",
        [k],
    ).fetchall()
    return Events(table, tuple(columns), smallest, rows, small)


def _both(columns: Sequence[str], groups: Sequence[str]) -> list[tuple[str, str]]:
    """What a row tells of its person and of itself: names in `shared`, and SQL over `profile` p and `out_<table>` o."""
    of_person = [(f"g{n}", f'p."{name}"') for n, name in enumerate(groups)]
    return [*of_person, *((f"e{n}", f'o."{name}"') for n, name in enumerate(columns))]


def withhold(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], groups: Sequence[str], *, k: int
) -> None:
    """Take the rows out of `out_<table>` that fewer than `k` people share, as just measured.

    All rows of a combination go, so no other has fewer people for it.
    """
    same = " AND ".join(f"s.{name} IS NOT DISTINCT FROM {sql}" for name, sql in _both(columns, groups)) or "true"
    connection.execute(
        f"""DELETE FROM out_{table} WHERE rowid IN (
            SELECT o.rowid FROM out_{table} o JOIN profile p USING (person_key)
            JOIN (SELECT * FROM shared WHERE people < ?) s ON {same}
        )""",
        [k],
    )


def alone(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Sequence[str]], groups: Sequence[str], *, k: int
) -> int:
    """How many people share all that is told of them, every row of every table, with fewer than k - 1 others."""
    by = [f'p."{name}"' for name in groups]
    joins = []
    for n, (table, columns) in enumerate(tables.items()):
        # A sum over rows: their order does not count, how often one stands there does.
        values = ", ".join(f'"{name}"' for name in columns)
        joins.append(
            f" LEFT JOIN (SELECT person_key, sum(hash({values})) AS told FROM out_{table} GROUP BY person_key) t{n}"
            f" ON t{n}.person_key = p.person_key"
        )
        by.append(f"t{n}.told")
    [(people,)] = connection.execute(
        f"""SELECT coalesce(sum(n) FILTER (n < ?), 0)::BIGINT FROM (
            SELECT count(*) AS n FROM profile p{"".join(joins)} GROUP BY {", ".join(by) or "()"}
        )""",
        [k],
    ).fetchall()
    return int(people)
