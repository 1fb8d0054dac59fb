"""What a night says of itself, what it watches, and what it asks of the disk."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from caretrace import run_folder
from caretrace.nightly import disk, intake, publishing, result, run, watch
from caretrace.nightly.deliveries import Delivery, File
from caretrace.nightly.result import APPLIED_SINCE, Outcome, Status, Told
from caretrace.nightly.waiting import Waiting
from caretrace.project import Project
from caretrace.project.settings import Agreements, Settings, Source
from caretrace.run_folder import Draft
from caretrace.warehouse import migrations
from schemas.errors import InputError

NOW = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
DAY = date(2026, 11, 22)
DONE = Outcome(Status.DONE, DAY, NOW, NOW, run=7, kind="night", run_folder="runs/0007")
HELD = Told("gp", "register", "2026-11-22", "delta", "held", "it is <cut> short", records=3, used=2, rejected=1)
LATE = replace(HELD, name="2026-11-20", outcome="late", reason="it comes before 2026-11-22, which is applied already")
OVERTAKEN = replace(LATE, reason=intake.OVERTAKEN.format("2026-11-22"))
COUNTS = {"linked": 9_000, "review": 50, "unlinked": 950}
CHANGES = {"load_back": 12, "retractions": 1}


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (Outcome(Status.NOTHING_NEW, DAY, NOW, NOW), "nothing new"),
        (
            Outcome(Status.FAILED, DAY, NOW, NOW, sentence="in/gp: there is no such inbox", exit_code=1),
            "failed: in/gp: there is no such inbox",
        ),
        (
            replace(DONE, counts=COUNTS, changes=CHANGES, deliveries=[replace(HELD, outcome="applied", reason=None)]),
            "run 7 (night); 1 applied; linked 9,000 of 10,000, review 50; to load back 12, to retract 1",
        ),
        (
            replace(DONE, counts=COUNTS | {"faults": ["the decisions are not as many as the clients"]}),
            "run 7 (night); does not add up: the decisions are not as many as the clients; linked 9,000 of 10,000,"
            " review 50",
        ),
        (
            Outcome(Status.HELD, DAY, NOW, NOW, exit_code=1, deliveries=[HELD]),
            "no new run; 1 held; gp/2026-11-22 held: it is <cut> short",
        ),
        (
            Outcome(Status.NOTHING_NEW, DAY, NOW, NOW, deliveries=[LATE, OVERTAKEN]),
            "nothing new; 2 late; gp/2026-11-20 late: it comes before 2026-11-22, which is applied already",
        ),
        (
            replace(DONE, targets={"views": "refreshed", "postgres": "failed: no server\nat all"}),
            "run 7 (night); postgres failed: no server at all",
        ),
    ],
)
def test_a_night_in_one_line(outcome: Outcome, line: str) -> None:
    assert outcome.line() == line


def test_the_page_says_what_needs_a_person_and_runs_nothing(tmp_path: Path) -> None:
    outcome = replace(DONE, status=Status.HELD, exit_code=1, deliveries=[HELD], waiting={"gp/x": "still written"})
    page = result.page(replace(outcome, counts=COUNTS, changes=CHANGES, notes=["the model is old"]))
    for words in ("1 held", "it is &lt;cut&gt; short", "gp/x: still written", "9,000", "the model is old", "runs/0007"):
        assert words in page
    for fetched in ("<script", "http", "src=", "<link", "@import", "url("):
        assert fetched not in page
    assert "Nothing needs attention" in result.page(DONE)
    assert "Nothing needs attention" in result.page(replace(DONE, deliveries=[OVERTAKEN]))
    late = result.page(replace(DONE, deliveries=[LATE]))
    assert "1 late" in late
    assert "Nothing needs attention" not in late
    again = replace(LATE, outcome="repeated", reason=f"its files are those of 1; {APPLIED_SINCE} 2")
    outcome = replace(DONE, deliveries=[again])
    assert "Nothing needs attention" not in result.page(outcome)
    assert f"{again.name} repeated: its files are those of 1" in outcome.line()
    wrong = replace(DONE, status=Status.HELD, exit_code=1, counts=COUNTS | {"faults": ["one record is missing"]})
    assert "do not add up:</strong> one record is missing. Do not use its tables" in result.page(wrong)
    assert "no such disk" in result.page(replace(DONE, status=Status.FAILED, sentence="no such disk", exit_code=1))


def test_the_last_night_is_a_file_and_every_night_a_line(tmp_path: Path) -> None:
    project = Project(tmp_path)
    result.write(project, DONE)
    result.write(project, replace(DONE, run=8))
    assert json.loads((tmp_path / "result.json").read_text("utf-8"))["run"] == 8
    lines = (tmp_path / "results.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["run"] for line in lines] == [7, 8]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mail.html", "result.json", "results.jsonl"]


@pytest.fixture
def state() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse of two runs: the first trained the model on 100 clients and 1,000 register records."""
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS state")
        migrations.create(connection)
        counts = '{"client_records": 100, "register_records": 1000}'
        connection.execute(
            "INSERT INTO state.run VALUES (1, '2026-06-01', now(), 'full', 'x', ?), (2, '2026-11-20', now(), 'night',"
            " 'x', '{}')",
            [counts],
        )
        connection.execute("INSERT INTO state.clients.person BY NAME SELECT range AS id FROM range(100)")
        connection.execute("INSERT INTO state.register.person BY NAME SELECT range AS id FROM range(1000)")
        connection.execute(
            "INSERT INTO state.delivery BY NAME SELECT 1 AS delivery, 'clients' AS feed, 'applied' AS outcome, 2 AS run"
        )
        yield connection


