"""The two secrets: the root key that pseudonyms are derived from, and the key that signs the log.

They live in a folder of their own, never in the project beside the data they protect, and are never printed. The same
folder keeps the last checkpoint of each log, an anchor that a rollback of the project folder does not roll back.
Losing the root key means that new pseudonyms no longer match old ones: back the folder up as any secret is.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.files import write_durably
from schemas.errors import SettingsError

_ROOT_PREFIX = "caretrace-root-key-v1:"
_SIGNING_PREFIX = "caretrace-log-signing-key-v1:"
_SIGNING_FILE = "log-signing.key"
BYTES = 32


@dataclass(frozen=True)
class Keys:
    """The secrets of one keys folder; their values are kept out of `repr`."""

    folder: Path
    version: int
    root: bytes = field(repr=False)
    signing: Ed25519PrivateKey = field(repr=False)


def folder(environ: Mapping[str, str], *, platform: str, home: Path) -> Path:
    """Where keys live: `CARETRACE_KEYS`, else the user's configuration folder on `platform` (a `sys.platform`)."""
    if chosen := environ.get("CARETRACE_KEYS"):
        return Path(chosen)
    if platform == "win32":
        return Path(environ.get("APPDATA") or home / "AppData" / "Roaming") / "caretrace" / "keys"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "caretrace" / "keys"
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "caretrace" / "keys"


def check_apart(keys_dir: Path, project: Path) -> None:
    """Raise SettingsError where the keys folder lies inside the project folder."""
    resolved, root = keys_dir.resolve(), project.resolve()
    # A name alone does not tell: file systems that ignore case give one folder many names.
    same = root.exists() and any(part.exists() and part.samefile(root) for part in (resolved, *resolved.parents))
    if same or resolved.is_relative_to(root):
        raise SettingsError(
            f"the keys folder {keys_dir} lies inside the project folder {project}: whoever copies the data would copy "
            "the keys; set CARETRACE_KEYS to a folder elsewhere"
        )


def create(keys_dir: Path, *, project: Path) -> Keys:
    """Make both keys, version 1, in a folder that holds none; SettingsError where there are keys already."""
    check_apart(keys_dir, project)
    put(keys_dir, Ed25519PrivateKey.generate(), {1: secrets.token_bytes(BYTES)})
    return load(keys_dir, project=project)


def put(keys_dir: Path, signing: Ed25519PrivateKey, roots: Mapping[int, bytes]) -> None:
    """Write these keys into a folder that holds none; SettingsError where there are keys already."""
    if versions(keys_dir) or (keys_dir / _SIGNING_FILE).exists():
        raise SettingsError(f"{keys_dir} holds keys already; existing keys are never overwritten")
    try:
        keys_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(keys_dir / _SIGNING_FILE, _SIGNING_PREFIX, signing.private_bytes_raw())
    except OSError as error:
        raise SettingsError(f"the keys folder {keys_dir} cannot be written: {error.strerror}") from None
    for version, root in roots.items():
        write_root(keys_dir, version, root)


def load(keys_dir: Path, *, project: Path) -> Keys:
    """Read the newest root key and the signing key; SettingsError where one is missing or damaged."""
    check_apart(keys_dir, project)
    there = versions(keys_dir)
    if not there:
        raise SettingsError(f"no root key in {keys_dir}; create keys first, or set CARETRACE_KEYS to where they are")
    root = read_root(keys_dir, there[-1])
    signing = _read(keys_dir / _SIGNING_FILE, _SIGNING_PREFIX)
    return Keys(keys_dir, there[-1], root, Ed25519PrivateKey.from_private_bytes(signing))


def signing_key(keys_dir: Path) -> Ed25519PrivateKey | None:
    """The key that signs the log, or None in a folder that has none (an auditor's machine)."""
    path = keys_dir / _SIGNING_FILE
    return Ed25519PrivateKey.from_private_bytes(_read(path, _SIGNING_PREFIX)) if path.exists() else None


def root_path(keys_dir: Path, version: int) -> Path:
    """Where the root key of a version stands."""
    return keys_dir / f"root-{version}.key"


def read_root(keys_dir: Path, version: int) -> bytes:
    """The root key of a version; SettingsError where it is missing or damaged."""
    return _read(root_path(keys_dir, version), _ROOT_PREFIX)


def write_root(keys_dir: Path, version: int, root: bytes) -> None:
    """Write the root key of a new version; SettingsError where there is one or the folder cannot be written."""
    path = root_path(keys_dir, version)
    if path.exists():
        raise SettingsError(f"{path} exists already; existing keys are never overwritten")
    try:
        _write(path, _ROOT_PREFIX, root)
    except OSError as error:
        raise SettingsError(f"the keys folder {keys_dir} cannot be written: {error.strerror}") from None


def versions(keys_dir: Path) -> list[int]:
    """Versions of the root keys in the folder, oldest first."""
    names = [path.stem.removeprefix("root-") for path in keys_dir.glob("root-*.key")]
    return sorted(int(name) for name in names if name.isdigit())


def _write(path: Path, prefix: str, secret: bytes) -> None:
    write_durably(path, f"{prefix}{base64.b64encode(secret).decode()}\n".encode())


def _read(path: Path, prefix: str) -> bytes:
    try:
        text = path.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"the key file {path} is missing or cannot be read") from None
    try:
        secret = base64.b64decode(text.strip().removeprefix(prefix), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not text.startswith(prefix) or len(secret) != BYTES:
        raise SettingsError(f"the key file {path} is damaged; restore it from its backup")
    return secret
