"""Data-quality facts: what the records on each side lack, doubt and contradict, as counts and never a value.

In: the working store after reading, with or without `link`. Out: `Quality`, from `facts(connection, as_at=...)`. A side
that was not loaded is left out, so one extract alone can be looked at too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace.quality import to_fix
from caretrace.quality.figures import FIELDS, SIDES, Between, Field, Figure, Issue, Quality, SetAside, SourceQuality
from caretrace.quality.find import KINDS, found
from caretrace.quality.kind import Severity, Where
from caretrace.quality.persons import COMPARED

if TYPE_CHECKING:
    import duckdb


def facts(
    connection: duckdb.DuckDBPyConnection,
    *,
    as_at: date,
    linked: bool = False,
    lists: Path | None = None,
    workbooks: bool = False,
) -> Quality:
    """Count everything on the sides that are loaded: a little over a second for a million people.

    `linked` says that the store holds `link`. The records to mend are listed in the folder `lists`, which must exist,
    as CSV, and with `workbooks` as XLSX too.
    """
    loaded = _rows(connection, "SELECT table_schema FROM information_schema.tables WHERE table_name = 'person'")
    sides = [side for side in SIDES if (side,) in loaded]
    today = f"DATE '{as_at}'"
    counted: _Counted = {
        (side, row[0], row[1]): row[2:] for side in sides for row in _rows(connection, _counts_sql(side))
    }
    with found(connection, sides, counted, linked=linked, today=today):
        quality = Quality(
            as_at,
            linked,
            tuple(source for side in sides for source in _sources(connection, side, counted)),
            _figures(connection, sides, today),
            tuple(Issue(*row) for side in sides for row in _rows(connection, _ISSUES.format(side=side))),
            tuple(SetAside(*row) for side in sides for row in _rows(connection, _SET_ASIDE.format(side=side))),
            _between(connection),
        )
        if lists is not None:
            to_fix.write(connection, sides, lists, workbooks=workbooks)
    return quality


_SEVERITIES = list(Severity)
_Counted = dict[tuple[str, str, str], tuple[int, ...]]
"""By source what one scan counts: records, restricted, full dates of birth, and FIELDS."""


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()


def _by_source(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Rows that begin with source and source_org, by those two."""
    return {(row[0], row[1]): row[2:] for row in _rows(connection, sql)}


# Counts are `count(*) FILTER (...)` throughout: count_if over nothing but nulls is null, not 0.
_ISSUES = """SELECT '{side}', source, source_org, "column", issue, used, count(*) FROM {side}.data_quality
    GROUP BY ALL ORDER BY ALL"""
_SET_ASIDE = """SELECT '{side}', coalesce(source, ''), kind, coalesce(extract_file, ''), rule, count(*)
    FROM {side}.set_aside GROUP BY ALL ORDER BY ALL"""
_SHARED = """SELECT of_source, of_org, count(DISTINCT row) FROM temp.quality_compared
    JOIN temp.quality_system USING (system) WHERE side = '{side}' AND sure GROUP BY 1, 2"""
_UNMATCHED = """SELECT source, source_org, count(*) FROM {side}.person p JOIN temp.quality_unmatched u
    ON '{side}' = 'clients' AND u.row = p.rowid GROUP BY 1, 2"""


def _counts_sql(side: str) -> str:
    fields = ", ".join(f'count("{name}")' for name in FIELDS)
    return f"""SELECT source, source_org, count(*), count(*) FILTER (restricted),
        count(*) FILTER (birth_date_precision = 'YMD'), {fields}
        FROM {side}.person GROUP BY 1, 2 ORDER BY 1, 2"""


def _sources(connection: duckdb.DuckDBPyConnection, side: str, counted: _Counted) -> Iterator[SourceQuality]:
    doubts = _by_source(connection, _doubts_sql(side))
    shared = _by_source(connection, _SHARED.format(side=side))
    unmatched = _by_source(connection, _UNMATCHED.format(side=side))
    to_mend: dict[tuple[str, str], dict[str, int]] = {}
    for source, organisation, urgency, number in _rows(connection, _to_mend_sql(side)):
        to_mend.setdefault((source, organisation), {})[_SEVERITIES[urgency].value] = number
    for (of_side, *rest), (records, restricted, full, *present) in counted.items():
        if of_side != side:
            continue
        key = (rest[0], rest[1])
        doubt = doubts.get(key, (0,) * 2 * len(FIELDS))
        refused, doubtful = doubt[: len(FIELDS)], doubt[len(FIELDS) :]
        fields = tuple(
            Field(name, here, records - here - lost, lost, odd)
            for name, here, lost, odd in zip(FIELDS, present, refused, doubtful, strict=True)
        )
        (both,), (left,) = shared.get(key, (0,)), unmatched.get(key, (0,))
        yield SourceQuality(side, *key, records, both, restricted, full, left, fields, to_mend.get(key, {}))


