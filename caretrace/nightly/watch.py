"""What a run says although nothing is wrong yet: a model grown old, a delivery overdue, an agreement about to
end, a clock that went back.

In: the state, the settings, and the day. Out: sentences, none of which holds anything up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from schemas.errors import CaretraceError

if TYPE_CHECKING:
    import duckdb

    from caretrace.project.settings import Agreements, Retrain, Settings


def notes(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    *,
    match: Mapping[str, Any],
    as_at: date,
    seen: Mapping[str, date],
) -> Iterator[str]:
    """Everything there is to say; the state is attached, with the newest run in it.

    `match` is what the linkage was told tonight, in plain values; `seen` the day of the newest file by source.
    """
    yield from _clock(connection, as_at)
    yield from _model(connection, settings.retrain, match, as_at)
    yield from _overdue(connection, settings.schedule, as_at, seen)
    yield from _orphaned(connection, [source.name for source in settings.source])
    yield from _let_go(connection)
    yield from agreements(settings.agreements, as_at)


def _clock(connection: duckdb.DuckDBPyConnection, as_at: date) -> Iterator[str]:
    """The warehouse's past is told by days: with a day that goes back, what held would end before it began."""
    for run, day in connection.execute(
        "SELECT run, as_at FROM state.run WHERE as_at > ? ORDER BY run DESC LIMIT 1", [as_at]
    ).fetchall():
        yield (
            f"run {run} is dated {day.isoformat()}, which is after {as_at.isoformat()}: look at this machine's clock,"
            " for the history is dated by it"
        )


def _model(
    connection: duckdb.DuckDBPyConnection, limits: Retrain, match: Mapping[str, Any], as_at: date
) -> Iterator[str]:
    """The model of the last full run, by its age, by how the lists have grown since, and by what it was told."""
    made = connection.execute(
        "SELECT run, as_at, json_extract_string(counts, '$.client_records'),"
        " json_extract_string(counts, '$.register_records'), CAST(json_extract(counts, '$.match') AS VARCHAR)"
        " FROM state.run"
        " WHERE kind = 'full' ORDER BY run DESC LIMIT 1"
    ).fetchall()
    if not made:
        return
    run, day, *then, told = made[0]
    if told is not None and json.loads(told) != match:
        yield f"[match] has changed since the model was trained (run {run}); `caretrace run --again` applies it"
    days = (as_at - day).days
    if days >= limits.after_days:
        yield f"the model is {days:,} days old (run {run}); `caretrace run --again` trains a new one"
    for side, before in zip(("clients", "register"), then, strict=True):
        [(now,)] = connection.execute(f"SELECT count(*) FROM state.{side}.person").fetchall()
        if before and abs(now - int(before)) > limits.growth * int(before):
            yield (
                f"the {side} are {now:,} records, {int(before):,} when the model was trained (run {run});"
                " `caretrace run --again` trains a new one"
            )


def _overdue(
    connection: duckdb.DuckDBPyConnection, schedule: dict[str, int], as_at: date, seen: Mapping[str, date]
) -> Iterator[str]:
    """Sources of which nothing was applied for too long, nor a file written, as a list is that is as it was."""
    last = dict(
        connection.execute(
            "SELECT d.feed, max(r.as_at) FROM state.delivery d JOIN state.run r USING (run)"
            " WHERE d.outcome = 'applied' GROUP BY 1"
        ).fetchall()
    )
    for name, days in sorted(schedule.items()):
        if name not in last:
            yield f"{name}: no delivery has been applied yet"
        elif (as_at - seen.get(name, last[name])).days > days and (passed := (as_at - last[name]).days) > days:
            yield f"{name}: the last delivery was applied {passed:,} days ago, and one is expected every {days:,}"


def _orphaned(connection: duckdb.DuckDBPyConnection, sources: Sequence[str]) -> Iterator[str]:
    """Records of sources that caretrace.toml no longer names: they hold for ever, for nobody delivers them again."""
    rows = connection.execute(
        "SELECT feed, count(*) FROM state.record WHERE to_run IS NULL GROUP BY 1 ORDER BY 1"
    ).fetchall()
    for feed, count in rows:
        if feed not in sources:
            yield (
                f"{feed}: caretrace.toml no longer names this source, and its {count:,} records hold as they were;"
                " name it again, with ended = true if it delivers no more"
            )


def _let_go(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Records that one source has let go while another tells of them too: its deliveries were passed over then."""
    # A state is looked at as it stands before a night of this version has brought it up.
    known = "SELECT 1 FROM duckdb_tables() WHERE database_name = 'state' AND table_name = 'also_told'"
    if not connection.execute(known).fetchall():
        return
    rows = connection.execute(
        "SELECT t.feed, r.feed, count(*) FROM state.also_told t JOIN state.record r USING (id)"
        " WHERE r.to_run IS NOT NULL GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    for feed, holder, count in rows:
        yield (
            f"{feed}: {count:,} of its records stand nowhere: {holder} held them and has let them go since; have"
            f" {feed} delivered in full, or those records again"
        )


def agreements(watched: Agreements, as_at: date) -> Iterator[str]:
    """Agreements that have ended or are about to; one that cannot be read is said, and stops no run."""
    if not watched.files:
        return
    from governance import agreement

    for path in watched.files:
        try:
            ends = agreement.load(path).agreement.dates.effective_to
        except CaretraceError as error:
            yield f"agreement {path.name}: {str(error).splitlines()[0]}"
            continue
        left = (ends - as_at).days
        if left < 0:
            yield f"agreement {path.name}: it ended on {ends.isoformat()}"
        elif left <= watched.warn_days:
            yield f"agreement {path.name}: it ends on {ends.isoformat()}, in {left:,} days"
