"""The form of a backup: a zip file that any tool opens, with a manifest, and a seal over all of its bytes.

    project/...      the files; text is packed, what is packed already is stored
    manifest.json    format 1: each file's SHA-256, size and time; the folders; what was left out and why
    (zip comment)    the seal: the SHA-256 of every byte before it, signed with the key of the project's log

The seal is checked before anything is unpacked, so bytes that somebody made up are never given to a parser. It is a
C2SP signed note; without keys it is the note's text alone, which shows damage but not who wrote the file.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, cast

from schemas.errors import Busy, IntegrityFailure, SettingsError
from schemas.progress import SILENT, Progress

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FORMAT = 1
MANIFEST = "manifest.json"
_FOLDER = "project/"
_SEAL = "caretrace/backup/v1\n"
_BLOCK = 1 << 20
_LONGEST_SEAL = 4096
_TEXT = {".csv", ".json", ".jsonl", ".html", ".txt", ".toml", ".xml", ".tsv", ".dat", ".hl7", ".ndjson", ".sql", ".svg"}
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    NotImplementedError,
    RuntimeError,
)


@dataclass(frozen=True)
class File:
    """One file of a backup."""

    sha256: str
    bytes: int
    mtime_ns: int


@dataclass(frozen=True)
class Signer:
    """The log's key and its name, which sign the seal."""

    name: str
    key: Ed25519PrivateKey


class Seal(Enum):
    """What a seal that holds says of who wrote the backup."""

    UNSIGNED = "not signed"
    SIGNED = "signed, by whom cannot be said without keys"
    CONFIRMED = "signed by the key in the keys folder"


