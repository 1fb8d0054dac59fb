"""Figures as they may be shown: small numbers hidden, and the hiding audited, by governance's own rules.

People are counted by area, part and, for each amount, whether they have any of it; all of that is audited together, so
that neither a small group nor the few who have, or have not, can be worked out. Events are counted and audited beside.
Rates are made of the rounded numbers. A mean is shown where nothing it adds up with is hidden.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import floor, log10
from typing import TYPE_CHECKING

from caretrace.measures.declared import Measure
from caretrace.measures.figures import ALL, Figure, LeftOut, value
from caretrace.measures.tables import Linkage
from connectors.values import quoted
from governance.aggregate import cells as counting
from governance.aggregate.audit import NARROWEST
from governance.aggregate.cells import Table
from governance.aggregate.hiding import hide
from governance.aggregate.presets import PRESETS, Preset
from schemas.errors import SettingsError

if TYPE_CHECKING:
    import duckdb

DEFAULT = "nhs-hes-2018"
Place = tuple[str, ...]


def preset(name: str) -> Preset:
    """The preset of a name; SettingsError for one that does not round, since windows overlap from period to period."""
    found = PRESETS.get(name)
    rounding = [each.name for each in PRESETS.values() if each.base > 1]
    if found is None or found.base == 1:
        why = "there is no such preset" if found is None else "it rounds nothing, and periods overlap"
        raise SettingsError(f"small numbers by {name!r}: {why}; take one of {', '.join(rounding)}")
    return found


def shown(
    connection: duckdb.DuckDBPyConnection, measure: Measure, figures: list[Figure], rule: Preset
) -> tuple[list[Figure], list[str]]:
    """The figures of `measure_row` as they may be shown, and the periods of which nothing may, in words."""
    made: list[Figure] = []
    refused: list[str] = []
    for period in dict.fromkeys(figure.period for figure in figures):
        own = [figure for figure in figures if figure.period == period]
        secret = None
        people = max(figure.people or 0 for figure in own)
        if people == 0:
            secret = _Secret({}, {}, {})
        # Of few people nothing is shown, and an audit that they fail for being few would say how few.
        elif not rule.hides(people):
            try:
                secret = _secret(connection, measure, period, rule)
            except _CannotBeHidden as reason:
                refused.append(f"{period}: {reason}")
        made += [_as_shown(measure, figure, own, secret, rule) for figure in own]
    return made, refused


def left_out(found: list[LeftOut], rule: Preset) -> list[LeftOut]:
    """Counts of what could not be used, small ones hidden and the others rounded."""
    return [
        replace(each, records=None, people=None)
        if rule.hides(each.people or 0) or rule.hides(each.records or 0)
        else replace(each, records=rule.rounded(each.records or 0), people=rule.rounded(each.people or 0))
        for each in found
    ]


def share(part: int, whole: int, rule: Preset | None) -> float | None:
    """`part` of `whole` to three places; None for nobody, or where it is told of few people."""
    if rule is not None:
        if rule.hides(part) or rule.hides(whole - part) or rule.hides(whole):
            return None
        part, whole = rule.rounded(part), rule.rounded(whole)
    return round(part / whole, 3) if whole else None


def linkage(found: Linkage, rule: Preset | None) -> dict[str, int | float | None]:
    """The completeness of the linkage, as it may be told."""

    def told(count: int) -> int | None:
        return count if rule is None else None if rule.hides(count) else rule.rounded(count)

    return {
        "clients": told(found.clients),
        "linked": told(found.linked),
        "waiting_for_review": told(found.review),
        "share_linked": share(found.linked, found.clients, rule),
    }


class _CannotBeHidden(Exception):
    """Whatever is hidden, too much could be worked out."""


@dataclass(frozen=True)
class _Secret:
    """Which places are hidden: of people by area and part, of those who have some of an amount, and of events."""

    people: Mapping[Place, bool]
    having: Mapping[Place, bool]
    """By amount, area and part."""
    events: Mapping[Place, bool]

    def hides(self, amount: str, figure: Figure) -> bool:
        place, with_amount = (figure.area, figure.part), (amount, figure.area, figure.part)
        known = (self.people.get(place), self.having.get(with_amount), self.events.get(with_amount))
        return any(known)


def _secret(connection: duckdb.DuckDBPyConnection, measure: Measure, period: str, rule: Preset) -> _Secret:
    where = f"FROM measure_row WHERE period = {quoted(period)}"
    if measure.kind == "amounts":
        return _of_means(connection, measure, where, rule)
    [amount] = [each.name for each in measure.amounts]
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE out_person AS SELECT person_key, area, part,"
        f" CASE WHEN {amount} > 0 THEN 'yes' ELSE 'no' END AS has {where}"
    )
    people: dict[Place, bool] = {}
    # Nobody who has any is a count of 0, and hidden where zeros are.
    having = dict.fromkeys(_all_places(connection, amount), rule.hides_zero)
    for place, secret in _audited(connection, ("area", "part", "has"), rule).items():
        if place[2] == ALL:
            people[place[:2]] = secret
        elif place[2] == "yes":
            having[amount, *place[:2]] = secret
    if measure.kind == "share":
        return _Secret(people, having, {})
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE out_person AS SELECT CAST(row_number() OVER () AS VARCHAR) AS person_key,"
        f" area, part FROM (SELECT area, part, unnest(range({amount})) {where})"
    )
    [(events,)] = connection.execute("SELECT count(*) FROM out_person").fetchall()
    if not events or rule.hides(events):
        return _Secret(people, having, {})
    found = _audited(connection, ("area", "part"), rule)
    return _Secret(people, having, {(amount, *place): secret for place, secret in found.items()})


def _of_means(connection: duckdb.DuckDBPyConnection, measure: Measure, where: str, rule: Preset) -> _Secret:
    """People are told; of who has some of an amount only that they are not few, so that is not audited."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE out_person AS SELECT person_key, area, part {where}")
    people = _audited(connection, ("area", "part"), rule)
    having: dict[Place, bool] = {}
    for each in measure.amounts:
        found = connection.execute(
            f"SELECT CASE WHEN grouping(area) = 1 THEN '{ALL}' ELSE area END,"
            f" CASE WHEN grouping(part) = 1 THEN '{ALL}' ELSE part END, count(*) FILTER ({each.name} > 0)"
            f" {where} GROUP BY CUBE (area, part)"
        ).fetchall()
        having |= {(each.name, area, part): rule.hides(count) for area, part, count in found}
    return _Secret(people, having, {})


