"""Small groups of look-alikes repaired: a proposal of coarser fields, and of people withheld, that loses least.

`propose` reads the people who are chosen and gives the proposal; `withhold` carries out the second half of it. The
first half is for whoever builds the tables: the fields with their new transforms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from governance.deidentify import lattice, rows
from governance.deidentify.ladder import DROP
from governance.deidentify.lattice import Axis, Demand, Rows, Told

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from governance.deidentify.lattice import Ints
    from governance.request import Field

MEASURE = "non-uniform entropy"


@dataclass(frozen=True)
class Repair:
    """What was done that groups are large enough: fields as (path, agreed transform, coarser one), and who is withheld.

    `withheld` counts people, of events rows. `fault` says why nothing would do; nothing was done then.
    """

    of: str
    fields: tuple[tuple[str, str, str], ...] = ()
    loss: float = 0.0
    withheld: int = 0
    tried: int = 0
    fault: str | None = None

    @property
    def words(self) -> str:
        """What was coarsened, for people."""
        changed = [f"{path} {agreed} to {coarser}" for path, agreed, coarser in self.fields]
        return f"{', '.join(changed) or 'no field'} ({self.loss:.1%} of information lost, by {MEASURE})"


@dataclass(frozen=True)
class Sensitive:
    """A sensitive field of `out_<table>`, and what is demanded of its values in a group."""

    table: str
    name: str
    least: int
    farthest: float | None


def propose(
    connection: duckdb.DuckDBPyConnection,
    ladders: Mapping[Field, Sequence[str]],
    demand: Demand,
    sensitive: Sequence[Sensitive],
    today: date,
) -> Repair:
    """The least lossy proposal for the fields of `person`, each with the steps it may take; fills `withheld`."""
    import numpy as np

    _steps(connection, "person", ladders, today)
    people = connection.sql("SELECT * EXCLUDE (person_key) FROM steps").to_arrow_table()
    coded = _coded(ladders, people)
    at = _combined(coded, people.num_rows)
    _, first = np.unique(at, return_index=True)
    axes = [Axis(axis.path, axis.steps, tuple(codes[first] for codes in axis.codes)) for axis in coded]
    told = [_told(connection, each, at) for each in sensitive]
    found = lattice.search(axes, Rows(np.bincount(at)), demand, told) if people.num_rows else None
    if found is None:
        return Repair("person", fault="nothing that the agreement allows makes every group large and diverse enough")
    connection.register("gone", _row_numbers(np.flatnonzero(found.withheld[at])))
    connection.execute("CREATE OR REPLACE TABLE withheld AS SELECT person_key FROM steps SEMI JOIN gone ON rowid = row")
    connection.unregister("gone")
    return Repair("person", _changed(ladders, found.steps), found.loss, found.gone, found.tried)


def propose_events(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    ladders: Mapping[Field, Sequence[str]],
    groups: Sequence[str],
    demand: Demand,
    today: date,
) -> Repair:
    """The same for the rows of a table of events, within the groups of `profile` by the columns `groups`.

    The demand's k is of people, its share of rows. Nothing is withheld here: that is done to the rows as they leave.
    """
    import numpy as np

    _steps(connection, table, ladders, today)
    held = ", ".join(f'p."{name}" AS g{n}' for n, name in enumerate(groups))
    joined = connection.sql(
        f"SELECT p.rowid AS person, {held}{', ' if held else ''}s.* EXCLUDE (person_key)"
        " FROM steps s JOIN profile p USING (person_key)"
    ).to_arrow_table()
    whose = Axis("", ("",), (_grouped([codes(joined[f"g{n}"]) for n in range(len(groups))], joined.num_rows),))
    coded = [whose, *_coded(ladders, joined)]
    person = codes(joined["person"])
    at = _grouped([_combined(coded, joined.num_rows), person], joined.num_rows)
    _, first, n = np.unique(at, return_index=True, return_counts=True)
    axes = [Axis(axis.path, axis.steps, tuple(each[first] for each in axis.codes)) for axis in coded]
    node = lattice.search(axes, Rows(n, person[first]), demand) if joined.num_rows else None
    if node is None:
        return Repair(table, fault="nothing that the agreement allows makes every group of rows large enough")
    return Repair(table, _changed(ladders, node.steps[1:]), node.loss, node.gone, node.tried)


def _changed(ladders: Mapping[Field, Sequence[str]], taken: Sequence[int]) -> tuple[tuple[str, str, str], ...]:
    chosen = zip(ladders.items(), taken, strict=True)
    return tuple(
        (field.path, field.transform, steps[step]) for (field, steps), step in chosen if steps[step] != field.transform
    )


def coarser(fields: Sequence[Field], repair: Repair) -> list[Field]:
    """The fields with the transforms of a proposal."""
    to = {path: transform for path, _, transform in repair.fields}
    return [replace(field, transform=to.get(field.path, field.transform)) for field in fields]


def withhold(connection: duckdb.DuckDBPyConnection) -> None:
    """Take the people of a proposal out of `chosen`."""
    connection.execute("DELETE FROM chosen WHERE person_key IN (SELECT person_key FROM withheld)")


def _steps(
    connection: duckdb.DuckDBPyConnection, table: str, ladders: Mapping[Field, Sequence[str]], today: date
) -> None:
    """Make `steps`: the rows of a table, one a person in `person`, with a column for every step of every field."""
    columns = [
        (sql, f"{n}_{step}")
        for n, (field, steps) in enumerate(ladders.items())
        for step, transform in enumerate(steps)
        if transform != DROP
        for sql, _ in rows.transformed([replace(field, transform=transform)], today)
    ]
    connection.execute(f"CREATE OR REPLACE TABLE steps AS {rows.select(table, columns)}")


def _coded(ladders: Mapping[Field, Sequence[str]], people: pa.Table) -> list[Axis]:
    import numpy as np

    none = np.zeros(people.num_rows, dtype=np.int64)
    return [
        Axis(
            field.path,
            tuple(steps),
            tuple(none if each == DROP else codes(people[f"{n}_{step}"]) for step, each in enumerate(steps)),
        )
        for n, (field, steps) in enumerate(ladders.items())
    ]


def codes(column: pa.ChunkedArray) -> Ints:
    """A number for each distinct value, from 1 on; 0 for none."""
    import numpy as np

    indices = column.combine_chunks().dictionary_encode().indices
    found: Ints = indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64) + 1
    return found


def _combined(axes: Sequence[Axis], count: int) -> Ints:
    """A number for each combination of all steps of all fields."""
    return _grouped([column for axis in axes for column in axis.codes], count)


def _grouped(columns: Sequence[Ints], count: int) -> Ints:
    import numpy as np

    return lattice.groups(columns) if columns else np.zeros(count, dtype=np.int64)


def _told(connection: duckdb.DuckDBPyConnection, sensitive: Sensitive, at: Ints) -> Told:
    """How many people of each combination have each value; somebody with none has the value none."""
    import numpy as np

    held = connection.sql(
        f"""SELECT DISTINCT s.rowid AS row, CAST(o."{sensitive.name}" AS VARCHAR) AS v
        FROM steps s LEFT JOIN out_{sensitive.table} o USING (person_key)"""
    ).to_arrow_table()
    value = codes(held["v"])
    width = int(value.max(initial=0)) + 1
    key: Ints = at[held["row"].to_numpy()] * width + value
    cell, people = np.unique(key, return_counts=True)
    return Told(cell // width, cell % width, people, sensitive.least, sensitive.farthest)


def _row_numbers(numbers: Ints) -> pa.Table:
    import pyarrow as pa

    return pa.table({"row": pa.array(numbers)})
