"""Which supplier's extract this is, found from what its files hold; names of files decide nothing but our own."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.files.header import NO_HEADER, Head, Header, check_titles, headerless, read_head
from connectors.files.load import open_parquet
from connectors.files.opening import ENDINGS, NO_ENDING, Member, members, passed_by, stem_of
from connectors.files.parts import check_once, check_parts
from connectors.files.typed import as_arrow
from connectors.source import Source
from connectors.supplier import Kind, Supplier, plain
from schemas.errors import InputError, shown

if TYPE_CHECKING:
    import pyarrow as pa


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


def detect(source: Source, suppliers: Sequence[Supplier], *, changes: bool = False) -> Extract:
    """Find the supplier among `suppliers` and the kind of every file; InputError where it cannot be told.

    `changes` says that people need not be among them.
    """
    if isinstance(source.data, str):
        source = replace(source, data=Path(source.data))
    files = open_source(source, suppliers)
    matches = [(supplier, _match(supplier, files)) for supplier in suppliers]
    # A delivery of changes may be one table alone.
    partial = changes or source.feed is not None
    complete = [(supplier, found) for supplier, found in matches if _has_people(supplier, found, partial=partial)]
    if not complete:
        unread = [file.head.first for file in files if file.head and isinstance(file.head.first, InputError)]
        raise unread[0] if unread else _nothing_found(source, suppliers, files)
    best = max(complete, key=lambda match: _columns(match[1]))
    rivals = [s.name for s, found in complete if _columns(found) == _columns(best[1])]
    if len(rivals) > 1:
        raise InputError(f"the columns fit {' and '.join(rivals)} equally well; name the format", path=_where(source))
    _check_alone(source, best, complete)
    for file in best[1]:
        if file.kind is not None:
            check_titles(file.where, file.header, file.kind.uses)
            _check_any_of(file)
    used = [file.member for file in best[1] if file.kind and file.member]
    check_parts(used)
    check_once(used)
    return Extract(source, best[0], _organisation(source), tuple(best[1]))


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


_LINK = "it is a link to a folder; give that folder itself"


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


def _match(supplier: Supplier, files: Iterable[Found]) -> list[Found]:
    return [_matched(supplier, file) for file in files]


def _matched(supplier: Supplier, file: Found) -> Found:
    for kind in supplier.kinds:
        header = _header(supplier, kind, file)
        if header is not None:
            return replace(file, header=header, kind=kind)
    return file


def _header(supplier: Supplier, kind: Kind, file: Found) -> Header | None:
    """The header by which the file is of this kind; None where it is not."""
    if kind.file_name is not None and plain(kind.file_name) != plain(file.stem):
        return None
    if kind.file_name is None and any(k.file_name and plain(k.file_name) == plain(file.stem) for k in supplier.kinds):
        return None
    if kind.recognised is not None:
        if file.head is None or not kind.recognised.search(file.head.beginning):
            return None
        return headerless(file.head, kind.headerless) if kind.headerless else NO_HEADER
    below = file.head.below if file.head else ()
    allowed = len(below) if file.is_sheet else kind.preamble
    return next((header for header in (file.header, *below[:allowed]) if _fits(supplier, kind, header)), None)


def _fits(supplier: Supplier, kind: Kind, header: Header) -> bool:
    if supplier.exact_titles and not set(kind.required) <= {title.casefold() for title in header.titles}:
        return False
    return header is not NO_HEADER and not kind.missing(header.titles)


def _has_people(supplier: Supplier, files: Iterable[Found], *, partial: bool) -> bool:
    kinds = [kind for kind in supplier.kinds if kind.fills] if partial else supplier.people
    return any(file.kind is kind for file in files for kind in kinds)


def _columns(files: Iterable[Found]) -> int:
    """How much of the files' headers a supplier knows; what is told without a header counts with all its fields."""
    return sum(
        len(file.kind.columns if file.kind.recognised else file.kind.match(file.header.titles))
        for file in files
        if file.kind
    )


