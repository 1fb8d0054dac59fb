"""A Splink model as one of ours: the same comparisons, levels and weights, over our records.

Splink's conditions are read as syntax trees (`linkage.conditions`), their columns become those of our record, and the
SQL is written anew; so a pair reaches the same level in both, and weighs the same. Three things are ours: the prior is
per client and needs the register's size, term frequencies come from the register at hand, and no m or u is below
`linkage.model.FLOOR`. Splink knows no households: u stands for h, so that explanation takes nothing away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from linkage.comparison import COMPARISONS, Comparison, Level, Role, Stance
from linkage.conditions.expression import Call, columns, same_columns, walk
from linkage.conditions.fields import BY_NAME, Field, canonical
from linkage.model import FLOOR, ComparisonWeights, LevelWeights, Model
from linkage.splink.conditions import ReadLevel, read_level, renamed, taken_for_granted, unknown_sql
from linkage.splink.exports import FREQUENCIES
from linkage.splink.read import SplinkComparison, SplinkSettings, read
from linkage.splink.weights import in_register, refuse_gaps, weigh

NO_HOUSEHOLD = FLOOR
"""`Model.household` of a model without households; it takes less than a billionth of a bit from any weight."""
# What our record counts how often, by the only column of an exact level.
_FREQUENCIES = {
    **{"given": "given_u", "middle": "middle_u", "family": "family_u", "birth_date": "birth_u", "unit": "unit_u"}
}
# By the columns of our own export, whose levels start from their own u.
_EXPORTED = {several[0].column: name for name, several in FREQUENCIES.items() if len(several) == 1}
_DATE_DISTANCE = ("epoch", "date_diff", "date_part")
# What must agree for a level to support a link, where a part of it would not do.
_WHOLE = {"place": {"unit"}, "number": {"nhs", "nhs_number"}}
_GUARDS: dict[Role, str] = {
    "given": "another given name",
    "birth": "another date of birth",
    "number": "a number of somebody else",
    "place": "support by the address",
}


@dataclass(frozen=True)
class Imported:
    """The model, and every way in which it is not what the file says; `notes` name their place."""

    model: Model
    notes: tuple[str, ...]


def import_settings(
    facts: Mapping[str, Any],
    *,
    names: Mapping[str, str] | None = None,
    accept_defaults: bool = False,
    people: int | None = None,
    frequencies: bool = True,
) -> Imported:
    """The model that a Splink settings object describes.

    `names` says which of our fields (`conditions.fields.FIELDS`) a column of the model is, where its name does not.
    `accept_defaults` takes Splink's own default for every m and u that the file lacks; without it they are refused,
    all named. With `people`, the number of people in the register, the prior equals Splink's too. `frequencies` false
    leaves out every term frequency. Raises SettingsError with the place of whatever cannot be had exactly.
    """
    settings = read(facts)
    fields = renamed(names or {})
    if not accept_defaults:
        refuse_gaps(settings, prior_is_used=people is not None)
    notes = _about_the_file(settings)
    weights = []
    for comparison in settings.comparisons:
        made, said = _comparison(comparison, fields, frequencies=frequencies)
        weights.append(made)
        notes += said
    notes += _about_roles(weights)
    share, about_prior = in_register(settings, people)
    notes.append(about_prior)
    provenance = {
        "origin": "splink",
        "splink_shape": settings.shape,
        "sql_dialect": settings.dialect,
        "probability_two_random_records_match": settings.prior,
        "columns": dict(names or {}),
        "notes": notes,
    }
    return Imported(Model(tuple(weights), share, NO_HOUSEHOLD, None, provenance), tuple(notes))


def _comparison(
    comparison: SplinkComparison, fields: Mapping[str, Field], *, frequencies: bool
) -> tuple[ComparisonWeights, list[str]]:
    levels = [read_level(level, fields) for level in comparison.levels]
    weighed = [each for each in levels if not each.level.is_null]
    role = _role(levels)
    weights, notes = weigh(comparison, _unique([each.level.label for each in weighed]))
    made = []
    for place, (each, own) in enumerate(zip(weighed, weights, strict=True)):
        stance = _stance(each, own, role, is_last=place == len(weighed) - 1)
        frequency, at_least = _frequency(each, own, notes, wanted=frequencies)
        learns = stance == "differs" and role in ("given", "middle", "birth")
        made.append(Level(own.level, each.sql, each.level.label, frequency, stance, at_least, learns))
        notes += taken_for_granted(each)
    unknown = unknown_sql(levels)
    if unknown == "false":
        notes.append(
            f"comparison '{comparison.name}': it has no level for missing values, so one counts as disagreement here as"
            " it does in Splink"
        )
    ours = Comparison(_comparison_name(comparison.name), unknown, tuple(made), role)
    return _as_shipped(ComparisonWeights(ours, weights)), notes


def _of_all_pairs(weights: ComparisonWeights, shipped: Comparison) -> ComparisonWeights:
    """What an export tells among the pairs of one kind, told among all: as if each kind were equally common.

    How common they are is not in the file, and takes nothing from any weight (linkage.model.shares_among).
    """
    kinds = {level.among for level in shipped.levels} - {None}
    levels = (
        own if level.among is None else replace(own, m=own.m / len(kinds), u=own.u / len(kinds))
        for level, own in zip(shipped.levels, weights.levels, strict=True)
    )
    return replace(weights, levels=tuple(levels))


def _as_shipped(weights: ComparisonWeights) -> ComparisonWeights:
    """The comparison that ships, where this one asks the same: passes know its levels by name."""
    own = weights.comparison.levels
    asked = [weights.comparison.unknown, *(level.condition for level in own)]
    for shipped, asks in _shipped():
        if asked == asks:
            levels = [
                replace(s, frequency=o.frequency, at_least=o.at_least) for s, o in zip(shipped.levels, own, strict=True)
            ]
            if levels == list(shipped.levels):
                weights = _of_all_pairs(weights, shipped)
            else:
                levels = [replace(level, among=None) for level in levels]
            named = [replace(w, level=s.name) for s, w in zip(levels, weights.levels, strict=True)]
            return ComparisonWeights(replace(shipped, levels=tuple(levels)), tuple(named))
    return weights


@cache
def _shipped() -> list[tuple[Comparison, list[str]]]:
    """Each comparison that ships, with what it asks as it would come from a file."""
    return [(each, [canonical(x) for x in (each.unknown, *(y.condition for y in each.levels))]) for each in COMPARISONS]


def _comparison_name(name: str) -> str:
    """A name that can stand in SQL: letters, digits and single spaces, a letter first."""
    words = " ".join("".join(c if c.isascii() and c.isalnum() else " " for c in name).split())
    return words if words[:1].isalpha() else f"comparison {words}".rstrip()


def _unique(labels: list[str]) -> list[str]:
    return [label if label not in labels[:place] else f"{label} ({place + 1})" for place, label in enumerate(labels)]


def _role(levels: list[ReadLevel]) -> Role | None:
    """What the comparison is about: what its level for missing values reads, or, without one, all its levels."""
    read_by = [each for each in levels if each.level.is_null] or levels
    fields = {column.name for each in read_by if each.condition is not None for column in columns(each.condition)}
    roles = {BY_NAME[name].role for name in fields if name in BY_NAME}
    if roles == {"given", "family"}:
        return "given"
    return next(iter(roles)) if len(roles) == 1 else None


def _stance(each: ReadLevel, weights: LevelWeights, role: Role | None, *, is_last: bool) -> Stance | None:
    """What the level says to the guards: the last level and any that speaks against a match differ.

    A date that is only near in time is not the same date, whatever it weighs. A place supports a link where the whole
    postcode agrees, not where a part of it does.
    """
    if is_last or weights.m < weights.u:
        return "differs"
    if each.condition is None:
        return None
    if role == "birth" and any(isinstance(x, Call) and x.name in _DATE_DISTANCE for x in walk(each.condition)):
        return "differs"
    same, whole = same_columns(each.condition), _WHOLE.get(role or "", set())
    return "agrees" if same and (not whole or same & whole) else None


def _frequency(each: ReadLevel, own: LevelWeights, notes: list[str], *, wanted: bool) -> tuple[str | None, str | None]:
    """Our frequency that stands for the level's u, or that its u does not fall below."""
    level = each.level
    if level.tf_column is None or each.condition is None or level.tf_weight == 0:
        return None, None
    if not wanted:
        notes.append(f"{level.place}: its term frequencies are left out as asked; u is the level's average")
        return None, None
    if level.tf_own_u and level.tf_weight == 1 and level.tf_column in _EXPORTED:
        ours = _EXPORTED[level.tf_column]
        return (None, ours) if level.tf_minimum == own.u else (ours, None)
    same = same_columns(each.condition)
    found = _FREQUENCIES.get(next(iter(same))) if len(same) == 1 else None
    if found is None or level.tf_weight != 1:
        notes.append(
            f"{level.place}: its term frequencies are left out, u is the level's average; ours are for exact agreement"
            f" on one of {', '.join(_FREQUENCIES)}, at full weight"
        )
        return None, None
    least = f", and never below {level.tf_minimum:g}" if level.tf_minimum else ""
    notes.append(
        f"{level.place}: its term frequencies are those of the register, counted our way; Splink counts both"
        f" inputs{least}"
    )
    return found, None


def _about_the_file(settings: SplinkSettings) -> list[str]:
    notes = []
    if settings.unknown_keys:
        notes.append(f"not read, since no version of Splink knows them: {', '.join(settings.unknown_keys)}")
    if settings.link_type == "dedupe_only":
        notes.append("the model was made to find duplicates within one list, so its u and its prior are of that list")
    if settings.blocking_rules:
        notes.append(f"its {settings.blocking_rules} blocking rules are not used; ours are (linkage.blocking)")
    if settings.dialect != "duckdb":
        notes.append(
            f"its conditions are written for {settings.dialect}; functions of the same name may differ there in the"
            " last digits, or for texts that are empty"
        )
    return notes


def _about_roles(weights: list[ComparisonWeights]) -> list[str]:
    roles = {each.comparison.role for each in weights}
    return [
        f"no comparison of it is about the {role} alone, so the guard that looks for {meaning} cannot work"
        for role, meaning in _GUARDS.items()
        if role not in roles
    ]
