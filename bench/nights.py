"""Measures a full run of a project and the nights after it: 100,000 clients, 1,000,000 register rows, 1 % a night.

python bench/nights.py [--clients 100000] [--register 1000000] [--nights 3] [--link]

Every run is `caretrace run` as a process of its own, from files in the inboxes to run folder and warehouse. Nights are
measured with both settings of outputs.tables, after the same full run: `nightly` writes every table as Parquet anew,
`weekly` does so once a week and else writes what changed. Prints seconds, CPU seconds and peak memory of each run, its
share of the full run, and where the time went. With `--link` the full extracts are measured with `caretrace link` as
well, which keeps no warehouse. Exit code 1 where the promise is not kept: a night (`weekly`) within a tenth of the full
run. The figures are kept in bench/data/nights.json.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import measure
import page
from cases import DATA, ROOT, digest

PROMISE = 0.1
"""Of a full run's time, what a night may take at most."""
TIMEOUT = 900
TABLES = ("weekly", "nightly")
SETTINGS = """
[outputs]
tables = "{tables}"
[resources]
quiet_seconds = 0
[[source]]
name = "clients"
side = "clients"
full_names = "*-full*"
[[source]]
name = "register"
side = "register"
full_names = "*-full*"
"""


def main(arguments: list[str]) -> int:
    """Measure and print; 0 where the promise is kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=100_000)
    parser.add_argument("--register", type=int, default=1_000_000)
    parser.add_argument("--nights", type=int, default=3)
    parser.add_argument("--link", action="store_true", help="measure `caretrace link` of the full extracts as well")
    options = parser.parse_args(arguments)
    data = make_data(options.clients, options.register, options.nights)
    with tempfile.TemporaryDirectory(dir=DATA, prefix="nights-work-") as work:
        figures = measure_nights(data, Path(work), options.nights)
        if options.link:
            figures["link"] = measure_link(data, Path(work))
    kept = report(figures, f"{options.clients:,} clients, {options.register:,} register rows")
    figures |= {"clients": options.clients, "register": options.register, "machine": page.machine()}
    (DATA / "nights.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0 if kept else 1


def make_data(clients: int, register: int, nights: int) -> Path:
    """What arrives, made where it is missing or another version of the generator made it."""
    folder = DATA / f"nights-{clients}-{register}-{nights}"
    maker = ROOT / "fixtures" / "make.py"
    made_by, mark = digest([maker, *sorted((ROOT / "caretrace" / "synthetic").iterdir())]), folder / "made_by.txt"
    if mark.exists() and mark.read_text(encoding="utf-8") == made_by:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    sizes = ["--clients", str(clients), "--register", str(register), "--nights", str(nights)]
    # Only the good deliveries are measured.
    command = [sys.executable, str(maker), *sizes, "--bad-every", str(nights + 1), "--out", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    mark.write_text(made_by, encoding="utf-8")
    return folder


def measure_nights(data: Path, work: Path, nights: int) -> dict[str, Any]:
    """The full run, and the nights after it with either setting, one process after another."""
    days = json.loads((data / "steps.json").read_text(encoding="utf-8"))["as_at"]
    os.environ["CARETRACE_KEYS"] = str(work / "keys")
    first = work / TABLES[0]
    for side in ("clients", "register"):
        (first / "in" / side).mkdir(parents=True)
    settle(first, TABLES[0])
    figures: dict[str, Any] = {"full": measure_run(data, first, 0, days[0])}
    for tables in TABLES[1:]:
        shutil.copytree(first, work / tables)
        settle(work / tables, tables)
    for tables in TABLES:
        steps = range(1, nights + 1)
        figures[tables] = [measure_run(data, work / tables, step, days[step]) for step in steps]
    return figures


def settle(project: Path, tables: str) -> None:
    """Write caretrace.toml."""
    (project / "caretrace.toml").write_text(SETTINGS.format(tables=tables), encoding="utf-8")


def measure_run(data: Path, project: Path, step: int, day: str) -> dict[str, Any]:
    """One `caretrace run`, and what its manifest says of it."""
    shutil.copytree(data / "steps" / f"{step:03d}", project / "in", dirs_exist_ok=True)
    command = [sys.executable, "-m", "caretrace", "run", "--project", str(project), "--as-at", day]
    taken = measure.run(command, DATA / "logs" / f"nights-{project.name}-{step}.txt", TIMEOUT)
    if taken.failed:
        raise SystemExit(f"run {step}: {taken.failed}")
    result = json.loads((project / "result.json").read_text(encoding="utf-8"))
    if result["run"] is None:
        raise SystemExit(f"run {step} made no run: {result['summary']}")
    manifest = json.loads((project / result["run_folder"] / "manifest.json").read_text(encoding="utf-8"))
    kept = ("reached", "decided", "seconds")
    return {
        **asdict(taken),
        "stages": result["seconds"],
        "linkage": {name: manifest["linkage"][name] for name in kept if name in manifest["linkage"]},
        "state_megabytes": (project / "warehouse" / "state.duckdb").stat().st_size / 1e6,
    }


def measure_link(data: Path, work: Path) -> dict[str, Any]:
    """`caretrace link` of the first day's full extracts."""
    sides = [str(next((data / "steps" / "000" / side).iterdir())) for side in ("clients", "register")]
    command = [sys.executable, "-m", "caretrace", "link", *sides, "--out", str(work / "linked")]
    return asdict(measure.run(command, DATA / "logs" / "nights-link.txt", TIMEOUT))


def report(figures: dict[str, Any], title: str) -> bool:
    """Print the figures; whether the promise is kept."""
    full = figures["full"]
    print(f"{title}; {page.machine()}\n")
    print(f"{'':<20}{'seconds':>9}{'CPU':>9}{'MB':>8}   stages")
    named = {"full run": full}
    for tables in TABLES:
        named |= {f"night {n}, {tables}": night for n, night in enumerate(figures[tables], 1)}
    for name, run in (named | {"link": figures["link"]} if "link" in figures else named).items():
        stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in run.get("stages", {}).items())
        print(f"{name:<20}{run['seconds']:>9.1f}{run['cpu'] or 0:>9.1f}{run['megabytes'] or 0:>8.0f}   {stages}")
    print()
    for tables in TABLES:
        shares = {what: of_full(full, figures[tables], what) for what in ("seconds", "cpu")}
        told = ", ".join(f"{share:.3f} of its {what}" for what, share in shares.items() if share is not None)
        print(f"a night beside the full run, tables {tables}: {told}")
    kept = (of_full(full, figures[TABLES[0]], "seconds") or 0) <= PROMISE
    words = f"a night of 1 %, tables {TABLES[0]}, takes at most {PROMISE:.0%} of the full run"
    print(f"{'kept' if kept else 'NOT KEPT':<9} {words}")
    return kept


def of_full(full: dict[str, Any], nights: list[dict[str, Any]], what: str) -> float | None:
    """The median night's share of the full run; None where the system does not tell (Windows, CPU seconds)."""
    return statistics.median(night[what] for night in nights) / full[what] if full[what] else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
