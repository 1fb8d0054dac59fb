"""Ids that no living person has: NHS numbers of the test range, phones from the ranges kept for drama.

Phones: Ofcom, "Telephone numbers for use in TV and radio drama programmes": 07700 900000-900999 and 01632
960000-960999. A thousand of each means that many people share one; a phone number of synthetic data proves nothing.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas import SettingsError

Integers = NDArray[np.int64]

_FIRST_NINE = 900_000_000
_MOST = 40_000_000


def with_check_digit(first_nine: Integers) -> tuple[Integers, NDArray[np.bool_]]:
    """The ten-digit numbers, and which of them exist (check digit 10 means none; NHS Data Dictionary, NHS NUMBER)."""
    total = np.zeros_like(first_nine)
    rest = first_nine.copy()
    for weight in range(2, 11):
        total += rest % 10 * weight
        rest //= 10
    check = (11 - total % 11) % 11
    return first_nine * 10 + check, check != 10


def nhs_numbers(rng: np.random.Generator, n: int) -> Integers:
    """`n` distinct valid numbers of the 9xx test range, in random order."""
    if n > _MOST:
        raise SettingsError(f"a synthetic population of {n:,} is more than the {_MOST:,} test NHS numbers kept for it")
    # 999_999_990 and above would come near the sentinel 9999999999.
    drawn = np.unique(rng.integers(_FIRST_NINE, 999_999_990, size=int(n * 1.1 * (1 + n / 1e8)) * 11 // 10 + 100))
    numbers, exist = with_check_digit(drawn)
    return rng.permutation(numbers[exist])[:n]


def as_text(numbers: Integers, width: int = 0, prefix: str = "") -> pa.Array:
    """Integers as text, padded with zeros to `width` and prefixed."""
    text = pc.cast(pa.array(numbers, pa.int64()), pa.string())
    if width:
        text = pc.utf8_lpad(text, width, padding="0")
    return pc.binary_join_element_wise(prefix, text, "") if prefix else text


def counted(n: int, first: int = 1) -> pa.Array:
    """`n` numbers in a row as text."""
    return as_text(np.arange(first, first + n, dtype=np.int64))


def phones(rng: np.random.Generator, n: int) -> pa.Array:
    """Three mobiles for every landline."""
    mobile, last = rng.random(n) < 0.75, rng.integers(0, 1000, n)
    return pc.if_else(pa.array(mobile), as_text(last, 3, "07700 900"), as_text(last, 3, "01632 960"))
