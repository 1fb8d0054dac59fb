"""Killed at random moments, a run is finished or it is not there; the next one succeeds and tidies up."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from caretrace import run_folder
from schemas.errors import InputError

TIMES = 20 if "CARETRACE_PROVE" in os.environ else 2
"""`make prove` kills twenty times, `make test` a sample."""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def start(people: Path, out: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "caretrace", "link", people / "clients.csv", people / "register.csv", "--out", out]
    return subprocess.Popen(
        [str(part) for part in command], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


@pytest.mark.prove
def test_no_half_written_run_is_taken_for_a_finished_one(
    tmp_path: Path, people: Path, environment: dict[str, str]
) -> None:
    began = time.monotonic()
    assert start(people, tmp_path / "whole", environment).wait(60) == 0
    whole = time.monotonic() - began
    draw = random.Random(2014)  # noqa: S311 - moments, not secrets
    outs = [tmp_path / f"run-{number}" for number in range(TIMES)]
    for out in outs:
        process = start(people, out, environment)
        time.sleep(whole * draw.uniform(0.05, 1.05))
        process.kill()
        process.wait()
        if out.exists():
            run_folder.open(out, verify=True)
    killed = [out for out in outs if not out.exists()]
    left = [folder for folder in tmp_path.iterdir() if ".partial-" in folder.name]
    assert killed
    for folder in left:
        with pytest.raises(InputError):
            run_folder.open(folder)
    # The next run of the same name succeeds and removes what the killed one left.
    out = next((out for out in killed if any(out.name in folder.name for folder in left)), killed[0])
    assert start(people, out, environment).wait(60) == 0
    run_folder.open(out, verify=True)
    assert not list(tmp_path.glob(f".{out.name}.*"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to catch")
def test_a_polite_end_leaves_nothing(tmp_path: Path, people: Path, environment: dict[str, str]) -> None:
    process = start(people, tmp_path / "run", environment)
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob(".run.partial-*/work")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 130
    assert names(tmp_path) == []
