"""Measures reading: whole extracts from files to standard tables, beside pandas and DuckDB on the same files.

    python bench/read.py [--patients N] [--data FOLDER] [--only NAME ...] [--rounds N] [--write]

Every reading is a process of its own, and the engines take turns, so that what else the machine does falls on all of
them. caretrace reads every file of the extract and does all that a reading does; the peers (peers/reading.py) read the
same files and give types to the columns that are used, no more. Exit code 1 where a promise is not kept.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import making
import measure
import page

BENCH = Path(__file__).resolve().parent
ROOT, DATA = BENCH.parent, BENCH / "data"
ENGINES, ALONE = ("caretrace", "duckdb", "pandas"), ("caretrace",)
MARK, END = "<!-- reading -->", "<!-- end of reading -->"
LEAST_PER_SECOND, MOST_MEGABYTES, TIMES = 150_000, 1_500, 2
"""Promised of an EMIS extract of a million patients on two cores; a million people or events in any other format may
cost so many times that."""


@dataclass(frozen=True)
class Extract:
    """A format that is measured, and where it stands in the folder of extracts."""

    name: str
    made_as: str
    """What the generator calls it, or its name in `making.MAKERS`."""
    path: str
    engines: tuple[str, ...] = ENGINES
    """Those that can read it."""


EXTRACTS = (
    Extract("EMIS bulk extract, CSV", "emis", "emis"),
    Extract("SystmOne strategic reporting extract, CSV", "systmone", "systmone", ("caretrace", "pandas")),
    Extract("standard format, Parquet", "standard", "register.parquet"),
    Extract("FHIR R4 Patients, NDJSON", "fhir", "fhir.ndjson", ALONE),
    Extract("Mosaic reporting tables, CSV", "mosaic", "mosaic", ALONE),
    Extract("MPT reply, CSV of 33 columns", "mpt", "mpt.csv", ALONE),
    Extract("DBS reply, fixed width", "dbs", "dbs", ALONE),
    Extract("HL7 v2 ADT messages", "hl7", "adt.hl7", ALONE),
    Extract("SUS+ admitted patient care, CSV", "sus", "sus.csv", ALONE),
    Extract("CDS admitted patient care, fixed width", "cds", "cds.txt", ALONE),
)


def main(arguments: Sequence[str]) -> int:
    """Measure, print the table, and hold it against what is promised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=1_000_000, help="register rows to make")
    parser.add_argument("--data", type=Path, help="folder with extracts made already")
    parser.add_argument("--only", nargs="+", choices=[extract.made_as for extract in EXTRACTS], help="these only")
    parser.add_argument("--rounds", type=int, default=3, help="readings of each engine; figures are medians")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.read:
        print(json.dumps(read(options.read)))
        return 0
    folder = options.data or make_data(options.patients)
    chosen = [extract for extract in EXTRACTS if not options.only or extract.made_as in options.only]
    figures = {extract.name: compare(folder / extract.path, options.rounds, extract.engines) for extract in chosen}
    print(table(figures))
    kept = promises(figures)
    for words, holds in kept:
        print(f"{'kept' if holds else 'NOT KEPT':<9} {words}")
    if options.write:
        write(figures)
    return 0 if all(holds for _, holds in kept) else 1


