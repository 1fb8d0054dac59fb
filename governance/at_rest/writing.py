"""A file written so that, where its project wants it, only its encrypted form ever stands in the project."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from governance import files
from governance.at_rest import sealing, workshop
from governance.at_rest.reading import readable
from governance.at_rest.rule import rule_for
from schemas.errors import SettingsError


@contextmanager
def written(path: Path, draft: Path) -> Iterator[Path]:
    """Give a name to write under; it becomes `path` when the block ends well, and vanishes where it does not.

    `draft` is a name beside `path` for what is on its way: the plain text, or where that is wanted the encrypted one.
    """
    plain = plain_draft(path, draft)
    try:
        yield plain
        seal_draft(plain, draft)
        files.owner_only(draft)
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        plain.unlink(missing_ok=True)
        draft.unlink(missing_ok=True)


def plain_draft(path: Path, draft: Path) -> Path:
    """Where the plain text of `path` is written: `draft`, or a place in the workshop where it is encrypted."""
    rule = rule_for(path)
    if not rule.encrypt:
        _refuse_opening(path)
        return draft
    # Asked for now, so that a missing key stops the work before it begins.
    _public()
    return Path(tempfile.mkdtemp(prefix="write-", dir=workshop.place(rule))) / path.name


def seal_draft(plain: Path, draft: Path) -> None:
    """Make `draft` of the plain text that `plain_draft` gave a name to."""
    if plain == draft:
        return
    draft.unlink(missing_ok=True)
    sealing.seal(plain, draft, _public())
    plain.unlink()


def write_durably(path: Path, data: bytes) -> None:
    """As `files.write_durably`, encrypted where the project of `path` wants it."""
    if not rule_for(path).encrypt:
        _refuse_opening(path)
        files.write_durably(path, data)
        return
    from governance import encryption

    files.write_durably(path, encryption.encrypted(data, _public()))


def copy(source: Path, path: Path, draft: Path) -> None:
    """Make `path` of the file `source`, durably; both may be encrypted, each with its own key."""
    with written(path, draft) as plain:
        shutil.copyfile(readable(source), plain)


def _refuse_opening(path: Path) -> None:
    """What stands encrypted is never replaced by its plain text because a line of the settings was lost."""
    if path.is_file() and sealing.is_sealed(path):
        raise SettingsError(
            f"{path}: is encrypted, and caretrace.toml no longer says encrypt = true under [at_rest]; put that back,"
            " or take the file out with `caretrace open` and put the plain copy in its place"
        )


def _public() -> str:
    # Imported here: not every command needs keys.
    from governance.keys import at_rest as project_key

    return project_key.public()
