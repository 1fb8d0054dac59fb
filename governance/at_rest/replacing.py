"""A plain file that stands, exchanged for its encrypted form."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from governance import encryption
from governance.at_rest import sealing
from governance.files import sha256_of, sync_folder
from schemas.errors import Busy, IntegrityFailure


@dataclass(frozen=True)
class Sealed:
    """What an encrypted file is, and what it holds: SHA-256 of both."""

    plain: str
    file: str


def seal_in_place(path: Path, public_key: str, secrets: Sequence[str]) -> Sealed:
    """Put the encrypted form of `path` in its place, once it was opened again and gave back the same bytes.

    `secrets` are those that open what is encrypted to `public_key`. Killed at any moment `path` is whole, one or the
    other. Raises Busy where somebody writes the file meanwhile or, on Windows, has it open.
    """
    draft = _draft(path)
    draft.unlink(missing_ok=True)
    try:
        before = path.stat()
        sealing.seal(path, draft, public_key)
        held = Sealed(plain_of(draft, secrets), sha256_of(draft))
        if held.plain != sha256_of(path):
            raise IntegrityFailure(f"{path}: its encrypted form does not give it back; it stays as it is")
        _flush(draft)
        _exchange(path, draft, before)
    finally:
        draft.unlink(missing_ok=True)
    return held


def plain_of(path: Path, secrets: Sequence[str]) -> str:
    """SHA-256 of what an encrypted file holds, which stands nowhere meanwhile.

    Raises WrongKey and IntegrityFailure as `governance.encryption.read_with` does.
    """
    return encryption.read_with(path, secrets, cast("IO[bytes]", _Nowhere()))


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.sealed.partial")


def _exchange(path: Path, draft: Path, before: os.stat_result) -> None:
    now = path.stat()
    if (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise Busy(f"{path}: changed while it was encrypted; give the command again when nobody writes it")
    try:
        draft.replace(path)
    except PermissionError:
        # Of Windows: elsewhere whoever reads the old file goes on reading it.
        raise Busy(f"{path}: another program has it open; close it there and give the command again") from None
    sync_folder(path.parent)


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


class _Nowhere:
    """Takes what is written, and keeps nothing."""

    def write(self, data: bytes) -> int:
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""
