"""How complete each quarter's submission was, before and after the run's numbers: one line for each that was written.

Kept in the project as `cld/history.jsonl`, counts only. Of a quarter that was written several times the last counts, as
it does for whoever receives it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace.measures.period import called
from caretrace.project import Project
from schemas.errors import Busy, InputError

if TYPE_CHECKING:
    from caretrace.cld.submission import Report

FORMAT = 1
_WAIT = (0.05, 0.2, 0.5, 1.0, 2.0)
"""Seconds between tries, while another writing adds its own line."""


@dataclass(frozen=True)
class Written:
    """One submission in counts; `rows` and `people` are all of it, the others people with an NHS number."""

    first: date
    last: date
    written_at: str
    release: int
    numbers: str | None
    """How sure a number had to be; None where no run was given."""
    run_id: str | None
    rows: int
    people: int
    before: int
    filled: int
    after: int
    sha256: str
    """Of the submission's file, as the log has it."""

    @property
    def period(self) -> str:
        """The quarter's name, such as 2026-27 Q2, or its days."""
        return called(self.first, self.last)


def place(project: Project) -> Path:
    """Where the history stands."""
    return project.root / "cld" / "history.jsonl"


def of_report(report: Report, *, now: datetime, sha256: str) -> Written:
    """The line of a submission just written."""
    facts: Mapping[str, Any] = report.facts
    number = facts["nhs_number"]
    first, last = map(date.fromisoformat, facts["period"])
    before, after = number["before"]["people"], number["after"]["people"]
    return Written(
        first=first,
        last=last,
        written_at=now.astimezone(UTC).isoformat(timespec="seconds"),
        release=facts["release"],
        numbers=number.get("numbers"),
        run_id=facts["run_id"],
        rows=facts["rows"],
        people=facts["people"],
        before=before,
        filled=after - before,
        after=after,
        sha256=sha256,
    )


def add(project: Project, written: Written) -> None:
    """Add a line, the earlier ones as they are; Busy where others keep the history from being written."""
    from governance.files import held, write_durably

    path = place(project)
    line = json.dumps({"format": FORMAT, **asdict(written)}, default=str, sort_keys=True)
    for wait in (*_WAIT, None):
        try:
            with held(path.with_name("history.lock")):
                earlier = path.read_text(encoding="utf-8") if path.exists() else ""
                write_durably(path, f"{earlier}{line}\n".encode())
            return
        except Busy:
            if wait is None:
                raise
            time.sleep(wait)


def read(project: Project) -> tuple[Written, ...]:
    """Every line, in the order written; InputError names a line that is none."""
    path = place(project)
    if not path.exists():
        return ()
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            told = json.loads(line)
            if told.pop("format") != FORMAT:
                raise InputError(f"is not of format {FORMAT}; this version reads no other", path=path, line=number)
            days = {name: date.fromisoformat(told[name]) for name in ("first", "last")}
            found.append(Written(**{**told, **days}))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InputError("is no line of a history; restore it from a backup", path=path, line=number) from None
    return tuple(found)


def quarters(lines: Sequence[Written]) -> tuple[tuple[Written, int], ...]:
    """The last submission of each period and how many there were, the oldest period first."""
    last = {(each.last, each.first): each for each in lines}
    count = [(each.last, each.first) for each in lines]
    return tuple((last[key], count.count(key)) for key in sorted(last))
