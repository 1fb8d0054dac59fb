"""The order of a night: what waits is read and judged, what changed is linked, and a new run takes its place.

In: a project. Out: `Outcome`. Everything is made on a copy of the state; it takes the state's place when all of it is
done, and the run folder its name after that. Killed at any moment, the next start goes on from what stands.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from importlib import import_module
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace import run_folder, working_store
from caretrace.nightly import account, disk, publishing, watch
from caretrace.nightly.deliveries import look
from caretrace.nightly.intake import Intake
from caretrace.nightly.night import AtWork, Wanted
from caretrace.nightly.result import Outcome, Status
from caretrace.nightly.waiting import Waiting, ended, history, require_accepted, sort_out
from caretrace.project import Project, locked
from caretrace.project import settings as project_settings
from caretrace.version import __version__
from caretrace.warehouse import migrations, store
from governance import at_rest
from schemas.errors import InputError
from schemas.progress import SILENT, Progress

if TYPE_CHECKING:
    import duckdb

    from caretrace.warehouse.store import State
    from connectors.files.opening import Opening
    from linkage import Engine


def run(
    project: Project,
    wanted: Wanted,
    *,
    opening: Opening,
    engine: Engine | None = None,
    progress: Progress = SILENT,
) -> Outcome:
    """Do one night.

    Raises SettingsError where caretrace.toml is wrong, Busy where another run holds the project, InputError where the
    disk has too little room or one of the sides has nobody yet; what is wrong with a delivery holds that delivery.
    """
    settings = project_settings.load(project)
    at_rest.begin(project.root)
    plain = settings.for_pipeline(as_at=wanted.as_at)
    night = AtWork(project, settings, wanted, opening, engine, progress, datetime.now(UTC), plain)
    if wanted.dry:
        return _look(night)
    with locked(project):
        with _known(night) as state:
            night.last_run = state.run
            night.recovered = publishing.recover(project, state.run)
            before = _made_of(state)
            if not wanted.within:
                with progress.stage("Looking into the inboxes"), night.clock("look"):
                    night.waiting = _waiting(night, state)
            night.standing = _standing(night, state)
        made_of = _makes(night)
        if not _news(night) and before == made_of and not wanted.again and not wanted.within:
            done = account.outcome(night, Status.NOTHING_NEW)
        else:
            _check_disk(night)
            done = _work(night, before, made_of)
        return account.with_targets(night, done)


def _look(night: AtWork) -> Outcome:
    """What is waiting, read and judged, on nothing but what is known."""
    with _known(night) as state:
        night.waiting = _waiting(night, state)
        night.standing = _standing(night, state)
        _take_in(night, state)
        return account.outcome(night, Status.LOOKED)


@contextmanager
def _known(night: AtWork) -> Iterator[State]:
    """The state as it stands, or an empty one."""
    folder = night.project.warehouse
    if (folder / store.FILE).exists():
        with store.read_state(folder, night.plain, macros=night.wanted.dry) as state:
            yield state
        return
    with (
        tempfile.TemporaryDirectory(prefix="caretrace-") as work,
        working_store.opened(Path(work), night.plain) as connection,
    ):
        connection.execute("ATTACH ':memory:' AS state")
        migrations.create(connection)
        yield store.State(connection, 0, folder)


def _waiting(night: AtWork, state: State) -> list[Waiting]:
    found = []
    for source in night.settings.source:
        if source.ended:
            found.append(ended(state.connection, source))
            continue
        past = history(state.connection, source.name)
        place = night.settings.inbox(night.project, source)
        quiet = night.settings.resources.quiet_seconds
        try:
            inbox = look(place, source, known=[each.stamp for each in past], quiet=quiet)
        except (InputError, OSError) as error:
            # A share that is away holds its own source; the others go on.
            said = str(error) if isinstance(error, InputError) else f"{place}: cannot be read ({error.strerror})"
            found.append(Waiting(source, (), (), fault=said))
            continue
        opening = night.settings.opening(source, night.opening)
        found.append(sort_out(source, inbox, past, opening=opening, accept=night.wanted.accept))
    require_accepted(night.wanted.accept, found)
    return found


def _standing(night: AtWork, state: State) -> tuple[str, ...]:
    """What a run would say although nothing is wrong: where nothing comes any more, no run is made to say it."""
    said = watch.notes(state.connection, night.settings, match=night.match, as_at=night.wanted.as_at, seen=night.seen)
    return tuple(said)


def _news(night: AtWork) -> bool:
    return any(each.pending or each.notes or each.ending for each in night.waiting)


def _makes(night: AtWork) -> dict[str, Any]:
    """What a run is made of beside deliveries: a change of it calls for a run."""
    decisions = night.project.decisions
    traces = night.settings.traces.folder or night.project.root / "traces"
    return {
        "decisions": run_folder.sha256(decisions) if decisions.is_file() else None,
        "traces": sorted(path.parent.name for path in traces.glob("readings/*/answers.parquet")),
    }


def _made_of(state: State) -> dict[str, Any]:
    """The same of the last run."""
    rows = state.connection.execute(
        "SELECT CAST(json_extract(counts, '$.made_of') AS VARCHAR) FROM state.run ORDER BY run DESC LIMIT 1"
    ).fetchall()
    found = json.loads(rows[0][0]) if rows and rows[0][0] else {}
    return {"decisions": found.get("decisions"), "traces": found.get("traces", [])}


def _check_disk(night: AtWork) -> None:
    project = night.project
    # What changes are replayed over is read again with them.
    read = (one for each in night.waiting for one in (*each.chain, *each.pending))
    deliveries = sum(file.bytes for one in read for file in one.files)
    state = disk.size(project.warehouse / store.FILE)
    last_run = disk.size(publishing.folder(project.runs, night.last_run)) if night.last_run else 0
    needed = disk.needed(deliveries, state, last_run)
    disk.check(project.root, needed)
    if at_rest.rule_for(project.root).encrypt:
        # All that is plain stands there until it is encrypted.
        disk.check(at_rest.place(at_rest.rule_for(project.root)), needed)


def _work(night: AtWork, before: Mapping[str, Any], made_of: Mapping[str, Any]) -> Outcome:
    """On a copy of the state: take in, link, publish; or only write down what is held."""
    project, wanted = night.project, night.wanted
    project.runs.mkdir(parents=True, exist_ok=True)
    with store.next_state(project.warehouse, night.plain, meanwhile=_import_rest) as state:
        publishing.require_room(project.runs, state.run)
        with night.clock("read"):
            _take_in(night, state)
        applied = [taken for _, taken in night.taken if taken.outcome == "applied"]
        if not (applied or wanted.again or wanted.within or before != made_of):
            if _note_others(night, state):
                state.commit()
            return account.outcome(night, Status.NOTHING_NEW)
        _note_others(night, state)
        _require_both(state.connection, night)
        run_id = _run_id(night, state, made_of)
        from caretrace.nightly.linking import link_and_publish

        return link_and_publish(night, state, run_id, made_of)


def _import_rest() -> None:
    """Import what a night needs from here on, which a look at the inboxes does not."""
    for name in ("caretrace.nightly.linking", "linkage.incremental", "pyarrow.compute", "jinja2"):
        import_module(name)


def _take_in(night: AtWork, state: State) -> None:
    intakes = [
        Intake(
            state,
            waiting,
            night.plain,
            night.settings.opening(waiting.source, night.opening),
            night.progress,
            judge_only=night.wanted.dry,
            roots=night.wanted.roots,
        )
        for waiting in night.waiting
    ]
    for intake, following in zip_longest(intakes, intakes[1:]):
        other_side = following and following.waiting.source.side != intake.waiting.source.side
        with following.reading_ahead() if following and other_side else nullcontext():
            night.taken += [(intake.waiting, taken) for taken in intake.take()]


def _note_others(night: AtWork, state: State) -> int:
    """Write down what was not applied, where that is news; gives how much."""
    from caretrace.warehouse.deliveries import note

    written = 0
    for waiting, taken in night.taken:
        delivery = taken.delivery
        if taken.outcome in ("applied", "waits"):
            continue
        latest = next(
            (e for e in reversed(history(state.connection, waiting.source.name)) if e.name == delivery.name), None
        )
        if latest and (latest.outcome, latest.reason, latest.stamp) == (taken.outcome, taken.reason, delivery.stamp):
            continue
        note(
            state,
            feed=waiting.source.name,
            side=waiting.source.side,
            name=delivery.name,
            mode=delivery.mode,
            outcome=taken.outcome,
            reason=taken.reason,
            files=taken.files,
        )
        written += 1
    return written


def _require_both(connection: duckdb.DuckDBPyConnection, night: AtWork) -> None:
    for side, words in (("clients", "no client"), ("register", "nobody of a register")):
        [(count,)] = connection.execute(f"SELECT count(*) FROM state.{side}.person").fetchall()
        if not count:
            held = "; ".join(
                f"{w.source.name}/{t.delivery.name} is held: {t.reason}" for w, t in night.taken if t.reason
            )
            raise InputError(
                f"{words} is known yet, so nothing can be linked; deliver to the inbox of a source with"
                f' side = "{side}"' + (f" ({held})" if held else ""),
                path=night.project.root,
            )


def _run_id(night: AtWork, state: State, made_of: Mapping[str, Any]) -> str:
    """A hash of all that decides what comes out: the run before, tonight's files and settings, the version."""
    rows = state.connection.execute(
        "SELECT json_extract_string(counts, '$.run_id') FROM state.run WHERE run < ? ORDER BY run DESC LIMIT 1",
        [state.run],
    ).fetchall()
    parts = {
        "before": rows[0][0] if rows else None,
        "run": state.run,
        "deliveries": [
            [waiting.source.name, taken.delivery.name, taken.outcome, sorted(taken.delivery.content)]
            for waiting, taken in night.taken
        ],
        "made_of": made_of,
        "settings": night.plain.to_json(),
        "seed": night.plain.seed,
        "again": night.wanted.again,
        "undo_to": night.wanted.undo_to,
        "erased": len(night.wanted.erase.ids) if night.wanted.erase else 0,
        "version": __version__,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]
