"""Telling the inputs of one side apart: no two files share a name in the report, no two registers an organisation.

A record is known by its source, organisation and id. Where the records name no organisation the file or folder
stands in for it, so two registers with the same file name would otherwise be taken for one, and the second one's people
for repeats.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from connectors.files.opening import stem_of
from connectors.found import Extract, Found
from schemas.errors import InputError, shown

_Label: TypeAlias = tuple[tuple[str, ...], int]
"""The parts of a name from the outermost folder inwards, and how many of the last must show."""


def tell_apart(extracts: Sequence[Extract]) -> list[Extract]:
    """The extracts with distinct organisations and file names, each with no more parent folders than that takes.

    What a source is called by its `name` stays as given. Raises InputError where the same data is given twice.
    """
    _refuse_twice(extracts)
    tables = [extract for extract in extracts if not isinstance(extract.source.data, Path) and not extract.source.name]
    numbered = {id(table): f" {at}" if at > 1 else "" for at, table in enumerate(tables, start=1)}
    endless = Counter(_endless(extract) for extract in extracts)
    organisations = _distinct(
        [_organisation(e, numbered.get(id(e), ""), keep_ending=endless[_endless(e)] > 1) for e in extracts]
    )
    names = iter(_distinct([_file(file, numbered.get(id(e), "")) for e in extracts for file in e.files]))
    return [
        replace(
            extract,
            organisation=organisation,
            files=tuple(replace(file, name=next(names)) for file in extract.files),
        )
        for extract, organisation in zip(extracts, organisations, strict=True)
    ]


def _refuse_twice(extracts: Sequence[Extract]) -> None:
    """Under two names the same people would pass for others, and each of them would be doubtful."""
    seen: dict[Path | int, int] = {}
    for at, extract in enumerate(extracts):
        if not isinstance(extract.source.data, Path) and seen.setdefault(id(extract.source.data), at) != at:
            raise InputError("the same table is given twice; give it once", path=extract.source.label)
        for file in extract.files:
            if file.kind and file.path and seen.setdefault(file.path.resolve(), at) != at:
                raise InputError("is given twice; give it once", path=file.path)


def _endless(extract: Extract) -> tuple[str, ...] | None:
    """Where the extract is, without the ending of a file's name."""
    data = extract.source.data
    if extract.source.name or not isinstance(data, Path):
        return None
    return data.resolve().parts if data.is_dir() else _absolute(data).with_name(stem_of(data.name)).parts


def _organisation(extract: Extract, number: str, *, keep_ending: bool) -> _Label:
    parts = _endless(extract)
    if parts is None:
        return (extract.organisation + number,), 1
    # register.csv beside register.parquet: no number of parents tells them apart.
    if keep_ending and isinstance(extract.source.data, Path) and not extract.source.data.is_dir():
        parts = _absolute(extract.source.data).parts
    return parts, 1


def _file(file: Found, number: str) -> _Label:
    if file.path is None:
        return (file.name + number,), 1
    within = file.member.within if file.member else ()
    return (*_absolute(file.path).parts, *within), len(PurePosixPath(file.name).parts)


def _absolute(path: Path) -> Path:
    """Absolute, but a link to the file left as it is: its name is the one the user knows."""
    return path.parent.resolve() / path.name


def _distinct(labels: Sequence[_Label]) -> list[str]:
    """The last parts of each label; those that collide show one more until none does or none is left."""
    counts = [count for _, count in labels]
    while True:
        names = [shown("/".join(parts[-count:])) for (parts, _), count in zip(labels, counts, strict=True)]
        met = Counter(names)
        longer = [at for at, (parts, _) in enumerate(labels) if met[names[at]] > 1 and counts[at] < len(parts)]
        if not longer:
            return names
        for at in longer:
            counts[at] += 1
