"""A check: extracts are read, looked at, and left as they are; no linking.

In: sources for one side or both. Out: `Checked`, and with `out` a folder with a page, the figures and `to_fix/`. Begin
with `check`.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace import run_folder, working_store
from caretrace.quality import to_fix, trend
from caretrace.quality.facts import facts
from caretrace.quality.figures import Quality
from caretrace.run_settings import RunSettings
from caretrace.version import __version__
from schemas.progress import SILENT, Progress

if TYPE_CHECKING:
    from connectors import ReadReport, Source

PAGE = "quality.html"


@dataclass(frozen=True)
class Checked:
    """What was read, what was found, and what changed."""

    reports: Mapping[str, ReadReport]
    """By side."""
    quality: Quality
    trend: trend.Trend | None
    out: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values: `read` is what was given to be checked, `register` what it was held against."""
        found = {name: report.to_json() for name, report in self.reports.items()}
        return {
            "read": found["clients"],
            **({"register": found["register"]} if "register" in found else {}),
            "quality": self.quality.to_json(),
            **({"trend": self.trend.to_json()} if self.trend else {}),
        }


def check(
    clients: Sequence[Source],
    register: Sequence[Source],
    settings: RunSettings,
    *,
    previous: Path | None = None,
    out: Path | None = None,
    workbooks: bool = False,
    progress: Progress = SILENT,
) -> Checked:
    """Read and look; `register` may be empty. `previous` is an earlier run, or what a check wrote.

    Raises InputError where a source cannot be used at all, where `out` exists, or `previous` keeps no figures.
    """
    import connectors

    earlier = trend.load(previous) if previous is not None else None
    with _place(out) as (folder, draft), working_store.opened(folder, settings) as connection:
        reports = {
            side: connectors.read(connection, sources, side=side, as_at=settings.as_at, progress=progress)
            for side, sources in (("clients", clients), ("register", register))
            if sources
        }
        lists = draft.path / to_fix.FOLDER if draft else None
        if lists:
            lists.mkdir()
        with progress.stage("Looking for gaps and contradictions"):
            quality = facts(connection, as_at=settings.as_at, lists=lists, workbooks=workbooks)
        changed = trend.compare(quality, *earlier) if earlier else None
        checked = Checked(reports, quality, changed, out)
        connection.close()
        if draft:
            _write(checked, draft)
    return checked


@contextlib.contextmanager
def _place(out: Path | None) -> Iterator[tuple[Path, run_folder.Draft | None]]:
    """Where the database may spill, and the draft of `out` where something is to be written."""
    if out is None:
        with tempfile.TemporaryDirectory(prefix="caretrace-") as folder:
            yield Path(folder), None
        return
    with run_folder.drafting(out) as draft:
        yield draft.work, draft


def _write(checked: Checked, draft: run_folder.Draft) -> None:
    from caretrace.report import checked as page

    kept = {"caretrace_version": __version__, "summary": checked.quality.summary(), **checked.to_json()}
    text = json.dumps(kept, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    (draft.path / trend.SUMMARY).write_text(text, encoding="utf-8", newline="\n")
    (draft.path / PAGE).write_text(page.render(checked.to_json(), checked.quality, checked.trend), encoding="utf-8")
    run_folder.finish_plain(draft)
