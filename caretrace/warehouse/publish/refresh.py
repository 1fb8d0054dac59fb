"""What stands beside the run folders and is made from them: the whole past, and the views over the newest run.

warehouse/history/<table>/000007.parquet   rows that ended with run 7; kept when the run's folder is removed
warehouse/warehouse.duckdb                 see `views_file`
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from caretrace import run_folder
from caretrace.project import Project
from caretrace.warehouse.publish import views_file
from governance import at_rest
from schemas.errors import InputError
from schemas.warehouse import PUBLISHED

if TYPE_CHECKING:
    from caretrace.run_folder import Run

HISTORY = "history"


@dataclass(frozen=True)
class Refreshed:
    """What stands beside the runs now."""

    number: int
    views: Path | None
    """Where the views are; not in warehouse.duckdb where a reader on Windows keeps that from being replaced. None where
    the project's files are encrypted: DuckDB could not read what the views name."""
    collected: int
    """Files of the past that were added."""


def refresh(project: Project, run: Path, *, wait: float = 5.0) -> Refreshed:
    """Collect the past from every run folder that has some to give, and write the views over the run folder `run`.

    Where that night wrote no tables the views stay over the newest run that did. Safe to repeat: after a run that died
    in between, the next call makes good what is missing.
    """
    newest = run_folder.open(run, whole=False)
    number = number_of(newest)
    history = project.warehouse / HISTORY
    collected = sum(_collect(each, number_of(each), history) for each in runs(project))
    collected += _collect(newest, number, history, again=True)
    shown = newest if has_tables(newest) else next(reversed(list(runs(project, whole=True))), None)
    if shown is None:
        raise InputError("no run with tables is left; `caretrace warehouse tables` writes them", path=project.runs)
    path = project.warehouse / views_file.FILE
    if at_rest.rule_for(path).encrypt:
        path.unlink(missing_ok=True)
        return Refreshed(number_of(shown), None, collected)
    if shown is newest or views_file.shows(path) != number_of(shown):
        path = views_file.write(path, shown.path, history, number_of(shown), wait=wait)
    return Refreshed(number_of(shown), path, collected)


def runs(project: Project, *, whole: bool = False) -> Iterator[Run]:
    """The finished runs of the warehouse whose folders are still there, oldest first; `whole`: those with tables."""
    found = []
    for path in project.runs.iterdir() if project.runs.is_dir() else ():
        if (path / run_folder.MANIFEST).is_file() and not path.name.startswith("."):
            run = run_folder.open(path, whole=False)
            if "warehouse" in run.manifest and (has_tables(run) or not whole):
                found.append(run)
    yield from sorted(found, key=number_of)


def has_tables(run: Run) -> bool:
    """Whether the run wrote the linked tables."""
    return run.manifest["warehouse"].get("tables") is not False


def number_of(run: Run) -> int:
    """The run's number; InputError where it is no run of a warehouse."""
    about = run.manifest.get("warehouse")
    if not isinstance(about, dict) or not isinstance(about.get("run"), int):
        raise InputError("is no run of a warehouse: `caretrace link` wrote it, not `caretrace run`", path=run.path)
    return int(about["run"])


def _collect(run: Run, number: int, history: Path, *, again: bool = False) -> int:
    """Copy what ended with a run; of tables without such rows only the first file, which shows their columns."""
    copied = 0
    for each in PUBLISHED:
        if not each.history:
            continue
        source, target = run.path / each.history, history / each.name / f"{number:06d}.parquet"
        if target.exists() and not again:
            continue
        # Runs are collected in their order: what is older than the oldest file was purged.
        if any(number < int(path.stem) for path in sorted(target.parent.glob("*.parquet"))[:1]):
            continue
        if not _rows(source) and any(path != target for path in target.parent.glob("*.parquet")):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        at_rest.copy(source, target, target.with_name(f"{target.name}.new"))
        copied += 1
    return copied


def _rows(path: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(at_rest.readable(path)).num_rows)
