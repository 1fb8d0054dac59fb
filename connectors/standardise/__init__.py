"""From raw text columns to the standard tables: what is left out, what is filled, what was refused.

Works on whole columns with the declarations of one supplier. Every raw record ends in exactly one of three states:
set aside as rejected, set aside as excluded, or used by at least one fill. `records.py` gives raw records their keys,
`aside.py` sets aside, `filling.py` fills the tables; `standardise` says in what order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from connectors.files.memory import Memory
from connectors.standardise.aside import known_here, refuse, set_aside
from connectors.standardise.filling import fill_table, parsed
from connectors.standardise.records import find, keyed, lay_files, remaining, take_files_away
from connectors.supplier import Fill, Kind, Supplier
from connectors.values import quoted

if TYPE_CHECKING:
    import duckdb


_KEY = "source, source_org, record_id"


def create_work_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """`reading_file` (one row a file), `aside` (records set aside), `later` (further rows of a person already met)."""
    connection.execute("CREATE TEMP TABLE reading_file (file INTEGER, name VARCHAR, source_org VARCHAR)")
    connection.execute(
        "CREATE TEMP TABLE aside (kind VARCHAR, file INTEGER, record BIGINT, line BIGINT, source_org VARCHAR,"
        " verdict VARCHAR, columns VARCHAR, rule VARCHAR)"
    )
    connection.execute("CREATE TEMP TABLE later (file INTEGER, record BIGINT)")


def standardise(
    connection: duckdb.DuckDBPyConnection,
    supplier: Supplier,
    side: str,
    memory: Memory | None = None,
    held: str | None = None,
) -> None:
    """Fill the tables of `side` from the raw relations `raw_<kind>` of one supplier; `memory` is freed on the way.

    What hangs on people of the relation `held` is used though no file is of these people.
    """
    lay_files(connection)
    present = _with_records(connection, supplier.kinds)
    people = supplier.people
    needed = {kind.name for kind in (*present, *people)} | _looked_up(supplier)
    read = [kind for kind in supplier.kinds if kind.name in needed]
    for kind in read:
        if kind.prepare:
            connection.execute(
                f"CREATE TEMP VIEW standing_{kind.name} AS SELECT r.* FROM raw_{kind.name} r"
                " ANTI JOIN aside ON aside.file = r.file AND aside.record = r.record"
            )
            _make_steps(connection, kind)
            connection.execute(f"CREATE TEMP {_made(kind)} prepared_{kind.name} AS {kind.prepare}")
        connection.execute(f"CREATE TEMP VIEW keyed_{kind.name} AS {keyed(supplier, kind)}")
    for kind in present:
        refuse(connection, kind)
    filling = [kind for kind in present if kind.fills]
    if held:
        held = known_here(connection, [kind for kind in filling if kind.dependant], held)
    # People first: what hangs on them is left out where they are.
    for kind in sorted(filling, key=lambda kind: all(kind is not each for each in people)):
        set_aside(connection, supplier, kind, side, held)
        if _note_gone(connection, kind, side) and held:
            held = f"(FROM {held} h ANTI JOIN (FROM {side}.gone WHERE part IS NULL) USING ({_KEY}))"
    fills = [(kind, fill) for kind in filling for fill in kind.fills]
    sql = " ".join(parsed(supplier, kind, fill, remaining(kind)) for kind, fill in fills) if supplier.lookups else ""
    for lookup in supplier.lookups:
        find(connection, lookup, set(re.findall(rf'\b{lookup.alias}\."?(\w+)', sql)))
    for at, (kind, fill) in enumerate(fills, start=1):
        fill_table(connection, supplier, kind, fill, side)
        if memory:
            memory.let_go(connection, kind, _named(supplier, kind, fills[at:]))
    connection.execute(
        f"INSERT INTO {side}.set_aside BY NAME SELECT {quoted(supplier.name)} AS source, aside.source_org,"
        " verdict AS kind, name AS extract_file, record AS extract_record, line AS extract_line, columns, rule"
        " FROM aside JOIN reading_file USING (file) ORDER BY file, record"
    )
    for kind in read:
        for what, made in (("VIEW", "keyed"), (_made(kind), "prepared"), ("VIEW", "standing")):
            connection.execute(f"DROP {what} IF EXISTS {made}_{kind.name}")
        for name in kind.steps:
            connection.execute(f"DROP TABLE IF EXISTS {name}_{kind.name}")
    take_files_away(connection)


def _note_gone(connection: duckdb.DuckDBPyConnection, kind: Kind, side: str) -> bool:
    """Make `<side>.gone` (key, part) of the records that say somebody or an event is gone; there only if any do."""
    if kind.gone is None or not connection.execute(f"FROM keyed_{kind.name} r WHERE {kind.gone} LIMIT 1").fetchall():
        return False
    query = (
        f"SELECT DISTINCT {_KEY}, CAST({kind.gone_part} AS VARCHAR) AS part"
        f" FROM keyed_{kind.name} r WHERE {kind.gone} AND record_id IS NOT NULL ORDER BY ALL"
    )
    connection.execute(f"CREATE TABLE IF NOT EXISTS {side}.gone AS {query} LIMIT 0; INSERT INTO {side}.gone {query}")
    return True


def _made(kind: Kind) -> str:
    """What the prepared records of a kind are."""
    return "VIEW" if kind.taken or kind.steps else "TABLE"


def _make_steps(connection: duckdb.DuckDBPyConnection, kind: Kind) -> None:
    """Make the tables that lead to the prepared records, and drop each that nothing else is made of."""
    left = {f"{name}_{kind.name}": sql for name, sql in kind.steps.items()}
    standing: set[str] = set()
    for table in tuple(left):
        connection.execute(f"CREATE TEMP TABLE {table} AS {left.pop(table)}")
        needed = set(re.findall(r"\w+", " ".join((*left.values(), kind.prepare or ""))))
        standing.add(table)
        for idle in standing - needed:
            connection.execute(f"DROP TABLE {idle}")
        standing &= needed


def _looked_up(supplier: Supplier) -> set[str]:
    """Kinds that others look something up in."""
    lookups = (*supplier.lookups, *(lookup for kind in supplier.kinds for lookup in kind.organisations))
    return {name for lookup in lookups for name in lookup.kinds}


def _with_records(connection: duckdb.DuckDBPyConnection, kinds: Sequence[Kind]) -> list[Kind]:
    """The kinds of which there are any records."""
    asked = ", ".join(f"EXISTS (FROM raw_{kind.name})" for kind in kinds)
    (answers,) = connection.execute(f"SELECT {asked}").fetchall()
    return [kind for kind, answer in zip(kinds, answers, strict=True) if answer]


def _named(supplier: Supplier, kind: Kind, fills: Sequence[tuple[Kind, Fill]]) -> set[str]:
    """The fields of a kind that may be needed for `fills`: what is not named cannot be used."""
    sql = " ".join(
        f"{keyed(supplier, other)} {parsed(supplier, other, fill, remaining(other))}" for other, fill in fills
    )
    words = set(re.findall(r"\w+", sql))
    relations = {f"{relation}_{kind.name}" for relation in ("raw", "prepared", "keyed")}
    return words & set(kind.columns) if words & relations else set()
