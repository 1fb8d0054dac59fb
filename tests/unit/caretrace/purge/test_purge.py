"""What is too old goes, and nothing else: said before, logged, and never half."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from caretrace import run_folder
from caretrace.cli import main
from caretrace.project import Project, locked, template
from caretrace.purge import removing
from caretrace.purge.settings import FEWEST_RUNS, Retention, load, read
from caretrace.run_settings import RunSettings
from caretrace.warehouse.store import next_state, read_state
from caretrace.written import log_writing
from governance import audit, keys
from governance.audit import log, upkeep
from schemas.errors import Busy, Refused, SettingsError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SHORT = Retention(runs=30, runs_at_least=3, deliveries=30, written=30, traces=30, set_aside=30)
TOML = """
[[source]]
name = "clients"
side = "clients"
[[source]]
name = "register"
side = "register"
[retention]
runs = 30
runs_at_least = 3
"""


def days(count: int) -> datetime:
    return NOW - timedelta(days=count)


@pytest.fixture
def secrets(tmp_path: Path) -> keys.Keys:
    return keys.create(tmp_path / "keys", project=tmp_path / "p")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "p" / "in" / "clients").mkdir(parents=True)
    (tmp_path / "p" / "in" / "register").mkdir()
    (tmp_path / "p" / "caretrace.toml").write_text(TOML, encoding="utf-8")
    return Project(tmp_path / "p")


@pytest.fixture
def made(project: Project) -> Callable[[int, int], None]:
    """Make run `number`, so many days ago."""

    def made(number: int, age: int) -> None:
        with run_folder.drafting(project.runs / f"{number:04d}") as draft:
            (draft.path / "links.parquet").write_bytes(b"links")
            run_folder.finish(draft, {"run_id": f"r{number}", "created_at": days(age).isoformat()})

    return made


def names(project: Project, kind: str, secrets: keys.Keys, retention: Retention = SHORT) -> tuple[set[str], set[str]]:
    """Names of what would go and what would stay."""
    plan = removing.plan(project, retention, secrets.folder, now=NOW)
    going, staying = ({item.name for item in items if item.kind == kind} for items in (plan.old, plan.kept))
    return going, staying


def purge(project: Project, secrets: keys.Keys, retention: Retention = SHORT) -> removing.Purge:
    return removing.purge(project, retention, secrets.folder, maker="ann", now=NOW)


def standing(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("ages", "going", "staying"),
    [
        ([100, 90, 80, 70, 3, 2, 1], {"r1", "r2", "r3", "r4"}, set()),
        ([100, 90, 80, 2], {"r1"}, {"r2", "r3"}),
        ([100, 90, 80], set(), {"r1", "r2", "r3"}),
        ([30, 29, 3, 2, 1], set(), set()),
    ],
)
def test_runs_by_age_and_the_newest_stay(
    project: Project, secrets: keys.Keys, made: Any, ages: list[int], going: set[str], staying: set[str]
) -> None:
    for number, age in enumerate(ages, 1):
        made(number, age)
    (project.runs / "mine").mkdir()
    (project.runs / "mine" / "manifest.json").write_text("no manifest of ours", encoding="utf-8")
    assert names(project, "run", secrets) == (going, staying)
    purge(project, secrets)
    left = {f"{number:04d}" for number in range(1, len(ages) + 1)} - {f"000{name[1:]}" for name in going}
    assert {path.name for path in project.runs.iterdir()} == left | {"mine"}
    for name in left:
        run_folder.open(project.runs / name, verify=True)


@pytest.mark.parametrize(
    ("after", "stays"),
    [
        ([], True),
        (["RELEASED"], True),
        (["RELEASE_UNCERTAIN"], True),
        (["RELEASE_ABORTED"], False),
        (["RELEASED", "DESTRUCTION_CERT"], False),
    ],
)
def test_a_run_stays_while_a_release_made_from_it_stands(
    project: Project, secrets: keys.Keys, made: Any, after: list[str], stays: bool
) -> None:
    for number, age in enumerate([100, 3, 2, 1], 1):
        made(number, age)
    folder = released(project, secrets, after, until=date(2027, 1, 1))
    assert names(project, "run", secrets) == ((set(), {"r1"}) if stays else ({"r1"}, set()))
    assert folder.is_dir()


def released(project: Project, secrets: keys.Keys, after: list[str], until: date) -> Path:
    """A release of run r1 as the log tells it, with its folder."""
    ids = ("agreement_id", "recipient", "domain", "opt_out")
    intent = {**dict.fromkeys(ids, "x"), "release_id": "R1", "key_version": 1, "run_id": "r1", "folder": "releases/one"}
    with log.opened(project.audit, secrets, now=days(90)) as held:
        held.append([("RELEASE_INTENT", intent)], now=days(90))
        for kind in after:
            more = {"retention_until": until.isoformat()} if kind == "RELEASED" else {}
            held.append([(kind, {"release_id": "R1", **more})], now=days(80))
    folder = project.releases / "one"
    folder.mkdir(parents=True)
    for name in ("person.parquet.age", "person.csv.age", "manifest.json", "plan.txt"):
        (folder / name).write_bytes(b"x")
    return folder


@pytest.mark.parametrize(
    ("after", "until", "goes"),
    [
        (["RELEASED"], date(2026, 11, 22), False),
        (["RELEASED"], date(2026, 11, 21), True),
        (["RELEASED", "DESTRUCTION_CERT"], date(2027, 1, 1), True),
        (["RELEASE_UNCERTAIN"], date(2026, 1, 1), False),
    ],
)
def test_data_of_a_release_goes_with_its_retention_and_proofs_stay(
    project: Project, secrets: keys.Keys, after: list[str], until: date, goes: bool
) -> None:
    folder = released(project, secrets, after, until)
    log_before = len((project.audit / "log.jsonl").read_bytes())
    purge(project, secrets)
    left = ["manifest.json", "plan.txt"]
    assert standing(folder) == (left if goes else sorted([*left, "person.csv.age", "person.parquet.age"]))
    assert len((project.audit / "log.jsonl").read_bytes()) >= log_before


def write(project: Project, secrets: keys.Keys, path: Path, age: int) -> None:
    facts = {"kind": "load-back", "purpose": "care", "recipient": None, "run_id": "r1", "maker": "ann"}
    with log_writing(project, secrets.folder, files=[path], now=days(age), **facts) as writing:  # type: ignore[arg-type]
        writing.drafts[0].write_bytes(b"numbers")
        writing.rows = 1


def test_written_files_go_where_they_are_what_was_written(tmp_path: Path, project: Project, secrets: keys.Keys) -> None:
    paths = {name: project.root / "load-back" / f"{name}.csv" for name in ("old", "changed", "young")} | {
        "outside": tmp_path / "outside.csv",
        "trace": project.root / "traces" / "requests" / "A" / "questions.parquet",
    }
    for name, path in sorted(paths.items(), key=lambda pair: pair[0] == "young"):
        write(project, secrets, path, 10 if name == "young" else 90)
    paths["changed"].write_bytes(b"by somebody else")
    done = purge(project, secrets)
    assert done.changed == (paths["changed"].resolve(),)
    assert {name for name, path in paths.items() if not path.exists()} == {"old"}


def test_questions_go_and_answers_stay(project: Project, secrets: keys.Keys, made: Any) -> None:
    for number, age in enumerate([200, 40, 39, 38], 1):
        made(number, age)
    for name, age, run in (("A", 40, "r2"), ("B", 20, "r1")):
        note = project.root / "traces" / "requests" / name / "request.json"
        note.parent.mkdir(parents=True)
        note.write_text(json.dumps({"request_id": name, "created_at": days(age).isoformat(), "run_id": run}))
    for name, age in (("0001", 39), ("0002", 38)):
        note = project.root / "traces" / "readings" / name / "reading.json"
        note.parent.mkdir(parents=True)
        note.write_text(json.dumps({"at": days(age).isoformat()}))
    # The answers to B are still to come, and are read beside its run.
    assert names(project, "run", secrets) == (set(), {"r1", "r2", "r3", "r4"})
    purge(project, secrets)
    assert standing(project.root / "traces") == [
        "readings/0001/reading.json",
        "readings/0002/reading.json",
        "requests/B/request.json",
    ]


def deliver(project: Project, told: list[tuple[str, str, str, int]]) -> None:
    """Deliveries of the source `clients`: folder, mode, outcome, age in days; each in a run of its own."""
    with next_state(project.warehouse, RunSettings(as_at=NOW.date())) as state:
        for number, (name, mode, outcome, age) in enumerate(told, 1):
            file = project.inboxes / "clients" / name / "person.csv"
            file.parent.mkdir()
            file.write_bytes(name.encode())
            facts = [{"name": f"{name}/person.csv", "sha256": sha256(name.encode()).hexdigest()}]
            values = [number, NOW.date(), days(age).replace(tzinfo=None), "night", "0", "{}"]
            state.connection.execute("INSERT INTO state.run VALUES (?, ?, ?, ?, ?, ?)", values)
            state.connection.execute(
                "INSERT INTO state.delivery BY NAME SELECT ? AS delivery, 'clients' AS feed, 'clients' AS side,"
                " ? AS name, ? AS mode, ? AS outcome, ? AS run, CAST(? AS JSON) AS files",
                [number, name, mode, outcome, number, json.dumps(facts)],
            )
            state.connection.execute(
                "INSERT INTO state.set_aside_past BY NAME SELECT ? AS delivery, ? AS to_run", [number, number]
            )
        state.commit()


@pytest.mark.parametrize(
    ("told", "going"),
    [
        ([("a", "full", "applied", 90), ("b", "full", "applied", 80), ("c", "full", "applied", 70)], {"a"}),
        ([("a", "full", "applied", 90), ("b", "delta", "applied", 80), ("c", "full", "applied", 70)], set()),
        ([("a", "delta", "applied", 90), ("b", "full", "applied", 80), ("c", "full", "applied", 10)], {"a"}),
        ([("a", "delta", "held", 90), ("b", "full", "applied", 80), ("c", "full", "applied", 10)], set()),
        ([("a", "full", "late", 90), ("b", "full", "repeated", 80), ("c", "full", "applied", 10)], set()),
        ([("a", "full", "applied", 20), ("b", "full", "applied", 10), ("c", "full", "applied", 5)], set()),
    ],
)
def test_deliveries_go_when_two_full_ones_followed(
    project: Project, secrets: keys.Keys, told: list[tuple[str, str, str, int]], going: set[str]
) -> None:
    deliver(project, told)
    (project.inboxes / "clients" / "waiting").mkdir()
    (project.inboxes / "clients" / "waiting" / "person.csv").touch()
    before = {name for name, *_ in told}
    done = purge(project, secrets)
    assert {path.name for path in (project.inboxes / "clients").iterdir()} == before - going | {"waiting"}
    with read_state(project.warehouse, RunSettings(as_at=NOW.date())) as state:
        [(notes,)] = state.connection.execute("SELECT count(*) FROM state.set_aside_past").fetchall()
        [(known,)] = state.connection.execute("SELECT count(*) FROM state.delivery").fetchall()
    old = sum(age > 30 for *_, age in told)
    assert (done.set_asides, notes, known) == (old, len(told) - old, len(told))


def test_a_delivery_that_was_replaced_under_its_name_stays(project: Project, secrets: keys.Keys) -> None:
    deliver(project, [("a", "full", "applied", 90), ("b", "full", "applied", 80), ("c", "full", "applied", 70)])
    again = project.inboxes / "clients" / "a" / "person.csv"
    again.write_bytes(b"delivered again")
    assert purge(project, secrets).changed == (again.resolve(),)
    assert again.exists()


def test_it_is_logged_before_and_after_and_a_kill_is_made_good(
    project: Project, secrets: keys.Keys, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, age in enumerate([100, 90, 3, 2, 1], 1):
        made(number, age)
    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):

        def kill(_: Path) -> None:
            raise KeyboardInterrupt

        killed.setattr(shutil, "rmtree", kill)
        purge(project, secrets)
    hidden = [path.name for path in project.runs.iterdir() if path.name.startswith(".")]
    assert len(hidden) == 1
    assert [row["state"] for row in rows(project, secrets)] == ["begun, no end"]
    purge(project, secrets)
    assert sorted(path.name for path in project.runs.iterdir()) == ["0003", "0004", "0005"]
    found = rows(project, secrets)
    assert [row["state"] for row in found] == ["ended", "ended"]
    assert found[0]["about"] == "2 run: run r2; run r1"
    assert purge(project, secrets).old == ()
    assert len(rows(project, secrets)) == 2  # nothing to remove, nothing to log


def rows(project: Project, secrets: keys.Keys) -> list[dict[str, str]]:
    return upkeep.rows(audit.verify(project.audit, keys_dir=secrets.folder).entries)


def test_nothing_goes_without_keys_or_while_a_run_is_at_work(
    tmp_path: Path, project: Project, secrets: keys.Keys, made: Any
) -> None:
    for number, age in enumerate([100, 3, 2, 1], 1):
        made(number, age)
    with pytest.raises(Refused, match="keys new"):
        removing.purge(project, SHORT, tmp_path / "none", maker="ann", now=NOW)
    with locked(project), pytest.raises(Busy):
        purge(project, secrets)
    assert len(list(project.runs.iterdir())) == 4


def test_the_command_looks_first(
    tmp_path: Path,
    project: Project,
    secrets: keys.Keys,
    made: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CARETRACE_KEYS", str(secrets.folder))
    for number in range(1, 6):
        made(number, 200 + number)  # the command takes the machine's clock, which is not NOW
    for arguments, code, words in (
        (["--dry-run"], 0, "run r5: made"),
        ([], 1, "--yes"),
        (["--yes"], 0, "removed: 2"),
        (["--yes"], 0, "nothing is too old"),
    ):
        assert main(["purge", "--project", str(project.root), *arguments]) == code
        said = capsys.readouterr()
        assert words in said.out + said.err
    assert len(list(project.runs.iterdir())) == FEWEST_RUNS


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"runs": 0}, "runs: give whole days"),
        ({"runs": "ever"}, "runs: give whole days"),
        ({"runs_at_least": 1}, "runs_at_least: give"),
        ({"run": 3}, "run: there is no such key"),
        ({"traces": 1.5}, "traces: give whole days"),
    ],
)
def test_settings_that_will_not_do(given: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        read(given)


def test_settings_of_a_project(project: Project) -> None:
    assert (load(project).runs, load(project).runs_at_least, load(project).traces) == (30, 3, Retention().traces)
    assert read({"runs": "never"}).runs == "never"
    project.settings.unlink()
    assert load(project) == Retention()


def test_the_template_shows_the_periods_in_force(project: Project) -> None:
    _, _, block = template.TOML.partition("# [retention]\n")
    shown = block.partition("\n\n")[0].replace("# ", "")
    project.settings.write_text("[retention]\n" + shown, encoding="utf-8")
    assert load(project) == Retention()
    assert shown.count("=") == len(Retention.model_fields)
