"""Names, tables, views and sentences: what can be said of them without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from caretrace.warehouse.publish.catalog import ANALYST, views
from caretrace.warehouse.publish.postgres import Settings, Target, setup_sql
from caretrace.warehouse.publish.postgres.declare import MIGRATIONS, columns
from caretrace.warehouse.publish.postgres.server import _FAILURES, failure, private
from caretrace.warehouse.publish.postgres.settings import COARSER
from caretrace.warehouse.publish.postgres.tables import POSTGRES, STORED
from caretrace.warehouse.publish.postgres.views import wanted
from schemas import Type
from schemas.errors import Busy, CaretraceError, SettingsError
from schemas.warehouse import PUBLISHED


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"schema": "Caretrace"}, "small letters"),
        ({"schema": 'x"; DROP'}, "small letters"),
        ({"loader": "pg_loader"}, "not beginning with pg_"),
        ({"analyst_schema": "public"}, "not public"),
        ({"schema": "a" * 64}, "at most 63"),
        ({"schema": "caretrace_analyst"}, "must differ"),
        ({"loader": "caretrace_analyst"}, "two roles"),
        ({"coarser": {"birth_date": "decade"}}, "is not known"),
        ({"coarser": {"postcode": "year"}}, "does not fit"),
        ({"coarser": {"birth_date": "district"}}, "does not fit"),
        ({"lock_seconds": 0}, "from 1 to 86400"),
    ],
)
def test_settings_that_cannot_be(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Settings(**given)


def test_every_published_table_is_stored_with_its_past() -> None:
    names = [stored.name for stored in STORED]
    assert len(set(names)) == len(names)
    for each in PUBLISHED:
        assert each.name in names
        assert (each.name + "_past" in names) == (each.past is not None)
    assert set(POSTGRES) == set(Type)
    for stored in STORED:
        assert (stored.file is None) == (stored.past is not None and stored.by_run is not None)
        if stored.by_run:
            assert stored.by_run in stored.table
        # Names of PostgreSQL end at 63 bytes, and two that were cut could be one.
        called = [f"{stored.name}_{'_'.join(index)}_idx" for index in stored.indexes]
        assert all(len(name) <= 63 for name in [*called, *columns(stored)])
        assert len(set(called)) == len(called)


def test_files_of_the_past_are_those_after_the_floor(tmp_path: Path) -> None:
    past = next(stored for stored in STORED if stored.name == "person_past")
    history = tmp_path / "history"
    (history / "person").mkdir(parents=True)
    for number in (1, 2, 4, 6):
        (history / "person" / f"{number:06d}.parquet").touch()
    run = tmp_path / "run"
    (run / "history").mkdir(parents=True)
    (run / "history" / "person.parquet").touch()

    def named(number: int | None, floor: int, where: Path | None) -> list[str]:
        return [path.name for path in past.files(run, number, where, floor)]

    assert named(4, 1, history) == ["000002.parquet", "000004.parquet"]
    assert named(5, 1, history) == ["000002.parquet", "000004.parquet", "person.parquet"]
    assert named(5, 4, None) == ["person.parquet"]
    assert named(5, 5, history) == []
    assert named(None, 0, history) == []


def test_views_of_analysts_are_the_catalogues() -> None:
    made = {(view.schema, view.name) for view in wanted(Settings())}
    catalogued = {("caretrace_analyst", view.name) for view in views() if view.schema == ANALYST}
    assert catalogued == {key for key in made if key[0] == "caretrace_analyst"} - {("caretrace_analyst", "loaded")}


@pytest.mark.parametrize("how", [*COARSER, "drop"])
def test_every_way_to_make_a_column_coarser_is_in_the_view_and_its_comment(how: str) -> None:
    column = "birth_date" if how in ("year", "month", "drop") else "postcode"
    view = next(v for v in wanted(Settings(coarser={column: how})) if v.quoted == 'caretrace_analyst."person"')
    if how == "drop":
        assert f'"{column}"' not in view.query
    else:
        assert COARSER[how][0].format(f't."{column}"') in view.query
        assert COARSER[how][1] in view.comments


def test_setup_gives_nobody_else_a_right() -> None:
    said = setup_sql(Settings())
    assert said.count("REVOKE ALL ON SCHEMA") == 2
    granted = [line for line in said.splitlines() if "GRANT" in line and not line.startswith("--")]
    assert all("caretrace_loader" in line or "caretrace_analyst" in line for line in granted)
    assert "PUBLIC" not in "".join(granted)


def test_migrations_name_no_schema_but_the_settings() -> None:
    for name, statements in MIGRATIONS:
        assert name
        assert "caretrace." not in statements
        assert "{schema}" in statements


@pytest.mark.parametrize("code", [*(f"{code:0<5}" for code in _FAILURES), None, "XX000"])
def test_every_failure_is_one_sentence(code: str | None) -> None:
    said = failure(code, "laying rows of person")
    assert isinstance(said, CaretraceError)
    assert str(said).startswith("PostgreSQL: laying rows of person: ")
    assert "\n" not in str(said)
    assert isinstance(said, Busy) == (code == "55P03")


@pytest.mark.parametrize(
    ("encrypted", "host", "address", "sslmode", "may"),
    [
        (True, "db.example.internal", "10.0.0.7", None, True),
        (False, "db.example.internal", "10.0.0.7", None, False),
        (False, "db.example.internal", "10.0.0.7", "prefer", False),
        (False, "db.example.internal", "10.0.0.7", "disable", True),
        (False, "db.example.internal", "", None, False),
        (False, "localhost", "127.0.0.1", None, True),
        (False, "localhost", "::1", None, True),
        (False, "/var/run/postgresql", "", None, True),
        (False, "", "", None, True),
    ],
)
def test_names_and_numbers_do_not_cross_a_network_in_plain_text(
    encrypted: bool, host: str, address: str, sslmode: str | None, may: bool
) -> None:
    assert private(encrypted=encrypted, host=host, address=address, sslmode=sslmode) is may


def test_a_target_that_is_none_says_what_one_is() -> None:
    with pytest.raises(SettingsError, match="postgresql://user@host/database"):
        Target("what is this")


def test_without_the_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SettingsError, match=r'pip install "caretrace\[postgres\]"'):
        Target("service=x")
