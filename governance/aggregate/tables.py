"""The tables of counts of a release: counted, hidden, audited, and written as tables `final_<name>`."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256
from typing import TYPE_CHECKING

from governance.aggregate import cells as counting
from governance.aggregate.cells import ALL, Cells, Table
from governance.aggregate.hiding import Hidden, hide
from governance.aggregate.presets import HIDDEN, PRESETS, Preset
from governance.request import CountFacts

if TYPE_CHECKING:
    import duckdb

    from governance.agreement import Agreement

EVERYBODY = "All"
COUNT = "people"


def definition(agreement: Agreement) -> str:
    """A hash of how people are counted; two releases that differ in it may be compared for what lies between."""
    transforms = [
        f"{table.name}.{item.name} {item.transform}" for table in agreement.data.tables for item in table.fields
    ]
    cut = [f"{table.name}: {', '.join(table.dimensions)}" for table in agreement.data.counts]
    return sha256("\n".join([agreement.disclosure.small_numbers or "", *transforms, *cut]).encode()).hexdigest()


def make(connection: duckdb.DuckDBPyConnection, agreement: Agreement, leaving: Collection[str]) -> CountFacts:
    """Count people by the agreed dimensions and make `final_<name>` of each table; needs the `out_` tables.

    A fact with `fault` stands for no table at all.
    """
    preset = PRESETS.get(agreement.disclosure.small_numbers or "")
    if preset is None or not agreement.data.counts:
        return CountFacts(fault="no table of counts, or no preset for small numbers, is agreed")
    dropped = {path for table in agreement.data.counts for path in table.dimensions if path not in leaving}
    if dropped:
        return CountFacts(fault=f"a dimension may not leave in this form: {', '.join(sorted(dropped))}")
    tables = [_table(table.name, table.dimensions) for table in agreement.data.counts]
    if connection.execute("SELECT 1 FROM out_person LIMIT 1").fetchall() == []:
        return CountFacts(fault="nobody is left to be counted")
    try:
        cells = counting.count(connection, tables)
    except counting.TooMany:
        return CountFacts(
            fault=f"the tables have more than {counting.MOST:,} counts behind them, too many to audit together;"
            " take fewer or coarser dimensions"
        )
    hidden = hide(cells, preset)
    for n, table in enumerate(tables):
        _write(connection, table, cells, hidden, preset, cells.tables[n])
    return CountFacts(
        preset=preset.name,
        definition=definition(agreement),
        rows=tuple((table.name, len(cells.tables[n])) for n, table in enumerate(tables)),
        cells=len(cells.cells),
        small=int(hidden.small.sum()),
        others=int(hidden.others.sum()),
        narrowest=hidden.narrowest,
        rounded_to=preset.base,
    )


def _table(name: str, dimensions: Collection[str]) -> Table:
    split = [path.split(".", 1) for path in dimensions]
    other = next((table for table, _ in split if table != "person"), None)
    person = tuple(field for table, field in split if table == "person")
    return Table(name, person, other, tuple(field for table, field in split if table != "person"))


def _write(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    cells: Cells,
    hidden: Hidden,
    preset: Preset,
    shown: Collection[int],
) -> None:
    import pyarrow as pa

    places = [(n, name) for n, name in enumerate(cells.dimensions) if name in table.person]
    columns: dict[str, list[str]] = {name: [] for name in (*table.person, *table.events, COUNT)}
    for at in shown:
        cell = cells.cells[at]
        for n, name in places:
            columns[name].append(EVERYBODY if cell.place[n] == ALL else cells.categories[n][cell.place[n]])
        for name, value in zip(table.events, cell.events[1] if cell.events else (), strict=True):
            columns[name].append(value)
        secret = hidden.small[at] or hidden.others[at]
        columns[COUNT].append(HIDDEN if secret else str(preset.rounded(int(cells.counts[at]))))
    connection.register("counted", pa.table(columns))
    connection.execute(f"CREATE OR REPLACE TABLE final_{table.name} AS SELECT * FROM counted")
    connection.unregister("counted")
