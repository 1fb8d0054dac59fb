"""The NHS number: one scalar form for Python, one vectorised form for columns, held equal by a property test.

Rule: ten digits; weights 10 to 2 on the first nine; check digit 11 - (sum mod 11), where 11 counts as 0 and 10 means
the number does not exist (NHS Data Dictionary, NHS NUMBER). Five refusals come before Modulus 11 because it lets them
pass: both PDS sentinels, ten equal digits, spreadsheet damage, and digits that are not ASCII.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Fault(Enum):
    """Why a text is not an NHS number; the value is the sentence for reports. Checked in this order."""

    MISSING = "missing"
    SPREADSHEET = "damaged by a spreadsheet (scientific notation or a decimal point)"
    SHAPE = "not ten digits, plain or 3-3-4 with spaces or hyphens"
    SENTINEL = "a placeholder (0000000000 or 9999999999)"
    REPEATED = "ten equal digits"
    CHECK_DIGIT = "fails the Modulus 11 check digit"


class Range(Enum):
    """Who issues numbers in a range; the value is the sentence for reports."""

    ENGLAND_WALES_IOM = "England, Wales and the Isle of Man"
    SCOTLAND = "Scotland (CHI number)"
    NORTHERN_IRELAND = "Northern Ireland (H&C number)"
    IRELAND = "Republic of Ireland (IHI)"
    NOT_ISSUED = "not known to be issued"
    TEST = "synthetic and test numbers"


# First and last number of each range (`nhs-number` package 2.2.0, constants). One source holds that 3xx is English
# too and PDS test records use 59x, so a range is a reason to warn, never to refuse.
RANGES: tuple[tuple[str, str, Range], ...] = (
    ("0000000010", "0099999999", Range.NOT_ISSUED),
    ("0100000000", "3112999999", Range.SCOTLAND),
    ("3113000000", "3199999999", Range.NOT_ISSUED),
    ("3200000000", "3999999999", Range.NORTHERN_IRELAND),
    ("4000000000", "4999999999", Range.ENGLAND_WALES_IOM),
    ("5000000000", "5999999999", Range.NOT_ISSUED),
    ("6000000000", "7999999999", Range.ENGLAND_WALES_IOM),
    ("8000000000", "8599999999", Range.IRELAND),
    ("8600000000", "8999999999", Range.NOT_ISSUED),
    ("9000000000", "9999999999", Range.TEST),
)

_SHAPE = re.compile(r"([0-9]{3})[ -]?([0-9]{3})[ -]?([0-9]{4})")
_SPREADSHEET = re.compile(r"[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+|[0-9]+\.[0-9]*")
_WHITE_SPACE = " \t\r\n\u00a0"


def check_digit(first_nine: str) -> int | None:
    """The Modulus 11 check digit of nine digits, or None where no number exists.

    >>> check_digit("943476591")
    9
    """
    remainder = sum(int(digit) * weight for digit, weight in zip(first_nine, range(10, 1, -1), strict=True)) % 11
    check = 11 - remainder
    return None if check == 10 else check % 11


@dataclass(frozen=True, order=True)
class NhsNumber:
    """A valid NHS number.

    >>> NhsNumber.parse("943 476 5919").spaced
    '943 476 5919'
    """

    digits: str

    def __post_init__(self) -> None:
        if found := fault(self.digits):
            raise ValueError(f"not an NHS number: {found.value}")
        if len(self.digits) != 10:
            raise ValueError("give the ten digits alone; NhsNumber.parse takes spaces and hyphens")

    @classmethod
    def parse(cls, text: str) -> NhsNumber:
        """Read a number as people write it; ValueError says what is wrong and never repeats the text."""
        if found := fault(text):
            raise ValueError(f"not an NHS number: {found.value}")
        return cls(_digits(text) or "")

    @property
    def range(self) -> Range:
        """Who issues numbers like this one."""
        return next(kind for first, last, kind in RANGES if first <= self.digits <= last)

    @property
    def spaced(self) -> str:
        """3-3-4 with spaces, as it is shown to people."""
        return f"{self.digits[:3]} {self.digits[3:6]} {self.digits[6:]}"

    def __str__(self) -> str:
        return self.digits


def _digits(text: str) -> str | None:
    match = _SHAPE.fullmatch(text.strip(_WHITE_SPACE).replace("\u00a0", " "))
    return "".join(match.groups()) if match else None


def fault(text: str | None) -> Fault | None:
    """Why `text` is not an NHS number, or None where it is one."""
    if text is None or not text.strip(_WHITE_SPACE):
        return Fault.MISSING
    if _SPREADSHEET.fullmatch(text.strip(_WHITE_SPACE)):
        return Fault.SPREADSHEET
    digits = _digits(text)
    if digits is None:
        return Fault.SHAPE
    if digits in ("0000000000", "9999999999"):
        return Fault.SENTINEL
    if len(set(digits)) == 1:
        return Fault.REPEATED
    if check_digit(digits[:9]) != int(digits[9]):
        return Fault.CHECK_DIGIT
    return None


def _sql_range(number: str) -> str:
    arms = " ".join(f"WHEN {number} <= '{last}' THEN '{kind.value}'" for _, last, kind in RANGES)
    return f"CASE {arms} END"


# What is left of the number when its last k digits are cut off, q(k), stands in for the digits: digit k from the right
# has weight k + 1 and is q(k) - 10 q(k+1), so the weighted sum is that of q(k) (1 - 9k), and 1 - 9k is 1 + 2k modulo
# 11. A number is right when the sum with its check digit is a multiple of 11, which none is where the rule gives 10.
_WEIGHTED_SUM = " + ".join(
    f"{(1 + 2 * k) % 11} * (TRY_CAST(d AS BIGINT) % {10**10} // {10**k})" for k in range(10) if (1 + 2 * k) % 11
)

# The vectorised form. `d` is a text of ten ASCII digits. Multiples of 1111111111 are the ten equal digits, both
# sentinels among them. Plain numbers take the short way, where the sum is asked before the shape: DuckDB reckons at a
# third of the speed with rows of which it has left some out. `d` is any text there, and cut to what cannot overflow.
# What others need more than once is bound to a name that no column has, by a lambda over a list of one. TRY_CAST, for
# DuckDB may cast what a CASE has set aside already, where x is a field of a structure.
MACROS: tuple[str, ...] = (
    # chr(160) is the no-break space that spreadsheets and web pages leave behind.
    "nhs_number_trimmed(x) AS trim(replace(x, chr(160), ' '), ' ' || chr(9) || chr(10) || chr(13))",
    "nhs_number_digits(x) AS CASE WHEN regexp_full_match(x, '[0-9]{10}') THEN x"
    " WHEN regexp_full_match(nhs_number_trimmed(x), '[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}')"
    " THEN translate(nhs_number_trimmed(x), ' -', '') END",
    f"nhs_number_passes(d) AS ({_WEIGHTED_SUM}) % 11 = 0 AND TRY_CAST(d AS BIGINT) % 1111111111 <> 0",
    "nhs_number_if_passes(d) AS CASE WHEN nhs_number_passes(d) THEN d END",
    "nhs_number(x) AS CASE WHEN nhs_number_passes(x) AND regexp_full_match(x, '[0-9]{10}') THEN x"
    " WHEN x IS NOT NULL THEN list_transform([nhs_number_digits(x)],"
    " lambda bound_digits: nhs_number_if_passes(bound_digits))[1] END",
    f"""nhs_number_fault(x) AS list_transform([nhs_number_digits(x)], lambda bound_digits: CASE
        WHEN coalesce(nhs_number_trimmed(x), '') = '' THEN '{Fault.MISSING.value}'
        WHEN regexp_full_match(nhs_number_trimmed(x), '[0-9]+([.,][0-9]+)?[eE]\\+?[0-9]+|[0-9]+\\.[0-9]*')
            THEN '{Fault.SPREADSHEET.value}'
        WHEN bound_digits IS NULL THEN '{Fault.SHAPE.value}'
        WHEN bound_digits IN ('0000000000', '9999999999') THEN '{Fault.SENTINEL.value}'
        WHEN TRY_CAST(bound_digits AS BIGINT) % 1111111111 = 0 THEN '{Fault.REPEATED.value}'
        WHEN NOT nhs_number_passes(bound_digits) THEN '{Fault.CHECK_DIGIT.value}' END)[1]""",
    f"nhs_number_range(d) AS {_sql_range('d')}",
)
