"""The warehouse's past, as long as it must be kept: rows that ended, and records that are gone, years ago.

The past is cut at a run: what had ended by then goes, of the state and of `warehouse/history`. Who was gone by
then is forgotten, so a record that comes back after that is a new one. No undo goes back behind the cut.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from caretrace.files import replaced_private
from caretrace.parquet import write_parquet
from caretrace.project import Project
from caretrace.trace.opening import quoted
from caretrace.warehouse import tables
from caretrace.warehouse.publish.current import COMPRESSION
from caretrace.warehouse.publish.refresh import HISTORY
from caretrace.warehouse.undo import KEPT_FROM
from governance import at_rest

if TYPE_CHECKING:
    import duckdb

    from caretrace.purge.settings import Years
    from caretrace.warehouse.store import State

_PAST = (
    *(f"{side}_past.{tables.name(table)}" for side in tables.SIDES for table in tables.KEPT),
    *("record_past", "link_past", "person_key_past"),
)


def cut(connection: duckdb.DuckDBPyConnection, years: Years, *, now: datetime) -> int:
    """The last run whose past is too old to keep; 0 where none is."""
    if years == "never":
        return 0
    today = now.astimezone(UTC).replace(tzinfo=None)
    # 29 February of a year that has none is the day after.
    last_day = 28 if (today.month, today.day) == (2, 29) else today.day
    before = today.replace(year=today.year - years, day=last_day)
    [(run,)] = connection.execute("SELECT coalesce(max(run), 0) FROM state.run WHERE started < ?", [before]).fetchall()
    return int(run)


def count(connection: duckdb.DuckDBPyConnection, run: int) -> int:
    """Rows that go, gone records among them."""
    queries = [f"SELECT count(*) AS n FROM state.{name} WHERE to_run <= {run}" for name in (*_PAST, "record")]
    [(found,)] = connection.execute(f"SELECT sum(n) FROM ({' UNION ALL '.join(queries)})").fetchall()
    return int(found)


def remove(state: State, run: int) -> None:
    """Remove them from the state on its way, and say from which run on the past is kept."""
    connection = state.connection
    for name in (*_PAST, "record"):
        connection.execute(f"DELETE FROM state.{name} WHERE to_run <= {run}")
    for name in ("loaded_back", "retraction", "also_told"):
        connection.execute(f"DELETE FROM state.{name} WHERE id NOT IN (SELECT id FROM state.record)")
    connection.execute(f"""DELETE FROM state.person WHERE to_run <= {run}
        AND person_key NOT IN (SELECT person_key FROM state.person_key)
        AND person_key NOT IN (SELECT person_key FROM state.person_key_past)""")
    connection.execute("DELETE FROM state.meta WHERE name = ?", [KEPT_FROM])
    connection.execute("INSERT INTO state.meta VALUES (?, ?)", [KEPT_FROM, str(run)])
    state.renew = True


def remove_files(connection: duckdb.DuckDBPyConnection, project: Project, run: int) -> int:
    """Remove the published past of the same runs; gives how many files went.

    A table keeps one file, empty where all are old: it shows the columns.
    """
    gone = 0
    for folder in sorted((project.warehouse / HISTORY).glob("*")):
        files = sorted(folder.glob("*.parquet"))
        old = [path for path in files if path.stem.isdigit() and int(path.stem) <= run]
        if old and len(old) == len(files):
            _empty(connection, old.pop())
        for path in old:
            path.unlink()
        gone += len(old)
    return gone


def _empty(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    with replaced_private(path) as draft:
        query = f"SELECT * FROM read_parquet({quoted(str(at_rest.readable(path)))}, hive_partitioning = false) LIMIT 0"
        write_parquet(connection, query, draft, compression=COMPRESSION)
