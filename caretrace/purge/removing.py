"""Removing what is too old: said in the log before, taken out of sight first, removed, and said in the log after.

A folder is given another name before it is emptied, so that nobody ever finds half of a run. What a purge that was
killed left is removed by the next one.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from caretrace.project import Project, locked
from caretrace.purge import delivered, history, old
from caretrace.purge.old import Entries, Found, Item
from caretrace.purge.settings import Retention
from caretrace.run_settings import RunSettings
from governance import at_rest, audit, keys
from governance.audit import log, upkeep
from governance.audit.log import Log
from governance.files import sha256_of
from schemas.errors import InputError, Refused, SettingsError

_HIDDEN = ".purged-"


@dataclass(frozen=True)
class Purge:
    """What a purge removed, or would."""

    old: tuple[Item, ...]
    kept: tuple[Item, ...]
    set_asides: int
    past: int = 0
    """Rows of the warehouse's past."""
    cut: int = 0
    """The run up to which the past goes."""
    changed: tuple[Path, ...] = ()
    """Files that are not what they were when we last knew them, and so stay."""

    @property
    def nothing(self) -> bool:
        """Whether nothing is too old."""
        return not (self.old or self.set_asides or self.past)


def plan(project: Project, retention: Retention, keys_dir: Path, *, now: datetime) -> Purge:
    """What a purge would remove now, and why; nothing is changed or logged."""
    try:
        entries: Entries = audit.verify(project.audit, keys_dir=keys_dir).entries
    except InputError:  # nothing was ever written or released
        entries = ()
    with locked(project):
        return _find(project, retention, entries, now)


def purge(project: Project, retention: Retention, keys_dir: Path, *, maker: str, now: datetime) -> Purge:
    """Remove what `plan` says, and log it. Raises Refused without keys, Busy where a run or a backup is at work."""
    try:
        secrets = keys.load(keys_dir, project=project.root)
    except SettingsError as error:
        raise Refused(
            "things are removed only where the log can say so, and the log needs keys (`caretrace keys new`):",
            [str(error)],
        ) from None
    with locked(project), log.opened(project.audit, secrets, now=now) as held:
        _finish_earlier(project, held, now)
        found = _find(project, retention, held.entries, now)
        if found.nothing:
            return found
        with _logged(held, found, maker, now):
            changed = [path for item in found.old for path in remove(item)]
            if found.set_asides or found.past:
                _remove_rows(project, retention, found, now)
        return replace(found, changed=tuple(changed))


def _find(project: Project, retention: Retention, entries: Entries, now: datetime) -> Purge:
    found = old.find(project, retention, entries, now=now)
    if not (project.warehouse / "state.duckdb").is_file():
        return Purge(found.old, found.kept, 0)
    from caretrace.project import settings
    from caretrace.warehouse.store import read_state

    with read_state(project.warehouse, RunSettings(as_at=now.date())) as state:
        said = settings.load(project)
        more: Found = delivered.find(state.connection, project, said, retention, now=now)
        notes = delivered.old_set_asides(state.connection, retention, now=now)
        cut = history.cut(state.connection, retention.history, now=now)
        past = history.count(state.connection, cut)
    return Purge(found.old + more.old, found.kept + more.kept, notes, past, cut)


@contextmanager
def _logged(held: Log, found: Purge, maker: str, now: datetime) -> Iterator[None]:
    counts = dict(Counter(item.kind for item in found.old))
    if found.set_asides:
        counts["notes of records set aside"] = found.set_asides
    if found.past:
        counts[f"rows that ended by run {found.cut}"] = found.past
    body = {
        "id": f"P{len(held.entries):06d}",
        "counts": counts,
        "paths": [f"{item.kind} {item.name}" for item in found.old],
        "maker": maker,
    }
    held.append([(upkeep.PURGING, body)], now=now)
    yield
    held.append([(upkeep.PURGED, {"id": body["id"]})], now=now)


def remove(item: Item) -> Sequence[Path]:
    """Remove what an item consists of; gives what was changed since and stays."""
    changed = []
    for path in item.paths:
        if path.is_dir():
            hidden = path.with_name(f"{_HIDDEN}{path.name}")
            path.rename(hidden)
            at_rest.shred(hidden)
            shutil.rmtree(hidden)
        elif item.known and sha256_of(path) != item.known[path]:
            changed.append(path)
        else:
            path.unlink()
            _remove_empty(path.parent, item.within)
    return changed


def _remove_empty(folder: Path, within: Path | None) -> None:
    """A delivery that was a folder goes with its last file; the inbox itself stays."""
    while within and folder != within and folder.is_relative_to(within) and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _remove_rows(project: Project, retention: Retention, found: Purge, now: datetime) -> None:
    """Rows of the state; and the published past, files first: only a state that still has it says that it is to go."""
    from caretrace.nightly import targets
    from caretrace.warehouse.store import next_state

    with next_state(project.warehouse, RunSettings(as_at=now.date())) as state:
        if found.past:
            history.remove_files(state.connection, project, found.cut)
            targets.ask_whole(project)
            history.remove(state, found.cut)
        delivered.remove_set_asides(state.connection, retention, now=now)
        state.renew = True
        state.commit()


def _finish_earlier(project: Project, held: Log, now: datetime) -> None:
    """Remove what a killed purge had taken out of sight, and say that it ended."""
    for place in (project.runs, project.root / "traces" / "requests"):
        for hidden in place.glob(f"{_HIDDEN}*"):
            at_rest.shred(hidden)
            shutil.rmtree(hidden)
    held.append([(upkeep.PURGED, {"id": each}) for each in upkeep.unfinished(held.entries)], now=now)
