"""Spark's errors in a sentence that says what to do, and holds nothing of theirs."""

from __future__ import annotations

import pytest

from linkage.spark.failures import told_in_a_sentence
from schemas.errors import CaretraceError, SettingsError

protocol = pytest.importorskip("py4j.protocol", reason="the Spark engine needs the extra `spark`")


@pytest.mark.parametrize(
    ("theirs", "says"),
    [
        ("ModuleNotFoundError: No module named 'linkage'", "cannot import caretrace"),
        ("[PYTHON_VERSION_MISMATCH] worker 3.12", "another version of Python"),
        ("RuntimeError: CARETRACE_DUCKDB_VERSION 1.4 here", "another version of DuckDB"),
        ("java.io.FileNotFoundException: File file:/x", r"spark\.caretrace\.folder"),
        ("IO Error: No files found that match the pattern", r"spark\.caretrace\.folder"),
        ("Out of Memory Error: failed to allocate data of size 1 MiB", r"spark\.caretrace\.workerMemory"),
        ("java.lang.OutOfMemoryError: Java heap space", r"spark\.executor\.memory"),
        ("ExecutorLostFailure (executor 3 exited)", r"spark\.executor\.memory"),
        ("java.io.IOException: No space left on device", "disk of a Spark executor is full"),
    ],
)
def test_what_can_be_mended_is_said(theirs: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as told, told_in_a_sentence():
        raise protocol.Py4JError(f"Featherstonehaugh\n{theirs}")
    assert "Featherstonehaugh" not in str(told.value)


def test_anything_else_points_to_the_log() -> None:
    with pytest.raises(CaretraceError, match=r"spark\.caretrace\.log=FILE") as told, told_in_a_sentence():
        raise protocol.Py4JError("Featherstonehaugh")
    assert "Featherstonehaugh" not in str(told.value)
