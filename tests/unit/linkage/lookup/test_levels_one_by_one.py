"""Levels in Python are the levels in columns: on the table of the specification, and on people that look alike."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from linkage.clean import clean
from linkage.comparison import COMPARISONS
from linkage.lookup.build import build
from linkage.lookup.levels import reached
from linkage.lookup.pairs import Pairs
from linkage.weigh import levels_sql

SPEC = Path(__file__).parents[3] / "spec" / "test_levels.py"

# Each example makes a store; to make a failing one smaller would take minutes.
SLOW = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def specification() -> ModuleType:
    spec = importlib.util.spec_from_file_location("levels_of_the_specification", SPEC)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SPECIFICATION = specification()
LEVELS = SPECIFICATION.LEVELS


def person(line: dict[str, str]) -> dict[str, object]:
    """A side of a line of the table, with its identifiers as rows."""
    schemes = SPECIFICATION.SCHEMES_BY_NAME
    rows = [
        {"scheme": schemes.get(name, name), "value": value}
        for name, value in line.items()
        if name in SPECIFICATION.SCHEMES
    ]
    columns = {name: value for name, value in line.items() if name not in SPECIFICATION.SCHEMES}
    return columns | {"names": [], "addresses": [], "identifiers": rows}


def in_python(connection, records) -> dict[tuple[int, int], list[int]]:
    """The levels of every client with every register row, by place of both."""
    clients = records(connection, "clients")
    register = build(connection)
    rows = np.arange(len(register))
    found = {}
    for c, client in enumerate(clients.values()):
        pairs = Pairs(client, register, rows)
        levels = np.array([reached(each, pairs) for each in COMPARISONS]).T.tolist()
        found |= {(c, r): levels[r] for r in range(len(rows))}
    return found


def in_columns(connection) -> dict[tuple[int, int], list[int]]:
    clean(connection, ("clients", "register"))
    connection.execute("CREATE TABLE pair AS SELECT l.id AS c, r.id AS r FROM clients_record l, register_record r")
    columns = ", ".join(f"coalesce(CAST({each.column} AS INTEGER), -1)" for each in COMPARISONS)
    sql = levels_sql(COMPARISONS, "clients_record", "register_record", "pair")
    return {(c, r): levels for c, r, *levels in connection.execute(f"SELECT c, r, {columns} FROM ({sql})").fetchall()}


@pytest.fixture
def table(both, records) -> dict[tuple[int, int], list[int]]:
    sides = ([person(line[side]) for line in LEVELS] for side in (1, 2))
    return in_python(both(*sides), records)


def test_the_table_of_the_specification_holds(table) -> None:
    different = []
    for number, (comparison, client, register, wanted) in enumerate(LEVELS):
        place = next(n for n, each in enumerate(COMPARISONS) if each.name == comparison)
        level = table[number, number][place]
        found = None if level < 0 else COMPARISONS[place].levels[level].name
        if found != wanted:
            different.append((comparison, client, register, wanted, found))
    assert different == []


@settings(SLOW, max_examples=10)
@given(data=st.data())
def test_both_forms_reach_the_same_levels(data: st.DataObject, people, both, records) -> None:
    sides = (data.draw(st.lists(people, min_size=1, max_size=12)) for _ in range(2))
    connection = both(*sides)
    python = in_python(connection, records)
    columns = in_columns(connection)
    assert python.keys() == columns.keys()
    for pair, levels in columns.items():
        said = {each.name: (a, b) for each, a, b in zip(COMPARISONS, levels, python[pair], strict=True) if a != b}
        assert said == {}


def test_people_as_drawn_reach_every_level(people, both, records) -> None:
    """Or the test before this one would prove little."""
    seen: set[tuple[str, int]] = set()

    @settings(max_examples=8, deadline=None, database=None, derandomize=True)
    @given(data=st.data())
    def look(data: st.DataObject) -> None:
        sides = (data.draw(st.lists(people, min_size=15, max_size=25)) for _ in range(2))
        for levels in in_python(both(*sides), records).values():
            seen.update((each.name, level) for each, level in zip(COMPARISONS, levels, strict=True))

    look()
    assert {(each.name, n) for each in COMPARISONS for n in range(-1, len(each.levels))} - seen == set()
