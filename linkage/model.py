"""The Fellegi-Sunter model as a value: m, u and h of every level, and the two priors.

A model is JSON, so that two runs can be compared with any diff tool. What one client system does otherwise than the
rest (`SystemWeights`) stands beside what holds for all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from linkage.comparison import COMPARISONS, MIDDLE, Comparison, Level, Role
from schemas.errors import SettingsError

FORMAT, FORMAT_OF_SYSTEMS = 2, 3
"""A model with `systems` has the second, so that a version that would not heed them refuses it."""
# No single level may prove or refute alone: below this an m, u or h is a gap in the data, not knowledge.
FLOOR = 1e-9
USUAL_TOGETHER = 0.5
"""`Model.names_together` where no register has been counted [assumed]: a few names go together ten times as often as
their own frequencies say, most less often than that."""


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


def shares_among(weights: ComparisonWeights) -> tuple[float, ...]:
    """For every level the share of pairs that are of its kind (`Level.among`), 1 for a level that is of none.

    By m: how often a true pair's two dates are whole is how often any two records' are, since whether they are known
    has nothing to do with who they are. Where half of the dates are whole, two people of one birthday are seen to share
    it half as often.
    """
    kinds = [level.among for level in weights.comparison.levels]
    of_kind = {
        kind: sum(each.m for each, own in zip(weights.levels, kinds, strict=True) if own == kind)
        for kind in dict.fromkeys(kinds)
        if kind is not None
    }
    total = sum(of_kind.values())
    return tuple(1.0 if kind is None else of_kind[kind] / total for kind in kinds)


@dataclass(frozen=True)
class SystemWeights:
    """What one client system's own error rates make of the comparisons; u is the register's and stays as it is."""

    source: str
    """As in PERSON.source."""
    comparisons: tuple[ComparisonWeights, ...]
    """Those of the model that it has otherwise, whole."""


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
    names_together: float = USUAL_TOGETHER
    """How freely given and family names combine in the register; see `linkage.frequencies.names_together`."""
    systems: tuple[SystemWeights, ...] = ()
    """Client systems with error rates of their own; a client of any other is weighed by `comparisons`."""

    def of(self, source: str | None) -> Model:
        """The model by which clients of one system are weighed, without the others."""
        own = next((each for each in self.systems if each.source == source), None)
        model = replace(self, systems=())
        for weights in own.comparisons if own else ():
            model = model.with_weights(weights)
        return model

    @property
    def sources(self) -> tuple[str, ...]:
        """The client systems that have error rates of their own."""
        return tuple(each.source for each in self.systems)

    def by_system(self, comparison: str) -> tuple[ComparisonWeights, ...]:
        """One comparison's weights: for all others first, then for each of `systems` in its order."""
        return (self[comparison], *(self.of(source)[comparison] for source in self.sources))

    def __getitem__(self, comparison: str) -> ComparisonWeights:
        return next(each for each in self.comparisons if each.comparison.name == comparison)

    def about(self, role: Role) -> tuple[Comparison, ...]:
        """The comparisons that have this role."""
        return tuple(each.comparison for each in self.comparisons if each.comparison.role == role)

    @property
    def is_standard(self) -> bool:
        """Whether the comparisons are those that ship, and no others; older models have none of middle names."""
        given = tuple(each.comparison for each in self.comparisons)
        return given in (COMPARISONS, tuple(each for each in COMPARISONS if each is not MIDDLE))

    def with_weights(self, changed: ComparisonWeights) -> Model:
        """The same model with one comparison changed."""
        return replace(
            self,
            comparisons=tuple(changed if c.comparison == changed.comparison else c for c in self.comparisons),
        )

    def as_written(self) -> Model:
        """The same with every figure as the JSON form has it, so that one read back weighs alike to the last bit."""
        systems = tuple(replace(each, comparisons=tuple(map(_as_written, each.comparisons))) for each in self.systems)
        bands = self.bands and Bands(_rounded(self.bands.link_at), _rounded(self.bands.review_at))
        return replace(
            self,
            comparisons=tuple(map(_as_written, self.comparisons)),
            in_register=_rounded(self.in_register),
            household=_rounded(self.household),
            names_together=_rounded(self.names_together),
            bands=bands,
            systems=systems,
        )

    @property
    def model_id(self) -> str:
        """First 16 hex digits of the SHA-256 of the JSON form, provenance excepted."""
        facts = {key: value for key, value in self.to_json().items() if key != "provenance"}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """A JSON object; probabilities are rounded to 9 significant digits, which no decision can tell apart."""
        return {
            "format": FORMAT_OF_SYSTEMS if self.systems else FORMAT,
            "in_register": _rounded(self.in_register),
            "household": _rounded(self.household),
            "names_together": _rounded(self.names_together),
            "bands": None
            if self.bands is None
            else {name: _rounded(value) for name, value in asdict(self.bands).items()},
            "comparisons": [_comparison_json(each) for each in self.comparisons],
            **({"systems": [_system_json(each) for each in self.systems]} if self.systems else {}),
            "provenance": dict(self.provenance),
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any], *, allow: Callable[[str], None] | None = None) -> Model:
        """Read the JSON form; SettingsError where a level is missing, unknown, or not a probability.

        Comparisons that do not ship bring conditions in SQL, which would be run: `allow` must raise for every one that
        is not harmless, and without it they are refused.
        """
        if not isinstance(facts, Mapping) or facts.get("format") not in (FORMAT, FORMAT_OF_SYSTEMS):
            found = facts.get("format") if isinstance(facts, Mapping) else None
            raise SettingsError(f"the model has format {found!r}, this version reads {FORMAT} and {FORMAT_OF_SYSTEMS}")
        try:
            comparisons = tuple(_comparison_from(each, allow) for each in facts["comparisons"])
            bands = facts.get("bands")
            model = cls(
                comparisons,
                float(facts["in_register"]),
                float(facts["household"]),
                None if bands is None else Bands(float(bands["link_at"]), float(bands["review_at"])),
                dict(facts.get("provenance", {})),
                float(facts.get("names_together", USUAL_TOGETHER)),
            )
            systems = tuple(_system_from(each, model) for each in facts.get("systems", ()))
            model = replace(model, systems=systems)
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
        if len(set(self.sources)) != len(self.systems):
            raise SettingsError("the model has two sets of error rates for one client system")
        for each in (*self.comparisons, *(own for system in self.systems for own in system.comparisons)):
            if any(not 0 < p <= 1 for x in each.levels for p in (x.m, x.u, x.h)):
                raise SettingsError(f"the model's comparison '{each.comparison.name}' holds a value outside 0 to 1")
        if not 0 < self.in_register < 1 or not self.household > 0 or not self.names_together > 0:
            raise SettingsError(
                "the model's in_register must lie between 0 and 1, and household and names_together above 0"
            )
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