class _Sink:
    """Where the zip writer writes; what it wrote is taken away piece by piece, so nothing is ever held in whole."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def taken(self) -> bytes:
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data


def written(
    root: Path,
    files: tuple[str, ...],
    about: Mapping[str, Any],
    signer: Signer | None,
    *,
    progress: Progress = SILENT,
) -> Iterator[bytes]:
    """Give the bytes of a backup of `files` below `root`, in order; `about` is the rest of the manifest.

    Raises Busy where a file changes while it is read.
    """
    digest, sink = hashlib.sha256(), _Sink()
    total = sum((root / name).stat().st_size for name in files)
    with progress.stage("Copying the project", total) as advance:
        placeholder = _seal(digest.hexdigest(), signer)
        with zipfile.ZipFile(cast("IO[bytes]", sink), "w") as archive:
            manifest: dict[str, File] = {}
            for name in files:
                hashed = hashlib.sha256()
                archive.compression = _compression(name)
                before = (root / name).stat()
                with (root / name).open("rb") as file, archive.open(_FOLDER + name, "w", force_zip64=True) as member:
                    while block := file.read(_BLOCK):
                        hashed.update(block)
                        member.write(block)
                        advance(len(block))
                        yield _passed(digest, sink.taken())
                    size = file.tell()
                _refuse_changed(root / name, before, size)
                manifest[name] = File(hashed.hexdigest(), size, before.st_mtime_ns)
            archive.compression = zipfile.ZIP_DEFLATED
            body = {"format": FORMAT, **about, "files": {name: asdict(each) for name, each in manifest.items()}}
            archive.writestr(MANIFEST, json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
            archive.comment = placeholder
    rest = sink.taken()
    yield _passed(digest, rest[: -len(placeholder)])
    yield _seal(digest.hexdigest(), signer)


def _passed(digest: hashlib._Hash, data: bytes) -> bytes:
    digest.update(data)
    return data


def is_packed(name: str) -> bool:
    """Whether the file is text, which is packed; Parquet, DuckDB and the like are packed already."""
    return PurePosixPath(name).suffix.lower() in _TEXT


def _compression(name: str) -> int:
    return zipfile.ZIP_DEFLATED if is_packed(name) else zipfile.ZIP_STORED


def _refuse_changed(path: Path, before: os.stat_result, size: int) -> None:
    after = path.stat()
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns) or size != before.st_size:
        raise Busy(f"{path}: changed while it was copied (a delivery on its way?); run the backup again")


def _seal(digest: str, signer: Signer | None) -> bytes:
    """Always of one length for one signer, since the zip file says how long it is before it can be known."""
    from governance.audit.checkpoint import Verifier, signed_note

    text = f"{_SEAL}{digest}\n"
    if signer is None:
        return text.encode()
    verifier = Verifier(signer.name, signer.key.public_key().public_bytes_raw())
    return signed_note(text, verifier, signer.key).encode()


def check_seal(file: IO[bytes], where: Path, public: bytes | None, *, progress: Progress = SILENT) -> Seal:
    """Check every byte of the backup against its seal, which `public` signed where that is given.

    Raises IntegrityFailure where it was altered or cut short, or is signed by another key.
    """
    from governance.audit.checkpoint import Verifier

    size = file.seek(0, os.SEEK_END)
    tail_at = max(0, size - _LONGEST_SEAL)
    file.seek(tail_at)
    tail = file.read()
    at = tail.rfind(_SEAL.encode())
    seal = tail[at:].decode("utf-8", "replace")
    found = re.match(re.escape(_SEAL) + r"([0-9a-f]{64})\n(?:\n\u2014 (\S+) \S+\n)?\Z", seal) if at >= 0 else None
    if found is None:
        raise IntegrityFailure(f"{where}: cut short, altered, or no backup that caretrace wrote")
    digest, left = hashlib.sha256(), tail_at + at
    file.seek(0)
    with progress.stage("Checking the backup", left) as advance:
        while left and (block := file.read(min(left, _BLOCK))):
            digest.update(block)
            left -= len(block)
            advance(len(block))
    if digest.hexdigest() != found[1]:
        raise IntegrityFailure(f"{where}: altered or damaged since it was written; use another backup")
    if not found[2]:
        return Seal.UNSIGNED
    if not public:
        return Seal.SIGNED
    try:
        Verifier(found[2], public).open(seal)
    except IntegrityFailure:
        raise IntegrityFailure(
            f"{where}: not signed by the key in the keys folder: another project's, or altered"
        ) from None
    return Seal.CONFIRMED


@contextmanager
def opened(file: IO[bytes], where: Path) -> Iterator[Unpacked]:
    """Open a backup whose seal was checked."""
    with _readable(where):
        archive = zipfile.ZipFile(file)
    with archive:
        with _readable(where):
            manifest = _manifest(archive, where)
        yield Unpacked(archive, where, manifest)


@contextmanager
def _readable(where: Path) -> Iterator[None]:
    try:
        yield
    except _UNREADABLE as error:
        raise IntegrityFailure(f"{where}: cannot be unpacked ({type(error).__name__}); use another backup") from None


@dataclass(frozen=True)
class Unpacked:
    """A backup that is open."""

    archive: zipfile.ZipFile
    where: Path
    manifest: Mapping[str, Any]

    @property
    def files(self) -> dict[str, File]:
        """Every file, by its name below the project's root."""
        return {name: File(**facts) for name, facts in self.manifest["files"].items()}

    def read(self, name: str, known: File, to: IO[bytes] | None = None) -> None:
        """Copy one file, or only read it, and hold it against the manifest; IntegrityFailure where it differs."""
        digest, left = hashlib.sha256(), known.bytes
        with _readable(self.where), self.archive.open(_FOLDER + name) as member:
            # No more than was declared, so that a file made to unpack without end fills no disk.
            while left >= 0 and (block := member.read(_BLOCK)):
                digest.update(block)
                left -= len(block)
                if to and left >= 0:
                    to.write(block)
        if left or digest.hexdigest() != known.sha256:
            raise IntegrityFailure(f"{self.where}: {name} is not what the manifest says; use another backup")


def _manifest(archive: zipfile.ZipFile, where: Path) -> Mapping[str, Any]:
    """The manifest, held against what the archive holds: neither more nor less, and nothing that leads elsewhere."""
    manifest = json.loads(archive.read(MANIFEST))
    if manifest["format"] != FORMAT:
        raise SettingsError(f"{where}: written by a newer caretrace (format {manifest['format']}); use that version")
    names = [entry.filename for entry in archive.infolist()]
    due = {MANIFEST, *(_FOLDER + name for name in manifest["files"])}
    if len(names) != len(set(names)) or set(names) != due:
        raise IntegrityFailure(f"{where}: does not hold the files its manifest names")
    for name in (*manifest["files"], *manifest["folders"]):
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or ".." in parts or (os.name == "nt" and re.search(r"[\\:]", name)):
            raise IntegrityFailure(f"{where}: names a file outside the project, or one that this system cannot hold")
    return cast("Mapping[str, Any]", manifest)
