"""What there is to read: a file, or something inside one, as blocks of plain bytes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from schemas.errors import InputError

BLOCK = 16 << 20
PARQUET = (".parquet", ".pq")

Tick: TypeAlias = Callable[[int], None]
"""Told how many bytes of the delivered file were read since the last time."""


def _silent(done: int) -> None:
    pass


@dataclass(frozen=True)
class Member:
    """One readable thing: a file, or a part of one, such as a file in a zip archive or a sheet of a workbook."""

    path: Path
    """The file as it was delivered."""
    name: str
    """What reports call it: its path below the source, such as "extract.zip/SRPatient.csv"."""
    stem: str
    """Its own name without endings."""
    size: int
    """Bytes of the delivered file that hold it; what `blocks` counts up to."""
    within: tuple[str, ...] = ()
    """Names below `path`, where it is a part of a file."""
    _read: Callable[[Tick], Iterator[bytes]] | None = field(default=None, repr=False, compare=False)

    @property
    def where(self) -> Path:
        """The path for messages, with what follows inside the file."""
        return self.path.joinpath(*self.within)

    @property
    def is_parquet(self) -> bool:
        """Whether it holds typed columns that stay in their place."""
        return self.path.suffix.lower() in PARQUET and not self.within

    def blocks(self, tick: Tick = _silent) -> Iterator[bytes]:
        """Its bytes, unpacked; InputError with the path where they cannot be read."""
        return (self._read or self._plain)(tick)

    def _plain(self, tick: Tick) -> Iterator[bytes]:
        for block in raw_blocks(self.path):
            yield block
            tick(len(block))


def members(path: Path, name: str) -> list[Member]:
    """What there is to read in the file `path`, which reports call `name`."""
    return [Member(path, name, path.stem, path.stat().st_size)]


def raw_blocks(path: Path) -> Iterator[bytes]:
    """The file's bytes as they are; InputError with the path where it cannot be opened or read."""
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                yield block
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else "unknown reason"
        raise InputError(f"cannot be read ({reason}); check the path and its permissions", path=path) from error
