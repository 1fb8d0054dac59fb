"""What both sides are turned into so that NumPy can compare them: numbers for texts, keys for several of them.

Each has a form for a million rows and one for a single client; the two give the same numbers.
"""

from __future__ import annotations

import atexit
import hashlib
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from linkage.lookup.columns import Array

if TYPE_CHECKING:
    import duckdb

_ALL = 2**64 - 1
# The constants of SplitMix64 (Steele, Lea and Flood 2014).
_STEP, _ONCE, _TWICE = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def number_of(value: str | int) -> int:
    """64 bits for a text; a whole number stands for itself."""
    return value if isinstance(value, int) else _number_of_text(value)


@lru_cache(maxsize=4096)
def _number_of_text(value: str) -> int:
    # MD5 because DuckDB has it too; nothing here is a secret or a signature.
    return int.from_bytes(hashlib.md5(value.encode(), usedforsecurity=False).digest()[:8], "little")


def number_sql(text: str) -> str:
    """`number_of` of an SQL expression of text."""
    return f"md5_number_upper({text})"


def key_of(*parts: str | int) -> int:
    """64 bits for `parts` in this order; two that differ share them less often than computers err."""
    key = 0
    for part in parts:
        key = ((key ^ number_of(part)) + _STEP) & _ALL
        key = ((key ^ (key >> 30)) * _ONCE) & _ALL
        key = ((key ^ (key >> 27)) * _TWICE) & _ALL
        key ^= key >> 31
    return key


def keys_of(*parts: str | int | Array) -> Array:
    """`key_of` for many rows; each part is one value for all or an array (uint64) of numbers."""
    key = np.zeros(1, np.uint64)
    for part in parts:
        numbers = part if isinstance(part, np.ndarray) else np.uint64(number_of(part))
        key = (key ^ numbers) + np.uint64(_STEP)
        key = (key ^ (key >> np.uint64(30))) * np.uint64(_ONCE)
        key = (key ^ (key >> np.uint64(27))) * np.uint64(_TWICE)
        key ^= key >> np.uint64(31)
    return key


def pack(postcode: str) -> int:
    """A postcode unit as a whole number, a character to a byte, the last one lowest."""
    return int.from_bytes(postcode.encode("ascii"), "big")


def unpack(packed: int) -> str:
    """The postcode unit behind a whole number."""
    return packed.to_bytes(8, "big").lstrip(b"\0").decode("ascii")


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    import duckdb

    connection = duckdb.connect()
    # One that is still open when Python ends is reported as a leak.
    atexit.register(_connection.cache_clear)
    atexit.register(connection.close)
    return connection


def duckdb_hash(*texts: str) -> int:
    """DuckDB's own hash of texts, which settles ties and names identifiers in a batch; it takes a query to know it."""
    return duckdb_hashes([texts])[0]


def duckdb_hashes(rows: Sequence[tuple[str, ...]]) -> list[int]:
    """The same for many rows of as many texts each."""
    width = len(rows[0]) if rows else 0
    listed = ", ".join(f"unnest(?) AS c{n}" for n in range(width))
    sql = f"SELECT hash({', '.join(f'c{n}' for n in range(width))}) FROM (SELECT {listed})"
    with _connection().cursor() as cursor:
        return (
            [int(found) for (found,) in cursor.execute(sql, list(zip(*rows, strict=True))).fetchall()] if rows else []
        )
