"""The project folder a command works in, and where its keys are, which is never inside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import InputError

MARKER = "caretrace.toml"


@dataclass(frozen=True)
class Project:
    """A folder with `runs/`, `releases/` and `audit/`; none of them need exist."""

    root: Path

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


def find(given: Path | None, *, here: Path) -> Project:
    """The project folder given, else the nearest above `here` that holds caretrace.toml, else `here`.

    Raises InputError where the folder given does not exist.
    """
    if given is not None:
        if not given.is_dir():
            raise InputError("there is no such project folder", path=given)
        return Project(given)
    here = here.resolve()
    return Project(next((folder for folder in (here, *here.parents) if (folder / MARKER).is_file()), here))


def keys_folder(project: Project, *, environ: Mapping[str, str], platform: str, home: Path) -> Path:
    """Where the keys are, by `CARETRACE_KEYS` or the user's configuration folder.

    Raises SettingsError where that lies inside the project: keys stand apart from the data they protect.
    """
    from governance import keys

    folder = keys.folder(environ, platform=platform, home=home)
    keys.check_apart(folder, project.root)
    return folder
