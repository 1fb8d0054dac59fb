"""A submission read, mended where that is safe, filled with a run's NHS numbers, checked before and after, and written.

Mended are the form of dates and NHS numbers, and labels that differ from the release's own by case, punctuation or a
known rewording. Everything else stands as the council gave it, and what is wrong with it is counted and listed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace.cld import checks, from_run
from caretrace.cld.checks import Counts, Verdict
from caretrace.cld.conditions import parsed_day
from caretrace.cld.numbers import SURE, Numbers, chosen, fill, load
from connectors.rows import read_rows
from connectors.source import FileFacts, Source
from connectors.suppliers.cld import CLD, RELEASES, Field, fields
from connectors.values import quoted
from connectors.writers.cld import write_cld
from connectors.writers.for_people import write_csv
from schemas.errors import InputError, SettingsError
from schemas.progress import SILENT, Progress
from schemas.sql import install_macros

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_KIND = CLD.kind("event")
_PERIOD = ("reporting_period_start_date", "reporting_period_end_date")


@dataclass(frozen=True)
class Asked:
    """What the user wants of a submission."""

    release: int = 2
    period: tuple[date, date] | None = None
    """First and last day; None takes it from the files."""
    numbers: Numbers = Numbers.EXACT
    source: str | None = None
    """Which client list of the run, where it has several."""
    la_code: str | None = None
    """The council's code, where rows are made of a run's events."""

    def __post_init__(self) -> None:
        if self.release not in RELEASES:
            raise SettingsError(f"there is no Release {self.release} of Client Level Data known here; it is 1 or 2")
        if self.period and self.period[0] > self.period[1]:
            raise SettingsError("the reporting period ends before it begins")


@dataclass(frozen=True)
class Paths:
    """Where a submission goes, its faults (CSV for people: ids, and no values), and its report (JSON, without ids)."""

    submission: Path
    faults: Path
    report: Path


@dataclass(frozen=True)
class Report:
    """What became of a submission, in counts; nothing in it identifies a person."""

    facts: Mapping[str, Any]
    before: Counts
    after: Counts

    def to_json(self) -> dict[str, Any]:
        """Plain values for the report file."""
        counted = {"before": _plain(self.before), "after": _plain(self.after)}
        return {"format": 1, **self.facts, "checks": counted}


def _plain(counts: Counts) -> dict[str, dict[str, int]]:
    return {name: {verdict.words: n for verdict, n in found.items()} for name, found in counts.items()}


def check(
    connection: duckdb.DuckDBPyConnection,
    sources: Sequence[Source],
    asked: Asked,
    *,
    as_at: date,
    faults: Path | None = None,
    progress: Progress = SILENT,
) -> Report:
    """Check files as they are; `faults` is where the list of faults by record id goes."""
    install_macros(connection, as_at=as_at)
    files = _read(connection, sources, progress)
    counts = checks.check(connection, "cld_row", release=asked.release, verdicts="cld_before")
    if faults is not None:
        _write_faults(connection, "cld_before", files, faults)
    return Report({"release": asked.release, **_sizes(connection, files)}, counts, counts)


def write(
    connection: duckdb.DuckDBPyConnection,
    sources: Sequence[Source],
    run: Path | None,
    asked: Asked,
    paths: Paths,
    *,
    as_at: date,
    run_id: str | None = None,
    answers: pa.Table | None = None,
    progress: Progress = SILENT,
) -> Report:
    """Write the submission, its faults by record id, and its report.

    Rows come from `sources`, or where there are none from the events of `run`. `answers` of the tracing service are
    those of `caretrace.trace.results.of_run`. Raises InputError where rows belong to
    several reporting periods or to another than was asked for.
    """
    install_macros(connection, as_at=as_at)
    if sources:
        files = _read(connection, sources, progress)
    elif run is not None:
        files = _from_run(connection, run, asked)
    else:
        raise SettingsError("give the council's files, a run folder, or both")
    period = _settle_period(connection, asked)
    before = checks.check(connection, "cld_row", release=asked.release, verdicts="cld_before")
    numbered = _completeness(connection)
    mended = _mend(connection, asked.release)
    if run is not None:
        load(connection, run, source=asked.source, answers=answers)
        fill(connection, "cld_row", asked.numbers)
    after = checks.check(connection, "cld_row", release=asked.release, verdicts="cld_after")
    write_cld(connection, "cld_row", paths.submission, order="file, record")
    _write_faults(connection, "cld_after", files, paths.faults)
    facts = {
        "release": asked.release,
        "period": [day.isoformat() for day in period],
        "run_id": run_id,
        **_sizes(connection, files),
        "mended": mended,
        "nhs_number": {
            "before": numbered,
            "after": _completeness(connection),
            **(_filled(connection, asked.numbers) if run is not None else {}),
        },
    }
    made = Report(facts, before, after)
    paths.report.write_text(json.dumps(made.to_json(), indent=2) + "\n", encoding="utf-8", newline="\n")
    return made


def _read(
    connection: duckdb.DuckDBPyConnection, sources: Sequence[Source], progress: Progress
) -> tuple[FileFacts, ...]:
    """`cld_row`: every readable row as given, the word NULL being none."""
    facts = read_rows(connection, sources, CLD, _KIND, table="cld_given", progress=progress)
    columns = ", ".join(f"nullif({field.name}, 'NULL') AS {field.name}" for field in fields())
    connection.execute(f"CREATE TEMP TABLE cld_row AS SELECT file, record, line, {columns} FROM cld_given")
    connection.execute("DROP TABLE cld_given")
    if connection.execute("SELECT 1 FROM cld_row LIMIT 1").fetchall() == []:
        raise InputError("holds no row that can be read; export it again", path=facts[0].name)
    return facts


def _from_run(connection: duckdb.DuckDBPyConnection, run: Path, asked: Asked) -> tuple[FileFacts, ...]:
    import duckdb

    if asked.period is None or asked.la_code is None:
        raise SettingsError("a submission made of a run's events needs --period and --la-code")
    start, end = asked.period
    one_list = chosen(connection, run, asked.source)
    sql = from_run.rows_sql(run, la_code=asked.la_code, start=start, end=end, release=asked.release, chosen=one_list)
    try:
        connection.execute(f"CREATE TEMP TABLE cld_row AS {sql}")
    except duckdb.BinderException as error:
        raise InputError("lacks columns that events have by now; run `caretrace link` again", path=run) from error
    [(rows,)] = connection.execute("SELECT count(*) FROM cld_row").fetchall()
    if not rows:
        raise InputError("no event of the run's clients falls into the period", path=run)
    facts = FileFacts("events of the run", "run", None, None, "", 0, "-", rows, rows, 0, 0)
    return (facts,)


def _settle_period(connection: duckdb.DuckDBPyConnection, asked: Asked) -> tuple[date, date]:
    """The one reporting period of all rows, written into those that leave it blank."""
    first, last = (parsed_day(name) for name in _PERIOD)
    found = connection.execute(
        f"SELECT {first}, {last}, count(*) FROM cld_row r WHERE {' OR '.join(f'r.{n} IS NOT NULL' for n in _PERIOD)}"
        " GROUP BY ALL ORDER BY 3 DESC, 1, 2"
    ).fetchall()
    stated = {(start, end) for start, end, _ in found}
    period = asked.period or (next(iter(stated)) if len(stated) == 1 else None)
    if period is None or None in period:
        raise InputError(
            f"the rows name {len(stated)} reporting periods; give the files of one, or --period where they name none"
        )
    if others := sum(rows for start, end, rows in found if (start, end) != period):
        raise InputError(f"{others:,} rows belong to another reporting period than the one asked for; leave them out")
    for name, day in zip(_PERIOD, period, strict=True):
        connection.execute(f"UPDATE cld_row SET {name} = {quoted(f'{day:%d/%m/%Y}')}")
    return period


def _mend(connection: duckdb.DuckDBPyConnection, release: int) -> dict[str, int]:
    """Write dates as dd/mm/yyyy, numbers as ten digits and labels as the release has them; gives changes by field."""
    mended = {}
    for field in fields():
        if (better := _better(field, release)) is None:
            continue
        change = f"{better} IS NOT NULL AND {better} <> r.{field.name}"
        [(count,)] = connection.execute(f"SELECT count(*) FROM cld_row r WHERE {change}").fetchall()
        if count:
            connection.execute(f"UPDATE cld_row r SET {field.name} = {better} WHERE {change}")
            mended[field.name] = count
    return mended


def _better(field: Field, release: int) -> str | None:
    """SQL of the proper form of a field's value over `r`, null where there is none to be sure of."""
    if field.kind == "date":
        return f"strftime({parsed_day(field.name)}, '%d/%m/%Y')"
    if field.kind == "nhs number":
        return f"nhs_number(r.{field.name})"
    if field.kind != "list":
        return None
    own = [label for label in field.labels.labels.get(release, ()) if not label.endswith("*")]
    proper = {checks.plain_label(label): label for label in own}
    if release == 2:
        proper |= {checks.plain_label(old): new for old, new in field.labels.renamed.items()}
    # Looked up in a map, the plain form is made once for a value and not once for a label.
    pairs = ", ".join(f"{quoted(plain)}: {quoted(label)}" for plain, label in proper.items())
    return f"MAP {{{pairs}}}[cld_plain(r.{field.name})]" if pairs else None


