"""Both sides count: a register person whom a client has claimed makes room for the others, and the last few meet."""

from __future__ import annotations

import math
from itertools import product

import duckdb
import pytest

from linkage import leftovers, link
from linkage.leftovers import MOST_PAIRS
from linkage.room import make_room


def after(
    people: int, *rows: tuple[int, int, float], confirmed: tuple[int, int] | None = None
) -> dict[tuple[int, int], float]:
    """Probability by (client, person) once room is made; rows are (client, person, weight)."""
    with duckdb.connect() as connection:
        values = ", ".join(f"({c}, {person}, {weight!r}::DOUBLE)" for c, person, weight in rows)
        connection.execute("CREATE TABLE confirmed (c BIGINT, person BIGINT)")
        connection.execute("INSERT INTO confirmed SELECT ?, ? WHERE ?", [*(confirmed or (0, 0)), confirmed is not None])
        connection.execute(f"""
            CREATE TABLE ranked AS
            WITH given AS (SELECT c, person, person AS r, weight, pow(2, weight) AS odds
                           FROM (VALUES {values}) AS v (c, person, weight))
            SELECT c, person, r, row_number() OVER (PARTITION BY c
                       ORDER BY (c, person) NOT IN (SELECT (c, person) FROM confirmed), weight DESC) AS rank, weight,
                   odds / (1 + sum(odds) OVER (PARTITION BY c)) AS probability FROM given""")
        make_room(connection, people)
        return {(c, p): x for c, p, x in connection.execute("SELECT c, person, probability FROM ranked").fetchall()}


# Nine of ten people are somebody's for certain; clients 10 and 11 are left, and so is person 10.
TAKEN = [(c, c, 20.0) for c in range(1, 10)]


def test_whoever_is_left_can_only_be_one_of_the_few_who_are_left() -> None:
    found = after(10, *TAKEN, (10, 10, 2.0))
    odds = 2 ** (2 + math.log2(10 / (10 - 9)))
    assert found[10, 10] == pytest.approx(odds / (1 + odds), rel=1e-3)


def test_a_person_whom_another_client_has_claimed_gains_nothing() -> None:
    found = after(10, *TAKEN, (10, 1, 2.0))
    assert found[10, 1] == pytest.approx(4 / 5, rel=1e-6)  # as before: the client may stand in the list twice


def test_the_unclaimed_of_two_like_candidates_wins() -> None:
    found = after(10, *TAKEN, (10, 1, 3.0), (10, 10, 3.0))
    assert found[10, 10] > 5 * found[10, 1]


def test_a_confirmed_person_whom_nothing_speaks_for_leaves_the_others_probabilities() -> None:
    found = after(10, *TAKEN, (10, 10, -40.0), (10, 99, 3.0), confirmed=(10, 10))
    odds = 2 ** (3 + math.log2(10))
    assert found[10, 99] == pytest.approx(odds / (1 + odds), rel=1e-3)


def test_in_a_register_much_longer_than_the_list_nothing_changes() -> None:
    assert after(1_000, *TAKEN, (10, 10, 2.0))[10, 10] == pytest.approx(4 / 5)


@pytest.mark.parametrize(("most", "found"), [(MOST_PAIRS, True), (0, False)])
def test_the_last_few_meet_though_no_rule_makes_the_pair(most: int, found: bool, store, monkeypatch) -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    people = [
        {
            "given_name": f"ORDAN{b}{a}",
            "family_name": f"{a}{b}ORDAN",
            "birth_date": f"19{20 + i % 70}-{1 + i % 12:02d}-{1 + i % 28:02d}",
            "postcode": f"BR1 {i % 10}A{letters[i % 20]}",
        }
        for i, (a, b) in enumerate(product(letters[:12], letters))
    ]
    other = people[0] | {
        "given_name": "X",
        "family_name": "Yewtree",
        "birth_date": "1999-12-31",
        "postcode": "SW1A 1AA",
    }
    monkeypatch.setattr(leftovers, "MOST_PAIRS", most)
    connection = store([other, *people[1:]], people)
    link(connection, seed=1, run_id="test")
    ((candidates,),) = connection.execute("SELECT count(*) FROM candidate WHERE record_id = 'c1'").fetchall()
    assert (candidates > 0) is found
