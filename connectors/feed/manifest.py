"""What an extract's own manifest says: which files there must be, which are full, and what time they are of."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.values import FALSE_WORDS, is_true
from connectors.values import listed as sql_listed
from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb


_TIME = re.compile("[0-9]{8}_[0-9]{4}")


@dataclass(frozen=True)
class Manifest:
    """One delivery by its manifest; times are texts that sort (yyyyMMdd_HHmm), null where it gives none."""

    full: Mapping[str, bool]
    """File (its stem, without capitals) to whether it holds everything or only changes."""
    since: str | None
    """Changes are told from this time on: the latest of its files."""
    until: str | None

    def note(self, read: Iterable[str]) -> str:
        """What the report says of it, where the files whose stems are `read` stand beside it."""
        known = {name.casefold() for name in self.full}
        deltas = sorted(name for name, full in self.full.items() if not full)
        others = sorted(name for name in read if name.casefold() not in known)
        return (
            "every file listed is here; "
            + (f"only changes since the last extract in {', '.join(deltas)}" if deltas else "all are full extracts")
            + (f"; here and not listed, so perhaps of another extract: {', '.join(others)}" if others else "")
        )


def read_manifest(
    connection: duckdb.DuckDBPyConnection, kind: str, file: int, present: Collection[str], where: Path | str
) -> Manifest:
    """The manifest that is file number `file`; refused where a file it lists is not among the stems `present`."""
    listed = connection.execute(
        f"SELECT FileName, bool_or({is_true('IsDelta')}), max(DateExtractFrom) FILTER ({is_true('IsDelta')}),"
        f" max(DateExtractTo), min(DateExtractTo) FROM raw_{kind} WHERE file = ? AND FileName IS NOT NULL"
        " GROUP BY ALL ORDER BY ALL",
        [file],
    ).fetchall()
    if not listed:
        raise InputError("the manifest lists no file; fetch the whole extract again", path=where)
    here = {stem.casefold() for stem in present}
    missing = [name for name, *_ in listed if Path(name).stem.casefold() not in here]
    if missing:
        raise InputError(
            f"the manifest lists files that are not here: {', '.join(missing)}; fetch the whole extract", path=where
        )
    says = f"{is_true('IsDelta')} OR coalesce(lower(IsDelta) IN ({sql_listed(FALSE_WORDS)}), false)"
    silent = connection.execute(
        f"SELECT FileName FROM raw_{kind} WHERE file = ? AND FileName IS NOT NULL AND NOT ({says}) ORDER BY ALL", [file]
    ).fetchall()
    if silent:
        # Changes that pass for a full extract take everybody away of whom nothing has changed.
        raise InputError(
            "the manifest does not say whether a file is full or holds changes only (IsDelta is neither Y nor N):"
            f" {', '.join(name for (name,) in silent)}; fetch the extract again",
            path=where,
        )
    if any(at and not _TIME.fullmatch(at) for _, _, *times in listed for at in times):
        raise InputError("the manifest gives a time that is not yyyyMMdd_HHmm; fetch the extract again", path=where)
    until = {at for *_, last, first in listed for at in (last, first) if at}
    if len(until) > 1:
        raise InputError(
            "the manifest gives its files different ends (DateExtractTo), so they are not of one moment; fetch the"
            " extract again",
            path=where,
        )
    return Manifest(
        {Path(name).stem: not is_delta for name, is_delta, *_ in listed},
        max((since for _, _, since, *_ in listed if since), default=None),
        next(iter(until), None),
    )
