"""A council over many nights by the real run: what stands at the end is what one full build of the last day gives.

`make test` runs five nights; `make prove` thirty, each of them the command in a process of its own.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from caretrace import run_folder
from caretrace.nightly.night import Wanted
from caretrace.nightly.result import write as write_result
from caretrace.nightly.run import run as run_night
from caretrace.project import Project
from caretrace.synthetic import inbox
from caretrace.synthetic.nights import Nights, Pace
from caretrace.synthetic.writers import write_table
from caretrace.trace.choose import Round, Why
from caretrace.trace.reading import read as read_replies
from caretrace.trace.request import Form, Service, request
from caretrace.trace.rules import Rules
from connectors import Source
from connectors.files.opening import DEFAULT
from fixtures.systems.pds_mesh import MESH_TITLES, answer, mesh
from governance import keys
from linkage.frequencies import FOR_CLIENTS, OF_VALUES
from schemas import CANDIDATE, LINK, SOURCE_TABLES, Table

pytestmark = pytest.mark.prove
OF_THIS_RUN = ("run_id", "extract_file", "extract_record", "extract_line")
"""Columns that say where and when something was read or decided, and not what."""


@dataclass
class Council:
    """A project folder, and what became of every night so far."""

    root: Path
    nights: Nights
    form: str
    start: Callable[[Path, date], Mapping[str, Any]]
    results: list[Mapping[str, Any]] = field(default_factory=list)

    @classmethod
    def founded(
        cls, root: Path, nights: Nights, form: str, start: Callable[[Path, date], Mapping[str, Any]]
    ) -> Council:
        for side in nights.sides:
            (root / "in" / side).mkdir(parents=True)
        (root / "caretrace.toml").write_text(inbox.SETTINGS, encoding="utf-8")
        return cls(root, nights, form, start)

    def deliver(self, delivery: inbox.Delivery) -> None:
        """Put it into its inbox, in the place of one of its name."""
        folder = self.root / "in" / delivery.side / delivery.name
        shutil.rmtree(folder, ignore_errors=True)
        inbox.write(self.nights, delivery, folder, self.form)

    def night(self, number: int) -> Mapping[str, Any]:
        """Start the run of a night."""
        self.results.append(self.start(self.root, self.nights.day(min(number, self.nights.nights))))
        return self.results[-1]

    def run_folder(self, result: Mapping[str, Any] | None = None) -> Path:
        """Of that night; of the newest run by default."""
        found = result or next(each for each in reversed(self.results) if each["run_folder"])
        return self.root / found["run_folder"]

    def superseded(self, night: int) -> set[str]:
        """The numbers that others have replaced by then."""
        return set(self.nights.full("register", night)["identifier"]["value"].to_pylist())

    def state(self) -> Path:
        return self.root / "warehouse" / "state.duckdb"


def trace(council: Council, night: int) -> None:
    """Ask the tracing service about the numbers of the newest run, and read what it would answer that night."""
    truth = council.nights.truth(night)
    own = dict(zip(*(truth[name].to_pylist() for name in ("record_id", "nhs_number")), strict=True))
    project, keys_dir = Project(council.root), council.root.parent / "keys"
    if not keys_dir.exists():
        keys.create(keys_dir, project=council.root)
    run = run_folder.open(council.run_folder())
    now = datetime.combine(council.nights.day(night), time(12), UTC)
    common = {"project": project, "keys_dir": keys_dir, "maker": "ann", "now": now}
    options = {"which": Round.NUMBERS, "whom": frozenset(Why), "postcode": False, "again": False}
    out = council.root.parent / f"request{night}"
    asked = request(run, out, Form(Service.PDS), token=f"NIGHT{night:03d}", **options, **common)
    questions = pq.read_table(project.root / "traces" / "requests" / asked.request_id / "questions.parquet").to_pylist()
    # Whoever has been given another number since is found under that one; a wrong number is nobody's of that birthday.
    answers = []
    for question in questions:
        number, reference = own[question["record_id"]], question["reference"]
        if question["asked"] == number:
            answers.append(answer(reference, "00", number, "1", "100", REQ_NHS_NUMBER=number))
        elif question["asked"] in council.superseded(night):
            answers.append(answer(reference, "90", number, "1", "100", REQ_NHS_NUMBER=question["asked"]))
        else:
            answers.append(answer(reference, "98", REQ_NHS_NUMBER=question["asked"]))
    reply = council.root.parent / f"reply{night}.csv"
    reply.write_bytes(mesh(answers, MESH_TITLES))
    read = read_replies([Source(reply)], run, rules=Rules(), **common)
    assert read.answers == len(questions) > 0


def in_process(root: Path, day: date) -> Mapping[str, Any]:
    project = Project(root)
    outcome = run_night(project, Wanted(day), opening=DEFAULT)
    write_result(project, outcome)
    return json.loads((root / "result.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def by_command(caretrace) -> Callable[[Path, date], Mapping[str, Any]]:
    def start(root: Path, day: date) -> Mapping[str, Any]:
        done = caretrace("run", "--project", root, "--as-at", day.isoformat())
        assert done.returncode in (0, 1), done.stderr
        result = json.loads((root / "result.json").read_text(encoding="utf-8"))
        assert result["exit_code"] == done.returncode
        return result

    return start


FIVE = [pytest.param((5, 2, 4, 150, 900, 0.05, "standard-csv"), id="five")]
THIRTY = [pytest.param((30, 5, 7, 1_000, 8_000, 0.02, form), id=form) for form in ("standard-csv", "carefirst")]
"""Nights, a bad delivery every so many, a full client list every so many, people, share that changes, and the form."""


@pytest.fixture(scope="module", params=THIRTY if "CARETRACE_PROVE" in os.environ else FIVE)
def council(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Council]:
    """A council after all its nights; what each night must have done is asserted on the way."""
    count, bad_every, full_every, clients, register, change, form = request.param
    nights = Nights(clients, register, nights=count, seed=6, pace=Pace(change=change, full_clients=full_every))
    traced = {count // 3, count - 1}
    start = in_process if count == 5 else request.getfixturevalue("by_command")
    council = Council.founded(tmp_path_factory.mktemp("council") / "project", nights, form, start)
    for step in inbox.schedule(nights, bad_every=bad_every):
        for delivery in step.deliveries:
            council.deliver(delivery)
        check(council, step, council.night(step.number))
        if step.number in traced:
            trace(council, step.number)
    yield council


def check(council: Council, step: inbox.Step, result: Mapping[str, Any]) -> None:
    """What became of the night's deliveries; a held one has a reason, and nothing of it stands."""
    became = {(each["side"], each["name"]): each for each in result["deliveries"]}
    awaited = {(d.side, d.name): d.awaited for d in step.deliveries}
    assert {name: became[name]["outcome"] for name in awaited} == awaited, (step.number, result["summary"])
    held = [d for d in step.deliveries if d.awaited == "held"]
    assert (result["status"] == "held") == bool(held), result["summary"]
    with duckdb.connect(str(council.state()), read_only=True) as state:
        for delivery in held:
            assert became[delivery.side, delivery.name]["reason"]
            if not any(d.side == delivery.side and d.awaited == "applied" for d in step.deliveries):
                for table in ("person", "address", "name", "identifier", "service"):
                    asked = f"SELECT count(*) FROM {delivery.side}.{table} WHERE from_run = {result['run'] or -1}"
                    assert state.execute(asked).fetchall() == [(0,)], (step.number, table)


