"""The linked tables of the last run, for a night that left them out: its folder once more, whole, beside the first."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from caretrace import run_folder
from caretrace.project import Project, settings
from caretrace.run_folder import Run
from caretrace.warehouse.publish.refresh import number_of, refresh, runs
from caretrace.warehouse.publish.snapshot import republish
from caretrace.warehouse.store import read_state
from caretrace.warehouse.views import open_views


def write(project: Project) -> Run:
    """Give the newest run with its tables: written now as `runs/0042-tables`, unless they stand already.

    The views show it afterwards. The project must be held. InputError where there has been no run.
    """
    plain = settings.load(project).for_pipeline(as_at=date.min)
    with read_state(project.warehouse, plain) as state:
        for run in runs(project, whole=True):
            if number_of(run) == state.run:
                return run
        [(as_at,)] = state.connection.execute("SELECT as_at FROM state.run WHERE run = ?", [state.run]).fetchall()
        open_views(state)
        with run_folder.drafting(_folder(project, state.run)) as draft:
            manifest = republish(state, draft.path, replace(plain, as_at=as_at))
            manifest["warehouse"]["kind"] = "tables"
            run = run_folder.finish(draft, manifest)
    refresh(project, run.path)
    return run


def _folder(project: Project, run: int) -> Path:
    return project.runs / f"{run:04d}-tables"
