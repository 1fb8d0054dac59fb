"""The state file: replaced whole, or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from threading import Event
from typing import Any

import duckdb
import pytest

from caretrace.run_settings import RunSettings
from caretrace.warehouse import migrations, store, tables
from caretrace.warehouse.store import next_state, read_state
from governance import at_rest
from schemas.errors import Busy, InputError, SettingsError

SETTINGS = RunSettings(as_at=date(2026, 11, 22), memory="1GB", threads=1)


def commit(folder: Path, rows: int = 1) -> None:
    with next_state(folder, SETTINGS) as state:
        state.connection.execute("INSERT INTO state.run (run, kind) VALUES (?, 'night')", [state.run])
        state.connection.execute(f"INSERT INTO state.meta SELECT 'row', i FROM range({rows}) r(i)")
        state.commit()


def runs(folder: Path) -> int:
    with read_state(folder, SETTINGS) as state:
        return state.run


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_commit_leaves_one_file(tmp_path: Path) -> None:
    folder = tmp_path / "warehouse"
    for number in (1, 2):
        commit(folder, rows=50_000)
        assert runs(folder) == number
        assert names(folder) == {store.FILE, store.LOCK}
    if os.name != "nt":
        assert (folder / store.FILE).stat().st_mode & 0o077 == 0


def test_without_a_commit_nothing_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "warehouse"
    commit(folder)
    before = (folder / store.FILE).read_bytes()
    with pytest.raises(RuntimeError), next_state(folder, SETTINGS) as state:
        state.connection.execute("DELETE FROM state.run")
        raise RuntimeError
    assert (folder / store.FILE).read_bytes() == before
    assert names(folder) == {store.FILE, store.LOCK}


def test_what_a_run_writes_is_written_once(tmp_path: Path) -> None:
    """Whoever dies leaves a copy that nobody reads, so no log is kept to recover it from."""
    with next_state(tmp_path, SETTINGS) as state:
        state.connection.execute("INSERT INTO state.meta SELECT 'row', i FROM range(50_000) r(i)")
        assert not list(tmp_path.glob("*.wal"))
        state.commit()
    assert names(tmp_path) == {store.FILE, store.LOCK}


def test_what_cannot_be_written_back_yet_is_written_at_the_end(tmp_path: Path) -> None:
    with next_state(tmp_path, SETTINGS) as state:
        state.connection.execute("INSERT INTO state.run (run, kind) VALUES (7, 'night')")
        with state.connection.cursor() as writing, state.connection.cursor() as second:
            writing.execute("BEGIN; UPDATE state.run SET kind = 'full'; INSERT INTO state.meta VALUES ('late', 'row')")
            state.write_back(second)
            writing.execute("COMMIT")
            state.write_back(second)
        state.connection.execute("INSERT INTO state.meta VALUES ('later', 'row')")
        state.commit()
    with read_state(tmp_path, SETTINGS) as state:
        assert state.run == 7
        late = "SELECT name FROM state.meta WHERE name LIKE 'late%' ORDER BY 1"
        assert state.connection.execute(late).fetchall() == [("late",), ("later",)]


def test_other_work_is_done_while_the_copy_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(tmp_path)
    begun, ended, real = Event(), Event(), at_rest.take_plain

    def held(path: Path, to: Path) -> None:
        begun.set()
        assert ended.wait(60)
        real(path, to)

    def meanwhile() -> None:
        assert begun.wait(60)
        ended.set()

    monkeypatch.setattr(at_rest, "take_plain", held)
    with next_state(tmp_path, SETTINGS, meanwhile=meanwhile) as state:
        assert state.run == 2


def test_what_fails_while_the_copy_is_made_leaves_the_old_state(tmp_path: Path) -> None:
    commit(tmp_path)
    with pytest.raises(ZeroDivisionError), next_state(tmp_path, SETTINGS, meanwhile=lambda: 1 // 0):
        pass
    assert runs(tmp_path) == 1
    assert names(tmp_path) == {store.FILE, store.LOCK}


def test_the_connection_is_closed_when_the_block_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    with next_state(tmp_path, SETTINGS) as state:
        state.connection.execute("INSERT INTO state.run (run, kind) VALUES (?, 'night')", [state.run])
        real = state.connection

        class Slow:
            """A connection that takes its time to close."""

            def __getattr__(self, name: str) -> Any:
                return getattr(real, name)

            def close(self) -> None:
                time.sleep(0.3)
                real.close()
                closed.append(True)

        monkeypatch.setattr(state, "connection", Slow())
        state.commit()
        assert not closed
    assert closed
    assert runs(tmp_path) == 1


@pytest.mark.skipif(os.name == "nt", reason="there the copy is written to the disk with the rest")
def test_what_the_disk_refused_of_the_copy_is_no_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(tmp_path)
    real, told = os.fsync, []

    def faulty(file: int) -> None:
        if not told:
            told.append(file)
            raise OSError(errno.EIO, "Input/output error")
        real(file)

    monkeypatch.setattr(os, "fsync", faulty)
    with pytest.raises(OSError, match="Input/output"):
        commit(tmp_path)
    assert len(told) == 1
    assert runs(tmp_path) == 1
    assert names(tmp_path) == {store.FILE, store.LOCK}


_DIE = """
import os, sys
from datetime import date
from pathlib import Path
from caretrace.run_settings import RunSettings
from caretrace.warehouse import store
from caretrace.warehouse.store import next_state