TWO = (Source(name="clients", side="clients"), Source(name="gp", side="register"))


@pytest.mark.parametrize(
    ("words", "day", "notes"),
    [
        ({}, DAY, []),
        (
            {"retrain": {"after_days": 100}},
            DAY,
            ["the model is 174 days old (run 1); `caretrace run --again` trains a new one"],
        ),
        ({"schedule": {"clients": 1}}, date(2026, 11, 21), []),
        (
            {},
            date(2026, 11, 19),
            [
                "run 2 is dated 2026-11-20, which is after 2026-11-19: look at this machine's clock, for the history is"
                " dated by it"
            ],
        ),
        (
            {"schedule": {"clients": 1, "gp": 7}},
            DAY,
            [
                "clients: the last delivery was applied 2 days ago, and one is expected every 1",
                "gp: no delivery has been applied yet",
            ],
        ),
    ],
)
def test_what_is_watched(
    state: duckdb.DuckDBPyConnection, words: dict[str, object], day: date, notes: list[str]
) -> None:
    settings = Settings.model_validate({"source": TWO, **words})
    assert list(watch.notes(state, settings, match={}, as_at=day, seen={})) == notes


def test_a_list_that_comes_as_it_was_is_not_overdue(state: duckdb.DuckDBPyConnection) -> None:
    settings = Settings.model_validate({"source": TWO, "schedule": {"clients": 1}})
    for seen, notes in ((date(2026, 11, 20), 1), (date(2026, 11, 21), 0), (date(2026, 11, 22), 0)):
        told = list(watch.notes(state, settings, match={}, as_at=DAY, seen={"clients": seen, "gp": DAY}))
        assert len(told) == notes


def test_a_source_that_is_not_named_any_more_is_said(state: duckdb.DuckDBPyConnection) -> None:
    state.execute("INSERT INTO state.record BY NAME SELECT 1 AS id, 'swift' AS feed, 1 AS from_run")
    (note,) = watch.notes(state, Settings(source=TWO), match={}, as_at=DAY, seen={})
    assert note.startswith("swift: caretrace.toml no longer names this source, and its 1 records hold")


def test_who_stands_nowhere_although_a_source_tells_of_them_is_said(state: duckdb.DuckDBPyConnection) -> None:
    state.execute("INSERT INTO state.record BY NAME SELECT 1 AS id, 'gp' AS feed, 1 AS from_run")
    state.execute("INSERT INTO state.also_told VALUES (1, 'clients')")
    assert list(watch.notes(state, Settings(source=TWO), match={}, as_at=DAY, seen={})) == []
    state.execute("UPDATE state.record SET to_run = 1 WHERE id = 1")
    (note,) = watch.notes(state, Settings(source=TWO), match={}, as_at=DAY, seen={})
    state.execute("DROP TABLE state.also_told")  # as in a state of an earlier version
    assert list(watch.notes(state, Settings(source=TWO), match={}, as_at=DAY, seen={})) == []
    assert note.startswith("clients: 1 of its records stand nowhere: gp held them and has let them go since")


