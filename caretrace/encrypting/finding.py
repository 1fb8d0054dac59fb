"""What of a project is about people and stands in plain text, by the places where commands write it.

What is at no such place is not ours to change: a command that reads it may expect it plain. It is named, so that
whoever put it there can give it to the command, or take it away.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from caretrace import run_folder
from caretrace.backup import contents
from caretrace.project import Project
from caretrace.project.settings import Settings
from caretrace.quality import trend
from caretrace.review import sidecar
from governance import at_rest
from governance.audit import writings
from schemas.errors import InputError

VIEWS = "warehouse/warehouse.duckdb"
"""Of no use where the tables that it shows are encrypted."""
_PLACES = ("warehouse/state.duckdb", "warehouse/history/*", "decisions.*", "traces/*", "opt-outs/*")
_MARKS = (sidecar.NAME, trend.SUMMARY, "INTERNAL-measures.json", "measures.json")
"""Files by which a folder is told that a command wrote as a whole: it gets a key of its own."""
_NOBODY = (
    *("caretrace.toml", ".gitignore", "result.json", "results.jsonl", "mail.html", "cld/history.jsonl", "audit/*"),
    *("warehouse/targets.json", "*.lock", "*.toml", "*.md", "*.log"),
)
"""Settings, counts, hashes and the log: nobody's values, and read as they are."""

Entries = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Found:
    """Files of a project, by what becomes of them."""

    folders: Mapping[Path, tuple[Path, ...]]
    """Folders that commands wrote as a whole, and the files in them that are to be encrypted or are already."""
    files: tuple[Path, ...]
    """The other files about people, encrypted or not."""
    stays: tuple[str, ...]
    """What stays as it is though it may be about people, a sentence each."""

    @property
    def plain(self) -> tuple[Path, ...]:
        """What is not yet encrypted."""
        inside = [path for files in self.folders.values() for path in files]
        return tuple(path for path in (*inside, *self.files) if not at_rest.is_sealed(path))


def find(project: Project, settings: Settings, entries: Entries, also: Iterable[Path] = ()) -> Found:
    """Look through the project; `entries` are those of its log, `also` files in it that the user names.

    InputError where one of those is not there, or lies elsewhere.
    """
    held = contents.of(project.root)
    named = {_within(path, project) for path in also}
    theirs = named | set(_written(entries))
    apart = {**_inboxes(project, settings), "releases": "encrypted to their recipients, as ever"}
    folders: dict[Path, list[Path]] = {}
    files, stays, left = [], [], dict.fromkeys(apart, 0)
    whole = sorted({str(PurePosixPath(name).parent) for name in held.files if _marks(project.root / name)})
    for name in held.files:
        place = next((each for each in apart if _is_in(name, each)), None)
        if place is not None:
            left[place] += 1
        elif folder := next((each for each in whole if _is_in(name, each)), None):
            if PurePosixPath(name).name not in (run_folder.MANIFEST, at_rest.KEY_FILE):
                folders.setdefault(project.root / folder, []).append(project.root / name)
        elif name in theirs or _fits(name, _PLACES):
            files.append(project.root / name)
        elif name != VIEWS and not _fits(name, _NOBODY) and not at_rest.is_sealed(project.root / name):
            stays.append(f"{name}: no file that caretrace wrote here; name it to have it encrypted too")
    stays += [f"{place}: {count:,} files, {apart[place]}" for place, count in left.items() if count]
    stays += [f"{name}: {why}" for name, why in held.left_out.items()]
    stays += [f"{name}: left by a command that was killed; remove it" for name in _drafts(project)]
    return Found({folder: tuple(each) for folder, each in folders.items()}, tuple(files), tuple(stays))


def _marks(path: Path) -> bool:
    """Whether a command wrote the folder that the file is in; other programs call files manifest.json too."""
    if path.name != run_folder.MANIFEST:
        return path.name in _MARKS
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(said, dict) and "run_id" in said and isinstance(said.get("outputs"), dict)


def _written(entries: Entries) -> Iterable[str]:
    for entry in entries:
        if entry["type"] == writings.WRITTEN:
            yield from entry["body"]["files"]


def _inboxes(project: Project, settings: Settings) -> dict[str, str]:
    """The inboxes below the project: what their suppliers write is left as it is."""
    root = project.root.resolve()
    inboxes = [settings.inbox(project, source).resolve() for source in settings.source]
    why = "as their supplier wrote them; caretrace changes nothing in an inbox, and `caretrace purge` empties it"
    return {each.relative_to(root).as_posix(): why for each in inboxes if each.is_relative_to(root)}


def _drafts(project: Project) -> list[str]:
    """What a backup passes over: of a command that was killed, for none is at work now that holds the project."""
    seen = (path for pattern in (".*.partial*", ".purged-*") for path in project.root.rglob(pattern))
    return sorted(path.relative_to(project.root).as_posix() for path in seen)


def _within(path: Path, project: Project) -> str:
    target, root = path.resolve(), project.root.resolve()
    if not target.is_file():
        raise InputError("there is no such file", path=path)
    if not target.is_relative_to(root):
        raise InputError("lies outside the project; only files in it can be encrypted", path=path)
    return target.relative_to(root).as_posix()


def _is_in(name: str, folder: str) -> bool:
    return name.startswith(f"{folder}/")


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
