"""A run folder: written under a temporary name, given its own name when complete, opened only if it is whole.

In: what a run writes. Out: `RUN/`, or nothing. One lock file beside RUN is held while it is made, so a partial folder
found under a free lock was left by a run that died, and can be removed. Where the project wants its files encrypted,
the plain text of the draft is in the workshop, and what stands beside RUN is encrypted (`governance.at_rest`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace.run_lock import lock
from governance import at_rest
from schemas.errors import InputError, IntegrityFailure

if TYPE_CHECKING:
    from governance.at_rest import FolderKey

FORMAT = 1
MANIFEST = "manifest.json"
_WORK = "work"
PARTIAL = ".{}.partial-"
"""How the name of a draft of the folder begins, whoever writes it."""
_RENAME_SECONDS = 5.0
"""How long a virus scanner or an indexer may hold a handle on Windows before the rename fails."""


@dataclass(frozen=True)
class Draft:
    """A run folder in the making."""

    path: Path
    """Where its files are written."""
    final: Path
    beside: Path | None = None
    """Where the encrypted files are put, beside `final`; None where they are not encrypted."""
    key: FolderKey | None = None

    @property
    def stage(self) -> Path:
        """What gets the final name in the end."""
        return self.beside or self.path

    @property
    def work(self) -> Path:
        """Where the working database and its spill files stand; gone from the finished folder."""
        return self.path / _WORK


@dataclass(frozen=True)
class Run:
    """A finished run folder."""

    path: Path
    manifest: Mapping[str, Any]


@contextlib.contextmanager
def drafting(out: Path, *, encrypt: bool = False) -> Iterator[Draft]:
    """Give a draft of `out`; it becomes `out` by `finish`, and vanishes where the block ends without it.

    It is encrypted where the project it lies in wants that, or `encrypt` does.

    Raises InputError where `out` exists and Busy where another process is writing it.
    """
    _refuse_existing(out)
    parent = out.parent
    if parent.exists() and not parent.is_dir():
        raise InputError("is a file, so no run folder can stand in it; give --out another place", path=parent)
    parent.mkdir(parents=True, exist_ok=True)
    with lock(parent / f".{out.name}.lock", out):
        _refuse_existing(out)
        for stale in parent.glob(f"{_partial_prefix(out)}*"):
            shutil.rmtree(stale)
        draft = draft_at(parent / f"{_partial_prefix(out)}{os.getpid()}-{secrets.token_hex(4)}", out, encrypt=encrypt)
        try:
            yield draft
        finally:
            # After `finish` nothing stands there; otherwise this is all that is left of the run.
            discard(draft)


def draft_at(stage: Path, out: Path, *, encrypt: bool = False) -> Draft:
    """A draft of `out` in the new folder `stage` beside it; SettingsError where it needs a key and there is none."""
    rule = at_rest.rule_for(out)
    if rule.encrypt or encrypt:
        key = at_rest.FolderKey.new()
        plain = Path(tempfile.mkdtemp(prefix="draft-", dir=at_rest.place(rule)))
        draft = Draft(plain, out, stage, key)
    else:
        draft = Draft(stage, out)
    stage.mkdir(mode=0o700, parents=True)
    draft.work.mkdir()
    return draft


def discard(draft: Draft) -> None:
    """Remove what still stands of a draft."""
    for folder in {draft.path, draft.stage}:
        shutil.rmtree(folder, ignore_errors=True)


def finish(draft: Draft, manifest: Mapping[str, Any]) -> Run:
    """Close the draft: hash every file, write the manifest last, flush all to disk, and rename.

    Every database in the draft must be closed by now: Windows renames no folder with an open file in it.
    """
    complete = seal(draft, manifest)
    place(draft)
    return Run(draft.final, complete)


def seal(draft: Draft, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """Everything of `finish` but the rename: from here on the draft is whole, and its manifest stands in it."""
    _encrypt(draft)
    outputs = {path.relative_to(draft.stage).as_posix(): sha256(path) for path in _files(draft.stage)}
    complete = {"format": FORMAT, **manifest, "outputs": outputs}
    text = json.dumps(complete, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    (draft.stage / MANIFEST).write_text(text, encoding="utf-8", newline="\n")
    _secure(draft)
    sealed: Mapping[str, Any] = json.loads(text)
    return sealed


def place(draft: Draft) -> None:
    """Give a sealed draft its own name."""
    _refuse_existing(draft.final)
    _rename(draft.stage, draft.final)
    _flush_folder(draft.final.parent)


def finish_plain(draft: Draft) -> Path:
    """Close a draft that is no run, such as what a check writes: no manifest, all else the same."""
    _encrypt(draft)
    _secure(draft)
    place(draft)
    return draft.final


def _encrypt(draft: Draft) -> None:
    """Close the work on a draft, and put its files encrypted where they are to stand, if they are to be."""
    if draft.work.exists():
        shutil.rmtree(draft.work)
    if draft.beside is None or draft.key is None:
        return
    draft.key.put(draft.beside)
    for path in _files(draft.path):
        to = draft.beside / path.relative_to(draft.path)
        to.parent.mkdir(parents=True, exist_ok=True)
        draft.key.seal(path, to)
    shutil.rmtree(draft.path)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _secure(draft: Draft) -> None:
    """Protect every file, and flush all to disk."""
    files = _files(draft.stage)
    for path in files:
        protect(path)
        _flush(path)
    for folder in {path.parent for path in files}:
        _flush_folder(folder)


def open(path: Path, *, verify: bool = False, whole: bool = True) -> Run:
    """Open a finished run; with `verify` every file is hashed again.

    A night may leave out the linked tables (`outputs.tables` in caretrace.toml); `whole=False` takes its folder too.
    Raises InputError where the folder is not a finished run, IntegrityFailure where a file was altered since.
    """
    if not path.is_dir():
        raise InputError("there is no such run folder; give the folder that `caretrace link --out` wrote", path=path)
    # A draft has its manifest an instant before its name, but nobody was told that the run is there.
    if fnmatch(path.name, PARTIAL.format("*") + "*"):
        raise InputError("not a finished run: it was stopped before it had its name; run it again", path=path)
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"not a finished run: it holds no {MANIFEST}; run `caretrace link` again", path=path) from None
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise InputError(
            "is not a manifest that can be read; run `caretrace link` again", path=path / MANIFEST
        ) from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise InputError(f"is not of format {FORMAT}; this version reads no other", path=path / MANIFEST)
    outputs = manifest.get("outputs")
    if not isinstance(outputs, dict) or not outputs:
        raise InputError("lists no outputs; run `caretrace link` again", path=path / MANIFEST)
    if missing := sorted(name for name in outputs if not (path / name).is_file()):
        raise InputError(f"not a whole run: {', '.join(missing)} missing; run `caretrace link` again", path=path)
    if verify and (altered := sorted(name for name, digest in outputs.items() if sha256(path / name) != digest)):
        raise IntegrityFailure(f"{path}: altered since the run wrote it: {', '.join(altered)}; do not use it")
    if whole:
        _require_tables(path, manifest)
    return Run(path, manifest)


def _require_tables(path: Path, manifest: Mapping[str, Any]) -> None:
    about = manifest.get("warehouse")
    if isinstance(about, dict) and about.get("tables") is False:
        raise InputError(
            "this night wrote no tables (outputs.tables in caretrace.toml); take the run"
            f" {about['tables_in']:04d}, or write tonight's with `caretrace warehouse tables`",
            path=path,
        )


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _partial_prefix(out: Path) -> str:
    return PARTIAL.format(out.name)


def _refuse_existing(out: Path) -> None:
    # lexists: a symbolic link that leads nowhere is in the way too.
    if os.path.lexists(out):
        raise InputError("exists already; give --out a new name or remove it first", path=out)


def protect(path: Path) -> None:
    """Readable and writable by the owner alone; on Windows the folder's own access list decides instead."""
    if os.name != "nt":
        path.chmod(0o600)


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(path: Path) -> None:
    """Make names durable too; Windows cannot open a folder for it, and does not need to."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _rename(source: Path, target: Path) -> None:
    deadline = time.monotonic() + _RENAME_SECONDS
    while True:
        try:
            os.rename(source, target)  # noqa: PTH104 - Path.rename hides that nothing may be replaced here
            return
        except PermissionError:
            if os.name != "nt" or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
