"""Nights of a project, from its first delivery on: nothing twice, nothing half, and killed anywhere it goes on."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from caretrace import run_folder
from caretrace.nightly import result
from caretrace.nightly import run as nightly
from caretrace.nightly.night import Wanted
from caretrace.nightly.result import MAIL, RESULT, RESULTS, Outcome, Status
from caretrace.project import Project, locked
from caretrace.run_settings import RunSettings
from caretrace.synthetic import inbox
from caretrace.synthetic.nights import Nights, Pace
from caretrace.warehouse import store
from caretrace.warehouse.publish import accounts
from caretrace.warehouse.undo_link import undo_link
from connectors.files.opening import DEFAULT
from schemas.errors import Busy, InputError

PROVE = "CARETRACE_PROVE" in os.environ
TIMES = 20 if PROVE else 1
"""`make prove` kills twenty times and at every point, `make test` a sample."""

TOML = """
[[source]]
name = "clients"
side = "clients"
full_names = "*-full"
[[source]]
name = "register"
side = "register"
full_names = "*-full"
[schedule]
clients = 3
[resources]
threads = 2
quiet_seconds = 0
"""

Commands = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def nights() -> Nights:
    return Nights(80, 800, nights=3, seed=5, pace=Pace(change=0.05))


def deliver(project: Project, nights: Nights, night: int, **words: Any) -> None:
    for side in nights.sides:
        whole = night == 0
        name = f"{nights.day(night)}-{'full' if whole else 'delta'}"
        delivery = inbox.Delivery(side, name, night, whole, **words)
        inbox.write(nights, delivery, project.inboxes / side / name, "standard-csv")


def begin(project: Project, day: int = 1, **words: Any) -> Outcome:
    outcome = nightly.run(project, Wanted(as_at=date(2026, 10, day), **words), opening=DEFAULT)
    result.write(project, outcome)
    return outcome


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, nights: Nights) -> Project:
    """A project after its first night; copied, never changed."""
    project = Project(tmp_path_factory.mktemp("nights") / "council")
    project.root.mkdir()
    project.settings.write_text(TOML, encoding="utf-8")
    deliver(project, nights, 0)
    assert begin(project).status is Status.DONE
    return project


@pytest.fixture
def project(first: Project, tmp_path: Path) -> Project:
    return Project(Path(shutil.copytree(first.root, tmp_path / "council")))


def ask(project: Project, query: str) -> list[tuple[Any, ...]]:
    settings = RunSettings(as_at=date(2026, 10, 1), threads=1)
    with store.read_state(project.warehouse, settings) as state:
        return state.connection.execute(query).fetchall()


def holds(project: Project) -> dict[str, list[tuple[Any, ...]]]:
    """All that two warehouses of the same nights share: everything but random keys and times."""
    queries = {
        "clients": "FROM state.clients.person ORDER BY ALL",
        "register": "FROM state.register.person ORDER BY ALL",
        "link": "SELECT * EXCLUDE levels FROM state.link ORDER BY ALL",
        "link_past": "SELECT * EXCLUDE levels FROM state.link_past ORDER BY ALL",
        "delivery": "SELECT * EXCLUDE files FROM state.delivery ORDER BY ALL",
        "loaded_back": "FROM state.loaded_back ORDER BY ALL",
        "keys": "SELECT id, from_run FROM state.person_key ORDER BY ALL",
        "runs": "SELECT run, as_at, kind FROM state.run ORDER BY ALL",
    }
    return {name: ask(project, query) for name, query in queries.items()}


@dataclass(frozen=True)
class Week:
    """What became of a project night after night: each outcome by what that night was about."""

    project: Project
    nights: dict[str, Outcome]
    files: dict[str, dict[str, str]]
    """result.json and the others, after each."""


@pytest.fixture(scope="module")
def week(first: Project, nights: Nights, tmp_path_factory: pytest.TempPathFactory) -> Week:
    project = Project(Path(shutil.copytree(first.root, tmp_path_factory.mktemp("week") / "council")))
    box = project.inboxes / "clients"
    told, files = {}, {}

    def night(about: str, day: int, **words: Any) -> None:
        told[about] = begin(project, day, **words)
        files[about] = {name: (project.root / name).read_text("utf-8") for name in (RESULT, MAIL, RESULTS)}

    night("nothing came", 2)
    deliver(project, nights, 1)
    (box / "2026-10-02-delta" / "person.csv").write_bytes(b"colour\nred\n")
    night("a bad file", 2)
    night("still bad", 2)
    deliver(project, nights, 1)
    night("put right", 3)
    shutil.copytree(box / "2026-10-01-full", box / "2026-10-05-full")
    inbox.write(nights, inbox.Delivery("clients", "late", 2, False), box / "2026-09-30-delta", "standard-csv")
    night("late and repeated", 3)
    ((client,),) = ask(project, "SELECT min(record_id) FROM state.link WHERE decision = 'link'")
    undo_link(project, client, by="A reader", now=datetime(2026, 10, 4, tzinfo=UTC))
    night("a decision", 4)
    night("nothing more", 4)
    return Week(project, told, files)


@pytest.mark.parametrize(
    ("about", "status", "run", "exit_code"),
    [
        ("nothing came", Status.NOTHING_NEW, None, 0),
        ("a bad file", Status.HELD, 2, 1),
        ("still bad", Status.HELD, None, 1),
        ("put right", Status.DONE, 3, 0),
        ("late and repeated", Status.NOTHING_NEW, None, 0),
        ("a decision", Status.DONE, 4, 0),
        ("nothing more", Status.NOTHING_NEW, None, 0),
    ],
)
def test_how_each_night_ends(week: Week, about: str, status: Status, run: int | None, exit_code: int) -> None:
    outcome = week.nights[about]
    assert (outcome.status, outcome.run, outcome.exit_code) == (status, run, exit_code)
    facts = json.loads(week.files[about][RESULT])
    assert (facts["status"], facts["run"], facts["exit_code"]) == (status.value, run, exit_code)


@pytest.mark.parametrize(
    ("about", "deliveries"),
    [
        ("nothing came", {}),
        ("a bad file", {"clients/2026-10-02-delta": "held", "register/2026-10-02-delta": "applied"}),
        ("still bad", {"clients/2026-10-02-delta": "held"}),
        ("put right", {"clients/2026-10-02-delta": "applied"}),
        ("late and repeated", {"clients/2026-10-05-full": "repeated", "clients/2026-09-30-delta": "late"}),
        ("a decision", {}),
    ],
)
def test_what_becomes_of_each_delivery(week: Week, about: str, deliveries: dict[str, str]) -> None:
    told = week.nights[about].deliveries
    assert {f"{each.source}/{each.name}": each.outcome for each in told} == deliveries
    assert all(each.records == each.used + each.rejected + each.excluded for each in told)


def test_each_run_stands_with_its_folder_and_counts_that_add_up(week: Week) -> None:
    assert sorted(path.name for path in week.project.runs.iterdir()) == ["0001", "0002", "0003", "0004"]
    run = run_folder.open(week.project.runs / "0004", verify=True)
    assert run.manifest["warehouse"]["run"] == 4
    counts = week.nights["a decision"].counts
    clients = ask(week.project, "SELECT count(*) FROM state.clients.person")[0][0]
    assert counts["linked"] + counts["review"] + counts["unlinked"] == clients
    assert (week.project.warehouse / "warehouse.duckdb").is_file()
    kinds = ask(week.project, "SELECT run, kind FROM state.run ORDER BY run")
    assert kinds == [(1, "full"), (2, "night"), (3, "night"), (4, "night")]


def test_a_night_links_only_whom_it_reaches_and_a_decision_takes_its_link_away(week: Week) -> None:
    assert 0 < week.nights["put right"].changes["links"]["decided"] < 80
    assert week.nights["put right"].notes == ()
    links = week.nights["a decision"].changes["links"]
    assert (links["unlinked"] + links["another"], links["new"]) == (1, 0)


def test_a_held_delivery_is_written_down_once(week: Week) -> None:
    written = ask(week.project, "SELECT name, outcome FROM state.delivery WHERE feed = 'clients' ORDER BY delivery")
    assert written == [
        ("2026-10-01-full", "applied"),
        ("2026-10-02-delta", "held"),
        ("2026-10-02-delta", "applied"),
        ("2026-09-30-delta", "late"),
        ("2026-10-05-full", "repeated"),
    ]


def test_the_account_names_nobody_and_fetches_nothing(week: Week) -> None:
    rows = ask(week.project, "SELECT nhs_number, record_id, family_name FROM state.clients.person")
    values = [str(each) for row in rows for each in row if each and len(str(each)) > 5]
    for files in week.files.values():
        for text in files.values():
            assert not [value for value in values if value in text]
        assert "<script" not in files[MAIL]
        assert "http" not in files[MAIL]
    lines = week.files["nothing more"][RESULTS].splitlines()
    assert len(lines) == len(week.files) + 1  # the first night is copied with the project
    assert "clients/2026-10-02-delta held: " in json.loads(lines[2])["summary"]


def test_the_same_inputs_twice_touch_nothing(week: Week) -> None:
    def stamps() -> dict[Path, int]:
        files = (path for path in week.project.root.rglob("*") if path.is_file())
        return {path: path.stat().st_mtime_ns for path in files if path.name not in (RESULT, MAIL, RESULTS)}

    before = stamps()
    assert begin(week.project, 4).line() == "nothing new"
    assert stamps() == before


def test_a_run_that_does_not_add_up_is_not_done(
    project: Project, nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts.Accounts, "faults", ("a record is missing",))
    deliver(project, nights, 1)
    outcome = begin(project, 2)
    assert (outcome.status, outcome.run, outcome.exit_code) == (Status.HELD, 2, 1)
    assert outcome.line().startswith("run 2 (night); does not add up: a record is missing; 2 applied")


def test_what_comes_no_more_is_missed_every_night(first: Project, tmp_path: Path) -> None:
    project = Project(Path(shutil.copytree(first.root, tmp_path / "council")))
    written = datetime(2026, 10, 1, 12, tzinfo=UTC).timestamp()
    for path in (project.inboxes / "clients").rglob("*"):
        os.utime(path, (written, written))
    assert begin(project, 4).notes == ()
    quiet = begin(project, 5)
    assert (quiet.status, quiet.run) == (Status.NOTHING_NEW, None)
    (note,) = quiet.notes
    assert note == "clients: the last delivery was applied 4 days ago, and one is expected every 3"
    assert note in json.loads((project.root / RESULT).read_text("utf-8"))["notes"]
    assert begin(project, 5, dry=True).notes == quiet.notes
    os.utime(project.inboxes / "clients" / "2026-10-01-full" / "person.csv")  # the same again
    assert begin(project, 5).notes == ()


def test_a_source_that_has_ended_takes_its_records_with_it(project: Project, nights: Nights) -> None:
    (project.inboxes / "swift").mkdir()
    text = TOML + '[[source]]\nname = "swift"\nside = "clients"\n'
    project.settings.write_text(text, encoding="utf-8")
    (project.inboxes / "swift" / "list.csv").write_bytes(b"record_id,family_name,birth_date\nx1,Ended,1950-02-03\n")
    assert begin(project, 2).changes["links"]["new"] == 1
    project.settings.write_text(text + "ended = true\n", encoding="utf-8")
    # Everything anew as well: the others' links are made again, and are what they were.
    outcome = begin(project, 3, again=True)
    assert (outcome.run, outcome.kind, outcome.counts["client_records"]) == (3, "full", 80)
    links = outcome.changes["links"]
    assert (links["gone"], links["decided"], links["linked"] + links["another"] + links["unlinked"]) == (1, 80, 0)
    assert begin(project, 3).status is Status.NOTHING_NEW


def test_other_folders_and_an_inbox_that_is_away_are_no_harm(project: Project, nights: Nights) -> None:
    shutil.copytree(project.runs / "0001", project.runs / "2026")
    (project.runs / "0002").mkdir()
    deliver(project, nights, 1)
    (project.inboxes / "clients").rename(project.root / "away")
    with pytest.raises(InputError, match="is in the way of run 2"):
        begin(project, 2)
    (project.runs / "0002").rmdir()
    outcome = begin(project, 2)
    assert (outcome.status, outcome.run, outcome.exit_code) == (Status.HELD, 2, 1)
    assert [(each.source, each.outcome) for each in outcome.deliveries] == [
        ("clients", "held"),
        ("register", "applied"),
    ]
    assert "there is no such inbox of the source clients" in outcome.line()
    assert json.loads((project.warehouse / "targets.json").read_text("utf-8")) == {"views": 2}


def test_both_sides_are_needed(tmp_path: Path, nights: Nights) -> None:
    project = Project(tmp_path)
    project.settings.write_text(TOML, encoding="utf-8")
    (project.inboxes / "register").mkdir(parents=True)
    inbox.write(nights, inbox.Delivery("clients", "x", 0, True), project.inboxes / "clients" / "1-full", "standard-csv")
    with pytest.raises(InputError, match="nobody of a register is known yet"):
        begin(project)
    assert not (project.warehouse / "state.duckdb").exists()
    assert not any(project.runs.iterdir())


KILL = """
import os, sys
from importlib import import_module
module, name, when = sys.argv[1:4]
where = import_module(module)
*outer, last = name.split(".")
for part in outer:
    where = getattr(where, part)
