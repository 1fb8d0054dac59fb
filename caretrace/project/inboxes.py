"""Inboxes stand apart: what two sources read both would hold, and a list that is its own register links to itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import permutations
from pathlib import Path


def not_apart(inboxes: Mapping[str, Path]) -> str | None:
    """What is wrong where one inbox, by its source's name, is another's or lies within it; None where all are apart."""
    places = {name: Path(os.path.normcase(os.path.realpath(inbox))) for name, inbox in inboxes.items()}
    for (name, place), (other, within) in permutations(places.items(), 2):
        if place == within:
            return f"source {name} and source {other} have one inbox, {inboxes[name]}; give each a folder of its own"
        if place in within.parents:
            return (
                f"the inbox of source {other} lies within that of source {name}, {inboxes[name]}; give each a folder"
                " of its own"
            )
    return None
