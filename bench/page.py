"""The figures as docs/benchmarks.md shows them, and what the project promises of them."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from cases import CASES, ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
MARK = "<!-- figures -->"
Figures = Mapping[str, Mapping[str, Any]]
"""By case and engine: what `run.py` keeps of one engine on one case."""
_NAMES = {
    "caretrace": "**caretrace**",
    "splink": "Splink",
    "splink-demonstration": "Splink, blocking of its demonstration",
    "recordlinkage": "recordlinkage",
}


@dataclass(frozen=True)
class Promise:
    """What must hold of a case."""

    case: str
    words: str
    holds: Callable[[Mapping[str, Any]], bool]
    """Of the case's figures by engine."""
    peer: str | None = None
    """The engine it is a comparison with; without figures of that one nothing is told."""


def _ours(key: str, least: float) -> Callable[[Mapping[str, Any]], bool]:
    return lambda by: by["caretrace"][key] >= least


def _at_most(key: str, most: float) -> Callable[[Mapping[str, Any]], bool]:
    return lambda by: (by["caretrace"][key] or 0) <= most


def _times(peer: str, key: str, times: float) -> Callable[[Mapping[str, Any]], bool]:
    # Of a peer that was stopped, the seconds it had taken by then.
    return lambda by: (by[peer][key] or 0) >= times * (by["caretrace"][key] or 0)


_DEMO = "splink-demonstration"
PROMISES = (
    Promise("100k-1m", "precision at least 0.9995", _ours("precision", 0.9995)),
    Promise("100k-1m", "recall at least 0.985", _ours("recall", 0.985)),
    Promise("100k-1m", "review at most 3 %", _at_most("review", 0.03)),
    Promise(
        "100k-1m", "10 times as fast as Splink with its demonstration's blocking", _times(_DEMO, "seconds", 10), _DEMO
    ),
    Promise("100k-1m", "a third of its memory", _times(_DEMO, "megabytes", 3), _DEMO),
    Promise("100k-1m", "as fast as Splink with blocking fitted to the lists", _times("splink", "seconds", 1), "splink"),
    Promise("100k-1m-none", "precision at least 0.999", _ours("precision", 0.999)),
    Promise("100k-1m-none", "recall at least 0.97", _ours("recall", 0.97)),
    Promise("1m-1m", "at most 30 s", _at_most("seconds", 30)),
    Promise("1m-1m", "at most 3,000 MB", _at_most("megabytes", 3000)),
    Promise("census", "F1 at least 0.990", _ours("f1", 0.990)),
    Promise("census", "precision at least 0.999", _ours("precision", 0.999)),
    Promise("census", "at most 4 s", _at_most("seconds", 4)),
    Promise("hard", "F1 at least 0.89", _ours("f1", 0.89)),
    Promise("febrl4", "F1 at least 0.997", _ours("f1", 0.997)),
)


def table(figures: Figures) -> str:
    """A line for each engine on each case; time and memory also as multiples of caretrace's in the same run."""
    lines = [
        "| lists | engine | seconds | CPU s | MB | time | memory | precision | recall | F1 | review | best F1, at |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for case in CASES:
        by_engine = figures.get(case.name, {})
        ours = by_engine.get("caretrace", {})
        for number, (engine, one) in enumerate(by_engine.items()):
            cells = [case.title if number == 0 else "", _NAMES[engine], *_cells(one, ours)]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _cells(one: Mapping[str, Any], ours: Mapping[str, Any]) -> list[str]:
    if one.get("failed"):
        return [str(one["failed"]), *[""] * 9]
    multiples = [_multiple(one[key], ours.get(key)) for key in ("seconds", "megabytes")]
    return [
        f"{one['seconds']:.1f}",
        "not known" if one["cpu"] is None else f"{one['cpu']:.1f}",
        "not known" if one["megabytes"] is None else f"{one['megabytes']:,.0f}",
        *multiples,
        f"{one['precision']:.5f}",
        f"{one['recall']:.4f}",
        f"{one['f1']:.4f}",
        f"{one['review']:.2%}" if one["review"] else "-",
        f"{one['best_f1']:.4f}, {one['best_at']:.3g}",
    ]


def _multiple(theirs: float | None, ours: float | None) -> str:
    return f"{theirs / ours:.1f} x" if theirs and ours else "-"


def promises(figures: Figures) -> list[tuple[str, bool]]:
    """Each promise of a measured case in a sentence, and whether it is kept."""
    titles = {case.name: case.title for case in CASES}
    told = []
    for promise in PROMISES:
        by_engine = figures.get(promise.case, {})
        measured = promise.peer is None or "seconds" in by_engine.get(promise.peer, {})
        if "caretrace" in by_engine and measured:
            kept = not by_engine["caretrace"].get("failed") and promise.holds(by_engine)
            told.append((f"{titles[promise.case]}: {promise.words}", kept))
    return told


def machine() -> str:
    """What the figures were measured on."""
    cpu, memory = Path("/proc/cpuinfo"), Path("/proc/meminfo")
    facts = [f"{os.cpu_count()} cores"]
    if cpu.exists():
        names = [
            line.split(":", 1)[1].strip() for line in cpu.read_text().splitlines() if line.startswith("model name")
        ]
        facts[0] += f" ({names[0]})" if names else ""
    if memory.exists():
        facts.append(f"{int(memory.read_text().split()[1]) / 1024**2:.0f} GB of memory")
    facts += [f"{platform.system()} {platform.machine()}", f"Python {platform.python_version()}"]
    for package in ("duckdb", "pyarrow", "pandas", "splink", "recordlinkage"):
        facts.append(f"{package} {version(package) or 'missing'}")
    return ", ".join(facts)


def version(package: str) -> str | None:
    """Which version is installed, None where none is."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def text(figures: Figures) -> str:
    """What stands below the mark of the page."""
    ours = (by_engine.get("caretrace", {}).get("commit") for by_engine in figures.values())
    commits = " and ".join(sorted({commit for commit in ours if commit}))
    marks = {True: "kept", False: "**not kept**"}
    told = "\n".join(f"| {words} | {marks[kept]} |" for words, kept in promises(figures))
    return (
        f"Measured on: {machine()}; caretrace at commit {commits}.\n\n{table(figures)}\n\n"
        f"| what the project promises | |\n|---|---|\n{told}\n"
    )


def write(figures: Figures) -> None:
    """Put the figures into the page, below its mark."""
    head = PAGE.read_text(encoding="utf-8").split(MARK)[0]
    PAGE.write_text(f"{head}{MARK}\n\n{text(figures)}", encoding="utf-8", newline="\n")
