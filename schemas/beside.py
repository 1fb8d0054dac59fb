"""Work that nothing waits for, while the main connection goes on: most statements use one core."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")


@contextmanager
def meanwhile(work: Callable[[], T]) -> Iterator[Future[T]]:
    """Do `work`, which needs no connection, while the block is at work; gives what will hold what it gave or raised."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(work)


@contextmanager
def beside(
    connection: duckdb.DuckDBPyConnection, work: Callable[[duckdb.DuckDBPyConnection], T]
) -> Iterator[Future[T]]:
    """Do `work` while the block is at work; the block has ended when both have, and raises what either raised.

    What `work` is given sees what is committed by now, and none of this connection's temporary tables and variables.
    Gives what will hold what it gave.
    """
    [(database,)] = connection.execute("SELECT current_database()").fetchall()
    with connection.cursor() as second, ThreadPoolExecutor(1) as pool:
        # Our own progress is drawn, and this is a setting of each connection.
        second.execute(f'SET enable_progress_bar = false; USE "{database}"')
        doing = pool.submit(work, second)
        try:
            yield doing
        except BaseException:
            second.interrupt()
            raise
        doing.result()
