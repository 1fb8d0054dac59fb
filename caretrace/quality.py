"""Data-quality facts: what the records on each side lack, doubt and contradict, as counts and never a value.

In: the working store after reading. Out: `Quality`, from `facts(connection, as_at=...)`; `.to_json()` for `check`.
A side that was not loaded is left out, so one extract alone can be looked at too.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from schemas import PERSON, Type
from schemas.nhs_number import Range
from schemas.person import KEY_COLUMNS, PROVENANCE_COLUMNS

if TYPE_CHECKING:
    import duckdb

SIDES = ("clients", "register")

_NOT_FIELDS = {column.name for column in (*KEY_COLUMNS, *PROVENANCE_COLUMNS)} | {"birth_date_precision"}
FIELDS: tuple[str, ...] = tuple(c.name for c in PERSON.columns if c.type is not Type.FLAG and c.name not in _NOT_FIELDS)
"""The PERSON columns whose completeness is counted."""

PLACEHOLDER_BIRTH_DATES = (date(1900, 1, 1), date(1901, 1, 1))
"""Days that systems write for "not known"."""
OLDEST_AGE = 115
"""Years; a living person older than this is more likely a wrong date or an unrecorded death."""
UNLIKE_NAMES = 0.7
"""Jaro-Winkler below which two family names share next to nothing [assumed]; spellings of one name lie above 0.8."""


@dataclass(frozen=True)
class Field:
    """Completeness of one PERSON column; present + missing + refused = records, doubtful is part of present."""

    column: str
    present: int
    missing: int
    refused: int
    doubtful: int


@dataclass(frozen=True)
class SourceQuality:
    """One organisation's copy of one system; every number counts records unless its name says otherwise."""

    side: str
    source: str
    source_org: str
    records: int
    restricted: int
    fields: tuple[Field, ...]
    nhs_number_ranges: dict[str, int]
    """Valid NHS numbers by who issues them (`schemas.nhs_number.Range`)."""
    numbers_on_several_records: int
    """NHS numbers (not records) that stand on more than one record here."""
    numbers_on_different_people: int
    """Those of them whose records differ in day of birth, or in family name entirely."""
    born_placeholder: int
    born_first_january: int
    """Born on 1 January by a full date, placeholders not counted."""
    born_full_date: int
    born_in_future: int
    born_too_long_ago: int
    died_before_birth: int
    dead_with_open_services: int

    @property
    def first_january_expected(self) -> float:
        """What `born_first_january` would be if every day of the year were as likely."""
        return self.born_full_date / 365.25

    @property
    def numbers_from_elsewhere(self) -> int:
        """Valid numbers that England, Wales and the Isle of Man do not issue, test numbers not counted."""
        usual = (Range.ENGLAND_WALES_IOM.value, Range.TEST.value)
        return sum(count for kind, count in self.nhs_number_ranges.items() if kind not in usual)

    @property
    def test_numbers(self) -> int:
        """Numbers of the test range, which belong to nobody."""
        return self.nhs_number_ranges.get(Range.TEST.value, 0)


@dataclass(frozen=True)
class Issue:
    """How often one thing is wrong with one column of a source."""

    side: str
    source: str
    source_org: str
    column: str
    issue: str
    used: bool
    values: int


@dataclass(frozen=True)
class SetAside:
    """How many records of one file a rule set aside."""

    side: str
    source: str
    kind: str
    file: str
    rule: str
    records: int


@dataclass(frozen=True)
class SeveralNumbers:
    """People of one side with the same names, birth date and postcode, but different NHS numbers."""

    side: str
    people: int
    records: int


@dataclass(frozen=True)
class Between:
    """NHS numbers that two sources hold, and on how many of them the two disagree about the person."""

    side: str
    source: str
    other_side: str
    other_source: str
    numbers: int
    birth_date_differs: int
    gender_differs: int
    family_name_differs: int
    """Differs entirely, the previous family name considered."""


