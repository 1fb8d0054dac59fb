"""What backups in one folder are called, and which of them are let go."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path

from caretrace.project import Project

_ENDING = ".zip"


def mark(project: Project) -> str:
    """The project's name and a few letters of where it is, so that two of one name do not mix."""
    root = project.root.resolve()
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", root.name) or "project"
    return f"{name}-{hashlib.sha256(str(root).encode()).hexdigest()[:6]}"


def name(project: Project, now: datetime, *, encrypted: bool) -> str:
    """The name of a backup that was begun at `now`; names of one project sort by time."""
    from governance import encryption

    moment = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{mark(project)}-{moment}{_ENDING}{encryption.ENDING if encrypted else ''}"


def let_go(newest: Path, project: Project, keep: int) -> tuple[Path, ...]:
    """Remove the oldest backups of this project beside `newest`, as named by `name`, until `keep` are left."""
    named = re.compile(re.escape(mark(project)) + r"-\d{8}T\d{6}Z\.zip(\.age)?")
    found = sorted(
        (each for each in newest.parent.iterdir() if named.fullmatch(each.name)),
        key=lambda each: each.name,
        reverse=True,
    )
    removed = tuple(each for each in found[keep:] if each != newest)
    for each in removed:
        each.unlink()
    return removed
