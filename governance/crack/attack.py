"""The order of the tries: what costs nothing, what the file itself gives away, then every NHS number."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from governance.crack import candidates, direct, search
from governance.crack.candidates import Candidates, Numbers
from governance.crack.report import Finding, Report, Verdict
from governance.crack.schemes import FORMS, PLAIN, keyed, plain, salted
from governance.crack.search import Probe
from governance.crack.targets import digests
from schemas.errors import InputError
from schemas.progress import SILENT, Progress
from schemas.sql import install_macros

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_SHA_512 = 128
SAMPLE = 100_000
"""Different values tried of a column: who recovers these recovers the others."""


def crack(
    table: pa.Table,
    column: str,
    *,
    as_at: date,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
    salts: Sequence[str] = (),
    numbers: Numbers | None = None,
    progress: Progress = SILENT,
) -> Report:
    """Try everything on `column` of `table` (texts) for at most about `seconds` by `clock`.

    `salts` are tried before the common ones; `numbers` are those issued and those for tests if not given. InputError
    where there is no such column.
    """
    import duckdb

    if column not in table.column_names:
        raise InputError(f"there is no column '{column}'; there are: {', '.join(table.column_names)}")
    end = clock() + seconds
    with duckdb.connect() as connection:
        install_macros(connection, as_at=as_at)
        search.install(connection)
        connection.register("file", table)
        values = _values(connection, column)
        found = direct.coded(connection, len(values)) or direct.shifted(values)
        found += direct.counted(values) or direct.short(values)
        if not values or any(each.verdict is Verdict.BROKEN for each in found):
            return Report(column, len(values), tuple(found), 1)
        tries = _tries(connection, table.column_names, column, values, as_at, salts, numbers or Numbers.issued())
        broken, tried, left = _search(connection, tries, len(values), lambda: clock() < end, progress)
        return Report(column, len(values), (*broken, *found), tried, left)


def _values(connection: duckdb.DuckDBPyConnection, column: str) -> list[str]:
    name = column.replace('"', '""')
    connection.execute(
        f"""CREATE TEMP TABLE value AS SELECT DISTINCT trim("{name}") AS v FROM file
        WHERE trim("{name}") <> '' ORDER BY hash(v), v LIMIT {SAMPLE}"""
    )
    return [value for (value,) in connection.execute("SELECT v FROM value").fetchall()]


def _tries(
    connection: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    column: str,
    values: Sequence[str],
    as_at: date,
    salts: Sequence[str],
    numbers: Numbers,
) -> Iterator[tuple[Probe, Candidates]]:
    """Every probe with its candidates, the likeliest and cheapest first."""
    read = digests(values)
    if not read:
        return
    others = [*candidates.other_columns(connection, names, column), ("a date", candidates.dates(connection, as_at))]
    for words, texts in others:
        for scheme in plain(words, (PLAIN,)):
            yield from ((probe, texts) for probe in search.probes(scheme, read))
    number = "the NHS number"
    for form in FORMS:
        for scheme in plain(number, (form,)):
            yield from ((probe, numbers) for probe in search.probes(scheme, read))
    for scheme in plain(number, (PLAIN,)):
        yield from ((probe, numbers) for probe in search.probes(scheme, read, tails=True))
    for schemes, mixed in (
        (salted(number), candidates.with_salts(connection, numbers, salts)),
        (keyed(number), candidates.with_words(connection, numbers, salts)),
    ):
        for scheme in schemes:
            # The database has no SHA-512 of its own, and ours is too slow to try every salt for a mere guess.
            cut = scheme.length < _SHA_512
            yield from ((probe, mixed) for probe in search.probes(scheme, read, cut=cut))


def _search(
    connection: duckdb.DuckDBPyConnection,
    tries: Iterator[tuple[Probe, Candidates]],
    count: int,
    in_time: Callable[[], bool],
    progress: Progress,
) -> tuple[list[Finding], int, tuple[str, ...]]:
    """The first scheme that breaks the column, how many were tried, and what there was no time for."""
    tried, left = 0, []
    for probe, texts in tries:
        if not in_time():
            left.append(probe.words)
            continue
        with progress.stage(f"Trying {probe.words}", texts.count) as advance:
            outcome = search.search(connection, probe, texts, in_time=in_time, advance=advance)
        if outcome.recovered:
            return [Finding(Verdict.BROKEN, probe.words, outcome.recovered, count, outcome.cut_short)], tried + 1, ()
        if outcome.finished:
            tried += 1
        else:
            left.append(probe.words)
    return [], tried, tuple(left)


def linkable(table: pa.Table, column: str, other: pa.Table) -> list[Finding]:
    """Whether values of `column` stand in `other` as well, so that whoever holds both files can join them."""
    import pyarrow.compute as pc

    values = pc.utf8_trim_whitespace(table[column]).unique().drop_null()
    long = values.filter(pc.greater_equal(pc.utf8_length(values), 8))
    findings = []
    for name in other.column_names:
        hits = pc.sum(pc.is_in(long, pc.utf8_trim_whitespace(other[name]).unique())).as_py() or 0
        if hits:
            scheme = f"linkable: the same values stand in column '{name}' of the other file"
            findings.append(Finding(Verdict.BROKEN, scheme, hits, len(values)))
    return findings


def likely(table: pa.Table) -> list[str]:
    """Columns that look like pseudonyms: nearly all values are eight characters or more in one word with a digit."""
    import pyarrow.compute as pc

    found = []
    for name in table.column_names:
        values = table[name].drop_null()
        word = pc.match_substring_regex(values, r"^[^\s@]{8,}$")
        digit = pc.match_substring_regex(values, r"[0-9]")
        dated = pc.match_substring_regex(values, r"^[0-9]{2,4}[-/.][0-9]{2}[-/.][0-9]{2,4}")
        looks = pc.and_not(pc.and_(word, digit), dated)
        if len(values) and (pc.sum(looks).as_py() or 0) >= 0.9 * len(values):
            found.append(name)
    return found
