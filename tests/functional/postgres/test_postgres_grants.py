"""Analysts see no identifier, whichever way they try; every try is made by a connection of theirs."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from caretrace.warehouse.publish.postgres import Settings, load
from schemas import TABLES, Identifies
from schemas.errors import Refused
from schemas.warehouse import PUBLISHED

DIRECT = {
    column.name
    for table in (*TABLES.values(), *(each.table for each in PUBLISHED))
    for column in table.columns
    if column.identifies in (Identifies.DIRECT, Identifies.FREE_TEXT)
} | {"row_id", "analyst_key"}


@pytest.fixture(scope="module")
def loaded(kept: Any, make_run: Any, people: Any) -> Any:
    rows = people("Zebedee")
    ended = rows["person"][0] | {"to_run": 1, "valid_to": None, "family_name": "Zymurgy"}
    load(make_run("one", rows | {"person_past": [ended]}, number=1), kept.target)
    # What the planner keeps of the values must not be readable either.
    kept.admin("ANALYZE")
    return kept


def columns(database: Any, schema: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = (
        database.admin(f"""SELECT relname, attname FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid
        WHERE relnamespace = '{schema}'::regnamespace AND relkind IN ('r', 'v') AND attnum > 0 AND NOT attisdropped""")
    )
    return found


def test_no_table_and_no_column_with_identifiers_can_be_read(loaded: Any) -> None:
    tried = columns(loaded, "caretrace")
    assert len({table for table, _ in tried}) > len(PUBLISHED)
    with loaded.connect("analyst_anna") as anna:
        for table, column in tried:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                anna.execute(f'SELECT "{column}" FROM caretrace."{table}"')
        for statement in ("TABLE caretrace.person", "DELETE FROM caretrace.person", "COPY caretrace.person TO STDOUT"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                anna.execute(statement)


def test_views_hold_no_identifying_column_and_no_identifying_value(loaded: Any) -> None:
    shown = columns(loaded, "caretrace_analyst")
    assert {name for _, name in shown} & DIRECT == {"person_key"}
    hidden = [
        "Zebedee",
        "Lovelace",
        "Zymurgy",
        "client-0",
        "register-0",
        "event-1",
        "1 Test Street",
        "9ZZ",
        "1950-03-14",
    ]
    hidden += [f"{0:032x}", "9990000000", "99900000"]
    hidden += [
        str(value)
        for (value,) in loaded.admin("SELECT row_id FROM caretrace.person UNION ALL SELECT row_id FROM caretrace.link")
    ]
    with loaded.connect("analyst_anna") as anna:
        seen = ""
        for view in sorted({table for table, _ in shown}):
            rows = anna.execute(f'SELECT v::text FROM caretrace_analyst."{view}" v').fetchall()
            seen += "\n".join(row[0] for row in rows)
        assert [value for value in hidden if value in seen] == []
        # The test can fail: these are there, coarser.
        assert "1950-01-01" in seen
        assert "ZZ1" in seen
        assert "Home Support" in seen
        assert anna.execute("SELECT run FROM caretrace_analyst.loaded").fetchall() == [(1,)]


def test_choices_of_people_are_not_for_analysts(loaded: Any) -> None:
    views = {table for table, _ in columns(loaded, "caretrace_analyst")}
    assert not views & {"opt_out", "objection", "trace", "opt_out_history", "candidate"}
    assert {"person", "person_history", "service", "link"} < views


@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE caretrace_loader",
        "CREATE TABLE caretrace_analyst.mine (a int)",
        "CREATE TABLE caretrace.mine (a int)",
        "CREATE OR REPLACE VIEW caretrace_analyst.person AS SELECT 1",
        "GRANT SELECT ON ALL TABLES IN SCHEMA caretrace TO analyst_anna",
        "UPDATE caretrace_analyst.person SET gender = 'x'",
    ],
)
def test_what_analysts_may_not_do(loaded: Any, statement: str) -> None:
    with loaded.connect("analyst_anna") as anna, pytest.raises(psycopg.Error) as caught:
        anna.execute(statement)
    assert caught.value.sqlstate in {"42501", "0A000", "55000"}


def test_what_the_planner_keeps_of_values_is_not_readable(loaded: Any) -> None:
    assert loaded.admin("SELECT count(*) FROM pg_stats WHERE schemaname = 'caretrace'")[0][0] > 0
    with loaded.connect("analyst_anna") as anna:
        assert anna.execute("SELECT tablename FROM pg_stats WHERE schemaname LIKE 'caretrace%'").fetchall() == []


def test_strangers_see_not_even_the_views(loaded: Any) -> None:
    with loaded.connect("stranger") as stranger:
        for table in ("caretrace.person", "caretrace_analyst.person", "caretrace_analyst.loaded"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                stranger.execute(f"SELECT * FROM {table}".encode())


def test_the_staging_area_is_the_loaders_alone(loaded: Any) -> None:
    with loaded.connect("nightly") as loader, loaded.connect("analyst_anna") as anna:
        loader.execute("SET ROLE caretrace_loader; CREATE TEMP TABLE fresh_person (family_name text)")
        ((schema,),) = loader.execute("SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()").fetchall()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            anna.execute(f"SELECT * FROM {schema}.fresh_person".encode())


@pytest.mark.parametrize(
    ("grant", "reason"),
    [
        ("GRANT SELECT ON caretrace.person TO PUBLIC", "rights on caretrace.person"),
        ("GRANT SELECT (family_name) ON caretrace.person TO caretrace_analyst", "rights on caretrace.person"),
        ("GRANT caretrace_loader TO caretrace_analyst", "member of caretrace_loader"),
        ("GRANT USAGE ON SCHEMA caretrace TO PUBLIC", "may use the schema caretrace"),
        ("GRANT CREATE ON SCHEMA caretrace_analyst TO caretrace_analyst", "may make things"),
        ("GRANT pg_read_all_data TO caretrace_analyst", "rights on caretrace.person"),
        ("ALTER ROLE caretrace_analyst SUPERUSER", "is a superuser"),
    ],
)
def test_a_load_is_refused_while_analysts_could_see_who_people_are(
    loaded: Any, make_run: Any, people: Any, grant: str, reason: str
) -> None:
    undo = grant.replace("GRANT", "REVOKE").replace(" TO ", " FROM ").replace(" SUPERUSER", " NOSUPERUSER")
    loaded.admin(grant)
    try:
        with pytest.raises(Refused, match=reason):
            load(make_run("two", people("Grace"), number=2), loaded.target)
    finally:
        loaded.admin(undo)
    assert loaded.admin("SELECT DISTINCT given_name FROM caretrace.person") == [("Zebedee",)]


def test_names_of_schemas_and_roles_are_settings(bare: Any, make_run: Any, people: Any) -> None:
    from caretrace.warehouse.publish.postgres import setup_sql

    settings = Settings(schema="held", analyst_schema="shown", loader="hold_er", analyst="look_er", coarser={})
    try:
        bare.admin(setup_sql(settings))
        bare.admin(setup_sql(settings))
        bare.admin("GRANT hold_er TO nightly; GRANT look_er TO analyst_anna")
        load(make_run("one", people()), bare.target, settings)
        with bare.connect("analyst_anna") as anna:
            ((born,),) = anna.execute(
                "SELECT DISTINCT birth_date FROM shown.person WHERE birth_date IS NOT NULL"
            ).fetchall()
            assert str(born) == "1950-03-14"
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                anna.execute("SELECT * FROM held.person")
    finally:
        bare.admin("DROP OWNED BY hold_er, look_er; DROP ROLE hold_er, look_er")
