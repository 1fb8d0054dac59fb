"""Files written beside a run: whole or not at all, for their owner alone, and never into the run folder itself.

`replaced` is for what names nobody, such as an account of a night; `replaced_private` for all else, which a project may
want encrypted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from caretrace.run_folder import protect
from governance import at_rest
from schemas.errors import InputError


def refuse_inside(path: Path, run: Path, *, option: str) -> None:
    """Raise InputError where `path`, given as `option`, is the run folder or lies in it: finished runs never change."""
    if run.resolve() in (path.resolve(), *path.resolve().parents):
        raise InputError(f"lies in the run folder, which is never changed; give {option} another place", path=path)


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A name to write under; it becomes `path` when the block ends well, and vanishes where it does not."""
    draft = path.with_name(f".{path.name}.partial")
    try:
        yield draft
        protect(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def replaced_private(path: Path) -> Iterator[Path]:
    """The same for a file about people."""
    with at_rest.written(path, path.with_name(f".{path.name}.partial")) as plain:
        yield plain
