"""A last look at the values that would leave: does a column hold identifiers, whatever its name says?

One in eleven random ten-digit strings passes the NHS check digit, so shapes are judged by their share of a column. A
number that belongs to somebody in this run is no accident: one is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from governance.columns import DIRECT_PERSON_COLUMNS
from governance.pseudonym import PATTERN

if TYPE_CHECKING:
    import duckdb

_TEN_DIGITS = "[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}"

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


def findings(connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], *, name: str) -> list[str]:
    """One sentence for each text column of `table` that looks like, or holds, identifiers; never a value.

    Needs the macros of `schemas.sql`, the view `person` and the table `numbers` of the run.
    """
    return [sentence for column in columns for sentence in _column(connection, table, column, f"{name}.{column}")]


def _column(connection: duckdb.DuckDBPyConnection, table: str, column: str, path: str) -> list[str]:
    # A pseudonym of ours has a form that is none of those looked for, so it is counted and not looked at.
    connection.execute(
        f'CREATE OR REPLACE TEMP TABLE scanned AS SELECT CAST("{column}" AS VARCHAR) AS v, count(*) AS n '
        f'FROM {table} WHERE "{column}" IS NOT NULL AND NOT regexp_full_match("{column}", \'{PATTERN}\') GROUP BY ALL'
    )
    [(total,)] = connection.execute(f'SELECT count("{column}") FROM {table}').fetchall()
    shapes = ", ".join(f"coalesce(sum(n) FILTER ({test}), 0)::BIGINT" for _, test, _ in SHAPES)
    [counts] = connection.execute(f"SELECT {shapes} FROM scanned").fetchall()
    [(people,)] = connection.execute(
        f"""SELECT count(*) FROM scanned WHERE
            translate(regexp_extract(v, '{_TEN_DIGITS}'), ' -', '') IN (SELECT nhs_number FROM numbers)"""
    ).fetchall()
    found = [f"{path} holds NHS numbers of people in this run"] if people else []
    found += [
        f"{path} holds what looks like {what} in {count / total:.0%} of its values"
        for (what, _, share), count in zip(SHAPES, counts, strict=True)
        if total and count / total >= share
    ]
    if total and _known(connection) / total >= _KNOWN_SHARE:
        found.append(f"{path} holds names, addresses or ids that stand in the input's identifying columns")
    return found


def _known(connection: duckdb.DuckDBPyConnection) -> int:
    """How many scanned values stand in an identifying column; each is read once against the few values scanned."""
    looked_for = f"SELECT lower(v) FROM scanned WHERE length(v) >= {_SHORTEST}"
    columns = [name for name in DIRECT_PERSON_COLUMNS if name != "nhs_number"]
    hits = " UNION ".join(f"SELECT lower({c}) AS hit FROM person WHERE lower({c}) IN ({looked_for})" for c in columns)
    [(count,)] = connection.execute(
        f"SELECT coalesce(sum(n), 0)::BIGINT FROM scanned WHERE lower(v) IN (SELECT hit FROM ({hits}))"
    ).fetchall()
    return int(count)
