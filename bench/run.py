"""Measures caretrace, Splink and recordlinkage on the same lists, one process after another, and prints one table.

    python bench/run.py [--quick] [--only CASE ...] [--engine NAME ...] [--again] [--write]

Figures are kept in bench/data/CASE.json as they come. What the same code gave on the same case is not measured again,
so an interrupted run goes on where it stopped; `--again` measures all anew. `--write` puts the table into
docs/benchmarks.md. Exit code 1 where a promise of the project is not kept, 2 where caretrace itself fails.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import measure
import page
import score
from cases import CASES, DATA, ENGINES, ROOT, Case, code_of, make_data, package


def main(arguments: list[str]) -> int:
    """Measure what is asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the small cases only")
    parser.add_argument("--only", nargs="+", choices=[case.name for case in CASES], help="these cases only")
    parser.add_argument("--engine", nargs="+", choices=ENGINES, default=list(ENGINES), help="these engines only")
    parser.add_argument("--again", action="store_true", help="measure what has been measured")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args(arguments)
    cases = [case for case in CASES if case.quick or not options.quick]
    cases = [case for case in cases if not options.only or case.name in options.only]
    figures = {case.name: measure_case(case, options.engine, again=options.again) for case in cases}
    print(page.machine(), page.table(figures), sep="\n\n")
    for words, kept in page.promises(figures):
        print(f"{'kept' if kept else 'NOT KEPT':<9} {words}")
    if options.write:
        page.write(kept_figures())
    if any(by_engine.get("caretrace", {}).get("failed") for by_engine in figures.values()):
        return 2
    return 0 if all(kept for _, kept in page.promises(figures)) else 1


def measure_case(case: Case, engines: list[str], *, again: bool) -> dict[str, Any]:
    """The figures of each engine, from the file where they are of the same code."""
    make_data(case)
    file = DATA / f"{case.name}.json"
    kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    data = (case.folder / "made_by.txt").read_text(encoding="utf-8")
    for engine in engines:
        if engine == "splink-demonstration" and not case.demonstration:
            continue
        key = f"{code_of(engine)} {page.version(package(engine))} {data}"
        if not again and _is_final(kept.get(engine, {}), key):
            continue
        print(f"{case.name}: {engine} ...", file=sys.stderr, flush=True)
        kept[engine] = {"key": key, "commit": _commit(), **measure_engine(case, engine)}
        file.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return {engine: kept[engine] for engine in ENGINES if engine in kept}


def _is_final(one: Mapping[str, Any], key: str) -> bool:
    """Measured with this code; a failure is tried again, but for one of running too long."""
    failed = one.get("failed")
    return one.get("key") == key and (failed is None or failed.startswith(measure.STOPPED))


def kept_figures() -> dict[str, dict[str, Any]]:
    """What is kept of all cases, so that a part measured anew does not take the rest off the page."""
    figures = {}
    for case in CASES:
        file = DATA / f"{case.name}.json"
        if file.exists():
            kept = json.loads(file.read_text(encoding="utf-8"))
            figures[case.name] = {engine: kept[engine] for engine in ENGINES if engine in kept}
    return figures


def measure_engine(case: Case, engine: str) -> dict[str, Any]:
    """Medians over the runs, the largest peak, and the score of the last run."""
    if page.version(package(engine)) is None:
        return {"failed": "not installed"}
    takes: list[measure.Taken] = []
    for _ in range(case.runs):
        with tempfile.TemporaryDirectory() as scratch:
            out = Path(scratch) / "out"
            takes.append(
                measure.run(case.command(engine, out), DATA / "logs" / f"{case.name}-{engine}.txt", case.timeout)
            )
            if takes[-1].failed:
                return asdict(takes[-1])
            found = asdict(score.score(engine, out, case.folder))
    cpu, megabytes = ([v for t in takes if (v := getattr(t, name)) is not None] for name in ("cpu", "megabytes"))
    return {
        "seconds": statistics.median(t.seconds for t in takes),
        "cpu": statistics.median(cpu) if cpu else None,
        "megabytes": max(megabytes, default=None),
        "failed": None,
        **found,
    }


def _commit() -> str:
    git = shutil.which("git")
    if git is None:
        return "not known"
    answer = subprocess.run(
        [git, "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or "not known"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
