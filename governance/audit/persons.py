"""Which releases hold a person: an index beside the log that says it to who knows the person, and that can forget.

    audit/people/<release>.tags    for each name of each person in a release, HMAC-SHA256(salt, release) cut to 16
                                   bytes, sorted; its SHA-256 is in the log
    audit/people/salts.sqlite      for each name a random salt, found by HMAC(index key, name); rows can be deleted

A name is an NHS number, or the key of a client's record. Without the index key nobody can look a name up; once its
salt is deleted, not even with the key: the tags stay, as the log says they must, and belong to nobody. A salt is used
under each release's id, so that the tags of two releases cannot be matched with one another.

The key is derived from the log's signing key, which is not rotated as pseudonym keys are. None of this is needed to
verify the log, so an auditor's copy is made without `people/`.
"""

from __future__ import annotations

import hmac
import secrets
import sqlite3
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from governance.files import owner_only, write_durably
from governance.keys import Keys
from schemas.errors import InputError, IntegrityFailure, Refused
from schemas.nhs_number import fault

if TYPE_CHECKING:
    import duckdb

FOLDER = "people"
_SALTS = "salts.sqlite"
_SIZE = 16
_INFO = b"caretrace/person-index/v1"


def by_number(number: str) -> bytes:
    """The name of a person known by NHS number."""
    return b"nhs-number\x1f" + number.encode()


def by_record(source: str, source_org: str, record_id: str) -> bytes:
    """The name of a person known by a client record."""
    return "\x1f".join(("record", source, source_org, record_id)).encode()


def read_names(lines: Iterable[str]) -> tuple[bytes, ...]:
    """Names as people write them, one a line: an NHS number, or `source,organisation,record`.

    InputError names the line, never what is in it.
    """
    names = []
    for number, line in enumerate(lines, start=1):
        parts = [part.strip() for part in line.split(",")]
        digits = parts[0].replace(" ", "").replace("-", "")
        if not line.strip():
            continue
        if len(parts) == 3 and all(parts):
            names.append(by_record(*parts))
        elif len(parts) == 1 and fault(digits) is None:
            names.append(by_number(digits))
        else:
            raise InputError(f"line {number} is neither an NHS number nor source,organisation,record", line=number)
    if not names:
        raise InputError("nobody is named: give an NHS number, or source,organisation,record, one a line")
    return tuple(names)


NAMES = """
SELECT DISTINCT concat_ws(chr(31), 'nhs-number', n.nhs_number) AS name
FROM numbers n JOIN leaving USING (person_key) WHERE n.certain
UNION SELECT concat_ws(chr(31), 'record', k.source, k.source_org, k.record_id)
FROM person_key k JOIN leaving USING (person_key) WHERE k.side = 'client'
"""
"""Every certain NHS number of the people who leave, and every record of theirs as clients."""


