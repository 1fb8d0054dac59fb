"""Who keeps the secrets of a keys folder: files, a passphrase over them, the system's keyring, Vault, or AWS KMS.

The folder says which in `keeper.json`; without that file they are plain files, as they always were. Whatever keeps
them, a secret has a name (`root-1`, `at-rest-1`, `log-signing`), is 32 bytes, and is never overwritten.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from governance.files import write_durably
from governance.keys.in_files import LEAST_PASSPHRASE, PASSPHRASE_VARIABLE, InFiles, UnderPassphrase
from governance.keys.in_keyring import InKeyring
from governance.keys.in_vault import InVault
from governance.keys.secret_text import BYTES
from governance.keys.under_kms import UnderKms
from schemas.errors import SettingsError

__all__ = [
    "BYTES",
    "KEEPERS",
    "LEAST_PASSPHRASE",
    "PASSPHRASE_VARIABLE",
    "InFiles",
    "InKeyring",
    "InVault",
    "Keeper",
    "UnderKms",
    "UnderPassphrase",
    "choose",
    "chosen",
    "keeper",
]

FILES, PASSPHRASE, KEYRING, VAULT, AWS_KMS = "files", "passphrase", "keyring", "vault", "aws-kms"
KEEPERS = (FILES, PASSPHRASE, KEYRING, VAULT, AWS_KMS)
_CHOICE = "keeper.json"


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
    return _choice(folder)["keeper"]


def choose(folder: Path, name: str) -> None:
    """Let the folder name a keeper, and where that one keeps them."""
    said = {"keeper": name, **_about(folder, name)}
    write_durably(folder / _CHOICE, (json.dumps(said) + "\n").encode())


def keeper(folder: Path, name: str | None = None) -> Keeper:
    """The keeper of that name, or the one that the folder names."""
    name = name or chosen(folder)
    if name == VAULT:
        return InVault(_about(folder, name))
    if name == AWS_KMS:
        return UnderKms(folder, _about(folder, name))
    if name == KEYRING:
        return InKeyring(folder)
    return UnderPassphrase(folder) if name == PASSPHRASE else InFiles(folder)


def _about(folder: Path, name: str) -> Mapping[str, str]:
    """Where the keeper of that name keeps them: as the folder says, else as the environment does."""
    said = _choice(folder)
    if said["keeper"] == name:
        return {each: value for each, value in said.items() if each != "keeper"}
    if name == VAULT:
        return InVault.place(folder, os.environ)
    return UnderKms.place(os.environ) if name == AWS_KMS else {}


def _choice(folder: Path) -> dict[str, str]:
    path = folder / _CHOICE
    try:
        said = {str(name): str(value) for name, value in json.loads(path.read_text("utf-8")).items()}
        name = said["keeper"]
    except FileNotFoundError:
        return {"keeper": FILES}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise SettingsError(f"{path} cannot be read; restore it from its backup") from None
    if name not in KEEPERS:
        raise SettingsError(f"{path} names a keeper that this version does not know; it knows {', '.join(KEEPERS)}")
    return said