def _all_places(connection: duckdb.DuckDBPyConnection, amount: str) -> list[Place]:
    """Every area and part of the table `out_person`, and their totals."""
    found = connection.execute("SELECT DISTINCT area, part FROM out_person").fetchall()
    return [(amount, a, p) for area, part in found for a in (area, ALL) for p in (part, ALL)]


def _audited(connection: duckdb.DuckDBPyConnection, dimensions: tuple[str, ...], rule: Preset) -> dict[Place, bool]:
    """Which counts of `out_person` are hidden, by the word of each dimension, ALL for a total."""
    try:
        cells = counting.count(connection, [Table("measure", dimensions)])
    except counting.TooMany:
        raise _CannotBeHidden("too many groups to audit together; take fewer areas") from None
    found = hide(cells, rule)
    if found.narrowest is not None and found.narrowest < NARROWEST:
        raise _CannotBeHidden("what is hidden could be worked out from what is shown; take coarser areas or a year")
    places = [
        tuple(ALL if at == counting.ALL else words[at] for words, at in zip(cells.categories, cell.place, strict=True))
        for cell in cells.cells
    ]
    return {place: bool(secret) for place, secret in zip(places, found.small | found.others, strict=True)}


def _as_shown(measure: Measure, figure: Figure, beside: list[Figure], secret: _Secret | None, rule: Preset) -> Figure:
    nothing = tuple(None for _ in measure.amounts)
    count = figure.people or 0
    if rule.hides(count) or secret is None or secret.people.get((figure.area, figure.part), False):
        return replace(figure, people=None, amounts=nothing, values=nothing)
    people = rule.rounded(count)
    amounts: list[int | None] = []
    values: list[float | None] = []
    for at, each in enumerate(measure.amounts):
        number = figure.amounts[at] or 0
        if secret.hides(each.name, figure) or (measure.kind == "rate" and rule.hides(number)):
            amounts.append(None)
            values.append(None)
        elif measure.kind == "amounts":
            parts = [other for other in beside if _is_within(other, figure)]
            shown = count and not any(secret.hides(each.name, other) for other in parts)
            amounts.append(None)
            values.append(_three_digits(number / each.scale / count) if shown else None)
        else:
            amounts.append(rule.rounded(number))
            values.append(value(measure, rule.rounded(number), each.scale, people))
    return replace(figure, people=people, amounts=tuple(amounts), values=tuple(values))


def _is_within(part: Figure, whole: Figure) -> bool:
    """Whether what one figure tells of is part of, or is, what the other tells of."""
    return whole.area in (ALL, part.area) and whole.part in (ALL, part.part)


def _three_digits(mean: float) -> float:
    return round(mean, 2 - floor(log10(mean))) if mean > 0 else 0.0
