"""What was hashed, perhaps: every valid NHS number of some ranges, or what else the file and the calendar say.

Numbers are walked in a scattered order, so that any part of the walk is an even sample of all of them: a scheme that is
the right one shows after a small part.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Protocol

from governance.crack import schemes
from schemas.nhs_number import RANGES, Range

if TYPE_CHECKING:
    import duckdb

USUAL: tuple[Range, ...] = (Range.ENGLAND_WALES_IOM, Range.TEST)
_BIRTHS_FROM = 1900
_SAMPLE_OF_OTHERS = 100_000


class Candidates(Protocol):
    """A countable set of texts."""

    @property
    def count(self) -> int:
        """How many places the walk has; a place may give none or one (or a few, where it says so)."""

    @property
    def salts(self) -> int:
        """How many salts go with each."""

    def sql(self, first: int, last: int) -> str:
        """A query for the places from `first` up to `last`.

        Columns are x (the text), n (the number, if it is one), salt (which of the salts, from 0) and what that brings.
        """


@dataclass(frozen=True)
class Numbers:
    """Valid NHS numbers whose first nine digits lie in `stems` (first, last), none with leading zeros."""

    stems: tuple[tuple[int, int], ...]
    salts: int = 1

    @classmethod
    def issued(cls, kinds: Sequence[Range] = USUAL) -> Numbers:
        """All numbers of these ranges."""
        return cls(tuple((int(a[:9]), int(b[:9])) for a, b, kind in RANGES if kind in kinds and a[0] != "0"))

    @property
    def count(self) -> int:
        """Places: the first nine digits; one in eleven gives no number."""
        return sum(last - first + 1 for first, last in self.stems)

    def sql(self, first: int, last: int) -> str:
        """See `Candidates.sql`."""
        step = next(step for step in range(int(self.count * 0.618) + 1, 2**62) if math.gcd(step, self.count) == 1)
        arms, before = [], 0
        for low, high in self.stems:
            arms.append(f"WHEN place < {before + high - low + 1} THEN place + {low - before}")
            before += high - low + 1
        weighted = " + ".join(f"stem // {10**at} % 10 * {at + 2}" for at in range(9))
        return f"""
            SELECT CAST(stem * 10 + (11 - rest) % 11 AS VARCHAR) AS x, stem * 10 + (11 - rest) % 11 AS n, 0 AS salt
            FROM (SELECT stem, ({weighted}) % 11 AS rest
                FROM (SELECT CASE {" ".join(arms)} END AS stem
                    FROM (SELECT range * {step} % {self.count} AS place FROM range({first}, {last}))))
            WHERE rest <> 1"""


@dataclass(frozen=True)
class Texts:
    """A table `name` with columns place (from 0) and x, that stands in the database already."""

    name: str
    count: int
    salts: int = 1

    def sql(self, first: int, last: int) -> str:
        """See `Candidates.sql`."""
        return f"SELECT x, NULL::BIGINT AS n, 0 AS salt FROM {self.name} WHERE place >= {first} AND place < {last}"


@dataclass(frozen=True)
class Salted:
    """Each number with every row of `table`: its column salt counts from 0, its others are what a scheme mixes in."""

    numbers: Numbers
    table: str
    salts: int

    @property
    def count(self) -> int:
        """Places of the numbers."""
        return self.numbers.count

    def sql(self, first: int, last: int) -> str:
        """See `Candidates.sql`."""
        return f"SELECT * FROM (SELECT x, n FROM ({self.numbers.sql(first, last)})) CROSS JOIN {self.table}"


_DATE_FORMS = ("%Y-%m-%d", "%Y%m%d", "%d/%m/%Y", "%d%m%Y", "%d-%m-%Y", "%d.%m.%Y", "%d/%m/%y", "%d%m%y", "%d-%b-%Y")
_READ_DATES = "['%Y-%m-%d', '%d/%m/%Y', '%Y%m%d', '%d-%b-%Y', '%Y-%m-%d %H:%M:%S']"
_POSTCODE = "[A-Z]{1,2}[0-9][0-9A-Z]?( *[0-9][A-Z]{2})?"


def dates(connection: duckdb.DuckDBPyConnection, as_at: date) -> Texts:
    """Every date of birth since 1900 in the usual ways of writing it."""
    days = f"SELECT unnest(generate_series(DATE '{_BIRTHS_FROM}-01-01', DATE '{as_at}', INTERVAL 1 DAY)) AS d"
    union = " UNION ".join(f"SELECT strftime(d, '{form}') AS x FROM days" for form in _DATE_FORMS)
    return _table(connection, "birth_dates", f"WITH days AS ({days}) {union}")


def other_columns(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], column: str
) -> Iterator[tuple[str, Texts]]:
    """What the other columns of `file` hold: each by itself, and dates of birth with postcodes. Words and texts."""
    kinds = {name: _kind(connection, name) for name in names if name != column}
    for at, name in enumerate(kinds):
        own = f"trim({_named(name)})"
        each = " UNION ".join(f"SELECT {form} AS x FROM file" for form in (own, f"upper({own})", f"lower({own})"))
        yield f"column '{name}' of the same file", _table(connection, f"column_{at}", each)
    births = [name for name, kind in kinds.items() if kind == "date"]
    places = [name for name, kind in kinds.items() if kind == "postcode"]
    for birth in births:
        for place in places:
            table = _table(connection, "births_places", _births_with_places(birth, place))
            yield f"date of birth ('{birth}') and postcode ('{place}') of the same row", table


def with_salts(connection: duckdb.DuckDBPyConnection, numbers: Numbers, given: Sequence[str]) -> Salted:
    """Numbers with every common salt, those `given` first."""
    import pyarrow as pa

    rows = schemes.salts(given)
    columns = {"salt": list(range(len(rows))), "front": [row[0] for row in rows], "behind": [row[1] for row in rows]}
    connection.register("salts", pa.table(columns))
    return Salted(numbers, "salts", len(rows))


def with_words(connection: duckdb.DuckDBPyConnection, numbers: Numbers, given: Sequence[str]) -> Salted:
    """Numbers with every common word as an HMAC key."""
    import pyarrow as pa

    rows = schemes.pads(given)
    columns = {
        "salt": list(range(len(rows))),
        "inner_pad": [row[0] for row in rows],
        "outer_pad": [row[1] for row in rows],
    }
    connection.register("words", pa.table(columns))
    return Salted(numbers, "words", len(rows))


def _kind(connection: duckdb.DuckDBPyConnection, name: str) -> str:
    """`date` or `postcode` where nine in ten values are, else an empty text."""
    [(filled, dated, placed)] = connection.execute(f"""
        SELECT count(v), count(try_strptime(v, {_READ_DATES})),
            count(*) FILTER (regexp_full_match(upper(v), '{_POSTCODE}'))
        FROM (SELECT nullif(trim({_named(name)}), '') AS v FROM file)""").fetchall()
    if not filled:
        return ""
    return "date" if dated >= 0.9 * filled else "postcode" if placed >= 0.9 * filled else ""


def _births_with_places(birth: str, place: str) -> str:
    forms = [f"strftime(d, '{form}')" for form in _DATE_FORMS[:4]]
    bare = "upper(replace(p, ' ', ''))"
    full = f"regexp_full_match({bare}, '[A-Z]{{1,2}}[0-9][0-9A-Z]?[0-9][A-Z]{{2}}')"
    district = f"CASE WHEN {full} THEN {bare}[:-4] ELSE {bare} END"
    spaced = f"CASE WHEN {full} THEN {bare}[:-4] || ' ' || {bare}[-3:] ELSE {bare} END"
    joined = [
        text
        for d in forms
        for p in (bare, spaced, district)
        for joint in ("", "|", "-", "_", " ")
        for text in (f"{d} || '{joint}' || {p}", f"{p} || '{joint}' || {d}")
    ]
    rows = f"""SELECT DISTINCT try_strptime(trim({_named(birth)}), {_READ_DATES}) AS d,
        nullif(trim({_named(place)}), '') AS p FROM file"""
    return (
        f"SELECT DISTINCT unnest([{', '.join(joined)}]) AS x FROM "
        f"(SELECT * FROM ({rows}) WHERE d IS NOT NULL AND p IS NOT NULL LIMIT {_SAMPLE_OF_OTHERS})"
    )


def _table(connection: duckdb.DuckDBPyConnection, name: str, query: str) -> Texts:
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT row_number() OVER () - 1 AS place, x FROM ({query})"
        " WHERE x IS NOT NULL AND x <> ''"
    )
    [(count,)] = connection.execute(f"SELECT count(*) FROM {name}").fetchall()
    return Texts(name, count)


def _named(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
