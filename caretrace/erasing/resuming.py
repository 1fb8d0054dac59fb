"""What an erasure that was killed had still to do, as the log tells it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from caretrace import pipeline, run_folder
from caretrace.project import Project, locked
from caretrace.purge.old import Item, json_of, moment_of
from caretrace.purge.removing import remove
from caretrace.warehouse.store import read_state
from governance import keys
from governance.audit import log, upkeep


def finish(project: Project, keys_dir: Path, *, now: datetime) -> tuple[str, ...]:
    """Remove the run folders of erasures whose run stands, and say that these ended; gives their ids.

    One that was killed before its run stood is left: the same command again is the only one that knows whom.
    """
    secrets = keys.load(keys_dir, project=project.root)
    with log.opened(project.audit, secrets, now=now) as held, locked(project):
        begun = set(upkeep.unfinished(held.entries, upkeep.ERASING))
        erased = _erased(project, now)
        done = []
        for entry in held.entries:
            if entry["type"] != upkeep.ERASING or entry["body"]["id"] not in begun:
                continue
            at = moment_of(entry["at"])
            if at is not None and any(at <= each for each in erased):
                names = {name.removeprefix("run ") for name in entry["body"]["paths"]}
                _remove(project, names)
                done.append(str(entry["body"]["id"]))
        held.append([(upkeep.ERASED, {"id": each}) for each in done], now=now)
    return tuple(done)


def _erased(project: Project, now: datetime) -> list[datetime]:
    """When the runs began that erased somebody."""
    with read_state(project.warehouse, pipeline.Settings(as_at=now.date())) as state:
        rows = state.connection.execute("SELECT started FROM state.run WHERE kind = 'erase'").fetchall()
    return [started.replace(tzinfo=UTC) for (started,) in rows]


def _remove(project: Project, run_ids: set[str]) -> None:
    for path in sorted(project.runs.glob("*/" + run_folder.MANIFEST)):
        run_id = str(json_of(path).get("run_id"))
        if run_id in run_ids:
            remove(Item("run", run_id, (path.parent,), "erased"))