def _sizes(connection: duckdb.DuckDBPyConnection, files: Sequence[FileFacts]) -> dict[str, Any]:
    [(rows, people)] = connection.execute(
        "SELECT count(*), count(DISTINCT la_person_unique_identifier) FROM cld_row"
    ).fetchall()
    return {"files": [file.to_json() for file in files], "rows": rows, "people": people}


def _completeness(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows and people with a valid NHS number."""
    [(rows, people)] = connection.execute(
        "SELECT count(*), count(DISTINCT la_person_unique_identifier) FROM cld_row"
        " WHERE nhs_number(nhs_number) IS NOT NULL"
    ).fetchall()
    return {"rows": rows, "people": people}


def _filled(connection: duckdb.DuckDBPyConnection, numbers: Numbers) -> dict[str, Any]:
    """People whose number was filled in and whose was not, by how and why, and completeness by ethnicity.

    People without a number are not spread evenly (the national methodology names Gypsy, Roma and Traveller people), so
    a submission that was filled may describe some groups better than others.
    """
    counted = dict(connection.execute("SELECT how, count(*) FROM outcome WHERE how IS NOT NULL GROUP BY 1").fetchall())
    groups = connection.execute(
        "SELECT ethnicity, count(*), count(*) FILTER (before), count(*) FILTER (before OR how IN"
        f" ({', '.join(map(quoted, SURE[numbers]))})) FROM outcome GROUP BY 1 ORDER BY 1 NULLS LAST"
    ).fetchall()
    by_ethnicity: dict[str, list[int]] = {}
    for label, *counts in groups:
        # A text that is no label may be anything, so it is not shown.
        name = "blank" if not label else label if _is_ethnicity(label) else "another text"
        by_ethnicity[name] = [a + b for a, b in zip(by_ethnicity.get(name, [0, 0, 0]), counts, strict=True)]
    return {
        "numbers": numbers.value,
        "filled": {how: counted[how] for how in SURE[numbers] if how in counted},
        "left": {how: n for how, n in sorted(counted.items()) if how not in SURE[numbers]},
        "by_ethnicity": {
            name: dict(zip(("people", "before", "after"), counts, strict=True)) for name, counts in by_ethnicity.items()
        },
    }


def _is_ethnicity(text: str) -> bool:
    """Whether it is a label of either release."""
    labels = next(field.labels.labels for field in fields() if field.name == "ethnicity")
    plain = checks.plain_label(text)
    return any(
        plain.startswith(checks.plain_label(label)) if label.endswith("*") else plain == checks.plain_label(label)
        for known in labels.values()
        for label in known
    )


def _write_faults(connection: duckdb.DuckDBPyConnection, verdicts: str, files: Sequence[FileFacts], path: Path) -> None:
    names = {number: file.name for number, file in enumerate(files, 1)}
    write_csv(connection, checks.faults_sql("cld_row", verdicts, names), path)


def faults_of(counts: Counts) -> dict[str, int]:
    """Faults by field, fields without any left out."""
    found = {name: sum(n for verdict, n in each.items() if verdict < Verdict.BLANK) for name, each in counts.items()}
    return {name: n for name, n in found.items() if n}
