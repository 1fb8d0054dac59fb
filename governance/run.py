"""Reading a finished run folder: its tables as DuckDB views, each file checked against the run's manifest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from governance import at_rest
from governance.deidentify.columns import RELEASABLE, RUN_COLUMNS
from governance.files import sha256_of
from schemas import LINK, OBJECTION, OPT_OUT, PERSON_KEY
from schemas.errors import InputError, IntegrityFailure

if TYPE_CHECKING:
    import duckdb

_NEEDED = ("person", "opt_out", "objection")


@dataclass(frozen=True)
class Run:
    """A run folder as found."""

    folder: Path
    run_id: str
    manifest_sha256: str


def attach(connection: duckdb.DuckDBPyConnection, folder: Path, tables: set[str]) -> Run:
    """Make views of a run's `tables`, links, keys and choices; IntegrityFailure where a file was altered."""
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text("utf-8"))
        run_id, outputs = str(manifest["run_id"]), dict(manifest["outputs"])
        whole = manifest.get("warehouse", {}).get("tables") is not False
    except OSError:
        raise InputError("this is no finished run folder: it has no manifest.json", path=folder) from None
    except (ValueError, KeyError, TypeError):
        raise InputError("the run's manifest cannot be read; run the linkage again", path=path) from None
    if not whole:
        raise InputError("this night wrote no tables; `caretrace warehouse tables` writes them", path=folder)
    run_columns = [column.name for column in RUN_COLUMNS]
    declared = {"opt_out": OPT_OUT, "objection": OBJECTION, **RELEASABLE}
    views = {name: (f"linked/{name}.parquet", (*run_columns, *declared[name].names)) for name in {*_NEEDED, *tables}}
    views["links"] = ("links.parquet", LINK.names)
    views["person_key"] = ("linked/person_key.parquet", PERSON_KEY.names)
    for name, (relative, columns) in sorted(views.items()):
        _view(connection, name, folder, relative, columns, outputs)
    return Run(folder, run_id, sha256_of(path))


def _view(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    folder: Path,
    relative: str,
    columns: tuple[str, ...],
    outputs: dict[str, str],
) -> None:
    path = folder / relative
    if not path.is_file():
        raise InputError(f"the run folder has no {relative}; run the linkage again", path=folder)
    if outputs.get(relative) != sha256_of(path):
        raise IntegrityFailure(f"{path} is not the file that the run's manifest lists; run the linkage again")
    quoted = str(at_rest.readable(path)).replace("'", "''")
    connection.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet('{quoted}')")
    held = {row[0] for row in connection.execute(f"DESCRIBE {name}").fetchall()}
    if missing := [column for column in columns if column not in held]:
        raise InputError(f"columns are missing: {', '.join(missing)}; run the linkage again", path=path)
