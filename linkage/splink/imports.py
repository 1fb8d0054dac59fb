"""A Splink model as one of ours: the same comparisons, levels and weights, over our records.

Splink's conditions are read as syntax trees (`linkage.condition`), their columns become those of our record, and the
SQL is written anew; so a pair reaches the same level in both, and weighs the same. Three things are ours: the prior is
per client and needs the register's size, term frequencies come from the register at hand, and no level weighs less than
`linkage.model.FLOOR` allows. Splink knows no households: u stands for h, so that explanation takes nothing away.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from linkage.comparison import COMPARISONS, Comparison, Level, Role, Stance
from linkage.condition import parse
from linkage.expression import Call, Column, ConditionError, Constant, Expression, columns, same_columns, walk, write
from linkage.fields import BY_NAME, FIELDS, NICKNAME, Field, canonical, check_types, known_as
from linkage.functions import Kind
from linkage.model import FLOOR, ComparisonWeights, LevelWeights, Model, default_model
from linkage.splink.read import DEFAULT_PRIOR, SplinkComparison, SplinkLevel, SplinkSettings, read
from schemas.errors import SettingsError

NO_HOUSEHOLD = FLOOR
"""`Model.household` of a model without households; it takes less than a billionth of a bit from any weight."""
# What our record counts how often, by the only column of an exact level.
_FREQUENCIES = {"given": "given_u", "family": "family_u", "birth_date": "birth_u", "unit": "unit_u"}
_DATE_DISTANCE = ("epoch", "date_diff")


@dataclass(frozen=True)
class Imported:
    """The model, and every way in which it is not what the file says; `notes` name their place."""

    model: Model
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Read:
    """A level with its condition as a tree over our columns; None for ELSE."""

    level: SplinkLevel
    condition: Expression | None


def import_settings(
    facts: Mapping[str, Any],
    *,
    names: Mapping[str, str] | None = None,
    accept_defaults: bool = False,
    people: int | None = None,
    frequencies: bool = True,
) -> Imported:
    """The model that a Splink settings object describes.

    `names` says which of our fields (`linkage.fields.FIELDS`) a column of the model is, where its name does not.
    `accept_defaults` takes Splink's own default for every m and u that the file lacks; without it they are refused,
    all named. With `people`, the number of people in the register, the prior equals Splink's too. `frequencies` false
    leaves out every term frequency. Raises SettingsError with the place of whatever cannot be had exactly.
    """
    settings = read(facts)
    renamed = _renamed(names or {})
    notes = _about_the_file(settings)
    _refuse_gaps(settings, people, accept_defaults=accept_defaults)
    weights = []
    for comparison in settings.comparisons:
        made, said = _comparison(comparison, renamed, frequencies=frequencies)
        weights.append(made)
        notes += said
    notes += _about_roles(weights)
    in_register, said_of_prior = _prior(settings, people)
    notes.append(said_of_prior)
    provenance = {
        "origin": "splink",
        "splink_shape": settings.shape,
        "sql_dialect": settings.dialect,
        "probability_two_random_records_match": settings.prior,
        "notes": notes,
    }
    return Imported(Model(tuple(weights), in_register, NO_HOUSEHOLD, None, provenance), tuple(notes))


def _renamed(names: Mapping[str, str]) -> dict[str, Field]:
    for theirs, ours in names.items():
        if ours not in BY_NAME:
            raise SettingsError(f"column {theirs}={ours}: our record has no {ours}; it has {_field_names()}")
    return {theirs.lower(): BY_NAME[ours] for theirs, ours in names.items()}


def _field_names() -> str:
    return ", ".join(field.name for field in FIELDS)


NICKNAMES = Field("given_nicknames", Kind.LIST, "nicknames of the given name, in the records that we export")


def _field(name: str, renamed: Mapping[str, Field]) -> Field:
    if found := renamed.get(name.lower()) or known_as(name):
        return found
    if name.lower() == NICKNAMES.name:
        return NICKNAMES
    raise ConditionError(
        f"the column '{name}' is none that our record is known to have; say which with --column {name}=FIELD, where"
        f" FIELD is one of {_field_names()}"
    )


# ------------------------------------------------------------------------------------------------------------- weights


def _refuse_gaps(settings: SplinkSettings, people: int | None, *, accept_defaults: bool) -> None:
    if accept_defaults:
        return
    gaps = [
        f"{level.place}: no {name}; Splink would put {default:.6g}"
        for comparison in settings.comparisons
        for level, (m, u) in zip(comparison.weighed, defaults(len(comparison.weighed)), strict=True)
        for name, value, default in (("m_probability", level.m, m), ("u_probability", level.u, u))
        if value is None
    ]
    if people is not None and settings.prior is None:
        gaps.append(f"the model: no probability_two_random_records_match; Splink would put {DEFAULT_PRIOR}")
    if gaps:
        raise SettingsError(
            "\n".join(
                [
                    f"{len(gaps)} values are missing, as after training that never met a level. Splink fills them with"
                    " defaults when it loads the file, and says nothing. Give --accept-defaults to take the same:",
                    *(f"  - {gap}" for gap in gaps),
                ]
            )
        )


def defaults(levels: int) -> list[tuple[float, float]]:
    """Splink's default m and u of the levels of a comparison, best first, those for missing values left out.

    As in Splink 5.0: m 0.95 for the best and the rest shared; weights of 10 bits for the best, the others spread
    evenly from 3 down to -5.
    """
    others = levels - 1
    bits = [10.0, *([-5.0] if others == 1 else [3 - 8 * place / (others - 1) for place in range(others)])]
    m = [0.95, *([(1 - 0.95) / others] * others)]
    return [(each, each / 2**weight) for each, weight in zip(m, bits, strict=True)]


def _weights(comparison: SplinkComparison, names: list[str], notes: list[str]) -> tuple[LevelWeights, ...]:
    made = []
    for name, level, (m, u) in zip(names, comparison.weighed, defaults(len(names)), strict=True):
        for key, value, default in (("m", level.m, m), ("u", level.u, u)):
            if value is None:
                notes.append(f"{level.place}: no {key} in the file; Splink's default {default:.6g} is taken")
            elif value < FLOOR:
                notes.append(
                    f"{level.place}: {key} is {value:.3g}, which no data can show; {FLOOR:.0e} is taken, so that no"
                    " single level proves or refutes alone"
                )
        m, u = (max(own if own is not None else usual, FLOOR) for own, usual in ((level.m, m), (level.u, u)))
        made.append(LevelWeights(name, m, u, u))
    return tuple(made)


def _prior(settings: SplinkSettings, people: int | None) -> tuple[float, str]:
    """`in_register`, such that the prior of one pair is Splink's where the size of the register is known."""
    if people is None:
        usual = default_model().in_register
        return usual, (
            f"the prior is ours: {usual:.0%} of clients are taken to be in the register [assumed]; give"
            " --register-people N for Splink's own, which differs by one constant for all pairs"
        )
    if people < 1:
        raise SettingsError("the number of people in the register must be 1 or more")
    prior = settings.prior if settings.prior is not None else DEFAULT_PRIOR
    if not 0 < prior < 1:
        raise SettingsError("the model's probability_two_random_records_match must lie between 0 and 1")
    odds = people * prior / (1 - prior)
    return odds / (1 + odds), f"the prior is Splink's in a register of {people} people"


