"""The demo on a small population: a whole project, made on top of a demo of before, never on top of anything else."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from caretrace.demo import MARK
from caretrace.project import MARKER


@pytest.fixture
def demo(tmp_path: Path, environment: dict[str, str]) -> Any:
    def run() -> subprocess.CompletedProcess[str]:
        size = ("--clients", "1000", "--patients", "6000")
        return subprocess.run(
            [sys.executable, "-m", "caretrace", "demo", "--out", str(tmp_path / "demo"), *size],
            env={**environment, "CARETRACE_KEYS": str(tmp_path / "home" / "keys")},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    return run


def test_a_whole_project(tmp_path: Path, demo: Any) -> None:
    # A demo that was killed half-way: its mark stands, and something unfinished.
    project = tmp_path / "demo"
    (project / "runs" / "synthetic").mkdir(parents=True)
    (project / MARKER).write_text(MARK, encoding="utf-8")
    done = demo()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("precision") == 3
    for name in ("fixtures-carefirst", "fixtures-swift", "synthetic"):
        run = project / "runs" / name
        assert str(run / "report.html") in done.stdout
        evaluation = json.loads((run / "manifest.json").read_text("utf-8"))["evaluation"]
        assert evaluation["right"] >= 0.97 * evaluation["links"]
    assert (project / "releases" / "first").is_dir()
    assert (project / "audit" / "checkpoint").is_file()
    assert not list(project.rglob("*.key"))


def test_a_folder_that_is_no_demo_is_left_alone(tmp_path: Path, demo: Any) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "precious.txt").write_text("mine", encoding="utf-8")
    done = demo()
    assert done.returncode == 1
    assert "is no demo of before" in done.stderr
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["precious.txt"]
