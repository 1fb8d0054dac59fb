"""Kin of the register are told as vaguely as clients are, so that h knows what clients cannot tell apart."""

from __future__ import annotations

import pytest

from linkage.clean import clean
from linkage.kin import told_as_clients

WHOLE = {"given_name": "Alice", "birth_date": "1950-02-03"}
INITIAL = {"given_name": "A", "birth_date": "1950-02-03"}
YEAR = {"given_name": "Alice", "birth_date": "1950-01-01", "birth_date_precision": "Y"}
MONTH = {"given_name": "Alice", "birth_date": "1950-02-01", "birth_date_precision": "YM"}
NOTHING: dict[str, str] = {"family_name": "Hall"}
PEOPLE = 1_000


def told(
    store, clients: list[dict[str, str]], register: dict[str, str] = WHOLE, seed: int = 1
) -> list[tuple[str, ...]]:
    """Every register row's given name, year, month and day, as clients would tell them."""
    connection = store(clients, [register] * PEOPLE)
    clean(connection, ("clients", "register"))
    told_as_clients(connection, "(SELECT id FROM register_record)", seed=seed)
    return connection.execute(
        "SELECT given, birth_year, birth_month, birth_day FROM told_record ORDER BY id"
    ).fetchall()


@pytest.mark.parametrize(
    ("clients", "as_told"),
    [
        ([WHOLE], ("ALICE", 1950, 2, 3)),
        ([INITIAL], ("A", 1950, 2, 3)),
        ([YEAR], ("ALICE", 1950, None, None)),
        ([MONTH], ("ALICE", 1950, 2, None)),
        ([NOTHING], ("ALICE", 1950, 2, 3)),  # what clients do not hold at all is no level of anything
        ([YEAR, NOTHING], ("ALICE", 1950, None, None)),
    ],
)
def test_kin_are_as_vague_as_clients(store, clients, as_told) -> None:
    assert set(told(store, clients)) == {as_told}


def test_as_many_of_them_as_of_the_clients(store) -> None:
    rows = told(store, [YEAR, MONTH, WHOLE, INITIAL])
    shares = {
        "year": sum(row[2] is None for row in rows),
        "month": sum(row[2] is not None and row[3] is None for row in rows),
        "initial": sum(row[0] == "A" for row in rows),
    }
    assert shares == pytest.approx({"year": 250, "month": 250, "initial": 250}, abs=60)


def test_the_same_ones_for_the_same_seed(store) -> None:
    clients = [YEAR, WHOLE]
    assert told(store, clients) == told(store, clients)
    assert told(store, clients) != told(store, clients, seed=2)


def test_a_register_that_is_vague_itself_stays_so(store) -> None:
    assert set(told(store, [WHOLE], YEAR)) == {("ALICE", 1950, None, None)}
