"""What a look-up answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Candidate:
    """A register person considered, as in schemas.CANDIDATE; what identifies her is not in its `repr`."""

    rank: int
    nhs_number: str | None = field(repr=False)
    source: str
    source_org: str
    record_id: str = field(repr=False)
    method: str
    """Name of the deterministic pass that holds, or "probabilistic"."""
    weight: float
    """In bits: the sum of `bits`, `household_bits` and `prior_bits`."""
    probability: float
    levels: Mapping[str, str]
    """The level reached on each comparison that says something."""
    bits: Mapping[str, float]
    """What each of them adds."""
    household_bits: float
    prior_bits: float


@dataclass(frozen=True)
class Match:
    """What became of one client, as in schemas.LINK; what identifies anybody is not in its `repr`."""

    decision: str
    """"link", "review" or "none"."""
    candidates: tuple[Candidate, ...]
    """The likeliest few, best first."""
    reason: str | None
    """Why it is review or none. None for a link."""
    model_id: str
    not_used: Mapping[str, str] = field(default_factory=dict)
    """Columns of the client whose value was not used, and why."""

    @property
    def candidate(self) -> Candidate | None:
        """The best candidate."""
        return self.candidates[0] if self.candidates else None

    @property
    def runner_up(self) -> Candidate | None:
        """The next best."""
        return self.candidates[1] if len(self.candidates) > 1 else None

    @property
    def nhs_number(self) -> str | None:
        """The accepted number; only where the decision is link."""
        return self.candidates[0].nhs_number if self.decision == "link" else None

    @property
    def probability(self) -> float | None:
        """Probability that the best candidate is the client, against all others and nobody."""
        return self.candidates[0].probability if self.candidates else None

    @property
    def weight(self) -> float | None:
        """Its match weight in bits, prior included."""
        return self.candidates[0].weight if self.candidates else None

    @property
    def method(self) -> str | None:
        """Name of the pass that found it, or "probabilistic"."""
        return self.candidates[0].method if self.candidates else None

    @property
    def levels(self) -> Mapping[str, str]:
        """The levels it reaches."""
        return self.candidates[0].levels if self.candidates else {}

    @property
    def bits(self) -> Mapping[str, float]:
        """What each of them adds."""
        return self.candidates[0].bits if self.candidates else {}
