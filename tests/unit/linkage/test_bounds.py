"""The bounds that spare most pairs of names the dear measures let through whatever those would find alike."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest

from linkage.comparison import names as compared

# The measures of each level with the bound in front of them taken away.
MEASURES = {
    "one slip": (
        compared._ONE_SLIP,
        f" AND {compared._UNSHARED} <= greatest(2, 7 * {compared._LONGER} // 20)",
    ),
    "alike": (
        compared._ALIKE,
        f"{compared._UNSHARED} <= greatest(4, 9 * {compared._LONGER} // 10)"
        f" AND ({{a}}[1] = {{b}}[1] OR {compared._UNSHARED} <= greatest(4, 27 * {compared._LONGER} // 50)) AND ",
    ),
    "crosswise": (compared._CROSSWISE, f"{compared._UNSHARED} <= 3 * {compared._LONGER} // 5 AND "),
}


@pytest.fixture(scope="module")
def names() -> duckdb.DuckDBPyConnection:
    """Pairs of names of 1 to 20 letters, from one that is the other up to a few letters changed, to nothing alike."""
    rng = np.random.default_rng(5)
    one, two = [], []
    for _ in range(30_000):
        alphabet = list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: rng.integers(3, 27)])
        name = list(rng.choice(alphabet, rng.integers(1, 21)))
        other = list(name)
        for _ in range(rng.integers(0, 7)):
            place = rng.integers(0, len(other))
            slip = rng.integers(0, 4)
            if slip == 0 and len(other) > 1:
                del other[place]
            elif slip == 1:
                other.insert(place, rng.choice(alphabet))
            elif slip == 2:
                other[place] = rng.choice(alphabet)
            else:
                other[place : place + 2] = other[place : place + 2][::-1]
        one.append("".join(name))
        two.append("".join(other))
    connection = duckdb.connect()
    connection.execute(
        "CREATE MACRO letters(x) AS list_reduce([0::UINTEGER] || list_transform(string_split(x, ''),"
        " lambda c: (1 << (ord(c) - 65))::UINTEGER), lambda a, b: a | b)"
    )
    connection.execute(
        "CREATE TABLE pair AS SELECT one, two, letters(one) AS one_letters, letters(two) AS two_letters"
        " FROM (SELECT unnest(?::VARCHAR[]) AS one, unnest(?::VARCHAR[]) AS two)",
        [one, two],
    )
    return connection


@pytest.mark.parametrize("level", MEASURES)
def test_a_bound_refuses_nothing_that_the_measures_accept(level: str, names: duckdb.DuckDBPyConnection) -> None:
    bounded, bound = MEASURES[level]
    assert bound in bounded
    measured = bounded.replace(bound, "")
    counts = names.execute(f"""
        SELECT count(*) FILTER ({measured.format(a="one", b="two")}),
               count(*) FILTER ({bounded.format(a="one", b="two")}) FROM pair""").fetchone()
    assert counts is not None
    assert counts[0] == counts[1]
    assert 1_000 < counts[0] < 29_000
