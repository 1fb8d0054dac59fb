"""One file encrypted, and opened again: age with a key pair of the project or of a run.

age (C2SP) gives each file a key of its own and authenticates it in blocks of 64 KiB, so that an altered, cut or
exchanged block is noticed before it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from governance import encryption
from governance.files import owner_only
from schemas.errors import IntegrityFailure

_BEGIN = b"age-encryption.org/v1\n"


def is_sealed(path: Path) -> bool:
    """Whether the file begins as an age file does."""
    with path.open("rb") as file:
        return file.read(len(_BEGIN)) == _BEGIN


def seal(plain: Path, to: Path, public_key: str) -> None:
    """Write the new file `to`, which holds `plain` encrypted; gone again where that fails."""
    try:
        with plain.open("rb") as file:
            encryption.write_stream(to, file, [public_key])
        owner_only(to)
    except BaseException:
        # Raised again as it came: half a file is none.
        to.unlink(missing_ok=True)
        raise


def unseal(path: Path, secrets: Sequence[str], to: Path) -> None:
    """Write the new file `to` with the plain text of `path`; IntegrityFailure where it was altered or cut short.

    WrongKey where none of the age secrets opens it. Nothing is left of `to` where it fails.
    """
    try:
        with to.open("xb") as file:
            owner_only(to)
            encryption.read_with(path, secrets, file)
    except BaseException:
        # Raised again as it came: what was written before the altered block must not be used either.
        to.unlink(missing_ok=True)
        raise


def opened(sealed: bytes, secrets: Sequence[str], path: Path) -> bytes:
    """A short secret; `path` is where it stands."""
    import pyrage

    try:
        return bytes(pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(each) for each in secrets]))
    except pyrage.DecryptError as error:
        if "matching keys" in str(error):
            raise encryption.WrongKey(path) from None
        raise IntegrityFailure(f"{path}: altered or cut short") from None
