"""Room: most people of a register are one client each, so whoever is claimed makes room for those who are not."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from linkage.literal import double
from linkage.weigh import ONE

if TYPE_CHECKING:
    import duckdb

_ROUNDS = 5
LEAST_ROOM = 0.25
"""Bits: less is not worth a second look, as where the register is much longer than the list [assumed]."""
CLAIMED_AT = 0.99
"""A person is taken who is some client's best candidate with this probability [assumed]."""


def make_room(connection: duckdb.DuckDBPyConnection, people: int) -> None:
    """Raise the prior of register people whom no client has claimed, in `ranked`; adds column `room`, in bits.

    A register person is as a rule one client. Once most have been found, whoever is left can only be one of the few
    who are left: the prior odds are spread over people - claimed instead of people. Claimed people stay candidates,
    since a client may stand in the list twice. What this finds claims others, so it is done until little is found.
    """
    # Round by round on a narrow copy; the levels and frequencies beside it are carried over once. A client's only
    # candidate is reckoned without sorting; most have one.
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE standing AS
        SELECT c, person, rank, weight, probability, 0::DOUBLE AS room, second.c IS NULL AS alone
        FROM ranked LEFT JOIN (SELECT c FROM ranked WHERE rank = 2) second USING (c)""")
    before = 0
    for _ in range(_ROUNDS):
        connection.execute(f"CREATE OR REPLACE TEMP TABLE claimed AS {_claimed_sql('standing')}")
        ((claimed,),) = connection.execute("SELECT count(*) FROM claimed").fetchall()
        room = _room(people, claimed, before)
        if not room:
            break
        before = claimed
        connection.execute(f"CREATE OR REPLACE TEMP TABLE standing AS {_roomier_sql(room)}")
    if before:
        connection.execute("""
            CREATE OR REPLACE TABLE ranked AS
            SELECT s.rank, s.weight, s.probability, k.* EXCLUDE (rank, weight, probability), s.room
            FROM ranked k JOIN standing s USING (c, person)""")
    else:
        connection.execute("ALTER TABLE ranked ADD COLUMN room DOUBLE DEFAULT 0")
    connection.execute("DROP TABLE claimed")
    connection.execute("DROP TABLE standing")


def first_room(connection: duckdb.DuckDBPyConnection, people: int, ranked: str = "ranked") -> float:
    """Bits that the first round gives; 0 where there is no second look."""
    ((claimed,),) = connection.execute(f"SELECT count(*) FROM ({_claimed_sql(ranked)})").fetchall()
    return _room(people, claimed, 0)


def _claimed_sql(ranked: str) -> str:
    return f"""
        SELECT person, min(c) AS c, count(*) AS clients FROM {ranked}
        WHERE rank = 1 AND probability >= {CLAIMED_AT!r} GROUP BY person"""


def _room(people: int, claimed: int, before: int) -> float:
    room = math.log2(people / max(people - claimed, 1)) if people else 0.0
    return 0.0 if room < LEAST_ROOM or claimed - before < 0.001 * people else room


def _roomier_sql(room: float) -> str:
    """SELECT of `standing` with `room` more bits for the unclaimed instead of what they had."""
    more = double(room)
    # Candidates that were not kept share what the kept ones leave: the mass of all is told by any probability that is
    # not too small to divide by. Where all are too small, nobody has nearly all of it.
    return f"""
        WITH changed AS (
            -- Whom a client has claimed alone is free for that client.
            SELECT k.*, weight - room
                   + CASE WHEN t.person IS NULL OR (clients = 1 AND t.c = k.c) THEN {more} ELSE 0 END AS new_weight
            FROM standing k LEFT JOIN claimed t ON t.person = k.person
        ),
        summed AS (
            {_summed_sql("changed WHERE NOT alone", "{}({}) OVER (PARTITION BY c)")}
            UNION ALL {_summed_sql("changed WHERE alone", "({1})")}
        ),
        placed AS (
            SELECT *, row_number() OVER (PARTITION BY c ORDER BY
                (c, person) NOT IN (SELECT (c, person) FROM confirmed), new_weight DESC, rank) AS new_rank
            FROM summed WHERE NOT alone
            UNION ALL SELECT *, rank FROM summed WHERE alone
        )
        SELECT c, person, new_rank AS rank, new_weight AS weight,
               CAST(share AS DOUBLE) / CAST(total AS DOUBLE) AS probability, room + new_weight - weight AS room,
               alone
        FROM placed"""


def _summed_sql(rows: str, of_client: str) -> str:
    """SELECT of `rows` with `share` and `total`; `of_client` is an aggregate of an expression over a client's rows."""
    bits = of_client.format("max", "CASE WHEN probability >= 1e-6 THEN weight - log2(probability) END")
    return f"""
        SELECT *, total_before + {of_client.format("sum", "share - share_before")} AS total
        FROM (
            SELECT *, CAST(round(pow(2, new_weight - top) * {ONE}) AS HUGEINT) AS share,
                   CAST(round(pow(2, weight - top) * {ONE}) AS HUGEINT) AS share_before,
                   CAST(round(pow(2, all_bits - top) * {ONE}) AS HUGEINT) AS total_before
            FROM (
                SELECT *, greatest({of_client.format("max", "new_weight")}, 0) AS top, coalesce({bits}, 0) AS all_bits
                FROM {rows}))"""
