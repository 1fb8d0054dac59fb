"""A model as a file: written so that any diff tool shows what moved, and read as something to be distrusted.

A model may bring comparisons of its own, with conditions in SQL. `load` reads each as a tree and lets only the SQL
written from that tree reach a database (`linkage.conditions`); every name that becomes part of a query is checked.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from linkage.comparison import Role, Stance
from linkage.conditions.expression import ConditionError
from linkage.conditions.fields import canonical, check_types
from linkage.frequencies import Frequencies, u_columns
from linkage.model import ComparisonWeights, LevelWeights, Model
from linkage.systems import MOST_SYSTEMS, nameable
from schemas.errors import SettingsError

LARGEST = 10 * 2**20
"""Bytes of a model that are read; the default model has some 10 KB."""
LEVEL_ATTRIBUTES = frozenset({"condition", "meaning", "frequency", "stance", "at_least", "namesakes_reach", "among"})
_COMPARISON_NAME = re.compile(r"[A-Za-z][A-Za-z0-9 _-]{0,79}")
# Quotes and backslashes end a string of SQL, or of something else.
_LEVEL_NAME = re.compile(r"[^'\"\\`]{1,100}")
MOST_COMPARISONS, MOST_LEVELS = 50, 100
_SLIP, _ROUNDING = 0.5, 0.01
"""How far from 1 the m, u or h of a comparison may add up: beyond the first it is refused, beyond the second told."""
_LARGEST_HOUSEHOLD = 1000
_FORBIDS = -12.0
"""Bits; a true pair that reaches such a level by a slip is lost whatever else agrees [assumed]."""


def load(path: Path) -> Model:
    """The model in `path`; SettingsError says where it is no model, or one that cannot be used."""
    try:
        return from_facts(load_json(path))
    except SettingsError as error:
        raise SettingsError(error if str(error).startswith(str(path)) else f"{path}: {error}") from None


def load_json(path: Path) -> dict[str, Any]:
    """The JSON object in `path`; SettingsError says where it is none."""
    size = path.stat().st_size
    if size > LARGEST:
        raise SettingsError(f"{path}: has {size} bytes, more than a model ever has; is it the right file?")
    try:
        facts = json.loads(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is no text in UTF-8, so no JSON") from None
    except json.JSONDecodeError as error:
        raise SettingsError(f"{path}: is no JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise SettingsError(f"{path}: is nested too deeply to be a model") from None
    if not isinstance(facts, dict):
        raise SettingsError(f"{path}: holds no JSON object, so no model")
    return facts


def dumps(model: Model) -> str:
    """The model as text: one value to a line, always in the same order, probabilities to nine digits."""
    facts = model.to_json()
    provenance = json.loads(json.dumps(facts.pop("provenance"), sort_keys=True, default=str))
    return json.dumps({**facts, "provenance": provenance}, indent=1, ensure_ascii=False) + "\n"


def from_facts(facts: Mapping[str, Any]) -> Model:
    """The model that a JSON object holds, its conditions as they may be run."""
    if "comparison_levels" in str(facts.get("comparisons"))[:2000]:
        raise SettingsError("this is a Splink model; make one of ours of it with `caretrace model import`")
    comparisons = facts.get("comparisons")
    if not isinstance(comparisons, list):
        raise SettingsError("this is no model: it has no list of comparisons")
    if len(comparisons) > MOST_COMPARISONS:
        raise SettingsError(f"the model has {len(comparisons)} comparisons, more than {MOST_COMPARISONS}")
    for key in ("in_register", "household", "names_together"):
        value = facts.get(key, 0.5)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _LARGEST_HOUSEHOLD:
            raise SettingsError(f"the model's {key} is no number above 0 that it could be")
    _check_systems(facts.get("systems", []))
    safe = [_comparison(each, f"comparison {place}") for place, each in enumerate(comparisons, 1)]
    model = Model.from_json({**facts, "comparisons": safe}, allow=_allow)
    for weights in model.comparisons:
        _refuse_nonsense(weights)
    for system in model.systems:
        for weights in system.comparisons:
            _refuse_nonsense(weights, f" of {system.source}")
    return model


def _check_systems(systems: object) -> None:
    """Refuse error rates of client systems that are no such thing, before a name of theirs becomes part of a query."""
    if not isinstance(systems, list) or len(systems) > MOST_SYSTEMS:
        raise SettingsError(f"the model's systems are no list of at most {MOST_SYSTEMS}")
    for place, each in enumerate(systems, 1):
        source = each.get("source") if isinstance(each, dict) else None
        if not nameable(source):
            raise SettingsError(
                f"client system {place} of the model: its source must be 1 to 100 characters, no quotes"
            )
        own = each.get("comparisons")
        if not isinstance(own, list) or any(not isinstance(x, dict) or not _are_levels(x.get("levels")) for x in own):
            raise SettingsError(
                f"client system {place} of the model: a comparison lacks levels with an m and an h each"
            )


def _are_levels(levels: object) -> bool:
    return isinstance(levels, list) and all(
        isinstance(x, dict)
        and x.keys() == {"level", "m", "h"}
        and all(isinstance(x[key], int | float) and not isinstance(x[key], bool) for key in "mh")
        for x in levels
    )


def _allow(condition: str) -> None:
    if canonical(condition) != condition:
        raise ConditionError("the condition is not as it would be run")


def _comparison(facts: object, where: str) -> dict[str, Any]:
    """The object with its conditions written anew, and every name fit to stand in a query."""
    if not isinstance(facts, dict) or not isinstance(facts.get("levels"), list) or not facts["levels"]:
        raise SettingsError(f"{where}: it is no object with a list of levels")
    if len(facts["levels"]) > MOST_LEVELS:
        raise SettingsError(f"{where}: it has {len(facts['levels'])} levels, more than {MOST_LEVELS}")
    name = facts.get("comparison")
    if not isinstance(name, str) or not _COMPARISON_NAME.fullmatch(name):
        raise SettingsError(f"{where}: its name must be letters, digits and spaces, a letter first")
    where = f"{where} ('{name}')"
    levels = [_level(each, f"{where}, level {place}") for place, each in enumerate(facts["levels"], 1)]
    names = [each["level"] for each in levels]
    if len(set(names)) != len(names):
        raise SettingsError(f"{where}: two of its levels have one name")
    if "unknown" not in facts:
        return {**facts, "levels": levels}
    if facts.get("role") not in (None, *get_args(Role)):
        raise SettingsError(f"{where}: its role must be one of {', '.join(get_args(Role))}")
    for place, each in enumerate(levels, 1):
        each["condition"] = _condition(each.get("condition"), f"{where}, level {place}")
    if levels[-1]["condition"] != "true":
        raise SettingsError(f"{where}: the condition of its last level must be true, or some pairs reach no level")
    return {**facts, "levels": levels, "unknown": _condition(facts["unknown"], f"{where}, unknown")}


def _level(facts: object, where: str) -> dict[str, Any]:
    if not isinstance(facts, dict):
        raise SettingsError(f"{where}: it is no object")
    name = facts.get("level")
    if not isinstance(name, str) or not _LEVEL_NAME.fullmatch(name) or not name.isprintable():
        raise SettingsError(f"{where}: its name must be 1 to 100 characters without quotes")
    where = f"{where} ('{name}')"
    for key in "muh":
        value = facts.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
            raise SettingsError(f"{where}: {key} must be a number above 0 and up to 1")
    # A key that is not read today may become a part of a query tomorrow.
    if facts.keys() - _LEVEL_KEYS:
        raise SettingsError(f"{where}: it has a key that no level has; the keys are {', '.join(sorted(_LEVEL_KEYS))}")
    for key in ("frequency", "at_least"):
        if facts.get(key) not in (None, *_FREQUENCIES):
            raise SettingsError(f"{where}: its {key} must be one of {', '.join(_FREQUENCIES)}")
    if facts.get("stance") not in (None, *get_args(Stance)):
        raise SettingsError(f"{where}: its stance must be one of {', '.join(get_args(Stance))}")
    if not isinstance(facts.get("among") or "", str):
        raise SettingsError(f"{where}: its among must be a text, the same for every level of one kind of pairs")
    if not isinstance(facts.get("meaning", ""), str) or not isinstance(facts.get("namesakes_reach", False), bool):
        raise SettingsError(f"{where}: its meaning must be a text, and namesakes_reach true or false")
    return {"meaning": name, **facts} if "condition" in facts else dict(facts)


# Written out, so that a new attribute of `linkage.comparison.Level` is looked at before a file may set it.
_LEVEL_KEYS = {"level", "m", "u", "h", *LEVEL_ATTRIBUTES}
_FREQUENCIES = tuple(u_columns(Frequencies(1, defaultdict(float), 0.0)))


def _condition(text: object, where: str) -> str:
    if not isinstance(text, str):
        raise SettingsError(f"{where}: it has no condition")
    try:
        condition = canonical(text)
        check_types(condition)
    except ConditionError as error:
        raise SettingsError(f"{where}: {error}") from None
    return condition


def _refuse_nonsense(weights: ComparisonWeights, whose: str = "") -> None:
    name = f"{weights.comparison.name}{whose}"
    for kind in "muh":
        total = math.fsum(getattr(level, kind) for level in weights.levels)
        if abs(total - 1) > _SLIP:
            raise SettingsError(
                f"comparison '{name}': its {kind} add up to {total:.4g}, and should to 1; look for a slip"
            )
    if len(weights.levels) < 2:
        raise SettingsError(f"comparison '{name}': it has one level, so it says nothing")
    if bits(weights.levels[0]) < 0 < bits(weights.levels[-1]):
        raise SettingsError(
            f"comparison '{name}': agreement speaks against a match and disagreement for one; are its levels reversed?"
        )


def findings(model: Model) -> tuple[str, ...]:
    """What is odd about a model and may be meant: sums, order, levels that say nothing."""
    found = []
    for weights in model.comparisons:
        name = weights.comparison.name
        for kind in "muh":
            total = math.fsum(getattr(level, kind) for level in weights.levels)
            if abs(total - 1) > _ROUNDING:
                found.append(f"{name}: its {kind} add up to {total:.4g}")
        best = bits(weights.levels[0])
        if best <= 0:
            found.append(f"{name}: its best level speaks against a match ({best:+.2f} bits)")
        # A level that has a frequency of its own weighs more or less than its average.
        by_frequency = weights.comparison.levels[0].frequency is not None
        above = [level.level for level in weights.levels[1:] if bits(level) > best and not by_frequency]
        if above:
            found.append(f"{name}: more than its best level weigh {', '.join(above)}")
        forbid = [f"{level.level} ({bits(level):+.2f} bits)" for level in weights.levels if bits(level) < _FORBIDS]
        if forbid:
            found.append(f"{name}: all but forbidden is a link at {', '.join(forbid)}; was it ever met in training?")
        if bits(weights.levels[-1]) > 0:
            found.append(f"{name}: its last level speaks for a match ({bits(weights.levels[-1]):+.2f} bits)")
    return tuple(found)


def bits(level: LevelWeights) -> float:
    """What a level weighs where it has no frequency of its own: log2(m / u)."""
    return math.log2(level.m / level.u)