# ----------------------------------------------------------------------------------------------------------- conditions


def _comparison(
    comparison: SplinkComparison, renamed: Mapping[str, Field], *, frequencies: bool
) -> tuple[ComparisonWeights, list[str]]:
    notes: list[str] = []
    levels = [_Read(level, _parsed(level, renamed)) for level in comparison.levels]
    role = _role(levels)
    names = _unique([each.level.label for each in levels if not each.level.is_null])
    weights = _weights(comparison, names, notes)
    made, weighed = [], [each for each in levels if not each.level.is_null]
    for place, (each, own) in enumerate(zip(weighed, weights, strict=True)):
        stance = _stance(each, own, role, is_last=place == len(weighed) - 1)
        made.append(
            Level(
                name=own.level,
                condition="true" if each.condition is None else _sql(each.condition, each.level.place),
                meaning=each.level.label,
                frequency=_frequency(each, notes, wanted=frequencies),
                stance=stance,
                namesakes_reach=stance == "differs" and role in ("given", "birth"),
            )
        )
        notes += _about_condition(each)
    unknown = _unknown(levels)
    if unknown == "false":
        notes.append(
            f"comparison '{comparison.name}': it has no level for missing values, so one counts as disagreement here as"
            " it does in Splink"
        )
    ours = Comparison(_comparison_name(comparison.name), unknown, tuple(made), role)
    return _as_shipped(ComparisonWeights(ours, weights)), notes


def _as_shipped(weights: ComparisonWeights) -> ComparisonWeights:
    """The comparison that ships, where this one asks the same: passes and training know it by name."""
    asked = [weights.comparison.unknown, *(level.condition for level in weights.comparison.levels)]
    for shipped in COMPARISONS:
        if asked == [canonical(each) for each in (shipped.unknown, *(level.condition for level in shipped.levels))]:
            levels = zip(shipped.levels, weights.levels, strict=True)
            return ComparisonWeights(shipped, tuple(replace(own, level=level.name) for level, own in levels))
    return weights


def _parsed(level: SplinkLevel, renamed: Mapping[str, Field]) -> Expression | None:
    if level.condition is None:
        return None

    def resolve(parts: tuple[str, ...]) -> Column:
        name, side = parts[-1][:-2], parts[-1][-2:].lower()
        if len(parts) != 1 or side not in ("_l", "_r") or not name:
            raise ConditionError(
                f"the condition reads {'.'.join(parts)}; Splink's columns end in _l or _r, and texts stand in '...'"
            )
        field = _field(name, renamed)
        return Column(side[1], field.name, field.kind)

    try:
        return _with_join(parse(level.condition, resolve))
    except ConditionError as error:
        raise SettingsError(f"{level.place}: {error}") from None


