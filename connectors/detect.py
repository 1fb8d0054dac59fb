"""Which supplier's extract this is, found from the columns of its files; names of files decide nothing but our own."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.files.header import Header, check_titles, read_header
from connectors.files.load import PARQUET, open_parquet
from connectors.files.typed import as_arrow
from connectors.source import Source
from connectors.supplier import Kind, Supplier, plain
from schemas.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

_ENDINGS = (".csv", ".txt", ".tsv", *PARQUET)


@dataclass(frozen=True)
class Found:
    """One file or table of an extract: its header, and the kind of file it is (None: none that is read)."""

    name: str
    stem: str
    header: Header
    path: Path | None = None
    table: pa.Table | None = None
    kind: Kind | None = None

    @property
    def is_parquet(self) -> bool:
        """Whether it holds typed columns that stay in their place."""
        return self.path is not None and self.header.delimiter is None


@dataclass(frozen=True)
class Extract:
    """A source whose supplier is known, its files in order of name."""

    source: Source
    supplier: Supplier
    organisation: str
    """What stands for the organisation where the records do not name one."""
    files: tuple[Found, ...]


def detect(source: Source, suppliers: Sequence[Supplier]) -> Extract:
    """Find the supplier among `suppliers` and the kind of every file; InputError where it cannot be told."""
    if isinstance(source.data, str):
        source = replace(source, data=Path(source.data))
    files = _open(source)
    matches = [(supplier, _match(supplier, files)) for supplier in suppliers]
    complete = [(supplier, found) for supplier, found in matches if _has_people(supplier, found)]
    if not complete:
        raise _nothing_found(source, suppliers, files)
    best = max(complete, key=lambda match: _columns(match[1]))
    rivals = [s.name for s, found in complete if _columns(found) == _columns(best[1])]
    if len(rivals) > 1:
        raise InputError(f"the columns fit {' and '.join(rivals)} equally well; name the format", path=_where(source))
    for file in best[1]:
        if file.kind is not None:
            check_titles(file.path or Path(file.name), file.header)
            _check_any_of(file)
    return Extract(source, best[0], _organisation(source), tuple(best[1]))


def _open(source: Source) -> list[Found]:
    data = source.data
    if not isinstance(data, Path):
        table = as_arrow(data, source.label)
        return [Found(source.label, source.label, Header(tuple(map(str, table.schema.names)), None), table=table)]
    paths = list(_paths(data))
    return [_open_file(path, path.relative_to(data).as_posix() if path != data else path.name) for path in paths]


def _paths(root: Path) -> Iterable[Path]:
    """The file itself, or every file below a folder that may hold records; links to folders are not followed."""
    if not _is_folder(root):
        return [root]
    found = [
        Path(folder) / name
        for folder, _, names in os.walk(root)
        for name in names
        if name.lower().endswith(_ENDINGS) and not name.startswith((".", "~"))
    ]
    if not found:
        raise InputError(f"the folder holds no file that ends in {', '.join(_ENDINGS)}", path=root)
    for path in found:
        _is_folder(path)
    return sorted(found)


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


def _open_file(path: Path, name: str) -> Found:
    header = open_parquet(path) if path.suffix.lower() in PARQUET else read_header(path)
    return Found(name, path.stem, header, path=path)


def _match(supplier: Supplier, files: Iterable[Found]) -> list[Found]:
    return [
        Found(
            f.name, f.stem, f.header, f.path, f.table, next((k for k in supplier.kinds if _fits(supplier, k, f)), None)
        )
        for f in files
    ]


def _fits(supplier: Supplier, kind: Kind, file: Found) -> bool:
    if supplier.exact_titles and not set(kind.required) <= {title.casefold() for title in file.header.titles}:
        return False
    if kind.file_name is not None and plain(kind.file_name) != plain(file.stem):
        return False
    if kind.file_name is None and any(plain(k.file_name or "") == plain(file.stem) for k in supplier.kinds):
        return False
    return not kind.missing(file.header.titles)


def _has_people(supplier: Supplier, files: Iterable[Found]) -> bool:
    return any(file.kind is supplier.person for file in files)


def _columns(files: Iterable[Found]) -> int:
    return sum(len(file.kind.match(file.header.titles)) for file in files if file.kind)


def _nothing_found(source: Source, suppliers: Sequence[Supplier], files: Sequence[Found]) -> InputError:
    """Say which columns are missing. Titles that were found are not repeated: without a header they are values."""
    if len(suppliers) > 1:
        names = ", ".join(supplier.name for supplier in suppliers)
        return InputError(
            f"the columns fit none of the formats {names}; name the format, give a mapping, or rename the id column to"
            " record_id and use the columns of PERSON (docs/connectors.md)",
            path=_where(source),
        )
    supplier = suppliers[0]
    person = supplier.person
    closest = min(files, key=lambda file: len(person.missing(file.header.titles)))
    missing = ", ".join(person.missing(closest.header.titles)) or person.title(person.required[0])
    hint = "; only one column was found, so the delimiter may be none of comma, semicolon, tab and |"
    return InputError(
        f"no {supplier.name} {person.name} file found: the column {missing} is missing"
        if ", " not in missing
        else f"no {supplier.name} {person.name} file found: the columns {missing} are missing"
        + (hint if len(closest.header.titles) == 1 else ""),
        path=_where(source),
    )


def _check_any_of(file: Found) -> None:
    kind = file.kind
    if kind and kind.any_of and not set(kind.any_of) & set(kind.match(file.header.titles)):
        raise InputError(
            f"nothing says who the people are: at least one of the columns {', '.join(kind.any_of)} is needed",
            path=file.path or file.name,
            line=file.header.line if file.path and not file.is_parquet else None,
        )


def _where(source: Source) -> Path | str:
    return source.data if isinstance(source.data, Path) else source.label


def _organisation(source: Source) -> str:
    if source.name or not isinstance(source.data, Path):
        return source.label
    return source.data.resolve().name if source.data.is_dir() else source.data.stem
