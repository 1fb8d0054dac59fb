"""`caretrace measure`: what may be shown and what may not, from a real run."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import duckdb
import pytest
from typer.testing import CliRunner

from caretrace.cli.measure import app
from schemas.errors import SettingsError

Command = Callable[..., CompletedProcess[str]]
ONE = ("--measure", "care_home_admissions", "--measure", "local_metric", "--period", "2025-26")


def lines_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def within(*arguments: str | Path) -> str:
    """What a command prints, without a process of its own; its errors come as they are."""
    return CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False).stdout


def test_list_and_show() -> None:
    assert [line.split()[0] for line in within("list").splitlines()] == [
        *("avoidable_admissions", "care_home_admissions", "cost_activity", "delayed_discharge", "home_12_weeks"),
        *("home_91_days", "local_metric"),
    ]
    shown = within("show", "local_metric")
    assert "source: Tri-borough Better Care Fund plan" in shown
    assert "parameter min_age = 75" in shown
    sql = within("show", "local_metric", "--sql")
    assert (
        sql.index("CREATE TEMPORARY TABLE measure_person") < sql.index("measure_avoidable AS") < sql.index("-- counted")
    )


def test_what_is_written_hides_small_numbers(caretrace: Command, run_folder: Path, tmp_path: Path) -> None:
    before = sorted(path.name for path in run_folder.rglob("*"))
    done = caretrace("measure", "run", run_folder, "--out", tmp_path / "out", *ONE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("small numbers hidden: nhs-hes-2018\nclients linked: ")
    assert "nothing can be said: the run holds no hospital admissions" in done.stdout
    told = json.loads((tmp_path / "out" / "measures.json").read_text(encoding="utf-8"))
    assert (told["may_leave"], told["small_numbers"]) == (True, "nhs-hes-2018")
    assert {each["name"]: each["version"] for each in told["measures"]} == {
        "care_home_admissions": 1,
        "local_metric": 1,
    }
    lines = lines_of(tmp_path / "out" / "measures.csv")
    assert {line["standing"] for line in lines} == {"small numbers hidden: nhs-hes-2018"}
    for line in lines:
        assert line["people"] == "*" or int(line["people"].replace(",", "")) % 5 == 0
        assert line["number"] == "*" or int(line["number"].replace(",", "")) % 5 == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"measures.csv", "left_out.csv", "measures.json"}
    assert sorted(path.name for path in run_folder.rglob("*")) == before
    again = caretrace("measure", "run", run_folder, "--out", tmp_path / "out", *ONE)
    assert again.returncode == 1
    assert "exists already" in again.stderr


def test_internal_figures_say_so_and_can_be_traced_to_rows(
    caretrace: Command, run_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = caretrace("measure", "run", run_folder, "--out", out, *ONE, "--internal", "--rows", "--area", "council")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("INTERNAL: small numbers are shown, may not leave\n")
    assert {path.name for path in out.iterdir()} == {
        *("INTERNAL-measures.csv", "INTERNAL-left_out.csv", "INTERNAL-measures.json", "INTERNAL-rows"),
    }
    lines = lines_of(out / "INTERNAL-measures.csv")
    assert {line["standing"] for line in lines} == {"INTERNAL: small numbers are shown, may not leave"}
    [(people, admitted)] = duckdb.execute(
        "SELECT count(*), sum(admitted) FROM read_parquet(?) WHERE left_out_because IS NULL",
        [str(out / "INTERNAL-rows" / "care_home_admissions.parquet")],
    ).fetchall()
    whole = next(line for line in lines if (line["area"], line["part"], line["links"]) == ("All", "All", "as linked"))
    assert (int(whole["people"].replace(",", "")), int(whole["number"])) == (people, admitted)
    keys = duckdb.execute(
        "SELECT count(*) FROM read_parquet(?) r ANTI JOIN read_parquet(?) p USING (person_key)",
        [str(out / "INTERNAL-rows" / "care_home_admissions.parquet"), str(run_folder / "linked" / "person.parquet")],
    ).fetchall()
    assert keys == [(0,)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--rows"], "give --internal with --rows"),
        (["--internal", "--to", "Tees ICB"], "internal figures may not leave"),
        (["--small-numbers", "ons-ls-10"], "it rounds nothing"),
        (["--area", "named"], r"areas by name need \[areas\]"),
        (["--period", "2025"], "is no period"),
    ],
)
def test_what_may_not_be_asked_for(run_folder: Path, tmp_path: Path, options: list[str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        within("run", run_folder, "--out", tmp_path / "out", "--project", tmp_path, *options)
    assert not (tmp_path / "out").exists()


def test_what_is_given_to_somebody_stands_in_the_log(caretrace: Command, run_folder: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    given = ("measure", "run", run_folder, *ONE, "--to", "Tees ICB", "--project", project, "--out", tmp_path / "out")
    without_keys = caretrace(*given, env={"CARETRACE_KEYS": str(tmp_path / "none")})
    assert without_keys.returncode == 3
    assert not (tmp_path / "out").exists()
    caretrace("keys", "new", "--project", project)
    done = caretrace(*given)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"measures.csv", "left_out.csv", "measures.json"}
    logged = caretrace("audit", "writings", "--project", project).stdout
    assert "measures" in logged
    assert "Tees ICB" in logged


def test_the_settings_of_the_project_count(run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "measures.toml").write_text("[measures.local_metric]\nage = 80\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"measures.toml: local_metric has no parameter 'age'"):
        within("run", run_folder, "--out", tmp_path / "out", "--project", tmp_path)