def _with_join(condition: Expression) -> Expression:
    """What an export of ours says by a list of nicknames in each record, said by the join with their table."""
    theirs, ours = Column("l", NICKNAMES.name, NICKNAMES.kind), Column("r", "given", Kind.TEXT)
    if condition == Call("list_contains", (theirs, ours)):
        return Call("is not null", (NICKNAME,))
    if any(column.name == NICKNAMES.name for column in columns(condition)):
        raise ConditionError("the condition reads given_nicknames in another way than our exports do")
    return condition


def _sql(condition: Expression, place: str) -> str:
    """Our SQL for a condition over fields, checked to be what DuckDB takes."""
    try:
        sql = canonical(write(condition, _written))
        check_types(sql)
    except ConditionError as error:
        raise SettingsError(f"{place}: {error}") from None
    return sql


def _written(column: Column) -> str:
    return "n.a" if column == NICKNAME else BY_NAME[column.name].of(column.side)


def _unknown(levels: list[_Read]) -> str:
    """When the comparison says nothing: a level for missing values is reached, and none of those before it."""
    arms, before = [], list[str]()
    for each in levels:
        sql = "true" if each.condition is None else _sql(each.condition, each.level.place)
        if each.level.is_null:
            arms.append(" AND ".join([sql, *(f"NOT coalesce({earlier}, false)" for earlier in before)]))
        else:
            before.append(sql)
    return canonical(" OR ".join(f"({arm})" for arm in arms)) if arms else "false"


def _comparison_name(name: str) -> str:
    """A name that can stand in SQL: letters, digits and single spaces, a letter first."""
    words = " ".join("".join(c if c.isascii() and c.isalnum() else " " for c in name).split())
    return words if words[:1].isalpha() else f"comparison {words}".rstrip()


def _unique(labels: list[str]) -> list[str]:
    return [label if label not in labels[:place] else f"{label} ({place + 1})" for place, label in enumerate(labels)]


# --------------------------------------------------------------------------------------------- what a level means to us


def _role(levels: list[_Read]) -> Role | None:
    """What the comparison is about: what its level for missing values reads, or, without one, all its levels."""
    read_by = [each for each in levels if each.level.is_null] or levels
    fields = {column.name for each in read_by if each.condition is not None for column in columns(each.condition)}
    roles = {BY_NAME[name].role for name in fields if name in BY_NAME}
    if roles == {"given", "family"}:
        return "given"
    return next(iter(roles)) if len(roles) == 1 else None


def _stance(each: _Read, weights: LevelWeights, role: Role | None, *, is_last: bool) -> Stance | None:
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
    same = same_columns(each.condition)
    wanted = {"place": {"unit"}, "number": {"nhs", "nhs_number"}}.get(role or "", set())
    return "agrees" if same and (not wanted or same & wanted) else None


def _frequency(each: _Read, notes: list[str], *, wanted: bool) -> str | None:
    level = each.level
    if level.tf_column is None or each.condition is None or level.tf_weight == 0:
        return None
    same = same_columns(each.condition)
    ours = _FREQUENCIES.get(next(iter(same))) if len(same) == 1 else None
    if not wanted:
        notes.append(f"{level.place}: its term frequencies are left out as asked; u is the level's average")
        return None
    if ours is None or level.tf_weight != 1:
        notes.append(
            f"{level.place}: its term frequencies are left out, u is the level's average; ours are for exact agreement"
            f" on one of {', '.join(_FREQUENCIES)}, at full weight"
        )
        return None
    notes.append(
        f"{level.place}: its term frequencies are those of the register, counted our way; Splink counts both inputs"
    )
    return ours


def _about_condition(each: _Read) -> list[str]:
    """What a condition takes for granted that our records do not keep to."""
    if each.condition is None:
        return []
    notes = []
    for part in walk(each.condition):
        if isinstance(part, Call) and part.name in ("=", "<>", "in", "~~", "!~~"):
            kinds = {type(x): x.kind for x in part.arguments if isinstance(x, Column | Constant)}
            if kinds.get(Column) is Kind.TEXT and kinds.get(Constant) is Kind.TEXT:
                notes.append(
                    f"{each.level.place}: it looks for a fixed text; our texts are in capitals, without accents"
                )
        if isinstance(part, Call) and part.name in ("substring", "left", "right", "element", "slice"):
            first = part.arguments[0]
            if isinstance(first, Column) and first.kind is Kind.DATE:
                notes.append(f"{each.level.place}: it cuts the text of a date; ours is written 2001-12-31")
    return notes


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
    guards: dict[Role, str] = {
        "given": "another given name",
        "birth": "another date of birth",
        "number": "a number of somebody else",
        "place": "support by the address",
    }
    return [
        f"it compares no {role} alone, so the guard that looks for {meaning} cannot work"
        for role, meaning in guards.items()
        if role not in roles
    ]


def bits(weights: LevelWeights) -> float:
    """What a level weighs: log2(m / u)."""
    return math.log2(weights.m / weights.u)
