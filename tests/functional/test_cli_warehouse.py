"""A council over two nights: every command that works on a run works on the second, then the warehouse's own."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from caretrace import run_folder
from caretrace.cli.app import app
from caretrace.nightly.night import Wanted
from caretrace.nightly.run import run as run_night
from caretrace.project import find
from caretrace.run_folder import Run
from caretrace.synthetic import inbox
from caretrace.synthetic.nights import Nights, Pace
from caretrace.trace.opening import quoted
from caretrace.version import __version__
from connectors.files.opening import DEFAULT
from schemas.errors import CaretraceError, InputError
from schemas.warehouse import PUBLISHED

PERIOD = ("--period", "2026-07-01", "2026-09-30")


@dataclass(frozen=True)
class Council:
    """A project after its nights."""

    root: Path
    run: Run
    nights: Nights
    """Of which the third has not come yet."""

    def ask(self, *arguments: str | Path) -> str:
        """What a command prints; what it raises is raised."""
        done = CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=True)
        if isinstance(done.exception, CaretraceError):
            raise done.exception
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    def person(self) -> str:
        """Id of a linked client."""
        links = pq.read_table(self.run.path / "links.parquet").to_pylist()
        return next(str(row["record_id"]) for row in links if row["decision"] == "link")


def night(root: Path, nights: Nights, number: int) -> Run:
    """What arrives on a night, and its run."""
    [step] = [step for step in inbox.schedule(nights, bad_every=9) if step.number == number]
    for delivery in step.deliveries:
        inbox.write(nights, delivery, root / "in" / delivery.side / delivery.name, "standard-csv")
    done = run_night(find(root, here=root), Wanted(nights.day(number)), opening=DEFAULT)
    assert done.run
    return run_folder.open(root / "runs" / f"{done.run:04d}", verify=True, whole=False)


@pytest.fixture(scope="module")
def council(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Council]:
    nights = Nights(150, 1_200, nights=2, seed=3, pace=Pace(change=0.1))
    root = tmp_path_factory.mktemp("council") / "project"
    for side in nights.sides:
        (root / "in" / side).mkdir(parents=True)
    (root / "caretrace.toml").write_text(inbox.SETTINGS, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARETRACE_KEYS", str(root.parent / "keys"))
        for number in (0, 1):
            run = night(root, nights, number)
        council = Council(root, run, nights)
        council.ask("keys", "new", "--project", root)
        yield council


@pytest.mark.parametrize(
    ("command", "written"),
    [
        (["review", "export", "{run}", "--reader", "AB", "--out", "{out}"], "*"),
        (["trace", "request", "{run}", "--out", "{out}", "--project", "{root}"], "*"),
        (["load-back", "{run}", "--out", "{out}", "--project", "{root}"], "load-back-*.csv"),
        (
            [
                "cld",
                "write",
                "--run",
                "{run}",
                *PERIOD,
                "--la-code",
                "123",
                "--out",
                "{out}/s.csv",
                "--project",
                "{root}",
            ],
            "s.csv",
        ),
        (
            [
                "export",
                "fhir",
                "{run}",
                "--out",
                "{out}/p.ndjson",
                "--purpose",
                "care",
                "--to",
                "us",
                "--project",
                "{root}",
            ],
            "p.ndjson",
        ),
        (["evaluate", "{run}", "--out", "{out}/e"], "e/evaluation.html"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_the_folder_of_a_night_is_a_run_like_any_other(
    council: Council, tmp_path: Path, command: list[str], written: str
) -> None:
    places = {"run": council.run.path, "root": council.root, "out": tmp_path / "out"}
    if "{out}/" in " ".join(command):
        (tmp_path / "out").mkdir()
    council.ask(*(each.format(**places) for each in command))
    assert list((tmp_path / "out").glob(written))


def test_a_client_is_explained(council: Council) -> None:
    assert "decision: link" in council.ask("explain", council.run.path, council.person(), "--values")


def test_a_night_is_released_under_an_agreement(council: Council, tmp_path: Path) -> None:
    from governance import agreement, example, release

    today = datetime.now(UTC).date()
    keys = pq.read_table(council.run.path / "linked" / "person_key.parquet").to_pylist()
    numbers = [row["nhs_number"] for row in keys if row["nhs_number"]]
    path = example.write(tmp_path / "agreement", numbers, today=today)
    planned = release.plan(
        council.run.path,
        agreement.load(path),
        project=council.root,
        keys_dir=council.root.parent / "keys",
        today=today,
    )
    # So small a council has too many people who stand out; nothing else is said against it.
    assert [reason for reason in planned.reasons if not reason.startswith("R36")] == []
    assert planned.people > 0


def test_list_says_what_each_night_did(council: Council) -> None:
    rows = json.loads(council.ask("warehouse", "list", "--project", council.root, "--json"))
    assert [row["run"] for row in rows] == list(range(1, len(rows) + 1))
    assert rows[0]["kind"] == "full"
    assert rows[0]["changes"]["new link"] == rows[0]["linked"]
    said = council.ask("warehouse", "list", "--project", council.root)
    assert f"run {len(rows)} (night)" in said


def test_a_night_adds_up_over_all_its_tables(council: Council) -> None:
    with duckdb.connect(str(council.root / "warehouse" / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute("USE identifiable")

        def one(sql: str) -> Any:
            [(value,)] = connection.execute(sql).fetchall()
            return value

        run = council.run.manifest["warehouse"]["run"]
        assert council.run.manifest["warehouse"]["faults"] == []
        assert one("SELECT count(*) FROM delivery WHERE records <> used + rejected + excluded") == 0
        assert one("SELECT count(*) FROM link") == one("SELECT count(*) FROM person WHERE side = 'client'")
        assert one("SELECT count(*) FROM person ANTI JOIN person_key USING (side, source, source_org, record_id)") == 0
        before = one(f"SELECT client_records FROM run WHERE run = {run - 1}")
        new = one(f"SELECT count(*) FROM link_change WHERE run = {run} AND decision_before IS NULL")
        gone = one(f"SELECT count(*) FROM link_change WHERE run = {run} AND change = 'gone'")
        assert before + new - gone == one(f"SELECT client_records FROM run WHERE run = {run}")
        assert (
            one("SELECT count(DISTINCT version) FROM run") == 1 and one("SELECT max(version) FROM run") == __version__
        )


def test_views_are_written_where_they_are_asked_for(council: Council, tmp_path: Path) -> None:
    out = tmp_path / "elsewhere" / "views.duckdb"
    assert str(out) in council.ask("warehouse", "views", "--project", council.root, "--out", out)
    with duckdb.connect(str(out), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM analyst.person").fetchall()[0][0] > 1_000


def test_views_of_a_moved_project(council: Council, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(council.root, moved)
    council.ask("warehouse", "views", "--project", moved)
    with duckdb.connect(str(moved / "warehouse" / "warehouse.duckdb"), read_only=True) as connection:
        sql = "SELECT count(*) FROM duckdb_views() WHERE NOT internal AND NOT contains(sql, " + quoted("moved") + ")"
        assert connection.execute(sql).fetchall() == [(0,)]


def test_a_night_without_tables_and_its_tables_afterwards(council: Council, tmp_path: Path) -> None:
    root = tmp_path / "weekly"
    shutil.copytree(council.root, root)
    (root / "caretrace.toml").write_text('[outputs]\ntables = "weekly"\n' + inbox.SETTINGS, encoding="utf-8")
    light = Council(root, night(root, council.nights, 2), council.nights)
    assert not (light.run.path / "linked").exists()
    assert light.run.manifest["warehouse"]["tables_in"] == 2
    with pytest.raises(InputError, match="take the run 0002"):
        light.ask("load-back", light.run.path, "--out", tmp_path / "out", "--project", root)
    assert "0003 (tables of run 2)" in light.ask("warehouse", "list", "--project", root)
    assert "0003-tables" in light.ask("warehouse", "tables", "--project", root)
    light.ask("load-back", root / "runs" / "0003-tables", "--out", tmp_path / "out", "--project", root)
    with duckdb.connect(str(root / "warehouse" / "warehouse.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT run FROM about").fetchall() == [(3,)]


def test_dbt_sources(council: Council, tmp_path: Path) -> None:
    council.ask("warehouse", "dbt", "--out", tmp_path / "sources.yml", "--for", "postgres", "--analyst", "on")
    text = (tmp_path / "sources.yml").read_text(encoding="utf-8")
    assert 'schema: "on"' in text
    assert "identifiable" not in text


def test_what_is_refused(council: Council, tmp_path: Path, refused: Callable[..., None]) -> None:
    refused("warehouse", "views", "--project", tmp_path, said="holds no run with tables yet")
    plain = tmp_path / "plain"
    shutil.copytree(council.run.path, plain)
    (plain / "links.parquet").unlink()
    refused("warehouse", "views", "--project", council.root, "--run", plain, said="not a whole run")


@pytest.fixture
def refused(council: Council) -> Callable[..., None]:
    def ask(*arguments: str | Path, said: str) -> None:
        with pytest.raises(InputError, match=said):
            council.ask(*arguments)

    return ask


def test_a_day_passes_between_the_nights(council: Council) -> None:
    with duckdb.connect(str(council.root / "warehouse" / "warehouse.duckdb"), read_only=True) as connection:
        days = connection.execute("SELECT as_at FROM identifiable.run ORDER BY run").fetchall()
    assert days[1][0] - days[0][0] == timedelta(days=1)


@pytest.mark.prove
@pytest.mark.long
def test_spark_reads_what_a_night_wrote(council: Council, tmp_path: Path) -> None:
    """Every table as declared, and a question over several of them answered as DuckDB answers it."""
    pytest.importorskip("pyspark", reason="reading with Spark needs the extra `spark`")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java 17 or newer, which is not on the PATH")
    from linkage.spark.session import session

    question = """SELECT l.decision, count(*) AS records, count(DISTINCT p.person_key) AS people
        FROM link l JOIN person p ON p.side = 'client' AND p.source = l.source AND p.source_org = l.source_org
            AND p.record_id = l.record_id GROUP BY l.decision ORDER BY l.decision"""
    conf = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
    with session("local[2]", conf, tmp_path, tmp_path / "log") as spark:
        for each in PUBLISHED:
            if each.file:
                read = spark.read.parquet(str(council.run.path / each.file))
                assert tuple(read.columns) == each.table.names
                assert read.count() == pq.read_metadata(council.run.path / each.file).num_rows
                read.createOrReplaceTempView(each.name)
        past = spark.read.parquet(str(council.root / "warehouse" / "history" / "person"))
        assert past.where("to_run = 2").count() > 0
        found = [tuple(row) for row in spark.sql(question).collect()]
    with duckdb.connect(str(council.root / "warehouse" / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute("USE identifiable")
        assert found == connection.execute(question).fetchall()
