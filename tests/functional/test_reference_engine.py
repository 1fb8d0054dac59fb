"""The second engine on whole lists: the same links as DuckDB, row for row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

pytest.importorskip("recordlinkage")

import linkage
from caretrace import pipeline, working_store
from caretrace.run_settings import RunSettings
from caretrace.synthetic import PRESETS, make
from connectors import Source
from linkage.reference import RecordLinkageEngine

BITS, PROBABILITY = 1e-6, 1e-8
"""How far the two may be apart: figures are rounded to 6 and 9 places, and may round to either side."""


def linked(people: Any, folder: Path, engine: linkage.Engine | None) -> dict[str, Any]:
    """What one engine makes of `people`: its facts, and the tables `link` and `candidate`."""
    settings = RunSettings(as_at=date(2026, 11, 22))
    with working_store.opened(folder, settings) as connection:
        pipeline.read(
            connection, {"clients": [Source(people.clients)], "register": [Source(people.register)]}, settings
        )
        facts = linkage.link(connection, seed=1, run_id="x", engine=engine)
        tables = {name: connection.sql(f"FROM {name}").to_arrow_table().to_pylist() for name in ("link", "candidate")}
    return {"facts": facts, **{name: sorted(rows, key=place) for name, rows in tables.items()}}


def place(row: dict[str, Any]) -> tuple[str, int]:
    """The client, and the candidate's rank among hers."""
    return row["record_id"], row.get("rank", 0)


@pytest.mark.parametrize("preset", ["default", "hard"])
def test_links_are_those_of_duckdb(preset: str, tmp_path: Path) -> None:
    people = make(600, 5_000, seed=4, errors=PRESETS[preset])
    expected, found = (linked(people, tmp_path, engine) for engine in (None, RecordLinkageEngine()))
    assert found["facts"].blocking == expected["facts"].blocking
    assert found["facts"].pairs == expected["facts"].pairs
    assert found["facts"].training == expected["facts"].training
    for table, exact in (("link", "decision"), ("candidate", "rank")):
        assert len(found[table]) == len(expected[table]) > 0
        for one, two in zip(found[table], expected[table], strict=True):
            assert one[exact] == two[exact]
            assert comparable(one) == comparable(two)
            for name, within in (
                ("weight", BITS),
                ("probability", PROBABILITY),
                ("runner_up_probability", PROBABILITY),
            ):
                assert one.get(name) == pytest.approx(two.get(name), abs=2 * within)
            assert dict(one.get("bits", ())) == pytest.approx(dict(two.get("bits", ())), abs=2 * BITS)
    assert {row["decision"] for row in expected["link"]} == {"link", "review", "none"}


def comparable(row: dict[str, Any]) -> dict[str, Any]:
    """All of a row but its figures, and the model's id, which is a hash of figures."""
    figures = ("weight", "probability", "runner_up_probability", "bits", "household_bits", "prior_bits", "model_id")
    return {name: value for name, value in row.items() if name not in figures}


def test_the_command_line_has_it(caretrace: Callable[..., Any], people: Path, run_folder: Path, tmp_path: Path) -> None:
    arguments = ("--out", tmp_path / "run", "--as-at", "2026-11-22", "--engine", "recordlinkage")
    done = caretrace("link", people / "clients", people / "register.csv", *arguments)
    assert done.returncode == 0, done.stderr
    links = "SELECT record_id, decision, nhs_number, method, reason FROM read_parquet(?) ORDER BY ALL"
    with duckdb.connect() as connection:
        found, expected = (
            connection.execute(links, [str(run / "links.parquet")]).fetchall() for run in (tmp_path / "run", run_folder)
        )
    assert found == expected
