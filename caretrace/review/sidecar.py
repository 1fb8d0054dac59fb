"""`review.json`: what an export asked, kept from the readers; without it nothing can be imported.

It knows which pair each code stands for, and what the model made of it. It holds record ids and NHS numbers, so only
its owner can read it, and a hash over all of it, so that a change is seen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from caretrace.review.decisions import Key, canonical
from caretrace.review.pairs import Asked
from governance import at_rest
from governance.files import write_durably
from schemas.errors import InputError, IntegrityFailure, SettingsError

NAME = "review.json"
FORMAT = 1


@dataclass(frozen=True)
class Sent:
    """One pair as it was sent out."""

    asked: Asked
    codes: Mapping[str, str]
    """By reader."""
    prints: Mapping[str, Sequence[str]]
    """By reader: see `codes.name_prints`."""


@dataclass(frozen=True)
class Export:
    """What was sent to whom."""

    export_id: str
    run_id: str
    seed: int
    blind: bool
    readers: tuple[str, ...]
    facts: Mapping[str, Any]
    """Of the choice of pairs: see `pairs.Chosen`."""
    files: Mapping[str, str]
    """SHA-256 of each sheet as it was sent."""
    pairs: tuple[Sent, ...]


def write(folder: Path, export: Export) -> None:
    """Write it into `folder`, durably."""
    body = {"format": FORMAT, **export.__dict__, "pairs": [_plain(each) for each in export.pairs]}
    write_durably(folder / NAME, canonical({**body, "sha256": sha256(canonical(body)).hexdigest()}) + b"\n")


def read(folder: Path) -> Export:
    """Open an export.

    Raises InputError where it is not one, IntegrityFailure where it was altered.
    """
    path = folder / NAME
    try:
        body = json.loads(at_rest.read_bytes(path))
        seal = body.pop("sha256")
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"holds no {NAME}; give the folder that `caretrace review export` wrote", path=folder
        ) from None
    except (ValueError, KeyError, AttributeError, TypeError):
        raise InputError("is not a file that `caretrace review export` wrote", path=path) from None
    if seal != sha256(canonical(body)).hexdigest():
        raise IntegrityFailure(f"{path}: altered since the export wrote it; take it from a backup, or export again")
    if body.pop("format") != FORMAT:
        raise SettingsError(f"{path}: written by another version of caretrace; import it with that version")
    pairs = tuple(Sent(_asked(each["asked"]), each["codes"], each["prints"]) for each in body["pairs"])
    return Export(**{**body, "readers": tuple(body["readers"]), "pairs": pairs})


def plain(asked: Asked) -> dict[str, Any]:
    """A pair as plain JSON."""
    return {**asked.__dict__, "client": asked.client._asdict(), "register": asked.register._asdict()}


def _plain(sent: Sent) -> dict[str, Any]:
    return {**sent.__dict__, "asked": plain(sent.asked)}


def _asked(given: Mapping[str, Any]) -> Asked:
    return Asked(**{**given, "client": Key(**given["client"]), "register": Key(**given["register"])})
