"""Nights that leave out the linked tables: what still stands, what says so, and how the tables are had all the same."""

import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from caretrace import run_folder
from caretrace.cld import history
from caretrace.project import settings
from caretrace.warehouse.publish import due, refresh, tables
from caretrace.warehouse.publish.refresh import runs
from governance.run import attach
from schemas.errors import InputError

PROJECT = """
[[source]]
name = "clients"
side = "clients"
[[source]]
name = "register"
side = "register"
"""


@pytest.fixture(scope="module")
def weekly(nights: Any, tmp_path_factory: pytest.TempPathFactory, three_nights: Any) -> Any:
    """The same three nights, of which only the first wrote tables."""
    warehouse = type(nights)(tmp_path_factory.mktemp("weekly"))
    (warehouse.root / "caretrace.toml").write_text(PROJECT, encoding="utf-8")
    three_nights(warehouse, tables=False)
    return warehouse


def about(warehouse: Any) -> tuple[int, date]:
    with duckdb.connect(str(warehouse.root / "warehouse" / "warehouse.duckdb"), read_only=True) as connection:
        [(run, as_at)] = connection.execute("SELECT run, as_at FROM about").fetchall()
    return run, as_at


def test_everything_but_the_linked_tables_is_as_on_any_night(nights: Any, weekly: Any) -> None:
    for whole, light in zip(nights.nights[1:], weekly.nights[1:], strict=True):
        left_out = {name for name in whole.manifest["outputs"] if name.startswith("linked/")}
        # The page says that the tables were left out.
        same = {name: d for name, d in whole.manifest["outputs"].items() if name not in {*left_out, "report.html"}}
        assert {name: d for name, d in light.manifest["outputs"].items() if name != "report.html"} == same
        assert whole.manifest["counts"] == light.manifest["counts"]
        assert "wrote no linked tables: those of run 1 stand" in (light.path / "report.html").read_text("utf-8")
        assert (light.manifest["warehouse"]["tables"], light.manifest["warehouse"]["tables_in"]) == (False, 1)


def test_a_run_without_tables_is_refused_in_one_sentence(weekly: Any) -> None:
    light = weekly.nights[2].path
    with pytest.raises(InputError, match=r"wrote no tables .* take the run 0001, or write tonight's"):
        run_folder.open(light)
    assert run_folder.open(light, whole=False, verify=True).manifest["warehouse"]["run"] == 3
    with duckdb.connect() as connection, pytest.raises(InputError, match="this night wrote no tables"):
        attach(connection, light, {"person"})


def test_views_stay_over_the_newest_tables_and_say_of_which_day_they_are(weekly: Any) -> None:
    assert about(weekly) == (1, date(2026, 11, 1))
    assert [run.path.name for run in runs(weekly.project, whole=True)] == ["0001"]


@pytest.mark.parametrize(
    ("broken", "words"),
    [("", "In the quarterly submissions of Client Level Data"), ("{", "the history of submissions is not shown")],
)
def test_the_page_shows_how_complete_submissions_were(
    nights: Any, weekly: Any, tmp_path: Path, broken: str, words: str
) -> None:
    warehouse = type(nights)(tmp_path / "council")
    shutil.copytree(weekly.root, warehouse.root)
    assert words not in (warehouse.root / "runs" / "0003" / "report.html").read_text("utf-8")
    quarter = (date(2026, 7, 1), date(2026, 9, 30), "2026-10-09T10:00:00+00:00", 2, "exact", "r1")
    history.add(warehouse.project, history.Written(*quarter, 900, 200, 120, 40, 160, "ab"))
    with history.place(warehouse.project).open("a", encoding="utf-8") as file:
        file.write(broken)
    page = (tables.write(warehouse.project).path / "report.html").read_text("utf-8")
    assert words in page
    assert ("2026-27 Q2" in page) == (not broken)


def test_tables_are_written_when_they_are_asked_for(nights: Any, weekly: Any, tmp_path: Path) -> None:
    warehouse = type(nights)(tmp_path / "council")
    shutil.copytree(weekly.root, warehouse.root)
    written = tables.write(warehouse.project)
    assert written.path == warehouse.root / "runs" / "0003-tables"
    assert written.manifest["outputs"] == nights.nights[2].manifest["outputs"]
    assert written.manifest["warehouse"]["kind"] == "tables"
    assert about(warehouse) == (3, date(2026, 11, 3))
    assert tables.write(warehouse.project).path == written.path
    # Another refresh of the night itself leaves the views where they are.
    assert refresh(warehouse.project, warehouse.root / "runs" / "0003").number == 3


@pytest.mark.parametrize(
    ("setting", "kind", "days", "found"),
    [
        ("nightly", "night", 1, None),
        ("weekly", "night", 1, 1),
        ("weekly", "night", 6, 1),
        ("weekly", "night", 7, None),
        ("weekly", "full", 1, None),
        ("weekly", "undo", 1, None),
    ],
)
def test_when_tables_are_due(weekly: Any, setting: Any, kind: str, days: int, found: int | None) -> None:
    as_at = date(2026, 11, 1) + timedelta(days=days)
    assert due.tables_in(weekly.project, setting, as_at=as_at, kind=kind) == found


def test_the_first_night_writes_its_tables(nights: Any, tmp_path: Path) -> None:
    project = type(nights)(tmp_path).project
    assert due.tables_in(project, "weekly", as_at=date(2026, 11, 1), kind="night") is None


def test_the_setting(weekly: Any) -> None:
    assert settings.load(weekly.project).outputs.tables == "nightly"
