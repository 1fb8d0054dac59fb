"""Figures from rows: people and amounts of every period, area and part, with their totals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from caretrace.measures.declared import Measure

if TYPE_CHECKING:
    import duckdb

ALL = "All"


@dataclass(frozen=True)
class Figure:
    """One line of a measure; None is a number that is hidden."""

    period: str
    area: str
    part: str
    people: int | None
    amounts: tuple[int | None, ...]
    values: tuple[float | None, ...]
    """An amount for each person, times `per`."""


@dataclass(frozen=True)
class LeftOut:
    """How many records (or people) could not be used, and why; `period` is "any" where it cannot be told."""

    period: str
    reason: str
    records: int | None
    people: int | None


def value(measure: Measure, amount: int, scale: int, people: float) -> float | None:
    """The amount for each of the people times `per`, to one decimal (two in a share of a hundred); None for nobody."""
    return round(amount / scale * measure.per / people, 2 if measure.kind == "amounts" else 1) if people else None


def exact(connection: duckdb.DuckDBPyConnection, measure: Measure, periods: list[str]) -> list[Figure]:
    """Every figure as it is, from `measure_row`; for a period without anybody the total of nobody."""
    sums = ", ".join(f"CAST(sum({each.name}) AS BIGINT)" for each in measure.amounts)
    found = connection.execute(
        f"SELECT period, CASE WHEN grouping(area) = 1 THEN '{ALL}' ELSE area END,"
        f" CASE WHEN grouping(part) = 1 THEN '{ALL}' ELSE part END, count(*), {sums} FROM measure_row"
        " GROUP BY period, CUBE (area, part)"
    ).fetchall()
    rows = {tuple(row[:3]): row[3:] for row in found}
    for name in periods:
        rows.setdefault((name, ALL, ALL), (0, *(0 for _ in measure.amounts)))
    return [
        Figure(
            period,
            area,
            part,
            people,
            tuple(amounts),
            tuple(value(measure, n, a.scale, people) for n, a in zip(amounts, measure.amounts, strict=True)),
        )
        for (period, area, part), (people, *amounts) in sorted(rows.items(), key=lambda row: order(row[0], periods))
    ]


def order(place: tuple[str, str, str], periods: list[str]) -> tuple[object, ...]:
    """Periods in the order asked for, totals before what they are the totals of."""
    period, area, part = place
    return periods.index(period), area != ALL, area, part != ALL, part


def left_out(connection: duckdb.DuckDBPyConnection) -> list[LeftOut]:
    """What could not be used, by period and reason."""
    found = connection.execute(
        "SELECT period, reason, count(*), count(DISTINCT person_key) FROM measure_left_out GROUP BY 1, 2 ORDER BY 1, 2"
    ).fetchall()
    return [LeftOut(*row) for row in found]


def clients_in_scope(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, int]]:
    """By period: clients the measure is about, counted or left out for want of a link, and those of them linked."""
    found = connection.execute("""
        SELECT period, sum(clients), sum(linked) FROM (
            SELECT period, count(*) AS clients, sum(is_registered) AS linked FROM measure_row
            JOIN measure_person USING (person_key) WHERE is_client = 1 GROUP BY 1
            UNION ALL
            SELECT period, count(DISTINCT person_key), 0 FROM measure_left_out WHERE reason = 'not linked' GROUP BY 1
        ) GROUP BY 1""").fetchall()
    return {period: (int(scope), int(linked)) for period, scope, linked in found}
