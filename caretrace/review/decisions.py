"""What people decided, and what of it stands: plain facts; how they are kept is `ledger`'s business."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

START = "0" * 64
"""What the first line follows."""


def canonical(value: object) -> bytes:
    """The one way to write a value as JSON: what is hashed."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


class Key(NamedTuple):
    """What names a source record."""

    source: str
    source_org: str
    record_id: str


class Pair(NamedTuple):
    """A client record and a register person: a person with an NHS number is named by it, on whichever row it stands."""

    client: Key
    person: str | Key


@dataclass(frozen=True)
class Made:
    """What readers decided about one pair, before it has a place in the file."""

    client: Key
    register: Key
    nhs_number: str | None
    """The register person's number when it was decided."""
    verdict: str
    """same, different, cannot tell, or disagreed where the readers did and nobody has settled it."""
    by: tuple[str, ...]
    """The readers whose answers made the verdict."""
    answers: Mapping[str, str]
    """What each reader said."""
    rule: str
    """How the answers became the verdict."""
    run_id: str
    export_id: str
    blind: bool
    sample: Mapping[str, Any] | None = None
    """Where the pair was drawn for evaluation: sample_id, run_id, stratum, size, drawn, decision, rank, probability."""

    @property
    def pair(self) -> Pair:
        """What it is about."""
        return Pair(self.client, self.nhs_number or self.register)


@dataclass(frozen=True)
class Decision:
    """A decision as it stands in the file."""

    id: str
    at: datetime
    """In UTC."""
    made: Made


@dataclass(frozen=True)
class History:
    """The whole file, read and checked."""

    decisions: tuple[Decision, ...] = ()
    withdrawn: Mapping[str, str] = field(default_factory=dict)
    """By the id of each decision taken back, the id of the line that did."""
    lines: int = 0
    head: str = START
    content: bytes = b""

    @property
    def valid(self) -> tuple[Decision, ...]:
        """Every decision that was not withdrawn, oldest first."""
        return tuple(each for each in self.decisions if each.id not in self.withdrawn)

    @property
    def standing(self) -> dict[Pair, Decision]:
        """What holds today: of each pair the last decision that was not withdrawn."""
        return {each.made.pair: each for each in self.valid}