def _to_mend_sql(side: str) -> str:
    urgencies = ", ".join(
        f"({place}, {_SEVERITIES.index(kind.severity)})" for place, kind in enumerate(KINDS) if kind.is_listed(side)
    )
    return f"""SELECT p.source, p.source_org, m.urgency, count(*)
        FROM (SELECT f.row, min(k.urgency) AS urgency FROM temp.quality_found f
            JOIN (VALUES {urgencies}) k(kind, urgency) ON k.kind = f.kind
            WHERE f.side = '{side}' AND f.sure GROUP BY f.row) m
        JOIN {side}.person p ON p.rowid = m.row GROUP BY ALL ORDER BY ALL"""


def _doubts_sql(side: str) -> str:
    """Records whose value was refused and is null, then records whose value is used but doubtful, per field."""

    def counted(name: str, used: str, is_null: str) -> str:
        return f'count(*) FILTER (f."column" = \'{name}\' AND {used} AND p."{name}" {is_null})'

    refused = (counted(name, "NOT f.used", "IS NULL") for name in FIELDS)
    doubtful = (counted(name, "f.used", "IS NOT NULL") for name in FIELDS)
    return f"""SELECT source, source_org, {", ".join((*refused, *doubtful))}
        FROM temp.quality_fault f JOIN {side}.person p ON p.rowid = f.row WHERE f.side = '{side}' GROUP BY 1, 2"""


def _figures(connection: duckdb.DuckDBPyConnection, sides: Sequence[str], today: str) -> tuple[Figure, ...]:
    gathered = " UNION ALL ".join(
        f"""SELECT f.kind, '{side}', p.source, p.source_org, count(*) FILTER (f.sure), count(*) FILTER (NOT f.sure),
            count(*) FILTER (f.sure AND {"f.row IN (FROM temp.quality_unmatched)" if side == "clients" else "false"})
        FROM temp.quality_found f JOIN {side}.person p ON p.rowid = f.row WHERE f.side = '{side}' GROUP BY ALL"""
        for side in sides
    )
    # What nobody is sent a list of is counted where it stands; the conditions skip most rows.
    counted = (
        f"""SELECT {place}, '{side}', source, source_org, count(*), 0, 0 FROM {side}.person p
        WHERE {kind.rule.sql.format(side=side, today=today)} GROUP BY ALL"""
        for side in sides
        for place, kind in enumerate(KINDS)
        if kind.is_only_counted(side) and isinstance(kind.rule, Where)
    )
    rows = sorted(_rows(connection, " UNION ALL ".join((gathered, *counted))))
    return tuple(Figure(KINDS[place].name, *rest) for place, *rest in rows)


def _between(connection: duckdb.DuckDBPyConnection) -> tuple[Between, ...]:
    # A person counts once, in whichever direction the two disagree.
    either = ", ".join(f'bool_or("{kind.name}") AS "{kind.name}"' for kind in COMPARED)
    differ = ", ".join(f'count(*) FILTER ("{kind.name}")' for kind in COMPARED)
    rows = _rows(
        connection,
        f"""SELECT a_side, a_source, b_side, b_source, count(*), {differ}
        FROM (SELECT who, a.of_side AS a_side, a.of_source AS a_source, b.of_side AS b_side, b.of_source AS b_source,
                {either}
            FROM temp.quality_compared c JOIN temp.quality_system a ON a.system = least(c.system, c.other)
            JOIN temp.quality_system b ON b.system = greatest(c.system, c.other) WHERE sure GROUP BY ALL)
        GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4""",
    )
    return tuple(
        Between(
            side,
            source,
            other_side,
            other_source,
            people,
            {kind.name: number for kind, number in zip(COMPARED, differ, strict=True) if number},
        )
        for side, source, other_side, other_source, people, *differ in rows
    )
