"""How packed and encrypted files are opened, by the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from connectors.files.opening import DEFAULT, Opening
from schemas.errors import SettingsError

GNUPG_FILE = "CARETRACE_GPG_PASSPHRASE_FILE"
TIMES = "CARETRACE_UNPACK_TIMES"


def opening(environ: Mapping[str, str]) -> Opening:
    """The settings; SettingsError where one of them cannot be."""
    times = environ.get(TIMES) or str(DEFAULT.times)
    if not times.isascii() or not times.isdigit() or not 1 <= int(times) <= 10_000:
        raise SettingsError(f"{TIMES} must be a whole number from 1 to 10000: how many times its size a file may hold")
    passphrase = Path(environ[GNUPG_FILE]) if environ.get(GNUPG_FILE) else None
    if passphrase is not None and not passphrase.is_file():
        raise SettingsError(f"{GNUPG_FILE} names {passphrase}, which is no file")
    return Opening(times=int(times), passphrase_file=passphrase)