def test_lists_that_have_grown_make_the_model_old(state: duckdb.DuckDBPyConnection) -> None:
    settings = Settings(source=TWO)
    state.execute("INSERT INTO state.clients.person BY NAME SELECT range AS id FROM range(25)")
    assert list(watch.notes(state, settings, match={}, as_at=DAY, seen={})) == []
    state.execute("INSERT INTO state.clients.person BY NAME SELECT 1 AS id")
    (note,) = watch.notes(state, settings, match={}, as_at=DAY, seen={})
    assert note.startswith("the clients are 126 records, 100 when the model was trained (run 1)")


def test_settings_that_no_longer_are_those_of_the_model_are_said(state: duckdb.DuckDBPyConnection) -> None:
    counts = '{"match": {"linkage": {"numberless": "auto"}}}'
    state.execute("INSERT INTO state.run VALUES (3, '2026-11-21', now(), 'full', 'x', ?)", [counts])
    same = {"linkage": {"numberless": "auto"}}
    assert list(watch.notes(state, Settings(source=TWO), match=same, as_at=DAY, seen={})) == []
    (note,) = watch.notes(state, Settings(source=TWO), match={"linkage": {"numberless": "link"}}, as_at=DAY, seen={})
    assert note == "[match] has changed since the model was trained (run 3); `caretrace run --again` applies it"


def test_agreements_are_watched_and_a_bad_one_stops_nothing(tmp_path: Path) -> None:
    from governance import example

    path = example.write(tmp_path / "agreement", ["9990000018"], today=DAY)
    missing = tmp_path / "gone.toml"
    watched = Agreements(files=(path, missing), warn_days=10_000)
    ends, unread = watch.agreements(watched, DAY)
    assert ends.startswith(f"agreement {path.name}: it ends on ")
    assert unread.startswith("agreement gone.toml: ")
    assert list(watch.agreements(Agreements(files=(path,), warn_days=0), DAY)) == []
    (ended,) = watch.agreements(Agreements(files=(path,)), date(2126, 1, 1))
    assert "it ended on" in ended


def test_a_disk_with_too_little_room_is_said_before_anything_begins(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 1000)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(b"x" * 500)
    assert (disk.size(tmp_path / "file"), disk.size(tmp_path), disk.size(tmp_path / "none")) == (1000, 1500, 0)
    disk.check(tmp_path, 1)
    with pytest.raises(InputError, match=r"GB free, and a run may need 1073741824\.0 GB; free some space"):
        disk.check(tmp_path, 1 << 60)
    assert disk.needed(100, 10, 1) > 400


def test_what_changes_are_laid_over_counts_for_the_disk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(disk, "check", lambda _, needed: asked.append(needed))

    def delivery(size: int) -> Delivery:
        return Delivery(TWO[0], str(size), (File("x", tmp_path, size, 0),), tmp_path)

    waiting = Waiting(TWO[0], (delivery(10),), (), chain=(delivery(1000),))
    night: Any = SimpleNamespace(project=Project(tmp_path), last_run=0, waiting=[waiting])
    run._check_disk(night)
    assert asked == [disk.needed(1010, 0, 0)]


def drafted(project: Project, run: int, *, sealed: bool) -> Path:
    final = publishing.folder(project.runs, run)
    draft = Draft(final.with_name(f".{final.name}.partial-night"), final)
    draft.work.mkdir(parents=True)
    (draft.path / "links.parquet").touch()
    if sealed:
        run_folder.seal(draft, {"run_id": "x"})
    return draft.path


def test_a_sealed_folder_of_the_run_that_stands_is_given_its_name(tmp_path: Path) -> None:
    project = Project(tmp_path)
    drafted(project, 3, sealed=True)
    assert publishing.recover(project, 3) == project.runs / "0003"
    run_folder.open(project.runs / "0003", verify=True)
    assert publishing.recover(project, 3) is None


@pytest.mark.parametrize(("run", "sealed"), [(4, True), (3, False)])
def test_a_folder_of_a_run_that_never_was_goes(tmp_path: Path, run: int, sealed: bool) -> None:
    project = Project(tmp_path)
    draft = drafted(project, run, sealed=sealed)
    (project.warehouse / "work-x").mkdir(parents=True)
    (project.warehouse / "state.next.duckdb.wal").touch()
    assert publishing.recover(project, 3) is None
    assert not draft.exists()
    assert not list(project.warehouse.iterdir())
    assert not list(project.runs.iterdir())
