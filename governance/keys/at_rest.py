"""The project's key for data at rest: an age key pair, whose secret the keys folder's keeper keeps.

Its secret is 32 bytes like every other, and as text an age identity (`AGE-SECRET-KEY-1...`), so that with a custodian's
escrow copy the files can be opened by any program that knows age, without caretrace. A new version is used from when it
is made; older ones still open what they closed.
"""

from __future__ import annotations

import os
import secrets as random
import sys
from datetime import datetime
from pathlib import Path

from governance.keys import store
from governance.keys.keeper import BYTES, keeper
from governance.keys.store import AT_REST
from schemas.errors import InputError, SettingsError

MADE = "KEY_AT_REST_MADE"
_LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def folder() -> Path:
    """The keys folder of this process.

    Asked of the environment here and not handed down: a file is opened below twenty readers, and a keys folder in the
    signature of each of them would be one more thing to hand on wrongly.
    """
    return store.folder(os.environ, platform=sys.platform, home=Path.home())


def versions(keys_dir: Path) -> list[int]:
    """Versions of it that are kept, oldest first."""
    names = [name.removeprefix(AT_REST) for name in keeper(keys_dir).names() if name.startswith(AT_REST)]
    return sorted(int(name) for name in names)


def make(project: Path, keys_dir: Path, *, maker: str, now: datetime) -> int:
    """Make a new version, which all that is written from now on is encrypted with; gives it, and logs it."""
    from governance.audit import log

    keys = store.load(keys_dir, project=project)
    version = max(versions(keys_dir), default=0) + 1
    with log.opened(project / "audit", keys, now=now) as held:
        keeper(keys_dir).write(f"{AT_REST}{version}", random.token_bytes(BYTES))
        if len(read(keys_dir, version)) != BYTES:
            raise InputError("the keeper does not give back what it was given; nothing was encrypted with it")
        held.append([(MADE, {"key_version": version, "maker": maker})], now=now)
    return version


def secrets() -> list[str]:
    """Every version as an age secret, newest first; SettingsError where there is none."""
    keys_dir = folder()
    there = versions(keys_dir)
    if not there:
        raise SettingsError(
            f"files are encrypted at rest, and {keys_dir} holds no key for that; set CARETRACE_KEYS to the folder that"
            " does, or make the first one with `caretrace keys at-rest`"
        )
    return [identity(read(keys_dir, version)) for version in reversed(there)]


def public() -> str:
    """The public half of the newest."""
    import pyrage

    return str(pyrage.x25519.Identity.from_str(secrets()[0]).to_public())


def identity(secret: bytes) -> str:
    """32 bytes as age writes a secret key: Bech32 (BIP 173) under the name `age-secret-key-`, in capitals."""
    name = "age-secret-key-"
    bits = int.from_bytes(secret, "big") << (-len(secret) * 8) % 5
    count = -(-len(secret) * 8 // 5)
    values = [bits >> 5 * place & 31 for place in reversed(range(count))]
    spread = [*(ord(each) >> 5 for each in name), 0, *(ord(each) & 31 for each in name)]
    check = _checksum([*spread, *values, 0, 0, 0, 0, 0, 0]) ^ 1
    values += [check >> 5 * place & 31 for place in reversed(range(6))]
    return f"{name}1{''.join(_LETTERS[each] for each in values)}".upper()


def _checksum(values: list[int]) -> int:
    sum_ = 1
    for value in values:
        top, sum_ = sum_ >> 25, (sum_ & 0x1FFFFFF) << 5 ^ value
        for bit, each in enumerate(_GENERATOR):
            sum_ ^= each if top >> bit & 1 else 0
    return sum_


def read(keys_dir: Path, version: int) -> bytes:
    """The secret of a version; SettingsError where it is missing or damaged."""
    return keeper(keys_dir).read(f"{AT_REST}{version}")
