"""The macros stand wherever they were asked for, as they were last asked for."""

from datetime import date

import duckdb
import pytest

from schemas.sql import install_macros

EARLY, LATE = date(1999, 4, 1), date(2026, 4, 1)


def _year(connection: duckdb.DuckDBPyConnection) -> int:
    """The year that 01/02/20 is of, which the day of reading decides."""
    ((year,),) = connection.execute("SELECT year(date_uk('01/02/20'))").fetchall()
    return int(year)


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@pytest.mark.parametrize("days", [(EARLY,), (LATE,), (EARLY, LATE), (LATE, EARLY), (EARLY, LATE, EARLY)])
def test_the_last_day_asked_for_counts(connection: duckdb.DuckDBPyConnection, days: tuple[date, ...]) -> None:
    for day in days:
        install_macros(connection, as_at=day)
        assert _year(connection) == (1920 if day == EARLY else 2020)


def test_they_are_made_anew_after_a_transaction_is_undone(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("BEGIN")
    install_macros(connection, as_at=LATE)
    connection.execute("ROLLBACK")
    with pytest.raises(duckdb.CatalogException):
        _year(connection)
    install_macros(connection, as_at=LATE)
    assert _year(connection) == 2020


@pytest.mark.parametrize("place", ["other", "memory.apart"])
def test_another_database_or_schema_has_its_own(connection: duckdb.DuckDBPyConnection, place: str) -> None:
    install_macros(connection, as_at=LATE)
    connection.execute("ATTACH ':memory:' AS other; CREATE SCHEMA apart")
    connection.execute(f"USE {place}")
    install_macros(connection, as_at=EARLY)
    assert _year(connection) == 1920
    connection.execute("USE memory.main")
    assert _year(connection) == 2020


def test_a_database_attached_anew_under_its_old_name_has_none_yet(connection: duckdb.DuckDBPyConnection) -> None:
    for _ in range(2):
        connection.execute("ATTACH ':memory:' AS other")
        connection.execute("USE other")
        install_macros(connection, as_at=LATE)
        assert _year(connection) == 2020
        connection.execute("USE memory; DETACH other")


def test_a_second_connection_has_them_too(connection: duckdb.DuckDBPyConnection) -> None:
    install_macros(connection, as_at=EARLY)
    with connection.cursor() as second:
        install_macros(second, as_at=LATE)
        assert _year(second) == 2020
    # They are the database's, not the connection's: whoever is in it asks again for their own day.
    assert _year(connection) == 2020
    install_macros(connection, as_at=EARLY)
    assert _year(connection) == 1920
