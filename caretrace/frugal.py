"""How much memory a run takes: what its lists need, and not what the machine has."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")

DEFAULT_MEMORY = "50%"
"""Of the machine, at most: a run takes what lists of its size need (`frugally`)."""
_ENOUGH, _ENOUGH_A_RECORD = 700_000_000, 400
"""Bytes that linking and writing need, with room to spare; measured with 1.1 and 2.3 million records."""


def frugally(connection: duckdb.DuckDBPyConnection, memory: str, work: Callable[[], T]) -> T:
    """What `work` gives, done in as much memory as lists of this size need, where `memory` is the default.

    The store would keep whatever it has room for, which makes nothing faster and takes the memory from what else runs.
    Should it not be enough for once, the work is done again with what the machine allows.
    """
    import duckdb

    if memory != DEFAULT_MEMORY:
        return work()
    [(allowed, less)] = connection.execute(
        """SELECT allowed, least($fixed + $each * records, parse_formatted_bytes(allowed))
           FROM (SELECT current_setting('memory_limit') AS allowed,
                        (SELECT count(*) FROM clients.person) + (SELECT count(*) FROM register.person) AS records)""",
        {"fixed": _ENOUGH, "each": _ENOUGH_A_RECORD},
    ).fetchall()
    try:
        connection.execute(f"SET memory_limit = '{less}B'")
        return work()
    except duckdb.OutOfMemoryException:
        connection.execute(f"SET memory_limit = '{allowed}'")
        return work()
    finally:
        connection.execute(f"SET memory_limit = '{allowed}'")
