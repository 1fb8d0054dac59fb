"""The salts of the index of people: one file, looked up by name, from which a person's can be erased.

    salts.bin    32 bytes: HMAC(index key, all that follows); then for each name, sorted, 32 bytes: the name's HMAC cut
                 to 16, and 16 of salt

The file is written anew, whole or not at all, and what it replaces is overwritten before it is removed: an erased salt
stays nowhere in the folder. Earlier versions kept the salts in SQLite (`salts.sqlite`); they are taken over once.
"""

from __future__ import annotations

import hmac
import os
import sqlite3
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from governance.files import move, owner_only, sync_folder
from schemas.errors import IntegrityFailure

SIZE = 16
"""Bytes of a name's HMAC, of a salt and of a tag."""
FILE = "salts.bin"
_SEAL = 32
_BLOCK = bytes(1 << 20)


def place_of(rows: memoryview | bytes, width: int, wanted: bytes) -> int | None:
    """Which of the sorted rows of `width` bytes begins with `wanted`."""
    places = range(len(rows) // width)
    at = bisect_left(places, wanted, key=lambda place: bytes(rows[place * width : place * width + len(wanted)]))
    held = at < len(places) and rows[at * width : at * width + len(wanted)] == wanted
    return at if held else None


@dataclass(frozen=True)
class Salts:
    """The salts in one folder; whoever uses them holds the log for writing."""

    folder: Path
    key: bytes

    @property
    def path(self) -> Path:
        """Where they are."""
        return self.folder / FILE

    @property
    def _old(self) -> Path:
        return self.folder / f".{FILE}.old"

    @property
    def _sqlite(self) -> Path:
        return self.folder / "salts.sqlite"

    def there(self) -> bool:
        """Whether there have been any."""
        return any(path.exists() for path in (self.path, self._old, self._sqlite))

    def read(self) -> memoryview:
        """Every name's HMAC and salt, sorted; IntegrityFailure where the file was altered."""
        self._settle()
        if not self.path.exists():
            return memoryview(b"")
        try:
            data = memoryview(self.path.read_bytes())
        except OSError as error:
            raise IntegrityFailure(f"{self.path} cannot be read ({error.strerror}); restore it from backup") from None
        if len(data) % (2 * SIZE) or not hmac.compare_digest(data[:_SEAL], self._seal([data[_SEAL:]])):
            raise IntegrityFailure(f"{self.path} was altered or cut short; restore it from backup")
        return data[_SEAL:]

    def write(self, rows: Sequence[bytes | memoryview]) -> None:
        """Put `rows`, each some of the names and salts, in the place of what there is; durable on return."""
        new = self.folder / f".{FILE}.draft"
        _wipe(new)
        with new.open("xb") as file:
            owner_only(new)
            file.write(self._seal(rows))
            file.writelines(rows)
            file.flush()
            os.fsync(file.fileno())
        if self.path.exists():
            move(self.path, self._old)
        move(new, self.path)
        sync_folder(self.folder)
        _wipe(self._old)

    def find(self, names: Iterable[bytes]) -> list[bytes]:
        """The salts of those of these names' HMACs that have one."""
        rows = self.read()
        places = (place_of(rows, 2 * SIZE, name) for name in names)
        return [bytes(rows[(at * 2 + 1) * SIZE : (at * 2 + 2) * SIZE]) for at in places if at is not None]

    def erase(self, names: Iterable[bytes]) -> int:
        """Erase the salts of these names' HMACs; gives how many there were."""
        rows = self.read()
        found = sorted({at for name in names if (at := place_of(rows, 2 * SIZE, name)) is not None})
        if found:
            self.write(list(_without(rows, found)))
        return len(found)

    def _seal(self, rows: Sequence[bytes | memoryview]) -> bytes:
        sealing = hmac.new(self.key, digestmod="sha256")
        for each in rows:
            sealing.update(each)
        return sealing.digest()

    def _settle(self) -> None:
        """End what a crash cut short, and take over the salts of an earlier version."""
        if self._old.exists():
            if self.path.exists():
                _wipe(self._old)
            else:
                move(self._old, self.path)
        if self._sqlite.exists():
            if not self.path.exists():
                self.write([b"".join(_of_sqlite(self._sqlite))])
            _wipe(self._sqlite)


def _without(rows: memoryview, gone: list[int]) -> Iterator[memoryview]:
    start = 0
    for at in gone:
        yield rows[start * 2 * SIZE : at * 2 * SIZE]
        start = at + 1
    yield rows[start * 2 * SIZE :]


def _of_sqlite(path: Path) -> Iterator[bytes]:
    try:
        with closing(sqlite3.connect(path)) as held:
            for name, salt in held.execute("SELECT name, salt FROM salt ORDER BY name"):
                yield name + salt
    except sqlite3.DatabaseError:
        raise IntegrityFailure(f"{path} was altered or cut short; restore it from backup") from None


def _wipe(path: Path) -> None:
    """Overwrite a file and remove it."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        left = path.stat().st_size
        while left > 0:
            left -= file.write(_BLOCK[:left])
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
