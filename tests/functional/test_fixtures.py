"""The committed extracts are as their maker makes them, and the maker writes any size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "fixtures" / "make.py"), *arguments], capture_output=True, text=True, check=False
    )


def test_the_committed_extracts_are_as_made():
    done = run("--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_any_size_in_several_formats(tmp_path):
    done = run(
        "--clients", "30", "--register", "300", "--out", str(tmp_path), "--format", "swift", "mixed", "--seed", "4"
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"swift", "emis", "systmone", "truth.csv"}


def test_sizes_that_do_not_fit_are_one_sentence(tmp_path):
    done = run("--clients", "500", "--register", "100", "--out", str(tmp_path))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "500 clients" in done.stderr
