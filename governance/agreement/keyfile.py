"""A signatory's own signing key: one encrypted file that only its owner opens.

It belongs to a person, not to a project: a Caldicott Guardian keeps theirs where they keep their other secrets. The
form is PKCS 8 in PEM, encrypted with a passphrase, which other tools (OpenSSL 3) read as well.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.files import owner_only, write_durably
from schemas.errors import InputError, SettingsError

LEAST_PASSPHRASE = 12
"""Characters [our own choice]: the key's file may be copied, and then only the passphrase protects it."""


def create(path: Path, passphrase: str) -> Ed25519PrivateKey:
    """Make a key in a new file; SettingsError for a short passphrase, InputError where the file exists."""
    if len(passphrase) < LEAST_PASSPHRASE:
        raise SettingsError(f"the passphrase is too short; use at least {LEAST_PASSPHRASE} characters")
    if path.exists():
        raise InputError("exists already; a key is never overwritten", path=path)
    key = Ed25519PrivateKey.generate()
    data = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase.encode()),
    )
    try:
        write_durably(path, data)
        owner_only(path)
    except OSError as error:
        raise InputError(f"the key cannot be written ({error.strerror})", path=path) from None
    return key


def load(path: Path, passphrase: str) -> Ed25519PrivateKey:
    """Open a key's file; InputError where it is none, SettingsError where the passphrase is wrong."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"the key cannot be read ({error.strerror})", path=path) from None
    try:
        key = serialization.load_pem_private_key(data, passphrase.encode())
    except TypeError:
        raise InputError(
            "the key is not protected by a passphrase; make one with `caretrace agreement key`", path=path
        ) from None
    except ValueError:
        # The library does not tell a wrong passphrase from a damaged file.
        raise SettingsError(f"{path}: the passphrase is wrong, or the file is no signing key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError("is a key of another kind; signatures need Ed25519", path=path)
    return key
