"""What Spark's errors mean to a user, each in one sentence.

Theirs are pages long and may hold values of the data, so they are looked at and never shown.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from schemas.errors import CaretraceError, SettingsError

_MEANINGS = (
    (
        r"OutOfMemoryException|failed to allocate data of size",
        "the DuckDB of a Spark worker ran out of memory; give it more with --spark-conf"
        " spark.caretrace.workerMemory, or make tasks smaller with spark.caretrace.pairsPerTask",
    ),
    (
        r"No module named '?(linkage|schemas|duckdb|pyarrow)",
        "the Spark executors cannot import caretrace or what it needs; install caretrace with the same Python on every"
        " executor, or pass it with --spark-conf spark.submit.pyFiles=...",
    ),
    (
        r"PYTHON_VERSION_MISMATCH",
        "the Spark executors run another version of Python than this program; set --spark-conf spark.pyspark.python",
    ),
    (
        r"CARETRACE_DUCKDB_VERSION",
        "the Spark executors have another version of DuckDB than this program; install the same",
    ),
    (
        r"PATH_NOT_FOUND|FileNotFoundException|FILE_NOT_EXIST|No files found that match",
        "the Spark executors do not find the files this program wrote for them; set --spark-conf spark.caretrace.folder"
        " to a folder that this machine and every executor see under one path",
    ),
    (
        r"OutOfMemory|ExecutorLostFailure|Python worker exited unexpectedly|exceeds max|MemoryError",
        "a Spark executor ran out of memory or was lost; give it more with --spark-conf spark.executor.memory"
        " (spark.driver.memory with a local master), or make tasks smaller with spark.caretrace.pairsPerTask",
    ),
    (
        r"No space left on device",
        "the disk of a Spark executor is full; free some space or set --spark-conf spark.local.dir",
    ),
)


def _text(error: Exception) -> str:
    from py4j.protocol import Py4JError

    try:
        # Asks Java, which may be what died.
        return str(error)
    except Py4JError:
        return ""


@contextlib.contextmanager
def told_in_a_sentence() -> Iterator[None]:
    """Raise SettingsError for what a setting or an installation can mend, CaretraceError for the rest."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (Py4JError, PySparkException) as error:
        text = _text(error)
        for pattern, sentence in _MEANINGS:
            if re.search(pattern, text):
                raise SettingsError(sentence) from error
        raise CaretraceError(
            "Spark stopped before the work was done; look at Spark's own log, which --spark-conf"
            " spark.caretrace.log=FILE keeps (it may hold identifiable data)"
        ) from error
