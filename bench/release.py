"""Measures releases: a million people with twelve fields each planned and made, pseudonyms alone, and the log.

    python bench/release.py [--people N] [--entries N] [--data FOLDER] [--write]

Everything is a process of its own, from the start of Python on. A release is worked out, measured for k-anonymity and
searched for identifiers twice, once to be shown and once to be made, then indexed, pseudonymised, written, searched
again, encrypted and logged. Exit code 1 where a promise is not kept.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import measure
import page

BENCH = Path(__file__).resolve().parent
MARK, END = "<!-- releases -->", "<!-- end of releases -->"
BATCHES, PROMISED_BATCH = (1, 10, 50, 500), 50
"""Entries that are made durable together."""
TIMEOUT = 1800

Figures = dict[str, dict[str, Any]]


def main(arguments: Sequence[str]) -> int:
    """Measure, print the table, and hold it against what is promised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1_000_000, help="people of the run, each with two records")
    parser.add_argument("--entries", type=int, default=100_000, help="entries of the log that is checked")
    parser.add_argument("--data", type=Path, help="a folder to make the data in, or where it was made")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.part:
        PARTS[options.part](options.data, options.people)
        return 0
    with tempfile.TemporaryDirectory() as made:
        figures = measured(options.data or Path(made), options.people, options.entries)
    print(f"{page.machine()}{_load()}\n\n{table(figures)}")
    kept = promises(figures)
    for words, holds in kept:
        print(f"{'kept' if holds else 'NOT KEPT':<9} {words}")
    if options.write:
        write(figures)
    return 0 if all(holds for _, holds in kept) else 1


def measured(folder: Path, people: int, entries: int) -> Figures:
    """What each part took; what there is to measure it on is made where it is not there."""
    run, log = folder / f"release-{people}", folder / f"log-{entries}"
    # Not made here: a process that is started is told to have held at least what the one that starts it holds.
    if not (run / "agreement").exists():
        _taken(_part("people", run, people), folder / "said.txt")
    if not log.exists():
        _taken(_part("log", log, entries), folder / "said.txt")
    audit = log / "project" / "audit"
    alone = BENCH.parent / "governance" / "verify_audit_log.py"
    commands = {
        f"release of {people:,} people, planned and made": _part("release", run, people),
        f"pseudonyms of {people:,} people": _part("pseudonyms", run, people),
        f"log of {entries:,} entries checked": _part("verify", log, people),
        f"log of {entries:,} entries checked by verify_audit_log.py": [
            sys.executable, str(alone), str(audit), "--key", str(audit / "log.vkey"),
        ],
        "decisions logged": _part("append", folder, people),
    }  # fmt: skip
    return {name: _taken(command, folder / "said.txt") for name, command in commands.items()}


def _part(name: str, folder: Path, count: int) -> list[str]:
    return [sys.executable, __file__, "--part", name, "--data", str(folder), "--people", str(count)]


def _taken(command: list[str], said: Path) -> dict[str, Any]:
    taken = measure.run(command, said, TIMEOUT)
    text = said.read_text("utf-8")
    if taken.failed:
        raise SystemExit(f"{taken.failed}: {text}")
    found = vars(taken)
    return found | (json.loads(text) if text.startswith("{") else {})


def _release(folder: Path, people: int) -> None:
    """The first release of a project: later ones may find that the index of people knows everybody already."""
    from release_data import NOW, TODAY

    from governance import agreement, example, keys, release

    with tempfile.TemporaryDirectory(dir=folder) as made:
        project, keys_dir = Path(made) / "project", Path(made) / "keys"
        project.mkdir()
        keys.create(keys_dir, project=project)
        signed = agreement.load(folder / "agreement" / "agreement.toml")
        planned = release.plan(
            folder / "run", signed, project=project, keys_dir=keys_dir, today=TODAY, recipient="X0X02"
        )
        release.check(planned)
        release.make(planned, project / "releases" / "one", example.APPROVER, maker="maker", now=NOW)


