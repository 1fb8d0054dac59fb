"""Clients by sex, age, ethnicity, area and source: who is linked, or found, less often than others.

In: `clients.person`. Out: the temporary table `client_group`, and rows of any counts over it in an order for readers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from schemas.codes import ETHNIC_CATEGORY, GENDER

if TYPE_CHECKING:
    import duckdb

SMALL_GROUP = 10
"""A group of fewer clients is put together with others: its share would say more about chance, and about single people,
than about the group."""
TOGETHER = f"groups of under {SMALL_GROUP}, together"
UNKNOWN = "not recorded"
AGE_BANDS = ((0, 17), (18, 24), (25, 34), (35, 44), (45, 54), (55, 64), (65, 74), (75, 84), (85, None))
_MOST_DISTRICTS = 40
"""Above this many postcode districts a table of them is no longer read, and areas stand in for them."""

GROUPINGS = {"age": "Age", "gender": "Gender", "ethnicity": "Ethnicity", "area": "Area", "system": "Source"}
"""Columns of `client_group`, and what each is called."""

KEY = "source, source_org, record_id"


@dataclass(frozen=True)
class Counted:
    """One group of one grouping, with whatever was counted of it; the first count is of its clients."""

    name: str
    counts: tuple[int, ...]


def age_band(low: int, high: int | None) -> str:
    """How a band is called: `under 18`, `18 to 24`, `85 and over`."""
    if high is None:
        return f"{low} and over"
    return f"under {high + 1}" if low == 0 else f"{low} to {high}"


def ethnic_group(code: str) -> str:
    """The part of the category's name before its colon: the census groups, which are large enough to compare."""
    return ETHNIC_CATEGORY.get(code, code).split(":")[0]


_AGES = [age_band(low, high) for low, high in AGE_BANDS]
_ORDER = (*_AGES, *GENDER.values(), *dict.fromkeys(ethnic_group(code) for code in ETHNIC_CATEGORY))


def make_groups(connection: duckdb.DuckDBPyConnection, *, as_at: date) -> None:
    """Make `client_group`: the key, and the name of the client's group in every grouping; ages are those on `as_at`."""
    years = " ".join(
        f"WHEN years <= {high} THEN '{name}'" for name, (_, high) in zip(_AGES, AGE_BANDS, strict=True) if high
    )
    gender = _named("gender", dict(GENDER))
    ethnicity = _named("ethnicity", {code: ethnic_group(code) for code in ETHNIC_CATEGORY})
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE client_group AS
        WITH person AS (
            SELECT *, date_sub('year', birth_date, DATE '{as_at}')
                      - CAST(birth_date > DATE '{as_at}' AS INTEGER) AS years,
                   postcode_district(postcode) AS district FROM clients.person
        )
        SELECT {KEY}, {gender} AS gender, {ethnicity} AS ethnicity,
               CASE WHEN years IS NULL OR years < 0 THEN '{UNKNOWN}' {years} ELSE '{_AGES[-1]}' END AS age,
               coalesce(CASE WHEN (SELECT count(DISTINCT district) FROM person) <= {_MOST_DISTRICTS} THEN district
                             ELSE regexp_extract(postcode, '^[A-Z]+') END, '{UNKNOWN}') AS area,
               source || ', ' || source_org AS system
        FROM person""")


def _named(column: str, names: dict[str, str]) -> str:
    arms = " ".join(f"WHEN '{code}' THEN '{name}'" for code, name in names.items())
    return f"CASE {column} {arms} ELSE coalesce({column}, '{UNKNOWN}') END"


def by_group(
    connection: duckdb.DuckDBPyConnection, relation: str, counts: str, groupings: Sequence[str] = tuple(GROUPINGS)
) -> Iterator[tuple[str, tuple[Counted, ...]]]:
    """Each grouping's column with its groups, small ones put together; `counts` is SQL over `relation`, clients first.

    `relation` has the client's key. A grouping that parts nobody from anybody is left out.
    """
    columns = [f"g.{name}" for name in groupings]
    which = " ".join(f"WHEN GROUPING(g.{name}) = 0 THEN '{name}'" for name in groupings)
    rows = connection.execute(f"""
        SELECT CASE {which} END, coalesce({", ".join(columns)}), {counts}
        FROM {relation} JOIN client_group g USING ({KEY})
        GROUP BY GROUPING SETS ({", ".join(f"({column})" for column in columns)})""").fetchall()
    for column in groupings:
        groups = [Counted(name, tuple(values)) for kind, name, *values in rows if kind == column]
        folded = tuple(fold(sorted(groups, key=lambda group: _place(group.name))))
        if len(folded) > 1:
            yield column, folded


@dataclass(frozen=True)
class Parted:
    """All clients, parted by one thing that is known about them: each group's clients, and those linked among them."""

    name: str
    groups: tuple[Counted, ...]


def linked_by_group(connection: duckdb.DuckDBPyConnection, *, as_at: date) -> tuple[Parted, ...]:
    """Make `client_group`, and count the clients of each group and the linked among them."""
    make_groups(connection, as_at=as_at)
    relation = "(SELECT source, source_org, record_id, decision = 'link' AS linked FROM link)"
    found = by_group(connection, relation, "count(*), count(*) FILTER (linked)")
    return tuple(Parted(GROUPINGS[column], groups) for column, groups in found)


def _place(name: str) -> tuple[int, str]:
    if name == UNKNOWN:
        return len(_ORDER) + 1, ""
    return (_ORDER.index(name), "") if name in _ORDER else (len(_ORDER), name)


def fold(groups: Sequence[Counted]) -> list[Counted]:
    """The groups with those of under SMALL_GROUP clients added up into one at the end.

    Were that one still small, it could be had by taking the others from the total; so the next smallest joins it.

    >>> [(g.name, g.counts) for g in fold([Counted("a", (30,)), Counted("b", (12,)), Counted("c", (4,))])]
    [('a', (30,)), ('groups of under 10, together', (16,))]
    """
    small = {group.name for group in groups if group.counts[0] < SMALL_GROUP}
    if not small:
        return list(groups)
    rest = sorted(
        (group for group in groups if group.name not in small), key=lambda group: (group.counts[0], group.name)
    )
    while rest and sum(group.counts[0] for group in groups if group.name in small) < SMALL_GROUP:
        small.add(rest.pop(0).name)
    added = tuple(sum(each) for each in zip(*(g.counts for g in groups if g.name in small), strict=True))
    return [*(group for group in groups if group.name not in small), Counted(TOGETHER, added)]
