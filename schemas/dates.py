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


def _re2(form: Form, *groups: str) -> str:
    """The pattern for DuckDB with `groups` as its only capturing groups."""
    kept = re.sub(r"\(\?P<([ymd])>", lambda found: "(" if found[1] in groups else "(?:", form.value)
    return f"^(?:{kept})$"


# Macros are written out wherever they are used, and to plan a long query takes longer than to read a few records; so
# what is needed more than once is bound to a name that no column has, by a lambda over a list of one.
def _text(form: Form, as_at: date) -> str:
    """SQL of the same date as `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, possible or not; null where the form does not fit."""
    fits = f"regexp_full_match(date_trimmed(x), '{_re2(form)}')"
    if form is Form.ISO:
        return f"CASE WHEN {fits} THEN left(date_trimmed(x), 10) END"
    if form is Form.BASIC:
        month = "regexp_replace(date_trimmed(x), '^(....)(..)', '\\1-\\2')"
        return f"CASE WHEN {fits} THEN regexp_replace({month}, '^(....-..)(..)$', '\\1-\\2') END"
    # The groups of both forms stand in this order.
    part = f"regexp_extract(date_trimmed(x), '{_re2(form, *'dmy')}', ['d', 'm', 'y'])"
    month = "bound_part.m"
    if form is Form.MONTH_NAME:
        names = ", ".join(f"'{name}'" for name in _MONTHS)
        month = f"CAST(coalesce(list_position([{names}], lower(bound_part.m)), 0) AS VARCHAR)"
    century = as_at.year // 100
    year = (
        f"CASE WHEN length(bound_part.y) = 4 THEN '' WHEN bound_part.y > '{as_at.year % 100:02}' THEN '{century - 1}'"
        f" ELSE '{century}' END || bound_part.y"
    )
    plain = f"({year}) || '-' || lpad({month}, 2, '0') || '-' || lpad(bound_part.d, 2, '0')"
    return f"list_transform([{part}], lambda bound_part: CASE WHEN bound_part.y <> '' THEN {plain} END)[1]"


def macros(form: Form, as_at: date) -> tuple[str, ...]:
    """The vectorised form: `date_<form>(x)`, `date_<form>_precision(x)` and `date_<form>_fault(x)`."""
    name = f"date_{form.name.lower()}"
    return (
        f"{name}_text(x) AS {_text(form, as_at)}",
        f"{name}(x) AS list_transform([{name}_text(x)], lambda bound_plain: date_of(bound_plain))[1]",
        f"{name}_precision(x) AS list_transform([{name}_text(x)], lambda bound_plain:"
        " CASE WHEN date_of(bound_plain) IS NOT NULL"
        " THEN CASE length(bound_plain) WHEN 4 THEN 'Y' WHEN 7 THEN 'YM' ELSE 'YMD' END END)[1]",
        f"{name}_fault(x) AS list_transform([{name}_text(x)], lambda bound_plain:"
        f" CASE WHEN coalesce(date_trimmed(x), '') = '' THEN '{Fault.MISSING.value}'"
        f" WHEN bound_plain IS NULL THEN '{Fault.FORM.value}'"
        f" WHEN date_of(bound_plain) IS NULL THEN '{Fault.IMPOSSIBLE.value}' END)[1]",
    )


COMMON_MACROS: tuple[str, ...] = (
    "date_trimmed(x) AS trim(replace(x, chr(160), ' '), ' ' || chr(9) || chr(10) || chr(13))",
    # A plain date has 4, 7 or 10 characters; what it lacks of ten stands in '-01-01' from this place on.
    "date_of(plain) AS CASE WHEN plain >= '0001'"
    " THEN TRY_CAST(plain || substr('-01-01', length(plain) - 3) AS DATE) END",
)
