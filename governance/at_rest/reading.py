"""A file to read, whether or not it is encrypted where it stands."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from governance.at_rest import sealing, workshop
from governance.at_rest.folder import KEY_FILE, secrets_for
from governance.at_rest.rule import rule_for


def readable(path: Path) -> Path:
    """`path`, or where it is encrypted a copy of it in the workshop, of the same name; to read only.

    A missing file is given back as it is: whoever opens it says so. Raises SettingsError where the key is missing or
    another project's, IntegrityFailure where the file was altered.
    """
    if not path.is_file() or not sealing.is_sealed(path):
        return path
    about = path.stat()
    known = f"{path.resolve()} {about.st_ino} {about.st_size} {about.st_mtime_ns}"
    name = hashlib.sha256(known.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    copy = workshop.place(rule_for(path)) / "read" / name / path.name
    if not copy.exists():
        secrets = secrets_for(path)
        copy.parent.mkdir(parents=True, exist_ok=True)
        draft = copy.with_name(f".{copy.name}.opening")
        draft.unlink(missing_ok=True)
        sealing.unseal(path, secrets, draft)
        draft.replace(copy)
    return copy


@contextmanager
def readable_once(path: Path) -> Iterator[Path]:
    """The same for a large file that is read once: its copy is gone when the block ends."""
    if not sealing.is_sealed(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="once-", dir=workshop.place(rule_for(path))) as folder:
        copy = Path(folder) / path.name
        sealing.unseal(path, secrets_for(path), copy)
        yield copy


def take_plain(path: Path, to: Path) -> None:
    """Make the new file `to` of the plain text of `path`, to work on."""
    if sealing.is_sealed(path):
        sealing.unseal(path, secrets_for(path), to)
    else:
        shutil.copyfile(path, to)


def read_bytes(path: Path) -> bytes:
    """The plain text of a short file. Raises OSError as `Path.read_bytes` does."""
    return readable(path).read_bytes()


def plain_folder(folder: Path, to: Path) -> tuple[Path, ...]:
    """Write the plain text of every file below `folder` below the folder `to`; gives their paths within it."""
    written = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file() and each.name != KEY_FILE):
        within = path.relative_to(folder)
        (to / within).parent.mkdir(parents=True, exist_ok=True)
        if sealing.is_sealed(path):
            sealing.unseal(path, secrets_for(path), to / within)
        else:
            (to / within).write_bytes(path.read_bytes())
        written.append(within)
    return tuple(written)
