"""What an erasure that was killed had still to do, as the log tells it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from caretrace import run_folder
from caretrace.project import Project, locked
from caretrace.purge.old import Item, json_of
from caretrace.purge.removing import remove
from caretrace.run_settings import RunSettings
from caretrace.warehouse.store import read_state
from governance import keys
from governance.audit import log, upkeep


def finish(project: Project, keys_dir: Path, *, now: datetime) -> tuple[str, ...]:
    """Remove the run folders of erasures whose run stands, and say that these ended; gives their ids.

    One that was killed before its run stood is left: the same command again is the only one that knows whom.
    """
    secrets = keys.load(keys_dir, project=project.root)
    with log.opened(project.audit, secrets, now=now) as held, locked(project):
        ready = set(upkeep.unfinished(held.entries, upkeep.ERASING)) & _erased(project, now)
        done = []
        for entry in held.entries:
            if entry["type"] == upkeep.ERASING and entry["body"]["id"] in ready:
                _remove(project, {name.removeprefix("run ") for name in entry["body"]["paths"]})
                done.append(str(entry["body"]["id"]))
        held.append([(upkeep.ERASED, {"id": each}) for each in done], now=now)
    return tuple(done)


def _erased(project: Project, now: datetime) -> set[str]:
    """The erasures whose run stands, as the log knows them."""
    with read_state(project.warehouse, RunSettings(as_at=now.date())) as state:
        rows = state.connection.execute("SELECT counts->>'erasure' FROM state.run WHERE kind = 'erase'").fetchall()
    return {str(log_id) for (log_id,) in rows}


def _remove(project: Project, run_ids: set[str]) -> None:
    for path in sorted(project.runs.glob("*/" + run_folder.MANIFEST)):
        run_id = str(json_of(path).get("run_id"))
        if run_id in run_ids:
            remove(Item("run", run_id, (path.parent,), "erased"))
