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
    }


def look_up(folder: Path, file: Path, lookups: int) -> dict[str, Any]:
    """Open the saved Matcher and look clients up, one by one; milliseconds of each, and the decisions."""
    import pyarrow.parquet as pq

    import caretrace

    started = time.perf_counter()
    matcher = caretrace.Matcher.open(file)
    opened = time.perf_counter() - started
    parquet = pq.ParquetFile(folder / "clients.parquet")
    clients = next(parquet.iter_batches(lookups)).to_pylist()
    first, *times = (_timed(matcher, client) for client in [clients[0], *clients])
    ordered = sorted(milliseconds for milliseconds, _ in times)
    decisions = [decision for _, decision in times]
    return {
        "open, seconds": opened,
        "look-ups": len(times),
        "first look-up, ms": first[0],
        "median, ms": statistics.median(ordered),
        "90th percentile, ms": ordered[int(0.90 * len(ordered))],
        "99th percentile, ms": ordered[int(0.99 * len(ordered))],
        "longest, ms": ordered[-1],
        "share linked": decisions.count("link") / len(decisions),
        **_changes(matcher, folder),
        "memory of the process, MB": _peak(),
    }


def _timed(matcher: Any, client: dict[str, Any]) -> tuple[float, str]:
    started = time.perf_counter()
    found = matcher.match(client)
    return (time.perf_counter() - started) * 1e3, found.decision


def _changes(matcher: Any, folder: Path) -> dict[str, float]:
    """Milliseconds to take a row out and to put it back, over a hundred rows."""
    import pyarrow.parquet as pq

    rows = next(pq.ParquetFile(folder / "register.parquet").iter_batches(100)).to_pylist()
    started = time.perf_counter()
    for row in rows:
        matcher.remove(row["record_id"])
    removed = time.perf_counter()
    for row in rows:
        matcher.add(row)
    added = time.perf_counter()
    return {"remove a row, ms": (removed - started) * 10, "add a row, ms": (added - removed) * 10}


def _peak() -> float | None:
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def main(arguments: list[str]) -> int:
    """Print the table; 1 where a look-up takes longer than promised."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--register", type=int, default=1_000_000, help="rows of the register")
    parser.add_argument("--lookups", type=int, default=5_000)
    parser.add_argument("--data", type=Path, help="folder with clients.parquet and register.parquet")
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    folder = options.data or make_data(options.register)
    if options.open:
        print(json.dumps(look_up(folder, options.open, options.lookups)))
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "register.index"
        figures = build(folder, file)
        again = [
            sys.executable,
            __file__,
            "--open",
            str(file),
            "--data",
            str(folder),
            "--lookups",
            str(options.lookups),
        ]
        figures |= json.loads(subprocess.run(again, check=True, capture_output=True, encoding="utf-8").stdout)
    print("| | |\n|---|---|")
    for name, value in figures.items():
        print(f"| {name} | {value:,} |" if isinstance(value, int) else f"| {name} | {value or 0:,.2f} |")
    return int(figures["median, ms"] > MOST_MEDIAN or figures["99th percentile, ms"] > MOST_P99)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
