"""Splink's conditions as ours: read as syntax trees over the fields of our record, and written anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from linkage.conditions.expression import (
    Call,
    Column,
    ConditionError,
    Constant,
    Expression,
    Junction,
    columns,
    walk,
    write,
)
from linkage.conditions.fields import BY_NAME, FIELDS, NICKNAME, Field, canonical, check_types, known_as
from linkage.conditions.functions import Kind
from linkage.conditions.reading import parse
from linkage.splink.read import SplinkLevel
from schemas.errors import SettingsError

NICKNAMES = Field("given_nicknames", Kind.LIST, "nicknames of the given name, in the records that we export")
_CUTS = ("substring", "left", "right", "element", "slice")


@dataclass(frozen=True)
class ReadLevel:
    """A level with its condition as a tree over our fields; None for ELSE."""

    level: SplinkLevel
    condition: Expression | None

    @property
    def sql(self) -> str:
        """Our SQL, checked to be what DuckDB takes; SettingsError with its place where it is not."""
        return "true" if self.condition is None else _checked(self.condition, self.level.place)


def _checked(condition: Expression, place: str) -> str:
    try:
        sql = canonical(write(condition, _written))
        check_types(sql)
    except ConditionError as error:
        raise SettingsError(f"{place}: {error}") from None
    return sql


def field_names() -> str:
    """The fields that a column may be said to be."""
    return ", ".join(field.name for field in FIELDS)


def renamed(names: Mapping[str, str]) -> dict[str, Field]:
    """What each column of the model is said to be; SettingsError where we have no such field."""
    for theirs, ours in names.items():
        if ours not in BY_NAME:
            raise SettingsError(f"--column {theirs}={ours}: our record has no {ours}; it has {field_names()}")
    return {theirs.lower(): BY_NAME[ours] for theirs, ours in names.items()}


def read_level(level: SplinkLevel, names: Mapping[str, Field]) -> ReadLevel:
    """The level with its condition read; SettingsError with its place where that is not allowed or not understood."""
    if level.condition is None:
        return ReadLevel(level, None)

    def resolve(parts: tuple[str, ...]) -> Column:
        name, side = parts[-1][:-2], parts[-1][-2:].lower()
        if len(parts) != 1 or side not in ("_l", "_r") or not name:
            raise ConditionError(
                f"the condition reads {'.'.join(parts)}; Splink's columns end in _l or _r, and texts stand in '...'"
            )
        field = _field(name, names)
        return Column(side[1], field.name, field.kind)

    try:
        return ReadLevel(level, _with_join(parse(level.condition, resolve)))
    except ConditionError as error:
        raise SettingsError(f"{level.place}: {error}") from None


def unknown_sql(levels: list[ReadLevel]) -> str:
    """When a comparison says nothing: a level for missing values is reached, and none of those before it."""
    arms: list[Expression] = []
    before: list[Expression] = []
    for each in levels:
        if each.condition is None:
            break
        if each.level.is_null:
            arms.append(Junction("AND", (each.condition, *before)) if before else each.condition)
        else:
            before.append(Call("not", (Call("coalesce", (each.condition, Constant("false", Kind.TRUTH))),)))
    if not arms:
        return "false"
    return _checked(arms[0] if len(arms) == 1 else Junction("OR", tuple(arms)), levels[0].level.place)


def taken_for_granted(each: ReadLevel) -> list[str]:
    """What the condition assumes of values that ours do not keep to."""
    notes = []
    for part in walk(each.condition) if each.condition is not None else ():
        if not isinstance(part, Call):
            continue
        kinds = {type(x): x.kind for x in part.arguments if isinstance(x, Column | Constant)}
        if part.name in ("=", "<>", "in", "~~", "!~~") and set(kinds.values()) == {Kind.TEXT} and len(kinds) == 2:
            notes.append(f"{each.level.place}: it looks for a fixed text; our texts are in capitals, without accents")
        first = part.arguments[0] if part.arguments else None
        if part.name in _CUTS and isinstance(first, Column) and first.kind is Kind.DATE:
            notes.append(f"{each.level.place}: it cuts the text of a date; ours is written 2001-12-31")
    return notes


def _field(name: str, names: Mapping[str, Field]) -> Field:
    if found := names.get(name.lower()) or known_as(name):
        return found
    if name.lower() == NICKNAMES.name:
        return NICKNAMES
    raise ConditionError(
        f"the column '{name}' is none that our record is known to have; say which with --column {name}=FIELD, where"
        f" FIELD is one of {field_names()}"
    )


def _with_join(condition: Expression) -> Expression:
    """What an export of ours says by a list of nicknames in each record, said by the join with their table."""
    theirs, ours = Column("l", NICKNAMES.name, NICKNAMES.kind), Column("r", "given", Kind.TEXT)
    if condition == Call("list_contains", (theirs, ours)):
        return Call("is not null", (NICKNAME,))
    if any(column.name == NICKNAMES.name for column in columns(condition)):
        raise ConditionError("the condition reads given_nicknames in another way than our exports do")
    return condition


def _written(column: Column) -> str:
    return "n.a" if column == NICKNAME else BY_NAME[column.name].of(column.side)
