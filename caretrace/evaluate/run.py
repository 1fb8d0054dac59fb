"""One evaluation of one finished run: what is asked for, counted, and written beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from caretrace import run_folder
from caretrace.evaluate import measure
from caretrace.evaluate.store import as_at, opened
from caretrace.files import refuse_inside, replaced_private
from caretrace.groups import linked_by_group
from caretrace.run_folder import Run
from caretrace.version import __version__
from schemas.errors import InputError
from schemas.progress import SILENT, Progress

FORMAT = 1
FILES = ("evaluation.json", "evaluation.html", "errors.csv")


@dataclass(frozen=True)
class Evaluation:
    """What was found; `written` names the files, where any were asked for."""

    facts: Mapping[str, Any]
    written: tuple[Path, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What evaluation.json holds."""
        return dict(self.facts)


def evaluate(
    run: Path,
    *,
    truth: Path | None = None,
    decisions: Path | None = None,
    hide_numbers: bool = False,
    out: Path | None = None,
    now: datetime | None = None,
    progress: Progress = SILENT,
) -> Evaluation:
    """Evaluate the finished run folder `run`, and write evaluation.json and evaluation.html into `out` if given.

    With `truth` precision and recall are counted, and errors.csv lists the record ids of every error by kind; with
    `decisions`, the project's file, they are estimated from the sample that people looked at; with `hide_numbers` the
    clients who hold an NHS number are linked again as if they held none, which measures the rest of the evidence.

    Raises InputError where a file cannot be used or `out` lies in the run, IntegrityFailure where the run was altered.
    """
    opened_run = run_folder.open(run, verify=True)
    if out is not None:
        refuse_inside(out, opened_run.path, option="--out")
        if out.exists() and not out.is_dir():
            raise InputError("is a file; give --out a folder", path=out)
    facts: dict[str, Any] = _about(opened_run, now or datetime.now(UTC))
    linkage = opened_run.manifest.get("linkage") or {}
    with opened(opened_run) as connection:
        with progress.stage("Reading what the run tells of itself"):
            parted = linked_by_group(connection, as_at=as_at(opened_run))
            facts["estimates"] = measure.without_truth(connection, linkage, parted)
        if truth is not None:
            with progress.stage("Counting against the truth"):
                facts["evaluation"] = measure.against_truth(
                    connection, truth, bands=linkage["bands"], as_at=as_at(opened_run)
                )
        if decisions is not None:
            from caretrace.evaluate.sample import from_decisions

            facts["sample"] = from_decisions(connection, decisions, run_id=facts["run_id"])
        if hide_numbers:
            from caretrace.evaluate.hidden import relink

            facts["hidden_number"] = relink(opened_run, progress=progress)
        return Evaluation(facts, _write(out, facts, opened_run, connection, with_errors=truth is not None))


def _about(run: Run, now: datetime) -> dict[str, Any]:
    manifest = run.manifest
    return {
        "format": FORMAT,
        "run_id": manifest["run_id"],
        "run_created_at": manifest["created_at"],
        "model_id": (manifest.get("linkage") or {}).get("model_id"),
        "bands": (manifest.get("linkage") or {}).get("bands"),
        "counts": {name: manifest["counts"][name] for name in ("linked", "review", "none")},
        "evaluated_at": now.isoformat(timespec="seconds"),
        # Null where it was not asked for.
        **dict.fromkeys(("evaluation", "sample", "hidden_number", "estimates")),
        "caretrace_version": __version__,
    }


def _write(
    out: Path | None, facts: Mapping[str, Any], run: Run, connection: Any, *, with_errors: bool
) -> tuple[Path, ...]:
    if out is None:
        return ()
    from caretrace.outputs import write_csv
    from caretrace.report import evaluation as page

    out.mkdir(parents=True, exist_ok=True)
    json_path, html_path, errors_path = (out / name for name in FILES)
    text = json.dumps(facts, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    with replaced_private(json_path) as path:
        path.write_text(text, encoding="utf-8", newline="\n")
    with replaced_private(html_path) as path:
        path.write_text(page.render(facts), encoding="utf-8", newline="\n")
    if not with_errors:
        errors_path.unlink(missing_ok=True)  # an earlier evaluation's, of another truth
        return json_path, html_path
    with replaced_private(errors_path) as path:
        write_csv(connection, ERRORS, path)
    return json_path, html_path, errors_path


ERRORS = """SELECT error, kind, source, source_org, record_id AS client_id, register_record_id, probability FROM judged
    WHERE error IS NOT NULL ORDER BY error DESC, kind, source, source_org, record_id"""
"""Record ids and no values: whoever may see the records can look them up."""
