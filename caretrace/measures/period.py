"""Periods: financial years (April to March) and their quarters, and the window a measure looks through."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

from schemas.errors import SettingsError

_NAME = re.compile(r"(\d{4})-(\d{2})(?: ?Q([1-4]))?", re.ASCII | re.IGNORECASE)


class By(Enum):
    """What periods are taken where none is named."""

    YEAR = "year"
    QUARTER = "quarter"


@dataclass(frozen=True)
class Period:
    """A financial year such as 2025-26, or a quarter of one such as 2025-26 Q3 (October to December)."""

    name: str
    first: date
    last: date

    def window(self, months: int | None) -> tuple[date, date]:
        """First and last day looked at: the period, or so many months up to its last day."""
        if months is None:
            return self.first, self.last
        after = self.last + timedelta(days=1)
        month = after.year * 12 + after.month - 1 - months
        return date(month // 12, month % 12 + 1, 1), self.last


def year(begins: int) -> Period:
    """The financial year that begins in April of `begins`."""
    return Period(f"{begins}-{(begins + 1) % 100:02}", date(begins, 4, 1), date(begins + 1, 3, 31))


def quarter(begins: int, number: int) -> Period:
    """Quarter 1 to 4 of the financial year that begins in April of `begins`."""
    first = date(begins + (number == 4), number * 3 % 12 + 1, 1)
    after = date(first.year + (first.month == 10), (first.month + 2) % 12 + 1, 1)
    return Period(f"{year(begins).name} Q{number}", first, after - timedelta(days=1))


def period(name: str) -> Period:
    """The period of a name; SettingsError where it is none."""
    found = _NAME.fullmatch(name.strip())
    if found is None or not 1900 <= int(found[1]) <= 9000 or (int(found[1]) + 1) % 100 != int(found[2]):
        raise SettingsError(f"{name!r} is no period; write a financial year as 2025-26, a quarter as 2025-26 Q3")
    return quarter(int(found[1]), int(found[3])) if found[3] else year(int(found[1]))


def newest(by: By, until: date, count: int | None = None) -> tuple[Period, ...]:
    """The last complete periods before `until`, the oldest first: 2 years or 4 quarters where no count is given."""
    begins = until.year - (until.month < 4)
    candidates: Sequence[Period]
    if by is By.YEAR:
        candidates = [year(begins - back) for back in range(count or 2, -1, -1)]
    else:
        most = count or 4
        candidates = [quarter(begins - back, n) for back in range(most // 4 + 1, -1, -1) for n in (1, 2, 3, 4)]
    complete = [each for each in candidates if each.last < until]
    return tuple(complete[-(count or (2 if by is By.YEAR else 4)) :])


def called(first: date, last: date) -> str:
    """The name of the quarter or financial year of these days, or the days themselves where they are neither."""
    begins = first.year - (first.month < 4)
    for each in (year(begins), *(quarter(begins, n) for n in (1, 2, 3, 4))):
        if (each.first, each.last) == (first, last):
            return each.name
    return f"{first.isoformat()} to {last.isoformat()}"
