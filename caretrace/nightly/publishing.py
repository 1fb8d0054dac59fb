"""How a run folder comes to stand beside its state: sealed before the state is replaced, renamed after it.

Killed before, the run never was; killed between, the next start finds the sealed folder and gives it its name.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from caretrace import run_folder
from caretrace.project import Project
from caretrace.run_folder import Draft
from caretrace.warehouse import store
from schemas.errors import InputError

if TYPE_CHECKING:
    from caretrace.warehouse.store import State

_DRAFT = f"{run_folder.PARTIAL}night"


def folder(runs: Path, run: int) -> Path:
    """The folder of a run, by its number."""
    return runs / f"{run:04d}"


@contextmanager
def drafting(runs: Path, state: State) -> Iterator[Draft]:
    """A draft of the run's folder; it is left where the state was replaced, and gone where it was not."""
    final = folder(runs, state.run)
    beside = _draft(final)
    if beside.exists():
        shutil.rmtree(beside)
    draft = run_folder.draft_at(beside, final)
    try:
        yield draft
    finally:
        if not state.committed:
            run_folder.discard(draft)


def require_room(runs: Path, run: int) -> None:
    """Raise InputError where something stands where the run's folder will be."""
    final = folder(runs, run)
    if os.path.lexists(final):
        raise InputError(f"is in the way of run {run}; give it another name", path=final)


def recover(project: Project, last_run: int) -> Path | None:
    """Publish the last run where it was killed before its folder had its name, and remove what runs that died left.

    Gives the folder that was published, None where there was nothing to do. The project is held meanwhile.
    """
    found = None
    runs = project.runs
    final = folder(runs, last_run)
    draft = Draft(_draft(final), final)
    if last_run and not final.exists() and (draft.path / run_folder.MANIFEST).is_file():
        run_folder.place(draft)
        found = final
    for stale in (*runs.glob(_DRAFT.format("*")), *project.warehouse.glob("work-*")):
        shutil.rmtree(stale, ignore_errors=True)
    for stale in project.warehouse.glob(f"{store.NEXT}*"):
        stale.unlink(missing_ok=True)
    return found


def loaded(marks: Path) -> dict[str, int]:
    """Target to the run it holds, as far as it is known."""
    try:
        found = json.loads(marks.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): int(run) for name, run in found.items()} if isinstance(found, dict) else {}


def _draft(final: Path) -> Path:
    return final.with_name(_DRAFT.format(final.name))
