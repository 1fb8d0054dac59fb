"""Times `caretrace link` as a whole process and checks its links against the truth.

100,000 clients against 1,000,000 register rows, and a tenth of both to show how the cost grows, each with half of the
NHS numbers missing and with all of them missing. The data are synthetic and made at the first run (fixtures/make.py).

    python bench/link.py [--runs N] [--quick] [--write]

`--write` puts the table into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
DATA = Path(__file__).parent / "data"
PAGE = ROOT / "docs" / "benchmarks.md"
SIZES = {"10 k x 100 k": (10_000, 100_000), "100 k x 1 M": (100_000, 1_000_000)}
PRESETS = {"half with numbers": "default", "no numbers at all": "no-nhs-numbers"}
# What the project promises of the large default case.
MOST_SECONDS, MOST_MEGABYTES, LEAST_PRECISION, LEAST_RECALL, MOST_GROWTH = 20, 2048, 0.999, 0.97, 12


@dataclass(frozen=True)
class Figures:
    """One line of the table; times are medians over the runs, in seconds, and memory the largest peak, in MB."""

    size: str
    data: str
    seconds: float
    megabytes: float | None
    precision: float
    recall: float
    review: float


def make_data(size: str, data: str) -> Path:
    """The folder with the data, made once."""
    clients, register = SIZES[size]
    folder = DATA / f"{clients}-{register}-{PRESETS[data]}"
    if not (folder / "truth.parquet").exists():
        command = [sys.executable, str(ROOT / "fixtures" / "make.py"), "--clients", str(clients)]
        command += ["--register", str(register), "--out", str(folder), "--preset", PRESETS[data]]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder


def measure(size: str, data: str, runs: int) -> Figures:
    """Run the command `runs` times on one case."""
    folder = make_data(size, data)
    seconds: list[float] = []
    peaks: list[float | None] = []
    found = (0.0, 0.0, 0.0)
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as scratch:
            out = Path(scratch) / "run"
            command = [sys.executable, "-m", "caretrace", "link", str(folder / "clients.parquet")]
            command += [str(folder / "register.parquet"), "--out", str(out)]
            started = time.perf_counter()
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            peaks.append(_wait(process))
            seconds.append(time.perf_counter() - started)
            found = _against_truth(out, folder / "truth.parquet")
    known = [peak for peak in peaks if peak is not None]
    return Figures(size, data, statistics.median(seconds), max(known) if known else None, *found)


def _wait(process: subprocess.Popen[bytes]) -> float | None:
    """Wait for the end; the peak of its resident memory in MB, where the system tells (not on Windows)."""
    if not hasattr(os, "wait4"):
        if process.wait() != 0:
            raise SystemExit("caretrace link failed; run it by hand to see why")
        return None
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit("caretrace link failed; run it by hand to see why")
    return usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024)


def _against_truth(run: Path, truth: Path) -> tuple[float, float, float]:
    """Precision and recall of the links, and the share of clients sent to review."""
    import duckdb

    from caretrace.truth import evaluate

    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW link AS FROM read_parquet('{(run / 'links.parquet').as_posix()}')")
        facts = evaluate(connection, truth)
        ((review,),) = connection.execute("SELECT avg((decision = 'review')::INT) FROM link").fetchall()
    return facts["right"] / facts["links"], facts["found"] / facts["findable"], review


def table(figures: list[Figures]) -> str:
    """The figures as a Markdown table."""
    lines = [
        "| size | NHS numbers | seconds | peak MB | precision | recall | review |",
        "|---|---|---|---|---|---|---|",
    ]
    for f in figures:
        memory = "not known" if f.megabytes is None else f"{f.megabytes:,.0f}"
        lines.append(
            f"| {f.size} | {f.data} | {f.seconds:.1f} | {memory} | {f.precision:.5f} | {f.recall:.4f} "
            f"| {f.review:.2%} |"
        )
    return "\n".join(lines)


def broken_promises(figures: list[Figures]) -> list[str]:
    """What the large default case should keep to and does not."""
    by_size = {f.size: f for f in figures if f.data == "half with numbers"}
    small, large = (by_size.get(size) for size in SIZES)
    if large is None or small is None:
        return []
    growth = large.seconds / small.seconds
    checks = {
        f"{large.seconds:.1f} s is over {MOST_SECONDS} s": large.seconds > MOST_SECONDS,
        f"{large.megabytes} MB is over {MOST_MEGABYTES} MB": (large.megabytes or 0) > MOST_MEGABYTES,
        f"precision {large.precision:.5f} is under {LEAST_PRECISION}": large.precision < LEAST_PRECISION,
        f"recall {large.recall:.4f} is under {LEAST_RECALL}": large.recall < LEAST_RECALL,
        f"ten times the data took {growth:.1f} times as long, over {MOST_GROWTH}": growth > MOST_GROWTH,
    }
    return [sentence for sentence, broken in checks.items() if broken]


def machine() -> str:
    """What the figures were measured on."""
    versions = {name: __import__(name).__version__ for name in ("duckdb", "pyarrow")}
    facts = [f"{os.cpu_count()} cores", platform.system(), f"Python {platform.python_version()}"]
    return ", ".join([*facts, *(f"{name} {version}" for name, version in versions.items())])


def main(arguments: list[str]) -> int:
    """Print the table; 1 where a promise is broken."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="the small size only")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args(arguments)
    sizes = list(SIZES)[:1] if options.quick else list(SIZES)
    figures = [measure(size, data, options.runs) for size in sizes for data in PRESETS]
    print(machine(), table(figures), sep="\n\n")
    broken = broken_promises(figures)
    for sentence in broken:
        print(f"broken promise: {sentence}", file=sys.stderr)
    if options.write:
        head = PAGE.read_text(encoding="utf-8").split("<!-- figures -->")[0]
        PAGE.write_text(
            f"{head}<!-- figures -->\n\nMeasured on: {machine()}; median of {options.runs} runs.\n\n{table(figures)}\n",
            encoding="utf-8",
            newline="\n",
        )
    print(json.dumps([vars(f) for f in figures]), file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
