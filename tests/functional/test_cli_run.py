"""`caretrace init` and `caretrace run` as a newcomer and a scheduler start them."""

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory, caretrace: Command, started: Command) -> Path:
    """The example after its first run."""
    project = tmp_path_factory.mktemp("example") / "demo-project"
    made = caretrace("init", project, "--example")
    assert (made.returncode, made.stderr) == (0, "")
    assert f"caretrace run --project {project}" in made.stdout
    looked = caretrace("run", "--project", project, "--dry-run")
    assert looked.stdout.splitlines() == [
        "clients/2026-10-01-full: would be applied",
        "register/2026-10-01-full: would be applied",
        "nothing done, only looked; 2 applied",
    ]
    assert not (project / "warehouse").exists()
    done = started("run", "--project", project)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("run 1 (full); 2 applied; linked ")
    assert done.stdout.count("\n") == 1
    return project


def test_the_next_night_of_the_example(example: Path, caretrace: Command) -> None:
    shutil.copytree(example / "later", example / "in", dirs_exist_ok=True)
    done = caretrace("run", cwd=example)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("run 2 (night); 2 applied; ")
    facts = json.loads((example / "result.json").read_text("utf-8"))
    assert (facts["run_folder"], facts["summary"] + "\n") == ("runs/0002", done.stdout)
    assert "caretrace" in (example / "mail.html").read_text("utf-8")


def test_a_bad_delivery_ends_with_exit_code_1_and_a_reason(example: Path, caretrace: Command, tmp_path: Path) -> None:
    project = Path(shutil.copytree(example, tmp_path / "project"))
    (project / "in" / "clients" / "2026-10-03-full").mkdir()
    (project / "in" / "clients" / "2026-10-03-full" / "person.csv").write_bytes(b"colour\nred\n")
    looked = caretrace("run", "--project", project, "--dry-run")
    assert (looked.returncode, "clients/2026-10-03-full: would be held: " in looked.stdout) == (1, True)
    done = caretrace("run", "--project", project)
    assert (done.returncode, "clients/2026-10-03-full held: " in done.stdout) == (1, True)
    refused = caretrace("run", "--project", project, "--accept", "2026-10-3-full")
    assert refused.returncode == 1
    assert "no inbox holds a delivery 2026-10-3-full" in refused.stderr


def test_a_night_that_fails_says_so_where_machines_look(tmp_path: Path, started: Command) -> None:
    assert started("init", tmp_path).returncode == 0
    (tmp_path / "caretrace.toml").write_text('[[source]]\nname = "x"\nside = "clients"\n', encoding="utf-8")
    done = started("run", "--project", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert 'caretrace.toml: no [[source]] has side = "register"' in done.stderr
    facts = json.loads((tmp_path / "result.json").read_text("utf-8"))
    assert (facts["status"], facts["exit_code"]) == ("failed", 1)
    assert facts["sentence"] in done.stderr
    assert "failed" in (tmp_path / "mail.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--spark-master", "local[2]"), 2, "it needs --engine spark"),
        (("--spark-conf", "spark.x=1"), 2, "it needs --engine spark"),
        (("--engine", "spark", "--spark-conf", "spark.master=x"), 1, "give it as --spark-master"),
        (("--engine", "splink"), 1, "there is no engine 'splink'"),
    ],
)
def test_what_spark_is_told_reaches_it(
    tmp_path: Path, caretrace: Command, options: tuple[str, ...], code: int, said: str
) -> None:
    assert caretrace("init", tmp_path).returncode == 0
    done = caretrace("run", "--project", tmp_path, *options)
    assert (done.returncode, said in done.stderr) == (code, True)
    assert (tmp_path / "result.json").exists() == (code == 1)


def test_what_init_says_can_be_pasted(tmp_path: Path, caretrace: Command) -> None:
    project = tmp_path / "Müller's projekt ß"
    made = caretrace("init", project, "--example")
    (line,) = [line for line in made.stdout.splitlines() if line.startswith("next: caretrace ")]
    assert project.is_dir()
    if os.name != "nt":
        assert shlex.split(line.removeprefix("next: caretrace ")) == ["run", "--project", str(project)]


def test_where_there_is_no_project_nothing_is_written(tmp_path: Path, caretrace: Command) -> None:
    done = caretrace("run", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no such file; `caretrace init` makes a project" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_project_is_made_once(tmp_path: Path, caretrace: Command) -> None:
    assert caretrace("init", cwd=tmp_path).returncode == 0
    again = caretrace("init", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (1, "")
    assert "there is a project already" in again.stderr
    empty = caretrace("run", "--project", tmp_path)
    assert (empty.returncode, empty.stdout) == (0, "nothing new\n")
