"""The run that is to be loaded, what the database holds before, and whether the one may follow the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from caretrace import run_folder
from caretrace.warehouse.publish.postgres.server import Server
from caretrace.warehouse.publish.postgres.settings import Settings
from schemas.errors import InputError


@dataclass(frozen=True)
class RunFacts:
    """A finished run folder, and how it is to be loaded."""

    path: Path
    run_id: str
    number: int | None
    """In its project; None for a single run."""
    created_at: datetime
    as_at: str | None
    digest: str
    """SHA-256 of its manifest."""
    history: Path | None = None
    """Where the pasts of all runs stand."""
    floor: int = 0
    """The past up to this run stays in the database as it is; what is later is sent."""


def facts(path: Path, history: Path | None) -> RunFacts:
    """Open the folder and hash every file of it; InputError where it is no finished run."""
    manifest: Mapping[str, Any] = run_folder.open(path, verify=True).manifest
    digest = run_folder.sha256(path / run_folder.MANIFEST)
    try:
        created = datetime.fromisoformat(manifest["created_at"]).astimezone(UTC)
        run_id = str(manifest["run_id"])
    except (KeyError, TypeError, ValueError):
        raise InputError("does not say which run it is and when it was made", path=path / run_folder.MANIFEST) from None
    number = (manifest.get("warehouse") or {}).get("run")
    return RunFacts(path, run_id, number, created, (manifest.get("settings") or {}).get("as_at"), digest, history)


def beside(server: Server, settings: Settings, run: RunFacts, *, older: bool, whole: bool) -> RunFacts:
    """The run with what of the past is to be sent; InputError where it is older than what is loaded, or has gaps."""
    floor = 0
    for number, created, digest in _loaded(server, settings):
        if _is_older(run, number, created):
            if not older:
                raise InputError(
                    f"the database holds a later run, made at {created:%Y-%m-%d %H:%M}; give --older to put this one in"
                    " its place all the same",
                    path=run.path,
                )
        elif run.number is not None and number is not None and not whole:
            # The same number with another manifest is a run made again after a restore: its own past may differ.
            floor = number - 1 if number == run.number and digest != run.digest else number
    if run.number is not None and run.history is None and floor < run.number - 1:
        raise InputError(
            f"what ended in the runs from {floor + 1} to {run.number - 1} is not in the database and stands in the"
            " project; give --project",
            path=run.path,
        )
    return replace(run, floor=floor)


def _loaded(server: Server, settings: Settings) -> list[tuple[Any, ...]]:
    if server.one(f"SELECT to_regclass('{settings.schema}.loaded')") is None:
        return []
    return server.run(f"SELECT run, created_at, manifest_sha256 FROM {settings.schema}.loaded")


def _is_older(run: RunFacts, number: int | None, created: datetime) -> bool:
    """Runs of a project go by their number, single runs by the time they were made."""
    if run.number is None or number is None:
        return run.created_at < created
    return run.number < number
