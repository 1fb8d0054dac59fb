"""Who is new, changed or gone since this run began: the temporary tables `changed_clients` and `changed_register`.

Only what tells who somebody is counts as a change: PERSON, ADDRESS, NAME and IDENTIFIER.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caretrace.warehouse.tables import SIDES

if TYPE_CHECKING:
    import duckdb

TELLING = ("PERSON", "ADDRESS", "NAME", "IDENTIFIER")

_BOTH = """CASE
    WHEN c.how IS NULL THEN n.how
    WHEN n.how IS NULL THEN c.how
    WHEN c.how = 'new' AND n.how = 'gone' THEN NULL
    WHEN c.how = 'new' THEN 'new'
    WHEN n.how = 'gone' THEN 'gone'
    ELSE 'changed' END"""
"""What two changes come to: new and gone again is none, gone and back again is a change."""


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the two tables, empty, where they are not there yet."""
    for side in SIDES:
        connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS changed_{side} (id BIGINT, how VARCHAR)")


def note(connection: duckdb.DuckDBPyConnection, side: str, query: str) -> None:
    """Add what `query` (id, how) says has happened after what is noted already."""
    prepare(connection)
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE changed_{side} AS SELECT id, how FROM (
        SELECT coalesce(c.id, n.id) AS id, {_BOTH} AS how FROM changed_{side} c FULL JOIN ({query}) n ON n.id = c.id)
        WHERE how IS NOT NULL ORDER BY id""")


def begin_telling(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `told`, empty: of each record and table of TELLING, whether rows were added and removed."""
    connection.execute("CREATE OR REPLACE TEMP TABLE told (id BIGINT, person BOOLEAN, added BOOLEAN, removed BOOLEAN)")


def note_told(connection: duckdb.DuckDBPyConnection, side: str) -> dict[str, int]:
    """Note what `told` says; gives records by what became of them. One without a PERSON row is nobody to link."""
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE become AS
        SELECT id, CASE WHEN came AND NOT went THEN 'new' WHEN went AND NOT came THEN 'gone' ELSE 'changed' END AS how
        FROM (SELECT id, coalesce(bool_or(added) FILTER (person), false) AS came,
                  coalesce(bool_or(removed) FILTER (person), false) AS went FROM told GROUP BY id)
        WHERE came OR went OR id IN (SELECT id FROM state.{side}.person SEMI JOIN told USING (id))""")
    note(connection, side, "FROM become")
    counts = dict(connection.execute("SELECT how, count(*) FROM become GROUP BY 1").fetchall())
    return {word: int(counts.get(word, 0)) for word in ("new", "changed", "gone")}
