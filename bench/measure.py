"""Runs a command as a process of its own and tells what it took: seconds, processor seconds, peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

STOPPED = "stopped after"
"""How the reason begins where a process ran too long."""


@dataclass(frozen=True)
class Taken:
    """What one process took; None where the system does not tell (Windows)."""

    seconds: float
    cpu: float | None
    megabytes: float | None
    """Peak of its resident memory."""
    failed: str | None = None
    """Why it gave no result."""


def run(command: list[str], log: Path, timeout: int) -> Taken:
    """Wait for the command, no longer than `timeout` seconds; what it prints goes to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        stopped = threading.Event()

        def stop() -> None:
            stopped.set()
            process.kill()

        timer = threading.Timer(timeout, stop)
        timer.start()
        try:
            cpu, megabytes = _wait(process)
        finally:
            timer.cancel()
        seconds = time.perf_counter() - started
    failed = None
    if stopped.is_set():
        failed = f"{STOPPED} {timeout} s"
    elif process.returncode != 0:
        failed = f"failed, see {log.name}"
    return Taken(seconds, cpu, megabytes, failed)


def _wait(process: subprocess.Popen[bytes]) -> tuple[float | None, float | None]:
    if not hasattr(os, "wait4"):
        process.wait()
        return None, None
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024)
