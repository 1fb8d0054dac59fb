"""Both kinds of work are done when the block ends, and what fails on either side is raised."""

from collections.abc import Iterator
from threading import Event

import duckdb
import pytest

from schemas.beside import beside

SECONDS = 60.0
"""Of waiting for the other side, before a test fails."""


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        made.execute("CREATE TABLE number AS SELECT 1 AS n; CREATE TEMP TABLE number_own AS SELECT 2 AS n")
        yield made


def test_each_goes_on_without_the_other(connection: duckdb.DuckDBPyConnection) -> None:
    begun, ended = Event(), Event()
    found = []

    def work(second: duckdb.DuckDBPyConnection) -> None:
        begun.set()
        assert ended.wait(SECONDS)
        found.append(second.execute("FROM number").fetchall())

    with beside(connection, work):
        assert begun.wait(SECONDS)
        connection.execute("INSERT INTO number SELECT 3")
        assert not found
        ended.set()
    assert found == [[(1,), (3,)]]


def test_what_is_temporary_is_not_shared(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.CatalogException), beside(connection, lambda second: second.execute("FROM number_own")):
        pass


def test_a_failure_of_the_block_ends_the_other_work(connection: duckdb.DuckDBPyConnection) -> None:
    begun, left = Event(), Event()

    def work(second: duckdb.DuckDBPyConnection) -> None:
        begun.set()
        try:
            second.execute("SELECT max(a.range * b.range) FROM range(10_000_000) a, range(10_000_000) b")
        finally:
            left.set()

    with pytest.raises(KeyboardInterrupt), beside(connection, work):
        assert begun.wait(SECONDS)
        # An interrupt that comes before the statement is lost, so it is waited for.
        assert not left.wait(0.5)
        raise KeyboardInterrupt
    assert left.is_set()
    assert connection.execute("SELECT count(*) FROM number").fetchall() == [(1,)]
