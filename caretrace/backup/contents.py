"""What of a project folder belongs to a backup: everything but locks, drafts, and what cannot be copied."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_PASSING = (".*.partial*", ".*.new", ".*.lock", ".purged-*", "*.next.duckdb", "*.next.duckdb.*")
"""Names of locks and drafts, as this program gives them: what a killed command left, or one at work just now."""

_ALSO = ("audit/lock", "warehouse/state.lock", "warehouse/work-*")

LINK = "a link, which is not followed"
NO_TEXT = "its name is no text"
SPECIAL = "neither a file nor a folder"


@dataclass(frozen=True)
class Contents:
    """Names relative to the project's root, with forward slashes, sorted."""

    files: tuple[str, ...]
    folders: tuple[str, ...]
    """All folders, so that empty ones (an inbox) come back too."""
    left_out: Mapping[str, str]
    """What is not copied, and why. Locks and drafts are not counted among these."""


def of(root: Path) -> Contents:
    """Look through the project folder; OSError where a folder in it cannot be read."""
    files: list[str] = []
    folders: list[str] = []
    left_out: dict[str, str] = {}
    for entry, name in _walk(root, ""):
        if not _is_text(name):
            left_out[ascii(name)] = NO_TEXT
        elif entry.is_symlink() or getattr(entry, "is_junction", bool)():
            left_out[name] = LINK
        elif entry.is_dir():
            folders.append(name)
        elif entry.is_file():
            files.append(name)
        else:
            left_out[name] = SPECIAL
    return Contents(tuple(sorted(files)), tuple(sorted(folders)), left_out)


def _walk(folder: Path, before: str) -> Iterator[tuple[os.DirEntry[str], str]]:
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        name = before + entry.name
        if any(fnmatch.fnmatchcase(entry.name, pattern) for pattern in _PASSING) or any(
            fnmatch.fnmatchcase(name, pattern) for pattern in _ALSO
        ):
            continue
        yield entry, name
        if _is_text(name) and entry.is_dir(follow_symlinks=False) and not getattr(entry, "is_junction", bool)():
            yield from _walk(folder / entry.name, name + "/")


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:  # bytes that a Linux disk takes as a name, and nothing else does
        return False
    return True
