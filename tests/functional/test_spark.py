"""The Spark engine on a real local Spark: the same links as DuckDB, row for row."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import linkage
from caretrace import pipeline, working_store
from caretrace.api import as_source
from caretrace.run_settings import RunSettings
from caretrace.synthetic import make
from linkage.spark import SparkEngine, SparkSettings
from linkage.spark.session import session
from schemas import CANDIDATE, LINK
from schemas.errors import CaretraceError, SettingsError

pytest.importorskip("pyspark", reason="the Spark engine needs the extra `spark`")
if shutil.which("java") is None:
    pytest.skip("the Spark engine needs Java 17 or newer, which is not on the PATH", allow_module_level=True)

# A short-lived program is not worth compiling well.
QUICK = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
# Somebody ruled out the first three whose numbers agree, and took two strangers for one person.
DECIDED_EARLIER = """
    CREATE TABLE verdict AS
    WITH pairs AS (
        SELECT p.source, p.source_org, p.record_id, q.source AS register_source, q.source_org AS register_source_org,
               q.record_id AS register_record_id, q.nhs_number, p.nhs_number = q.nhs_number AS agree
        FROM clients.person p, register.person q
        WHERE p.nhs_number = q.nhs_number OR (p.rowid = 700 AND q.rowid = 7000)
    )
    SELECT * EXCLUDE (agree), CASE WHEN agree THEN 'different' ELSE 'same' END AS verdict, 'A N Other' AS decided_by,
           TIMESTAMP '2026-11-01 12:00:00' AS decided_at
    FROM pairs QUALIFY row_number() OVER (PARTITION BY agree ORDER BY record_id, register_record_id) <= 3"""
_PIPELINE = RunSettings(as_at=date(2026, 11, 22), seed=5, threads=2)


@dataclass(frozen=True)
class Linked:
    facts: linkage.LinkFacts
    links: pa.Table
    candidates: pa.Table
    tables: list[str]
    """What is left in the store."""


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One session for the module: starting one takes many seconds."""
    folder = tmp_path_factory.mktemp("spark")
    with session("local[2]", QUICK, folder, folder / "spark.log") as running:
        yield running


def with_skew(table: pa.Table, rows: dict[int, dict[str, str | None]]) -> pa.Table:
    people = table.to_pylist()
    for place, changed in rows.items():
        people[place] |= changed
    return pa.Table.from_pylist(people, table.schema)


def hostel(number: int) -> dict[str, str | None]:
    """One of many who share a birth date, a house and a family name, and have no number."""
    given = ("Ali", "Omar", "Sara", "Musa", "Leila", "Noor")[number % 6]
    return {
        "nhs_number": None,
        "given_name": given,
        "family_name": "Rahman",
        "birth_date": "1990-01-01",
        "address_line_1": "1 Hostel Road",
        "postcode": "BR1 1AA",
    }


@pytest.fixture(scope="module")
def lists() -> tuple[pa.Table, pa.Table]:
    """2,000 clients and 20,000 register rows: households, people at two practices, a hostel on both lists."""
    made = make(2_000, 20_000, seed=17)
    clients = with_skew(made.clients, {place: hostel(place) for place in range(120)})
    register = with_skew(made.register, {place: hostel(place) for place in range(300)})
    # 700 more of one birth date and given name: a key with too many register rows.
    twins = {place: {"given_name": "Grace", "birth_date": "1984-05-06"} for place in range(1_000, 1_700)}
    return with_skew(clients, {200: twins[1_000], 201: twins[1_000]}), with_skew(register, twins)


def link(lists: tuple[pa.Table, pa.Table], folder: Path, engine: linkage.engine.Engine | None) -> Linked:
    clients, register = (as_source(table, name=name) for table, name in zip(lists, ("c", "r"), strict=True))
    with working_store.opened(folder, _PIPELINE) as connection:
        pipeline.read(connection, {"clients": (clients,), "register": (register,)}, _PIPELINE)
        connection.execute(DECIDED_EARLIER)
        facts = linkage.link(connection, seed=5, run_id="run", engine=engine)
        return Linked(
            facts,
            *(
                connection.sql(f"FROM {table.name} ORDER BY {', '.join(table.key)}").to_arrow_table()
                for table in (LINK, CANDIDATE)
            ),
            sorted(name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()),
        )


@pytest.fixture(scope="module")
def by_duckdb(lists: tuple[pa.Table, pa.Table], tmp_path_factory: pytest.TempPathFactory) -> Linked:
    return link(lists, tmp_path_factory.mktemp("duckdb"), None)


