"""Where plain text stands while a command works: a folder of this process alone, in memory, gone when it ends.

    /dev/shm/caretrace-1000/            of this user alone
        lock                            held while a workshop is made or swept
        work-k3v9.../                   of one process
            lock                        held for as long as the process lives

A process that is killed cannot tidy up; the next one does, and finds what is dead by its free lock. Until then, or
until the machine is switched off, its plain text is in memory and never in the project.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from governance.at_rest.rule import Rule, rule_for
from governance.files import held
from schemas.errors import Busy, SettingsError

_MEMORY = Path("/dev/shm")  # noqa: S108 - of Linux, and below it a folder of this user alone
_SECONDS = 10.0
"""How long another process may take to sweep."""


class _Workshops:
    """Those of this process, by the place they stand in."""

    def __init__(self) -> None:
        self.made: dict[Path, Path] = {}
        self.kept = ExitStack()
        self.usual: str | None = None


_OURS = _Workshops()


def begin(project: Path) -> None:
    """From here on no temporary file of this process stands on the disk, where the project wants encryption."""
    try:
        rule = rule_for(project)
    except SettingsError:
        # Whatever reads or writes a file about people asks again, and fails then; a backup of the project need not.
        return
    if rule.encrypt:
        place(rule)


def place(rule: Rule) -> Path:
    """The workshop of this process; SettingsError where there is nowhere to have one."""
    # A file from elsewhere is opened where the project at hand opens its own.
    root = rule.work or next(iter(_OURS.made), None) or _memory()
    if root not in _OURS.made:
        _OURS.made[root] = _make(root)
        if len(_OURS.made) == 1:
            # Whatever else makes a temporary file has it here then: spilled rows, unpacked archives.
            _OURS.usual, tempfile.tempdir = tempfile.tempdir, str(_OURS.made[root])
    return _OURS.made[root]


def close() -> None:
    """Remove the workshops of this process."""
    if not _OURS.made:
        return
    tempfile.tempdir = _OURS.usual
    for path in _OURS.made.values():
        for each in path.iterdir():
            if each.name != "lock":
                shutil.rmtree(each, ignore_errors=True) if each.is_dir() else each.unlink(missing_ok=True)
    _OURS.kept.close()
    # Windows removes no file that is open, so the lock goes last.
    for path in _OURS.made.values():
        shutil.rmtree(path, ignore_errors=True)
    _OURS.made.clear()


atexit.register(close)


def _memory() -> Path:
    if not _MEMORY.is_dir():
        raise SettingsError(
            "this system offers no folder in memory for the plain text of encrypted files; set work under [at_rest] in"
            " caretrace.toml to a folder on a volume that is itself encrypted, outside the project"
        )
    return _MEMORY


def _make(root: Path) -> Path:
    try:
        own = _own(root)
        with ExitStack() as sweeping:
            _wait(sweeping, own / "lock")
            _sweep(own)
            made = Path(tempfile.mkdtemp(prefix="work-", dir=own))
            _OURS.kept.enter_context(held(made / "lock"))
    except OSError as error:
        raise SettingsError(
            f"{root}: cannot hold the plain text of encrypted files ({error.strerror}); set work under [at_rest] in"
            " caretrace.toml to another folder"
        ) from None
    return made


def _own(root: Path) -> Path:
    """A folder of this user alone; in a place that others write in, somebody may have made one of its name before."""
    if sys.platform == "win32":
        own = root / "caretrace"
        own.mkdir(mode=0o700, exist_ok=True)
        return own
    own = root / f"caretrace-{os.getuid()}"
    own.mkdir(mode=0o700, exist_ok=True)
    about = own.lstat()
    if own.is_symlink() or about.st_uid != os.getuid() or about.st_mode & 0o077:
        raise SettingsError(f"{own}: is not a folder of yours alone; remove it")
    return own


def _wait(stack: ExitStack, lock: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            stack.enter_context(held(lock))
            return
        except Busy:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _sweep(own: Path) -> None:
    """Remove what processes that died have left."""
    for each in own.glob("work-*"):
        try:
            with held(each / "lock"):
                pass
        except Busy:
            continue
        shutil.rmtree(each, ignore_errors=True)
