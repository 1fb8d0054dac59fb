"""What is waiting in an inbox: deliveries in their order, none of them taken before it is whole.

A delivery is a file, an archive or a folder in the inbox of its source; loose files are one delivery where their
supplier's names say so (EMIS). Nothing here is moved, changed or deleted.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from caretrace.project.settings import Source
from connectors import Source as Reading
from connectors.feed.ahead import Told, ahead, together
from connectors.files.opening import ENDINGS, Opening, stem_of
from schemas.errors import InputError

Mode = Literal["full", "delta"]

UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".download", ".writing", ".swp")
"""Endings under which programs write what they have not finished."""
_IN_USE = "another program still has it open"


@dataclass(frozen=True)
class File:
    """One file of a delivery, as it stands in the inbox."""

    name: str
    """Its path below the inbox, with / between the parts."""
    path: Path
    bytes: int
    modified: int
    """Nanoseconds since 1970."""
    sha256: str = ""

    @property
    def stamp(self) -> tuple[str, int, int]:
        """What tells, without reading it, that a file is still as it was."""
        return self.name, self.bytes, self.modified


@dataclass(frozen=True)
class Delivery:
    """What was delivered together."""

    source: Source
    name: str
    files: tuple[File, ...]
    data: Path | tuple[Path, ...]
    """What is read: the file or folder, or the files that belong together."""
    told: Told | None = None
    """What the supplier says of it."""
    mode: Mode = "full"
    fault: str | None = None
    """Why it cannot be read at all, where that shows before it is."""

    @property
    def stamp(self) -> tuple[tuple[str, int, int], ...]:
        """The stamps of its files."""
        return tuple(file.stamp for file in self.files)

    @property
    def content(self) -> frozenset[str]:
        """The hashes of its files."""
        return frozenset(file.sha256 for file in self.files)


@dataclass(frozen=True)
class Inbox:
    """Everything that lies in an inbox, in order."""

    deliveries: tuple[Delivery, ...]
    unfinished: Mapping[str, str]
    """Name to why it waits for the next run."""
    strange: tuple[str, ...] = ()
    """Names of files whose endings say that they hold no records."""


def in_order(name: str) -> tuple[tuple[str | int, ...], str]:
    """A key that sorts names as people do: 9 before 10, and a name before the same name with something behind it.

    >>> sorted(["list 10.csv", "list 9 again.csv", "list 9.csv"], key=in_order)
    ['list 9.csv', 'list 9 again.csv', 'list 10.csv']
    """
    parts = re.split(r"(\d+)", _stem(name).casefold())
    return tuple(int(part) if place % 2 else part for place, part in enumerate(parts)), name


def _stem(name: str) -> str:
    """Without its ending, where it is one of files: the last part of 2026.11.22 is none."""
    return stem_of(name) if name.lower().endswith(ENDINGS) else name


def look(
    inbox: Path,
    source: Source,
    *,
    known: Iterable[tuple[tuple[str, int, int], ...]] = (),
    quiet: float,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.time,
) -> Inbox:
    """What lies in `inbox`. What is not `known` by its stamp must not have changed for `quiet` seconds."""
    found, unfinished, strange = _grouped(inbox, source)
    seen = set(known)
    new = [each for each in found if each.stamp not in seen]
    newest = max((file.modified for each in new for file in each.files), default=0) / 1e9
    # A clock of another machine may be ahead of ours: then nothing is known of the age.
    if new and now() - newest < quiet:
        sleep(quiet)
        later = {each.name: each.stamp for each in _grouped(inbox, source)[0]}
        changing = {each.name for each in new if later.get(each.name) != each.stamp}
        unfinished |= dict.fromkeys(changing, "it is still being written")
    return Inbox(tuple(each for each in found if each.name not in unfinished), unfinished, strange)


def _grouped(inbox: Path, source: Source) -> tuple[list[Delivery], dict[str, str], tuple[str, ...]]:
    if not inbox.is_dir():
        raise InputError(f"there is no such inbox of the source {source.name}; make the folder", path=inbox)
    unfinished: dict[str, str] = {}
    strange: list[str] = []
    groups: dict[str, list[Path]] = {}
    for entry in sorted(inbox.iterdir()):
        if _is_unfinished(entry):
            unfinished[entry.name] = "its name says that it is still being written"
        elif entry.name.startswith((".", "~")):
            continue
        elif entry.is_dir():
            groups[entry.name] = [entry]
        elif not entry.name.lower().endswith(ENDINGS):
            strange.append(entry.name)
        else:
            groups.setdefault(together(entry.name, _reading(source, entry)) or entry.name, []).append(entry)
    deliveries = []
    for name, entries in groups.items():
        files = _files(inbox, entries)
        if any(_is_unfinished(file.path) for file in files):
            unfinished[name] = "a file in it is still being written"
        elif not files:
            unfinished[name] = "the folder is empty"
        else:
            data = entries[0] if len(entries) == 1 and name == entries[0].name else tuple(entries)
            deliveries.append(Delivery(source, name, files, data))
    return sorted(deliveries, key=lambda each: in_order(each.name)), unfinished, tuple(strange)


def _is_unfinished(path: Path) -> bool:
    return path.suffix.lower() in UNFINISHED


def _files(inbox: Path, entries: Iterable[Path]) -> tuple[File, ...]:
    found = []
    for entry in entries:
        below = (Path(folder) / name for folder, _, names in os.walk(entry) for name in names)
        for path in sorted(below) if entry.is_dir() else [entry]:
            if path.name.startswith((".", "~")) and not _is_unfinished(path):
                continue
            if entry.is_dir() and not path.name.lower().endswith((*ENDINGS, *UNFINISHED)):
                continue
            try:
                facts = path.stat()
            except OSError:
                # Gone or replaced since the folder was listed: another stamp than the next look gives.
                found.append(File(path.relative_to(inbox).as_posix(), path, -1, -1))
                continue
            found.append(File(path.relative_to(inbox).as_posix(), path, facts.st_size, facts.st_mtime_ns))
    return tuple(found)


def hashed(delivery: Delivery) -> Delivery | str:
    """The delivery with the hashes of its files; or why it must wait, where a file is open or changed meanwhile.

    What cannot be read for another reason has a `fault`.
    """
    files = []
    for file in delivery.files:
        try:
            with file.path.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
            facts = file.path.stat()
        except PermissionError as error:
            if os.name == "nt":
                return _IN_USE
            return replace(delivery, fault=f"{file.name} cannot be read ({error.strerror})")
        except OSError as error:
            return replace(delivery, fault=f"{file.name} cannot be read ({error.strerror})")
        if (facts.st_size, facts.st_mtime_ns) != (file.bytes, file.modified):
            return "it is still being written"
        files.append(replace(file, sha256=digest))
    return replace(delivery, files=tuple(files))


def told(delivery: Delivery, opening: Opening) -> Delivery:
    """The delivery with what its supplier says of it, and whether it is full or holds changes; or with its fault."""
    source = delivery.source
    try:
        found = ahead(reading(delivery, opening))
    except InputError as error:
        return replace(delivery, mode=_mode(source, delivery.name, None), fault=str(error))
    return replace(delivery, told=found, mode=_mode(source, delivery.name, found))


def _mode(source: Source, name: str, found: Told | None) -> Mode:
    if source.feed != "auto":
        return source.feed
    if found is not None:
        return "full" if found.whole else "delta"
    if source.full_names is not None:
        names = {name.casefold(), _stem(name).casefold()}
        return "full" if any(fnmatchcase(each, source.full_names.casefold()) for each in names) else "delta"
    return "full"


def _reading(source: Source, data: Path | tuple[Path, ...], opening: Opening | None = None) -> Reading:
    made = Reading(data, format=source.format, mapping=source.mapping, name=source.name, without=source.without)
    return made if opening is None else replace(made, opening=opening)


def reading(delivery: Delivery, opening: Opening) -> Reading:
    """The delivery as connectors read it: its organisation is the source's, whatever its files are called."""
    source = delivery.source
    made = _reading(source, delivery.data, opening)
    return replace(made, feed=source.feed) if delivery.told and source.feed != "auto" else made
