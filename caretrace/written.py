"""Every file with identifiers that leaves by a writer stands in the audit log: an intent before, the outcome after.

    with log_writing(project, keys_dir, kind="trace request", purpose=..., files=[path], ..., now=now) as writing:
        write(writing.drafts[0])
        writing.rows = 120

The files are made under temporary names in their folders; they get their own names when the block ends well, and the
outcome with their SHA-256 is logged. Where the block fails nothing is left and that is logged. What a crash left
without an outcome is settled by the next writing, which says so. Nothing that identifies a person is logged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace.project import Project
from caretrace.run_folder import protect
from governance import at_rest
from schemas.errors import CaretraceError, InputError, Refused, SettingsError

if TYPE_CHECKING:
    from governance.audit.log import Log


@dataclass
class Writing:
    """A writing on its way: write each file to its draft, and say how many rows the files hold together."""

    writing_id: str
    drafts: tuple[Path, ...]
    """Where to write, in the order of the files asked for; the folders exist. Encrypted when they get their names,
    where the project wants that."""
    settled: tuple[str, ...]
    """Earlier writings that a crash had left without an outcome, in words for the user."""
    rows: int | None = None


@contextmanager
def log_writing(
    project: Project,
    keys_dir: Path,
    *,
    kind: str,
    purpose: str,
    files: Sequence[Path],
    recipient: str | None,
    run_id: str | None,
    maker: str,
    now: datetime,
) -> Iterator[Writing]:
    """Log that `files` are about to be written, give their drafts, and log what came of it.

    `kind` is a word such as "trace request"; `purpose` says why in a sentence; `recipient` is the organisation or
    service the files are for, None for the council's own use; `maker` is the user at the keyboard. `files` may not
    exist yet. Raises Refused where there are no keys or the log cannot be written: nothing is written then.
    """
    from governance import keys
    from governance.audit import log, writings

    if not files:
        raise ValueError("a writing of no files")
    for path in files:
        _refuse_existing(path)
    try:
        secrets = keys.load(keys_dir, project=project.root)
    except SettingsError as error:
        raise Refused(
            "files with identifiers are written only where the log can say so, and the log needs keys"
            " (`caretrace keys new`):",
            [str(error)],
        ) from None
    with log.opened(project.audit, secrets, now=now) as held:
        settled = _settle(held, project, now)
        writing_id = f"W{len(held.entries):06d}"
        made = _make_folders(files)
        drafts = tuple(_draft(path, writing_id) for path in files)
        plain = tuple(at_rest.plain_draft(path, draft) for path, draft in zip(files, drafts, strict=True))
        writing = Writing(writing_id, plain, settled)
        intent: dict[str, Any] = {
            "writing_id": writing_id,
            "kind": kind,
            "purpose": purpose,
            "recipient": recipient,
            "run_id": run_id,
            "maker": maker,
            "folder": _within(files[0].parent, project),
            "files": [_within(path, project) for path in files],
        }
        held.append([(writings.INTENT, intent)], now=now)
        try:
            yield writing
            if writing.rows is None:
                raise AssertionError("the writer did not say how many rows it wrote")
            for each, draft in zip(plain, drafts, strict=True):
                at_rest.seal_draft(each, draft)
            digests = _digests(drafts, intent["files"])
            _put_in_place(drafts, files)
        except BaseException as error:
            # BaseException: Ctrl-C and SIGTERM too must leave nothing behind. It is raised again as it came.
            _abort(held, writing, (*plain, *drafts), made, error, now)
            raise
        outcome = {"writing_id": writing_id, "rows": writing.rows, "files": digests}
        try:
            held.append([(writings.WRITTEN, outcome)], now=now)
        except CaretraceError:
            for path in files:
                path.unlink(missing_ok=True)
            raise


def _refuse_existing(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise InputError("exists already; files with identifiers are never written over anything", path=path)


def _make_folders(files: Sequence[Path]) -> tuple[Path, ...]:
    """Make the folders that are missing; gives those made, a folder after the one it lies in."""
    made: list[Path] = []
    for path in files:
        missing = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        made += reversed(missing)
    return tuple(made)


def _draft(path: Path, writing_id: str) -> Path:
    return path.with_name(f".{path.name}.{writing_id}.partial")


def _put_in_place(drafts: Sequence[Path], files: Sequence[Path]) -> None:
    """Give every draft its name, or none of them theirs."""
    placed: list[Path] = []
    try:
        for draft, path in zip(drafts, files, strict=True):
            protect(draft)
            _refuse_existing(path)
            draft.rename(path)
            placed.append(path)
    except BaseException:
        for path in placed:
            path.unlink(missing_ok=True)
        raise


def _digests(drafts: Sequence[Path], names: Sequence[str]) -> dict[str, str]:
    digests = {}
    for draft, name in zip(drafts, names, strict=True):
        with draft.open("rb") as file:
            digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def _abort(
    held: Log,
    writing: Writing,
    drafts: Sequence[Path],
    made: Sequence[Path],
    error: BaseException,
    now: datetime,
) -> None:
    """Take back what was written and log that; where even that fails, the next writing settles the intent."""
    from governance.audit import writings

    for draft in drafts:
        draft.unlink(missing_ok=True)
    for folder in reversed(made):
        with suppress(OSError):  # somebody else put something there
            folder.rmdir()
    with suppress(Refused):
        body = {"writing_id": writing.writing_id, "reason": type(error).__name__}
        held.append([(writings.ABORTED, body)], now=now)


def _settle(held: Log, project: Project, now: datetime) -> tuple[str, ...]:
    """Give every writing without an outcome one: aborted, or uncertain where a file of it stands at its place."""
    from governance.audit import writings

    said = []
    for intent in writings.unfinished(held.entries):
        places = [project.root / name for name in intent["files"]]
        standing = [name for name, place in zip(intent["files"], places, strict=True) if place.exists()]
        for place in places:
            _draft(place, intent["writing_id"]).unlink(missing_ok=True)
        kind = writings.UNCERTAIN if standing else writings.ABORTED
        reason = "a crash; files of it stand at their place and must be taken for written" if standing else "a crash"
        held.append([(kind, {"writing_id": intent["writing_id"], "reason": reason, "standing": standing})], now=now)
        said.append(f"{intent['kind']} {intent['writing_id']}: {reason}")
    return tuple(said)


def _within(path: Path, project: Project) -> str:
    """The path as the log names it: within the project where it is, else in full."""
    target, root = path.resolve(), project.root.resolve()
    return target.relative_to(root).as_posix() if target.is_relative_to(root) else str(target)
