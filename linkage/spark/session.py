"""A Spark session for one linkage: begun with the caller's settings, quiet, and gone afterwards.

Whoever runs inside a session already (a notebook, spark-submit) is linked in that one, and it stays. Spark's own
messages may hold values of the data, so they go to a file that is deleted with the rest, never to the terminal.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linkage.spark.failures import told_in_a_sentence
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JAVA = 17
"""The oldest Java that Spark 4 runs on."""
_INSTALL_JAVA = (
    f"install Java {JAVA} (Debian and Ubuntu: apt install openjdk-{JAVA}-jre-headless;"
    f" macOS: brew install openjdk@{JAVA}; Windows: winget install EclipseAdoptium.Temurin.{JAVA}.JRE)"
    " and set JAVA_HOME to it"
)


def require_java(environ: Mapping[str, str]) -> None:
    """Raise SettingsError unless the Java that Spark would start is there and new enough."""
    home = environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home, "bin"))) if home else shutil.which("java", path=environ.get("PATH"))
    if java is None:
        where = "JAVA_HOME, which is set, holds none" if home else "none was found on the PATH"
        raise SettingsError(f"--engine spark needs Java {JAVA} or newer, and {where}; {_INSTALL_JAVA}")
    # Java says its version on the error stream. On a Mac without Java the command exists and fails.
    said = subprocess.run([java, "-version"], capture_output=True, encoding="utf-8", errors="replace", check=False)  # noqa: S603
    found = re.search(r'version "(?:1\.)?([0-9]+)', said.stderr)
    if said.returncode or found is None:
        raise SettingsError(f"--engine spark needs Java {JAVA} or newer, and {java} does not start; {_INSTALL_JAVA}")
    if int(found[1]) < JAVA:
        raise SettingsError(
            f"--engine spark needs Java {JAVA} or newer, and {java} is version {found[1]}; {_INSTALL_JAVA}"
        )


def require_spark() -> None:
    """Raise SettingsError unless a session runs, or PySpark and a Java for it are there."""
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise SettingsError(
            "--engine spark needs PySpark 4, which is not installed; run: pip install 'caretrace[spark]'"
        ) from error
    if SparkSession.getActiveSession() is None:
        require_java(os.environ)


@contextlib.contextmanager
def session(master: str | None, conf: Mapping[str, str], folder: Path, log: Path) -> Iterator[SparkSession]:
    """Open a session whose temporary files are in `folder`, or take the one that is running.

    Raises SettingsError where Spark does not start or a setting of it is at fault, CaretraceError where it gives up.
    """
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    if running is None:
        opened: AbstractContextManager[SparkSession] = _own(master or "local[*]", conf, folder, log)
    elif master or conf:
        raise SettingsError(
            "a Spark session is running already, and its settings cannot be changed from here;"
            " leave out the master and Spark's settings, or stop that session first"
        )
    else:
        # A session of our own in the running context, so that none of its SQL settings change.
        opened = contextlib.nullcontext(running.newSession())
    with warnings.catch_warnings():
        # Only Arrow tables go through our functions, never pandas ones.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        with opened as spark, told_in_a_sentence():
            yield spark


def defaults(master: str, folder: Path) -> dict[str, str]:
    """What a session of ours is begun with unless the caller says otherwise."""
    here = {
        # Nothing listens beyond this machine, and what spills lies with the run's other temporary files.
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(folder),
    }
    return {
        "spark.app.name": "caretrace",
        # The web page would show the plan to anyone who finds its port.
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # What is shuffled identifies people, so it is encrypted wherever Spark puts it down.
        "spark.io.encryption.enabled": "true",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.catalogImplementation": "in-memory",
        **(here if master.startswith("local") else {}),
    }


@contextlib.contextmanager
def _own(master: str, conf: Mapping[str, str], folder: Path, log: Path) -> Iterator[SparkSession]:
    from pyspark import SparkConf, SparkContext, java_gateway
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    launch: Callable[..., Any] = java_gateway.launch_gateway
    settings = SparkConf(loadDefaults=False).setMaster(master)
    for key, value in {**defaults(master, folder), **conf}.items():
        settings.set(key, value)
    with contextlib.ExitStack() as stack:
        own_eyes = os.open(log, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
        with os.fdopen(own_eyes, "ab") as messages, _signals_wait():
            try:
                gateway = launch(settings, {"stdout": messages, "stderr": messages})
            except (PySparkException, OSError) as error:
                raise _no_start(master) from error
            stack.callback(_end, gateway)
        with _signals_wait():
            try:
                context = SparkContext(conf=settings, gateway=gateway)
                spark = SparkSession(context)
            except Exception as error:  # a Java error or a Python one, by what is wrong
                raise _no_start(master) from error
            stack.callback(_stop, spark)
        # PySpark would take the first python3 of the PATH, which need not have what this one has.
        context.pythonExec = conf.get("spark.pyspark.python") or os.environ.get("PYSPARK_PYTHON") or sys.executable
        yield spark


def _no_start(master: str) -> SettingsError:
    return SettingsError(
        f"Spark did not start with the master {master!r} and the settings given; check --spark-master, --spark-conf"
        " and that JAVA_HOME is a Java this version of Spark supports; spark.caretrace.log=FILE keeps what it says"
    )


@contextlib.contextmanager
def _signals_wait() -> Iterator[None]:
    """Keep Ctrl-C and SIGTERM until the block ends, or a Java program would be left that nobody knows.

    Also undoes the handler for Ctrl-C that PySpark sets: the caller's stays.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {each: signal.signal(each, lambda number, _: came.append(number)) for each in _SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        if came:
            signal.raise_signal(came[0])


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def _stop(spark: SparkSession) -> None:
    # After an interruption nothing more can be said to Java; it ends all the same when its input does.
    with contextlib.suppress(Exception):
        spark.sparkContext.cancelAllJobs()
        spark.stop()


def _end(gateway: Any) -> None:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    with contextlib.suppress(Exception):
        gateway.shutdown()
    # Or the next session of this program would look for the one that ended.
    SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None
    SparkSession._instantiatedSession = SparkSession._activeSession = None
    if (process := gateway.proc) is None:
        return
    # The Java program ends when nobody holds its input any more.
    process.stdin.close()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
