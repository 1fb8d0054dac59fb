"""Linking takes the memory that lists of this size need, and more where that is not enough for once; short lists are
shared out among threads."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from caretrace import pipeline, working_store
from caretrace.run_settings import RunSettings
from caretrace.synthetic import make
from connectors import Source

PEOPLE = make(120, 800, seed=3)
HALF = "current_setting('memory_limit')"


def about(size: float) -> Any:
    """A size as DuckDB tells it, rounded."""
    return pytest.approx(size, rel=0.05)


class Watched:
    """A progress that notes how much the store may hold when each stage begins."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.allowed: list[tuple[str, int]] = []

    def stage(self, name: str, total: int | None = None) -> Any:
        ((allowed,),) = self.connection.execute(f"SELECT parse_formatted_bytes({HALF})").fetchall()
        self.allowed.append((name, allowed))
        return pipeline.SILENT.stage(name, total)


def linked(folder: Path, **settings: Any) -> tuple[list[Any], list[tuple[str, int]], int, int]:
    """The links, what was allowed at each stage, and what was allowed before and after."""
    chosen = RunSettings(as_at=date(2026, 11, 22), **settings)
    with working_store.opened(folder, chosen) as connection:
        ((before,),) = connection.execute(f"SELECT parse_formatted_bytes({HALF})").fetchall()
        progress = Watched(connection)
        pipeline.link(connection, Source(PEOPLE.clients), [Source(PEOPLE.register)], chosen, progress=progress)
        ((after,),) = connection.execute(f"SELECT parse_formatted_bytes({HALF})").fetchall()
        links = connection.execute("SELECT record_id, decision, nhs_number, weight FROM link ORDER BY 1").fetchall()
    return links, progress.allowed, before, after


@pytest.fixture(scope="module")
def as_ever(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return linked(tmp_path_factory.mktemp("as_ever"))


def test_linking_takes_what_it_needs_and_gives_back_the_limit(as_ever: Any) -> None:
    _, allowed, before, after = as_ever
    linking = dict(allowed)["Linking"]
    assert linking == about(working_store._ENOUGH + 920 * working_store._ENOUGH_A_RECORD)
    assert linking < before
    assert after == about(before)


def test_what_somebody_said_holds(tmp_path: Path) -> None:
    _, allowed, before, after = linked(tmp_path, memory="3GB")
    assert {limit for _, limit in allowed} == {before} == {after}
    assert before == about(3e9)


@pytest.mark.parametrize("enough", [1, 40_000_000])  # less than the store holds already; less than linking needs
def test_too_little_for_once_is_tried_again_with_what_the_machine_allows(
    enough: int, as_ever: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, *_ = as_ever
    monkeypatch.setattr(working_store, "_ENOUGH", enough)
    monkeypatch.setattr(working_store, "_ENOUGH_A_RECORD", 0)
    again, allowed, before, after = linked(tmp_path)
    assert again == usual
    assert after == about(before)
    assert [limit for name, limit in allowed if name == "Linking"][-1] == about(before)


def test_a_run_short_of_memory_writes_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a first try to write has left is not taken for the second's."""
    settings = RunSettings(as_at=date(2026, 11, 22))

    def written(name: str) -> dict[str, str]:
        run = pipeline.run(tmp_path / name, Source(PEOPLE.clients), [Source(PEOPLE.register)], settings)
        return {name: facts for name, facts in run.manifest["outputs"].items() if name.endswith("parquet")}

    tried: list[int] = []
    write = pipeline.write

    def short_of_memory(connection: Any, linked: Any, folder: Path, *given: Any, **named: Any) -> Any:
        tried.append(len(list(folder.iterdir())))
        found = write(connection, linked, folder, *given, **named)
        if len(tried) == 1:
            raise duckdb.OutOfMemoryException("Out of Memory Error: failed to allocate")
        return found

    usual = written("usual")
    monkeypatch.setattr(pipeline, "write", short_of_memory)
    assert written("again") == usual
    assert len(tried) == 2
    assert tried[0] == tried[1]


class Meeting:
    """A function for SQL that counts the threads which run it; the first ones wait until enough have come."""

    def __init__(self, awaited: int) -> None:
        self.door = threading.Barrier(awaited)
        self.threads: set[int] = set()

    def __call__(self, values: Any) -> Any:
        if threading.get_ident() not in self.threads:
            self.threads.add(threading.get_ident())
            self.door.wait(timeout=60)
        return values


@pytest.mark.parametrize(("short", "threads"), [(working_store._SHORT, 2), (5_999, 1)], ids=["short", "long"])
def test_a_query_over_short_lists_is_shared_out(
    short: int, threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one thread did all the work, nobody would come to the meeting of two, and it would be broken off."""
    monkeypatch.setattr(working_store, "_SHORT", short)
    meeting = Meeting(threads)
    with working_store.opened(tmp_path, RunSettings(as_at=date(2026, 11, 22), threads=2)) as connection:
        for side, people in (("clients", 5_000), ("register", 1_000)):
            connection.execute(f"CREATE SCHEMA {side}")
            connection.execute(f"CREATE TABLE {side}.person AS SELECT n FROM range({people}) AS people(n)")
        working_store.share_out(connection)
        connection.create_function("met", meeting, ["BIGINT"], "BIGINT", type="arrow")
        assert connection.execute("SELECT sum(met(n)) FROM clients.person").fetchall() == [(sum(range(5_000)),)]
    assert len(meeting.threads) == threads


def test_what_a_run_links_is_shared_out(tmp_path: Path) -> None:
    meeting = Meeting(2)

    class Asking(Watched):
        def stage(self, name: str, total: int | None = None) -> Any:
            if name == "Linking":
                self.connection.create_function("met", meeting, ["BIGINT"], "BIGINT", type="arrow")
                self.connection.execute("CREATE TABLE many AS SELECT n FROM range(5_000) AS people(n)")
                self.connection.execute("SELECT sum(met(n)) FROM many").fetchall()
            return super().stage(name, total)

    settings = RunSettings(as_at=date(2026, 11, 22), threads=2)
    with working_store.opened(tmp_path, settings) as connection:
        lists = Source(PEOPLE.clients), [Source(PEOPLE.register)]
        pipeline.link(connection, *lists, settings, progress=Asking(connection))
    assert len(meeting.threads) == 2
