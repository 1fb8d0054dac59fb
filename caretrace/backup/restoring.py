"""Bringing a project back: checked byte by byte, into an empty place, whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from caretrace.backup import archive, seal
from caretrace.backup.archive import Unpacked
from caretrace.backup.seal import Seal
from governance.files import held, move, owner_only, sync_folder
from schemas.errors import InputError, IntegrityFailure, SettingsError
from schemas.progress import SILENT, Progress

_AGE_HEADER = b"age-encryption.org/"


@dataclass(frozen=True)
class Checked:
    """A backup that is whole and unaltered."""

    files: int
    bytes: int
    made_at: str
    version: str
    left_out: Mapping[str, str]
    seal: Seal


def verify(
    path: Path,
    *,
    identity: Path | None = None,
    public: bytes | None = None,
    unsigned: bool = False,
    progress: Progress = SILENT,
) -> Checked:
    """Check the seal, and every file of the backup against its SHA-256; writes nothing that stays.

    `identity` is the age key of an encrypted one. `public` is the key of the project's log, which must have signed it
    unless `unsigned`. Raises IntegrityFailure where anything is not as it was written.
    """
    with _unlocked(path, identity, path.absolute().parent) as file:
        found_seal = _check_seal(file, path, public, unsigned, progress)
        with archive.opened(file, path) as found, progress.stage("Reading every file", _size(found)) as advance:
            for name, known in found.files.items():
                found.read(name, known)
                advance(known.bytes)
            return _checked(found, found_seal)


def restore(
    path: Path,
    into: Path,
    *,
    identity: Path | None = None,
    public: bytes | None = None,
    unsigned: bool = False,
    progress: Progress = SILENT,
) -> Checked:
    """Put the project of a backup into the new or empty folder `into`; options and errors as for `verify`.

    Everything is written beside `into` and renamed when each file was found to be what it was, so a restore that is
    killed leaves nothing at `into`; the next one clears away what it left.
    """
    into = into.absolute()
    _check_empty(into)
    into.parent.mkdir(parents=True, exist_ok=True)
    lock = into.with_name(f".{into.name}.restore.lock")
    with _alone(lock):
        for stale in into.parent.glob(f".{into.name}.restoring-*"):
            shutil.rmtree(stale)
        draft = Path(tempfile.mkdtemp(prefix=f".{into.name}.restoring-", dir=into.parent))
        try:
            with _unlocked(path, identity, draft.parent) as file:
                found_seal = _check_seal(file, path, public, unsigned, progress)
                with archive.opened(file, path) as found:
                    _check_room(found, draft)
                    _unpack(found, draft, progress)
                    checked = _checked(found, found_seal)
            _put_in_place(draft, into)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return checked


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold the lock file, and leave none behind: removed while it is held, or on Windows once it is not."""
    with held(lock):
        try:
            yield
        finally:
            with suppress(OSError):
                lock.unlink()
    with suppress(OSError):
        lock.unlink()


def _check_empty(into: Path) -> None:
    if os.path.lexists(into) and (not into.is_dir() or any(into.iterdir())):
        raise InputError("is not empty; a project is restored only into a new or empty folder", path=into)


@contextmanager
def _unlocked(path: Path, identity: Path | None, spool: Path) -> Iterator[IO[bytes]]:
    """The backup as a zip file; an encrypted one is decrypted into a nameless file in the folder `spool`."""
    from governance import encryption

    if not path.is_file():
        raise InputError("there is no such backup file", path=path)
    with path.open("rb") as file:
        if file.read(len(_AGE_HEADER)) != _AGE_HEADER:
            if identity:
                raise InputError("is not encrypted, so no key is needed; was it encrypted when it was made?", path=path)
            yield file
            return
    if identity is None:
        raise SettingsError(f"{path}: is encrypted; give the age identity it was encrypted to with --key")
    with tempfile.TemporaryFile(dir=spool) as plain:
        encryption.read(path, identity, cast("IO[bytes]", plain))
        yield cast("IO[bytes]", plain)


def _check_seal(file: IO[bytes], path: Path, public: bytes | None, unsigned: bool, progress: Progress) -> Seal:
    found = seal.check(file, path, public, progress=progress)
    if found is Seal.UNSIGNED and public and not unsigned:
        raise IntegrityFailure(
            f"{path}: not signed, though this project has keys; where it was made with --unlogged, give --unsigned"
        )
    return found


def _check_room(found: Unpacked, draft: Path) -> None:
    free, needed = shutil.disk_usage(draft).free, _size(found)
    if free < needed:
        raise InputError(
            f"the disk has {free / 1e9:.1f} GB left, the project needs {needed / 1e9:.1f} GB; free some space or"
            " restore to another disk",
            path=draft.parent,
        )


def _unpack(found: Unpacked, draft: Path, progress: Progress) -> None:
    for name in sorted(found.manifest["folders"]):
        (draft / name).mkdir(parents=True, exist_ok=True)
    with progress.stage("Restoring", _size(found)) as advance:
        for name, known in found.files.items():
            target = draft / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                found.read(name, known, file)
                file.flush()
                os.fsync(file.fileno())
            # Feeds are taken in the order of their names, people look at times: both come back as they were.
            os.utime(target, ns=(known.mtime_ns, known.mtime_ns))
            advance(known.bytes)
    for entry in (draft, *draft.rglob("*")):
        owner_only(entry)
        if entry.is_dir():
            sync_folder(entry)


def _put_in_place(draft: Path, into: Path) -> None:
    _check_empty(into)
    if into.is_dir():
        into.rmdir()
    move(draft, into)
    sync_folder(into.parent)


def _checked(found: Unpacked, found_seal: Seal) -> Checked:
    facts = found.manifest
    return Checked(
        len(found.files), _size(found), facts["made_at"], facts["caretrace_version"], facts["left_out"], found_seal
    )


def _size(found: Unpacked) -> int:
    return sum(each.bytes for each in found.files.values())
