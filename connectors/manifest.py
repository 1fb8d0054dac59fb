"""Whether every file that an extract's own manifest lists is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from connectors.detect import Extract
from connectors.values import is_true
from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb


def check_manifest(connection: duckdb.DuckDBPyConnection, kind: str, extract: Extract, file: int) -> str:
    """Refuse an extract that lacks a file its manifest lists; says which of its tables are deltas, for the report."""
    listed = connection.execute(
        f"SELECT FileName, bool_or({is_true('IsDelta')}) FROM raw_{kind} WHERE file = ? AND FileName IS NOT NULL"
        " GROUP BY ALL ORDER BY ALL",
        [file],
    ).fetchall()
    present = {found.stem.casefold() for found in extract.files}
    missing = [name for name, _ in listed if Path(name).stem.casefold() not in present]
    if missing:
        raise InputError(
            f"the manifest lists files that are not here: {', '.join(missing)}; fetch the whole extract",
            path=next((found.path for found in extract.files if found.kind and found.kind.name == kind), None),
        )
    deltas = [name for name, is_delta in listed if is_delta]
    if not deltas:
        return "every file listed is here; all are full extracts"
    return f"every file listed is here; only changes since the last extract in {', '.join(deltas)}"
