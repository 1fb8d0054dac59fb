"""Whether a delivery says what its titles promise: records that can be read may still hold values in wrong places.

In a file whose titles stand one column beside their cells every record is read, every name is a number, and no date is
a date. Laid over what is held, such a delivery would take away what is known of people.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from connectors.accounts import NEARLY

if TYPE_CHECKING:
    import duckdb

    from connectors import FileFacts

_TOLD = ("nhs_number", "birth_date", "death_date", "gender", "postcode")
"""Columns of PERSON whose values have a form of their own; a name may be anything."""
_LET_PASS = 3
"""Unusable values of a column that never hold a file: of a night's few changes they are a large share [assumed]."""


def of_values(connection: duckdb.DuckDBPyConnection, side: str, files: Sequence[FileFacts], most: float) -> list[str]:
    """A reason for each of `files` in which more than the share `most` of a column's values cannot be used.

    The share is of the values that are there; an empty cell is none.
    """
    reasons = []
    for file in (file for file in files if file.table == "PERSON"):
        told = ", ".join(f'count("{column}")' for column in _TOLD)
        (used,) = connection.execute(f"SELECT {told} FROM {side}.person WHERE extract_file = ?", [file.name]).fetchall()
        unusable = dict(
            connection.execute(
                f'SELECT "column", count(DISTINCT extract_record) FROM {side}.data_quality'
                " WHERE extract_file = ? AND NOT used GROUP BY ALL",
                [file.name],
            ).fetchall()
        )
        for column, good in zip(_TOLD, used, strict=True):
            bad = unusable.get(column, 0)
            if bad > max(most * (good + bad), _LET_PASS):
                reasons.append(
                    f"{file.name}: {bad:,} of {good + bad:,} values of {column} cannot be used, more than {most:.0%};"
                    " do its titles stand over the right columns?"
                )
                break
    return reasons


def of_unread(files: Sequence[FileFacts]) -> list[str]:
    """A reason for each of `files` that was not read although it nearly is one of its format."""
    return [f"{file.name}: {file.note}" for file in files if file.table == "-" and NEARLY in (file.note or "")]
