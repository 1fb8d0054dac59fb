"""Making a backup: nobody else writes meanwhile, it is logged, and it stands at its place whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from caretrace.backup import archive, contents, naming
from caretrace.backup.seal import Signer
from caretrace.project import Project, locked
from caretrace.run_folder import protect
from caretrace.version import __version__
from governance.files import held, sync_folder
from schemas.errors import InputError, Refused, SettingsError
from schemas.progress import SILENT, Progress

if TYPE_CHECKING:
    from governance.audit.log import Log
    from governance.keys import Keys


@dataclass(frozen=True)
class Backup:
    """A backup as it stands."""

    path: Path
    files: int
    bytes: int
    """Of the project's files, before packing."""
    left_out: Mapping[str, str]
    logged: bool
    removed: tuple[Path, ...]
    """Older backups that `keep` let go."""


def backup(
    project: Project,
    out: Path,
    *,
    keys: Keys | None,
    to: Sequence[str] = (),
    keep: int | None = None,
    maker: str,
    now: datetime,
    progress: Progress = SILENT,
) -> Backup:
    """Write the project to the file `out`, or to a file of its own name in the folder `out`; encrypted to `to`.

    Without `keys` it is neither signed nor logged. `keep` is how many backups of this project may stand in the folder
    `out`; older ones are removed once the new one is whole. Raises Busy where somebody writes in the project,
    InputError where `out` exists or lies in the project or the disk is too small.
    """
    folder = out.is_dir()
    if keep is not None and (not folder or keep < 1):
        raise SettingsError("older backups can be removed only where --out is a folder, and one must be kept")
    path = out / naming.name(project, now, encrypted=bool(to)) if folder else out
    _check_place(path, project)
    with locked(project), _logged(project, path, keys, to, maker, now) as log, _settled(project, log):
        found = contents.of(project.root)
        total = _check_room(path, project, found.files)
        left_out = {**found.left_out, **_elsewhere(project)}
        about = _about(project, found.folders, left_out, now)
        signer = Signer(log.origin, keys.signing) if log and keys else None
        _write(path, project, archive.written(project.root, found.files, about, signer, progress=progress), to)
    removed = naming.let_go(path, project, keep) if keep else ()
    return Backup(path, len(found.files), total, left_out, log is not None, removed)


@contextmanager
def _settled(project: Project, log: Log | None) -> Iterator[None]:
    """Hold what is written apart from runs: decisions, and the log where it is not held for writing."""
    with ExitStack() as stack:
        if project.decisions.exists():
            stack.enter_context(held(project.decisions.with_name(f".{project.decisions.name}.lock")))
        if log is None and project.audit.is_dir():
            stack.enter_context(held(project.audit / "lock"))
        yield


@contextmanager
def _logged(
    project: Project, path: Path, keys: Keys | None, to: Sequence[str], maker: str, now: datetime
) -> Iterator[Log | None]:
    """Hold the log and say in it that a backup is made, before anything is copied; that it failed, where it does."""
    from governance import encryption
    from governance.audit import log, upkeep

    if keys is None:
        yield None
        return
    with log.opened(project.audit, keys, now=now) as opened:
        body: dict[str, Any] = {
            "id": f"B{len(opened.entries):06d}",
            "file": str(path.resolve()),
            "encrypted_to": [encryption.fingerprint(each) for each in to],
            "maker": maker,
        }
        opened.append([(upkeep.BACKUP, body)], now=now)
        try:
            yield opened
        except BaseException as error:
            # BaseException: Ctrl-C and SIGTERM leave nothing either. It is raised again as it came.
            with suppress(Refused):
                failed = {"id": body["id"], "reason": type(error).__name__}
                opened.append([(upkeep.BACKUP_FAILED, failed)], now=now)
            raise


def _check_place(path: Path, project: Project) -> None:
    if not path.absolute().parent.is_dir():
        raise InputError("there is no such folder to write the backup to", path=path.parent)
    if path.resolve().is_relative_to(project.root.resolve()):
        raise InputError("lies in the project, so it would be lost with it; give --out another place", path=path)
    if os.path.lexists(path):
        raise InputError("exists already; a backup is never written over anything", path=path)


def _check_room(path: Path, project: Project, files: Sequence[str]) -> int:
    """The size of the project's files; InputError where the disk has clearly no room for them."""
    sizes = {name: (project.root / name).stat().st_size for name in files}
    least = sum(size for name, size in sizes.items() if not archive.is_packed(name))
    free = shutil.disk_usage(path.absolute().parent).free
    if free < least:
        raise InputError(
            f"the disk has {free / 1e9:.1f} GB left, the backup needs {least / 1e9:.1f} GB or more; free some space"
            " or give --out another place",
            path=path.absolute().parent,
        )
    return sum(sizes.values())


def _elsewhere(project: Project) -> dict[str, str]:
    """The inboxes that lie outside the project, which a backup of it does not hold."""
    from caretrace.project import settings

    if not project.settings.exists():
        return {}
    try:
        said = settings.load(project)
    except SettingsError:  # it is backed up as it is; what reads it will say what is wrong
        return {}
    root = project.root.resolve()
    inboxes = {source.name: said.inbox(project, source) for source in said.source}
    return {
        str(inbox): f"the inbox of the source {name}, which lies outside the project"
        for name, inbox in inboxes.items()
        if not inbox.resolve().is_relative_to(root)
    }


def _about(project: Project, folders: Sequence[str], left_out: Mapping[str, str], now: datetime) -> dict[str, Any]:
    return {
        "caretrace_version": __version__,
        "made_at": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "project": project.root.resolve().name,
        "folders": list(folders),
        "left_out": dict(left_out),
    }


def _write(path: Path, project: Project, pieces: Iterator[bytes], to: Sequence[str]) -> None:
    from governance import encryption

    # One name for a project and folder, whatever the backup is called: the next one clears away what a kill left.
    draft = path.with_name(f".{naming.mark(project)}.backup.partial")
    draft.unlink(missing_ok=True)
    try:
        if to:
            encryption.write_stream(draft, cast("IO[bytes]", _Reader(pieces)), to)
        else:
            with draft.open("xb") as file:
                file.writelines(pieces)
        protect(draft)
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        if os.path.lexists(path):
            raise InputError("exists already; a backup is never written over anything", path=path)
        draft.rename(path)
        with suppress(OSError):  # a file server may not know how
            sync_folder(path.absolute().parent)
    finally:
        draft.unlink(missing_ok=True)


class _Reader:
    """Reads what an iterator of bytes gives."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._left = pieces, b""

    def read(self, size: int = -1) -> bytes:
        while not self._left:
            try:
                self._left = next(self._pieces)
            except StopIteration:
                return b""
        end = len(self._left) if size < 0 else size
        data, self._left = self._left[:end], self._left[end:]
        return data
