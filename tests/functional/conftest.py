"""Whole commands as a user starts them, on people who do not exist."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

Command = Callable[..., subprocess.CompletedProcess[str]]


PROVE = "CARETRACE_PROVE" in os.environ
# Proofs run for hours on machines that do other things as well.
_SECONDS = 3000 if PROVE else 120


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make prove` runs whatever gives a command, and starts each in a process of its own."""
    for each in items:
        if PROVE and "caretrace" in getattr(each, "fixturenames", ()):
            each.add_marker("prove")


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment commands run in: keys of their own, warnings shown, nothing of the machine's project."""
    keys = tmp_path_factory.mktemp("home") / "keys"
    return {**os.environ, "CARETRACE_KEYS": str(keys), "PYTHONWARNINGS": "error"}


@pytest.fixture(scope="session")
def started(environment: dict[str, str]) -> Command:
    """Start `caretrace ARGUMENTS` as a user does, and give what came of it; `cwd` is where."""

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


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


@pytest.fixture(scope="session")
def caretrace(environment: dict[str, str], started: Command) -> Command:
    """The same in this process, for a start of Python takes longer than most commands; `make prove` starts them all."""
    from caretrace.cli import main

    def run(
        *arguments: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        command = [str(each) for each in arguments]
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(2))
        with (
            patch.dict(os.environ, environment | (env or {}), clear=True),
            patch("sys.stdin", io.StringIO()),
            contextlib.chdir(cwd or Path.cwd()),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            warnings.catch_warnings(action="error"),
            _own_signals(),
        ):
            code = main(command)
        said = [stream.buffer.getvalue().decode("utf-8") for stream in (out, err) if not stream.flush()]  # type: ignore[attr-defined]
        return subprocess.CompletedProcess(command, int(code), *said)

    return started if PROVE else run


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
