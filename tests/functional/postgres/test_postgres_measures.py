"""The measures' SQL is plain: PostgreSQL finds the same people as DuckDB, statement for statement."""

from __future__ import annotations

import importlib.util
import sys
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import psycopg
import pytest

from caretrace.measures import declared, tables
from caretrace.measures.period import period
from caretrace.measures.settings import Settings

_SETTINGS = ("service_word", "cost_unit", "area_name", "segment", "segment_kind")
_OF_A_MEASURE = ("setting", "measure_period", "area_practice", "acsc_code")
_KINDS = {"DOUBLE": "DOUBLE PRECISION"}


@pytest.fixture(scope="module")
def worlds() -> ModuleType:
    """The little worlds of the readable tables."""
    path = Path(__file__).parents[2] / "spec" / "test_measures.py"
    spec = importlib.util.spec_from_file_location("spec_measures", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up by name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def copy(duck: duckdb.DuckDBPyConnection, postgres: psycopg.Connection, name: str, source: str) -> None:
    described = duck.execute(f"DESCRIBE {source}").fetchall()
    columns = ", ".join(f"{column} {_KINDS.get(kind, kind)}" for column, kind, *_ in described)
    postgres.execute(f"DROP TABLE IF EXISTS {name}; CREATE TEMPORARY TABLE {name} ({columns})".encode())
    with postgres.cursor().copy(f"COPY {name} FROM STDIN".encode()) as out:
        for row in duck.execute(f"SELECT * FROM {source}").fetchall():
            out.write_row(row)


def told(rows: list[Any]) -> list[tuple[str, ...]]:
    return sorted(tuple("" if cell is None else str(cell) for cell in row) for row in rows)


def test_postgres_finds_the_same_people(bare: Any, worlds: ModuleType, tmp_path: Path) -> None:
    cases = [*worlds.LOCAL_WORLDS, *worlds.CARE_HOME_WORLDS, *worlds.HOME_WORLDS, *worlds.COST_WORLDS]
    everybody = worlds.together_as_one(cases)
    run = everybody.write(tmp_path / "run")
    periods = [period("2025-26"), period("2025-26 Q3")]
    with (
        duckdb.connect(config={"threads": 1}) as duck,
        psycopg.connect(bare.conninfo("postgres"), autocommit=True) as postgres,
    ):
        tables.open_run(duck, run)
        tables.make_settings(duck, Settings())
        tables.use_links(duck, review=False)
        tables.make_area(duck, "practice")
        tables.make_base(duck)
        for name in ("person", "service", "spell", "setting", *_SETTINGS):
            copy(duck, postgres, name, name)
        postgres.execute(declared.shared(declared.BASE).encode())
        for measure in declared.measures().values():
            using = Settings().of(measure)
            tables.make_measure(duck, measure, using, Settings(), periods, date(2026, 11, 22))
            for name in _OF_A_MEASURE if "acsc_list" in using else _OF_A_MEASURE[:-1]:
                copy(duck, postgres, name, name)
            if "acsc_list" in using:
                postgres.execute("DROP TABLE IF EXISTS measure_avoidable")
                postgres.execute(declared.shared(declared.AVOIDABLE).encode())
            for sql in (measure.counted, measure.left_out):
                found = told(postgres.execute(sql.encode()).fetchall())
                assert found == told(duck.execute(sql).fetchall()), measure.name
                assert found or measure.name == "delayed_discharge" or sql is measure.left_out
