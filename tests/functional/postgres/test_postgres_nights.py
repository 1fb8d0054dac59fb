"""A council's nights with a database as target: what it holds is what the run and the whole past hold."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from caretrace.cli.app import app
from caretrace.nightly.night import Wanted
from caretrace.nightly.run import run as run_night
from caretrace.project import find
from caretrace.synthetic import inbox
from caretrace.synthetic.nights import Nights, Pace
from caretrace.warehouse.publish.catalog import ANALYST, IDENTIFIABLE, View, views
from connectors.files.opening import DEFAULT

TARGET = """
[targets.postgres]
connection = {connection}
coarsen = {{}}
"""


def held(rows: list[tuple[Any, ...]]) -> Counter[str]:
    return Counter(json.dumps(row, default=str, sort_keys=True) for row in rows)


def columns(view: View) -> str:
    # Analysts' keys are the database's own.
    return ", ".join(f'"{c.name}"' for c in view.columns if not (view.schema == ANALYST and c.name == "person_key"))


def test_the_database_follows_the_nights(database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nights = Nights(60, 300, nights=1, seed=5, pace=Pace(change=0.1))
    root = tmp_path / "project"
    for side in nights.sides:
        (root / "in" / side).mkdir(parents=True)
    text = inbox.SETTINGS + TARGET.format(connection=json.dumps(database.target.conninfo))
    (root / "caretrace.toml").write_text(text, encoding="utf-8")
    project = find(root, here=root)
    said = []
    for step in inbox.schedule(nights, bad_every=9):
        for delivery in step.deliveries:
            inbox.write(nights, delivery, root / "in" / delivery.side / delivery.name, "standard-csv")
        with monkeypatch.context() as patch:
            if step.number == 1:
                # The database cannot be reached for a night: the run stands all the same.
                patch.setenv("PGPASSWORD", "changed overnight")
            run_night(project, Wanted(nights.day(step.number)), opening=DEFAULT)
        marks = json.loads((project.warehouse / "targets.json").read_text(encoding="utf-8"))
        said.append(marks.get("postgres"))
    assert said == [1, 1]
    # By hand, the project's newest run goes to the database it names, with what ended meanwhile.
    done = CliRunner().invoke(app, ["warehouse", "load", "--project", str(root)])
    assert "loaded run" in done.output, done.exception
    assert "already" in CliRunner().invoke(app, ["warehouse", "load", "--project", str(root)]).output
    assert "caretrace_analyst NOLOGIN" in CliRunner().invoke(app, ["warehouse", "setup", "--project", str(root)]).output
    with duckdb.connect(str(project.warehouse / "warehouse.duckdb"), read_only=True) as duck:
        for view in views():
            schema = {IDENTIFIABLE: "caretrace", ANALYST: "caretrace_analyst"}[view.schema]
            there = database.admin(f'SELECT {columns(view)} FROM {schema}."{view.name}"')
            here = duck.execute(f'SELECT {columns(view)} FROM {view.schema}."{view.name}"').fetchall()
            assert held(there) == held(here), view.name
    # What ended in the night without a database is there too.
    assert database.admin("SELECT DISTINCT to_run FROM caretrace.person_past") == [(2,)]
