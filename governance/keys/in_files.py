"""Secrets in files of the keys folder: plain, or each encrypted under a passphrase."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import ClassVar

from governance.files import sync_folder, write_durably
from governance.keys.secret_text import NAME, decoded, encoded
from schemas.errors import SettingsError

PASSPHRASE_VARIABLE = "CARETRACE_KEYS_PASSPHRASE"  # noqa: S105 - the name of one
LEAST_PASSPHRASE = 12
"""Characters [our own choice]."""


class InFiles:
    """One file a secret, readable by its owner only."""

    ending = ".key"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """What it holds."""
        names = (path.name.removesuffix(self.ending) for path in self.folder.glob(f"*{self.ending}"))
        return sorted(name for name in names if NAME.fullmatch(name))

    def read(self, name: str) -> bytes:
        """The secret."""
        path = self.path(name)
        try:
            text = self._open(path, name)
        except (OSError, UnicodeDecodeError):
            raise SettingsError(f"the key file {path} is missing or cannot be read") from None
        return decoded(text, name, f"the key file {path}")

    def write(self, name: str, secret: bytes) -> None:
        """Keep it."""
        path = self.path(name)
        if path.exists():
            raise SettingsError(f"{path} exists already; existing keys are never overwritten")
        try:
            write_durably(path, self._closed(encoded(secret, name), name))
        except OSError as error:
            raise SettingsError(f"the keys folder {self.folder} cannot be written: {error.strerror}") from None

    def destroy(self, name: str) -> None:
        """Overwrite and remove it."""
        path = self.path(name)
        # Worth little on a solid-state disk, which may keep old blocks; disk encryption is what helps there.
        with path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        sync_folder(self.folder)

    def path(self, name: str) -> Path:
        """Where it stands."""
        return self.folder / f"{name}{self.ending}"

    def _open(self, path: Path, name: str) -> str:
        return path.read_text("ascii")

    def _closed(self, text: str, name: str) -> bytes:
        return text.encode()


class UnderPassphrase(InFiles):
    """The same, each file encrypted with age under a passphrase (scrypt), which CARETRACE_KEYS_PASSPHRASE holds."""

    ending = ".key.age"
    _opened: ClassVar[dict[bytes, str]] = {}

    def _open(self, path: Path, name: str) -> str:
        import pyrage

        sealed, passphrase = path.read_bytes(), _passphrase()
        asked = hashlib.sha256(sealed + passphrase.encode()).digest()
        try:
            # Opening takes a second by design, and a command may need a key several times.
            if asked not in self._opened:
                self._opened[asked] = bytes(pyrage.passphrase.decrypt(sealed, passphrase)).decode("ascii")
        except pyrage.DecryptError:
            raise SettingsError(f"the key file {path} does not open with this passphrase, or is damaged") from None
        return self._opened[asked]

    def _closed(self, text: str, name: str) -> bytes:
        import pyrage

        passphrase = _passphrase()
        if len(passphrase) < LEAST_PASSPHRASE:
            raise SettingsError(f"the passphrase is too short; use at least {LEAST_PASSPHRASE} characters")
        return bytes(pyrage.passphrase.encrypt(text.encode(), passphrase))


def _passphrase() -> str:
    passphrase = os.environ.get(PASSPHRASE_VARIABLE, "")
    if not passphrase:
        raise SettingsError(f"the keys are under a passphrase; set {PASSPHRASE_VARIABLE}")
    return passphrase