def _as_written(weights: ComparisonWeights) -> ComparisonWeights:
    levels = (replace(x, m=_rounded(x.m), u=_rounded(x.u), h=_rounded(x.h)) for x in weights.levels)
    return replace(weights, levels=tuple(levels))


def _system_json(system: SystemWeights) -> dict[str, Any]:
    own = [
        {
            "comparison": each.comparison.name,
            "levels": [{"level": x.level, "m": _rounded(x.m), "h": _rounded(x.h)} for x in each.levels],
        }
        for each in system.comparisons
    ]
    return {"source": system.source, "comparisons": own}


def _system_from(facts: Mapping[str, Any], model: Model) -> SystemWeights:
    own = []
    for each in facts["comparisons"]:
        usual = next((x for x in model.comparisons if x.comparison.name == each["comparison"]), None)
        if usual is None or [x.level for x in usual.levels] != [str(x["level"]) for x in each["levels"]]:
            raise SettingsError(f"the model's own error rates of {facts['source']!r} are of no comparison it has")
        levels = zip(usual.levels, each["levels"], strict=True)
        own.append(replace(usual, levels=tuple(replace(x, m=float(y["m"]), h=float(y["h"])) for x, y in levels)))
    return SystemWeights(str(facts["source"]), tuple(own))


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
    keys = ("condition", "meaning", "frequency", "stance", "at_least", "namesakes_reach", "among")
    levels = tuple(Level(str(each["level"]), **{k: each[k] for k in keys if k in each}) for each in facts["levels"])
    for condition in (facts["unknown"], *(level.condition for level in levels)):
        allow(condition)
    return Comparison(str(facts["comparison"]), facts["unknown"], levels, facts.get("role"))


def _rounded(value: float) -> float:
    return float(f"{value:.9g}")