@dataclass(frozen=True)
class Index:
    """The index of one project's log; whoever uses it holds the log for writing."""

    audit_dir: Path
    keys: Keys

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self.audit_dir / FOLDER

    def write(self, connection: duckdb.DuckDBPyConnection, release_id: str, tables: Sequence[str]) -> str:
        """Index everybody with a row in `out_<table>` of these tables; gives the SHA-256 of the tags.

        Needs the tables of `governance.people`. Everything is durable on return; Refused where it cannot be written.
        """
        rows = " UNION ".join(f"SELECT person_key FROM out_{table}" for table in tables)
        connection.execute(f"CREATE OR REPLACE TEMP VIEW leaving AS {rows}")
        names = [str(name).encode() for (name,) in connection.execute(NAMES).fetchall()]
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            salts = self._salts_for(names)
            tags = b"".join(sorted(_tag(salt, release_id) for salt in salts))
            write_durably(self._path(release_id), tags)
        except (OSError, sqlite3.Error) as error:
            said = error.strerror if isinstance(error, OSError) else type(error).__name__
            raise Refused(f"the index of people in {self.folder} cannot be written ({said}); nothing leaves") from None
        return sha256(tags).hexdigest()

    def remove(self, release_id: str) -> None:
        """Take back the tags of a release that never left."""
        self._path(release_id).unlink(missing_ok=True)

    def releases(self, names: Iterable[bytes], digests: Mapping[str, str]) -> tuple[str, ...]:
        """Of the releases in `digests` (id -> SHA-256 of its tags), those that hold any of these names.

        IntegrityFailure where an index was altered or removed: an answer from it could be wrong.
        """
        salts = self._known(names)
        return tuple(name for name, digest in digests.items() if self._holds(name, digest, salts))

    def forget(self, names: Iterable[bytes]) -> int:
        """Delete the salts of these names for good; gives how many there were."""
        if not (self.folder / _SALTS).exists():
            return 0
        key = self._key()
        with self._open() as salts:
            found = [salts.execute("DELETE FROM salt WHERE name = ?", (_mac(key, each),)).rowcount for each in names]
            salts.commit()
            salts.execute("VACUUM")
        return sum(found)

    def _holds(self, release_id: str, digest: str, salts: Sequence[bytes]) -> bool:
        path = self._path(release_id)
        try:
            tags = path.read_bytes()
        except OSError as error:
            raise IntegrityFailure(f"{path} cannot be read ({error.strerror}); restore it from backup") from None
        if sha256(tags).hexdigest() != digest:
            raise IntegrityFailure(f"{path} is not the index that the log names; restore it from backup")
        places = range(len(tags) // _SIZE)

        def at(place: int) -> bytes:
            return tags[place * _SIZE : (place + 1) * _SIZE]

        for wanted in (_tag(salt, release_id) for salt in salts):
            place = bisect_left(places, wanted, key=at)
            if place < len(places) and at(place) == wanted:
                return True
        return False

    def _known(self, names: Iterable[bytes]) -> tuple[bytes, ...]:
        if not (self.folder / _SALTS).exists():
            if any(self.folder.glob("*.tags")):
                raise IntegrityFailure(f"{self.folder / _SALTS} was removed; restore it from backup")
            return ()
        key = self._key()
        with self._open() as salts:
            found = [
                salts.execute("SELECT salt FROM salt WHERE name = ?", (_mac(key, each),)).fetchone() for each in names
            ]
        return tuple(row[0] for row in found if row)

    def _salts_for(self, names: Sequence[bytes]) -> list[bytes]:
        """The salt of each name, made where there is none."""
        key = self._key()
        macs = sorted(_mac(key, name) for name in names)  # in the order of the table, or each would be a search
        with self._open() as salts:
            salts.execute("CREATE TEMP TABLE wanted (name BLOB PRIMARY KEY) WITHOUT ROWID")
            salts.executemany("INSERT INTO wanted VALUES (?)", ((mac,) for mac in macs))
            new = salts.execute("SELECT name FROM wanted WHERE name NOT IN (SELECT name FROM salt)").fetchall()
            made = secrets.token_bytes(_SIZE * len(new))
            rows = ((name, made[at * _SIZE : (at + 1) * _SIZE]) for at, (name,) in enumerate(new))
            salts.executemany("INSERT INTO salt VALUES (?, ?)", rows)
            salts.commit()
            return [row[0] for row in salts.execute("SELECT salt FROM wanted JOIN salt USING (name)")]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        path = self.folder / _SALTS
        with closing(sqlite3.connect(path)) as salts:
            owner_only(path)
            # Deleted salts are overwritten, and no journal keeps them.
            for pragma in ("secure_delete = ON", "journal_mode = DELETE", "synchronous = FULL", "temp_store = MEMORY"):
                salts.execute(f"PRAGMA {pragma}")
            salts.execute("CREATE TABLE IF NOT EXISTS salt (name BLOB PRIMARY KEY, salt BLOB NOT NULL) WITHOUT ROWID")
            yield salts

    def _path(self, release_id: str) -> Path:
        return self.folder / f"{release_id}.tags"

    def _key(self) -> bytes:
        return HKDF(SHA256(), length=32, salt=None, info=_INFO).derive(self.keys.signing.private_bytes_raw())


def _mac(key: bytes, name: bytes) -> bytes:
    return hmac.digest(key, name, "sha256")[:_SIZE]


def _tag(salt: bytes, release_id: str) -> bytes:
    return hmac.digest(salt, release_id.encode(), "sha256")[:_SIZE]