@dataclass(frozen=True)
class Quality:
    """All facts; `as_at` is the day that ages and future dates were judged by."""

    as_at: date
    sources: tuple[SourceQuality, ...]
    issues: tuple[Issue, ...]
    set_aside: tuple[SetAside, ...]
    several_numbers: tuple[SeveralNumbers, ...]
    between: tuple[Between, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries and lists."""
        return {**asdict(self), "as_at": self.as_at.isoformat()}


def facts(connection: duckdb.DuckDBPyConnection, *, as_at: date) -> Quality:
    """Count everything on the sides that are loaded, by a few scans: about a second a million people."""
    loaded = _rows(connection, "SELECT table_schema FROM information_schema.tables WHERE table_name = 'person'")
    sides = [side for side in SIDES if (side,) in loaded]
    _gather_shared(connection, sides)
    try:
        return Quality(
            as_at,
            tuple(source for side in sides for source in _sources(connection, side, as_at)),
            tuple(Issue(*row) for side in sides for row in _rows(connection, _ISSUES.format(side=side))),
            tuple(SetAside(*row) for side in sides for row in _rows(connection, _SET_ASIDE.format(side=side))),
            tuple(SeveralNumbers(*row) for side in sides for row in _rows(connection, _SEVERAL.format(side=side))),
            tuple(Between(*row) for row in _rows(connection, _BETWEEN)),
        )
    finally:
        connection.execute("DROP TABLE IF EXISTS temp.quality_shared")


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()


def _by_source(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Rows that begin with source and source_org, by those two."""
    return {(row[0], row[1]): row[2:] for row in _rows(connection, sql)}


# Counts are `count(*) FILTER (...)` throughout: count_if over nothing but nulls is null, not 0.
_ISSUES = """SELECT '{side}', source, source_org, "column", issue, used, count(*) FROM {side}.data_quality
    GROUP BY ALL ORDER BY ALL"""
_SET_ASIDE = """SELECT '{side}', coalesce(source, ''), kind, coalesce(extract_file, ''), rule, count(*)
    FROM {side}.set_aside GROUP BY ALL ORDER BY ALL"""
# Grouped by one hash of the four, a third faster than by the texts; a million people collide once in 30 million runs.
_SEVERAL = """SELECT '{side}', count(*), coalesce(sum(records), 0)::BIGINT FROM (
    SELECT count(*) AS records FROM {side}.person
    WHERE nhs_number IS NOT NULL AND birth_date_precision = 'YMD' AND postcode IS NOT NULL
        AND family_name IS NOT NULL AND given_name IS NOT NULL
    GROUP BY hash(upper(family_name), upper(given_name), birth_date, postcode)
    HAVING min(nhs_number) <> max(nhs_number)) HAVING count(*) > 0"""


def _sources(connection: duckdb.DuckDBPyConnection, side: str, as_at: date) -> list[SourceQuality]:
    doubts = _by_source(connection, _doubts_sql(side))
    ranges = _by_source(connection, _RANGES.format(side=side))
    several = _by_source(connection, _SHARED_WITHIN.format(side=side))
    open_services = _by_source(connection, _DEAD_WITH_SERVICES.format(side=side))
    sources = []
    for key, row in _by_source(connection, _completeness_sql(side, as_at)).items():
        records, restricted, *counts = row
        present, dates = counts[: len(FIELDS)], counts[len(FIELDS) :]
        doubt = doubts.get(key, (0,) * 2 * len(FIELDS))
        refused, doubtful = doubt[: len(FIELDS)], doubt[len(FIELDS) :]
        fields = tuple(
            Field(name, here, records - here - lost, lost, odd)
            for name, here, lost, odd in zip(FIELDS, present, refused, doubtful, strict=True)
        )
        sources.append(
            SourceQuality(
                side,
                *key,
                records,
                restricted,
                fields,
                dict(ranges[key][0]) if key in ranges else {},
                *several.get(key, (0, 0)),
                *dates,
                *open_services.get(key, (0,)),
            )
        )
    return sources


def _completeness_sql(side: str, as_at: date) -> str:
    placeholders = ", ".join(f"DATE '{day}'" for day in PLACEHOLDER_BIRTH_DATES)
    today = f"DATE '{as_at}'"
    is_full = f"birth_date_precision = 'YMD' AND birth_date NOT IN ({placeholders})"
    return f"""SELECT source, source_org, count(*), count(*) FILTER (restricted),
        {", ".join(f'count("{name}")' for name in FIELDS)},
        count(*) FILTER (birth_date IN ({placeholders})),
        count(*) FILTER ({is_full} AND month(birth_date) = 1 AND day(birth_date) = 1),
        count(*) FILTER ({is_full}),
        count(*) FILTER (birth_date > {today}),
        count(*) FILTER (coalesce(death_date, {today}) >= birth_date + INTERVAL {OLDEST_AGE + 1} YEAR
            AND birth_date NOT IN ({placeholders})),
        count(*) FILTER (death_date < birth_date)
        FROM {side}.person GROUP BY 1, 2 ORDER BY 1, 2"""


def _doubts_sql(side: str) -> str:
    """Records whose value was refused and is null, then records whose value is used but doubtful, per field."""
    refused = (f"count(*) FILTER (d.refused['{name}'] AND \"{name}\" IS NULL)" for name in FIELDS)
    doubtful = (f"count(*) FILTER (d.doubtful['{name}'] AND \"{name}\" IS NOT NULL)" for name in FIELDS)
    flags = ", ".join(f"'{name}': bool_or(\"column\" = '{name}' AND {{what}})" for name in FIELDS)
    return f"""WITH d AS (
        SELECT source, source_org, record_id, {{{flags.format(what="NOT used")}}} AS refused,
            {{{flags.format(what="used")}}} AS doubtful
        FROM {side}.data_quality GROUP BY 1, 2, 3)
        SELECT source, source_org, {", ".join((*refused, *doubtful))}
        FROM d JOIN {side}.person USING (source, source_org, record_id) GROUP BY 1, 2"""


_RANGES = """SELECT source, source_org, map_from_entries(list((kind, records) ORDER BY kind)) FROM (
    SELECT source, source_org, nhs_number_range(nhs_number) AS kind, count(*) AS records
    FROM {side}.person WHERE nhs_number IS NOT NULL GROUP BY ALL) GROUP BY 1, 2"""

_DEAD_WITH_SERVICES = """SELECT source, source_org, count(*) FROM {side}.person
    WHERE death_date IS NOT NULL AND (source, source_org, record_id) IN (
        SELECT (source, source_org, record_id) FROM {side}.service WHERE end_date IS NULL)
    GROUP BY 1, 2"""


def _gather_shared(connection: duckdb.DuckDBPyConnection, sides: list[str]) -> None:
    """Keep the records whose NHS number another record of either side holds too: few, and looked at several times."""
    numbers = " UNION ALL ".join(f"SELECT nhs_number FROM {side}.person WHERE nhs_number IS NOT NULL" for side in sides)
    records = " UNION ALL ".join(
        f"""SELECT '{side}' AS side, source, source_org, nhs_number,
            CASE WHEN birth_date_precision = 'YMD' THEN birth_date END AS born,
            CASE WHEN gender IN ('1', '2') THEN gender END AS gender,
            upper(family_name) AS family, upper(previous_family_name) AS before
            FROM {side}.person WHERE nhs_number IN (SELECT nhs_number FROM shared)"""
        for side in sides
    )
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE quality_shared AS WITH shared AS MATERIALIZED (
        SELECT nhs_number FROM ({numbers}) GROUP BY 1 HAVING count(*) > 1) {records}""")


_SHARED_WITHIN = f"""SELECT source, source_org, count(*), count(*) FILTER (
        min_born <> max_born OR jaro_winkler_similarity(min_family, max_family) < {UNLIKE_NAMES})
    FROM (SELECT source, source_org, min(born) AS min_born, max(born) AS max_born,
            min(family) AS min_family, max(family) AS max_family
        FROM temp.quality_shared WHERE side = '{{side}}' GROUP BY source, source_org, nhs_number HAVING count(*) > 1)
    GROUP BY 1, 2"""

_UNLIKE = f"(jaro_winkler_similarity(%s, %s) < {UNLIKE_NAMES})"
# A number counts as differing only where every pair of its records differs: one agreeing pair is agreement enough.
_BETWEEN = f"""SELECT a_side, a_source, b_side, b_source, count(*),
        count(*) FILTER (born), count(*) FILTER (gender), count(*) FILTER (family)
    FROM (SELECT a.side AS a_side, a.source AS a_source, b.side AS b_side, b.source AS b_source, a.nhs_number,
            bool_and(a.born <> b.born) AS born, bool_and(a.gender <> b.gender) AS gender,
            bool_and({_UNLIKE % ("a.family", "b.family")}
                AND coalesce({_UNLIKE % ("a.before", "b.family")}, true)
                AND coalesce({_UNLIKE % ("a.family", "b.before")}, true)) AS family
        FROM temp.quality_shared a JOIN temp.quality_shared b ON a.nhs_number = b.nhs_number
            AND (a.side, a.source, a.source_org) < (b.side, b.source, b.source_org)
        GROUP BY ALL)
    GROUP BY ALL ORDER BY ALL"""
