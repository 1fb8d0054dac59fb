"""Where a load cannot be made, one sentence says why, and neither a password nor a value stands in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from caretrace.cli.app import app
from caretrace.warehouse.publish.postgres import Settings, Target, load, setup_sql
from schemas.errors import SettingsError

SECRET = "hunter2-and-more"  # noqa: S105 - to see that it is shown nowhere


def sentence(run: Path, target: Target, settings: Settings | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        load(run, target, settings)
    said = str(caught.value)
    assert "\n" not in said
    assert SECRET not in said
    return said


@pytest.fixture
def run(make_run: Any, people: Any) -> Path:
    made: Path = make_run("one", people())
    return made


def test_the_server_is_not_there(run: Path) -> None:
    assert "no server answers there" in sentence(run, Target("host=127.0.0.1 port=1 dbname=x user=x"))


def test_the_password(database: Any, run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PGPASSWORD", SECRET)
    assert "the password is wrong" in sentence(run, database.target)
    monkeypatch.delenv("PGPASSWORD")
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))
    assert "asks for a password" in sentence(run, database.target)
    held = Target(database.conninfo("nightly"), password_variable="WAREHOUSE_PASSWORD")  # noqa: S106 - its name
    assert "WAREHOUSE_PASSWORD is to hold" in sentence(run, held)
    monkeypatch.setenv("WAREHOUSE_PASSWORD", "not-a-secret")
    assert load(run, held).changed


def test_a_service_file_names_the_database(
    database: Any, run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "services"
    lines = [f"{key}={value}" for key, value in {**database.info, "user": "nightly"}.items()]
    file.write_text("\n".join(["[warehouse]", *lines, ""]), encoding="utf-8")
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    assert load(run, Target("service=warehouse")).changed
    assert "service is not in" in sentence(run, Target("service=other"))


@pytest.mark.parametrize("conninfo", [f"postgresql://u:{SECRET}@h/d", f"host=h password={SECRET}", f"host='{SECRET}"])
def test_a_password_is_not_taken_from_the_target(conninfo: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Target(conninfo)
    assert SECRET not in str(caught.value)


def test_there_is_no_such_database(database: Any, run: Path) -> None:
    target = Target(psycopg.conninfo.make_conninfo(database.conninfo("nightly"), dbname="none"))
    assert "no such database or user" in sentence(run, target)


def test_roles_and_schemas_an_administrator_must_make(bare: Any, run: Path) -> None:
    strange = Settings(loader="nobody_loads", analyst="nobody_reads")
    assert "no role nobody_loads and no role nobody_reads" in sentence(run, bare.target, strange)
    assert "the user stranger may not load" in sentence(run, Target(bare.conninfo("stranger")))
    assert "a right is missing" in sentence(run, bare.target)
    bare.admin("CREATE SCHEMA caretrace")
    assert "belongs to postgres and not to caretrace_loader" in sentence(run, bare.target)
    bare.admin("DROP SCHEMA caretrace")
    bare.admin(setup_sql(Settings()))
    assert load(run, bare.target).changed


def test_a_lock_that_somebody_holds(database: Any, make_run: Any, people: Any, run: Path) -> None:
    load(run, database.target)
    with database.connect("nightly") as other, other.transaction():
        other.execute("SET ROLE caretrace_loader; LOCK TABLE caretrace.person IN SHARE MODE")
        with pytest.raises(Exception, match="holds a lock for longer"):
            load(make_run("two", people("Grace")), database.target, Settings(lock_seconds=2))
    assert database.admin("SELECT DISTINCT given_name FROM caretrace.person") == [("Ada",)]


def test_a_database_that_is_not_utf8_or_is_read_only(
    server: Any, run: Path, monkeypatch: pytest.MonkeyPatch, database: Any
) -> None:
    database.admin("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    try:
        target = Target(psycopg.conninfo.make_conninfo(database.conninfo("nightly"), dbname="latin"))
        assert "not in UTF8" in sentence(run, target)
    finally:
        database.admin("DROP DATABASE latin WITH (FORCE)")
    with monkeypatch.context() as patch:
        patch.setenv("PGOPTIONS", "-c default_transaction_read_only=on")
        assert "read-only" in sentence(run, database.target)


def test_the_command(
    database: Any, make_run: Any, people: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def caretrace(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["warehouse", *map(str, arguments)])

    monkeypatch.chdir(tmp_path)
    run = make_run("one", people())
    done = caretrace("load", run, "--target", database.target.conninfo)
    assert done.exit_code == 0, done.exception
    assert "loaded run id of one: 9 rows" in done.output
    again = caretrace("load", run, "--target", database.target.conninfo)
    assert "holds run id of one already: 9 rows, nothing changed" in again.output
    refused = caretrace("load", run, "--target", f"postgresql://u:{SECRET}@h/d")
    assert "holds a password" in str(refused.exception)
    assert SECRET not in refused.output
    assert "no database is given: give --target" in str(caretrace("load", run).exception)
    assert "CREATE ROLE caretrace_analyst NOLOGIN" in caretrace("setup").output
