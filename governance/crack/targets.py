"""A column's values as what they may be: the digits of a hash, whole or cut, in hex, base64 or base32."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LEAST = 8
"""Hex digits: below 32 bits chance finds as much as a search does."""
HEAD = 16
"""Hex digits that are compared: 64 bits, where chance finds nothing among all numbers."""

_HEX = re.compile(r"(?:0x)?([0-9a-fA-F]+)")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_BASE32 = re.compile(r"[A-Z2-7]+=*")


@dataclass(frozen=True)
class Digest:
    """Value number `value` may be the hash `text` (lower-case hex), cut where that is short."""

    value: int
    text: str


def digests(values: Sequence[str]) -> list[Digest]:
    """Every reading of every value; none for a value that can be no hash."""
    return [Digest(at, text) for at, value in enumerate(values) for text in dict.fromkeys(_readings(value.strip()))]


def _readings(value: str) -> list[str]:
    if _UUID.fullmatch(value):
        return [value.replace("-", "").lower()]
    if found := _HEX.fullmatch(value):
        return [found[1].lower()] if len(found[1]) >= LEAST else []
    readings = []
    if _BASE64.fullmatch(value):
        readings.append(_decoded(base64.urlsafe_b64decode, value.replace("+", "-").replace("/", "_"), 4))
    if _BASE32.fullmatch(value):
        readings.append(_decoded(base64.b32decode, value, 8))
    return [each for each in readings if len(each) >= LEAST]


def _decoded(decode: Callable[[str], bytes], value: str, group: int) -> str:
    """Hex of as many whole bytes as the characters hold; a cut text is filled up and the filling taken off."""
    bare = value.rstrip("=")
    whole = len(bare) * (6 if group == 4 else 5) // 8
    filler = "A" * (-len(bare) % group)
    try:
        made = decode(bare + filler)
    except (binascii.Error, ValueError):
        return ""
    return made[:whole].hex()
