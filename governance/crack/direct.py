"""Schemes that need no search: the value is the number, coded or shifted, or it is short or counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from governance.crack.report import Finding, Verdict

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import numpy.typing as npt

_FEW = 8
"""Fewer values than this say nothing about a rule that one number in eleven keeps by chance."""
_SHARE = 0.5
"""Of the values; a tenth of all ten-digit values passes Modulus 11 by chance, so half does not."""
_CONSTANTS = 1_000_000
_SHORT_BITS = 64
"""A space below 2^64 can be walked through, and values collide by chance [our own choice]."""

# Each takes a value `v` to the text that would be the number; what cannot be decoded becomes null.
_CODES: tuple[tuple[str, str], ...] = (
    # Backwards, or with every digit taken from nine, a number passes Modulus 11 as well.
    ("the NHS number itself, or backwards, or taken from nines", "v"),
    ("the NHS number in base64", "try(decode(from_base64(v)))"),
    ("the NHS number in hex", "CASE WHEN regexp_full_match(v, '([0-9A-Fa-f]{2})+') THEN try(decode(unhex(v))) END"),
    (
        "the NHS number as a hexadecimal count",
        "CASE WHEN regexp_full_match(v, '(0[xX])?0*[0-9A-Fa-f]{8,9}') THEN lpad(CAST(TRY_CAST('0x' ||"
        " regexp_replace(v, '^0[xX]', '') AS BIGINT) AS VARCHAR), 10, '0') END",
    ),
    ("the NHS number with letters around it", "regexp_extract(v, '^[^0-9]*([0-9]{10})[^0-9]*$', 1)"),
)


def coded(connection: duckdb.DuckDBPyConnection, count: int) -> list[Finding]:
    """The first code under which most of the `count` rows of `value(v)` are valid NHS numbers."""
    for words, expression in _CODES:
        [(hits,)] = connection.execute(
            f"SELECT count(*) FROM value WHERE nhs_number({expression}) IS NOT NULL"
        ).fetchall()
        if hits > _SHARE * count:
            return [Finding(Verdict.BROKEN, f"{words} (ten digits that pass Modulus 11)", hits, count)]
    return []


def shifted(values: Sequence[str]) -> list[Finding]:
    """A constant added to every number: all values less the constant pass Modulus 11."""
    import numpy as np

    numbers = [int(value) for value in values if value.isascii() and value.isdigit() and 9 <= len(value) <= 11]
    if len(numbers) < max(_FEW, _SHARE * len(values)):
        return []
    spaced = [digit * 1_111_111_111 for digit in range(1, 10)] + [1_234_567_890, 987_654_321]
    spaced += [digit * 10**power for power in range(6, 10) for digit in range(1, 10)]
    constants = np.array([*range(1, _CONSTANTS + 1), *spaced], dtype=np.int64)
    constants = np.concatenate([constants, -constants])
    # Each value leaves one wrong constant in eleven; a dozen values leave none of millions.
    for number in numbers[:40]:
        constants = constants[_passes(number - constants)]
        if not len(constants):
            return []
    array = np.array(numbers, dtype=np.int64)
    hits = max(int(_passes(array - constant).sum()) for constant in constants[:1000])
    scheme = "the NHS number with a constant added or taken away"
    enough = hits > _SHARE * len(values) and len(numbers) >= _FEW
    return [Finding(Verdict.BROKEN, scheme, hits, len(values))] if enough else []


def _passes(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Modulus 11 over whole numbers: weights 10 to 1 on ten digits."""
    total = sum(numbers // 10**at % 10 * (at + 1) for at in range(10))
    passed: npt.NDArray[np.bool_] = (total % 11 == 0) & (numbers > 10**8) & (numbers < 10**10)
    return passed


def counted(values: Sequence[str]) -> list[Finding]:
    """Values that only count: the same text before whole numbers that leave few gaps."""
    numbers = _numbers(values)
    if numbers is None or len(values) < _FEW:
        return []
    span = max(numbers) - min(numbers) + 1
    if span > 4 * len(values):
        return []
    scheme = "numbers in sequence: their order and count tell who came when"
    return [Finding(Verdict.WEAK, scheme, len(values), len(values))]


def _numbers(values: Sequence[str]) -> list[int] | None:
    stems = {value.rstrip("0123456789") for value in values}
    if len(stems) > 1:
        return None
    digits = [value.removeprefix(next(iter(stems), "")) for value in values]
    return [int(each) for each in digits] if all(digits) and max(map(len, digits)) <= 18 else None


_ALPHABETS: tuple[tuple[int, Callable[[str], bool]], ...] = (
    (10, lambda text: text.isdigit()),
    (16, lambda text: all(each in "0123456789abcdefABCDEF-" for each in text)),
    (36, lambda text: text.isalnum() and (text.isupper() or text.islower())),
    (64, lambda text: True),
)


def short(values: Sequence[str]) -> list[Finding]:
    """Values from a space small enough to walk through, judged by their characters and greatest length."""
    if len(values) < _FEW:
        return []
    sample = "".join(values[:1000])
    size = next(size for size, holds in _ALPHABETS if holds(sample))
    bits = math.log2(size) * max(map(len, values))
    if bits >= _SHORT_BITS:
        return []
    scheme = f"short: at most 2^{bits:.0f} different values are possible, so whoever can make one can try them all"
    return [Finding(Verdict.WEAK, scheme, len(values), len(values))]
