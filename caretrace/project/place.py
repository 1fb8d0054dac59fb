"""The project folder a command works in, and where its keys are, which is never inside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import InputError

MARKER = "caretrace.toml"
LOCK = ".caretrace.lock"
"""Held by whatever changes the warehouse; never removed."""


@dataclass(frozen=True)
class Project:
    """A folder with `in/`, `runs/`, `warehouse/`, `releases/` and `audit/`; none of them need exist."""

    root: Path

    @property
    def settings(self) -> Path:
        """What is read, how it is matched, and where it goes."""
        return self.root / MARKER

    @property
    def inboxes(self) -> Path:
        """Where deliveries arrive by custom, a folder for each source."""
        return self.root / "in"

    @property
    def warehouse(self) -> Path:
        """What all nights have come to: our own state, and a database of views for analysts."""
        return self.root / "warehouse"

    @property
    def runs(self) -> Path:
        """Where run folders stand by custom."""
        return self.root / "runs"

    @property
    def releases(self) -> Path:
        """Where releases stand by custom."""
        return self.root / "releases"

    @property
    def decisions(self) -> Path:
        """What people decided in review."""
        return self.root / "decisions.jsonl"

    @property
    def audit(self) -> Path:
        """The log of what was released."""
        return self.root / "audit"


@contextmanager
def locked(project: Project) -> Iterator[None]:
    """Hold the project while the block runs, as whatever changes its warehouse does; Busy where another holds it."""
    # Imported here: not every command needs governance.
    from governance.files import held

    with held(project.root / LOCK):
        yield


def find(given: Path | None, *, here: Path) -> Project:
    """The project folder given, else the nearest above `here` that holds caretrace.toml, else `here`.

    Raises InputError where the folder given does not exist. From here on, temporary files of this process stand where
    the project wants them (`governance.at_rest`).
    """
    if given is not None and not given.is_dir():
        raise InputError("there is no such project folder", path=given)
    here = here.resolve()
    found = given or next((folder for folder in (here, *here.parents) if (folder / MARKER).is_file()), here)
    # Imported here: not every command needs governance.
    from governance import at_rest

    at_rest.begin(found)
    return Project(found)


def keys_folder(project: Project, *, environ: Mapping[str, str], platform: str, home: Path) -> Path:
    """Where the keys are, by `CARETRACE_KEYS` or the user's configuration folder.

    Raises SettingsError where that lies inside the project: keys stand apart from the data they protect.
    """
    from governance import keys

    folder = keys.folder(environ, platform=platform, home=home)
    keys.check_apart(folder, project.root)
    return folder
