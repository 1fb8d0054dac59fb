"""`caretrace run`."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caretrace import console
from caretrace.cli.engines import SparkConf, SparkMaster, engine_of, require_spark
from caretrace.cli.failures import ExitCode
from caretrace.cli.failures import explain as explain_failure
from caretrace.cli.no_pandas import look_without_pandas
from caretrace.cli.place import ProjectOption
from caretrace.opening import opening
from caretrace.project import Project, find, keys_folder
from schemas.errors import Busy

if TYPE_CHECKING:
    from caretrace.nightly.night import Wanted
    from caretrace.nightly.result import Outcome
    from linkage import Engine


def run(
    again: Annotated[
        bool, typer.Option("--again", help="Link everybody anew, with a model trained anew, even if nothing has come.")
    ] = False,
    accept: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Apply this delivery although a limit holds it, or it came late or again. Repeatable."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and judge what is waiting, say what would be done, and do nothing.")
    ] = False,
    engine: Annotated[
        str, typer.Option(help="What computes where everybody is linked anew: duckdb or spark; both give the same.")
    ] = "duckdb",
    spark_master: SparkMaster = None,
    spark_conf: SparkConf = None,
    as_at: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day that it is; today if not given.")
    ] = None,
    project: ProjectOption = None,
) -> None:
    """Take in what has arrived, link what changed, and publish a new run: all of it or nothing. Made for a schedule.

    Exit code 1 where something is held or could not be done; the line, result.json and mail.html say what.
    """
    from caretrace.nightly.night import Wanted

    require_spark(engine, spark_master, spark_conf)
    place = find(project, here=Path.cwd())
    wanted = Wanted(
        as_at=as_at.date() if as_at else date.today(),  # noqa: DTZ011 - the user's own calendar day
        again=again,
        accept=tuple(accept or ()),
        dry=dry_run,
    )
    work(place, wanted, lambda: engine_of(engine, spark_master, spark_conf))


def work(place: Project, wanted: Wanted, engine: Callable[[], Engine | None] = lambda: None) -> None:
    """Do the night, write down how it ended, and end with its exit code; `caretrace undo` does so too."""
    from caretrace.nightly import result
    from caretrace.nightly import run as nightly

    look_without_pandas()
    wanted = replace(wanted, roots=partial(_root, place))
    with _written_down(place, wanted), console.progress() as progress:
        outcome = nightly.run(place, wanted, opening=opening(os.environ), engine=engine(), progress=progress)
    if wanted.dry:
        for each in outcome.deliveries:
            console.say(
                f"{each.source}/{each.name}: {_would(each.outcome)}" + (f": {each.reason}" if each.reason else "")
            )
        for name, why in outcome.waiting.items():
            console.say(f"{name}: left for the next run: {why}")
    else:
        result.write(place, outcome)
    console.say(outcome.line())
    for note in outcome.notes:
        console.tell(f"note: {note}")
    if outcome.exit_code:
        raise typer.Exit(outcome.exit_code)


def _root(place: Project, version: int) -> bytes:
    """A root key of the project; asked only where records that were erased are kept out."""
    from governance.keys.store import read_root

    keys_dir = keys_folder(place, environ=os.environ, platform=sys.platform, home=Path.home())
    return read_root(keys_dir, version)


def _would(outcome: str) -> str:
    return {"applied": "would be applied", "held": "would be held", "waits": "would wait"}.get(outcome, outcome)


@contextlib.contextmanager
def _written_down(place: Project, wanted: Wanted) -> Iterator[None]:
    """Where a night fails, result.json and mail.html say so too; but where another run is at work, it writes them."""
    started = datetime.now(UTC)
    try:
        yield
    except Busy:
        raise
    except BaseException as error:
        # Whatever it was goes on to the last stop; the account must not stop it.
        if place.settings.is_file() and not wanted.dry:
            with contextlib.suppress(OSError):
                from caretrace.nightly import result

                result.write(place, _failed(error, wanted, started))
        raise


def _failed(error: BaseException, wanted: Wanted, started: datetime) -> Outcome:
    from caretrace.nightly.result import Outcome, Status

    failure = explain_failure(error)
    return Outcome(
        status=Status.FAILED,
        as_at=wanted.as_at,
        started=started,
        finished=datetime.now(UTC),
        sentence=failure.sentence
        if failure
        else "a bug of ours; what the command wrote to stderr names the crash file",
        exit_code=failure.exit_code if failure else ExitCode.BUG,
    )
