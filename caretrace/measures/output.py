"""The files of a report: CSV for people, JSON for machines, and a page of text for the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace.measures.figures import ALL, Figure
from caretrace.measures.run import Report, Result
from caretrace.version import __version__
from connectors.writers.for_people import write_csv
from governance.aggregate.presets import HIDDEN

if TYPE_CHECKING:
    import duckdb

INTERNAL = "INTERNAL: small numbers are shown, may not leave"
_FIGURES = (
    *("standing", "measure", "version", "period", "from", "to", "area", "part", "links", "people", "counted"),
    *("number", "value", "per"),
)
_LEFT_OUT = ("standing", "measure", "version", "period", "reason", "records", "people")


def standing(report: Report) -> str:
    """What stands in every line of a file, so that a line cannot be taken out without it."""
    return INTERNAL if report.asked.rule is None else f"small numbers hidden: {report.asked.rule.name}"


def names(*, internal: bool) -> tuple[str, ...]:
    """The files: figures, what was left out, and both for machines."""
    before = "INTERNAL-" if internal else ""
    return tuple(f"{before}{name}" for name in ("measures.csv", "left_out.csv", "measures.json"))


def write(connection: duckdb.DuckDBPyConnection, report: Report, paths: Sequence[Path], *, run_id: str) -> int:
    """Write the files that `names` names, at `paths`; gives the lines of figures."""
    figures, not_used, facts = paths
    lines = list(_lines(report))
    _csv(connection, figures, _FIGURES, lines)
    left_out = [
        (
            *(standing(report), result.measure.name, result.measure.version, each.period, each.reason),
            *(_told(each.records), _told(each.people)),
        )
        for result in report.results
        for each in result.left_out
    ]
    _csv(connection, not_used, _LEFT_OUT, left_out)
    text = json.dumps(to_json(report, run_id=run_id), indent=2, ensure_ascii=False) + "\n"
    facts.write_text(text, encoding="utf-8", newline="\n")
    return len(lines)


def _lines(report: Report) -> Iterator[tuple[Any, ...]]:
    periods = {each.name: each for each in report.asked.periods}
    for result in report.results:
        measure = result.measure
        for links, figures in (("as linked", result.figures), ("with those for review", result.with_review)):
            for figure in figures:
                first, last = periods[figure.period].window(measure.window_months)
                for amount, number, value in zip(measure.amounts, figure.amounts, figure.values, strict=True):
                    whole = None if number is None else number / amount.scale if amount.scale > 1 else number
                    yield (
                        *(standing(report), measure.name, measure.version, figure.period, first, last),
                        *(figure.area, figure.part, links, _told(figure.people), amount.title),
                        *(_told(whole), "" if figure.people == 0 else _told(value), measure.per),
                    )


def to_json(report: Report, *, run_id: str) -> dict[str, Any]:
    """Plain values; nothing in it names a person."""
    asked = report.asked
    return {
        "format": 1,
        "standing": standing(report),
        "small_numbers": None if asked.rule is None else asked.rule.name,
        "may_leave": asked.rule is not None,
        "run_id": run_id,
        "caretrace_version": __version__,
        "known_until": asked.known_until.isoformat(),
        "area": asked.area,
        "linkage": dict(report.linkage),
        "measures": [_result(result) for result in report.results],
    }


def _result(result: Result) -> dict[str, Any]:
    measure = result.measure
    return {
        "name": measure.name,
        "version": measure.version,
        "sql_sha256": measure.digest,
        "title": measure.title,
        "source": measure.source,
        "standing": measure.standing,
        "parameters": dict(result.parameters),
        "missing": result.missing,
        "warnings": list(result.warnings),
        "share_of_clients_in_scope_linked": dict(result.scope),
        "figures": [_figure(each) for each in result.figures],
        "with_review": [_figure(each) for each in result.with_review],
        "left_out": [{**each.__dict__} for each in result.left_out],
    }


def _figure(figure: Figure) -> dict[str, Any]:
    return {**figure.__dict__, "amounts": list(figure.amounts), "values": list(figure.values)}


def text(report: Report) -> str:
    """The totals and what bears on them, for the terminal."""
    linked = report.linkage
    lines = [
        standing(report),
        f"clients linked: {_told(linked['linked'])} of {_told(linked['clients'])}"
        f" ({_percent(linked['share_linked'])}), waiting for review: {_told(linked['waiting_for_review'])}",
    ]
    for result in report.results:
        measure = result.measure
        lines += ["", f"{measure.name} (version {measure.version}): {measure.title}"]
        if result.missing:
            lines.append(f"  nothing can be said: {result.missing}")
            continue
        lines += [f"  {line}" for line in _totals(result)]
        lines += [f"  note: {each}" for each in result.warnings]
        lines += [
            f"  not used, {each.period}: {each.reason}: {_told(each.records)} records of {_told(each.people)} people"
            for each in result.left_out
        ]
    return "\n".join(lines)


def _totals(result: Result) -> Iterator[str]:
    measure = result.measure
    review = {each.period: each for each in result.with_review}
    for figure in result.figures:
        if figure.area != ALL or (figure.part != ALL and measure.kind == "share" and measure.per == 100):
            continue
        where = figure.period if figure.part == ALL else f"{figure.period}, {figure.part}"
        values = "; ".join(
            f"{amount.title}: {_told(value)}{_per(measure.per)}"
            for amount, value in zip(measure.amounts, figure.values, strict=True)
        )
        yield f"{where}: {_told(figure.people)} people; {values if figure.people != 0 else 'nobody to count'}"
        if figure.part == ALL:
            share = result.scope.get(figure.period)
            other = review[figure.period]
            what_if = "; ".join(_told(value) for value in other.values) if other.people != 0 else "nobody"
            yield f"  clients in scope linked: {_percent(share)}; with those for review: {what_if}"


def _per(per: int) -> str:
    return {1: " each", 100: "%"}.get(per, f" per {per:,}")


def _told(value: float | None) -> str:
    return HIDDEN if value is None else f"{value:,}" if isinstance(value, int) else f"{value:,g}"


def _percent(share: float | None) -> str:
    return HIDDEN if share is None else f"{share:.1%}"


def _csv(
    connection: duckdb.DuckDBPyConnection, path: Path, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    import pyarrow as pa

    cells = {name: pa.array([str(row[at]) for row in rows], pa.string()) for at, name in enumerate(columns)}
    connection.register("measure_lines", pa.table(cells))
    names = ", ".join(f'"{name}"' for name in columns)
    write_csv(connection, f"SELECT {names} FROM measure_lines", path)
    connection.unregister("measure_lines")
