"""The last stop: our own bugs, readers that go away, and progress that only a terminal sees."""

import subprocess
import sys
from pathlib import Path

import pytest

from caretrace import console
from caretrace.cli import _fail, spread
from schemas.progress import SILENT


def test_a_bug_of_ours_ends_with_70_and_names_a_file_without_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    try:
        raise ValueError("Zanzibarovna")
    except ValueError as error:
        assert _fail(error) == 70
    (crash,) = tmp_path.iterdir()
    err = capfd.readouterr().err
    assert str(crash) in err
    assert "Zanzibarovna" not in err + crash.read_text("utf-8")


def test_a_reader_that_goes_away_is_no_crash(people: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "caretrace", "check", str(people / "clients.csv"), "--json"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr as stderr:
        assert stderr.read() == b""
    assert process.wait(60) == 1


def test_progress_is_silent_where_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    with console.progress() as progress:
        assert progress is SILENT


def test_progress_is_drawn_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with console.progress() as progress, progress.stage("Reading", 4) as advance:
        advance(2)
    assert "Reading" in capsys.readouterr().err


def test_stars_are_spread_where_the_shell_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("RESP_2.csv", "RESP_1.csv", "other.csv"):
        (tmp_path / name).touch()
    given = ["trace", "read", "RESP_*.csv", "--purpose", "why?"]
    assert spread(given) == ["trace", "read", "RESP_1.csv", "RESP_2.csv", "--purpose", "why?"]
