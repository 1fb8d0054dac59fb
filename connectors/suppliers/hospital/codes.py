"""Coded values that the hospital formats share."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.values import Value, listed

EMERGENCY_METHODS = ("21", "22", "23", "24", "25", "28", "2A", "2B", "2C", "2D")
"""ADMISSION METHOD, NHS Data Dictionary: the codes under "emergency admission"; 2B is a transfer."""


def among(x: str, words: Iterable[str]) -> str:
    """SQL of whether a text in capitals is one of the words, in capitals or not; false where it is null."""
    said = listed(word.upper() for word in words)
    return f"coalesce({x} IN ({said}), false)" if said else "false"


def practice(x: str) -> Value:
    """A practice's ODS code; null for the codes that stand for none, not applicable and not known."""
    return Value(f"CASE WHEN upper({x}) NOT IN ('V81997', 'V81998', 'V81999') THEN upper({x}) END")


def coded(x: str, codes: Iterable[str]) -> Value:
    """A code as held; one that its list does not have is used with a warning, for the lists grow."""
    unknown = "not a code of the NHS Data Dictionary"
    return Value(x, warning=f"CASE WHEN {{v}} NOT IN ({listed(codes)}) THEN '{unknown}' END")


def emergency(method: str, methods: Iterable[str]) -> Value:
    """Whether an admission method counts as an emergency; null where none is given."""
    return Value(f"CASE WHEN {method} IS NOT NULL THEN {among(method, methods)} END")
