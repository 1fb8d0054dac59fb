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
