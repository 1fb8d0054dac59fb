"""Dates of birth with the month first, as a spreadsheet on an American machine saves them.

Those with a day above 12 cannot be read; the others can, and mean another day. So one such date is a slip of its own,
but many say that the whole column is written that way, and then nothing of the file may be used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb

ISSUE = "an impossible date, unless the month comes first"
_SHAPE = "(0?[1-9]|1[0-2])[/.-](1[3-9]|2[0-9]|3[01])[/.-]"
"""How such a date begins, which is no date with the day first. Of dates written so throughout it is three in five."""
_LET_PASS = 2
_MOST = 0.1
"""More of a file's dates of birth than this share, and than that number, are no slips [assumed]."""


def otherwise(fault: str) -> str:
    """SQL of the issue where `{x}` is such a date, else of `fault`; a template, whose braces are its places."""
    return f"CASE WHEN regexp_matches(trim({{x}}), '^{_SHAPE}') THEN '{ISSUE}' ELSE {fault} END"


def refuse(connection: duckdb.DuckDBPyConnection, side: str) -> None:
    """InputError where the dates of birth of a file read into `side` seem to have the month first throughout."""
    found = connection.execute(
        f"""SELECT extract_file, count(DISTINCT extract_record) AS wrong FROM {side}.data_quality
        WHERE "column" = 'birth_date' AND issue = ? GROUP BY ALL HAVING wrong > ? ORDER BY ALL""",
        [ISSUE, _LET_PASS],
    ).fetchall()
    for file, wrong in found:
        [(read,)] = connection.execute(
            f"SELECT count(birth_date) FROM {side}.person WHERE extract_file = ?", [file]
        ).fetchall()
        if wrong > _MOST * (wrong + read):
            raise InputError(
                f"{wrong:,} of {wrong + read:,} dates of birth have the month first, so that the others would be taken"
                " for other days; export them with the day first, or as yyyy-mm-dd",
                path=file,
            )
