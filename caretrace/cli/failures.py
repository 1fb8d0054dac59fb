"""What a person is told when a command fails, and with which exit code.

0 done; 1 the input or a setting is wrong; 2 wrong usage; 3 governance refuses; 4 something kept was altered; 5 another
run holds the folder; 70 our own bug; 130 interrupted.
"""

from __future__ import annotations

import errno
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from caretrace.version import __version__
from schemas.errors import CaretraceError


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    INPUT = 1
    USAGE = 2
    REFUSED = 3
    INTEGRITY = 4
    BUSY = 5
    BUG = 70
    INTERRUPTED = 130


class Interrupted(BaseException):
    """SIGTERM or Ctrl-C; a BaseException so that nothing between the signal and `main` takes it for a failure.

    A library that calls Python from C may drop it on its way, and the work would go on as if nobody had asked. So one
    that vanishes before `main` has `seen` it calls `lost`.
    """

    def __init__(self, lost: Callable[[], None] | None = None) -> None:
        super().__init__()
        self.seen = lost is None
        self._lost = lost

    def __del__(self) -> None:
        if not self.seen and self._lost and not sys.is_finalizing():
            self._lost()


@dataclass(frozen=True)
class Failure:
    """What to tell, and how to end."""

    exit_code: int
    sentence: str


_DISK_FULL = "the disk is full, or a limit on disk use or file size was reached; free some space and run again"
_NO_MEMORY = "there is not enough memory; close other programs, give --memory a larger size, or free space for spilling"

_SYSTEM = {
    errno.ENOENT: "no such file or folder; check the path",
    errno.EACCES: "permission denied; ask for the right to use it",
    errno.EPERM: "the system does not permit it; ask for the right to use it",
    errno.EISDIR: "is a folder where a file is needed",
    errno.ENOTDIR: "a part of this path is a file where a folder is needed",
    errno.EEXIST: "exists already",
    errno.ELOOP: "its symbolic links lead round in a circle",
    errno.ENAMETOOLONG: "the name is too long for this disk",
    errno.EROFS: "the disk is read-only",
}
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
# DuckDB gives the system's own number only inside its message, which holds paths and may hold values.
_FULL_WORDS = ("No space left", "File too large", "Disk quota", "not enough space", "max_temp_directory_size")


def explain(error: BaseException) -> Failure | None:
    """The failure that `error` means to a user, or None where it is a bug of ours."""
    if isinstance(error, CaretraceError):
        return Failure(error.exit_code, str(error))
    if isinstance(error, KeyboardInterrupt | Interrupted):
        return Failure(ExitCode.INTERRUPTED, "interrupted; nothing was left half-written")
    if isinstance(error, MemoryError):
        return Failure(ExitCode.INPUT, _NO_MEMORY)
    if isinstance(error, OSError):
        return _explain_system(error)
    return _explain_duckdb(error)


def _explain_system(error: OSError) -> Failure | None:
    if error.errno in _FULL:
        return Failure(ExitCode.INPUT, _DISK_FULL)
    if error.errno not in _SYSTEM and error.filename is None:
        return None
    words = _SYSTEM.get(error.errno or 0) or (os.strerror(error.errno) if error.errno else "cannot be used")
    return Failure(ExitCode.INPUT, f"{error.filename}: {words}" if error.filename else words)


def _explain_duckdb(error: BaseException) -> Failure | None:
    """DuckDB's messages hold values of the data, so they are looked at and never shown."""
    import duckdb

    if isinstance(error, duckdb.Error | RuntimeError) and any(words in str(error) for words in _FULL_WORDS):
        return Failure(ExitCode.INPUT, _DISK_FULL)
    if isinstance(error, duckdb.OutOfMemoryException):
        return Failure(ExitCode.INPUT, _NO_MEMORY)
    if isinstance(error, duckdb.IOException):
        return Failure(ExitCode.INPUT, "a file could not be read or written; check the disk and the rights to it")
    if isinstance(error, duckdb.InterruptException | RuntimeError) and "interrupt" in str(error).lower():
        return Failure(ExitCode.INTERRUPTED, "interrupted; nothing was left half-written")
    return None


def write_crash_file(error: BaseException, folder: Path | None = None) -> Path:
    """Say where our own bug is: types and code positions only, since a message may hold a person's value."""
    lines = [
        f"caretrace {__version__}, Python {platform.python_version()}, {platform.system()} {platform.release()}",
        "This file holds no data and no messages, only where the program was. Please send it with a bug report.",
    ]
    seen: BaseException | None = error
    while seen is not None:
        lines += ["", f"{type(seen).__module__}.{type(seen).__qualname__}"]
        frames = traceback.extract_tb(seen.__traceback__)
        lines += [f"  {frame.filename}, line {frame.lineno}, in {frame.name}" for frame in frames]
        seen = seen.__cause__ or seen.__context__
    handle, name = tempfile.mkstemp(prefix="caretrace-crash-", suffix=".txt", dir=folder, text=True)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return Path(name)
