"""Times instant look-up: building, saving and opening a Matcher, and single look-ups against it.

The register and the clients are synthetic and made at the first run (fixtures/make.py). Look-ups are timed in a process
of their own that has opened the saved Matcher, as a service would; its memory is that process's peak.

    python bench/matcher.py [--register ROWS] [--lookups N] [--data FOLDER]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
DATA = Path(__file__).parent / "data"
# What the project promises of a register of a million rows, in milliseconds.
MOST_MEDIAN, MOST_P99 = 5.0, 20.0


def make_data(rows: int) -> Path:
    """The folder with clients.parquet and register.parquet, made once."""
    clients = max(rows // 10, 1_000)
    folder = DATA / f"{clients}-{rows}-default"
    if not (folder / "truth.parquet").exists():
        command = [sys.executable, str(ROOT / "fixtures" / "make.py"), "--clients", str(clients)]
        subprocess.run([*command, "--register", str(rows), "--out", str(folder)], check=True, stdout=subprocess.DEVNULL)
    return folder


def build(folder: Path, file: Path) -> dict[str, Any]:
    """Build and save; seconds of each, rows, and the size of the file in MB."""
    import caretrace

    started = time.perf_counter()
    matcher = caretrace.Matcher(folder / "register.parquet")
    built = time.perf_counter()
    matcher.save(file)
    saved = time.perf_counter()
    return {
        "register rows": len(matcher),
        "build, seconds": built - started,
        "save, seconds": saved - built,
        "file, MB": file.stat().st_size / 1e6,
        "memory of building, MB": _peak(),
    }


def head(parquet: Path, rows: int) -> list[dict[str, Any]]:
    """The first rows of a file."""
    import pyarrow.parquet as pq

    found: list[dict[str, Any]] = next(pq.ParquetFile(parquet).iter_batches(rows)).to_pylist()
    return found


def look_up(file: Path, clients: list[dict[str, Any]], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Open the saved Matcher and look clients up, one by one; then take `rows` out and put them back."""
    import caretrace

    started = time.perf_counter()
    matcher = caretrace.Matcher.open(file)
    opened = time.perf_counter() - started
    cpu = time.process_time()
    first, *times = (_timed(matcher, client) for client in [clients[0], *clients])
    cpu = time.process_time() - cpu
    ordered = sorted(milliseconds for milliseconds, _ in times)
    figures = {
        "open, seconds": opened,
        "look-ups": len(times),
        "first look-up, ms": first[0],
        "median, ms": statistics.median(ordered),
        "90th percentile, ms": ordered[int(0.90 * len(ordered))],
        "99th percentile, ms": ordered[int(0.99 * len(ordered))],
        "longest, ms": ordered[-1],
        "mean of processor time, ms": cpu / len(clients) * 1e3,
        "share linked": [decision for _, decision in times].count("link") / len(times),
        "memory of the process, MB": _peak(),
    }
    started = time.perf_counter()
    for row in rows:
        matcher.remove(row["record_id"])
    removed = time.perf_counter()
    for row in rows:
        matcher.add(row)
    added = time.perf_counter()
    each = 1e3 / len(rows)
    return {
        **figures,
        "remove a row, ms": (removed - started) * each,
        "add a row, ms": (added - removed) * each,
        "memory after changes, MB": _peak(),
    }


def _timed(matcher: Any, client: dict[str, Any]) -> tuple[float, str]:
    started = time.perf_counter()
    found = matcher.match(client)
    return (time.perf_counter() - started) * 1e3, found.decision


def _peak() -> float | None:
    """The peak of resident memory, where the system tells it of this process alone (Linux)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    peak = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1e3


def main(arguments: list[str]) -> int:
    """Print the table; 1 where a look-up takes longer than promised."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--register", type=int, default=1_000_000, help="rows of the register")
    parser.add_argument("--lookups", type=int, default=5_000)
    parser.add_argument("--data", type=Path, help="folder with clients.parquet and register.parquet")
    parser.add_argument("--look-up", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.look_up:
        task = json.loads(options.look_up.read_text(encoding="utf-8"))
        print(json.dumps(look_up(Path(task["file"]), task["clients"], task["rows"])))
        return 0
    folder = options.data or make_data(options.register)
    with tempfile.TemporaryDirectory() as scratch:
        file, task = Path(scratch) / "register.index", Path(scratch) / "task.json"
        figures = build(folder, file)
        facts = {
            "file": str(file),
            "clients": head(folder / "clients.parquet", options.lookups),
            "rows": head(folder / "register.parquet", 100),
        }
        task.write_text(json.dumps(facts, default=str), encoding="utf-8")
        command = [sys.executable, __file__, "--look-up", str(task)]
        figures |= json.loads(subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout)
    print("| | |\n|---|---|")
    for name, value in figures.items():
        shown = "not known" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
        print(f"| {name} | {shown} |")
    return int(figures["median, ms"] > MOST_MEDIAN or figures["99th percentile, ms"] > MOST_P99)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
