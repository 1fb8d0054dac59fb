"""A secret as text: a word that says what it is, and 32 bytes in Base64."""

from __future__ import annotations

import base64
import binascii
import re

from schemas.errors import SettingsError

NAME = re.compile(r"root-[0-9]+|at-rest-[0-9]+|log-signing")
BYTES = 32
_PREFIXES = {
    "log-signing": "caretrace-log-signing-key-v1:",
    "root": "caretrace-root-key-v1:",
    "at-rest": "caretrace-at-rest-key-v1:",
}
"""By name, without its version."""


def _prefix(name: str) -> str:
    return _PREFIXES[re.sub("-[0-9]+$", "", name)]


def encoded(secret: bytes, name: str) -> str:
    """One line of it."""
    return f"{_prefix(name)}{base64.b64encode(secret).decode()}\n"


def decoded(text: str, name: str, where: str) -> bytes:
    """The secret; SettingsError, which says `where` and nothing of it, for what is not one of that kind."""
    prefix = _prefix(name)
    try:
        secret = base64.b64decode(text.strip().removeprefix(prefix), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not text.startswith(prefix) or len(secret) != BYTES:
        raise SettingsError(f"{where} is damaged; restore it from its backup")
    return secret
