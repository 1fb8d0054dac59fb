"""Rows of the people who are chosen, with columns worked out of their fields."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from governance.deidentify.transform import TRANSFORMS

if TYPE_CHECKING:
    from governance.request import Field


def transformed(fields: Iterable[Field], today: date) -> list[tuple[str, str]]:
    """Each field by its transform (SQL), under its own name."""
    return [(TRANSFORMS[field.transform].sql(f'"{field.name}"', today), field.name) for field in fields]


def select(table: str, columns: Sequence[tuple[str, str]]) -> str:
    """`person_key` and the columns (SQL, name); `person` gives one row each, the client's own record before others."""
    named = "".join(f', {sql} AS "{name}"' for sql, name in columns)
    rows = f"SELECT * FROM {table} SEMI JOIN chosen USING (person_key)"
    if table == "person":
        # 'client' sorts before 'register'. A window, and not DISTINCT ON, which keeps every column of every row.
        rows += " QUALIFY row_number() OVER (PARTITION BY person_key ORDER BY side, source, source_org, record_id) = 1"
    return f"SELECT person_key{named} FROM ({rows})"
