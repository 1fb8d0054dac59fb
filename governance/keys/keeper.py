"""Who keeps the secrets of a keys folder: files, files under a passphrase, or the operating system's keyring.

The folder says which in `keeper.json`; without that file they are plain files, as they always were. Whatever keeps
them, a secret has a name (`root-1`, `at-rest-1`, `log-signing`), is 32 bytes, and is never overwritten.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any, ClassVar, Protocol

from governance.files import sync_folder, write_durably
from schemas.errors import SettingsError

FILES, PASSPHRASE, KEYRING = "files", "passphrase", "keyring"
KEEPERS = (FILES, PASSPHRASE, KEYRING)
PASSPHRASE_VARIABLE = "CARETRACE_KEYS_PASSPHRASE"  # noqa: S105 - the name of one
LEAST_PASSPHRASE = 12
"""Characters [our own choice]."""
_CHOICE = "keeper.json"
_NAME = re.compile(r"root-[0-9]+|at-rest-[0-9]+|log-signing")
_PREFIXES = {
    "log-signing": "caretrace-log-signing-key-v1:",
    "root": "caretrace-root-key-v1:",
    "at-rest": "caretrace-at-rest-key-v1:",
}
"""By name, without its version."""
BYTES = 32


class Keeper(Protocol):
    """Keeps secrets by name."""

    def names(self) -> list[str]:
        """What it holds."""

    def read(self, name: str) -> bytes:
        """The secret; SettingsError where it is missing, damaged, or cannot be opened."""

    def write(self, name: str, secret: bytes) -> None:
        """Keep it; SettingsError where it is there already or cannot be kept."""

    def destroy(self, name: str) -> None:
        """End it, as far as the medium allows. Raises OSError."""


def chosen(folder: Path) -> str:
    """The keeper that the folder names; SettingsError where it names none of ours."""
    path = folder / _CHOICE
    try:
        name = str(json.loads(path.read_text("utf-8"))["keeper"])
    except FileNotFoundError:
        return FILES
    except (OSError, ValueError, KeyError, TypeError):
        raise SettingsError(f"{path} cannot be read; restore it from its backup") from None
    if name not in KEEPERS:
        raise SettingsError(f"{path} names a keeper that this version does not know; it knows {', '.join(KEEPERS)}")
    return name


def choose(folder: Path, name: str) -> None:
    """Let the folder name a keeper."""
    write_durably(folder / _CHOICE, (json.dumps({"keeper": name}) + "\n").encode())


def keeper(folder: Path, name: str | None = None) -> Keeper:
    """The keeper of that name, or the one that the folder names."""
    name = name or chosen(folder)
    if name == KEYRING:
        return InKeyring(folder)
    return UnderPassphrase(folder) if name == PASSPHRASE else InFiles(folder)


class InFiles:
    """One file a secret, readable by its owner only."""

    ending = ".key"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """What it holds."""
        names = (path.name.removesuffix(self.ending) for path in self.folder.glob(f"*{self.ending}"))
        return sorted(name for name in names if _NAME.fullmatch(name))

    def read(self, name: str) -> bytes:
        """The secret."""
        path = self.path(name)
        try:
            text = self._open(path)
        except (OSError, UnicodeDecodeError):
            raise SettingsError(f"the key file {path} is missing or cannot be read") from None
        return _decoded(text, name, f"the key file {path}")

    def write(self, name: str, secret: bytes) -> None:
        """Keep it."""
        path = self.path(name)
        if path.exists():
            raise SettingsError(f"{path} exists already; existing keys are never overwritten")
        try:
            write_durably(path, self._closed(_encoded(secret, name)))
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

    def _open(self, path: Path) -> str:
        return path.read_text("ascii")

    def _closed(self, text: str) -> bytes:
        return text.encode()


class UnderPassphrase(InFiles):
    """The same, each file encrypted with age under a passphrase (scrypt), which CARETRACE_KEYS_PASSPHRASE holds."""

    ending = ".key.age"
    _opened: ClassVar[dict[bytes, str]] = {}

    def _open(self, path: Path) -> str:
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

    def _closed(self, text: str) -> bytes:
        import pyrage

        passphrase = _passphrase()
        if len(passphrase) < LEAST_PASSPHRASE:
            raise SettingsError(f"the passphrase is too short; use at least {LEAST_PASSPHRASE} characters")
        return bytes(pyrage.passphrase.encrypt(text.encode(), passphrase))


class InKeyring:
    """The operating system's keyring: Windows Credential Locker, macOS Keychain, Secret Service (extra `keyring`)."""

    def __init__(self, folder: Path) -> None:
        # One account may hold the keys of several projects; the folder tells them apart.
        self.service = f"caretrace {hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]}"

    def names(self) -> list[str]:
        """What it holds: keyrings cannot list, so the names are kept in it too."""
        return [str(name) for name in json.loads(self._get("names") or "[]")]

    def read(self, name: str) -> bytes:
        """The secret."""
        text = self._get(name)
        where = f"the system's keyring (service '{self.service}', name '{name}')"
        if text is None:
            raise SettingsError(f"{where} holds no such key; is it the account that made the keys?")
        return _decoded(text, name, where)

    def write(self, name: str, secret: bytes) -> None:
        """Keep it."""
        names = self.names()
        if name in names:
            raise SettingsError(f"the system's keyring holds {name} already; existing keys are never overwritten")
        self._set(name, _encoded(secret, name))
        self._set("names", json.dumps(sorted([*names, name])))

    def destroy(self, name: str) -> None:
        """Remove it; what the system's keyring keeps of it is the system's."""
        self._set("names", json.dumps([each for each in self.names() if each != name]))
        keyring = _keyring()
        try:
            keyring.delete_password(self.service, name)
        except keyring.errors.KeyringError as error:
            raise OSError(0, f"the system's keyring refuses ({type(error).__name__})") from None

    def _get(self, name: str) -> str | None:
        keyring = _keyring()
        try:
            found: str | None = keyring.get_password(self.service, name)
        except keyring.errors.KeyringError as error:
            raise SettingsError(f"the system's keyring cannot be asked ({type(error).__name__})") from None
        return found

    def _set(self, name: str, text: str) -> None:
        keyring = _keyring()
        try:
            keyring.set_password(self.service, name, text)
        except keyring.errors.KeyringError as error:
            raise SettingsError(f"the system's keyring cannot keep a key ({type(error).__name__})") from None


def _keyring() -> Any:
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise SettingsError(
            "the keys are in the system's keyring, which needs a package: pip install 'caretrace[keyring]'"
        ) from None
    return keyring


def _passphrase() -> str:
    passphrase = os.environ.get(PASSPHRASE_VARIABLE, "")
    if not passphrase:
        raise SettingsError(f"the keys are under a passphrase; set {PASSPHRASE_VARIABLE}")
    return passphrase


def _prefix(name: str) -> str:
    return _PREFIXES[re.sub("-[0-9]+$", "", name)]


def _encoded(secret: bytes, name: str) -> str:
    return f"{_prefix(name)}{base64.b64encode(secret).decode()}\n"


def _decoded(text: str, name: str, where: str) -> bytes:
    prefix = _prefix(name)
    try:
        secret = base64.b64decode(text.strip().removeprefix(prefix), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not text.startswith(prefix) or len(secret) != BYTES:
        raise SettingsError(f"{where} is damaged; restore it from its backup")
    return secret
