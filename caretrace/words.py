"""Counts as the command line says them."""

from __future__ import annotations

from collections.abc import Mapping


def counted(side: Mapping[str, int]) -> str:
    """One side's records as a sum that a reader can check."""
    return (
        f"{side['records']:,} records read = {side['used']:,} used + {side['rejected']:,} rejected"
        f" + {side['excluded']:,} excluded; {side['people']:,} people"
    )