def make_data(patients: int) -> Path:
    """The folder with all extracts of `patients` people, each made once."""
    folder = DATA / f"reading-{patients}"
    missing = [extract for extract in EXTRACTS if not (folder / extract.path).exists()]
    if generated := [extract.made_as for extract in missing if extract.made_as not in making.MAKERS]:
        command = [sys.executable, str(ROOT / "fixtures" / "make.py"), "--out", str(folder)]
        command += ["--clients", str(max(patients // 50, 100)), "--register", str(patients), "--format"]
        subprocess.run([*command, *generated], check=True, stdout=subprocess.DEVNULL)
    for extract in missing:
        if extract.made_as in making.MAKERS:
            # By a process of its own: Linux counts the memory that this one held among that of the readers it starts.
            command = [sys.executable, str(BENCH / "making.py"), extract.made_as]
            subprocess.run([*command, str(folder / "register.parquet"), str(folder / extract.path)], check=True)
    return folder


def read(data: Path) -> dict[str, Any]:
    """Read with caretrace into a working store as `caretrace link` has it; records by file, and rows by table."""
    from caretrace import working_store
    from caretrace.run_settings import RunSettings
    from connectors import Source
    from connectors import read as read_sources

    as_at = date(2026, 11, 22)
    with (
        tempfile.TemporaryDirectory() as scratch,
        working_store.opened(Path(scratch), RunSettings(as_at=as_at, threads=2)) as connection,
    ):
        report = read_sources(connection, [Source(data)], side="register", as_at=as_at)
        return {
            "records": report.records,
            "people": report.tables["PERSON"],
            "rows": sum(report.tables.values()),
            "bytes": sum(file.bytes for file in report.files),
        }


def compare(data: Path, rounds: int, engines: Sequence[str] = ENGINES) -> dict[str, dict[str, Any]]:
    """Medians of each engine; one after the other, round by round."""
    takes: dict[str, list[measure.Taken]] = {engine: [] for engine in engines}
    facts: dict[str, Any] = {}
    for _ in range(rounds):
        for engine in engines:
            print(f"{data.name}: {engine} ...", file=sys.stderr, flush=True)
            log = DATA / "logs" / f"reading-{data.name}-{engine}.txt"
            taken = measure.run(command(engine, data), log, timeout=900)
            if taken.failed:
                raise SystemExit(f"{engine} on {data.name}: {taken.failed}")
            takes[engine].append(taken)
            if engine == "caretrace":
                facts = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    return {engine: {**facts, **_medians(takes[engine], takes["caretrace"])} for engine in engines}


def command(engine: str, data: Path) -> list[str]:
    """What is timed, from the start of Python on."""
    if engine == "caretrace":
        return [sys.executable, str(Path(__file__).resolve()), "--read", str(data)]
    return [sys.executable, str(BENCH / "peers" / "reading.py"), engine, str(data)]


def _medians(takes: Sequence[measure.Taken], ours: Sequence[measure.Taken]) -> dict[str, float | None]:
    pairs = list(zip(takes, ours, strict=True))
    return {
        "seconds": statistics.median(take.seconds for take in takes),
        "cpu": statistics.median(take.cpu or 0 for take in takes) or None,
        "megabytes": max((take.megabytes or 0 for take in takes), default=0) or None,
        # Of readings that stood side by side in time: what the machine did meanwhile, it did to both.
        "times": statistics.median(take.seconds / own.seconds for take, own in pairs),
        "cpu_times": statistics.median((take.cpu or 0) / own.cpu for take, own in pairs if own.cpu) or None,
    }


def promises(figures: dict[str, dict[str, dict[str, Any]]]) -> list[tuple[str, bool]]:
    """What the project promises of reading, and whether it holds; nothing of other formats where EMIS is not measured.

    Formats tell a person in one record or in several, so what is held against each other is the reading of a million
    people (or of a million messages, episodes or replies), and not of a record.
    """
    emis = figures.get(EXTRACTS[0].name, {}).get("caretrace")
    if not emis:
        return []
    kept = []
    for extract in EXTRACTS:
        own = figures.get(extract.name, {}).get("caretrace")
        if own is emis:
            holds = own["records"] / own["seconds"] >= LEAST_PER_SECOND
            kept.append((f"{extract.name}: at least {LEAST_PER_SECOND:,} records a second", holds))
        elif own:
            kept.append((f"{extract.name}: at most {TIMES} times the time", own["seconds"] <= TIMES * emis["seconds"]))
        if own:
            most = MOST_MEGABYTES * (1 if own is emis else TIMES)
            kept.append((f"{extract.name}: at most {most:,} MB", (own["megabytes"] or 0) <= most))
    return kept


def of_emis(figures: dict[str, dict[str, dict[str, Any]]], one: dict[str, Any]) -> float | None:
    """How many times the processor time of our EMIS reader a record takes."""
    emis = figures.get(EXTRACTS[0].name, {}).get("caretrace")
    if not emis or not emis["cpu"] or not one["cpu"]:
        return None
    return float(one["cpu"] / one["records"] / (emis["cpu"] / emis["records"]))


def table(figures: dict[str, dict[str, dict[str, Any]]]) -> str:
    """All figures as one Markdown table."""
    lines = [
        "| extract | reader | seconds | CPU s | MB | records a second | people a second | time | CPU | CPU a record |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    names = {"caretrace": "**caretrace**", "duckdb": "DuckDB, columns only", "pandas": "pandas, columns only"}
    for name, by_engine in figures.items():
        for engine, one in by_engine.items():
            what = f"{name}: {one['records']:,} records, {one['bytes'] / 1e6:,.0f} MB" if engine == "caretrace" else ""
            cpu, memory, times = (one[key] for key in ("cpu", "megabytes", "cpu_times"))
            record = of_emis(figures, one)
            lines.append(
                f"| {what} | {names[engine]} | {one['seconds']:.1f} | {'-' if cpu is None else f'{cpu:.1f}'}"
                f" | {'-' if memory is None else f'{memory:,.0f}'} | {one['records'] / one['seconds']:,.0f}"
                f" | {one['people'] / one['seconds']:,.0f} | {one['times']:.2f} x"
                f" | {'-' if times is None else f'{times:.2f} x'}"
                f" | {'-' if record is None else f'{record:.2f} of EMIS'} |"
            )
    return "\n".join(lines)


def write(figures: dict[str, dict[str, dict[str, Any]]]) -> None:
    """Put the figures between their marks in the page."""
    text = page.PAGE.read_text(encoding="utf-8")
    head, rest = text.split(MARK)
    kept = "\n".join(f"| {words} | {'kept' if holds else '**not kept**'} |" for words, holds in promises(figures))
    told = f"{page.machine()}\n\n{table(figures)}\n\n| what the project promises of reading | |\n|---|---|\n{kept}"
    page.PAGE.write_text(f"{head}{MARK}\n\n{told}\n\n{END}{rest.split(END)[1]}", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
