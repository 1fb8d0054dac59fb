"""What a load puts into PostgreSQL: every row and value as it was, only what changed, and nothing by halves."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from caretrace.warehouse.publish.postgres import Settings, load
from caretrace.warehouse.publish.postgres.tables import STORED
from schemas.errors import Busy, InputError, IntegrityFailure, SettingsError

ODD_TEXTS = [
    "tab\there",
    "line\nfeed",
    "carriage\rreturn",
    'quo"te',
    "back\\slash",
    "\\.",
    "\\N",
    "",
    " ",
    ",",
    "NULL",
    "ünïcode 漢字 🙂",
    "'; DROP",
    "\r\n\\.\r\n",
]


def test_every_value_arrives_as_it_was(database: Any, make_run: Any) -> None:
    person = [
        {
            "source": "s",
            "source_org": "o",
            "record_id": str(n),
            "side": "client",
            "person_key": f"{n:032x}",
            "family_name": text,
        }
        for n, text in enumerate(ODD_TEXTS)
    ]
    person.append({"source": "s", "source_org": "o", "record_id": "null", "side": "client"})
    person[0] |= {"birth_date": date(1899, 12, 31), "restricted": True, "test_record": False, "extract_record": 2**62}
    levels = [("given name", "same"), ('odd "key"', "x\ty")]
    link = {"source": "s", "source_org": "o", "record_id": "0", "decision": "link", "levels": levels}
    link |= {"weight": 0.1 + 0.2, "probability": 1e-300, "decided_at": datetime(2026, 11, 22, 1, 2, 3, 456789, UTC)}
    candidate = {
        "source": "s",
        "source_org": "o",
        "record_id": "0",
        "rank": 1,
        "bits": [("given name", -3.25), ("dob", 1e-9)],
    }
    run = make_run("one", {"person": person, "link": [link], "candidate": [candidate]})
    done = load(run, database.target)
    assert done.changed
    assert done.added == done.rows == len(person) + 2
    held = dict(database.admin("SELECT record_id, family_name FROM caretrace.person"))
    assert held == {row["record_id"]: row.get("family_name") for row in person}
    ((born, restricted, test, record),) = database.admin(
        "SELECT birth_date, restricted, test_record, extract_record FROM caretrace.person WHERE record_id = '0'"
    )
    assert (born, restricted, test, record) == (date(1899, 12, 31), True, False, 2**62)
    ((*numbers, decided, read),) = database.admin("SELECT weight, probability, decided_at, levels FROM caretrace.link")
    assert (numbers, decided, read) == ([0.1 + 0.2, 1e-300], link["decided_at"].replace(tzinfo=None), dict(levels))
    assert database.admin("SELECT bits FROM caretrace.candidate") == [({"given name": -3.25, "dob": 1e-9},)]


def test_equal_rows_of_a_table_without_a_key_all_stand(database: Any, make_run: Any, people: Any) -> None:
    rows = people()
    rows["service"] *= 3
    load(make_run("one", rows), database.target)
    assert database.admin("SELECT count(*) FROM caretrace.service") == [(3,)]
    rows["service"] = rows["service"][:2]
    assert load(make_run("two", rows), database.target).removed == 1
    assert database.admin("SELECT count(*) FROM caretrace.service") == [(2,)]


def test_the_same_run_again_changes_nothing(database: Any, make_run: Any, people: Any) -> None:
    run = make_run("one", people())
    load(run, database.target)
    state = """SELECT (SELECT array_agg(xmin::text ORDER BY record_id) FROM caretrace.person),
        (SELECT loaded_at FROM caretrace.loaded), (SELECT count(*) FROM caretrace.load_log)"""
    before = database.admin(state)
    again = load(run, database.target)
    assert (again.changed, again.added, again.removed) == (False, 0, 0)
    assert database.admin(state) == before


def test_a_later_run_touches_only_rows_that_changed(database: Any, make_run: Any, people: Any) -> None:
    rows = people(clients=5)
    load(make_run("one", rows), database.target)
    before = dict(database.admin("SELECT record_id, xmin::text FROM caretrace.person"))
    rows["person"][1] |= {"family_name": "Byron"}
    del rows["person"][2]
    done = load(make_run("two", rows), database.target)
    assert (done.tables["person"].fresh, done.tables["person"].gone, done.added, done.removed) == (1, 2, 1, 2)
    after = dict(database.admin("SELECT record_id, xmin::text FROM caretrace.person"))
    assert {name for name in after if after[name] != before[name]} == {"client-1"}
    assert database.admin("SELECT run_id FROM caretrace.loaded") == [("id of two",)]


def test_analysts_know_a_person_by_the_same_key_on_later_nights(database: Any, make_run: Any, people: Any) -> None:
    rows = people()
    load(make_run("one", rows), database.target)
    query = "SELECT person_key FROM caretrace_analyst.person WHERE side = 'client' ORDER BY person_key"
    before = database.admin(query)
    rows["person"][0] |= {"family_name": "Byron"}
    load(make_run("two", rows), database.target, whole=True)
    assert database.admin(query) == before
    assert len(set(before)) == 2
    # One person: her register row, her service and her link, which holds no key of its own.
    joined = """SELECT count(*) FROM caretrace_analyst.person JOIN caretrace_analyst.service USING (person_key)
        JOIN caretrace_analyst.link USING (person_key)"""
    assert database.admin(joined) == [(2,)]


def test_what_ended_is_kept_and_shown_with_what_holds(
    database: Any, make_run: Any, people: Any, tmp_path: Path
) -> None:
    rows = people()
    load(make_run("one", rows, number=1), database.target)
    moved = rows["person"][0] | {"to_run": 2, "valid_to": date(2026, 11, 23), "why": "changed"}
    rows["person"][0] = rows["person"][0] | {"postcode": "ZZ2 8YY"}
    second = make_run("two", rows | {"person_past": [moved]}, number=2)
    done = load(second, database.target)
    assert done.tables["person_past"].fresh == 1
    seen = (
        "SELECT postcode, to_run FROM caretrace.person_history WHERE record_id = 'client-0' ORDER BY to_run NULLS LAST"
    )
    assert database.admin(seen) == [("ZZ1 9ZZ", 2), ("ZZ2 8YY", None)]
    assert load(second, database.target).changed is False
    # Run 4 without run 3: what ended in 3 is asked for, and comes from the project.
    fourth = make_run("four", rows, number=4)
    with pytest.raises(InputError, match="runs from 3 to 3"):
        load(fourth, database.target)
    third = make_run("three", rows | {"person_past": [moved | {"to_run": 3}]}, number=3)
    kept = tmp_path / "history" / "person"
    kept.mkdir(parents=True)
    (third / "history" / "person.parquet").rename(kept / "000003.parquet")
    done = load(fourth, database.target, history=tmp_path / "history")
    assert (done.tables["person_past"].rows, done.tables["person_past"].fresh) == (2, 1)
    # Back to run 2, knowingly: what ended later is no longer past.
    assert load(second, database.target, history=tmp_path / "history", older=True).tables["person_past"].rows == 1


@pytest.mark.parametrize("numbers", [(None, None), (7, 6)], ids=["by time", "by number"])
def test_an_older_run_is_refused_unless_asked_for(
    database: Any, make_run: Any, people: Any, tmp_path: Path, numbers: tuple[int | None, int | None]
) -> None:
    newer = make_run("newer", people(), created="2026-11-22T02:00:00+00:00", number=numbers[0])
    older = make_run("older", people("Grace"), created="2026-11-21T02:00:00+00:00", number=numbers[1])
    load(newer, database.target, history=tmp_path)
    with pytest.raises(InputError, match=r"holds a later run.*--older"):
        load(older, database.target, history=tmp_path)
    assert database.admin("SELECT DISTINCT given_name FROM caretrace.person") == [("Ada",)]
    load(older, database.target, history=tmp_path, older=True)
    assert database.admin("SELECT DISTINCT given_name FROM caretrace.person") == [("Grace",)]


def test_a_nul_character_is_refused_by_column_and_nothing_changes(database: Any, make_run: Any, people: Any) -> None:
    load(make_run("one", people()), database.target)
    rows = people("Grace")
    rows["person"][1]["family_name"] = "Hop\0per"
    with pytest.raises(InputError, match="column family_name of person holds a NUL") as caught:
        load(make_run("two", rows), database.target)
    assert "Hop" not in str(caught.value)
    assert database.admin("SELECT DISTINCT given_name FROM caretrace.person") == [("Ada",)]


def test_a_run_altered_since_it_was_written_is_not_loaded(database: Any, make_run: Any, people: Any) -> None:
    run = make_run("one", people())
    (run / "links.parquet").write_bytes(b"x")
    with pytest.raises(IntegrityFailure, match=r"links\.parquet"):
        load(run, database.target)


def test_what_somebody_did_to_the_rows_is_put_right_or_noticed(database: Any, make_run: Any, people: Any) -> None:
    run = make_run("one", people())
    load(run, database.target)
    database.admin("DELETE FROM caretrace.person WHERE record_id = 'client-0'")
    database.admin("UPDATE caretrace.person SET row_id = gen_random_uuid() WHERE record_id = 'client-1'")
    done = load(run, database.target)
    assert (done.added, done.removed) == (2, 1)
    # A row that claims to be another one is seen by the count.
    database.admin("""INSERT INTO caretrace.person (row_id, source, source_org, record_id, side)
        SELECT row_id, 'forged', source_org, record_id, side FROM caretrace.person LIMIT 1""")
    with pytest.raises(IntegrityFailure, match=r"would hold 4 rows and the run has 3.*--whole"):
        load(run, database.target)
    assert load(run, database.target, whole=True).changed
    assert database.admin("SELECT count(*), count(*) FILTER (WHERE source = 'forged') FROM caretrace.person") == [
        (3, 0)
    ]


def test_every_table_and_column_says_what_it_means_and_has_its_key(database: Any, make_run: Any, people: Any) -> None:
    load(make_run("one", people()), database.target)
    silent = database.admin("""SELECT n.nspname, c.relname, a.attname
        FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
        WHERE nspname = 'caretrace_analyst' AND relname <> 'loaded' AND col_description(c.oid, attnum) IS NULL
        OR nspname LIKE 'caretrace%' AND relkind IN ('r', 'v') AND obj_description(c.oid) IS NULL""")
    assert silent == []
    keyless = database.admin("""SELECT relname FROM pg_class c
        WHERE relnamespace = 'caretrace'::regnamespace AND relkind = 'r'
        AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary)""")
    assert keyless == []
    tables = {name for (name,) in database.admin("SELECT tablename FROM pg_tables WHERE schemaname = 'caretrace'")}
    assert {stored.name for stored in STORED} < tables


def test_a_database_of_another_version_is_brought_up_or_refused(database: Any, make_run: Any, people: Any) -> None:
    run = make_run("one", people())
    load(run, database.target)
    database.admin("""SET ROLE caretrace_loader;
        DROP VIEW caretrace_analyst.person, caretrace_analyst.person_history, caretrace.person_history;
        ALTER TABLE caretrace.person DROP COLUMN gender; ALTER TABLE caretrace.person ADD COLUMN old_column text""")
    # The rows are as they were before that column: an older version had made other ids of them.
    database.admin("UPDATE caretrace.person SET row_id = gen_random_uuid()")
    assert load(run, database.target).tables["person"].fresh == 3
    columns = "SELECT attname FROM pg_attribute WHERE attrelid = 'caretrace.person'::regclass AND NOT attisdropped"
    assert ("gender",) in database.admin(columns)
    assert ("old_column",) not in database.admin(columns)
    database.admin("""DROP VIEW caretrace_analyst.service, caretrace_analyst.service_history, caretrace.service_history;
        ALTER TABLE caretrace.service ALTER COLUMN provider TYPE varchar(9)""")
    with pytest.raises(SettingsError, match="provider is of another type"):
        load(run, database.target)
    database.admin("INSERT INTO caretrace.migration (number, name, caretrace_version) VALUES (99, 'x', '9')")
    with pytest.raises(SettingsError, match="later version of caretrace"):
        load(run, database.target)


def test_views_that_analysts_built_stay_over_loads_and_say_so_where_they_are_in_the_way(
    database: Any, make_run: Any, people: Any
) -> None:
    load(make_run("one", people()), database.target)
    database.admin(
        "CREATE SCHEMA theirs; CREATE VIEW theirs.districts AS SELECT postcode FROM caretrace_analyst.person"
    )
    coarser = Settings(coarser={"postcode": "area"})
    load(make_run("two", people("Grace")), database.target, coarser)
    assert ("ZZ",) in database.admin("SELECT postcode FROM theirs.districts")
    with pytest.raises(SettingsError, match="somebody's view or table stands on"):
        load(make_run("three", people("Ada")), database.target, Settings(coarser={"postcode": "drop"}))
    assert database.admin("SELECT DISTINCT given_name FROM caretrace.person") == [("Grace",)]


def test_a_second_loader_is_told_to_wait(database: Any, make_run: Any, people: Any) -> None:
    with database.connect("nightly") as first:
        first.execute("SELECT pg_advisory_lock(hashtextextended('caretrace load caretrace', 0))")
        with pytest.raises(Busy, match="another load into caretrace is under way"):
            load(make_run("one", people()), database.target, Settings(lock_seconds=1))
    assert load(make_run("two", people()), database.target).changed
