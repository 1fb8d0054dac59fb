"""Categories of few people: rolled up into their parent, and what stays rare into one category `other` (rule R35)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from governance.deidentify.restricted import CODED

if TYPE_CHECKING:
    import duckdb

OTHER = "other"


def roll_up(connection: duckdb.DuckDBPyConnection, table: str, column: str, *, least: int) -> int:
    """Roll up the values of `out_<table>` that fewer than `least` people have; gives how many values there were.

    `other` takes in the smallest of the remaining values where it would itself be of too few people.
    """
    rare = len(_rare(connection, table, column, least))
    if rare and CODED.get(table) == column:
        _replace(connection, table, column, _rare(connection, table, column, least), f"left({column}, 3)")
    left = _rare(connection, table, column, least)
    if not left:
        return rare
    bigger = [value for value, _ in _values(connection, table, column) if value not in left]
    while _people(connection, table, column, left) < least and bigger:
        left.append(bigger.pop(0))
    _replace(connection, table, column, left, f"'{OTHER}'")
    return rare


def _values(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> list[tuple[str, int]]:
    """Each value and how many people have it, the rarest first."""
    return connection.execute(
        f'SELECT "{column}", count(DISTINCT person_key) AS people FROM out_{table} WHERE "{column}" IS NOT NULL'
        " GROUP BY ALL ORDER BY people, 1"
    ).fetchall()


def _rare(connection: duckdb.DuckDBPyConnection, table: str, column: str, least: int) -> list[str]:
    return [value for value, people in _values(connection, table, column) if people < least and value != OTHER]


def _people(connection: duckdb.DuckDBPyConnection, table: str, column: str, values: list[str]) -> int:
    sql = f'SELECT count(DISTINCT person_key) FROM out_{table} WHERE list_contains(?, "{column}") OR "{column}" = ?'
    [(people,)] = connection.execute(sql, [values, OTHER]).fetchall()
    return int(people)


def _replace(connection: duckdb.DuckDBPyConnection, table: str, column: str, values: list[str], by: str) -> None:
    connection.execute(f'UPDATE out_{table} SET "{column}" = {by} WHERE list_contains(?, "{column}")', [values])
