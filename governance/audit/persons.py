"""Which releases hold a person: an index beside the log that says it to who knows the person, and that can forget.

    audit/people/<release>.tags    for each name of each person in a release, HMAC-SHA256(salt, release) cut to 16
                                   bytes, sorted; its SHA-256 is in the log
    audit/people/salts.bin         for each name a random salt, found by HMAC(index key, name); can be erased (`salts`)

A name is an NHS number, or the key of a client's record. Without the index key nobody can look a name up; once its
salt is deleted, not even with the key: the tags stay, as the log says they must, and belong to nobody. A salt is used
under each release's id, so that the tags of two releases cannot be matched with one another.

The key is derived from the log's signing key, which is not rotated as pseudonym keys are. None of this is needed to
verify the log, so an auditor's copy is made without `people/`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from governance.audit.salts import SIZE, Salts, place_of
from governance.audit.tags import mac, tags_of
from governance.files import write_durably
from governance.keys import Keys
from schemas.errors import InputError, IntegrityFailure, Refused
from schemas.nhs_number import fault

if TYPE_CHECKING:
    import duckdb

FOLDER = "people"
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
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            tags = tags_of(connection, self._salts(), tables, release_id)
            write_durably(self._path(release_id), tags)
        except OSError as error:
            raise Refused(
                f"the index of people in {self.folder} cannot be written ({error.strerror}); nothing leaves"
            ) from None
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
        salts = self._salts()
        return salts.erase([mac(salts.key, each) for each in names])

    def _holds(self, release_id: str, digest: str, salts: Sequence[bytes]) -> bool:
        path = self._path(release_id)
        try:
            tags = path.read_bytes()
        except OSError as error:
            raise IntegrityFailure(f"{path} cannot be read ({error.strerror}); restore it from backup") from None
        if sha256(tags).hexdigest() != digest:
            raise IntegrityFailure(f"{path} is not the index that the log names; restore it from backup")
        return any(place_of(tags, SIZE, mac(salt, release_id.encode())) is not None for salt in salts)

    def _known(self, names: Iterable[bytes]) -> list[bytes]:
        salts = self._salts()
        return salts.find([mac(salts.key, each) for each in names])

    def _salts(self) -> Salts:
        key = HKDF(SHA256(), length=32, salt=None, info=_INFO).derive(self.keys.signing.private_bytes_raw())
        salts = Salts(self.folder, key)
        # New salts in their place would leave everybody of earlier releases unfound, for good.
        if not salts.there() and any(self.folder.glob("*.tags")):
            raise IntegrityFailure(f"{salts.path} was removed; restore it from backup")
        return salts

    def _path(self, release_id: str) -> Path:
        return self.folder / f"{release_id}.tags"
