"""Better or worse than last time: the figures of an earlier run or check, kept in its manifest, beside today's.

In: `Quality`, and the earlier `summary()`. Out: `Trend`. No earlier data is needed, only its figures.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caretrace import run_folder
from caretrace.quality.figures import RULES, Figure, Quality
from caretrace.quality.find import BY_NAME
from schemas.errors import CaretraceError, InputError

SUMMARY = "quality.json"
"""What `caretrace check --out` leaves, which stands for a run's manifest."""


@dataclass(frozen=True)
class Change:
    """One figure then and now, as records out of those it is a share of."""

    before: int
    of_before: int
    now: int
    of_now: int

    @property
    def direction(self) -> str:
        """`worse`, `better` or `same`, by share: a list may have grown."""
        # Whole numbers crosswise: equal shares are equal.
        difference = self.now * max(self.of_before, 1) - self.before * max(self.of_now, 1)
        return "same" if difference == 0 else "worse" if difference > 0 else "better"


@dataclass(frozen=True)
class Trend:
    """What changed since the run or check that `of` names; `why_not` says why nothing can be compared."""

    of: str
    as_at: str
    changes: Mapping[tuple[str, str, str, str], Change]
    """By kind, side, source and organisation; a source that was not in the earlier figures has none."""
    to_mend: Mapping[tuple[str, str, str], Change]
    """Records with anything to mend, by source."""
    why_not: str = ""

    def change(self, figure: Figure) -> Change | None:
        """The figure's change, if it stood in both."""
        return self.changes.get((figure.kind, *figure.key))

    def to_json(self) -> dict[str, Any]:
        """Plain values: each change with its key."""
        changes = [
            {"kind": kind, "side": side, "source": source, "source_org": organisation, **vars(change)}
            | {"direction": change.direction}
            for (kind, side, source, organisation), change in self.changes.items()
        ]
        return {"of": self.of, "as_at": self.as_at, "why_not": self.why_not, "changes": changes}


def load(path: Path) -> tuple[str, Mapping[str, Any]]:
    """What an earlier run folder, or folder of a check, is called, and its figures.

    Raises InputError where it is neither, or was made before figures were kept.
    """
    if (path / SUMMARY).is_file():
        try:
            kept = json.loads((path / SUMMARY).read_text(encoding="utf-8"))["summary"]
        except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError):
            raise InputError("is not what `caretrace check --out` writes; check again", path=path / SUMMARY) from None
    else:
        kept = run_folder.open(path).manifest.get("quality")
    if not _is_whole(kept):
        raise InputError("keeps no figures of data quality; link or check again with this version", path=path)
    return path.name, kept


def _is_whole(kept: Any) -> bool:
    """Whether every figure is where `compare` looks for it: the file may have been made by anybody."""
    try:
        return all(
            isinstance(number, int)
            for source in kept["sources"]
            for number in (
                *(source["records"], source["shared"], *source["to_mend"].values()),
                *(number for figure in source["figures"].values() for number in figure.values()),
                *(len(source[name] + "") for name in ("side", "source", "source_org")),
            )
        )
    except (KeyError, TypeError, AttributeError):
        return False


def newest(runs: Path, *, but: Path | None = None) -> Path | None:
    """The finished run of the folder `runs` that was made last and keeps figures; `but` is left out."""
    made: list[tuple[str, str, Path]] = []
    for manifest in sorted(runs.glob(f"*/{run_folder.MANIFEST}")):
        folder = manifest.parent
        if but is not None and folder.resolve() == but.resolve():
            continue
        try:
            kept = run_folder.open(folder).manifest
        except (CaretraceError, OSError):
            # Not a run, or one of another version: the next older will do.
            continue
        if "quality" in kept:
            made.append((str(kept.get("created_at", "")), folder.name, folder))
    return max(made)[2] if made else None


def compare(quality: Quality, name: str, earlier: Mapping[str, Any]) -> Trend:
    """Hold `quality` against the figures of the run or check called `name`."""
    as_at = str(earlier.get("as_at", ""))
    if earlier.get("rules") != RULES:
        return Trend(name, as_at, {}, {}, "its figures were counted by other rules")
    alike = earlier.get("linked") == quality.linked
    then = {(s["side"], s["source"], s["source_org"]): s for s in earlier["sources"]}
    now = {(figure.kind, *figure.key): figure for figure in quality.figures}
    changes, to_mend = {}, {}
    for source in quality.sources:
        kept = then.get(source.key)
        if kept is None:
            continue
        if alike:
            before, after = (sum(each.values()) for each in (kept["to_mend"], source.to_mend))
            to_mend[source.key] = Change(before, int(kept["records"]), after, source.records)
        for kind in BY_NAME.values():
            # People told by links and people told by shared numbers are not the same people.
            if kind.is_across and not alike:
                continue
            before = int(kept["figures"].get(kind.name, {}).get("records", 0))
            figure = now.get((kind.name, *source.key))
            records = figure.records if figure else 0
            if before or records:
                whole = "shared" if kind.of_shared else "records"
                changes[(kind.name, *source.key)] = Change(before, int(kept[whole]), records, getattr(source, whole))
    return Trend(
        name, as_at, changes, to_mend, "" if changes or not quality.sources else "it holds none of these sources"
    )
