"""The national check for data opt-outs: asking it about a run's people, and taking its answer into use.

The answer is the list of numbers that may be used. It is kept with its receipt for `governance.optout`, which a release
reads, and for nothing else: it is not added to anybody's record (terms of use of the check).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from caretrace.files import refuse_inside
from caretrace.project import Project
from caretrace.run_folder import Run
from caretrace.trace.opening import parquet
from caretrace.written import log_writing
from connectors.writers.ndoo import MAILBOX, Control, write_check
from governance import at_rest
from schemas.errors import InputError
from schemas.sql import install_macros

if TYPE_CHECKING:
    import duckdb

    from governance.optout import ListRead

SURELY_SOME = 200
"""Numbers of which some are surely not allowed: about one person in twenty has a national data opt-out (NHS England),
so that of so many nobody has one in fewer than one check of twenty thousand."""


@dataclass(frozen=True)
class Asked:
    """What was written."""

    request: Path
    control: Path
    numbers: int
    settled: tuple[str, ...]


@dataclass(frozen=True)
class Allowed:
    """What the reply allows."""

    list_: Path
    receipt: Path
    asked: int
    allowed: int
    checked_on: date
    same_as: tuple[str, ...] = ()
    """Lists of other days that hold the same: it may be one of their replies, for nothing in it says its day."""


def request(
    run: Run,
    out: Path,
    *,
    project: Project,
    keys_dir: Path,
    mailbox: str,
    recipient: str = MAILBOX,
    number: int = 1,
    line_end: str = "lf",
    maker: str,
    now: datetime,
) -> Asked:
    """Write the request (`.dat`) and its control file (`.ctl`) about everybody in the run who has a number.

    A number that a client may have, since a link is in doubt, is asked about as well: a release leaves out whoever may
    be somebody who opted out.
    """
    import duckdb

    refuse_inside(out, run.path, option="--out")
    name = f"{mailbox}-{now:%d%m%y}-{number:04d}"
    control = Control(mailbox, name, recipient)
    files = [out / f"{name}.dat", out / f"{name}.ctl"]
    keys, candidates = run.path / "linked" / "person_key.parquet", run.path / "candidates.parquet"
    union = " UNION ".join(f"SELECT nhs_number FROM {parquet(path)}" for path in (keys, candidates) if path.is_file())
    if not union:
        raise InputError("holds no people; link again with this version", path=run.path)
    with (
        duckdb.connect(config=at_rest.spilling(run.path)) as connection,
        log_writing(
            project,
            keys_dir,
            kind="opt-out check",
            purpose="to ask which people have a national data opt-out",
            files=files,
            recipient=f"NHS England ({recipient})",
            run_id=str(run.manifest["run_id"]),
            maker=maker,
            now=now,
        ) as writing,
    ):
        install_macros(connection, as_at=now.date())
        data, note = writing.drafts
        writing.rows = write_check(connection, union, data, line_end=line_end)
        note.write_text(control.to_xml(), encoding="utf-8", newline="\n")
    return Asked(files[0], files[1], writing.rows, writing.settled)


def read(
    reply: Path,
    asked: Path,
    *,
    project: Project,
    keys_dir: Path,
    checked_on: date,
    maker: str,
    now: datetime,
) -> Allowed:
    """Check a reply against its request and put it, with a receipt, into the project's `opt-outs/`.

    Raises InputError where it cannot be a reply to that request: it is blank (a number was not valid), holds what is
    no number, or a number that was not asked about, or it is the request itself.
    """
    import duckdb

    from governance import optout

    if checked_on > now.date():
        raise InputError("was checked on a day that is still to come; give the day of the reply", path=reply)
    with duckdb.connect(config=at_rest.spilling(project.root)) as connection:
        install_macros(connection, as_at=now.date())
        requested = _numbers(connection, asked, "asked")
        allowed = _numbers(connection, reply, "replied")
        [(strange,)] = connection.execute("SELECT count(*) FROM replied ANTI JOIN asked USING (nhs_number)").fetchall()
    if strange:
        raise InputError(f"holds {strange:,} numbers that were not asked about: it answers another request", path=reply)
    _refuse_request(reply, asked, requested.numbers, allowed.numbers)
    kept, ending = project.root / "opt-outs", f"-{allowed.sha256[:8]}.dat"
    target = kept / f"allowed-{checked_on.isoformat()}{ending}"
    same = sorted(path.name for path in kept.glob(f"allowed-*{ending}") if path != target)
    receipt = optout.receipt_path(target)
    with log_writing(
        project,
        keys_dir,
        kind="opt-out list",
        purpose="the numbers that may be used, kept for releases only",
        files=[target, receipt],
        recipient=None,
        run_id=None,
        maker=maker,
        now=now,
    ) as writing:
        data, note = writing.drafts
        shutil.copyfile(reply, data)
        # A mailbox may still be writing it.
        if sha256(data.read_bytes()).hexdigest() != allowed.sha256:
            raise InputError("changed while it was read; try again when it is complete", path=reply)
        note.write_text(optout.receipt(checked_on, data), encoding="utf-8", newline="\n")
        writing.rows = allowed.numbers
    return Allowed(target, receipt, requested.numbers, allowed.numbers, checked_on, tuple(same))


def _refuse_request(reply: Path, asked: Path, requested: int, allowed: int) -> None:
    """InputError where everybody would be allowed because the request was given as its own reply."""
    if reply.samefile(asked):
        raise InputError("is the request itself; give the list that came back", path=reply)
    if requested == allowed and requested >= SURELY_SOME:
        raise InputError(
            f"allows every one of the {requested:,} numbers asked about, as no check of so many does: it may be the"
            " request itself; give the list that came back",
            path=reply,
        )


def _numbers(connection: duckdb.DuckDBPyConnection, path: Path, table: str) -> ListRead:
    from governance import optout

    found = optout.read_list(connection, path, table)
    if found.fault:
        raise InputError(f"{found.fault}; requests and replies are lists, an NHS number and a comma a line")
    if not found.numbers:
        raise InputError(
            "holds no numbers: nobody may be used, or a number of the request was not valid and the check refused all"
            " of it; ask again",
            path=path,
        )
    return found
