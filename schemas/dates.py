"""Dates with precision, read by the supplier's form and never guessed.

A date is the first day of the known period with precision Y, YM or YMD. A form says which part stands where; two-digit
years are never in the future. The scalar and the vectorised form are held equal by a property test.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import Enum

_TIME = r"(?:[T ][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?Z?)?"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class Form(Enum):
    """How a supplier writes dates. The value is a pattern with the groups y, m and d; a time of day is cut off."""

    ISO = rf"(?P<y>[0-9]{{4}})(?:-(?P<m>[0-9]{{2}})(?:-(?P<d>[0-9]{{2}}){_TIME})?)?"
    """`YYYY`, `YYYY-MM`, `YYYY-MM-DD`: our own files, and EMIS."""
    UK = rf"(?P<d>[0-9]{{1,2}})[/.-](?P<m>[0-9]{{1,2}})[/.-](?P<y>[0-9]{{4}}|[0-9]{{2}}){_TIME}"
    """`dd/mm/yyyy`, also with two-digit years: council systems."""
    MONTH_NAME = rf"(?P<d>[0-9]{{1,2}})[ -](?P<m>[A-Za-z]{{3}})[a-z]*[ -](?P<y>[0-9]{{4}}|[0-9]{{2}}){_TIME}"
    """`dd MMM yyyy` and `dd-Mon-yy` with English months: SystmOne, Oracle reports."""
    BASIC = r"(?P<y>[0-9]{4})(?:(?P<m>[0-9]{2})(?P<d>[0-9]{2})?)?"
    """`yyyyMMdd`: trace files, SUS, HL7."""


class Fault(Enum):
    """Why a text is not a date; the value is the sentence for reports."""

    MISSING = "missing"
    FORM = "not a date in the form this source uses"
    IMPOSSIBLE = "an impossible date"


@dataclass(frozen=True)
class PartialDate:
    """The first day of a known period.

    >>> PartialDate.parse("1931-07", Form.ISO, as_at=date(2026, 11, 22))
    PartialDate(first_day=datetime.date(1931, 7, 1), precision='YM')
    """

    first_day: date
    precision: str

    @classmethod
    def parse(cls, text: str, *forms: Form, as_at: date) -> PartialDate:
        """Read by the first of `forms` that fits; ValueError says what is wrong and never repeats the text."""
        found = _read(text, forms, as_at)
        if isinstance(found, Fault):
            raise ValueError(f"not a date: {found.value}")
        return found


def fault(text: str | None, *forms: Form, as_at: date) -> Fault | None:
    """Why `text` is no date in any of `forms`, or None where it is one."""
    found = _read(text or "", forms, as_at)
    return found if isinstance(found, Fault) else None


def _read(text: str, forms: tuple[Form, ...], as_at: date) -> PartialDate | Fault:
    trimmed = text.strip(" \t\r\n\u00a0")
    if not trimmed:
        return Fault.MISSING
    for form in forms:
        if match := re.fullmatch(form.value, trimmed):
            return _build(match["y"], match["m"], match["d"], as_at)
    return Fault.FORM


def _build(y: str, m: str | None, d: str | None, as_at: date) -> PartialDate | Fault:
    year = int(y)
    if len(y) == 2:
        year += as_at.year // 100 * 100
        if year > as_at.year:
            year -= 100
    month = 1 if m is None else int(m) if m.isdigit() else _month(m)
    try:
        return PartialDate(date(year, month, int(d or 1)), "YMD" if d else "YM" if m else "Y")
    except ValueError:
        return Fault.IMPOSSIBLE


def _month(name: str) -> int:
    return _MONTHS.index(name.lower()) + 1 if name.lower() in _MONTHS else 0


def _re2(form: Form, group: str) -> str:
    """The pattern for DuckDB with `group` as its only capturing group."""
    pattern = form.value.replace("(?P<" + group + ">", "(")
    return "^(?:" + re.sub(r"\(\?P<[ymd]>", "(?:", pattern) + ")$"


def macros(form: Form, as_at: date) -> tuple[str, ...]:
    """The vectorised form: `date_<form>(x)`, `date_<form>_precision(x)` and `date_<form>_fault(x)`."""
    name = f"date_{form.name.lower()}"
    part = {g: f"regexp_extract(date_trimmed(x), '{_re2(form, g)}', 1)" for g in "ymd"}
    months = "[" + ", ".join(f"'{m}'" for m in _MONTHS) + "]"
    month = (
        f"list_position({months}, lower({part['m']}))"
        if form is Form.MONTH_NAME
        else f"TRY_CAST({part['m']} AS INTEGER)"
    )
    century = as_at.year // 100 * 100
    year = (
        f"CASE length({part['y']}) WHEN 4 THEN CAST({part['y']} AS INTEGER) WHEN 2 THEN"
        f" CAST({part['y']} AS INTEGER) + CASE WHEN CAST({part['y']} AS INTEGER) > {as_at.year - century}"
        f" THEN {century - 100} ELSE {century} END END"
    )
    return (
        f"{name}_year(x) AS {year}",
        f"{name}_month(x) AS CASE WHEN {part['m']} = '' THEN 1 ELSE coalesce({month}, 0) END",
        f"{name}_day(x) AS CASE WHEN {part['d']} = '' THEN 1 ELSE CAST({part['d']} AS INTEGER) END",
        f"{name}(x) AS CASE WHEN {name}_year(x) BETWEEN 1 AND 9999 THEN"
        f" TRY_CAST(printf('%04d-%02d-%02d', {name}_year(x), {name}_month(x), {name}_day(x)) AS DATE) END",
        f"{name}_precision(x) AS CASE WHEN {name}(x) IS NULL THEN NULL WHEN {part['d']} <> '' THEN 'YMD'"
        f" WHEN {part['m']} <> '' THEN 'YM' ELSE 'Y' END",
        f"{name}_fault(x) AS CASE WHEN coalesce(date_trimmed(x), '') = '' THEN '{Fault.MISSING.value}'"
        f" WHEN {part['y']} = '' THEN '{Fault.FORM.value}'"
        f" WHEN {name}(x) IS NULL THEN '{Fault.IMPOSSIBLE.value}' END",
    )


COMMON_MACROS: tuple[str, ...] = (
    "date_trimmed(x) AS trim(replace(x, chr(160), ' '), ' ' || chr(9) || chr(10) || chr(13))",
)
