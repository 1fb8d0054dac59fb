"""Groups of clients: in an order for readers, and none so small that it tells of single people."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretrace.groups import SMALL_GROUP, TOGETHER, UNKNOWN, Counted, by_group, fold, make_groups


def _groups(store: duckdb.DuckDBPyConnection, column: str) -> dict[str, int]:
    make_groups(store, as_at=date(2026, 11, 22))
    found = dict(by_group(store, "clients.person", "count(*)"))
    return {each.name: each.counts[0] for each in found.get(column, ())}


@pytest.mark.parametrize(
    ("born", "band"),
    [
        ("2026-11-22", "under 18"),
        ("2008-11-23", "under 18"),
        ("2008-11-22", "18 to 24"),
        ("1941-11-22", "85 and over"),
        ("2026-11-23", UNKNOWN),  # not born yet
        (None, UNKNOWN),
    ],
)
def test_age_on_the_day(empty_store: duckdb.DuckDBPyConnection, add: Any, born: str | None, band: str) -> None:
    add("clients.person", record_id="1", birth_date=born)
    make_groups(empty_store, as_at=date(2026, 11, 22))
    assert empty_store.execute("SELECT age FROM client_group").fetchall() == [(band,)]


def test_groups_stand_in_order_and_the_small_together(empty_store: duckdb.DuckDBPyConnection, add: Any) -> None:
    for n in range(60):
        ethnicity = "M" if n < 20 else "A" if n < 45 else "Z" if n < 49 else None if n < 52 else "R"
        add("clients.person", record_id=str(n), gender="2", ethnicity=ethnicity, postcode="BR1 3AA")
    # "not stated" and "not recorded" and "Chinese" have 4, 3 and 8 clients.
    assert list(_groups(empty_store, "ethnicity").items()) == [("White", 25), ("Black", 20), (TOGETHER, 15)]
    assert _groups(empty_store, "gender") == {}  # one group parts nobody from anybody
    assert _groups(empty_store, "area") == {}


def test_areas_stand_in_for_many_districts(empty_store: duckdb.DuckDBPyConnection, add: Any) -> None:
    for n in range(44):
        add("clients.person", record_id=f"a{n}", postcode=f"BR{n + 1} 1AA")
        add("clients.person", record_id=f"b{n}", postcode=f"DA{n % 3 + 1} 1AA")
    assert _groups(empty_store, "area") == {"BR": 44, "DA": 44}


@given(st.lists(st.integers(0, 40), max_size=8))
def test_nobody_is_lost_and_no_small_group_is_left(sizes: list[int]) -> None:
    groups = [Counted(str(place), (size,)) for place, size in enumerate(sizes)]
    folded = fold(groups)
    assert sum(each.counts[0] for each in folded) == sum(sizes)
    if len(folded) > 1:
        assert all(each.counts[0] >= SMALL_GROUP for each in folded)
