"""What goes where: the keys of a round put into buckets of about equal work, each a task that fits a worker.

A bucket joins its keys and nothing else, so what counts is the pairs its keys make. Keys that would make too many pairs
are left out long before (`linkage.blocking`), by how many register rows they have. One that is allowed can still have
any number of clients, so a large one is split: its larger side over several buckets, its smaller side into each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Size:
    """How large tasks are made; neither changes the outcome."""

    pairs: int = 1_000_000
    """Pairs to a task; each takes about 150 bytes while it is weighed."""
    rows: int = 400_000
    """Rows of both sides to a task, for keys that have many rows and make few pairs."""


@dataclass(frozen=True)
class Plan:
    """One round, counted before it is made."""

    pairs: int
    """Pairs that the keys make, those made by several rules counted as often."""
    rows: int
    """Rows sent, once for each of their keys."""
    buckets: int
    client_buckets: int
    split_keys: int
    """Keys that were too large for one task."""


def plan_round(connection: duckdb.DuckDBPyConnection, client_key: str, register_key: str, size: Size) -> Plan:
    """Make `client_sent` and `register_sent` (id, block_key, first) from queries of the shape of the key tables.

    `block_key` is the key, or a part of it where the key is split; two rows meet exactly where theirs are equal.
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE client_round AS {client_key}")
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE register_round AS
        FROM ({register_key}) SEMI JOIN client_round USING (key)""")
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE round_key AS
        SELECT key, clients, rows FROM (SELECT key, count(*) AS clients FROM client_round GROUP BY key)
        JOIN (SELECT key, count(*) AS rows FROM register_round GROUP BY key) USING (key)""")
    ((pairs,),) = connection.execute("SELECT coalesce(sum(clients * rows), 0)::BIGINT FROM round_key").fetchall()
    # A share of a task at most, or two such keys in one bucket would make a task twice as long as planned.
    most = max(size.pairs // 4, 1)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE large_key AS
        SELECT key, clients >= rows AS by_client,
               least(greatest(clients, rows), (clients * rows + {most - 1}) // {most}) AS parts
        FROM round_key WHERE clients * rows > {most}""")
    rows = 0
    for side, split in (("client", "by_client"), ("register", "NOT by_client")):
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE {side}_sent AS
            SELECT id, first, CASE WHEN parts IS NULL THEN key ELSE hash(key, part) END AS block_key
            FROM (
                SELECT k.*, l.parts, unnest(CASE WHEN l.parts IS NULL THEN [0] WHEN {split} THEN [hash(id) % l.parts]
                                            ELSE range(l.parts) END) AS part
                FROM {side}_round k LEFT JOIN large_key l USING (key)
            )""")
        ((sent,),) = connection.execute(f"SELECT count(*) FROM {side}_sent").fetchall()
        rows += sent
    ((split_keys,),) = connection.execute("SELECT count(*) FROM large_key").fetchall()
    for table in ("client_round", "register_round", "round_key", "large_key"):
        connection.execute(f"DROP TABLE {table}")
    buckets = max(-(-pairs // size.pairs), -(-rows // size.rows), 1)
    return Plan(pairs, rows, buckets, max(-(-pairs // (2 * size.pairs)), 1), split_keys)