whole = getattr(where, last)
def killed(*given, **named):
    if when == "after":
        whole(*given, **named)
    os._exit(9)  # as a kill: nothing is tidied, nothing is closed
setattr(where, last, killed)
from caretrace.cli import main
sys.exit(main(sys.argv[4:]))
"""
POINTS = {
    "deliveries read, nothing linked": ("caretrace.warehouse.links", "update_links", "before"),
    "keys made, links being written": ("caretrace.warehouse.keys", "update_keys", "after"),
    "state closed, folder perhaps not sealed": ("caretrace.warehouse.store", "State.close", "after"),
    "folder sealed, state not replaced": ("caretrace.run_folder", "seal", "after"),
    "state replaced, folder without its name": ("caretrace.warehouse.store", "State.commit", "after"),
    "run published, targets behind": ("caretrace.nightly.targets", "bring_up_to_date", "before"),
}


@pytest.fixture(scope="module")
def unharmed(first: Project, nights: Nights, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project after a second night that nobody disturbed."""
    project = Project(Path(shutil.copytree(first.root, tmp_path_factory.mktemp("unharmed") / "council")))
    deliver(project, nights, 1)
    begin(project, 2)
    return project


@pytest.mark.prove
@pytest.mark.parametrize("where", POINTS if PROVE else list(POINTS)[4:5])
def test_killed_at_any_point_the_next_start_goes_on(
    where: str, project: Project, unharmed: Project, nights: Nights, environment: dict[str, str]
) -> None:
    deliver(project, nights, 1)
    command = [sys.executable, "-c", KILL, *POINTS[where], "run", "--project", project.root, "--as-at", "2026-10-02"]
    assert subprocess.run([str(part) for part in command], env=environment, check=False).returncode == 9
    run_folder.open(project.runs / "0001", verify=True)
    outcome = begin(project, 2)
    assert outcome.exit_code == 0
    assert (outcome.recovered == "runs/0002") == (where == "state replaced, folder without its name")
    run_folder.open(project.runs / "0002", verify=True)
    assert sorted(path.name for path in project.runs.iterdir()) == ["0001", "0002"]
    assert holds(project) == holds(unharmed)
    assert sorted(path.name for path in project.warehouse.iterdir()) == sorted(
        path.name for path in unharmed.warehouse.iterdir()
    )
    assert begin(project, 2).status is Status.NOTHING_NEW


