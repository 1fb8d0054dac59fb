"""Every failure is a sentence and an exit code, and our own bugs leave a file without values."""

import errno
import gc
from pathlib import Path

import duckdb
import pytest

from caretrace.cli.failures import ExitCode, Interrupted, explain, write_crash_file
from schemas.errors import Busy, InputError, IntegrityFailure, Refused, SettingsError


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (InputError("wrong", path="a.csv", line=3), ExitCode.INPUT, "a.csv, line 3: wrong"),
        (SettingsError("bad"), ExitCode.INPUT, "bad"),
        (Refused("no", ["because"]), ExitCode.REFUSED, "  - because"),
        (IntegrityFailure("altered"), ExitCode.INTEGRITY, "altered"),
        (Busy("held"), ExitCode.BUSY, "held"),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED, "interrupted"),
        (Interrupted(), ExitCode.INTERRUPTED, "interrupted"),
        (RuntimeError("Query interrupted"), ExitCode.INTERRUPTED, "interrupted"),
        (MemoryError(), ExitCode.INPUT, "memory"),
        (OSError(errno.ENOSPC, "No space left"), ExitCode.INPUT, "disk is full"),
        (FileNotFoundError(errno.ENOENT, "no", "a.csv"), ExitCode.INPUT, "a.csv: no such file"),
        (PermissionError(errno.EACCES, "no", "a.csv"), ExitCode.INPUT, "a.csv: permission denied"),
        (OSError(errno.ELOOP, "loop", "a.csv"), ExitCode.INPUT, "circle"),
        (duckdb.OutOfMemoryException("SECRET"), ExitCode.INPUT, "memory"),
        (duckdb.IOException("SECRET No space left on device"), ExitCode.INPUT, "disk is full"),
        (duckdb.IOException("SECRET"), ExitCode.INPUT, "could not be read or written"),
    ],
)
def test_what_a_user_can_act_on(error: BaseException, code: ExitCode, words: str) -> None:
    failure = explain(error)
    assert failure is not None
    assert (failure.exit_code, words in failure.sentence) == (code, True)
    assert "SECRET" not in failure.sentence


@pytest.mark.parametrize("error", [ValueError("SECRET"), KeyError("SECRET"), duckdb.ConversionException("SECRET")])
def test_our_own_bug_leaves_a_file_without_values(tmp_path: Path, error: Exception) -> None:
    assert explain(error) is None
    try:
        try:
            raise error
        except type(error) as first:
            raise RuntimeError("SECRET") from first
    except RuntimeError as second:
        text = write_crash_file(second, tmp_path).read_text("utf-8")
    assert "SECRET" not in text
    assert type(error).__name__ in text
    assert "test_failures.py" in text


def test_an_interruption_that_vanishes_on_its_way_is_told() -> None:
    """As where a library calls Python from C and drops what it raises."""
    told: list[str] = []
    for seen in (False, True):
        try:
            raise Interrupted(lambda: told.append("lost"))
        except Interrupted as error:
            error.seen = seen
    gc.collect()
    assert told == ["lost"]
