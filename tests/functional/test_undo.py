"""`caretrace undo`: a run and a single link taken back, in a small council."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from caretrace.cli.app import app
from caretrace.synthetic import inbox
from caretrace.synthetic.nights import Nights, Pace


class Council:
    """Three nights: everybody, changes, and what a test makes of the third."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.nights = Nights(120, 600, nights=2, seed=3, pace=Pace(change=0.05))
        for side in self.nights.sides:
            (root / "in" / side).mkdir(parents=True)
        (root / "caretrace.toml").write_text(inbox.SETTINGS, encoding="utf-8")

    def deliver(self, night: int, *, whole: bool) -> None:
        for side in self.nights.sides:
            name = f"{self.nights.day(night)}-{'full' if whole else 'delta'}"
            delivery = inbox.Delivery(side, name, night, whole=whole)
            inbox.write(self.nights, delivery, self.root / "in" / side / name, "standard-csv")

    def __call__(self, *arguments: str, exit_code: int = 0) -> str:
        done = CliRunner().invoke(app, [*arguments, "--project", str(self.root)])
        assert done.exit_code == exit_code, done.output
        return done.output

    def result(self) -> Any:
        return json.loads((self.root / "result.json").read_text(encoding="utf-8"))

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.root / "warehouse" / "state.duckdb"), read_only=True) as state:
            return state.execute(query).fetchall()

    def picture(self) -> dict[str, Any]:
        """What holds, without since when and by which run."""
        tables = [f"{side}.{name}" for side in ("clients", "register") for name in ("person", "address", "name")]
        rows = {name: f"SELECT * EXCLUDE (content, from_run) FROM {name}" for name in tables}
        rows["link"] = "SELECT * EXCLUDE (from_run, run_id) FROM link"
        rows["candidate"] = "SELECT * FROM candidate"
        rows["person_key"] = "SELECT id, person_key FROM person_key"
        return {name: self.ask(f"{query} ORDER BY ALL") for name, query in rows.items()}

    def csv(self, name: str) -> list[dict[str, str]]:
        path = self.root / self.result()["run_folder"] / name
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def council(tmp_path_factory: pytest.TempPathFactory) -> Council:
    made = Council(tmp_path_factory.mktemp("undo") / "project")
    made.deliver(0, whole=True)
    made("run", "--as-at", made.nights.day(0).isoformat())
    return made


def test_a_run_and_then_a_link_are_taken_back(council: Council) -> None:
    before = council.picture()
    day = council.nights.day(1).isoformat()
    council.deliver(1, whole=False)
    council("run", "--as-at", day)
    changed = council.picture()
    assert {name for name in before if before[name] != changed[name]} >= {"clients.person", "link", "person_key"}

    council("undo", "--as-at", day)
    assert council.picture() == before
    assert council.ask("SELECT run, kind FROM run ORDER BY run")[-1] == (3, "undo")
    # Numbers that the second run handed over and nothing supports any more are taken back.
    given = {(id_, number) for id_, number in council.ask("SELECT id, nhs_number FROM loaded_back WHERE run = 2")}
    linked = set(council.ask("SELECT id, nhs_number FROM link WHERE decision = 'link'"))
    living = {id_ for (id_,) in council.ask("SELECT id FROM clients.person")}
    wrong = {(id_, number) for id_, number in given - linked if id_ in living}
    retracted = set(council.ask("SELECT id, nhs_number FROM retraction WHERE run = 3"))
    assert retracted <= wrong
    assert len(council.csv("retractions.csv")) == len(retracted)
    # The same files lie in the inbox, and are not applied again by themselves.
    assert "nothing new" in council("run", "--as-at", day)

    # An undo is a run, so it can be undone.
    council("undo", "--as-at", day)
    assert council.picture() == changed

    [(record, number), *_] = council.ask(
        "SELECT record_id, nhs_number FROM link WHERE decision = 'link'"
        " AND id IN (SELECT id FROM loaded_back) ORDER BY 1"
    )
    said = council("undo", "--link", record, "--by", "ann")
    assert "two people" in said
    assert record not in said
    council("run", "--as-at", day)
    [(decision, held)] = council.ask(f"SELECT decision, nhs_number FROM link WHERE record_id = '{record}'")
    assert (decision, held) != ("link", number)
    [(why,)] = council.ask(f"SELECT why FROM link_past WHERE record_id = '{record}' ORDER BY to_run DESC LIMIT 1")
    assert why.endswith("a person decided that they are two people")
    [row] = [row for row in council.csv("retractions.csv") if row["client_id"] == record]
    assert row["nhs_number_to_remove"] == number
    assert row["reason"] == "a person decided that the number is another person's"
    assert council.ask("SELECT from_run, count(DISTINCT person_key) FROM person_key GROUP BY 1 ORDER BY 1 DESC")[0] == (
        5,
        1,
    )