where = sys.argv[2]
if where != "at work":
    real = getattr(store, where)
    setattr(store, where, lambda *given: (real(*given), os._exit(9)))
with next_state(Path(sys.argv[1]), RunSettings(as_at=date(2026, 11, 22), memory="1GB", threads=1)) as state:
    state.connection.execute("INSERT INTO state.run (run, kind) VALUES (?, 'night')", [state.run])
    state.connection.execute("INSERT INTO state.meta SELECT 'row', i FROM range(300000) r(i)")
    if where == "at work":
        os._exit(9)
    state.commit()
"""


@pytest.mark.parametrize(
    ("where", "after"), [("at work", 1), ("close", 1), ("_replace", 2)], ids=["at work", "before it", "after it"]
)
def test_killed_at_any_moment_the_old_state_or_the_new_one_stands(tmp_path: Path, where: str, after: int) -> None:
    folder = tmp_path / "warehouse"
    commit(folder)
    died = subprocess.run([sys.executable, "-c", _DIE, str(folder), where], check=False, timeout=120)
    assert died.returncode == 9
    assert runs(folder) == after
    commit(folder)  # and what was left is removed
    assert runs(folder) == after + 1
    assert names(folder) == {store.FILE, store.LOCK}


def test_one_at_a_time(tmp_path: Path) -> None:
    with next_state(tmp_path, SETTINGS), pytest.raises(Busy), next_state(tmp_path, SETTINGS):
        pass


def test_readers_see_the_old_state_while_a_run_is_at_work(tmp_path: Path) -> None:
    commit(tmp_path)
    with next_state(tmp_path, SETTINGS) as state:
        state.connection.execute("DELETE FROM state.run")
        assert runs(tmp_path) == 1


def test_there_is_none_yet(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no warehouse yet"), read_state(tmp_path, SETTINGS):
        pass


@pytest.mark.parametrize("content", [b"", b"not a database", b"x" * 20_000])
def test_a_file_that_is_no_state(tmp_path: Path, content: bytes) -> None:
    (tmp_path / store.FILE).write_bytes(content)
    for way in (read_state, next_state):
        with pytest.raises(InputError, match="restore it from a backup"), way(tmp_path, SETTINGS):
            pass
    assert (tmp_path / store.FILE).read_bytes() == content


def altered(folder: Path, *statements: str) -> None:
    with duckdb.connect(str(folder / store.FILE)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_state_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    commit(tmp_path)
    altered(tmp_path, f"UPDATE meta SET value = '{migrations.FORMAT + 1}' WHERE name = 'format'")
    for way in (read_state, next_state):
        with pytest.raises(SettingsError, match="newer caretrace"), way(tmp_path, SETTINGS):
            pass


def test_an_older_format_goes_up_step_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(tmp_path)
    steps: dict[int, Any] = {
        migrations.FORMAT: lambda connection: connection.execute("ALTER TABLE state.run ADD COLUMN note VARCHAR"),
        migrations.FORMAT + 1: lambda connection: connection.execute("UPDATE state.run SET note = 'done'"),
    }
    newest = migrations.FORMAT + 2
    monkeypatch.setattr(migrations, "FORMAT", newest)
    monkeypatch.setattr(migrations, "STEPS", steps)
    with next_state(tmp_path, SETTINGS) as state:
        assert state.connection.execute("SELECT note FROM state.run").fetchall() == [("done",)]
        state.commit()
    with read_state(tmp_path, SETTINGS) as state:
        query = "SELECT value FROM state.meta WHERE name = 'format'"
        assert state.connection.execute(query).fetchall() == [(str(newest),)]


@pytest.mark.parametrize("linked", [True, False])
def test_a_state_of_format_3_gets_tables_for_late_keys(tmp_path: Path, linked: bool) -> None:
    commit(tmp_path)
    made = ["CREATE SCHEMA linkage", "CREATE TABLE linkage.register_key (rule UTINYINT, key UBIGINT, id BIGINT)"]
    back = ("UPDATE meta SET value = '3' WHERE name = 'format'", "DROP TABLE also_told")
    altered(tmp_path, *back, *(made if linked else []))
    with next_state(tmp_path, SETTINGS) as state:
        found = state.connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'state' AND schema_name = 'linkage'"
            " ORDER BY table_name"
        ).fetchall()
    assert [name for (name,) in found] == (
        ["register_key", "register_key_late", "register_key_moved"] if linked else []
    )


def test_a_state_of_format_1_is_brought_up(tmp_path: Path) -> None:
    commit(tmp_path)
    sides = [f"{side}{past}.data_quality" for side in tables.SIDES for past in ("", "_past")]
    altered(
        tmp_path,
        "UPDATE meta SET value = '1' WHERE name = 'format'",
        *(f"ALTER TABLE {table} DROP COLUMN {tables.ORIGIN}" for table in sides),
        "DROP TABLE kept_out",
        "DROP TABLE also_told",
    )
    with next_state(tmp_path, SETTINGS) as state:
        for table in sides:
            assert state.connection.execute(f"SELECT {tables.ORIGIN} FROM state.{table}").fetchall() == []
        assert state.connection.execute("SELECT hash FROM state.kept_out").fetchall() == []
        assert state.connection.execute("FROM state.also_told").fetchall() == []


def test_columns_declared_since_are_added_and_contents_hashed_anew(tmp_path: Path) -> None:
    commit(tmp_path)
    altered(
        tmp_path,
        "INSERT INTO clients.person (id, content, record_id, family_name) VALUES (1, 7, 'a', 'Webb')",
        "ALTER TABLE clients.person DROP COLUMN email",
        "ALTER TABLE link DROP COLUMN decided_at",
    )
    with next_state(tmp_path, SETTINGS) as state:
        person = next(table for table in tables.KEPT if table.name == "PERSON")
        query = f"SELECT email, content = {tables.content(person)} FROM state.clients.person"
        assert state.connection.execute(query).fetchall() == [(None, True)]
        assert state.connection.execute("SELECT decided_at FROM state.link").fetchall() == []


def test_contents_are_hashed_anew_where_the_hash_is_another(tmp_path: Path) -> None:
    commit(tmp_path)
    altered(
        tmp_path,
        "INSERT INTO register_past.address (id, content, record_id, postcode) VALUES (1, 7, 'a', 'AB1 1CD')",
        "UPDATE meta SET value = 'duckdb 1.0.0' WHERE name = 'hash'",
    )
    with next_state(tmp_path, SETTINGS) as state:
        address = next(table for table in tables.KEPT if table.name == "ADDRESS")
        query = f"SELECT content = {tables.content(address)} FROM state.register_past.address"
        assert state.connection.execute(query).fetchall() == [(True,)]


def test_texts_that_every_night_looks_through_are_kept_as_they_are(tmp_path: Path) -> None:
    with next_state(tmp_path, SETTINGS) as state:
        key = "md5(CAST(i AS VARCHAR))"
        state.connection.execute(f"INSERT INTO state.person_key SELECT i, {key}, 1 FROM range(50000) r(i)")
        state.connection.execute(
            f"INSERT INTO state.clients.person (record_id, nhs_number)"
            f" SELECT {key}, 9000000000 + i FROM range(50000) r(i)"
        )
        state.commit()
    with read_state(tmp_path, SETTINGS) as state:
        for table, column, plain in (
            ("person_key", "person_key", True),
            ("clients.person", "nhs_number", True),
            ("clients.person", "record_id", False),
        ):
            [(found,)] = state.connection.execute(
                f"SELECT bool_and(compression = 'Uncompressed') FROM pragma_storage_info('state.{table}')"
                f" WHERE column_name = '{column}' AND segment_type = 'VARCHAR'"
            ).fetchall()
            assert found is plain
