"""Whether the disk has room for a run, asked before it begins: a disk that fills up half-way costs the night."""

from __future__ import annotations

import shutil
from pathlib import Path

from schemas.errors import InputError

_TIMES = 4
"""What a delivery takes while it is read, spilled and written, for each of its bytes [assumed]; archives, which hold
more than they are long, have been seen to need this much too."""
_LEAST = 256 << 20
"""Kept free in any case [assumed]."""


def needed(deliveries: int, state: int, last_run: int) -> int:
    """Bytes a run may take: a copy of the state that has grown, a folder like the last, and what it reads."""
    return _LEAST + _TIMES * deliveries + 2 * state + last_run * 3 // 2


def size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; 0 where there is none."""
    if path.is_file():
        return path.stat().st_size
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())


def check(project: Path, bytes_needed: int) -> None:
    """Raise InputError where the project's disk has less than that."""
    free = shutil.disk_usage(project).free
    if free < bytes_needed:
        raise InputError(
            f"the disk has {_spoken(free)} free, and a run may need {_spoken(bytes_needed)}; free some space"
            " (`caretrace purge` removes what is no longer needed)",
            path=project,
        )


def _spoken(count: int) -> str:
    return f"{count / 2**30:.1f} GB" if count >= 2**30 else f"{count / 2**20:.0f} MB"
