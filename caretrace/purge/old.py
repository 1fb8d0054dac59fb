"""What of a project is too old to keep, and why; what is old and stays all the same, and why. Nothing is removed here.

Whatever cannot be read or is not known stays: the log says what was written and released, the state of the warehouse
what was delivered, and a run's manifest what it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from caretrace.project import Project
from caretrace.purge.settings import Days, Retention
from caretrace.run_folder import MANIFEST
from caretrace.trace.store import Kept as Traces
from governance import at_rest
from governance.audit import upkeep, writings
from governance.request import history

Entries = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Item:
    """Something to remove, or that is old and stays."""

    kind: str
    name: str
    """How the log names it: an id of ours, never a name somebody else gave a file."""
    paths: tuple[Path, ...]
    why: str
    known: Mapping[Path, str] = field(default_factory=dict)
    """SHA-256 that a file must still have to be removed; what is newer than we know stays."""
    within: Path | None = None
    """The folder (an inbox) below which folders that became empty go too."""

    @property
    def bytes(self) -> int:
        """Size of all its files."""
        files = [each for path in self.paths for each in ([path] if path.is_file() else path.rglob("*"))]
        return sum(file.stat().st_size for file in files if file.is_file())


@dataclass(frozen=True)
class Found:
    """What goes and what stays."""

    old: tuple[Item, ...]
    kept: tuple[Item, ...]


def find(project: Project, retention: Retention, entries: Entries, *, now: datetime) -> Found:
    """Look through the project; `entries` are those of its checked log."""
    old: list[Item] = []
    kept: list[Item] = []
    for look in (_runs, _traces, _written, _releases):
        for item, stays in look(project, retention, entries, now):
            (kept if stays else old).append(item)
    return Found(tuple(old), tuple(kept))


Looked = Iterator[tuple[Item, bool]]


def _runs(project: Project, retention: Retention, entries: Entries, now: datetime) -> Looked:
    dated = []
    for path in project.runs.glob("*/" + MANIFEST):
        facts = json_of(path)
        at = moment_of(facts.get("created_at"))
        if at and isinstance(facts.get("run_id"), str):
            dated.append((at, path.parent, str(facts["run_id"]), facts.get("warehouse", {}).get("tables", False)))
    dated.sort(reverse=True)
    # Views and commands stand on the newest run that wrote tables, which may be older than those kept anyway.
    whole = next((folder for _, folder, _, tables in dated if tables), None)
    stays_for = needed(project, retention, entries, now)
    for place, (at, folder, run_id, _) in enumerate(dated):
        if not is_over(at, retention.runs, now):
            continue
        why = f"made {at:%Y-%m-%d}, kept {retention.runs} days"
        stays = f"one of the newest {retention.runs_at_least}" if place < retention.runs_at_least else stays_for(run_id)
        stays = stays or ("the newest with tables" if folder == whole else "")
        yield Item("run", run_id, (folder,), stays or why), bool(stays)


def needed(project: Project, retention: Retention, entries: Entries, now: datetime) -> Callable[[str], str]:
    """Why a run of that id stays though it is old, or nothing."""
    standing = {past.release_id for past in history(entries).releases if past.state != "aborted" and not past.destroyed}
    released: dict[str, str] = {}
    for entry in entries:
        body = entry["body"]
        if entry["type"] == "RELEASE_INTENT" and body["release_id"] in standing:
            released[body["run_id"]] = body["release_id"]
    asked = {
        str(facts.get("run_id")): path.parent.name
        for path in (Traces.of(project).root / "requests").glob("*/request.json")
        for facts in [json_of(path)]
        if (at := moment_of(facts.get("created_at"))) and not is_over(at, retention.written, now)
    }

    def why(run_id: str) -> str:
        if run_id in released:
            return f"{released[run_id]} was made from it and is not on record as destroyed"
        return f"the answers to trace request {asked[run_id]} are read beside it" if run_id in asked else ""

    return why


def _traces(project: Project, retention: Retention, entries: Entries, now: datetime) -> Looked:
    """What was asked of tracing services. The answers stay: links and numbers loaded back rest on them."""
    for path in sorted((Traces.of(project).root / "requests").glob("*/request.json")):
        at = moment_of(json_of(path).get("created_at"))
        if at and is_over(at, retention.traces, now):
            why = f"of {at:%Y-%m-%d}, kept {retention.traces} days"
            yield Item("trace request", path.parent.name, (path.parent,), why), False


def _written(project: Project, retention: Retention, entries: Entries, now: datetime) -> Looked:
    """Files for other systems that lie in the project; what a trace keeps of its own goes with the trace."""
    hashes = {e["body"]["writing_id"]: e["body"]["files"] for e in entries if e["type"] == writings.WRITTEN}
    sealed = upkeep.digests(entries)
    at = {e["body"]["writing_id"]: e for e in entries if e["type"] == writings.INTENT}
    root, own = project.root.resolve(), Traces.of(project).root.resolve()
    for writing_id, files in hashes.items():
        begun = at[writing_id]
        moment = moment_of(begun["at"])
        if moment is None or not is_over(moment, retention.written, now):
            continue
        places = {(project.root / name).resolve(): sealed.get((name, digest), digest) for name, digest in files.items()}
        known = {
            path: digest
            for path, digest in places.items()
            if path.is_relative_to(root) and not path.is_relative_to(own) and path.is_file()
        }
        if known:
            why = f"{begun['body']['kind']} of {moment:%Y-%m-%d}, kept {retention.written} days"
            yield Item("written file", writing_id, tuple(known), why, known), False


def _releases(project: Project, retention: Retention, entries: Entries, now: datetime) -> Looked:
    """Our copies of encrypted data whose end has come; manifest, plan and proofs stay."""
    for past in history(entries).releases:
        folder = (project.root / past.folder).resolve()
        data = tuple(sorted(folder.glob("*.age"))) if folder.is_relative_to(project.root.resolve()) else ()
        if retention.releases == "never" or not data or past.retention_until is None:
            continue
        end = past.retention_until + timedelta(days=retention.releases)
        if past.destroyed or end < now.date():
            why = "destroyed by its recipient" if past.destroyed else f"its retention ended {past.retention_until}"
            yield Item("release data", past.release_id, data, why), False


def is_over(moment: datetime, days: Days, now: datetime) -> bool:
    """Whether what is of `moment` has been kept for `days`."""
    return days != "never" and now - moment > timedelta(days=days)


def moment_of(text: Any) -> datetime | None:
    """An ISO time, in UTC where it says no zone; None where it is none."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def json_of(path: Path) -> Mapping[str, Any]:
    """A JSON object in a file; empty where there is none."""
    try:
        found = json.loads(at_rest.read_bytes(path))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
