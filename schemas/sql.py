"""The vectorised forms as DuckDB macros: `nhs_number(x)`, `postcode(x)`, `date_iso(x)` and their `_fault` twins."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import TYPE_CHECKING

from schemas import dates, nhs_number, postcode

if TYPE_CHECKING:
    import duckdb


def install_macros(connection: duckdb.DuckDBPyConnection, *, as_at: date) -> None:
    """Make every macro of this package available on `connection`; `as_at` settles two-digit years.

    Nothing is done where they stand already: to make them takes longer than to read a short file.
    """
    forms = [macro for form in dates.Form for macro in dates.macros(form, as_at)]
    macros = (*nhs_number.MACROS, *postcode.MACROS, *dates.COMMON_MACROS, *forms)
    sql = "; ".join(f"CREATE OR REPLACE MACRO {macro}" for macro in macros)
    digest = hashlib.sha256(sql.encode()).hexdigest()
    # A view beside them says which they are: it goes as they go, and is there for every connection as they are.
    if not connection.execute(_STAND, [_DIGEST, digest]).fetchall():
        connection.execute(f"{sql}; CREATE OR REPLACE VIEW {_DIGEST} AS SELECT '{digest}' AS digest")


_DIGEST = "macros_digest"
_STAND = """SELECT 1 FROM duckdb_views() WHERE database_name = current_database()
    AND schema_name = current_schema() AND view_name = ? AND contains(sql, ?)"""


def reading_order(table: str) -> str:
    """What to order the rows of a standard table by (its alias), so that they come as they were read.

    The table itself has no order to go by: DuckDB gives the rows of a join in the order in which its threads were done.
    Rows of one record stay as they stand.
    """
    return ", ".join(
        f"{table}.{name}" for name in ("extract_file", "extract_record", "source", "source_org", "record_id", "rowid")
    )
