"""Episodes to spells, and the forms of an ICD-10 code."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.spells import NEEDED, icd10, spells

TYPES = {"place": "BIGINT", "newness": "BIGINT", "episode": "INTEGER", "is_last": "BOOLEAN"}
DATES = ("begins", "starts", "ends")


def made(*episodes: dict[str, Any]) -> list[tuple[Any, ...]]:
    """(place counted at, spell number, diagnosis, destination, discharge, episodes) of each spell, by place."""
    columns = ", ".join(f"{name} {TYPES.get(name, 'DATE' if name in DATES else 'VARCHAR')}" for name in NEEDED)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE episode ({columns})")
        for at, episode in enumerate(episodes, start=1):
            row = {"place": at, "newness": at, "provider": "RYJ", "local_id": "H1", "is_last": False, **episode}
            marks = ", ".join("?" for _ in NEEDED)
            connection.execute(f"INSERT INTO episode VALUES ({marks})", [row.get(name) for name in NEEDED])
        return connection.execute(
            "SELECT admission.place, spell_number, admission.diagnosis, discharge.destination, discharge_date, episodes"
            f" FROM ({spells('SELECT * FROM episode')}) ORDER BY ALL"
        ).fetchall()


FIRST = {"spell_number": "S", "episode": 1, "primary_diagnosis": "J440", "begins": "2026-03-02", "starts": "2026-03-02"}
SECOND = {"spell_number": "S", "episode": 2, "primary_diagnosis": "I10", "starts": "2026-03-05", "begins": "2026-03-02"}
ENDED = {"discharge_date": "20260309", "ends": "2026-03-09", "discharge_destination": "19", "is_last": True}


@pytest.mark.parametrize(
    ("episodes", "expected"),
    [
        ([FIRST], [(1, "S", "J440", None, None, 1)]),
        ([FIRST, SECOND | ENDED], [(1, "S", "J440", "19", "20260309", 2)]),
        ([SECOND | ENDED, FIRST], [(2, "S", "J440", "19", "20260309", 2)]),
        # The same episode sent twice: once in number, and as it was last sent.
        ([FIRST, FIRST | {"primary_diagnosis": "J441"}], [(2, "S", "J441", None, None, 1)]),
        # Nobody says which is the last: the highest number is.
        (
            [FIRST | {"discharge_destination": "98"}, SECOND | {"discharge_destination": "54"}],
            [(1, "S", "J440", "54", None, 2)],
        ),
        # A discharge that the first episode already names.
        ([FIRST | ENDED | {"is_last": False}, SECOND], [(1, "S", "J440", None, "20260309", 2)]),
        # Without a number the day of the admission makes the spell, and without both each episode is one.
        ([FIRST | {"spell_number": None}, SECOND | {"spell_number": None}], [(1, None, "J440", None, None, 2)]),
        ([{}, {}], [(1, None, None, None, None, 1), (2, None, None, None, None, 1)]),
        # The number is the provider's, and the patient's.
        ([FIRST, FIRST | {"provider": "RXH"}], [(1, "S", "J440", None, None, 1), (2, "S", "J440", None, None, 1)]),
        ([FIRST, FIRST | {"local_id": "H2"}], [(1, "S", "J440", None, None, 1), (2, "S", "J440", None, None, 1)]),
    ],
)
def test_spells(episodes: list[dict[str, Any]], expected: list[tuple[Any, ...]]) -> None:
    assert made(*episodes) == expected


@given(st.permutations([FIRST | {"newness": 1}, SECOND | ENDED | {"newness": 2}, FIRST | {"newness": 3}]))
@settings(max_examples=6, deadline=None)
def test_their_order_says_nothing(episodes: list[dict[str, Any]]) -> None:
    ((_, *told),) = made(*episodes)
    assert told == ["S", "J440", "19", "20260309", 2]


@pytest.mark.parametrize(
    ("held", "code"),
    [
        ("J440", "J440"),
        ("J44.0", "J440"),
        (" j44.0 ", "J440"),
        ("I10", "I10"),
        ("I10X", "I10"),
        ("I10-", "I10"),
        ("I10XD", "I10"),
        ("A17.0†", "A170"),
        ("A17.0+", "A170"),
        ("A170D", "A170"),
        ("G01*", "G01"),
        ("G01XA", "G01"),
        ("M8025", "M8025"),
        ("T08X0", "T08X0"),
        ("U071", "U071"),
        ("R69X6", "R69X6"),
        ("XE0Uc", None),
        ("J4", None),
        ("12345", None),
        ("", None),
    ],
)
def test_icd10(held: str, code: str | None) -> None:
    with duckdb.connect() as connection:
        query = f"SELECT {icd10('x')} FROM (SELECT CAST(? AS VARCHAR) AS x)"
        assert connection.execute(query, [held]).fetchall() == [(code,)]
