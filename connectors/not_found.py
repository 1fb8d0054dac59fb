"""What is said where no supplier's files are found: which they are nearest to, and what they lack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors.files.header import read_head
from connectors.found import Found
from connectors.source import Source
from connectors.supplier import Kind, Supplier
from schemas.errors import InputError

_OTHERWISE = (
    "name the format, give a mapping (caretrace map proposes one); or use our own titles, record_id and those of PERSON"
    " (docs/connectors.md)"
)
_AS_IT_CAME = "give the file as it came back"
_ANSWER = "a reply of the check for data opt-outs is read by caretrace opt-out read; "
_LOOKED_THROUGH = 30
"""Lines that are not blank below the first, among which titles are looked for before it is said that there are none."""
_ENOUGH = 4
"""Columns of a supplier that a file must have before it is called near to that supplier's."""


@dataclass(frozen=True)
class Near:
    """A file, and how many columns it has of a kind of some supplier's."""

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


def nothing_found(source: Source, suppliers: Sequence[Supplier], files: Sequence[Found]) -> InputError:
    """Say which columns are missing. Titles that were found are not repeated: without a header they are values."""
    if not source.among and (below := _titled_below(suppliers, files)):
        return below
    near = nearest(suppliers, files)
    if len(suppliers) > 1:
        names = ", ".join(supplier.name for supplier in suppliers)
        return InputError(
            f"the columns fit none of the formats {names}; "
            + (f"nearest to {near.supplier.name}, but {near.sentence()}; " if near and near.is_near else "")
            + (_ANSWER if any(_is_answer(file) for file in files) else "")
            + (_AS_IT_CAME if source.among else _OTHERWISE),
            path=where(source),
        )
    if near is None:
        return InputError(f"no {suppliers[0].name} file found: no file begins as one does", path=where(source))
    hint = "; only one column was found, so the delimiter may be none of comma, semicolon, tab and |"
    return InputError(
        f"no {suppliers[0].name} {near.kind.name} file found: {near.sentence()}"
        + ("; name no format to have it found" if source.format else "")
        + (hint if len(near.file.header.titles) == 1 else ""),
        path=where(source),
    )


def nearest(suppliers: Sequence[Supplier], files: Sequence[Found]) -> Near | None:
    """The file that has most of the columns of some supplier's people, and lacks the fewest that it must have."""
    found = [
        Near(supplier, kind, file, len(kind.match(file.header.titles)))
        for supplier in suppliers
        for kind in supplier.people
        if not kind.recognised
        for file in files
    ]
    return max(found, key=lambda near: (near.known, -len(near.kind.missing(near.file.header.titles))), default=None)


def _titled_below(suppliers: Sequence[Supplier], files: Sequence[Found]) -> InputError | None:
    """What is said where the titles that were looked for on the first line stand further down."""
    for file in files:
        if file.member is None or file.is_sheet or file.head is None:
            continue
        for header in read_head(file.member, preamble=_LOOKED_THROUGH).below:
            for supplier in suppliers:
                if any(not kind.recognised and supplier.fits(kind, header.titles) for kind in supplier.people):
                    return InputError(
                        f"the titles of a {supplier.name} file stand on this line and not on the first; take out what"
                        " stands above them, or give a mapping with a preamble (caretrace map proposes one)",
                        path=file.where,
                        line=header.line,
                    )
    return None


def where(source: Source) -> Path | str:
    """What messages call a source."""
    return source.data if isinstance(source.data, Path) else source.label


def _is_answer(file: Found) -> bool:
    return file.path is not None and file.path.suffix.lower() == ".dat"
