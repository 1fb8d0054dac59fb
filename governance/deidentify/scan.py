"""A last look at the values that would leave: does a column hold identifiers, whatever its name says?

One in eleven random ten-digit strings passes the NHS check digit, so shapes are judged by their share of a column. A
number that belongs to somebody in this run is no accident: one is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from governance.deidentify.columns import DIRECT_PERSON_COLUMNS
from governance.deidentify.pseudonym import PATTERN

if TYPE_CHECKING:
    import duckdb

_EMBEDDED = "translate(regexp_extract(v, '[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}'), ' -', '')"
"""The first ten digits in a value, wherever they stand."""

# Name of the shape, the test on a value `v`, and the share of a column's values from which it is refused. The shares
# are our own choice: far below what a mis-mapped column would show, above what chance makes.
SHAPES: tuple[tuple[str, str, float], ...] = (
    ("NHS numbers", "nhs_number(v) IS NOT NULL", 0.2),
    ("postcodes", "postcode(v) IS NOT NULL", 0.05),
    ("e-mail addresses", "regexp_matches(v, '[^@ ]+@[^@ ]+[.][^@ ]+')", 0.01),
    ("phone numbers", r"regexp_full_match(replace(v, ' ', ''), '(\+44|0)[1-9][0-9]{8,9}')", 0.05),
    (
        "full dates",
        "regexp_full_match(v, '([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{2,4}).*')",
        0.05,
    ),
)
_KNOWN_SHARE = 0.2
_SHORTEST = 4
"""Values shorter than this are codes, and a code may equal somebody's initial or short id by chance."""


def findings(connection: duckdb.DuckDBPyConnection, columns: Sequence[tuple[str, str, str]]) -> list[str]:
    """A sentence for each text column (table, column, name to call it by) that holds identifiers; never a value.

    Needs the macros of `schemas.nhs_number` and `schemas.postcode`, and of the run `person` and `numbers`.
    """
    if not columns:
        return []
    _collect(connection, columns)
    shapes = ", ".join(f"coalesce(sum(n) FILTER ({test}), 0)::BIGINT" for _, test, _ in SHAPES)
    judged = connection.execute(
        f"""SELECT path, any_value(total), {shapes},
            count(*) FILTER ({_EMBEDDED} IN (SELECT nhs_number FROM numbers)),
            coalesce(sum(n) FILTER (lower(v) IN (SELECT hit FROM known)), 0)::BIGINT
        FROM scanned GROUP BY path ORDER BY path"""
    ).fetchall()
    return [sentence for path, total, *counts in judged for sentence in _sentences(path, total, counts)]


def _sentences(path: str, total: int, counts: Sequence[int]) -> list[str]:
    *shapes, people, known = counts
    found = [f"{path} holds NHS numbers of people in this run"] if people else []
    found += [
        f"{path} holds what looks like {what} in {count / total:.0%} of its values"
        for (what, _, share), count in zip(SHAPES, shapes, strict=True)
        if count / total >= share
    ]
    if known / total >= _KNOWN_SHARE:
        found.append(f"{path} holds names, addresses or ids that stand in the input's identifying columns")
    return found


def _collect(connection: duckdb.DuckDBPyConnection, columns: Sequence[tuple[str, str, str]]) -> None:
    """Fill `scanned` (path, v, n, total) with distinct values, and `known` with those that identify."""
    # A pseudonym of ours has a form that is none of those looked for, so it is counted and not looked at.
    values = " UNION ALL ".join(
        f"""SELECT '{path}' AS path, v, n, total FROM (
            SELECT "{column}" AS v, count(*) AS n, sum(count(*)) OVER () AS total FROM {table}
            WHERE "{column}" IS NOT NULL GROUP BY ALL
        ) WHERE NOT regexp_full_match(v, '{PATTERN}')"""
        for table, column, path in columns
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE scanned AS {values}")
    looked_for = f"SELECT lower(v) FROM scanned WHERE length(v) >= {_SHORTEST}"
    identifying = [name for name in DIRECT_PERSON_COLUMNS if name != "nhs_number"]
    hits = " UNION ".join(
        f"SELECT lower({c}) AS hit FROM person WHERE lower({c}) IN ({looked_for})" for c in identifying
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE known AS {hits}")
