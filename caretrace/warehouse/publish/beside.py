"""Work that nothing waits for, on a second connection, while a night goes on: most of its statements use one core."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


@contextmanager
def beside(
    connection: duckdb.DuckDBPyConnection, work: Callable[[duckdb.DuckDBPyConnection], object]
) -> Iterator[None]:
    """Do `work` while the block is at work; the block has ended when both have, and raises what either raised.

    What `work` is given sees what is committed by now, and none of this connection's temporary tables and variables.
    """
    with connection.cursor() as second, ThreadPoolExecutor(1) as pool:
        # Our own progress is drawn, and this is a setting of each connection.
        second.execute("SET enable_progress_bar = false")
        doing = pool.submit(work, second)
        try:
            yield
        except BaseException:
            second.interrupt()
            raise
        doing.result()
