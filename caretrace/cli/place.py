"""The --project option, and what a command with governance needs to know of the machine it runs on."""

from __future__ import annotations

import getpass
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from caretrace import project
from schemas.errors import InputError, SettingsError

ProjectOption = Annotated[
    Path | None,
    typer.Option(
        "--project",
        metavar="DIR",
        help="The project folder; if not given, the nearest above with caretrace.toml, else this one.",
    ),
]


@dataclass(frozen=True)
class Place:
    """A project and the keys folder that goes with it."""

    project: project.Project
    keys_dir: Path


def find(given: Path | None) -> Place:
    """The project for `--project`, with its keys folder, which is refused inside it."""
    found = project.find(given, here=Path.cwd())
    keys = project.keys_folder(found, environ=os.environ, platform=sys.platform, home=Path.home())
    return Place(found, keys)


def newest_night(found: project.Project) -> Path:
    """The run folder of the project's newest night; InputError where there is none."""
    from caretrace.warehouse.publish.refresh import runs

    nights = list(runs(found))
    if not nights:
        raise InputError("holds no run of a night yet; run `caretrace run`, or name a run", path=found.runs)
    return nights[-1].path


def maker() -> str:
    """The operating-system user, who makes a release until agreements are signed."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        raise SettingsError("the system does not say who you are; set the variable USERNAME (or USER)") from None
