"""The only door to other organisations: `plan`, `check`, `make`.

    plan   works out what would leave and what stands against it; writes nothing
    check  returns nothing, or raises Refused with every reason
    make   plans again, checks, logs the intent, writes under a temporary name, renames, logs the outcome

Whatever fails on the way, nothing is left at the target, and the log says how far it came. A crash leaves an intent
without an outcome; the next release settles it and says so.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from governance import at_rest, audit, keys
from governance.agreement import Signed
from governance.approval import read as read_approval
from governance.audit import log
from governance.making import Making, Released, check_decision, settle
from governance.plan import ReleasePlan
from governance.prepare import Keyed, prepare
from governance.request import History, history
from schemas.errors import InputError, Refused, SettingsError


def plan(
    run_dir: Path, signed: Signed, *, project: Path, keys_dir: Path, today: date, recipient: str | None = None
) -> ReleasePlan:
    """What would leave a run under an agreement today, and why not.

    Raises InputError, SettingsError or IntegrityFailure where the run, the agreement or the log cannot be used at all;
    everything else that stands against the release is in the plan.
    """
    import duckdb

    with duckdb.connect(config=at_rest.spilling(run_dir)) as connection:
        return prepare(
            connection,
            run_dir,
            signed,
            recipient=recipient,
            today=today,
            project=project,
            keys_dir=keys_dir,
            key=_key(keys_dir, project),
            history=past(project, keys_dir),
        )


def _key(keys_dir: Path, project: Path) -> Keyed:
    try:
        return Keyed(version=keys.load(keys_dir, project=project).version)
    except SettingsError as error:
        return Keyed(fault=str(error))


def past(project: Path, keys_dir: Path) -> History:
    """What the project's log knows, checked; nothing where there has never been one."""
    try:
        found = audit.examine(project / "audit", keys_dir=keys_dir)
    except InputError:
        return History()
    return history(audit.entries(project / "audit", found))


def check(planned: ReleasePlan) -> None:
    """Raise Refused with every reason against the release, or return nothing."""
    check_decision(planned, planned.decision)


def make(
    planned: ReleasePlan, to: Path, approved_by: str = "", *, maker: str, now: datetime, approval: str = ""
) -> Released:
    """Make the release in the new folder `to`, as planned, approved by somebody other than `maker`.

    `approval` is the text of a signed approval (`governance.approval`); then its signatory is who approved.
    Raises Refused with every reason where it may not be made, or cannot be made safely; nothing is left at `to` then.
    """
    import duckdb

    if to.exists():
        raise InputError("exists already; a release is never written over anything", path=to)
    # A day's grace, for a plan shown before midnight and for clocks kept in UTC.
    if abs((now.date() - planned.today).days) > 1:
        raise Refused(f"the plan is of {planned.today}; plan again today")
    secrets = keys.load(planned.keys_dir, project=planned.project)
    with (
        log.opened(planned.project / "audit", secrets, now=now) as held,
        duckdb.connect(config=at_rest.spilling(planned.run.folder)) as connection,
    ):
        settled = settle(held, planned.project, now)
        again = prepare(
            connection,
            planned.run.folder,
            planned.signed,
            recipient=planned.request.recipient,
            today=planned.today,
            project=planned.project,
            keys_dir=planned.keys_dir,
            key=Keyed(version=secrets.version),
            history=history(held.entries),
        )
        found = read_approval(approval, again) if approval else None
        by = found.name if found else approved_by
        return Making(held, again, secrets, maker, by, now, found).run(connection, planned, to, settled)