def test_nothing_happens_where_nothing_is_new(council: Council):
    before, runs = council.state().read_bytes(), sorted((council.root / "runs").iterdir())
    result = council.start(council.root, council.nights.day(council.nights.nights))
    assert (result["status"], result["exit_code"], result["run"]) == ("nothing new", 0, None)
    assert council.state().read_bytes() == before
    assert sorted((council.root / "runs").iterdir()) == runs


@pytest.fixture(scope="module")
def full_build(council: Council, tmp_path_factory: pytest.TempPathFactory) -> Council:
    """Another project that has seen nothing but the full extracts of the last day, with the first one's model."""
    built = Council.founded(tmp_path_factory.mktemp("built") / "project", council.nights, council.form, council.start)
    seed_model(council.state(), built, council.nights.day(0))
    last = council.nights.nights
    shutil.copytree(council.root / "traces", built.root / "traces")
    for side in council.nights.sides:
        built.deliver(inbox.Delivery(side, f"{council.nights.day(last)}-full", last, whole=True))
    result = built.night(last)
    assert result["status"] == "done", result["summary"]
    return built


def seed_model(source: Path, built: Council, day: date) -> None:
    """An empty state that knows the model and the frequencies of another, and must make all else itself."""
    from caretrace.run_settings import RunSettings
    from caretrace.warehouse.store import next_state

    with next_state(built.root / "warehouse", RunSettings(as_at=day)) as state:
        connection = state.connection
        connection.execute(f"ATTACH '{source}' AS source (READ_ONLY)")
        connection.execute("CREATE SCHEMA IF NOT EXISTS state.linkage")
        for table in ("basis", *OF_VALUES, *FOR_CLIENTS):
            connection.execute(f"CREATE TABLE state.linkage.{table} AS FROM source.linkage.{table}")
        # As another version of the code would find it: what was made of records counts for nothing.
        connection.execute('UPDATE state.linkage.basis SET facts = json_merge_patch(facts, \'{"code": "another"}\')')
        connection.execute("DETACH source")
        state.commit()


def differing(one: str, other: str) -> int:
    """How many rows stand in one of two relations alone."""
    asked = (
        f"SELECT (SELECT count(*) FROM ({one} EXCEPT ALL {other})) + (SELECT count(*) FROM ({other} EXCEPT ALL {one}))"
    )
    ((rows,),) = duckdb.execute(asked).fetchall()
    return int(rows)


def columns(table: Table, path: Path) -> str:
    names = ", ".join(f'"{name}"' for name in table.names if name not in OF_THIS_RUN)
    return f"SELECT {names} FROM '{path}'"


LINKED = [table for table in SOURCE_TABLES if table.name not in ("SET_ASIDE", "DATA_QUALITY")]


