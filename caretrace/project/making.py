"""A new project folder: settings that explain themselves, inboxes, and on request people who do not exist."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from caretrace.project.place import MARKER, Project
from caretrace.project.template import GITIGNORE, TOML
from schemas.errors import InputError
from schemas.progress import SILENT, Progress

EXAMPLE = (500, 5_000)
"""Clients and register records of the example."""
LATER = "later"
"""Where the example keeps the deliveries of its second night, to be copied into the inboxes."""
_SEED = 2014


def make(folder: Path, *, example: bool = False, progress: Progress = SILENT) -> Project:
    """Make the project in `folder`, which is made where it is missing.

    Raises InputError where there is a project already, or where the example would stand among other files. The settings
    come last, so that what was begun and not finished is no project.
    """
    project = Project(folder)
    if project.settings.exists():
        raise InputError("there is a project already; give another folder", path=project.settings)
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file; a project is a folder", path=folder)
    if example and folder.exists() and any(folder.iterdir()):
        raise InputError("is not empty; the example needs a folder of its own", path=folder)
    for source in ("clients", "register"):
        (project.inboxes / source).mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text(GITIGNORE, encoding="utf-8", newline="\n")
    if example:
        with progress.stage("Making people who do not exist"):
            _fill(project)
    settings = TOML.replace('# full_names = "*-full*"', 'full_names = "*-full*"') if example else TOML
    project.settings.write_text(settings, encoding="utf-8", newline="\n")
    return project


def _fill(project: Project) -> None:
    """Both lists in full, and beside the inboxes what a night changes of them."""
    from caretrace.synthetic import inbox
    from caretrace.synthetic.nights import Nights, Pace

    nights = Nights(*EXAMPLE, nights=1, seed=_SEED, pace=Pace(change=0.02))
    for step in inbox.schedule(nights):
        place = project.root / LATER if step.number else project.inboxes
        for delivery in step.deliveries:
            with tempfile.TemporaryDirectory(dir=project.root, prefix=".making-") as draft:
                inbox.write(nights, delivery, Path(draft) / "files", "standard-csv")
                target = place / delivery.side / delivery.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(Path(draft) / "files", target)


def account(project: Project, *, example: bool) -> str:
    """What to do next."""
    root = project.root
    if not example:
        return (
            f"project: {root}\n"
            f"next: read {root / MARKER}, put a delivery into {root / 'in' / 'clients'} and {root / 'in' / 'register'},"
            " and start caretrace run"
        )
    return (
        f"project: {root} (nobody in it lives)\n"
        f"next: caretrace run --project {_pasted(root)}\n"
        f"then: copy the folders in {root / LATER} into {root / 'in'}, and run again"
    )


def _pasted(path: Path) -> str:
    """As a shell takes it for one word."""
    return subprocess.list2cmdline([str(path)]) if os.name == "nt" else shlex.quote(str(path))
