"""Measures of a run: each counted as linked, and once more as if every client for review were linked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace.measures import figures, hidden, tables
from caretrace.measures.declared import Measure
from caretrace.measures.figures import ALL, Figure, LeftOut
from caretrace.measures.period import Period
from caretrace.measures.settings import Settings
from connectors.values import quoted
from governance.aggregate.presets import Preset
from schemas.errors import SettingsError
from schemas.progress import SILENT, Progress

if TYPE_CHECKING:
    import duckdb

AREAS = ("none", "council", "practice", "district", "named")
_SLACK = timedelta(days=31)
"""A month without an admission at the end of a period says that the data end before it."""


@dataclass(frozen=True)
class Asked:
    """What to count, and how it may be shown."""

    measures: tuple[Measure, ...]
    periods: tuple[Period, ...]
    known_until: date
    """The day the data were taken."""
    rule: Preset | None
    """How small numbers are hidden; None shows everything, and then nothing may leave."""
    area: str = "none"
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        if self.area not in AREAS:
            raise SettingsError(f"areas are by {', '.join(AREAS)}")
        if self.area == "named" and not self.settings.areas:
            raise SettingsError("areas by name need [areas] in measures.toml: practice codes or postcode districts")
        if not self.periods:
            raise SettingsError("no period is asked for")
        if len({each.name for each in self.periods}) != len(self.periods):
            raise SettingsError("a period is asked for twice")


@dataclass(frozen=True)
class Result:
    """What came of one measure."""

    measure: Measure
    parameters: Mapping[str, Any]
    figures: Sequence[Figure] = ()
    with_review: Sequence[Figure] = ()
    """The totals, if every client for review were linked."""
    left_out: Sequence[LeftOut] = ()
    scope: Mapping[str, float | None] = field(default_factory=dict)
    """By period: the share of the clients it is about who are linked."""
    missing: str | None = None
    """Why nothing can be said, where that is so."""
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class Report:
    """Everything counted of a run."""

    asked: Asked
    linkage: Mapping[str, int | float | None]
    results: tuple[Result, ...]


def run(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    asked: Asked,
    *,
    rows: Path | None = None,
    progress: Progress = SILENT,
) -> Report:
    """Count over the run folder; with `rows` the people behind every figure are written there, a file a measure.

    Raises InputError where the folder lacks a table. `connection` is a fresh one.
    """
    tables.open_run(connection, folder)
    tables.make_settings(connection, asked.settings)
    with progress.stage("Counting", 2 * len(asked.measures)) as advance:
        _use_links(connection, asked, review=False)
        linkage = tables.linkage(connection)
        results = []
        for measure in asked.measures:
            results.append(_counted(connection, measure, asked, rows))
            advance(1)
        if tables.any_review(connection):
            _use_links(connection, asked, review=True)
        for at, result in enumerate(results):
            results[at] = _reviewed(connection, result, asked)
            advance(1)
    return Report(asked, hidden.linkage(linkage, asked.rule), tuple(results))


def _use_links(connection: duckdb.DuckDBPyConnection, asked: Asked, *, review: bool) -> None:
    tables.use_links(connection, review=review)
    tables.make_area(connection, asked.area)
    tables.make_base(connection)


def _counted(connection: duckdb.DuckDBPyConnection, measure: Measure, asked: Asked, rows: Path | None) -> Result:
    parameters = asked.settings.of(measure)
    if missing := _missing(connection, measure):
        return Result(measure, parameters, missing=missing)
    tables.make_measure(connection, measure, parameters, asked.settings, asked.periods, asked.known_until)
    if rows is not None:
        _write_rows(connection, measure, rows)
    names = [each.name for each in asked.periods]
    found, out = figures.exact(connection, measure, names), figures.left_out(connection)
    scope = figures.clients_in_scope(connection)
    refused: list[str] = []
    if asked.rule is not None:
        found, refused = hidden.shown(connection, measure, found, asked.rule)
        out = hidden.left_out(out, asked.rule)
    return Result(
        measure,
        parameters,
        figures=_by_population(measure, found, parameters),
        left_out=out,
        scope={name: hidden.share(linked, clients, asked.rule) for name, (clients, linked) in scope.items()},
        warnings=(*_warnings(connection, measure, asked), *refused),
    )


def _reviewed(connection: duckdb.DuckDBPyConnection, result: Result, asked: Asked) -> Result:
    """The result with the totals that the review might still bring."""
    if result.missing:
        return result
    measure = result.measure
    if not tables.any_review(connection):
        totals = [each for each in result.figures if (each.area, each.part) == (ALL, ALL)]
        return replace(result, with_review=totals)
    tables.make_measure(connection, measure, result.parameters, asked.settings, asked.periods, asked.known_until)
    connection.execute(f"UPDATE measure_row SET area = '{ALL}', part = '{ALL}'")
    found = figures.exact(connection, measure, [each.name for each in asked.periods])
    if asked.rule is not None:
        found, _ = hidden.shown(connection, measure, found, asked.rule)
        # What is hidden in one must not be found in the other.
        secret = {each.period: each for each in result.figures if (each.area, each.part) == (ALL, ALL)}
        found = [_no_more_than(each, secret[each.period]) for each in found]
    return replace(result, with_review=_by_population(measure, found, result.parameters))


def _no_more_than(figure: Figure, shown: Figure) -> Figure:
    """The figure without what is hidden in the other."""
    return replace(
        figure,
        people=None if shown.people is None else figure.people,
        amounts=tuple(
            own if other is not None else None for own, other in zip(figure.amounts, shown.amounts, strict=True)
        ),
        values=tuple(
            own if other is not None else None for own, other in zip(figure.values, shown.values, strict=True)
        ),
    )


def _missing(connection: duckdb.DuckDBPyConnection, measure: Measure) -> str | None:
    for table, words in (("service", "no social care services"), ("spell", "no hospital admissions")):
        if table in measure.tables and connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchall() == []:
            return f"the run holds {words}"
    if measure.needs is not None:
        known = f"SELECT 1 FROM measure_admission WHERE {measure.needs} IS NOT NULL LIMIT 1"
        if connection.execute(known).fetchall() == []:
            return measure.without
    return None


def _warnings(connection: duckdb.DuckDBPyConnection, measure: Measure, asked: Asked) -> list[str]:
    said = [f"{each.name}: it had not ended when the data were taken" for each in asked.periods
            if each.last >= asked.known_until]  # fmt: skip
    if "spell" in measure.tables:
        [(first, last)] = connection.execute(
            "SELECT min(start_date), max(start_date) FROM measure_admission"
        ).fetchall()
        for period in asked.periods:
            begins, ends = period.window(measure.window_months)
            if first is None or first > begins + _SLACK or last < ends - _SLACK:
                said.append(f"{period.name}: the run's hospital admissions do not reach over all of it")
    return said


def _by_population(measure: Measure, found: Sequence[Figure], parameters: Mapping[str, Any]) -> list[Figure]:
    """Totals of the whole divided by the numbers of people a project gives, in place of those of its lists."""
    population: Mapping[str, int] = parameters.get("population") or {}
    parts = {each.part for each in found if each.part != ALL}
    if population and parts <= set(population):
        population = {**population, ALL: sum(population[part] for part in parts)}
    made = []
    for each in found:
        people = population.get(each.part)
        if each.area == ALL and people:
            values = tuple(
                None if number is None else figures.value(measure, number, amount.scale, people)
                for number, amount in zip(each.amounts, measure.amounts, strict=True)
            )
            each = replace(each, people=people, values=values)
        made.append(each)
    return made


def _write_rows(connection: duckdb.DuckDBPyConnection, measure: Measure, folder: Path) -> None:
    amounts = ", ".join(each.name for each in measure.amounts)
    none = ", ".join(f"CAST(NULL AS BIGINT) AS {each.name}" for each in measure.amounts)
    connection.execute(
        f"COPY (SELECT '{measure.name}' AS measure, period, person_key, area, part, {amounts},"
        " CAST(NULL AS VARCHAR) AS left_out_because FROM measure_row UNION ALL SELECT"
        f" '{measure.name}', period, person_key, CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), {none}, reason"
        f" FROM measure_left_out ORDER BY ALL) TO {quoted(str(folder / f'{measure.name}.parquet'))} (FORMAT parquet)"
    )
