"""The order of an erasure: said in the log, taken out of files beside the state, then out of the state by a new run.

The files come first, for only the state knows which rows are hers: killed at any moment, the same command again goes on
from what stands. Older run folders go last, when a newer one has taken their place; the log knows them by their ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from caretrace.erasing import holders, scrubbing
from caretrace.nightly import result, targets
from caretrace.nightly import run as nightly
from caretrace.nightly.night import Wanted
from caretrace.project import Project, locked
from caretrace.project import settings as project_settings
from caretrace.purge import settings as purge_settings
from caretrace.purge.old import Entries, Item
from caretrace.purge.removing import remove
from caretrace.run_settings import RunSettings
from caretrace.warehouse import erase as of_state
from caretrace.warehouse import kept_out
from caretrace.warehouse.store import read_state
from governance import audit, keys
from governance.audit import log, upkeep
from governance.audit.log import Log
from schemas.errors import InputError, Refused, SettingsError
from schemas.progress import SILENT, Progress

if TYPE_CHECKING:
    import duckdb

    from caretrace.nightly.result import Outcome
    from connectors.files.opening import Opening

_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,59}")


@dataclass(frozen=True)
class Whom:
    """Who is to be erased, as an officer gives it."""

    records: tuple[str, ...]
    """Each a record id, or source/organisation/id."""
    side: str | None = None
    """`clients` or `register`, where an id is of both."""
    whole: bool = False
    """All records of the same persons too, of both sides."""


@dataclass(frozen=True)
class How:
    """What else an officer decides."""

    reference: str
    """Of the request in the council's own file; stands in the log, so it must name nobody."""
    keep_out: bool = False
    """Later deliveries do not bring these records back."""
    keep_runs: bool = False
    """Older run folders stay, and are only named."""


@dataclass(frozen=True)
class Plan:
    """What an erasure takes out, and what it cannot."""

    ids: tuple[int, ...]
    clients: int
    register: int
    runs: tuple[Item, ...]
    """Run folders that go."""
    stays: tuple[str, ...]
    """What may still hold her, a sentence each."""


def plan(project: Project, whom: Whom, how: How, keys_dir: Path, *, now: datetime) -> Plan:
    """What would be erased; nothing is changed or logged. InputError where a record is not known."""
    try:
        entries: Entries = audit.verify(project.audit, keys_dir=keys_dir).entries
    except InputError:  # nothing was ever written or released
        entries = ()
    with _named(project, whom, now) as (connection, ids):
        return _planned(connection, project, ids, how, entries, now)


def erase(
    project: Project,
    whom: Whom,
    how: How,
    keys_dir: Path,
    *,
    maker: str,
    now: datetime,
    as_at: date,
    opening: Opening,
    progress: Progress = SILENT,
) -> tuple[Plan, Outcome]:
    """Do what `plan` says, and log it. Refused without keys, Busy where a run or a backup is at work."""
    secrets = keys_to_log_with(keys_dir, project)
    with log.opened(project.audit, secrets, now=now) as held, _named(project, whom, now) as (connection, ids):
        check_reference(connection, how.reference)
        planned = _planned(connection, project, ids, how, held.entries, now)
        digests = tuple((secrets.version, each) for each in kept_out.hashes(connection, secrets.root))
        log_id = _begin(held, planned, how, maker, now)
        erasure = of_state.Erasure(ids, log_id, digests if how.keep_out else ())
        # Windows replaces no file that is open; what is still asked stands in temporary tables.
        connection.execute("DETACH state")
        with locked(project):
            scrubbing.scrub(connection, project)
            targets.ask_whole(project)
        wanted = Wanted(as_at=as_at, erase=erasure)
        outcome = nightly.run(project, wanted, opening=opening, progress=progress)
        result.write(project, outcome)
        with locked(project):
            # Another run may have come between.
            scrubbing.scrub(connection, project)
            _remove(planned.runs)
            ended = (log_id, *_tried_before(held, how.reference))
            held.append([(upkeep.ERASED, {"id": each}) for each in sorted(set(ended))], now=now)
    return planned, outcome


def keys_to_log_with(keys_dir: Path, project: Project) -> keys.Keys:
    """The project's keys; Refused where there are none."""
    try:
        return keys.load(keys_dir, project=project.root)
    except SettingsError as error:
        raise Refused(
            "an erasure is done only where the log can say so, and the log needs keys (`caretrace keys new`):",
            [str(error)],
        ) from None


@contextmanager
def _named(project: Project, whom: Whom, now: datetime) -> Iterator[tuple[duckdb.DuckDBPyConnection, tuple[int, ...]]]:
    """The state with `erasing` and `erasing_number`, and our ids of the records."""
    with read_state(project.warehouse, RunSettings(as_at=now.date())) as state:
        ids = of_state.find(state.connection, whom.records, side=whom.side, whole=whom.whole)
        of_state.name_all(state.connection, ids)
        of_state.drop_numbers_of_others(state.connection)
        yield state.connection, tuple(ids)


def _planned(
    connection: duckdb.DuckDBPyConnection,
    project: Project,
    ids: tuple[int, ...],
    how: How,
    entries: Entries,
    now: datetime,
) -> Plan:
    [(clients, register, first)] = connection.execute(
        "SELECT count(*) FILTER (side = 'clients'), count(*) FILTER (side = 'register'), min(from_run) FROM erasing"
    ).fetchall()
    retention = purge_settings.load(project)
    go, stay = holders.runs(connection, project, retention, entries, now=now)
    stays = [f"run folder {item.paths[0].name}: {item.why}" for item in stay]
    if how.keep_runs and go:
        stays.insert(0, f"run folders, as asked for: {', '.join(item.paths[0].name for item in go)}")
    stays += holders.others(connection, project, project_settings.load(project), entries, first)
    return Plan(ids, clients, register, () if how.keep_runs else tuple(go), tuple(stays))


def check_reference(connection: duckdb.DuckDBPyConnection, reference: str) -> None:
    """InputError where it may name somebody of `erasing`: the log can never be changed."""
    if not _REFERENCE.fullmatch(reference):
        raise InputError(
            "the reference is up to 60 letters, digits, spaces and . _ / -, beginning with one of the first"
        )
    told = connection.execute("SELECT record_id FROM erasing UNION FROM erasing_number").fetchall()
    if any(str(value) in reference for (value,) in told) or re.search(r"\d{3}\s?\d{3}\s?\d{4}", reference):
        raise InputError("the reference holds an id or what may be an NHS number; the log must name nobody")


def _tried_before(held: Log, reference: str) -> Sequence[str]:
    """Erasures under the same reference that were killed: this one did what they were to do."""
    begun = set(upkeep.unfinished(held.entries, upkeep.ERASING))
    bodies = [entry["body"] for entry in held.entries if entry["type"] == upkeep.ERASING]
    return [str(body["id"]) for body in bodies if body["id"] in begun and body["reference"] == reference]


def _begin(held: Log, planned: Plan, how: How, maker: str, now: datetime) -> str:
    body = {
        "id": f"E{len(held.entries):06d}",
        "counts": {"client records": planned.clients, "register records": planned.register},
        "kept_out": how.keep_out,
        "paths": [f"run {item.name}" for item in planned.runs],
        "reference": how.reference,
        "maker": maker,
    }
    held.append([(upkeep.ERASING, body)], now=now)
    return str(body["id"])


def _remove(items: Sequence[Item]) -> None:
    for item in items:
        if any(path.exists() for path in item.paths):
            remove(item)
