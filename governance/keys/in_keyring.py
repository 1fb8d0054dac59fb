"""Secrets in the operating system's keyring (extra `keyring`)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from governance.keys.secret_text import decoded, encoded
from schemas.errors import SettingsError


class InKeyring:
    """The operating system's keyring: Windows Credential Locker, macOS Keychain, Secret Service."""

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
        return decoded(text, name, where)

    def write(self, name: str, secret: bytes) -> None:
        """Keep it."""
        names = self.names()
        if name in names:
            raise SettingsError(f"the system's keyring holds {name} already; existing keys are never overwritten")
        self._set(name, encoded(secret, name))
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
