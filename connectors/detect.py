"""Which supplier's extract this is, found from what its files hold; names of files decide nothing but our own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from connectors import departures
from connectors.files.header import NO_HEADER, Header, check_titles, headerless
from connectors.files.opening import stem_of
from connectors.files.parts import check_once, check_parts
from connectors.found import Extract, Found, open_source
from connectors.not_found import nothing_found, where
from connectors.source import Source
from connectors.supplier import Kind, Supplier, plain
from schemas.errors import InputError


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
        raise unread[0] if unread else nothing_found(source, suppliers, files)
    best = max(complete, key=lambda match: _columns(match[1]))
    rivals = [s.name for s, found in complete if _columns(found) == _columns(best[1])]
    if len(rivals) > 1:
        raise InputError(f"the columns fit {' and '.join(rivals)} equally well; name the format", path=where(source))
    _check_alone(source, best, complete)
    for file in best[1]:
        if file.kind is not None:
            check_titles(file.where, file.header, file.kind.uses)
            departures.check_titles(file, changes=changes)
    used = [file.member for file in best[1] if file.kind and file.member]
    check_parts(used)
    check_once(used)
    return Extract(source, best[0], _organisation(source), tuple(best[1]))


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
    headers = (file.header, *below[:allowed])
    return next((each for each in headers if each is not NO_HEADER and supplier.fits(kind, each.titles)), None)


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
                    path=where(source),
                )


def _organisation(source: Source) -> str:
    if source.name or not isinstance(source.data, Path):
        return source.label
    return source.data.resolve().name if source.data.is_dir() else stem_of(source.data.name)
