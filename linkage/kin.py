"""Members of one household in the register, one of the two told as clients are told: what h is counted on.

A register knows whole dates and full names. Where clients hold the year alone or an initial, a twin, a spouse or a
sister called Anne beside Alice agrees on all there is, and no pair of the register as it stands ever shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def told_as_clients(connection: duckdb.DuckDBPyConnection, members: str, *, seed: int) -> None:
    """Make `told_record`: the rows of `register_record` in `members` (id), as vague as clients are as a rule.

    As many of them as of the clients keep no more of the given name than an initial, of the birth date no more than the
    year, or the year and month. Which ones is drawn from the row's key.
    """
    ((initial, middle, year, month),) = connection.execute("""
        SELECT coalesce(avg(CAST(length(given) = 1 AS INTEGER)), 0),
               coalesce(avg(CAST(length(middle) = 1 AS INTEGER)), 0),
               coalesce(avg(CAST(birth_month IS NULL AS INTEGER)) FILTER (birth_year IS NOT NULL), 0),
               coalesce(avg(CAST(birth_month IS NOT NULL AND birth_day IS NULL AS INTEGER))
                   FILTER (birth_year IS NOT NULL), 0)
        FROM clients_record""").fetchall()

    def drawn(what: str, share: float) -> str:
        return f"hash(key, {seed}, '{what}') % 1000000 < {round(share * 1e6)}"

    only_year, no_day = drawn("birth", year), drawn("birth", year + month)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE told_record AS
        SELECT * REPLACE (
            CASE WHEN {drawn("given", initial)} THEN given[:1] ELSE given END AS given,
            CASE WHEN {drawn("middle", middle)} THEN middle[:1] ELSE middle END AS middle,
            CASE WHEN NOT ({no_day}) THEN birth_date END AS birth_date,
            CASE WHEN NOT ({only_year}) THEN birth_month END AS birth_month,
            CASE WHEN NOT ({no_day}) THEN birth_day END AS birth_day)
        FROM register_record SEMI JOIN {members} USING (id)""")