@pytest.mark.prove
def test_killed_at_random_moments_it_comes_to_the_same(
    first: Project, unharmed: Project, nights: Nights, environment: dict[str, str], tmp_path: Path
) -> None:
    draw = random.Random(2026)  # noqa: S311 - moments, not secrets
    wanted = holds(unharmed)
    for number in range(TIMES):
        project = Project(Path(shutil.copytree(first.root, tmp_path / str(number))))
        deliver(project, nights, 1)
        command = [sys.executable, "-m", "caretrace", "run", "--project", project.root, "--as-at", "2026-10-02"]
        process = subprocess.Popen([str(part) for part in command], env=environment, stdout=subprocess.DEVNULL)
        time.sleep(draw.uniform(0.3, 4))
        process.kill()
        process.wait()
        assert begin(project, 2).exit_code == 0
        assert holds(project) == wanted
        run_folder.open(project.runs / "0002", verify=True)


def test_started_twice_only_one_works(project: Project, nights: Nights, started: Commands) -> None:
    deliver(project, nights, 1)
    before = (project.root / "result.json").read_bytes()
    with locked(project):
        with pytest.raises(Busy):
            begin(project, 2)
        done = started("run", "--project", project.root)
    assert (done.returncode, done.stdout) == (5, "")
    assert "is held by another run" in done.stderr
    assert (project.root / "result.json").read_bytes() == before
    assert begin(project, 2).run == 2
