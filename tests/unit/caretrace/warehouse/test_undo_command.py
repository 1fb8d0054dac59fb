"""What `caretrace undo` is told and says, without a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from caretrace.cli import undo as command
from caretrace.cli.app import app
from caretrace.project import Project
from caretrace.review.ledger import read
from caretrace.review.verdicts import verdicts
from caretrace.run_settings import RunSettings
from caretrace.warehouse.store import next_state
from caretrace.warehouse.undo_link import RULE, undo_link
from schemas.errors import InputError

A = "9990000018"
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
LINKED = "'link', '9990000018', 'r', 'o', 'r1'"
Make = Callable[..., Project]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def project(*, runs: Sequence[str] = ("full",), clients: Sequence[tuple[str, str, str]] = ()) -> Project:
        """`runs` by kind; `clients` as source, record id, and decision with number and register row as SQL."""
        place = Project(tmp_path)
        with next_state(place.warehouse, RunSettings(as_at=date(2026, 11, 22), memory="1GB", threads=1)) as state:
            for number, kind in enumerate(runs, start=1):
                state.connection.execute("INSERT INTO state.run (run, kind) VALUES (?, ?)", [number, kind])
            for source, record, decision in clients:
                state.connection.execute(
                    "INSERT INTO state.link (run_id, source, source_org, record_id, decision, nhs_number,"
                    f" register_source, register_source_org, register_record_id) VALUES ('x', '{source}', 'o',"
                    f" '{record}', {decision})"
                )
            state.commit()
        return place

    return project


@pytest.mark.parametrize("named", ["7", "s/o/7"])
def test_one_link_is_undone_by_a_decision(make: Make, named: str) -> None:
    place = make(clients=[("s", "7", LINKED)])
    assert undo_link(place, named, by="ann", now=NOW) == "D1"
    [decision] = read(place.decisions).standing.values()
    made = decision.made
    assert (made.verdict, made.by, made.rule, made.nhs_number) == ("different", ("ann",), RULE, A)
    assert (made.client, made.register) == (("s", "o", "7"), ("r", "o", "r1"))
    counted = verdicts(place.decisions)
    assert counted is not None
    assert counted.facts["different"] == 1


def test_a_traced_number_without_a_register_row_is_told_by_the_number(make: Make) -> None:
    place = make(clients=[("s", "7", f"'link', '{A}', NULL, NULL, NULL")])
    undo_link(place, "7", by="ann", now=NOW)
    [decision] = read(place.decisions).standing.values()
    assert decision.made.pair.person == A


@pytest.mark.parametrize(
    ("clients", "words"),
    [
        ([("s", "8", LINKED)], "knows no client of this id"),
        ([("s", "7", LINKED), ("t", "7", LINKED)], "several clients have this id"),
        ([("s", "7", "'review', NULL, 'r', 'o', 'r1'")], "not linked"),
    ],
)
def test_no_link_to_undo(make: Make, clients: list[tuple[str, str, str]], words: str) -> None:
    place = make(clients=clients)
    with pytest.raises(InputError, match=words):
        undo_link(place, "7", by="ann", now=NOW)
    assert not place.decisions.exists()


@pytest.mark.parametrize(
    ("runs", "wanted", "to", "noted"),
    [
        (("full", "night", "night"), None, 2, ""),
        (("full", "night", "night"), 1, 1, ""),
        (("full", "night", "full", "night"), 2, 2, "run 3 linked everybody anew"),
    ],
)
def test_which_run_is_gone_back_to(
    make: Make, capsys: pytest.CaptureFixture[str], runs: tuple[str, ...], wanted: int | None, to: int, noted: str
) -> None:
    assert command._go_back_to(make(runs=runs), wanted) == to
    said = capsys.readouterr().err
    assert noted in said
    assert bool(said) == bool(noted)


def test_the_only_run_cannot_be_undone(make: Make) -> None:
    place = make()
    with pytest.raises(InputError, match="no run before the last one"):
        command._go_back_to(place, None)


def test_runs_or_a_link_not_both(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["undo", "--to", "1", "--link", "7", "--project", str(tmp_path)])
    assert done.exit_code == 2