def _pseudonyms(folder: Path, people: int) -> None:
    from governance.deidentify import pseudonym

    pseudonym.pseudonyms(bytes(32), pseudonym.PERSON, [f"{n:032x}" for n in range(people)])


def _verify(folder: Path, people: int) -> None:
    from governance import audit

    audit.verify(folder / "project" / "audit", keys_dir=folder / "keys")


def _append(folder: Path, people: int) -> None:
    """Entries a second for each size of batch, each batch on disk before the next begins."""
    from release_data import NOW, decisions

    from governance import keys
    from governance.audit import log

    rates = {}
    with tempfile.TemporaryDirectory(dir=folder) as made:
        project = Path(made) / "project"
        project.mkdir()
        secrets = keys.create(Path(made) / "keys", project=project)
        with log.opened(project / "audit", secrets, now=NOW) as held:
            for batch in BATCHES:
                items, began, count = decisions(batch), time.perf_counter(), 0
                while time.perf_counter() - began < 2:
                    held.append(items, now=NOW)
                    count += batch
                rates[batch] = count / (time.perf_counter() - began)
    print(json.dumps({"rates": rates}))


def _people(folder: Path, people: int) -> None:
    import release_data

    release_data.write_release(folder, people)


def _log(folder: Path, entries: int) -> None:
    import release_data

    release_data.write_log(folder, entries)


PARTS = {
    "people": _people,
    "log": _log,
    "release": _release,
    "pseudonyms": _pseudonyms,
    "verify": _verify,
    "append": _append,
}


def promises(figures: Figures) -> list[tuple[str, bool]]:
    """What the project promises of a million people and a hundred thousand entries, and whether it holds."""
    release, pseudonyms, log, alone, appended = figures.values()
    names = list(figures)
    rate = appended["rates"][str(PROMISED_BATCH)]
    return [
        (f"{names[0]}: at most 60 s", release["seconds"] <= 60),
        (f"{names[0]}: at most 2 GB", (release["megabytes"] or 0) <= 2000),
        (f"{names[1]}: at most 8 s", pseudonyms["seconds"] <= 8),
        (f"{names[2]}: at most 5 s", log["seconds"] <= 5),
        (f"{names[3]}: at most 5 s", alone["seconds"] <= 5),
        (f"at least 500 decisions a second logged, {PROMISED_BATCH} made durable together", rate >= 500),
    ]


def table(figures: Figures) -> str:
    """All figures as Markdown tables."""
    lines = ["| what | seconds | CPU s | MB |", "|---|---|---|---|"]
    for name, one in figures.items():
        cpu, memory = one["cpu"], one["megabytes"]
        if "rates" not in one:
            lines.append(
                f"| {name} | {one['seconds']:.1f} | {'-' if cpu is None else f'{cpu:.1f}'}"
                f" | {'-' if memory is None else f'{memory:,.0f}'} |"
            )
    rates = next(one["rates"] for one in figures.values() if "rates" in one)
    lines += ["", "| entries made durable together | entries a second |", "|---|---|"]
    return "\n".join([*lines, *(f"| {batch} | {rate:,.0f} |" for batch, rate in rates.items())])


def _load() -> str:
    """How busy the machine was, which seconds depend on; processor seconds hardly do."""
    return f"; load {os.getloadavg()[2]:.1f} over the last 15 minutes" if hasattr(os, "getloadavg") else ""


def write(figures: Figures) -> None:
    """Put the figures between their marks in the page."""
    head, rest = page.PAGE.read_text(encoding="utf-8").split(MARK)
    kept = "\n".join(f"| {words} | {'kept' if holds else '**not kept**'} |" for words, holds in promises(figures))
    told = f"{page.machine()}{_load()}\n\n{table(figures)}\n\n"
    told += f"| what the project promises of releasing | |\n|---|---|\n{kept}"
    page.PAGE.write_text(f"{head}{MARK}\n\n{told}\n\n{END}{rest.split(END)[1]}", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
