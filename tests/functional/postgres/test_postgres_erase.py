"""Who is erased is erased from the database too, the past that it only adds to included, and be it a night later."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from caretrace.cli.app import app
from caretrace.nightly.night import Wanted
from caretrace.nightly.run import run as run_night
from caretrace.project import find
from caretrace.synthetic import inbox
from caretrace.synthetic.nights import Nights, Pace
from connectors.files.opening import DEFAULT
from governance import keys

TARGET = """
[targets.postgres]
connection = {connection}
coarsen = {{}}
"""


@pytest.mark.long
@pytest.mark.prove
def test_she_leaves_the_database_as_soon_as_it_can_be_reached(
    database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights = Nights(60, 300, nights=2, seed=5, pace=Pace(change=0.2))
    root = tmp_path / "project"
    for side in nights.sides:
        (root / "in" / side).mkdir(parents=True)
    text = inbox.SETTINGS + TARGET.format(connection=json.dumps(database.target.conninfo))
    (root / "caretrace.toml").write_text(text, encoding="utf-8")
    keys.create(tmp_path / "keys", project=root)
    monkeypatch.setenv("CARETRACE_KEYS", str(tmp_path / "keys"))
    project = find(root, here=root)

    def night(number: int) -> None:
        for step in inbox.schedule(nights, bad_every=9):
            for delivery in step.deliveries if step.number == number else ():
                inbox.write(nights, delivery, root / "in" / delivery.side / delivery.name, "standard-csv")
        run_night(project, Wanted(nights.day(number)), opening=DEFAULT)

    night(0)
    night(1)
    [(client,), *_] = database.admin("SELECT record_id FROM caretrace.person_past WHERE side = 'client' ORDER BY 1")
    told = f"SELECT count(*) FROM caretrace.{{}} WHERE record_id = '{client}'"
    tables = ("person", "person_past", "link", "link_past", "address", "address_past", "person_key")
    assert sum(database.admin(told.format(name))[0][0] for name in tables) > 3
    others = database.admin(f"SELECT count(*) FROM caretrace.person_past WHERE record_id <> '{client}'")

    arguments = ["erase", client, "--side", "client", "--reference", "x", "--yes", "--project", str(root)]
    with monkeypatch.context() as patch:
        patch.setenv("PGPASSWORD", "changed overnight")
        assert CliRunner().invoke(app, [*arguments, "--as-at", nights.day(1).isoformat()]).exit_code == 1
    assert sum(database.admin(told.format(name))[0][0] for name in tables) > 3
    # No run is due, and yet the database is told at the next start.
    run_night(project, Wanted(nights.day(1)), opening=DEFAULT)
    assert [database.admin(told.format(name)) for name in tables] == [[(0,)]] * len(tables)
    assert database.admin(f"SELECT count(*) FROM caretrace.person_past WHERE record_id <> '{client}'") == others
    marks = json.loads((project.warehouse / "targets.json").read_text(encoding="utf-8"))
    assert marks == {"views": 3, "postgres": 3}