@pytest.fixture(scope="module")
def engine(spark: Any) -> SparkEngine:
    """Tasks so small that there are many, and that the hostel's keys must be split."""
    return SparkEngine(
        SparkSettings.parse(None, ["spark.caretrace.pairsPerTask=40000", "spark.caretrace.rowsPerTask=20000"])
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("a run [1] of 100%25 é")


@pytest.fixture(scope="module")
def by_spark(lists: tuple[pa.Table, pa.Table], engine: SparkEngine, folder: Path) -> Linked:
    return link(lists, folder, engine)


def test_the_links_are_the_same_row_for_row(by_spark: Linked, by_duckdb: Linked) -> None:
    assert by_duckdb.links.num_rows == 2_000
    assert by_spark.links.drop_columns("run_id").equals(by_duckdb.links.drop_columns("run_id"))


def test_what_people_decided_is_honoured(by_spark: Linked) -> None:
    assert by_spark.links["method"].to_pylist().count("review") == 1


def test_the_candidates_are_the_same_row_for_row(by_spark: Linked, by_duckdb: Linked) -> None:
    assert by_duckdb.candidates.num_rows > 2_000
    assert by_spark.candidates.equals(by_duckdb.candidates)


def test_model_and_bands_are_the_same(by_spark: Linked, by_duckdb: Linked) -> None:
    assert (by_spark.facts.model, by_spark.facts.bands) == (by_duckdb.facts.model, by_duckdb.facts.bands)
    assert (by_spark.facts.engine, by_duckdb.facts.engine) == ("spark", "duckdb")


def test_keys_that_are_too_large_are_left_out_and_counted_alike(by_spark: Linked, by_duckdb: Linked) -> None:
    assert by_spark.facts.blocking == by_duckdb.facts.blocking
    rules = {rule.name: rule for rule in by_spark.facts.blocking}
    assert rules["birth date, given name"].oversized_keys == 1


def test_work_is_spread_and_a_large_key_is_split(by_spark: Linked, engine: SparkEngine) -> None:
    first, rest = engine.plans
    assert min(first.buckets, rest.buckets, rest.client_buckets) > 1
    assert rest.split_keys > 0
    assert 0 < by_spark.facts.pairs < first.pairs + rest.pairs


def test_nothing_is_left_behind(by_spark: Linked, by_duckdb: Linked, folder: Path) -> None:
    assert by_spark.tables == by_duckdb.tables
    assert [path.name for path in folder.iterdir() if path.name != "spill"] == []


def test_a_running_session_keeps_its_settings(spark: Any, by_spark: Linked) -> None:
    assert spark.conf.get("spark.sql.adaptive.enabled") == "true"
    with pytest.raises(SettingsError, match="running already"), session("local[1]", {}, Path(), Path("log")):
        pass


def test_what_fails_on_an_executor_is_one_sentence_without_values(spark: Any, folder: Path) -> None:
    def break_(table: pa.Table) -> pa.Table:
        raise ValueError("Featherstonehaugh")

    with pytest.raises(CaretraceError) as told, session(None, {}, folder, folder / "log") as inner:
        inner.range(1).groupBy("id").applyInArrow(break_, "id long").collect()
    assert "Spark stopped before the work was done" in str(told.value)
    assert "Featherstonehaugh" not in str(told.value)
    assert "\n" not in str(told.value)


Command = Callable[..., subprocess.CompletedProcess[str]]
SAME = ("links.parquet", "candidates.parquet", "load_back.csv")


def test_the_command_writes_the_same_files(
    spark: Any, caretrace: Command, people: Path, run_folder: Path, tmp_path: Path
) -> None:
    """In the session that runs; `make prove` starts the command, and it one of its own."""
    out = tmp_path / "run"
    lists = (people / "clients", people / "register.csv", "--as-at", "2026-11-22")
    done = caretrace("link", *lists, "--out", out, "--engine", "spark")
    assert (done.returncode, done.stderr) == (0, "")
    assert spark.sparkContext.statusTracker() is not None
    assert json.loads((out / "manifest.json").read_text("utf-8"))["linkage"]["engine"] == "spark"
    for file in SAME:
        assert (out / file).read_bytes() == (run_folder / file).read_bytes()


def test_a_night_is_linked_anew(spark: Any, caretrace: Command, tmp_path: Path) -> None:
    made = make(60, 600, seed=17)
    assert caretrace("init", tmp_path / "project").returncode == 0
    for side, table in (("clients", made.clients), ("register", made.register)):
        pq.write_table(table, tmp_path / "project" / "in" / side / "1.parquet")
    options = ("--project", tmp_path / "project", "--as-at", "2026-11-22")
    assert caretrace("run", *options).returncode == 0
    done = caretrace("run", *options, "--again", "--engine", "spark")
    assert (done.returncode, done.stderr) == (0, "")
    first, again = (tmp_path / "project" / "runs" / run for run in ("0001", "0002"))
    assert json.loads((again / "manifest.json").read_text("utf-8"))["linkage"]["engine"] == "spark"
    links = [
        pq.read_table(run / "links.parquet").select(["record_id", "decision", "nhs_number"]) for run in (first, again)
    ]
    assert links[0].sort_by("record_id") == links[1].sort_by("record_id")
    assert "linked 0 of" not in done.stdout


@pytest.mark.prove
@pytest.mark.long
def test_the_command_starts_spark_and_ends_it(started: Command, people: Path, run_folder: Path, tmp_path: Path) -> None:
    out, spark = tmp_path / "a run [1] of 100%25 é", ("--engine", "spark", "--spark-master", "local[1]")
    quick = [part for name, value in QUICK.items() for part in ("--spark-conf", f"{name}={value}")]
    lists = (people / "clients", people / "register.csv", "--as-at", "2026-11-22")
    done = started("link", *lists, "--out", out, *spark, *quick)
    assert (done.returncode, done.stderr) == (0, "")
    for file in SAME:
        assert (out / file).read_bytes() == (run_folder / file).read_bytes()
