"""Writing files so that they survive a power cut, and holding a folder for one writer."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path

from schemas.errors import Busy


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def owner_only(path: Path) -> None:
    """Let only its owner read `path`, a file or folder, where the system has modes.

    On Windows the folder's own access list decides who may read, since its files have no such mode.
    """
    if sys.platform != "win32":
        path.chmod(0o700 if path.is_dir() else 0o600)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable. Windows has no such call; NTFS journals renames itself."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_durably(path: Path, data: bytes) -> None:
    """Put `data` at `path` whole or not at all, readable by its owner only (see `owner_only`)."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def move(folder: Path, to: Path) -> Path:
    """Rename a finished folder; tried a few times, since on Windows a virus scanner may hold a new file."""
    for wait in (0.1, 0.3, 1.0):
        try:
            return folder.replace(to)
        except PermissionError:
            time.sleep(wait)
    return folder.replace(to)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, or raise Busy. The system lets go of it when the process ends, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        try:
            if sys.platform == "win32":
                import msvcrt

                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Busy(f"{path.parent} is held by another run; wait until it has finished") from None
        try:
            yield
        finally:
            if sys.platform == "win32":
                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
