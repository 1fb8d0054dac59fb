"""What stands in a column, as shares of its values; the values themselves go no further than this module's SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from connectors import values
from connectors.called import names
from connectors.suppliers.mapped import GENERIC
from connectors.suppliers.mapped.settings import read_mapping
from connectors.values import listed
from schemas.codes import ETHNIC_CATEGORY

if TYPE_CHECKING:
    import duckdb

SAMPLE = 20_000
"""Records looked at; enough for every share, and little beside reading the file."""
_FORMS = {"dd/mm/yyyy": "uk", "yyyy-mm-dd": "iso", "dd-Mon-yyyy": "month_name", "yyyymmdd": "basic"}
"""Forms of dates as a mapping writes them, by their macro."""
_UNIT = "[A-Z]{1,2}[0-9][A-Z0-9]?[ ]*[0-9][A-Z]{2}"
_ROADS = (
    "road|street|avenue|close|lane|drive|way|court|gardens|place|crescent|terrace|grove|hill|walk|house|flat|rd|st|ave"
)
_ENDINGS = "(son|ton|ley|ford|wood|man|ham|field|well|worth|bury|combe|shaw|stone|bridge|land)$"


@dataclass(frozen=True)
class Evidence:
    """Shares of the filled values of one column, from 0 to 1, and what its dates look like."""

    records: int
    filled: float
    """Share of the records."""
    distinct: float
    """Distinct values as a share of the filled ones."""
    values: int
    """Distinct values."""
    numbers: float
    """Pass the check digit of an NHS number."""
    dates: dict[str, float]
    """By form of date."""
    american: float
    """Can only be month/day/year."""
    years: tuple[int, int, int] | None
    """Tenth, fiftieth and ninetieth percentile of the year."""
    future: float
    postcodes: float
    emails: float
    phones: float
    practices: float
    genders: float
    flags: float
    ethnicities: float
    ethnic_only: float
    """Words of an ethnic category that are no word for a gender."""
    family: float
    given: float
    full: float
    """Several words, one of them a given name and another a family name."""
    words: float
    """Mean number of words."""
    letters: float
    """Letters, spaces, hyphens and apostrophes only."""
    digits: float
    """Digits only."""
    length: float
    coded: float
    """Have a digit and no space."""
    roads: float
    """Begin with a number or speak of a road or house."""
    commas: float
    ends_in_postcode: float
    addresses: float
    """Are words for kinds of address."""
    schemes: float
    """Are words for an NHS number."""
    money: float

    @property
    def date(self) -> float:
        """Dates of the commonest form, two forms that both fit being the same dates."""
        return max(self.dates.values(), default=0.0)

    @property
    def form(self) -> str | None:
        """The commonest form of date."""
        return max(self.dates, key=lambda form: self.dates[form]) if self.date > 0 else None


def weigh(
    connection: duckdb.DuckDBPyConnection, sheets: Mapping[str, Sequence[str]], as_at: date
) -> dict[str, list[Evidence]]:
    """The evidence of each column of some raw relations, in order; one question for all, for it is long to plan."""
    counts = {name: _count(connection, name) for name in sheets}
    values_of = " UNION ALL ".join(_distinct(relation, columns) for relation, columns in sheets.items())
    measured = connection.execute(
        f"SELECT relation, name, {_measures(as_at)} FROM ({_told(values_of)}) GROUP BY relation, name"
    )
    titles = [each[0] for each in measured.description or ()]
    rows = {row[:2]: dict(zip(titles, row, strict=True)) for row in measured.fetchall()}
    return {
        relation: [_evidence(rows.get((relation, column)), counts[relation]) for column in columns]
        for relation, columns in sheets.items()
    }


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    ((records,),) = connection.execute(f"SELECT count(*) FROM {relation} WHERE record <= {SAMPLE}").fetchall()
    return int(records)


def _distinct(relation: str, columns: Sequence[str]) -> str:
    names = ", ".join(f'"{column}"' for column in columns)
    cells = f"(SELECT {names} FROM {relation} WHERE record <= {SAMPLE}) UNPIVOT (value FOR name IN ({names}))"
    return f"SELECT '{relation}' AS relation, name, value, count(*) AS n FROM {cells} GROUP BY ALL"


def order(connection: duckdb.DuckDBPyConnection, relation: str, days: dict[str, str]) -> dict[tuple[str, str], float]:
    """For every pair of date columns (with their form), the share of records with both where the first is not later."""
    parsed = ", ".join(f'date_{_FORMS[form]}("{column}") AS "{column}"' for column, form in days.items())
    pairs = [(one, other) for one in days for other in days if one != other]
    if not pairs:
        return {}
    shares = ", ".join(f'avg(CAST("{a}" <= "{b}" AS INTEGER))' for a, b in pairs)
    found = connection.execute(
        f"SELECT {shares} FROM (SELECT {parsed} FROM {relation} WHERE record <= {SAMPLE})"
    ).fetchall()[0]
    return {pair: share for pair, share in zip(pairs, found, strict=True) if share is not None}


def overlap(connection: duckdb.DuckDBPyConnection, one: tuple[str, str], other: tuple[str, str]) -> float:
    """Share of the distinct values of a column of one relation that a column of another has."""
    (relation, column), (there, held) = one, other
    distinct = f'SELECT DISTINCT "{column}" AS value FROM {relation} WHERE record <= {SAMPLE}'
    ((share,),) = connection.execute(
        f'SELECT avg(CAST(value IN (SELECT "{held}" FROM {there} WHERE "{held}" IS NOT NULL) AS INTEGER))'
        f" FROM ({distinct}) WHERE value IS NOT NULL"
    ).fetchall()
    return float(share or 0)


def _told(values_of: str) -> str:
    """The distinct values with what is asked of them more than once."""
    macros = ", ".join(f"date_{name}_precision(value) = 'YMD' AS is_{name}" for name in _FORMS.values())
    day = f"coalesce({', '.join(f'date_{name}(value)' for name in _FORMS.values())})"
    words = "string_split_regex(lower(value), '[^a-z''-]+')"
    return (
        f"SELECT relation, name, value, n, lower(value) AS lowered, {words} AS words, {macros}, {day} AS day,"
        f" nhs_number(value) IS NOT NULL AS is_number FROM ({values_of})"
    )


def _measures(as_at: date) -> str:
    given, family = (f"({listed(sorted(each))})" for each in names())
    generic = read_mapping(GENERIC)
    genders = listed(word for words in values.GENDER_WORDS.values() for word in words)
    ethnic = {w.lower() for words in values.ETHNIC_WORDS.values() for w in words}
    ethnic |= {each.lower() for pair in ETHNIC_CATEGORY.items() for each in pair}
    kinds = listed(word for words in generic.address_types.values() for word in words)
    held = {"given": f"lowered IN {given}", "family": f"(lowered IN {family} OR regexp_matches(lowered, '{_ENDINGS}'))"}
    some = {
        name: f"len(list_filter(words, lambda word: word IN {names})) > 0"
        for name, names in (("given", given), ("family", family))
    }
    tests = {
        "numbers": "is_number",
        **{f"date_{name}": f"coalesce(is_{name}, false)" for name in _FORMS.values()},
        "american": "regexp_matches(value, '^(0?[1-9]|1[0-2])/(1[3-9]|2[0-9]|3[01])/[0-9]{2,4}')",
        "future": f"coalesce(day > DATE '{as_at.isoformat()}', false)",
        "postcodes": f"regexp_full_match(upper(value), '{_UNIT}')",
        "emails": "regexp_full_match(value, '[^@ ]+@[^@ ]+[.][^@ ]+')",
        "phones": "regexp_full_match(value, '([+]44|0)[0-9 ()-]{9,14}')",
        "practices": "regexp_full_match(value, '[A-Y][0-9]{5}')",
        "genders": f"lowered IN ({genders})",
        "flags": "lowered IN ('y', 'n', 'yes', 'no', 'true', 'false', 't', 'f', '0', '1')",
        "ethnicities": f"lowered IN ({listed(sorted(ethnic))})",
        "ethnic_only": f"lowered IN ({listed(sorted(ethnic))}) AND lowered NOT IN ({genders})",
        **held,
        "full": f"len(words) >= 2 AND {some['given']} AND {some['family']}",
        "letters": "regexp_full_match(value, '[^0-9@/,.:;]+')",
        "digits": "regexp_full_match(value, '[0-9]+')",
        "coded": "regexp_matches(value, '[0-9]') AND NOT contains(value, ' ')",
        "roads": f"regexp_matches(lowered, '^(flat |apartment |unit )?[0-9]+[a-z]? [a-z]|\\b({_ROADS})\\b')",
        "commas": "contains(value, ',')",
        "ends_in_postcode": f"regexp_matches(upper(value), '[ ,\\n]{_UNIT}$')",
        "addresses": f"lowered IN ({kinds})",
        "schemes": f"lowered IN ({listed(generic.nhs_number_types)})",
        "money": "regexp_full_match(value, '[£]?[0-9,]{1,7}([.][0-9]{1,2})?')",
    }
    shares = (f"sum(CASE WHEN {test} THEN n ELSE 0 END) / sum(n) AS {name}" for name, test in tests.items())
    years = ", ".join(f"quantile_disc(year(day), {at})" for at in (0.1, 0.5, 0.9))
    return (
        f"sum(n) AS filled, count(*) AS values, {', '.join(shares)}, [{years}] AS years,"
        " sum(n * length(value)) / sum(n) AS length, sum(n * len(words)) / sum(n) AS words"
    )


_SHARES = (
    *("numbers", "american", "future", "postcodes", "emails", "phones", "practices", "genders", "flags", "ethnicities"),
    *("ethnic_only", "family", "given", "full", "letters", "digits", "coded", "roads", "commas", "ends_in_postcode"),
    *("addresses", "schemes", "money", "length", "words"),
)


def _evidence(row: dict[str, Any] | None, records: int) -> Evidence:
    if row is None:
        nothing = dict.fromkeys(_SHARES, 0.0)
        return Evidence(records=records, filled=0.0, distinct=0.0, values=0, dates={}, years=None, **nothing)
    years = row["years"]
    return Evidence(
        records=records,
        filled=row["filled"] / records,
        distinct=row["values"] / row["filled"],
        values=row["values"],
        dates={form: float(row[f"date_{name}"]) for form, name in _FORMS.items() if row[f"date_{name}"]},
        years=tuple(years) if years and years[0] is not None else None,
        **{name: float(row[name]) for name in _SHARES},
    )
