"""On which nights the linked tables are written: at a million register rows they are most of what a night costs."""

from __future__ import annotations

from datetime import date
from typing import Literal

from caretrace.project import Project
from caretrace.warehouse.publish.refresh import number_of, runs

Tables = Literal["nightly", "weekly"]

_DAYS = 7


def tables_in(project: Project, setting: Tables, *, as_at: date, kind: str) -> int | None:
    """The run whose tables are to do on the night of `as_at`; None where that night is to write its own.

    A full run and an undo always write them, since everybody may have changed.
    """
    if setting == "nightly" or kind != "night":
        return None
    newest = next(reversed(list(runs(project, whole=True))), None)
    if newest is None:
        return None
    written = date.fromisoformat(newest.manifest["settings"]["as_at"])
    return None if (as_at - written).days >= _DAYS else number_of(newest)
