"""From what happened in a night to what is said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace.nightly import targets
from caretrace.nightly.result import Outcome, Status, Told

if TYPE_CHECKING:
    from caretrace.nightly.intake import Taken
    from caretrace.nightly.night import AtWork
    from caretrace.nightly.waiting import Waiting


def outcome(
    night: AtWork,
    status: Status,
    *,
    run: int | None = None,
    kind: str | None = None,
    folder: Path | None = None,
    counts: Mapping[str, Any] | None = None,
    changes: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
) -> Outcome:
    """The night as it stands; where anything is held or does not add up it is that, and the exit code is 1."""
    deliveries = (
        *(Told(e.source.name, e.source.side, "inbox", "-", "held", e.fault) for e in night.waiting if e.fault),
        *(_told(waiting, taken) for waiting, taken in night.taken),
    )
    # A run that does not add up stands, for what is wrong with it must be found; nobody may take it for sound.
    held = any(each.outcome == "held" for each in deliveries) or bool(counts and counts.get("faults"))
    left = {f"{each.source.name}/{name}": why for each in night.waiting for name, why in each.unfinished}
    left |= {f"{each.source}/{each.name}": each.reason or "" for each in deliveries if each.outcome == "waits"}
    return Outcome(
        status=Status.HELD if held and status is not Status.LOOKED else status,
        as_at=night.wanted.as_at,
        started=night.started,
        finished=datetime.now(UTC),
        exit_code=int(held),
        run=run,
        kind=kind,
        run_folder=_below(night, folder),
        recovered=_below(night, night.recovered),
        deliveries=deliveries,
        waiting=left,
        counts=counts or {},
        changes=changes or {},
        notes=(*(night.standing if run is None else notes), *_strange(night)),
        seconds=dict(night.clock.seconds),
    )


def with_targets(night: AtWork, done: Outcome) -> Outcome:
    """The same after every target was brought to the newest run; one that is behind has exit code 1 too."""
    with night.clock("targets"):
        said = targets.bring_up_to_date(night.project, night.settings, night.last_run, progress=night.progress)
    done = replace(done, targets=said, finished=datetime.now(UTC), seconds=dict(night.clock.seconds))
    return replace(done, exit_code=1, status=Status.HELD) if done.failed_targets else done


def _told(waiting: Waiting, taken: Taken) -> Told:
    return Told(
        waiting.source.name,
        waiting.source.side,
        taken.delivery.name,
        taken.delivery.mode,
        taken.outcome,
        taken.reason,
        records=sum(file.records for file in taken.facts),
        used=sum(file.used for file in taken.facts),
        rejected=sum(file.rejected for file in taken.facts),
        excluded=sum(file.excluded for file in taken.facts),
        changes=taken.changes,
    )


def _strange(night: AtWork) -> list[str]:
    """What lies in the inboxes and is passed over."""
    undone = [
        f"{each.source.name}: {name} was undone and is not applied again; `caretrace run --accept {name}` does"
        for each in night.waiting
        for name in each.undone
    ]
    return undone + [
        f"{each.source.name}: {len(each.strange):,} files in the inbox end in nothing that holds records:"
        f" {', '.join(each.strange[:5])}"
        for each in night.waiting
        if each.strange
    ]


def _below(night: AtWork, folder: Path | None) -> str | None:
    """A folder as the project sees it, so that a project may be moved."""
    return folder.relative_to(night.project.root).as_posix() if folder else None
