"""The past of the warehouse goes with the years, and what holds today stays."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from caretrace.project import Project
from caretrace.purge import history, removing
from caretrace.purge.settings import Retention
from caretrace.run_settings import RunSettings
from caretrace.warehouse.publish.refresh import HISTORY
from caretrace.warehouse.store import FILE, next_state, read_state
from caretrace.warehouse.undo import undo
from governance import audit, keys
from governance.audit import upkeep
from schemas.errors import InputError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SETTINGS = RunSettings(as_at=NOW.date())
RUNS = {1: 2010, 2: 2015, 3: 2018, 4: 2024}
"""Number of a run and the year in which it was made."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Record 1 holds and has changed in 2015 and 2024; record 2 is gone since 2018, record 3 since 2024."""
    made = Project(tmp_path / "p")
    made.warehouse.mkdir(parents=True)
    made.settings.write_text(
        '[[source]]\nname = "a"\nside = "clients"\n[[source]]\nname = "b"\nside = "register"\n', encoding="utf-8"
    )
    with next_state(made.warehouse, SETTINGS) as state:
        ask = state.connection.execute
        for run, year in RUNS.items():
            ask("INSERT INTO state.run VALUES (?, ?, ?, 'night', '0', '{}')", [run, date(year, 3, 1), date(year, 3, 1)])
        ask(
            "INSERT INTO state.record VALUES (1,'clients','a','s','o','r1',1,NULL), (2,'clients','a','s','o','r2',1,3),"
            " (3,'clients','a','s','o','r3',1,4)"
        )
        for id_, first, last in ((1, 1, 2), (1, 2, 4), (2, 1, 3), (3, 1, 4)):
            ask(
                "INSERT INTO state.clients_past.person BY NAME SELECT ? AS id, ? AS from_run, ? AS to_run,"
                " ? AS family_name",
                [id_, first, last, f"Wyvernholt{id_}{last}"],
            )
            ask("INSERT INTO state.person_key_past VALUES (?, ?, ?, ?, 'x')", [id_, f"key{id_}", first, last])
        ask("INSERT INTO state.clients.person BY NAME SELECT 1 AS id, 4 AS from_run, 'Wyvernholt1' AS family_name")
        ask("INSERT INTO state.person_key VALUES (1, 'key1', 4)")
        ask("INSERT INTO state.person VALUES ('key1', 1, NULL, NULL), ('key2', 1, 3, NULL), ('key3', 1, 4, NULL)")
        ask("INSERT INTO state.loaded_back VALUES (1, '9990000018', '02', 1), (2, '9990000026', '02', 1)")
        state.commit()
    for run in RUNS:
        for table in ("person", "address"):
            if table == "person" or run == 1:
                path = made.warehouse / HISTORY / table / f"{run:06d}.parquet"
                path.parent.mkdir(parents=True, exist_ok=True)
                duckdb.execute(f"COPY (SELECT 'r' AS record_id, {run} AS to_run) TO '{path}'")
    return made


def ask(project: Project, query: str) -> list[tuple[object, ...]]:
    with read_state(project.warehouse, SETTINGS) as state:
        return state.connection.execute(query).fetchall()


@pytest.mark.parametrize(
    ("years", "cut", "rows"), [(8, 3, 5), (1, 4, 10), (11, 2, 2), (20, 0, 0), ("never", 0, 0), (16, 1, 0)]
)
def test_where_the_past_is_cut(project: Project, years: int, cut: int, rows: int) -> None:
    with read_state(project.warehouse, SETTINGS) as state:
        assert history.cut(state.connection, years, now=NOW) == cut
        assert history.count(state.connection, cut) == rows


@pytest.mark.parametrize(
    ("now", "cut"), [(datetime(2028, 2, 29, tzinfo=UTC), 3), (datetime(2023, 3, 1, tzinfo=UTC), 2)]
)
def test_a_day_that_the_year_does_not_have(project: Project, now: datetime, cut: int) -> None:
    with read_state(project.warehouse, SETTINGS) as state:
        assert history.cut(state.connection, 7, now=now) == cut


def test_what_ended_goes_with_its_records_and_its_bytes(tmp_path: Path, project: Project) -> None:
    secrets = keys.create(tmp_path / "keys", project=project.root)
    assert b"Wyvernholt23" in (project.warehouse / FILE).read_bytes()
    done = removing.purge(project, Retention(), secrets.folder, maker="ann", now=NOW)
    assert (done.past, done.cut) == (5, 3)
    content = (project.warehouse / FILE).read_bytes()
    assert (b"Wyvernholt23" in content, b"Wyvernholt12" in content, b"Wyvernholt34" in content) == (False, False, True)
    assert ask(project, "SELECT id FROM state.record ORDER BY 1") == [(1,), (3,)]
    assert ask(project, "SELECT person_key FROM state.person ORDER BY 1") == [("key1",), ("key3",)]
    assert ask(project, "SELECT id, to_run FROM state.clients_past.person ORDER BY 1") == [(1, 4), (3, 4)]
    assert ask(project, "SELECT id FROM state.loaded_back") == [(1,)]
    files = sorted(path.relative_to(project.warehouse).as_posix() for path in project.warehouse.rglob("*.parquet"))
    assert files == ["history/address/000001.parquet", "history/person/000004.parquet"]
    assert duckdb.execute(f"FROM '{project.warehouse / files[0]}'").fetchall() == []
    [row] = upkeep.rows(audit.verify(project.audit, keys_dir=secrets.folder).entries)
    assert (row["state"], row["about"]) == ("ended", "5 rows that ended by run 3: ")
    assert removing.purge(project, Retention(), secrets.folder, maker="ann", now=NOW).nothing


def test_no_undo_goes_back_behind_it(tmp_path: Path, project: Project) -> None:
    secrets = keys.create(tmp_path / "keys", project=project.root)
    removing.purge(project, Retention(), secrets.folder, maker="ann", now=NOW)
    with next_state(project.warehouse, SETTINGS) as state:
        with pytest.raises(InputError, match="before run 3 was purged"):
            undo(state, to_run=2)
        assert undo(state, to_run=3).runs == (4,)
