"""The cells of a release's tables of counts, and how each adds up from people nobody is shown.

Behind every table stands the finest count: people by all dimensions at once. A table, and each total in it, is a sum
over that, so tables that share a dimension are tied together and have to be audited together. A person has one value
of each dimension of `person` and may have several of another table (services), so totals run over the former only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import scipy.sparse as sp

ALL = -1
MOST = 4_000
"""Finest counts that are audited together; more takes too long to prove [our own choice]."""
NOT_KNOWN = "not known"


@dataclass(frozen=True)
class Table:
    """A table of counts: its dimensions in `person`, and those in one other table."""

    name: str
    person: tuple[str, ...]
    other: str | None = None
    events: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cell:
    """A count: an event combination of a table (None: all people) and a category, or ALL, of each person dimension."""

    events: tuple[str, tuple[str, ...]] | None
    place: tuple[int, ...]


@dataclass(frozen=True)
class Cells:
    """Every cell once, though several tables show it; `sums` times the finest counts gives `counts`."""

    dimensions: tuple[str, ...]
    categories: tuple[tuple[str, ...], ...]
    cells: tuple[Cell, ...]
    counts: np.ndarray
    finest: np.ndarray
    sums: sp.csr_matrix
    tables: tuple[tuple[int, ...], ...]
    equations: tuple[tuple[int, ...], ...]
    """Cells of which the first is the total of the others."""
    blocks: int

    @property
    def people(self) -> int:
        """How many people are counted."""
        return int(self.finest[: self.finest.size // self.blocks].sum())


class TooMany(Exception):
    """More finest counts than can be audited together."""


def count(connection: duckdb.DuckDBPyConnection, tables: Sequence[Table]) -> Cells:
    """Count the people of `out_person` and the other `out_` tables; TooMany where they cannot be audited together."""
    import numpy as np
    import scipy.sparse as sp

    dimensions = tuple(dict.fromkeys(name for table in tables for name in table.person))
    categories = tuple(_categories(connection, "out_person", name) for name in dimensions)
    shape = tuple(len(each) for each in categories)
    events = {table.other: table.events for table in tables if table.other is not None}
    combinations: list[tuple[str, tuple[str, ...]] | None] = [None]
    for other, names in events.items():
        combinations += [(other, values) for values in _combinations(connection, other, names)]
    size = int(np.prod(shape, dtype=np.int64))
    if size * len(combinations) > MOST:
        raise TooMany
    finest = np.zeros((len(combinations), size), dtype=np.int64)
    at = {combination: n for n, combination in enumerate(combinations)}
    index = [{value: n for n, value in enumerate(each)} for each in categories]
    sources: list[tuple[str | None, tuple[str, ...]]] = [(None, ()), *events.items()]
    for source, names in sources:
        for values, combination, people in _grouped(connection, dimensions, source, names):
            place = [index[n][value] for n, value in enumerate(values)]
            block = at[None if source is None else (source, combination)]
            finest[block, int(np.ravel_multi_index(place, shape)) if shape else 0] = people
    cells, shown, equations = _cells(tables, dimensions, shape, combinations)
    sums = sp.csr_matrix(np.stack([_sum(cell, shape, size, at, len(combinations)) for cell in cells]))
    flat = finest.ravel()
    return Cells(dimensions, categories, cells, sums @ flat, flat, sums, shown, equations, len(combinations))


def _value(table: str, name: str) -> str:
    return f"coalesce(CAST({table}.\"{name}\" AS VARCHAR), '{NOT_KNOWN}')"


def _categories(connection: duckdb.DuckDBPyConnection, table: str, name: str) -> tuple[str, ...]:
    rows = connection.execute(f"SELECT DISTINCT {_value(table, name)} FROM {table} ORDER BY 1").fetchall()
    return tuple(row[0] for row in rows)


def _combinations(connection: duckdb.DuckDBPyConnection, other: str, names: Sequence[str]) -> list[tuple[str, ...]]:
    values = ", ".join(_value(f"out_{other}", name) for name in names)
    rows = connection.execute(f"SELECT DISTINCT {values} FROM out_{other} SEMI JOIN out_person USING (person_key)")
    return sorted(rows.fetchall())


def _grouped(
    connection: duckdb.DuckDBPyConnection, dimensions: Sequence[str], other: str | None, names: Sequence[str]
) -> list[tuple[tuple[str, ...], tuple[str, ...], int]]:
    """People by their values of the dimensions of `person` and of the other table."""
    values = [_value("out_person", name) for name in dimensions] + [_value(f"out_{other}", name) for name in names]
    join = "" if other is None else f" JOIN out_{other} USING (person_key)"
    columns = ", ".join([*values, "count(DISTINCT person_key)"])
    rows = connection.execute(f"SELECT {columns} FROM out_person{join} GROUP BY ALL").fetchall()
    return [(tuple(row[: len(dimensions)]), tuple(row[len(dimensions) : -1]), int(row[-1])) for row in rows]


def _cells(
    tables: Sequence[Table],
    dimensions: Sequence[str],
    shape: Sequence[int],
    combinations: Sequence[tuple[str, tuple[str, ...]] | None],
) -> tuple[tuple[Cell, ...], tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]:
    """Cells without repetition, which of them each table shows, and every total with what it is the total of."""
    known: dict[Cell, int] = {}
    shown: list[tuple[int, ...]] = []
    equations: dict[tuple[int, ...], None] = {}
    for table in tables:
        ranges = [[ALL, *range(shape[n])] if name in table.person else [ALL] for n, name in enumerate(dimensions)]
        held = []
        for events in combinations:
            if (events[0] if events else None) != table.other:
                continue
            for place in product(*ranges):
                held.append(known.setdefault(Cell(events, place), len(known)))
            for place in product(*ranges):
                for n, name in enumerate(dimensions):
                    if place[n] == ALL and name in table.person:
                        parts = (place, *((*place[:n], value, *place[n + 1 :]) for value in range(shape[n])))
                        equations[tuple(known[Cell(events, part)] for part in parts)] = None
        shown.append(tuple(held))
    return tuple(known), tuple(shown), tuple(equations)


def _sum(
    cell: Cell, shape: tuple[int, ...], size: int, at: dict[tuple[str, tuple[str, ...]] | None, int], blocks: int
) -> np.ndarray:
    """Which finest counts a cell is the sum of, as ones among zeros."""
    import numpy as np

    inside = np.zeros(shape, dtype=np.int8)
    inside[tuple(slice(None) if value == ALL else value for value in cell.place)] = 1
    row = np.zeros((blocks, size), dtype=np.int8)
    row[at[cell.events]] = inside.ravel()
    return row.ravel()
