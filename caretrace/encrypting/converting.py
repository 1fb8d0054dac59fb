"""Every file about people that stands in plain text exchanged for its encrypted form, one after the other.

Each is opened again and compared before the plain one goes. Killed at any moment every file is whole, and the same
command again goes on from what stands; it also puts right the manifest of the run folder that it was killed at.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from caretrace import run_folder
from caretrace.encrypting import finding
from caretrace.encrypting.finding import Entries, Found
from caretrace.project import Project, locked
from caretrace.project import settings as project_settings
from caretrace.warehouse import store
from governance import at_rest, audit, keys
from governance.audit import log, upkeep, writings
from governance.audit.log import Log
from governance.files import held, sha256_of, write_durably
from schemas.errors import InputError, IntegrityFailure, Refused, SettingsError
from schemas.progress import SILENT, Progress

_ROOM = 64 * 2**20
"""Bytes that a disk must have beside the largest file, which stands twice for a while [assumed]."""


@dataclass(frozen=True)
class Plan:
    """What is to be encrypted."""

    files: int
    already: int
    bytes: int
    stays: tuple[str, ...]
    escrowed: bool
    """Whether a copy of the keys was given to custodians since the key for data at rest was made."""


@dataclass
class _Done:
    """What was done so far."""

    tick: Callable[[int], None]
    files: int = 0
    bytes: int = 0


def plan(project: Project, keys_dir: Path, also: Sequence[Path] = ()) -> Plan:
    """What would be encrypted; nothing is changed or logged."""
    _require_rule(project)
    try:
        entries: Entries = audit.verify(project.audit, keys_dir=keys_dir).entries
    except InputError:  # nothing was ever written or released
        entries = ()
    found = finding.find(project, project_settings.load(project), entries, also)
    plain = found.plain
    total = len(found.files) + sum(map(len, found.folders.values()))
    kinds = [entry["type"] for entry in entries]
    made = max((place for place, kind in enumerate(kinds) if kind == "KEY_AT_REST_MADE"), default=0)
    size = sum(path.stat().st_size for path in plain)
    return Plan(len(plain), total - len(plain), size, found.stays, "KEY_ESCROWED" in kinds[made:])


def convert(
    project: Project,
    keys_dir: Path,
    also: Sequence[Path] = (),
    *,
    maker: str,
    now: datetime,
    progress: Progress = SILENT,
) -> tuple[int, int]:
    """Encrypt it all, and log that; gives how many files, and their bytes.

    Raises SettingsError where caretrace.toml does not ask for it or there is no key, Refused without the log's keys,
    Busy where a run or a backup is at work, IntegrityFailure where a run is not what its manifest says.
    """
    _require_rule(project)
    public, secrets = at_rest_keys()
    with _held(project, keys_dir, now) as written:
        found = finding.find(project, project_settings.load(project), written.entries, also)
        _require_room(project, found)
        begun = _begin(written, found, maker, now)
        size = sum(path.stat().st_size for path in found.plain)
        with progress.stage("Encrypting", size) as tick:
            done = _Done(tick)
            for folder, files in found.folders.items():
                _folder(folder, files, done)
            for path in found.files:
                _seal(path, public, secrets, done)
        (project.root / finding.VIEWS).unlink(missing_ok=True)
        files_of_log = _known(project, written.entries)
        ended = sorted({*upkeep.unfinished(written.entries, upkeep.ENCRYPTING), begun})
        bodies = [{"id": each, "files": files_of_log if each == begun else {}} for each in ended]
        written.append([(upkeep.ENCRYPTED, body) for body in bodies], now=now)
    return done.files, done.bytes


def at_rest_keys() -> tuple[str, list[str]]:
    """The project's key for data at rest: to whom files are encrypted, and what opens them."""
    from governance.keys import at_rest as project_key

    return project_key.public(), project_key.secrets()


