"""What the tracing service answered about a run's clients, as a table that writers join."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

TRACED = "verdict IN ('ACCEPTED', 'REPLACED')"
"""SQL: the answer confirms its number. Any other answer speaks against a link (`caretrace.trace.rules.Verdict`)."""


def make(connection: duckdb.DuckDBPyConnection, answers: pa.Table | None) -> None:
    """Make the temporary table `trace_result` of `caretrace.trace.results.of_run`: client key, verdict, nhs_number."""
    columns = ("source", "source_org", "record_id", "verdict", "nhs_number")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE trace_result ({', '.join(f'{name} VARCHAR' for name in columns)})"
    )
    if answers is not None:
        connection.register("answers", answers)
        connection.execute(f"INSERT INTO trace_result SELECT {', '.join(columns)} FROM answers")
        connection.unregister("answers")
