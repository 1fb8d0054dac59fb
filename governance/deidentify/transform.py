"""What may be done to a field before it leaves: each transform by name, as DuckDB SQL over a whole column.

The steps and their sources (`ladder` has their order): dates of birth to year or bands of ages topped at 90, postcodes
to sector, district or area, other dates to month, quarter or year (peers such as Discovery and CO-CONNECT; ICO 2012
code for postcode figures).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import Enum

from governance.deidentify import areas
from schemas.table import Column, Type


class Kind(Enum):
    """What a transform does to how far a value identifies."""

    KEEP = "keeps the value"
    DROP = "the field does not leave"
    PSEUDONYM = "keyed pseudonym of the value, different for every recipient"
    GENERAL = "a coarser value"


@dataclass(frozen=True)
class Transform:
    """A named transform; `sql` gives the expression for a quoted column as on a day."""

    name: str
    meaning: str
    kind: Kind
    fits: Callable[[Column], bool]
    sql: Callable[[str, date], str]


def _any(column: Column) -> bool:
    return True


def _text(column: Column) -> bool:
    return column.type is Type.TEXT


def _date(column: Column) -> bool:
    return column.type is Type.DATE


def _birth(column: Column) -> bool:
    return column.name == "birth_date"


def _postcode(column: Column) -> bool:
    return column.name == "postcode"


def _same(quoted: str, today: date) -> str:
    return quoted


def _formatted(pattern: str) -> Callable[[str, date], str]:
    return lambda quoted, today: f"strftime({quoted}, '{pattern}')"


def _month(quoted: str, today: date) -> str:
    month = f"strftime({quoted}, '%Y-%m')"
    if quoted != '"birth_date"':
        return month
    # A birth date known to the year only is held as 1 January; its month would be invented.
    return f"CASE WHEN birth_date_precision = 'Y' THEN strftime({quoted}, '%Y') ELSE {month} END"


def _band(years: int) -> Callable[[str, date], str]:
    """Age reached in the calendar year of release: an age that moved on the birthday would, over releases, tell it."""

    def sql(quoted: str, today: date) -> str:
        age = f"({today.year} - year({quoted}))"
        low = f"({age} // {years} * {years})"
        # Ages below 0 are faults of the source; they say nothing and become null.
        band = f"printf('%02d-%02d', {low}, {low} + {years - 1})"
        return f"CASE WHEN {age} >= 90 THEN '90+' WHEN {age} >= 0 THEN {band} END"

    return sql


def _quarter(quoted: str, today: date) -> str:
    return f"printf('%d-Q%d', year({quoted}), quarter({quoted}))"


TRANSFORMS = {
    transform.name: transform
    for transform in (
        Transform("keep", "as held", Kind.KEEP, _any, _same),
        Transform("drop", "left out", Kind.DROP, _any, _same),
        Transform("pseudonym", "keyed pseudonym of the value", Kind.PSEUDONYM, _text, _same),
        Transform("year", "year only", Kind.GENERAL, _date, _formatted("%Y")),
        Transform("month", "year and month", Kind.GENERAL, _date, _month),
        Transform("quarter", "year and quarter", Kind.GENERAL, _date, _quarter),
        Transform("week", "ISO week", Kind.GENERAL, _date, _formatted("%G-W%V")),
        Transform("five_year_band", "age in five-year bands, 90 and over together", Kind.GENERAL, _birth, _band(5)),
        Transform("ten_year_band", "age in ten-year bands, 90 and over together", Kind.GENERAL, _birth, _band(10)),
        Transform(
            "sector", "postcode sector, about 2,600 households", Kind.GENERAL, _postcode, lambda q, t: f"{q}[:-3]"
        ),
        Transform(
            "district", "postcode district, about 8,600 households", Kind.GENERAL, _postcode, lambda q, t: f"{q}[:-5]"
        ),
        Transform(
            "area",
            "postcode area, the letters it begins with",
            Kind.GENERAL,
            _postcode,
            lambda q, t: f"regexp_extract({q}, '^[A-Z]+')",
        ),
        Transform(
            "lsoa",
            "Lower layer Super Output Area of the postcode, 1,000 to 3,000 people",
            Kind.GENERAL,
            _postcode,
            lambda q, t: f'"{areas.COLUMNS["lsoa"]}"',
        ),
        Transform(
            "imd_decile",
            "decile of deprivation of the postcode's area, 1 the most deprived",
            Kind.GENERAL,
            _postcode,
            lambda q, t: f'"{areas.COLUMNS["imd_decile"]}"',
        ),
    )
}