def _nothing_found(source: Source, suppliers: Sequence[Supplier], files: Sequence[Found]) -> InputError:
    """Say which columns are missing. Titles that were found are not repeated: without a header they are values."""
    near = nearest(suppliers, files)
    if len(suppliers) > 1:
        names = ", ".join(supplier.name for supplier in suppliers)
        return InputError(
            f"the columns fit none of the formats {names}; "
            + (f"nearest to {near.supplier.name}, but {near.sentence()}; " if near and near.is_near else "")
            + (_ANSWER if any(_is_answer(file) for file in files) else "")
            + (_AS_IT_CAME if source.among else _OTHERWISE),
            path=_where(source),
        )
    if near is None:
        return InputError(f"no {suppliers[0].name} file found: no file begins as one does", path=_where(source))
    hint = "; only one column was found, so the delimiter may be none of comma, semicolon, tab and |"
    return InputError(
        f"no {suppliers[0].name} {near.kind.name} file found: {near.sentence()}"
        + ("; name no format to have it found" if source.format else "")
        + (hint if len(near.file.header.titles) == 1 else ""),
        path=_where(source),
    )


_OTHERWISE = (
    "name the format, give a mapping (caretrace map proposes one); or use our own titles, record_id and those of PERSON"
    " (docs/connectors.md)"
)
_AS_IT_CAME = "give the file as it came back"
_ANSWER = "a reply of the check for data opt-outs is read by caretrace opt-out read; "
_ENOUGH = 4
"""Columns of a supplier that a file must have before it is called near to that supplier's."""


@dataclass(frozen=True)
class _Near:
    supplier: Supplier
    kind: Kind
    file: Found
    known: int

    @property
    def is_near(self) -> bool:
        """Whether it is likely meant to be one of the supplier's."""
        return self.known >= _ENOUGH

    def sentence(self) -> str:
        """What the file lacks to be one of the supplier's."""
        missing = self.kind.missing(self.file.header.titles) or (self.kind.title(self.kind.required[0]),)
        noun = "columns" if len(missing) > 1 else "column"
        return f"the {noun} {', '.join(missing)} {'are' if len(missing) > 1 else 'is'} missing from {self.file.name}"


def _is_answer(file: Found) -> bool:
    return file.path is not None and file.path.suffix.lower() == ".dat"


def nearest(suppliers: Sequence[Supplier], files: Sequence[Found]) -> _Near | None:
    """The file that has most of the columns of some supplier's people, and lacks the fewest that it must have."""
    found = [
        _Near(supplier, kind, file, len(kind.match(file.header.titles)))
        for supplier in suppliers
        for kind in supplier.people
        if not kind.recognised
        for file in files
    ]
    return max(found, key=lambda near: (near.known, -len(near.kind.missing(near.file.header.titles))), default=None)


def _check_alone(
    source: Source, best: tuple[Supplier, list[Found]], complete: Sequence[tuple[Supplier, list[Found]]]
) -> None:
    """Refuse the people of two systems in one folder: those of one would be left out, and nobody might notice."""
    unread = {file.name for file in best[1] if file.kind is None}
    for supplier, found in complete:
        for file in found:
            if file.name in unread and file.kind in supplier.people:
                raise InputError(
                    f"holds files of {best[0].name} and of {supplier.name} ({file.name}); give each system a folder of"
                    " its own",
                    path=_where(source),
                )


def _check_any_of(file: Found) -> None:
    kind = file.kind
    if (
        kind
        and kind.any_of
        and file.header is not NO_HEADER
        and not set(kind.any_of) & set(kind.match(file.header.titles))
    ):
        raise InputError(
            f"nothing says who the people are: at least one of the columns {', '.join(kind.any_of)} is needed",
            path=file.where,
            line=file.header.line if file.header.delimiter else None,
        )


def _where(source: Source) -> Path | str:
    return source.data if isinstance(source.data, Path) else source.label


def _organisation(source: Source) -> str:
    if source.name or not isinstance(source.data, Path):
        return source.label
    return source.data.resolve().name if source.data.is_dir() else stem_of(source.data.name)
