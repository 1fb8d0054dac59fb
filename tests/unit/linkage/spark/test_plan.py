"""Buckets: every pair of records that share a key meets, wherever a large key was split, and no task is long."""

from __future__ import annotations

import duckdb
import pytest

from linkage.spark.plan import Plan, Size, plan_round

_PAIRS = "SELECT DISTINCT c.id AS c, r.id AS r FROM {0} c JOIN {1} r USING ({2})"


def planned(sizes: list[tuple[int, int]], size: Size) -> tuple[duckdb.DuckDBPyConnection, Plan]:
    """Keys 0, 1, 2 ... shared by so many clients and so many register rows; nobody has two keys."""
    connection = duckdb.connect()
    for place, side in enumerate(("client", "register")):
        connection.execute(f"CREATE TABLE {side}_key (key UBIGINT, id UINTEGER, first BOOLEAN)")
        begins = 0
        for key, count in enumerate(each[place] for each in sizes):
            connection.execute(
                f"INSERT INTO {side}_key SELECT {key}, i, true FROM range({begins}, {begins + count}) t(i)"
            )
            begins += count
    return connection, plan_round(connection, "FROM client_key", "FROM register_key", size)


@pytest.mark.parametrize(
    ("sizes", "pairs_per_task", "split"),
    [
        pytest.param([(1, 1), (3, 2)], 100, 0, id="small keys stay whole"),
        pytest.param([(400, 3)], 100, 1, id="many clients at few rows"),
        pytest.param([(3, 400)], 100, 1, id="few clients at many rows"),
        pytest.param([(50, 60), (1, 1), (2, 30)], 100, 2, id="both sides"),
        pytest.param([(7, 5)], 1, 1, id="one pair to a task"),
        pytest.param([(0, 5), (5, 0)], 100, 0, id="keys of one side"),
    ],
)
def test_every_pair_meets_and_no_key_is_larger_than_a_share_of_a_task(
    sizes: list[tuple[int, int]], pairs_per_task: int, split: int
) -> None:
    connection, plan = planned(sizes, Size(pairs=pairs_per_task))
    with connection:
        meant = connection.sql(f"{_PAIRS.format('client_key', 'register_key', 'key')} ORDER BY ALL").fetchall()
        met = connection.sql(f"{_PAIRS.format('client_sent', 'register_sent', 'block_key')} ORDER BY ALL").fetchall()
        assert met == meant
        assert plan.pairs == len(meant)
        assert plan.split_keys == split
        ((largest,),) = connection.sql("""
            SELECT coalesce(max(c.n * r.n), 0)
            FROM (SELECT block_key, count(*) AS n FROM client_sent GROUP BY 1) c
            JOIN (SELECT block_key, count(*) AS n FROM register_sent GROUP BY 1) r USING (block_key)""").fetchall()
        # Parts of a key are drawn, so one may be somewhat larger than another.
        most = max(max(pairs_per_task // 4, 1), *(min(each) for each in sizes))
        assert largest <= 4 * most


def test_buckets_grow_with_pairs_and_with_rows() -> None:
    for sizes, size, buckets in (
        ([(100, 100)], Size(pairs=1_000_000), 1),
        ([(100, 100)], Size(pairs=1_000), 10),
        ([(1, 1)] * 40, Size(rows=10), 8),
    ):
        connection, plan = planned(sizes, size)
        with connection:
            assert plan.buckets == buckets


def test_keys_of_no_partner_are_not_sent() -> None:
    connection, plan = planned([(2, 2), (0, 7)], Size())
    with connection:
        assert plan.rows == 4
