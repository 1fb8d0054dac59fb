"""Published history and kept trace answers, written again without the erased.

Needs `erasing` and `erasing_number` (caretrace.warehouse.erase). A file that does not name them is left as it is.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from caretrace.files import replaced_private
from caretrace.linked import SIDES
from caretrace.parquet import write_parquet
from caretrace.project import Project
from caretrace.trace.opening import quoted
from caretrace.trace.store import Kept
from caretrace.warehouse import tables
from caretrace.warehouse.publish.current import COMPRESSION
from caretrace.warehouse.publish.refresh import HISTORY
from governance import at_rest

if TYPE_CHECKING:
    import duckdb

_SIDE = " ".join(f"WHEN '{word}' THEN '{side}'" for side, word in SIDES.items())
_LINKED = ("person_nhs_number", "nhs_number_before", "candidate_nhs_number", "runner_up_nhs_number")
_OF_LINKS = ("link", "link_change", "person_key")
"""Tables whose nhs_number is what linkage said; in all others it is what the record itself says, and stays."""


def scrub(connection: duckdb.DuckDBPyConnection, project: Project) -> int:
    """Write every file that names them again; gives how many were."""
    return sum(
        [
            *(_history(connection, path) for path in sorted((project.warehouse / HISTORY).glob("*/*.parquet"))),
            *(_traces(connection, Kept.of(project).root)),
        ]
    )


def _history(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    columns = _columns(connection, path)
    if not set(tables.KEY) <= set(columns):
        return 0
    changes = {name: f"CASE WHEN {name} IN (FROM erasing_number) THEN NULL ELSE {name} END" for name in _LINKED}
    if path.parent.name in _OF_LINKS:
        name = "nhs_number"
        changes[name] = f"CASE WHEN {name} IN (FROM erasing_number) THEN NULL ELSE {name} END"
    if "register_record_id" in columns:
        theirs = " AND ".join(f"t.register_{name} = e.{name}" for name in tables.KEY)
        found = f"EXISTS (FROM erasing e WHERE e.side = 'register' AND {theirs})"
        changes |= {f"register_{name}": f"CASE WHEN {found} THEN NULL ELSE register_{name} END" for name in tables.KEY}
    changes = {name: sql for name, sql in changes.items() if name in columns}
    side = f"CASE t.side {_SIDE} END" if "side" in columns else "'clients'"
    same = " AND ".join(f"e.{name} = t.{name}" for name in tables.KEY)
    theirs = f"EXISTS (FROM erasing e WHERE {same} AND e.side = {side})"
    altered = " OR ".join([theirs, *(f"({sql}) IS DISTINCT FROM t.{name}" for name, sql in changes.items())])
    replace = f" REPLACE ({', '.join(f'{sql} AS {name}' for name, sql in changes.items())})" if changes else ""
    return _write(connection, path, altered, f"SELECT *{replace} FROM {{}} t WHERE NOT {theirs}")


def _traces(connection: duckdb.DuckDBPyConnection, root: Path) -> Iterable[int]:
    """Questions and answers about the clients, and the register rows that were read of the answers."""
    same = " AND ".join(f"e.{name} = t.{name}" for name in tables.KEY)
    theirs = f"EXISTS (FROM erasing e WHERE e.side = 'clients' AND {same})"
    keyed = "SELECT * FROM {} t WHERE NOT " + theirs
    for path in sorted(root.glob("requests/*/questions.parquet")):
        yield _write(connection, path, theirs, keyed)
    for path in sorted(root.glob("readings/*/answers.parquet")):
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE erasing_reference AS SELECT reference FROM {_read(path)} t WHERE {theirs}"
        )
        found = "record_id IN (FROM erasing_reference)"
        for name in ("person", "identifier"):
            of_register = path.parent / "register" / f"{name}.parquet"
            if of_register.is_file():
                yield _write(connection, of_register, found, f"SELECT * FROM {{}} WHERE NOT coalesce({found}, false)")
        yield _sheet(connection, path.parent / "results.csv")
        # Last: it says which references are theirs, should this be interrupted.
        yield _write(connection, path, theirs, keyed)


def _sheet(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """The same of the list for people, line by line, since it is to stay byte for byte what it was otherwise."""
    if not path.is_file():
        return 0
    erased = set(connection.execute(f"SELECT {', '.join(tables.KEY)} FROM erasing WHERE side = 'clients'").fetchall())
    with at_rest.readable(path).open(encoding="utf-8-sig", newline="") as file:
        titles, *rows = csv.reader(file)
    places = [titles.index(name) for name in tables.KEY]
    kept = [row for row in rows if tuple(row[place] for place in places) not in erased]
    if len(kept) == len(rows):
        return 0
    with replaced_private(path) as draft, draft.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([titles, *kept])
    return 1


def _write(connection: duckdb.DuckDBPyConnection, path: Path, altered: str, query: str) -> int:
    """Replace the file by what `query` ({} is the file) gives, where any row of it is `altered`."""
    [(there,)] = connection.execute(f"SELECT count(*) FROM {_read(path)} t WHERE {altered}").fetchall()
    if there:
        with replaced_private(path) as draft:
            write_parquet(connection, query.format(_read(path)), draft, compression=COMPRESSION)
    return int(there > 0)


def _read(path: Path) -> str:
    return f"read_parquet({quoted(str(at_rest.readable(path)))}, hive_partitioning = false)"


def _columns(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    return [name for name, *_ in connection.execute(f"DESCRIBE FROM {_read(path)}").fetchall()]
