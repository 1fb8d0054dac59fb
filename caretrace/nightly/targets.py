"""Where a finished run goes beside its own folder; a target that fails today is tried again by the next run.

In: the newest run folder. Out: each target at that run, or a sentence why not: the run itself stands in any case.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from caretrace import run_folder
from caretrace.files import replaced
from caretrace.nightly import publishing
from caretrace.project import Project
from governance import at_rest
from schemas.errors import CaretraceError
from schemas.progress import SILENT, Progress

if TYPE_CHECKING:
    from caretrace.project.settings import Postgres, Settings

MARKS = "targets.json"
_WHOLE = "postgres whole"
"""A mark that the database is to be sent every row anew: what is only added to it holds rows that are erased."""


def bring_up_to_date(
    project: Project, settings: Settings, newest: int, *, progress: Progress = SILENT
) -> dict[str, str]:
    """Bring every target to the run `newest`; gives, by target, what was done or why it failed ("failed: ...").

    Where that run's folder was taken away there is nothing to bring, and the next run does it.
    """
    run = publishing.folder(project.runs, newest)
    if not newest or not run.is_dir():
        return {}
    marks = project.warehouse / MARKS
    held = publishing.loaded(marks)
    said: dict[str, str] = {}
    views = project.warehouse / "warehouse.duckdb"
    encrypted = at_rest.rule_for(views).encrypt
    if held.get("views") != newest or views.exists() == encrypted:
        said["views"] = _views(project, run)
    postgres = settings.targets.postgres
    whole = bool(held.pop(_WHOLE, 0))
    if postgres is not None and (whole or held.get("postgres") != newest) and _has_tables(run):
        said["postgres"] = _postgres(project, postgres, run, progress, whole=whole)
    done = {name: newest for name, words in said.items() if not words.startswith("failed")}
    if done:
        _write(marks, {**held, **done, **({_WHOLE: 1} if whole and "postgres" not in done else {})})
    return said


def ask_whole(project: Project) -> None:
    """Have the database loaded whole next time, its past too, where there is one."""
    marks = project.warehouse / MARKS
    held = publishing.loaded(marks)
    if "postgres" in held:
        _write(marks, {**held, _WHOLE: 1})


def _has_tables(run: Path) -> bool:
    """Whether a run holds the tables; some nights write only what is new."""
    manifest = json.loads((run / run_folder.MANIFEST).read_text("utf-8"))
    return bool(manifest.get("warehouse", {}).get("tables", True))


def _views(project: Project, run: Path) -> str:
    import duckdb

    from caretrace.warehouse.publish import refresh

    try:
        made = refresh(project, run)
    except (CaretraceError, OSError) as error:
        return f"failed: {_sentence(error)}"
    except duckdb.Error:  # its words may hold parts of the data
        return "failed: the database of views could not be written; `caretrace warehouse views` tries again"
    return f"refreshed {made.views.name}" if made.views else "none, for the tables are encrypted"


def _postgres(project: Project, settings: Postgres, run: Path, progress: Progress, *, whole: bool) -> str:
    from caretrace.warehouse.publish import postgres

    try:
        target = postgres.Target(settings.connection, settings.password_variable)
        names = postgres.Settings(**settings.names())
        history = project.warehouse / "history"
        done = postgres.load(run, target, names, history=history, whole=whole, progress=progress)
    except (CaretraceError, OSError) as error:
        return f"failed: {_sentence(error)}"
    return f"loaded: {done.added:,} rows added, {done.removed:,} removed" if done.changed else "held it already"


def _sentence(error: CaretraceError | OSError) -> str:
    if isinstance(error, CaretraceError):
        return str(error).replace("\n", " ")
    return os.strerror(error.errno) if error.errno else "the system refused"


def _write(path: Path, marks: dict[str, int]) -> None:
    with replaced(path) as draft:
        draft.write_text(json.dumps(marks, indent=2, sort_keys=True) + "\n", encoding="utf-8", newline="\n")
