"""Whoever reads while a load is under way, or is killed, sees one run or the other: whole, at once, without waiting."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from caretrace.warehouse.publish.postgres import Settings, load

TIMES = 20 if "CARETRACE_PROVE" in os.environ else 3
"""`make prove` kills twenty times, `make test` a few."""
PEOPLE = {"Ada": 3000, "Grace": 2000}

SEEN = """SELECT (SELECT run_id FROM caretrace.loaded), count(*), array_agg(DISTINCT given_name),
    (SELECT count(*) FROM caretrace.person_key), (SELECT count(*) FROM caretrace.link),
    (SELECT count(*) FROM caretrace_analyst.person) FROM caretrace.person"""


@dataclass
class Polled:
    """What a reader saw, and how long it waited at most."""

    seen: set[tuple[Any, ...]] = field(default_factory=set)
    times: int = 0
    slowest: float = 0
    failed: list[str] = field(default_factory=list)


@contextmanager
def polling(database: Any) -> Iterator[Polled]:
    """Read all the while, in another connection."""
    polled, stop = Polled(), threading.Event()

    def poll() -> None:
        try:
            with psycopg.connect(database.conninfo("postgres"), autocommit=True) as reader:
                while not stop.is_set():
                    began = time.monotonic()
                    ((run, people, names, *others),) = reader.execute(SEEN).fetchall()
                    polled.slowest = max(polled.slowest, time.monotonic() - began)
                    polled.seen.add((run, people, *names, *others))
                    polled.times += 1
        except psycopg.Error as error:
            polled.failed.append(str(error))

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield polled
    finally:
        stop.set()
        thread.join()
    assert polled.failed == []


def whole(name: str) -> tuple[Any, ...]:
    clients = PEOPLE[name]
    return (f"id of {name}", clients + 1, name, clients + 1, clients, clients + 1)


@pytest.fixture
def runs(make_run: Any, people: Any) -> dict[str, Path]:
    return {name: make_run(name, people(name, clients)) for name, clients in PEOPLE.items()}


def start(database: Any, run: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "caretrace", "warehouse", "load", str(run), "--target", database.target.conninfo]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=run.parent)


@pytest.mark.prove
def test_killed_in_mid_load_the_run_before_stands_whole(database: Any, runs: dict[str, Path]) -> None:
    load(runs["Ada"], database.target)
    began = time.monotonic()
    assert start(database, runs["Grace"]).wait(60) == 0
    lasts = time.monotonic() - began
    draw, held, killed = random.Random(1815), "Grace", 0  # noqa: S311 - moments, not secrets
    with polling(database) as polled:
        for number in range(TIMES):
            wanted = "Ada" if held == "Grace" else "Grace"
            process = start(database, runs[wanted])
            # Later tries strike where the work with the database is; the first may strike anywhere.
            time.sleep(lasts * (draw.uniform(0.5, 1.05) if number else draw.uniform(0.1, 0.5)))
            process.kill()
            killed += process.wait() != 0
            wait_until_alone(database)
            ((run, people, names, *others),) = database.admin(SEEN)
            assert (run, people, *names, *others) in {whole(held), whole(wanted)}
            held = run.removeprefix("id of ")
        assert killed
        # Nothing that a killed load left is in the way of the next.
        wanted = "Ada" if held == "Grace" else "Grace"
        load(runs[wanted], database.target)
    assert polled.times > TIMES
    assert polled.seen <= {whole("Ada"), whole("Grace")}
    ((run, *_),) = database.admin(SEEN)
    assert run == f"id of {wanted}"


def wait_until_alone(database: Any) -> None:
    """Until the server has noticed that the loader is gone."""
    deadline = time.monotonic() + 30
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'caretrace' AND datname = current_database()"
    )
    while database.admin(query) != [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_reader_in_mid_query_neither_waits_nor_is_waited_for(database: Any, runs: dict[str, Path]) -> None:
    load(runs["Ada"], database.target)
    with psycopg.connect(database.conninfo("postgres")) as reader, polling(database) as polled:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor = reader.cursor("open")
        cursor.execute("SELECT given_name FROM caretrace.person")
        assert cursor.fetchone() == ("Ada",)
        # Everything changes while the query is open, and the load does not wait for it.
        assert load(runs["Grace"], database.target, Settings(lock_seconds=5)).changed
        assert {name for (name,) in cursor.fetchall()} == {"Ada"}
        cursor.close()
        assert reader.execute("SELECT DISTINCT given_name FROM caretrace.person").fetchall() == [("Ada",)]
        reader.commit()
        assert reader.execute("SELECT DISTINCT given_name FROM caretrace.person").fetchall() == [("Grace",)]
    assert polled.seen <= {whole("Ada"), whole("Grace")}
