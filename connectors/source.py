"""What is given to be read, and what is known of it afterwards; no person's value in either."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from connectors.files.opening import DEFAULT, Opening
from schemas.errors import SettingsError


@dataclass(frozen=True)
class Source:
    """One extract: a file, a folder of files, several files, or a table already in memory.

    `data` is a path, a tuple of paths (with a `name`), or any table that Arrow can take (pandas, polars, pyarrow,
    DuckDB relation). `format` is one of
    `connectors.FORMATS`, found from the content where it is None. `mapping` is a TOML file that maps a council's own
    column titles (docs/connectors.md). `name` is what the source is called in reports where the path will not do.
    `feed` says that it is a "full" or "delta" delivery where its files do not say so, or say it wrongly: sources with a
    `feed` lie over each other in the order given (connectors/feed). `without` names organisations, by their codes,
    whose records are left out.
    `opening` says how archives and encrypted files are opened.
    """

    data: Path | tuple[Path, ...] | object
    format: str | None = None
    mapping: Path | None = None
    name: str | None = None
    feed: Literal["full", "delta"] | None = None
    without: tuple[str, ...] = ()
    opening: Opening = DEFAULT
    among: tuple[str, ...] = ()
    """Formats that alone are looked for, where others would be a mistake."""

    def __post_init__(self) -> None:
        if self.feed not in (None, "full", "delta"):
            raise SettingsError(f"feed is full or delta, not {self.feed!r}")
        if isinstance(self.data, tuple) and not self.name:
            raise SettingsError("several files need a name, by which reports call them")

    @property
    def label(self) -> str:
        """How reports name it."""
        return self.name or (self.data.name if isinstance(self.data, Path) else "table in memory")


@dataclass(frozen=True)
class FileFacts:
    """What became of one input file. `records == used + rejected + excluded`, always."""

    name: str
    format: str
    version: str | None
    encoding: str | None
    sha256: str
    """Of the file as it was delivered: of the archive where it came in one."""
    bytes: int
    """Of the delivered file, or of the part of an archive that holds it."""
    table: str
    """Standard table its records fill first, or "-" where it only helps to read the others."""
    records: int
    used: int
    rejected: int
    excluded: int
    test_numbers: int = 0
    """NHS numbers of PERSON from the test range (9xx); counted here, not one by one."""
    note: str | None = None
    """What else a reader of the report should know, such as columns that were ignored."""
    passed_over: int = 0
    """Of the excluded, those that are only counted and do not stand in SET_ASIDE: codes that say nothing here."""

    def __post_init__(self) -> None:
        if self.records != self.used + self.rejected + self.excluded:
            raise AssertionError(f"{self.name}: the record counts do not add up")

    def to_json(self) -> dict[str, object]:
        """Plain values for manifest.json."""
        return asdict(self)


@dataclass(frozen=True)
class ReadReport:
    """What became of everything that was read for one side."""

    files: tuple[FileFacts, ...]
    tables: Mapping[str, int]
    """Rows by standard table, on this side, after reading."""

    @property
    def records(self) -> int:
        """Records read."""
        return sum(file.records for file in self.files)

    @property
    def used(self) -> int:
        """Records that fill at least one table."""
        return sum(file.used for file in self.files)

    @property
    def rejected(self) -> int:
        """Records that could not be read."""
        return sum(file.rejected for file in self.files)

    @property
    def excluded(self) -> int:
        """Records left out by a rule."""
        return sum(file.excluded for file in self.files)

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats met, in order of name."""
        return tuple(sorted({file.format for file in self.files}))

    def to_json(self) -> dict[str, object]:
        """Plain values for manifest.json."""
        return {
            "files": [file.to_json() for file in self.files],
            "tables": dict(self.tables),
            "records": self.records,
            "used": self.used,
            "rejected": self.rejected,
            "excluded": self.excluded,
        }
