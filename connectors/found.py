"""Every file, part of a file or table of a source, with how it begins; which supplier's they are is told elsewhere."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.files.header import NO_HEADER, Head, Header, read_head
from connectors.files.opening import ENDINGS, NO_ENDING, Member, members, passed_by
from connectors.files.parquet import open_parquet
from connectors.files.typed import as_arrow
from connectors.source import Source
from connectors.supplier import Kind, Supplier
from schemas.errors import InputError, shown

if TYPE_CHECKING:
    import pyarrow as pa

_LINK = "it is a link to a folder; give that folder itself"


@dataclass(frozen=True)
class Found:
    """One file, part of a file or table of an extract, and the kind of file it is (None: none that is read)."""

    name: str
    stem: str
    header: Header
    """By the kind, where it has one: a kind with a preamble finds its own."""
    member: Member | None = None
    table: pa.Table | None = None
    head: Head | None = None
    """How a text begins."""
    kind: Kind | None = None

    @property
    def path(self) -> Path | None:
        """The file as it was delivered."""
        return self.member.path if self.member else None

    @property
    def is_sheet(self) -> bool:
        """Whether it is a sheet of a workbook: any may have rows above its titles."""
        return self.member is not None and self.member.sheet is not None

    @property
    def where(self) -> Path | str:
        """What messages call it."""
        return self.member.where if self.member else self.name


@dataclass(frozen=True)
class Extract:
    """A source whose supplier is known, its files in order of name."""

    source: Source
    supplier: Supplier
    organisation: str
    """What stands for the organisation where the records do not name one."""
    files: tuple[Found, ...]


def open_source(source: Source, suppliers: Sequence[Supplier]) -> list[Found]:
    """Every file there is to read, with its header; InputError where one cannot be opened."""
    data = source.data
    if not isinstance(data, Path | tuple):
        table = as_arrow(data, source.label)
        return [Found(source.label, source.label, Header(tuple(map(str, table.schema.names)), None), table=table)]
    kinds = [kind for supplier in suppliers for kind in supplier.kinds]
    roots = data if isinstance(data, tuple) else (data,)
    found = [
        member
        for root in roots
        for path, why in _paths(root)
        if source.mapping is None or path.resolve() != source.mapping.resolve()
        for member in _members(
            path, shown(path.relative_to(root).as_posix() if path != root else path.name), why, source
        )
    ]
    return [_open_member(member, kinds) for member in found]


def _members(path: Path, name: str, why: str | None, source: Source) -> list[Member]:
    return [passed_by(path, name, why)] if why else members(path, name, source.opening)


def _paths(root: Path) -> list[tuple[Path, str | None]]:
    """The file itself, or every file below a folder, with why it is not opened where it is none that may hold records.

    What is hidden is nothing. Links to folders are not followed, for they may lead round in a circle.
    """
    if not _is_folder(root):
        return [(root, None)]

    def refuse(error: OSError) -> None:
        reason = os.strerror(error.errno).lower() if error.errno else "unknown reason"
        raise InputError(f"the folder cannot be read ({reason}); check its permissions", path=error.filename) from error

    found: list[tuple[Path, str | None]] = []
    for folder, folders, names in os.walk(root, onerror=refuse):
        linked = [name for name in folders if (Path(folder) / name).is_symlink()]
        found += [(Path(folder) / name, _LINK) for name in linked]
        found += [(Path(folder) / name, None if name.lower().endswith(ENDINGS) else NO_ENDING) for name in names]
    found = sorted((each for each in found if not each[0].name.startswith((".", "~"))), key=lambda each: each[0])
    opened = [path for path, why in found if why is None]
    if not opened:
        raise InputError(f"the folder holds no file that ends in {', '.join(ENDINGS)}", path=root)
    for path in opened:
        _is_folder(path)
    return found


def _is_folder(path: Path) -> bool:
    """Whether it is a folder and not a file; what is neither is refused, for opening a pipe waits for ever."""
    try:
        mode = path.stat().st_mode
    except (OSError, RuntimeError) as error:
        number = getattr(error, "errno", None)
        reason = os.strerror(number).lower() if number else "a loop of links"
        raise InputError(f"cannot be read ({reason}); check the path", path=path) from error
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise InputError("is a pipe or a device; save the data in a file and give that", path=path)
    return stat.S_ISDIR(mode)


def _open_member(member: Member, kinds: Sequence[Kind]) -> Found:
    """Its header, where it has one; a text that is no kind's without a header must have one."""
    if member.unread:
        return Found(member.name, member.stem, NO_HEADER, member)
    if member.is_parquet:
        return Found(member.name, member.stem, open_parquet(member.path), member)
    if member.sheet:
        first, *below = member.sheet.headers()
        return Found(member.name, member.stem, first, member, head=Head(b"", first, tuple(below)))
    head = read_head(member, preamble=max(kind.preamble for kind in kinds))
    if isinstance(head.first, Header):
        return Found(member.name, member.stem, head.first, member, head=head)
    titled = any(
        not kind.missing(header.titles) for kind in kinds for header in head.below[: kind.preamble] if kind.preamble
    )
    if titled or any(kind.recognised and kind.recognised.search(head.beginning) for kind in kinds):
        return Found(member.name, member.stem, NO_HEADER, member, head=head)
    raise head.first
