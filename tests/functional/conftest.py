"""Whole commands as a user starts them, on people who do not exist."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., subprocess.CompletedProcess[str]]


# Proofs run for hours on machines that do other things as well.
_SECONDS = 3000 if os.environ.get("CARETRACE_PROVE") else 120


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment commands run in: keys of their own, warnings shown, nothing of the machine's project."""
    keys = tmp_path_factory.mktemp("home") / "keys"
    return {**os.environ, "CARETRACE_KEYS": str(keys), "PYTHONWARNINGS": "error"}


@pytest.fixture(scope="session")
def caretrace(environment: dict[str, str]) -> Command:
    """Run `caretrace ARGUMENTS` and give what came of it; `cwd` is where."""

    def run(
        *arguments: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "caretrace", *map(str, arguments)],
            cwd=cwd,
            env=environment | (env or {}),
            capture_output=True,
            encoding="utf-8",
            timeout=_SECONDS,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with clients.csv, register.csv and truth.csv: 150 clients, 1,500 register rows."""
    from caretrace.synthetic import make, write

    folder = tmp_path_factory.mktemp("people")
    write(make(150, 1500, seed=3), folder, "standard-csv")
    return folder


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory, caretrace: Command, people: Path) -> Path:
    """A finished run of those people, the clients with their services."""
    out = tmp_path_factory.mktemp("runs") / "one"
    arguments = ("--out", out, "--as-at", "2026-11-22", "--threads", "2")
    done = caretrace("link", people / "clients", people / "register.csv", *arguments)
    assert done.returncode == 0, done.stderr
    return out
