"""The few who are left on both sides are compared without blocking.

Where two lists hold mostly the same people, nearly all find each other, and a pair that no blocking rule makes can be
looked at after all: every client still without a sure candidate against every register row that nobody claimed. In a
register much larger than the client list too many are left, and nothing is done here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkage.frequencies import Frequencies
from linkage.model import Model
from linkage.rank import NOBODY, ranked_sql, weighed_sql
from linkage.room import CLAIMED_AT
from linkage.weigh import pair_level_sql

if TYPE_CHECKING:
    import duckdb

MOST_PAIRS = 250_000
"""More than this is not worth its time [assumed]."""
MOST_LEFT = 0.2
"""Share of the register that may be left: otherwise the lists do not hold the same people [assumed]."""


def look_again(connection: duckdb.DuckDBPyConnection, model: Model, frequencies: Frequencies) -> int:
    """Replace the rows of the clients left in `ranked`; gives the number of pairs, 0 where there would be too many."""
    clients, rows = _left_sql("ranked", "clients_record", "register_record")
    if not few_left(connection):
        return 0
    connection.execute(f"CREATE OR REPLACE TEMP TABLE left_client AS {clients}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE left_row AS {rows}")
    ((compared,),) = connection.execute(
        "SELECT (SELECT count(*) FROM left_client) * (SELECT count(*) FROM left_row)"
    ).fetchall()
    pairs = """(
        SELECT l.id AS c, r.id AS r, false AS first FROM left_client l, left_row r
        UNION SELECT k.c, k.r, false FROM ranked k JOIN left_client l ON l.id = k.c)"""
    comparisons = [each.comparison for each in model.comparisons]
    for table, query in (
        ("left_level", pair_level_sql(comparisons, frequencies, pairs, model.sources)),
        ("left_weighed", weighed_sql(model, frequencies.people, "left_level")),
        ("left_ranked", ranked_sql("left_weighed", NOBODY)),
    ):
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {query}")
    connection.execute("DELETE FROM ranked WHERE c IN (SELECT c FROM left_ranked)")
    connection.execute("INSERT INTO ranked BY NAME FROM left_ranked")
    for table in ("left_client", "left_row", "left_level", "left_weighed", "left_ranked"):
        connection.execute(f"DROP TABLE {table}")
    return int(compared)


def few_left(
    connection: duckdb.DuckDBPyConnection,
    ranked: str = "ranked",
    clients: str = "clients_record",
    register: str = "register_record",
) -> bool:
    """Whether so few are left on both sides that all of them can be compared."""
    left_clients, left_rows = _left_sql(ranked, clients, register)
    ((people, rows, all_rows),) = connection.execute(f"""
        SELECT (SELECT count(*) FROM ({left_clients})), (SELECT count(*) FROM ({left_rows})),
               (SELECT count(*) FROM {register})""").fetchall()
    return bool(0 < people * rows <= MOST_PAIRS and rows <= MOST_LEFT * all_rows)


def _left_sql(ranked: str, clients: str, register: str) -> tuple[str, str]:
    """SELECTs of id: clients without a sure candidate, and register rows whose person nobody claimed."""
    sure = f"(FROM {ranked} WHERE rank = 1 AND probability >= {CLAIMED_AT!r})"
    return (
        f"SELECT id FROM {clients} l ANTI JOIN {sure} s ON s.c = l.id",
        f"SELECT id FROM {register} r ANTI JOIN {sure} s ON s.person = coalesce(r.nhs, -r.id - 1)",
    )