@pytest.mark.parametrize("table", LINKED, ids=lambda table: table.name.lower())
def test_every_table_is_that_of_one_full_build(council: Council, full_build: Council, table: Table):
    file = Path("linked") / f"{table.name.lower()}.parquet"
    one, other = (columns(table, each.run_folder() / file) for each in (council, full_build))
    of_person = "side, person_nhs_number, "
    one, other = (asked.replace("SELECT ", f"SELECT {of_person}", 1) for asked in (one, other))
    assert differing(one, other) == 0


@pytest.mark.parametrize(("table", "file"), [(LINK, "links.parquet"), (CANDIDATE, "candidates.parquet")])
def test_links_are_those_of_one_full_build(council: Council, full_build: Council, table: Table, file: str):
    assert differing(*(columns(table, each.run_folder() / file) for each in (council, full_build))) == 0


def test_issues_are_those_of_one_full_build(council: Council, full_build: Council):
    told = "SELECT side, source, source_org, record_id, \"column\", issue, used FROM '{}/data_quality.parquet'"
    assert differing(*(told.format(each.run_folder()) for each in (council, full_build))) == 0


KEYED = "SELECT side, source, source_org, record_id, person_key FROM '{}/linked/person_key.parquet'"


def test_records_are_of_the_same_people_as_in_one_full_build(council: Council, full_build: Council):
    one, other = (KEYED.format(each.run_folder()) for each in (council, full_build))
    ((records, of_one, of_other, pairs),) = duckdb.execute(f"""
        SELECT count(*), count(DISTINCT a.person_key), count(DISTINCT b.person_key),
               count(DISTINCT (a.person_key, b.person_key))
        FROM ({one}) a FULL JOIN ({other}) b USING (side, source, source_org, record_id)""").fetchall()
    ((unpaired,),) = duckdb.execute(f"""
        SELECT count(*) FROM ({one}) a FULL JOIN ({other}) b USING (side, source, source_org, record_id)
        WHERE a.person_key IS NULL OR b.person_key IS NULL""").fetchall()
    assert unpaired == 0
    assert records > of_one == of_other == pairs > 0


def test_a_person_who_neither_merged_nor_split_keeps_her_key(
    council: Council, record_testsuite_property: Callable[[str, object], None]
):
    """Whoever shared a key in one run and still does in the next, with nobody else, has the same key."""
    runs = [council.run_folder(result) for result in council.results if result["run_folder"]]
    kept = others = 0
    for before, after in itertools.pairwise(runs):
        ((same, changed, regrouped),) = duckdb.execute(f"""
            WITH pair AS (SELECT DISTINCT a.person_key AS was, b.person_key AS now
                          FROM ({KEYED.format(before)}) a
                          JOIN ({KEYED.format(after)}) b USING (side, source, source_org, record_id)),
            told AS (SELECT *, count(*) OVER (PARTITION BY was) = 1 AND count(*) OVER (PARTITION BY now) = 1 AS alone
                     FROM pair)
            SELECT count(*) FILTER (alone AND was = now), count(*) FILTER (alone AND was <> now),
                   count(DISTINCT was) FILTER (NOT alone)
            FROM told""").fetchall()
        assert changed == 0, (before.name, after.name)
        kept, others = kept + same, others + regrouped
    assert kept > 20 * others > 0
    record_testsuite_property(
        "keys", f"{len(runs)} runs, {kept:,} keys kept from one to the next, {others:,} people regrouped"
    )


def test_links_are_right(council: Council, tmp_path: Path, record_testsuite_property: Callable[[str, object], None]):
    """Precision and recall against who is who on the last day; a number traced may be of nobody in the register."""
    last = council.nights.nights
    truth = write_table(council.nights.truth(last), tmp_path / "truth.parquet")
    rows = write_table(council.nights.register_truth(last), tmp_path / "register.parquet")
    right = "l.decision = 'link' AND coalesce(r.person_id = t.person_id, l.nhs_number = t.nhs_number)"
    ((links, correct, found, there),) = duckdb.execute(f"""
        SELECT count(*) FILTER (l.decision = 'link'), count(*) FILTER ({right}),
               count(*) FILTER ({right} AND t.in_register), count(*) FILTER (t.in_register)
        FROM '{council.run_folder()}/links.parquet' l JOIN '{truth}' t USING (record_id)
        LEFT JOIN '{rows}' r ON r.record_id = l.register_record_id""").fetchall()
    record_testsuite_property("precision", correct / links)
    record_testsuite_property("recall", found / there)
    assert correct / links >= 0.99
    assert found / there >= 0.9


def test_answers_of_the_tracing_service_are_folded_in(council: Council):
    ((traced,),) = duckdb.execute(
        f"SELECT count(*) FROM '{council.run_folder()}/links.parquet' WHERE method = 'trace'"
    ).fetchall()
    assert traced > 0


def test_the_schedule_had_every_trap(council: Council):
    outcomes = {each["outcome"] for result in council.results for each in result["deliveries"]}
    assert outcomes >= {"applied", "held", "repeated", "late"}
