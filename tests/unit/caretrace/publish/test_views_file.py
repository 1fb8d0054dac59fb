"""warehouse.duckdb: described, free of identifiers where analysts look, replaced under its readers' eyes."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from caretrace.project import Project
from caretrace.warehouse.publish import refresh, views_file
from caretrace.warehouse.publish.catalog import ANALYST, HISTORY, IDENTIFIABLE, views
from schemas.errors import InputError
from schemas.table import Identifies
from schemas.warehouse import PUBLISHED


def read(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture
def file(nights: Any) -> Path:
    return Path(nights.root / "warehouse" / "warehouse.duckdb")


def test_every_view_and_column_is_there_and_described(file: Path) -> None:
    found = read(file, "SELECT schema_name, table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal")
    described = {(schema, table, column): comment for schema, table, column, comment in found if table != "about"}
    wanted = {(view.schema, view.name, column.name) for view in views() for column in view.columns}
    assert set(described) == wanted
    assert all(described.values())
    comments = read(file, "SELECT comment FROM duckdb_views() WHERE NOT internal AND view_name <> 'about'")
    assert all(comment for (comment,) in comments)
    assert read(file, "FROM about") == [(3, date(2026, 11, 3), 1)]


def test_analysts_see_no_direct_identifiers(file: Path) -> None:
    identifying = {
        (each.name, column.name)
        for each in PUBLISHED
        for table in (each.table, each.past)
        if table
        for column in table.columns
        if column.identifies in (Identifies.DIRECT, Identifies.FREE_TEXT) and column.name != "person_key"
    }
    seen = {
        (view.name.removesuffix(HISTORY), column.name)
        for view in views()
        if view.schema == ANALYST
        for column in view.columns
    }
    assert not identifying & seen
    assert {"opt_out", "objection", "trace", "candidate"}.isdisjoint(name for name, _ in seen)
    for view in views():
        if view.schema == ANALYST:
            held = str(read(file, f"FROM {ANALYST}.{view.name}"))
            assert not [value for value in ("Warsame", "9000000009", "9000000017", "High Street") if value in held]


def test_analysts_join_on_the_key(file: Path) -> None:
    """Three of the clients who have a service are linked, told apart without any identifier."""
    found = read(
        file,
        """SELECT l.decision, count(DISTINCT s.person_key) FROM analyst.link l JOIN analyst.service s USING (person_key)
        GROUP BY 1""",
    )
    assert found == [("link", 2)]


def test_a_later_run_does_not_show_in_the_views_of_an_earlier(nights: Any, tmp_path: Path) -> None:
    path = views_file.write(tmp_path / "second.duckdb", nights.nights[1].path, nights.root / "warehouse" / "history", 2)
    assert read(path, "SELECT max(run) FROM identifiable.link_change") == [(2,)]
    assert read(path, "SELECT count(*) FROM identifiable.person_history WHERE to_run IS NOT NULL") == [(2,)]
    assert read(path, "SELECT count(*) FROM identifiable.run") == [(2,)]


def test_files_are_named_in_full(nights: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gives the project as `council` finds every view, `about` too, from any other folder."""
    monkeypatch.chdir(nights.root.parent)
    root = Path(nights.root.name)
    run = root / nights.nights[2].path.relative_to(nights.root)
    path = views_file.write(tmp_path / "named.duckdb", run, root / "warehouse" / "history", 3)
    monkeypatch.chdir(tmp_path)
    assert read(path, "FROM about") == [(3, date(2026, 11, 3), 1)]
    assert read(path, "SELECT count(*) FROM identifiable.run") == [(3,)]


def test_readers_keep_what_they_have_open(nights: Any, tmp_path: Path) -> None:
    """On POSIX the name passes to the new file at once; the reader goes on with the one it opened."""
    history = nights.root / "warehouse" / "history"
    path = tmp_path / "warehouse.duckdb"
    views_file.write(path, nights.nights[0].path, history, 1)
    with duckdb.connect(str(path), read_only=True) as reader:
        views_file.write(path, nights.nights[2].path, history, 3, wait=0)
        assert reader.execute("SELECT run FROM about").fetchall() == [(1,)]
        assert reader.execute("SELECT count(*) FROM identifiable.run").fetchall() == [(1,)]
    # Where the system refuses (Windows), the new file waits beside it under its own name.
    newest = next(each for each in (tmp_path / "warehouse-000003.duckdb", path) if each.exists())
    assert read(newest, "SELECT run FROM about") == [(3,)]


def test_where_a_reader_keeps_the_file_the_views_stand_beside_it_until_the_next_run(
    nights: Any, tmp_path: Path
) -> None:
    def refused(draft: Path, path: Path) -> None:
        raise PermissionError(13, "in use")

    history = nights.root / "warehouse" / "history"
    path = tmp_path / "warehouse.duckdb"
    views_file.write(path, nights.nights[0].path, history, 1)
    for number in (2, 3):
        found = views_file.write(path, nights.nights[number - 1].path, history, number, replace=refused, wait=0)
        assert found == tmp_path / f"warehouse-{number:06d}.duckdb"
        assert read(found, "SELECT run FROM about") == [(number,)]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["warehouse-000003.duckdb", "warehouse.duckdb"]
    assert views_file.write(path, nights.nights[2].path, history, 3) == path
    assert [each.name for each in tmp_path.iterdir()] == ["warehouse.duckdb"]


def test_a_moved_project_needs_new_views_and_gets_them(nights: Any, tmp_path: Path) -> None:
    moved = Project(tmp_path / "a=b [moved] *")
    shutil.copytree(nights.root, moved.root)
    done = refresh(moved, moved.runs / "0003")
    assert done.views == moved.warehouse / "warehouse.duckdb"
    [(sql,)] = read(
        done.views, "SELECT sql FROM duckdb_views() WHERE schema_name = 'identifiable' AND view_name = 'person'"
    )
    assert moved.root.name in sql
    assert read(done.views, "SELECT count(*) FROM identifiable.person_history") == [(13,)]
    assert "a" not in [column for (column, *_) in read(done.views, "DESCRIBE identifiable.person_history")]


def test_the_past_outlives_the_folders_of_old_runs(nights: Any, tmp_path: Path) -> None:
    project = Project(tmp_path / "council")
    shutil.copytree(nights.root, project.root)
    shutil.rmtree(project.warehouse / "history")
    refresh(project, project.runs / "0003")
    for old in ("0001", "0002"):
        shutil.rmtree(project.runs / old)
    done = refresh(project, project.runs / "0003")
    assert read(done.views, "SELECT count(*) FROM identifiable.person_history") == [(13,)]
    assert read(done.views, "SELECT count(*) FROM identifiable.link_change") == [(8,)]


def test_a_folder_of_link_is_no_run_of_the_warehouse(nights: Any, tmp_path: Path) -> None:
    run = tmp_path / "runs" / "plain"
    shutil.copytree(nights.nights[0].path, run)
    manifest = (run / "manifest.json").read_text(encoding="utf-8").replace('"warehouse"', '"other"')
    (run / "manifest.json").write_text(manifest, encoding="utf-8")
    with pytest.raises(InputError, match="is no run of a warehouse"):
        refresh(Project(tmp_path), run)


def test_both_schemas_have_a_view_of_every_table_analysts_may_see() -> None:
    names = {schema: {view.name for view in views() if view.schema == schema} for schema in (IDENTIFIABLE, ANALYST)}
    assert names[ANALYST] < names[IDENTIFIABLE]
    assert {each.name for each in PUBLISHED} <= names[IDENTIFIABLE]
