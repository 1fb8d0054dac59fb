"""The Fellegi-Sunter model as a value: m, u and h of every level, and the two priors.

A model is JSON, so that two runs can be compared with any diff tool. `default_model` is what ships: round figures from
published error rates and common sense, every one of them [assumed] and every one replaced by training when the data
allow it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from linkage.comparison import COMPARISONS
from schemas.errors import SettingsError

FORMAT = 1
# No single level may prove or refute alone: below this an m, u or h is a gap in the data, not knowledge.
FLOOR = 1e-9


@dataclass(frozen=True)
class LevelWeights:
    """The three probabilities of one level; see `linkage.comparison`."""

    level: str
    m: float
    u: float
    h: float


@dataclass(frozen=True)
class ComparisonWeights:
    """The levels of one comparison, in its order; m, u and h each sum to 1."""

    comparison: str
    levels: tuple[LevelWeights, ...]


@dataclass(frozen=True)
class Model:
    """Everything the weights depend on, term frequencies excepted: those come from the register at hand."""

    comparisons: tuple[ComparisonWeights, ...]
    in_register: float
    """Probability that a client is in the register at all."""
    household: float
    """How many other members of a client's household the register holds, on average."""
    provenance: Mapping[str, Any] = field(default_factory=lambda: {"origin": "default"}, compare=False)

    def __getitem__(self, comparison: str) -> ComparisonWeights:
        return next(each for each in self.comparisons if each.comparison == comparison)

    def with_weights(self, changed: ComparisonWeights) -> Model:
        """The same model with one comparison changed."""
        return replace(
            self,
            comparisons=tuple(changed if c.comparison == changed.comparison else c for c in self.comparisons),
        )

    @property
    def model_id(self) -> str:
        """First 16 hex digits of the SHA-256 of the JSON form, provenance excepted."""
        facts = {key: value for key, value in self.to_json().items() if key not in ("provenance", "model_id")}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """A JSON object; probabilities are rounded to 9 significant digits, which no decision can tell apart."""
        facts: dict[str, Any] = {
            "format": FORMAT,
            "in_register": _rounded(self.in_register),
            "household": _rounded(self.household),
            "comparisons": {
                c.comparison: {x.level: {"m": _rounded(x.m), "u": _rounded(x.u), "h": _rounded(x.h)} for x in c.levels}
                for c in self.comparisons
            },
        }
        return {**facts, "provenance": dict(self.provenance)}

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Model:
        """Read the JSON form; SettingsError where a level is missing, unknown, or not a probability."""
        if facts.get("format") != FORMAT:
            raise SettingsError(f"the model has format {facts.get('format')!r}, this version reads {FORMAT}")
        given = facts.get("comparisons", {})
        comparisons = []
        for comparison in COMPARISONS:
            wanted, found = [level.name for level in comparison.levels], given.get(comparison.name, {})
            if sorted(wanted) != sorted(found):
                raise SettingsError(
                    f"the model's comparison '{comparison.name}' has levels {sorted(found)}, wanted {sorted(wanted)}"
                )
            levels = tuple(LevelWeights(name, **{k: float(found[name][k]) for k in ("m", "u", "h")}) for name in wanted)
            if any(not 0 < p <= 1 for x in levels for p in (x.m, x.u, x.h)):
                raise SettingsError(f"the model's comparison '{comparison.name}' holds a value outside 0 to 1")
            comparisons.append(ComparisonWeights(comparison.name, levels))
        return cls(
            tuple(comparisons),
            float(facts["in_register"]),
            float(facts["household"]),
            dict(facts.get("provenance", {})),
        )


def _rounded(value: float) -> float:
    return float(f"{value:.9g}")


# level: (m, u, h). u of levels with a frequency is the average, for a register too small to have its own.
_DEFAULTS: dict[str, dict[str, tuple[float, float, float]]] = {
    "given name": {
        "exact": (0.860, 0.006, 0.012),
        "nickname": (0.025, 0.002, 0.003),
        "one slip": (0.035, 0.002, 0.008),
        "swapped": (0.003, 0.00001, 0.0001),
        "other name": (0.025, 0.008, 0.030),
        "initial": (0.010, 0.001, 0.002),
        "alike": (0.012, 0.025, 0.040),
        "different": (0.030, 0.95599, 0.9049),
    },
    "family name": {
        "exact": (0.890, 0.0012, 0.780),
        "swapped": (0.003, 0.00001, 0.0001),
        "other name": (0.030, 0.001, 0.040),
        "one slip": (0.030, 0.001, 0.005),
        "alike": (0.010, 0.015, 0.010),
        "different": (0.037, 0.98179, 0.1649),
    },
    "date of birth": {
        "exact": (0.930, 0.00003, 0.012),
        "swapped": (0.008, 0.00002, 0.0001),
        "day differs": (0.014, 0.0010, 0.001),
        "month differs": (0.008, 0.0004, 0.0005),
        "year slip": (0.014, 0.0004, 0.0010),
        "year and month": (0.003, 0.00001, 0.0001),
        "year only": (0.008, 0.0001, 0.0003),
        "year agrees": (0.005, 0.0110, 0.025),
        "different": (0.010, 0.98704, 0.96),
    },
    "address": {
        "same house": (0.600, 0.000003, 0.600),
        "same postcode": (0.130, 0.00004, 0.130),
        "earlier postcode": (0.070, 0.00005, 0.070),
        "postcode slip": (0.030, 0.0008, 0.030),
        "same sector": (0.015, 0.0025, 0.015),
        "same district": (0.035, 0.0100, 0.035),
        "elsewhere": (0.120, 0.986607, 0.120),
    },
    "gender": {
        "same": (0.990, 0.500, 0.450),
        "different": (0.010, 0.500, 0.550),
    },
    "NHS number": {
        # A wrong but valid number is as a rule that of another member of the household.
        "same": (0.985, 0.00000001, 0.0015),
        "different": (0.015, 0.99999999, 0.9985),
    },
}


def default_model() -> Model:
    """The model that ships, for when there is too little data to train."""
    return Model(
        tuple(
            ComparisonWeights(
                comparison.name,
                tuple(LevelWeights(level.name, *_DEFAULTS[comparison.name][level.name]) for level in comparison.levels),
            )
            for comparison in COMPARISONS
        ),
        in_register=0.90,
        household=1.5,
    )
