"""Names as councils hold them, and what is left to compare."""

from __future__ import annotations

import pytest

from linkage.names import build_names

NAMES = [
    # raw, first word, all as one word, parts of a double-barrelled name, other words
    ("Smith", "SMITH", "SMITH", None, None),
    ("  smith ", "SMITH", "SMITH", None, None),
    ("O'Brien", "OBRIEN", "OBRIEN", None, None),
    ("O\u2019BRIEN", "OBRIEN", "OBRIEN", None, None),
    ("Smith-Jones", "SMITH", "SMITHJONES", ["SMITH", "JONES"], ["JONES"]),
    ("Van der Berg", "VAN", "VANDERBERG", ["BERG"], ["BERG", "DER"]),
    ("Zoë", "ZOE", "ZOE", None, None),
    ("Łukasz Øster", "LUKASZ", "LUKASZOSTER", ["LUKASZ", "OSTER"], ["OSTER"]),
    ("Strauß", "STRAUSS", "STRAUSS", None, None),
    ("Mrs Mary", "MARY", "MARY", None, None),
    ("MARY (known as MOLLY)", "MARY", "MARYMOLLY", ["MARY", "MOLLY"], ["MARY", "MOLLY"]),
    ("TWIN 1 Aisha", "AISHA", "AISHA", None, None),
    ("DO NOT USE Brown", "BROWN", "BROWN", None, None),
    ("Mary Ann E", "MARY", "MARYANNE", ["MARY", "ANN"], ["ANN"]),
    ("Lord", "LORD", "LORD", None, None),  # a title that is all there is, is a name
    ("J.", "J", "J", None, None),
    ("Unknown", None, None, None, None),
    ("BABY BOY", None, None, None, None),
    ("12345", None, None, None, None),
    ("---", None, None, None, None),
]


@pytest.mark.parametrize(("raw", "first", "joined", "parts", "rest"), NAMES)
def test_cleaning(raw, first, joined, parts, rest, store) -> None:
    connection = store([{"family_name": raw}], [])
    build_names(connection, ("clients", "register"))
    (row,) = connection.execute("SELECT raw, first, joined, parts, rest FROM name_value").fetchall()
    assert row == (raw, first, joined, parts, rest)


@pytest.mark.parametrize(
    ("one", "other", "related"),
    [
        ("Bill", "William", True),
        ("Bill", "Will", True),  # both are William
        ("Liz", "Elizabeth", True),
        ("William", "Robert", False),
        ("Alan", "Brian", False),
    ],
)
def test_nicknames_are_known_in_both_directions(one: str, other: str, related: bool, store) -> None:
    connection = store([{"given_name": one}], [{"given_name": other}])
    build_names(connection, ("clients", "register"))
    pairs = set(connection.execute("SELECT a, b FROM nickname").fetchall())
    assert ((one.upper(), other.upper()) in pairs) is related
    assert ((other.upper(), one.upper()) in pairs) is related


def test_nicknames_of_one_name_share_a_root(store) -> None:
    connection = store([{"given_name": name} for name in ("Bill", "William", "Billy")], [])
    build_names(connection, ("clients", "register"))
    assert connection.execute("SELECT DISTINCT first_root FROM name_value").fetchall() == [("WILLIAM",)]
