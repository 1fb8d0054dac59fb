"""The two secrets: the root key that pseudonyms are derived from, and the key that signs the log.

They belong to a folder of their own, never in the project beside the data they protect, and are never printed; who
keeps them there is `keeper`'s business. The same
folder keeps the last checkpoint of each log, an anchor that a rollback of the project folder does not roll back.
Losing the root key means that new pseudonyms no longer match old ones: back the folder up as any secret is.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.keys.keeper import BYTES, FILES, choose, chosen, keeper
from schemas.errors import SettingsError

_SIGNING, _ROOT = "log-signing", "root-"
AT_REST = "at-rest-"
"""See `at_rest`."""


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


def create(keys_dir: Path, *, project: Path, kept_by: str = FILES) -> Keys:
    """Make both keys, version 1, in a folder that holds none; SettingsError where there are keys already."""
    check_apart(keys_dir, project)
    put(keys_dir, Ed25519PrivateKey.generate(), {1: secrets.token_bytes(BYTES)}, kept_by=kept_by)
    return load(keys_dir, project=project)


def put(
    keys_dir: Path,
    signing: Ed25519PrivateKey,
    roots: Mapping[int, bytes],
    at_rest: Mapping[int, bytes] | None = None,
    *,
    kept_by: str = FILES,
) -> None:
    """Give these keys to a keeper in a folder that holds none; SettingsError where there are keys already."""
    if keeper(keys_dir).names():
        raise SettingsError(f"{keys_dir} holds keys already; existing keys are never overwritten")
    try:
        keys_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingsError(f"the keys folder {keys_dir} cannot be written: {error.strerror}") from None
    named = {_root(version): each for version, each in roots.items()}
    named |= {f"{AT_REST}{version}": each for version, each in (at_rest or {}).items()}
    keep(keys_dir, kept_by, {_SIGNING: signing.private_bytes_raw(), **named})


def keep(keys_dir: Path, kept_by: str, held: Mapping[str, bytes]) -> None:
    """Give secrets to a keeper, read them back, and only then let the folder name it."""
    new = keeper(keys_dir, kept_by)
    for name, secret in held.items():
        new.write(name, secret)
    if any(new.read(name) != secret for name, secret in held.items()):
        raise SettingsError(f"{kept_by} does not give back what it was given; nothing has changed")
    if kept_by != FILES or chosen(keys_dir) != FILES:
        choose(keys_dir, kept_by)


def load(keys_dir: Path, *, project: Path) -> Keys:
    """Read the newest root key and the signing key; SettingsError where one is missing or damaged."""
    check_apart(keys_dir, project)
    there = versions(keys_dir)
    if not there:
        raise SettingsError(f"no root key in {keys_dir}; create keys first, or set CARETRACE_KEYS to where they are")
    root = read_root(keys_dir, there[-1])
    return Keys(keys_dir, there[-1], root, Ed25519PrivateKey.from_private_bytes(keeper(keys_dir).read(_SIGNING)))


def signing_key(keys_dir: Path) -> Ed25519PrivateKey | None:
    """The key that signs the log, or None in a folder that has none (an auditor's machine)."""
    held = keeper(keys_dir)
    return Ed25519PrivateKey.from_private_bytes(held.read(_SIGNING)) if _SIGNING in held.names() else None


def read_root(keys_dir: Path, version: int) -> bytes:
    """The root key of a version; SettingsError where it is missing or damaged."""
    return keeper(keys_dir).read(_root(version))


def write_root(keys_dir: Path, version: int, root: bytes) -> None:
    """Keep the root key of a new version; SettingsError where there is one or it cannot be kept."""
    keeper(keys_dir).write(_root(version), root)


def destroy_root(keys_dir: Path, version: int) -> None:
    """End the root key of a version, as far as its medium allows. Raises OSError."""
    keeper(keys_dir).destroy(_root(version))


def versions(keys_dir: Path) -> list[int]:
    """Versions of the root keys that are kept, oldest first."""
    names = [name.removeprefix(_ROOT) for name in keeper(keys_dir).names() if name.startswith(_ROOT)]
    return sorted(int(name) for name in names if name.isdigit())


def _root(version: int) -> str:
    return f"{_ROOT}{version}"
