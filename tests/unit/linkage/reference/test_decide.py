"""Who is settled, who competes and who comes first: pandas against the SQL, on weights drawn at random."""

from __future__ import annotations

from typing import Any

import duckdb
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("recordlinkage")

from linkage.default import default_model
from linkage.rank import ranked_sql, settled_sql
from linkage.reference.decide import rank
from linkage.reference.levels import NOTHING

MODEL = default_model()
COLUMNS = [each.comparison.column for each in MODEL.comparisons]
# Around the bounds that settle a client, and ties.
WEIGHTS = st.sampled_from([-20.0, -1.0, 0.0, 3.0, 16.9, 17.0, 17.1, 20.0, 34.0, 34.1, 60.0])
# People 1 and 2 have numbers, of which one has two rows; -1 to -3 have none.
ROWS = st.sampled_from([(0, 1), (1, 1), (2, 2), (3, -1), (4, -2), (5, -3), (6, 3), (7, 4)])


@st.composite
def weighed_pairs(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Up to two clients with the rows of up to seven people."""
    rows = []
    for c in range(draw(st.integers(1, 2))):
        for r, person in sorted(draw(st.sets(ROWS, min_size=1))):
            rows.append(
                {"c": c, "r": r, "r_key": (r * 5) % 8, "person": person, "first": draw(st.booleans())}
                | {"weight": draw(WEIGHTS), "pass": draw(st.none() | st.integers(0, 2))}
            )
    return rows


VERDICTS = st.lists(st.tuples(st.integers(0, 1), st.sampled_from([1, 2, -1])), max_size=1)


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as con:
        yield con


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=weighed_pairs(), ruled_out=VERDICTS, confirmed=VERDICTS)
def test_the_best_candidates_are_those_of_the_sql(
    pairs: list[dict[str, Any]], ruled_out: list[tuple[int, int]], confirmed: list[tuple[int, int]], connection
) -> None:
    weighed = pd.DataFrame(pairs).astype({"pass": "float64"}).assign(**dict.fromkeys(COLUMNS, NOTHING))
    decided = {
        name: pd.DataFrame(rows, columns=["c", "person"]).astype("int64")
        for name, rows in (("ruled_out", ruled_out), ("confirmed", confirmed))
    }
    for name, frame in {"every_pair": weighed, **decided}.items():
        connection.register("given_frame", frame)
        connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM given_frame")
        connection.unregister("given_frame")
    connection.execute("""
        CREATE OR REPLACE TABLE weighed AS
        SELECT c, r, r_key, person, first, weight, CASE WHEN NOT isnan("pass") THEN "pass" END AS pass
        FROM every_pair ANTI JOIN ruled_out USING (c, person)""")
    connection.execute(f"CREATE OR REPLACE TABLE settled AS {settled_sql()}")
    wanted = "c, rank, person, r, weight, round(probability, 9), pass"
    expected = connection.execute(f"SELECT {wanted} FROM ({ranked_sql()}) ORDER BY c, rank").fetchall()
    found = rank(weighed, MODEL, **decided).sort_values(["c", "rank"])
    columns = ["c", "rank", "person", "r", "weight", "probability", "pass"]
    assert [
        (*row[:5], round(row[5], 9), None if pd.isna(row[6]) else row[6])
        for row in found[columns].itertuples(index=False)
    ] == expected


def test_a_comparison_that_says_nothing_is_null_in_the_store() -> None:
    pair = {"c": 0, "r": 0, "r_key": 0, "person": 1, "first": True, "weight": 1.0, "pass": None}
    weighed = pd.DataFrame([pair | dict.fromkeys(COLUMNS, 0) | {COLUMNS[0]: NOTHING}]).astype({"pass": "float64"})
    nobody = pd.DataFrame({"c": [], "person": []}).astype("int64")
    (row,) = rank(weighed, MODEL, nobody, nobody).to_dict("records")
    assert pd.isna(row[COLUMNS[0]])
    assert row[COLUMNS[1]] == 0
