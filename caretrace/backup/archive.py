"""The form of a backup: a zip file that any tool opens, with a manifest, and a seal over all of its bytes.

project/...      the files; text is packed, what is packed already is stored
manifest.json    format 1: each file's SHA-256, size and time; the folders; what was left out and why
(zip comment)    the seal over every byte before it (`seal`)
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
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from caretrace.backup import seal
from caretrace.backup.seal import Signer
from schemas.errors import Busy, IntegrityFailure, SettingsError
from schemas.progress import SILENT, Progress

FORMAT = 1
MANIFEST = "manifest.json"
_FOLDER = "project/"
_BLOCK = 1 << 20
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
    placeholder = seal.text(digest.hexdigest(), signer)
    known: dict[str, File] = {}
    with (
        progress.stage("Copying the project", total) as advance,
        zipfile.ZipFile(cast("IO[bytes]", sink), "w") as archive,
    ):
        for name in files:
            for size in _add(archive, root, name, known):
                advance(size)
                yield _passed(digest, sink.taken())
        archive.compression = zipfile.ZIP_DEFLATED
        body = {"format": FORMAT, **about, "files": {name: asdict(each) for name, each in known.items()}}
        archive.writestr(MANIFEST, json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
        archive.comment = placeholder
    rest = sink.taken()
    yield _passed(digest, rest[: -len(placeholder)])
    yield seal.text(digest.hexdigest(), signer)


def _add(archive: zipfile.ZipFile, root: Path, name: str, known: dict[str, File]) -> Iterator[int]:
    """Add one file block by block, giving the size of each, and note in `known` what it was."""
    hashed, before = hashlib.sha256(), (root / name).stat()
    archive.compression = zipfile.ZIP_DEFLATED if is_packed(name) else zipfile.ZIP_STORED
    with (root / name).open("rb") as file, archive.open(_FOLDER + name, "w", force_zip64=True) as member:
        while block := file.read(_BLOCK):
            hashed.update(block)
            member.write(block)
            yield len(block)
        size = file.tell()
    _refuse_changed(root / name, before, size)
    known[name] = File(hashed.hexdigest(), size, before.st_mtime_ns)


def _passed(digest: hashlib._Hash, data: bytes) -> bytes:
    digest.update(data)
    return data


def is_packed(name: str) -> bool:
    """Whether the file is text, which is packed; Parquet, DuckDB and the like are packed already."""
    return PurePosixPath(name).suffix.lower() in _TEXT


def _refuse_changed(path: Path, before: os.stat_result, size: int) -> None:
    after = path.stat()
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns) or size != before.st_size:
        raise Busy(f"{path}: changed while it was copied (a delivery on its way?); run the backup again")


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
