"""The scripts for a schedule are run as a schedule runs them, on a project of people who do not exist."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[2] / "docs" / "operations"
PROVE = "CARETRACE_PROVE" in os.environ
SCRIPT = SCRIPTS / ("nightly.cmd" if os.name == "nt" else "nightly.sh")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the project, its keys and its backups; the tests go on from one another, for a run takes seconds."""
    return tmp_path_factory.mktemp("night")


@pytest.fixture(scope="module")
def set_up(place: Path, caretrace: Any, environment: dict[str, str]) -> dict[str, str]:
    """A project, and the environment that a task gives the script."""
    env = environment | {"CARETRACE_KEYS": str(place / "keys"), "PYTHONPATH": os.pathsep.join(sys.path)}
    for arguments in (["init", place / "council", "--example"], ["keys", "new", "--project", place / "council"]):
        done = caretrace(*arguments, env=env)
        assert done.returncode == 0, done.stderr
    (place / "backups").mkdir()
    program = place / ("caretrace.cmd" if os.name == "nt" else "caretrace")
    if os.name == "nt":
        program.write_text(f'@"{sys.executable}" -m caretrace %*\n', encoding="ascii")
    else:
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m caretrace "$@"\n', encoding="utf-8")
        program.chmod(0o755)
    return env | {
        "CARETRACE": str(program),
        "PROJECT": str(place / "council"),
        "BACKUPS": str(place / "backups"),
    }


def night(env: dict[str, str]) -> int:
    command = ["cmd.exe", "/d", "/c", str(SCRIPT)] if os.name == "nt" else ["sh", str(SCRIPT)]
    return subprocess.run(command, env=env, check=False, timeout=300).returncode


def test_a_night_and_its_backup(place: Path, set_up: dict[str, str]) -> None:
    project = place / "council"
    assert night(set_up) == 0
    (log,) = (project / "logs").iterdir()
    said = log.read_text("utf-8")
    assert "run 1 (full)" in said
    assert "run ended with 0" in said
    assert "backup ended with 0" in said
    assert len(list((place / "backups").iterdir())) == 1


@pytest.mark.prove
@pytest.mark.long
def test_a_loss_and_the_next_night(place: Path, caretrace: Any, set_up: dict[str, str]) -> None:
    """What comes back is what was there (`test_cli_backup`); here the next night is the same too."""
    project = place / "council"
    (backup,) = (place / "backups").iterdir()
    # What the second night makes here, it makes from the backup too.
    for source in ("clients", "register"):
        for delivery in (project / "later" / source).iterdir():
            shutil.copytree(delivery, project / "in" / source / delivery.name)
    second = ("run", "--project", project, "--as-at", "2026-11-23")
    done = caretrace(*second, env=set_up)
    assert done.returncode == 0, done.stdout + done.stderr
    links = (project / "runs" / "0002" / "links.parquet").read_bytes()
    shutil.rmtree(project)
    back = caretrace("restore", backup, project, env=set_up)
    assert back.returncode == 0, back.stderr
    for source in ("clients", "register"):
        for delivery in (project / "later" / source).iterdir():
            shutil.copytree(delivery, project / "in" / source / delivery.name)
    again = caretrace(*second, env=set_up)
    assert again.returncode == 0, again.stdout + again.stderr
    assert again.stdout == done.stdout
    assert (project / "runs" / "0002" / "links.parquet").read_bytes() == links
    assert caretrace("audit", "verify", "--project", project, env=set_up).returncode == 0


if PROVE:  # nine starts of Python

    @pytest.mark.prove
    def test_a_backup_waits_for_no_run_and_a_killed_run_leaves_what_can_be_backed_up(
        place: Path, tmp_path: Path, caretrace: Any, set_up: dict[str, str]
    ) -> None:
        project = place / "council"
        backup = ("backup", "--project", project, "--out")
        with subprocess.Popen(
            [sys.executable, "-m", "caretrace", "run", "--again", "--project", str(project)],
            env=set_up,
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        ) as run:
            deadline = time.monotonic() + 60
            while not (project / "warehouse" / "state.next.duckdb").exists():
                assert run.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.01)
            busy = caretrace(*backup, tmp_path / "during.zip", env=set_up)
            run.kill()
        assert (busy.returncode, "wait until it has finished" in busy.stderr) == (5, True), busy.stderr
        after = caretrace(*backup, tmp_path / "after.zip", env=set_up)
        assert after.returncode == 0, after.stderr
        back = caretrace("restore", tmp_path / "after.zip", tmp_path / "council", env=set_up)
        assert back.returncode == 0, back.stderr
        assert not list((tmp_path / "council" / "warehouse").glob("*next*"))
        goes_on = caretrace("run", "--project", tmp_path / "council", env=set_up)
        assert (goes_on.returncode, goes_on.stdout) == (0, "nothing new\n"), goes_on.stdout + goes_on.stderr


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ({"BACKUPS": "nowhere"}, 1, "backup ended with 1"),
        ({"CARETRACE_KEYS": "nokeys"}, 3, "backup ended with 3"),
    ],
)
def test_the_exit_code_says_what_failed(
    place: Path, set_up: dict[str, str], settings: dict[str, str], code: int, words: str
) -> None:
    (log,) = (place / "council" / "logs").iterdir()
    before = len(log.read_text("utf-8"))
    assert night(set_up | {name: str(place / value) for name, value in settings.items()}) == code
    said = log.read_text("utf-8")[before:]
    assert "nothing new" in said
    assert "run ended with 0" in said
    assert words in said


def test_a_run_that_fails_is_said_and_backed_up_all_the_same(place: Path, set_up: dict[str, str]) -> None:
    settings = place / "council" / "caretrace.toml"
    before = len(list((place / "backups").iterdir()))
    settings.write_text(settings.read_text("utf-8") + "\n[mtach]\n", encoding="utf-8")
    assert night(set_up) == 1
    assert len(list((place / "backups").iterdir())) == before + 1
