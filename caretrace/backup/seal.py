"""The seal of a backup: the SHA-256 of every byte before it, signed with the key of the project's log.

It is a C2SP signed note at the very end of the file. It is checked before anything is unpacked, so bytes that somebody
made up are never given to a parser. Without keys it is the note's text alone, which shows damage but not who wrote it.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import IO, TYPE_CHECKING

from schemas.errors import IntegrityFailure
from schemas.progress import SILENT, Progress

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_BEGINS = "caretrace/backup/v1\n"
_LONGEST = 4096
_BLOCK = 1 << 20


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


def text(digest: str, signer: Signer | None) -> bytes:
    """The seal over bytes of this SHA-256 (hex); always of one length for one signer.

    The zip file says how long its comment is before the comment can be known.
    """
    from governance.audit.checkpoint import Verifier, signed_note

    words = f"{_BEGINS}{digest}\n"
    if signer is None:
        return words.encode()
    verifier = Verifier(signer.name, signer.key.public_key().public_bytes_raw())
    return signed_note(words, verifier, signer.key).encode()


def check(file: IO[bytes], where: Path, public: bytes | None, *, progress: Progress = SILENT) -> Seal:
    """Check every byte of the backup against its seal, which `public` signed where that is given.

    Raises IntegrityFailure where it was altered or cut short, or is signed by another key.
    """
    from governance.audit.checkpoint import Verifier

    size = file.seek(0, os.SEEK_END)
    tail_at = max(0, size - _LONGEST)
    file.seek(tail_at)
    tail = file.read()
    at = tail.rfind(_BEGINS.encode())
    seal = tail[at:].decode("utf-8", "replace")
    found = re.match(re.escape(_BEGINS) + r"([0-9a-f]{64})\n(?:\n\u2014 (\S+) \S+\n)?\Z", seal) if at >= 0 else None
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
