"""What is known of the deliveries of a feed: their files, their order, and which of them hold everything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from connectors.found import Found
from connectors.source import Source
from connectors.supplier import Kind


@dataclass(frozen=True)
class File:
    """One file that is read, with the number it has while it is read; `sha256` where it was loaded already."""

    number: int
    found: Found
    source: Source
    sha256: str | None = None

    @property
    def kind(self) -> Kind:
        """Its kind: a file of none is not read."""
        if self.found.kind is None:
            raise AssertionError("a file of no kind is not read")
        return self.found.kind


@dataclass(frozen=True)
class Delivery:
    """Files that were delivered together."""

    files: tuple[File, ...]
    at: str
    """When, as a text that sorts within its feed."""
    feed: str | None = None
    """What tells feeds apart; None where only the organisations in the files can."""
    begins: str | int | None = None
    """Where it goes on from; comparable with `ends` of the one before."""
    ends: str | int | None = None
    full: Mapping[int, bool | None] = field(default_factory=dict)
    """File number to whether it holds everything; None where nothing says."""

    @property
    def label(self) -> str:
        """What messages call it: the folder of its files, or the first of them."""
        name = PurePosixPath(self.files[0].found.name)
        return name.parent.as_posix() if len(self.files) > 1 and name.parent.name else name.as_posix()


@dataclass(frozen=True)
class Place:
    """Where a file stands: the number of its delivery (0: not told), and its feed (None: it may be any)."""

    file: int
    kind: str
    feed: str | None
    delivery: int
    whole: bool
    """Whether it replaces what was there before."""


@dataclass(frozen=True)
class Told:
    """Every told delivery, in the order in which they are laid over each other, and the place of every file."""

    deliveries: tuple[Delivery, ...]
    places: tuple[Place, ...]
    notes: Mapping[int, str]
    """What the report says, by number of file."""

    def in_order(self, files: Iterable[File]) -> list[File]:
        """The files by delivery."""
        delivery = {place.file: place.delivery for place in self.places}
        return sorted(files, key=lambda file: (delivery[file.number], file.number))
