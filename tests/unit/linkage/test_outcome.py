"""What is written of candidates: every comparison that says something, by name, and none that does not."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pytest

from linkage.default import default_model
from linkage.outcome import make_patterns, write_candidates
from linkage.weigh import bits_sql

MODEL = default_model()
COLUMNS = {each.comparison.name: each.comparison.column for each in MODEL.comparisons}
U = (
    "given",
    "nickname",
    "middle",
    "family",
    "family_near",
    "other_family",
    "birth",
    "year",
    "house",
    "unit",
    "other_unit",
)


def written(*reached: Mapping[str, int]) -> list[tuple[dict[str, str], dict[str, float]]]:
    """Levels and bits of candidates that reach these levels, by comparison; every frequency is 2^-8."""
    with duckdb.connect() as connection:
        for side in ("clients", "register"):
            connection.execute(
                f"CREATE TABLE {side}_named AS SELECT 1 AS id, '' AS source, '' AS source_org, '1' AS record_id"
            )
        for rank, levels in enumerate(reached, 1):
            each = ", ".join(f"{levels.get(name, 'NULL')}::UTINYINT AS {column}" for name, column in COLUMNS.items())
            rare = ", ".join(f"-8::DOUBLE AS {name}_u" for name in U)
            row = f"SELECT 1 AS c, 1 AS r, 9 AS person, {rank} AS rank, 1.0 AS weight, 0.5 AS probability"
            row = f"{row}, NULL::UTINYINT AS pass, 0::DOUBLE AS room, {each}, {rare}"
            connection.execute(f"INSERT INTO ranked {row}" if rank > 1 else f"CREATE TABLE ranked AS {row}")
        make_patterns(connection, MODEL)
        write_candidates(connection, MODEL, 1000)
        return connection.execute("SELECT levels, bits FROM candidate ORDER BY rank").fetchall()


@pytest.mark.parametrize(
    "reached",
    [
        {},
        {"gender": 0},
        {"given name": 0, "family name": 0, "date of birth": 0},
        {"given name": 8, "other identifier": 1},
        dict.fromkeys(COLUMNS, 0),
    ],
)
def test_a_candidate_names_the_comparisons_that_say_something(reached: dict[str, int]) -> None:
    [(levels, bits), _] = written(reached, {"address": 0})
    assert levels == {name: MODEL[name].levels[level].level for name, level in reached.items()}
    assert bits.keys() == reached.keys()


def test_its_bits_are_what_each_comparison_adds() -> None:
    [(_, bits)] = written(reached := {"gender": 1, "given name": 0, "address": 8})
    with duckdb.connect() as connection:
        given = ", ".join(f"{level} AS {COLUMNS[name]}" for name, level in reached.items())
        for name in reached:
            m, u = (bits_sql([MODEL[name]], kind) for kind in ("m", "u"))
            [(wanted,)] = connection.execute(
                f"SELECT {m} - {u} FROM (SELECT {given}, -8 AS given_u, -8 AS nickname_u, -8 AS house_u, -8 AS unit_u,"
                " -8 AS other_unit_u)"
            ).fetchall()
            assert bits[name] == pytest.approx(wanted, abs=1e-6)


def test_where_nobody_has_a_candidate_none_is_written() -> None:
    with duckdb.connect() as connection:
        for side in ("clients", "register"):
            connection.execute(
                f"CREATE TABLE {side}_named AS SELECT 1 AS id, '' AS source, '' AS source_org, '1' AS record_id"
            )
        columns = ", ".join(f"0::UTINYINT AS {column}" for column in COLUMNS.values())
        rare = ", ".join(f"-8::DOUBLE AS {name}_u" for name in U)
        connection.execute(f"""
            CREATE TABLE ranked AS SELECT 1 AS c, 1 AS r, 9 AS person, 1 AS rank, 1.0 AS weight, 0.5 AS probability,
                NULL::UTINYINT AS pass, 0::DOUBLE AS room, {columns}, {rare} LIMIT 0""")
        make_patterns(connection, MODEL)
        write_candidates(connection, MODEL, 1000)
        assert connection.execute("FROM candidate").fetchall() == []
