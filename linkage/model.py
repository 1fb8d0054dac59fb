"""The Fellegi-Sunter model as a value: m, u and h of every level, and the two priors.

A model is JSON, so that two runs can be compared with any diff tool. `default_model` is what ships: round figures from
published error rates and common sense, every one of them [assumed] and every one replaced by training when the data
allow it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from linkage.comparison import COMPARISONS, Comparison, Level, Role
from schemas.errors import SettingsError

FORMAT = 2
# No single level may prove or refute alone: below this an m, u or h is a gap in the data, not knowledge.
FLOOR = 1e-9


@dataclass(frozen=True)
class Bands:
    """Probabilities from which a client is linked, and from which it is reviewed."""

    link_at: float
    review_at: float


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

    comparison: Comparison
    levels: tuple[LevelWeights, ...]


@dataclass(frozen=True)
class Model:
    """Everything the weights depend on, term frequencies excepted: those come from the register at hand."""

    comparisons: tuple[ComparisonWeights, ...]
    in_register: float
    """Probability that a client is in the register at all."""
    household: float
    """How many other members of a client's household the register holds, on average."""
    bands: Bands | None = None
    """Where links and reviews begin; None leaves it to the run, from its target."""
    provenance: Mapping[str, Any] = field(default_factory=lambda: {"origin": "default"}, compare=False)

    def __getitem__(self, comparison: str) -> ComparisonWeights:
        return next(each for each in self.comparisons if each.comparison.name == comparison)

    def about(self, role: Role) -> tuple[Comparison, ...]:
        """The comparisons that have this role."""
        return tuple(each.comparison for each in self.comparisons if each.comparison.role == role)

    @property
    def is_standard(self) -> bool:
        """Whether the comparisons are those that ship, and no others."""
        return tuple(each.comparison for each in self.comparisons) == COMPARISONS

    def with_weights(self, changed: ComparisonWeights) -> Model:
        """The same model with one comparison changed."""
        return replace(
            self,
            comparisons=tuple(changed if c.comparison == changed.comparison else c for c in self.comparisons),
        )

    def as_written(self) -> Model:
        """The same with every figure as the JSON form has it, so that one read back weighs alike to the last bit."""
        comparisons = tuple(
            replace(
                each, levels=tuple(replace(x, m=_rounded(x.m), u=_rounded(x.u), h=_rounded(x.h)) for x in each.levels)
            )
            for each in self.comparisons
        )
        bands = self.bands and Bands(_rounded(self.bands.link_at), _rounded(self.bands.review_at))
        return replace(
            self,
            comparisons=comparisons,
            in_register=_rounded(self.in_register),
            household=_rounded(self.household),
            bands=bands,
        )

    @property
    def model_id(self) -> str:
        """First 16 hex digits of the SHA-256 of the JSON form, provenance excepted."""
        facts = {key: value for key, value in self.to_json().items() if key != "provenance"}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """A JSON object; probabilities are rounded to 9 significant digits, which no decision can tell apart."""
        return {
            "format": FORMAT,
            "in_register": _rounded(self.in_register),
            "household": _rounded(self.household),
            "bands": None
            if self.bands is None
            else {name: _rounded(value) for name, value in asdict(self.bands).items()},
            "comparisons": [_comparison_json(each) for each in self.comparisons],
            "provenance": dict(self.provenance),
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any], *, allow: Callable[[str], None] | None = None) -> Model:
        """Read the JSON form; SettingsError where a level is missing, unknown, or not a probability.

        Comparisons that do not ship bring conditions in SQL, which would be run: `allow` must raise for every one that
        is not harmless, and without it they are refused.
        """
        if not isinstance(facts, Mapping) or facts.get("format") != FORMAT:
            found = facts.get("format") if isinstance(facts, Mapping) else None
            raise SettingsError(f"the model has format {found!r}, this version reads {FORMAT}")
        try:
            comparisons = tuple(_comparison_from(each, allow) for each in facts["comparisons"])
            bands = facts.get("bands")
            model = cls(
                comparisons,
                float(facts["in_register"]),
                float(facts["household"]),
                None if bands is None else Bands(float(bands["link_at"]), float(bands["review_at"])),
                dict(facts.get("provenance", {})),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise SettingsError(f"the model's JSON lacks a part, or holds another kind of value: {error}") from None
        model._check()
        return model

    def _check(self) -> None:
        if not self.comparisons:
            raise SettingsError("the model has no comparison")
        names = [each.comparison.column for each in self.comparisons]
        if len(set(names)) != len(names):
            raise SettingsError("two comparisons of the model have one name")
        for each in self.comparisons:
            if any(not 0 < p <= 1 for x in each.levels for p in (x.m, x.u, x.h)):
                raise SettingsError(f"the model's comparison '{each.comparison.name}' holds a value outside 0 to 1")
        if not 0 < self.in_register < 1 or not self.household > 0:
            raise SettingsError("the model's in_register must lie between 0 and 1, and household above 0")
        if self.bands and not 0 <= self.bands.review_at <= self.bands.link_at <= 1:
            raise SettingsError("the model's bands must rise from 0 through review_at and link_at to 1")


def _comparison_json(weights: ComparisonWeights) -> dict[str, Any]:
    comparison = weights.comparison
    standard = comparison in COMPARISONS
    levels = []
    for level, each in zip(comparison.levels, weights.levels, strict=True):
        known = {} if standard else {k: v for k, v in asdict(level).items() if k != "name" and v}
        levels.append({"level": each.level, **known, **{k: _rounded(getattr(each, k)) for k in "muh"}})
    about = {} if standard else {"role": comparison.role, "unknown": comparison.unknown}
    return {"comparison": comparison.name, **about, "levels": levels}


def _comparison_from(facts: Mapping[str, Any], allow: Callable[[str], None] | None) -> ComparisonWeights:
    name, given = str(facts["comparison"]), facts["levels"]
    if "unknown" in facts:
        comparison = _foreign(facts, allow)
    else:
        comparison = next((each for each in COMPARISONS if each.name == name), None) or _no_such(name)
    wanted, found = [level.name for level in comparison.levels], [str(each["level"]) for each in given]
    if wanted != found:
        raise SettingsError(f"the model's comparison '{name}' has levels {found}, wanted {wanted}")
    weights = (LevelWeights(x["level"], *(float(x[k]) for k in "muh")) for x in given)
    return ComparisonWeights(comparison, tuple(weights))


def _no_such(name: str) -> Comparison:
    raise SettingsError(f"the model's comparison '{name}' is none of ours, and it does not say how it compares")


def _foreign(facts: Mapping[str, Any], allow: Callable[[str], None] | None) -> Comparison:
    if allow is None:
        raise SettingsError(
            f"the model brings a comparison of its own, '{facts['comparison']}', which is not read here"
        )
    keys = ("condition", "meaning", "frequency", "stance", "at_least", "namesakes_reach")
    levels = tuple(Level(str(each["level"]), **{k: each[k] for k in keys if k in each}) for each in facts["levels"])
    for condition in (facts["unknown"], *(level.condition for level in levels)):
        allow(condition)
    return Comparison(str(facts["comparison"]), facts["unknown"], levels, facts.get("role"))


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
        "half swapped": (0.001, 0.0005, 0.001),
        "alike": (0.012, 0.025, 0.040),
        "different": (0.029, 0.95549, 0.9039),
    },
    "family name": {
        # Five of six members of a household share the name, and then its slips (linkage.train).
        "exact": (0.890, 0.0012, 0.7567),
        "swapped": (0.003, 0.00001, 0.00255),
        "other name": (0.030, 0.001, 0.02565),
        "one slip": (0.030, 0.001, 0.02565),
        "half swapped": (0.001, 0.0005, 0.000925),
        "alike": (0.010, 0.015, 0.01075),
        "different": (0.036, 0.98129, 0.177775),
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
        "same street and house": (0.020, 0.00001, 0.020),
        "postcode slip": (0.010, 0.0008, 0.010),
        "same sector": (0.025, 0.0025, 0.025),
        "same street": (0.005, 0.0001, 0.005),
        "same district": (0.025, 0.0100, 0.025),
        "elsewhere": (0.115, 0.986497, 0.115),
    },
    "gender": {
        "same": (0.990, 0.500, 0.450),
        "different": (0.010, 0.500, 0.550),
    },
    "NHS number": {
        # A wrong but valid number is as a rule that of another member of the household.
        "same": (0.972, 0.00000001, 0.0015),
        "superseded": (0.003, 0.000000001, 0.0001),
        "near": (0.010, 0.00000004, 0.0001),
        "different": (0.015, 0.999999949, 0.9983),
    },
    "other identifier": {
        "same": (0.950, 0.0000001, 0.001),
        "different": (0.050, 0.9999999, 0.999),
    },
}


def default_model() -> Model:
    """The model that ships, for when there is too little data to train."""
    return Model(
        tuple(
            ComparisonWeights(
                comparison,
                tuple(LevelWeights(level.name, *_DEFAULTS[comparison.name][level.name]) for level in comparison.levels),
            )
            for comparison in COMPARISONS
        ),
        in_register=0.90,
        household=1.5,
    )