def _require_rule(project: Project) -> None:
    if not at_rest.rule_for(project.root).encrypt:
        raise SettingsError(
            f"{project.settings}: set encrypt = true under [at_rest] first: else the next night would refuse to write"
            " over what is encrypted"
        )


@contextmanager
def _held(project: Project, keys_dir: Path, now: datetime) -> Iterator[Log]:
    """Hold all that may be written to meanwhile: the project, its state and decisions, and the log."""
    try:
        own = keys.load(keys_dir, project=project.root)
    except SettingsError as error:
        raise Refused(
            "a project is encrypted only where the log can say so, and the log needs keys (`caretrace keys new`):",
            [str(error)],
        ) from None
    decisions = project.decisions.with_name(f".{project.decisions.name}.lock")
    with (
        locked(project),
        log.opened(project.audit, own, now=now) as written,
        held(project.warehouse / store.LOCK),
        held(decisions),
    ):
        for stale in (*project.warehouse.glob(f"{store.NEXT}*"), *project.warehouse.glob("work-*")):
            shutil.rmtree(stale) if stale.is_dir() else stale.unlink()
        yield written


def _require_room(project: Project, found: Found) -> None:
    needed = max((path.stat().st_size for path in found.plain), default=0) + _ROOM
    free = shutil.disk_usage(project.root).free
    if free < needed:
        raise InputError(
            f"the disk has {free / 1e9:.1f} GB left, and the largest file needs {needed / 1e9:.1f} GB beside it",
            path=project.root,
        )


def _begin(written: Log, found: Found, maker: str, now: datetime) -> str:
    counts = {"files": len(found.plain), "folders": len(found.folders)}
    body = {"id": f"C{len(written.entries):06d}", "counts": counts, "maker": maker}
    written.append([(upkeep.ENCRYPTING, body)], now=now)
    return str(body["id"])


def _folder(folder: Path, files: Sequence[Path], done: _Done) -> None:
    """Encrypt a folder with its own key, and keep its manifest true at every step, if it has one."""
    if not files:
        return
    key = at_rest.FolderKey.of(folder)
    secrets = at_rest.secrets_for(folder / at_rest.KEY_FILE)
    manifest = folder / run_folder.MANIFEST
    said: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8")) if manifest.is_file() else {}
    outputs = said.get("outputs", {})
    for path in files:
        name = path.relative_to(folder).as_posix()
        if not at_rest.is_sealed(path) and name in outputs and outputs[name] != sha256_of(path):
            raise IntegrityFailure(f"{path}: is not what the run wrote; restore the run folder, or take it away")
        _seal(path, key.public, secrets, done)
        if name in outputs and outputs[name] != (digest := sha256_of(path)):
            if outputs[name] != at_rest.plain_of(path, secrets):
                raise IntegrityFailure(f"{path}: is not what the run wrote; restore the run folder, or take it away")
            outputs[name] = digest
            text = json.dumps(said, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
            write_durably(manifest, text.encode())


def _seal(path: Path, public: str, secrets: Sequence[str], done: _Done) -> None:
    if at_rest.is_sealed(path):
        return
    size = path.stat().st_size
    at_rest.seal_in_place(path, public, secrets)
    done.files, done.bytes = done.files + 1, done.bytes + size
    done.tick(size)


def _known(project: Project, entries: Entries) -> dict[str, dict[str, str]]:
    """Files for other systems that are encrypted now: what the log knew them by, and what they are.

    By its log `caretrace purge` tells whether a file is still what was written; one that is not is left out.
    """
    told = upkeep.digests(entries)
    known = {}
    for entry in entries:
        for name, was in entry["body"]["files"].items() if entry["type"] == writings.WRITTEN else ():
            path = project.root / name
            if not path.is_file() or not at_rest.is_sealed(path):
                continue
            digest = sha256_of(path)
            if digest not in (was, told.get((name, was))) and at_rest.plain_of(path, at_rest.secrets_for(path)) == was:
                known[name] = {"was": was, "is": digest}
    return known
