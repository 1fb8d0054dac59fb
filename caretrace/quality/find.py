"""Every record that a kind of gap or inconsistency holds for, in one temporary table, and the figures counted from it.

In: the working store. Out: `quality_found` (kind, side, row, sure, others, note), from which the figures, the page and
the lists to mend are all made, so that they cannot disagree. `kind` is the place in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from caretrace.quality import persons
from caretrace.quality.across import ACROSS
from caretrace.quality.kind import Kind, Pair, Rows, Where
from caretrace.quality.within import UNLIKE_NAMES, WITHIN
from schemas.person import SUPERSEDED_NHS_NUMBER

if TYPE_CHECKING:
    import duckdb

KINDS: tuple[Kind, ...] = (*WITHIN, *ACROSS)
BY_NAME = {kind.name: kind for kind in KINDS}

_LEFT = (
    *("system", "fault", "repeated", "shared", "same_number", "superseded", "namesake"),
    *("outcome", "link", "unfound", "unmatched", "member", "crowd", "compared", "found"),
)


@contextmanager
def found(
    connection: duckdb.DuckDBPyConnection,
    sides: Sequence[str],
    systems: Iterable[tuple[str, str, str]],
    *,
    linked: bool,
    today: str,
) -> Iterator[None]:
    """Keep `quality_found` and what it is made from while the block runs.

    `systems` are side, source and organisation of every copy of a system; `today` is an SQL date.
    """
    try:
        connection.execute("""CREATE OR REPLACE TEMP TABLE quality_system
            (system INTEGER, of_side VARCHAR, of_source VARCHAR, of_org VARCHAR)""")
        for number, system in enumerate(systems, 1):
            connection.execute("INSERT INTO temp.quality_system VALUES (?, ?, ?, ?)", [number, *system])
        for name, query in _prepared(sides, linked=linked).items():
            connection.execute(f"CREATE OR REPLACE TEMP TABLE quality_{name} AS {query}")
        persons.make(connection, sides, linked=linked, today=today)
        same = " UNION ALL ".join(
            _SAME_NUMBER.format(side=side, records=persons.holders(side, linked=linked, today=today)) for side in sides
        )
        connection.execute(f"CREATE OR REPLACE TEMP TABLE quality_same_number AS {same}")
        connection.execute("""CREATE OR REPLACE TEMP TABLE quality_found
            (kind UTINYINT, side VARCHAR, row BIGINT, sure BOOLEAN, others VARCHAR, note VARCHAR)""")
        queries = (
            f"SELECT {place} AS kind, * FROM ({query})"
            for place, kind in enumerate(KINDS)
            for query in _queries(kind, sides, today)
        )
        connection.execute(f"INSERT INTO temp.quality_found BY NAME {' UNION ALL BY NAME '.join(queries)}")
        yield
    finally:
        for name in _LEFT:
            connection.execute(f"DROP TABLE IF EXISTS temp.quality_{name}")


def _queries(kind: Kind, sides: Sequence[str], today: str) -> Iterator[str]:
    rule = kind.rule
    if isinstance(rule, Pair):
        # One row a record, whichever and however many systems it was seen in; a sure sight counts before a doubtful.
        note = f'"{kind.name} note"' if persons.has_note(kind) else "NULL"
        others = "string_agg(DISTINCT s.of_source, ', ' ORDER BY s.of_source) FILTER (sure)" if kind.listed else "NULL"
        yield f"""SELECT side, row, bool_or(sure) AS sure, {others} AS others, min({note}) FILTER (sure) AS note
            FROM temp.quality_compared c JOIN temp.quality_system s ON s.system = c.other
            WHERE "{kind.name}" GROUP BY side, row"""
        return
    for side in sides:
        if isinstance(rule, Where) and not kind.is_only_counted(side):
            where = rule.sql.format(side=side, today=today)
            yield f"SELECT '{side}' AS side, p.rowid AS row, true AS sure FROM {side}.person p WHERE {where}"
        elif isinstance(rule, Rows) and side in rule.sides:
            sure = "sure" if rule.needs_link else "true AS sure"
            yield f"SELECT '{side}' AS side, row, {sure} FROM ({rule.sql.format(side=side, today=today)})"


def _prepared(sides: Sequence[str], *, linked: bool) -> dict[str, str]:
    """The queries of the small tables that kinds look at, by name; each is made once and used by several."""

    def both(query: str) -> str:
        return " UNION ALL ".join(query.format(side=side) for side in sides)

    held = both("SELECT nhs_number AS number FROM {side}.person WHERE nhs_number IS NOT NULL")
    return {
        "fault": both(_FAULT),
        "repeated": both(_REPEATED),
        "shared": f"SELECT number FROM ({held if not linked else _NO_NUMBER}) GROUP BY 1 HAVING count(*) > 1",
        "superseded": both(_SUPERSEDED),
        "namesake": both(_NAMESAKE),
    }


_NO_NUMBER = "SELECT CAST(NULL AS VARCHAR) AS number WHERE false"
# The faults are few: the long table is gone through once, for all kinds together.
_FAULT = """SELECT DISTINCT '{side}' AS side, p.rowid AS row, d."column", d.used
    FROM {side}.person p JOIN {side}.data_quality d USING (source, source_org, record_id)"""
# Numbers are grouped as numbers: a third faster than as texts.
_REPEATED = """SELECT '{side}' AS side, lpad(CAST(number AS VARCHAR), 10, '0') AS number FROM (
    SELECT CAST(nhs_number AS BIGINT) AS number FROM {side}.person WHERE nhs_number IS NOT NULL
    GROUP BY 1 HAVING count(*) > 1)"""
# By a hash of the two, which names nobody wrongly: whoever shares it by chance differs when the names are compared.
_NAMESAKE = """SELECT '{side}' AS side, p.rowid AS row FROM {side}.person p WHERE hash(birth_date, postcode) IN (
        SELECT hash(birth_date, postcode) FROM {side}.person
        WHERE birth_date_precision = 'YMD' AND postcode IS NOT NULL GROUP BY 1 HAVING count(*) > 1)
    AND birth_date_precision = 'YMD' AND postcode IS NOT NULL
    AND family_name IS NOT NULL AND given_name IS NOT NULL"""
_SUPERSEDED = f"""SELECT DISTINCT nhs_number(i.value) AS number FROM {{side}}.identifier i
    WHERE i.scheme = '{SUPERSEDED_NHS_NUMBER}' AND nhs_number(i.value) IS NOT NULL"""
"""Numbers that any record says were replaced."""
_SAME_NUMBER = f"""SELECT '{{side}}' AS side, unnest(rows) AS row, coalesce(born_from <> born_to, false)
        OR coalesce(jaro_winkler_similarity(family_from, family_to) < {UNLIKE_NAMES}, false) AS unlike
    FROM (SELECT list(row) AS rows, min(born) AS born_from, max(born) AS born_to,
            min(family) AS family_from, max(family) AS family_to
        FROM ({{records}}) WHERE number IS NOT NULL GROUP BY system, number HAVING count(*) > 1)"""
"""Records of one organisation with one number, and whether those of the number are unlike in day of birth or name."""
