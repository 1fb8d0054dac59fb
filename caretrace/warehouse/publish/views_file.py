"""warehouse.duckdb: views over the newest run's Parquet files, with every table and column described. It holds no rows.

    identifiable.<table>          every column
    identifiable.<table>_history  the same rows and all that held before them, with valid_to and why
    analyst.<table>, _history     without direct identifiers and free text, persons told apart by person_key
    about                         number and day of the run, and version of the published tables

DuckDB knows no users: whoever may read the run folder may read all of it, and the two schemas keep analysts from what
they do not need, not from what they may not see. PostgreSQL does that.

A view names its files in full, since DuckDB reads a relative path from wherever the reader's program was started. So a
project that was moved needs new views: `caretrace warehouse views`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from caretrace.trace.opening import quoted
from caretrace.warehouse.publish.catalog import ANALYST, IDENTIFIABLE, View, described, views
from governance.files import owner_only, sync_folder
from schemas.errors import InputError
from schemas.person import KEY_COLUMNS
from schemas.warehouse import VERSION

if TYPE_CHECKING:
    import duckdb

FILE = "warehouse.duckdb"
_KEY = ", ".join(column.name for column in KEY_COLUMNS)
_RENAME_SECONDS = 5.0
"""How long a virus scanner may hold the file on Windows before somebody else must be reading it."""
_CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}

Replace = Callable[[Path, Path], None]


def write(
    path: Path,
    run: Path,
    history: Path,
    number: int,
    *,
    replace: Replace = os.replace,
    wait: float = _RENAME_SECONDS,
) -> Path:
    """Write the views of the run folder `run`, the run of that number, and put them in the place of `path`.

    `history` is the project's `warehouse/history`. A reader that has the old file open goes on with it. On Windows it
    also keeps it from being replaced; then the new views stand beside it, named after the run, until the next run.
    Gives where they are.
    """
    import duckdb

    run, history = run.resolve(), history.resolve()
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    try:
        with duckdb.connect(str(draft), config=_CLOSED) as connection:
            # One transaction: each of a thousand comments would else wait for the disk.
            connection.execute("BEGIN")
            connection.execute(_about(run, number))
            for schema in (IDENTIFIABLE, ANALYST):
                connection.execute(f"CREATE SCHEMA {schema}")
            for view in views():
                _create(connection, view, _sql(view, run, history, number))
            connection.execute("COMMIT")
        owner_only(draft)
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        found = _put(draft, path, number, replace, wait)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)
    return found


def shows(path: Path) -> int | None:
    """Number of the run that the views at `path` show; None where there are none that can be read."""
    import duckdb

    if not path.is_file():
        return None
    try:
        with duckdb.connect(str(path), read_only=True, config=_CLOSED) as connection:
            [(number,)] = connection.execute("SELECT run FROM about").fetchall()
    except duckdb.Error:  # its words hold paths; new views take their place
        return None
    return int(number)


def _about(run: Path, number: int) -> str:
    """SQL of the view that says which run it is."""
    runs = _parquet(run / "runs.parquet")
    return f"CREATE VIEW about AS SELECT run, as_at, {VERSION} AS published_version FROM {runs} WHERE run = {number}"


def _create(connection: duckdb.DuckDBPyConnection, view: View, query: str) -> None:
    import duckdb

    name = f"{view.schema}.{view.name}"
    try:
        connection.execute(f"CREATE VIEW {name} AS {query}")
    except duckdb.IOException:  # its words hold paths
        raise InputError(f"the files of {view.name} cannot be read; is the run folder whole?") from None
    said = [f"COMMENT ON VIEW {name} IS {quoted(view.meaning)}"]
    said += [f'COMMENT ON COLUMN {name}."{each.name}" IS {quoted(described(each))}' for each in view.columns]
    connection.execute("; ".join(said))


def _sql(view: View, run: Path, history: Path, number: int) -> str:
    columns = ", ".join(
        f't."{column.name}"' for column in view.columns if not (view.keyed and column.name == "person_key")
    )
    each = view.published
    parts = []
    if each.file:
        parts.append(f"SELECT * FROM {_parquet(run / each.file)}")
    if each.history and (view.past or not each.file):
        # What a later run ended still held in this one.
        run_column = "to_run" if each.file else "run"
        earlier = f"{_escaped(history / each.name)}/*.parquet"
        parts.append(f"SELECT * FROM {_parquet(earlier)} WHERE {run_column} <= {number}")
    rows = f"({' UNION ALL BY NAME '.join(parts)}) t"
    if not view.keyed:
        return f"SELECT {columns} FROM {rows}"
    keys = f"(SELECT person_key, {_KEY} FROM {_parquet(run / 'linked' / 'person_key.parquet')} WHERE side = 'client')"
    return f"SELECT k.person_key, {columns} FROM {rows} LEFT JOIN {keys} k USING ({_KEY})"


def _parquet(files: Path | str) -> str:
    # A folder above might be called a=b, which DuckDB would take for a column; older runs may lack newer columns.
    many = isinstance(files, str)
    name = quoted(files if isinstance(files, str) else files.as_posix())
    return f"read_parquet({name}, hive_partitioning = false, union_by_name = {str(many).lower()})"


def _escaped(folder: Path) -> str:
    """The folder as part of a pattern, in which its own brackets and stars stand for themselves."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in folder.as_posix())


def _put(draft: Path, path: Path, number: int, replace: Replace, wait: float) -> Path:
    """Give the draft its name, and remove what earlier runs had to leave beside it."""
    found = path
    deadline = time.monotonic() + wait
    while True:
        try:
            replace(draft, path)
            break
        except PermissionError:
            if time.monotonic() > deadline:
                found = path.with_name(f"{path.stem}-{number:06d}{path.suffix}")
                draft.replace(found)
                break
            time.sleep(0.05)
    for old in path.parent.glob(f"{path.stem}-*{path.suffix}"):
        if old != found:
            try:
                old.unlink()
            except PermissionError:  # still open on Windows; the next run tries again
                continue
    return found
