"""Links against known truth: only synthetic people have it, so only the demo and the benchmarks ask."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def evaluate(connection: duckdb.DuckDBPyConnection, truth: Path) -> dict[str, int]:
    """Count the links that are right and the clients who could be found.

    `truth` is the file `caretrace.synthetic` writes beside its data: record_id, nhs_number (the person's true one) and
    in_register. Precision is right / links, recall found / findable.
    """
    reader = "read_parquet" if truth.suffix == ".parquet" else "read_csv"
    options = "" if reader == "read_parquet" else ", all_varchar = true"
    quoted = str(truth).replace("'", "''")
    ((links, right, findable, found),) = connection.execute(f"""
        SELECT count(l.nhs_number), count(*) FILTER (l.nhs_number = t.nhs_number),
            count(*) FILTER (CAST(t.in_register AS BOOLEAN)),
            count(*) FILTER (CAST(t.in_register AS BOOLEAN) AND l.nhs_number = t.nhs_number)
        FROM link l JOIN {reader}('{quoted}'{options}) t USING (record_id)""").fetchall()
    return {"links": links, "right": right, "findable": findable, "found": found}
