"""One writer for the name of a run: a lock file beside it, gone when nobody holds it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from schemas.errors import Busy


@contextlib.contextmanager
def lock(path: Path, out: Path) -> Iterator[None]:
    """Hold the lock file at `path`; the system drops the lock when the process dies, however it dies."""
    while True:
        file = path.open("a+b")
        if not _take(file):
            file.close()
            raise Busy(f"{out}: another run is writing it; wait for it to end or give --out another name")
        if _is_current(file, path):
            break
        file.close()
    try:
        yield
    finally:
        # Removed while it is still held, where the system allows it: whoever opened it in between sees in
        # _is_current that it holds a file which is no longer there.
        with contextlib.suppress(OSError):
            path.unlink()
        file.close()
        with contextlib.suppress(OSError):
            if os.name == "nt":
                path.unlink()


def _is_current(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _take(file: IO[bytes]) -> bool:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _take(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
