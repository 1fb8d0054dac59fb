"""Figures as SQL has them."""

from __future__ import annotations


def double(value: float) -> str:
    """A DOUBLE to the last bit. Without an exponent DuckDB reads a DECIMAL, and takes three times as long to reckon."""
    text = repr(float(value))
    return text if "e" in text else f"{text}e0"
