"""A run folder from the state: the order in which its files are written, and its manifest.

Rows, numbers and links first, then what changed, then what is counted over them; the page last, which says all of it.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace.outputs import prepare_claims
from caretrace.pipeline import Clock
from caretrace.warehouse.publish import accounts, current, page, past, people_files
from caretrace.warehouse.publish.night import Night
from caretrace.warehouse.retracting import note_loaded_back, open_handed_over
from schemas.beside import beside
from schemas.progress import SILENT, Progress
from schemas.warehouse import VERSION

if TYPE_CHECKING:
    from caretrace.run_settings import RunSettings
    from caretrace.warehouse.publish.accounts import Accounts
    from caretrace.warehouse.store import State

FULL_REPORT = "linkage.html"


def snapshot(
    state: State,
    draft: Path,
    night: Night,
    *,
    full: bool = False,
    tables_in: int | None = None,
    ahead: bool = False,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Write every file of the run but the manifest into `draft`, and give the manifest for `run_folder.finish`.

    Needs the views of `warehouse.views`; puts the run and its counts into `state.run`, and what is loaded back into
    `state.loaded_back`, so it comes before the state is committed. `full` adds the report of linkage and data quality
    that `caretrace link` writes, which looks at every row. `tables_in` is the run whose linked tables are to do
    tonight (`due.tables_in`); None writes tonight's. `ahead` says that the caller has done what
    `outputs.prepare_claims` does, and does what `current.write_small` does.
    """
    accounts.note_run(state, night)
    night.note(state)
    if not ahead:
        prepare_claims(state.connection)
    note_loaded_back(state, night.settings.outputs)
    asked = {"keep": True, "small": not ahead, "full": full}
    return _write(state, draft, night, **asked, tables_in=tables_in, progress=progress)


def republish(state: State, draft: Path, settings: RunSettings, *, progress: Progress = SILENT) -> dict[str, Any]:
    """Write the folder of the last run again, with its tables, from a state that is only read: for a run that wrote no
    tables, or whose folder was lost. All other files are those that `snapshot` wrote, but for the full report.
    """
    night = Night.of(state, settings)
    prepare_claims(state.connection)
    open_handed_over(state, settings.outputs)
    asked = {"keep": False, "small": True, "full": False}
    return _write(state, draft, night, **asked, tables_in=None, progress=progress)


def _write(
    state: State,
    draft: Path,
    night: Night,
    *,
    keep: bool,
    small: bool,
    full: bool,
    tables_in: int | None,
    progress: Progress,
) -> dict[str, Any]:
    from linkage.model_file import dumps

    clock = Clock(dict(night.timings))
    connection = state.connection
    with ExitStack() as aside:
        if small:
            aside.enter_context(beside(connection, lambda second: current.write_small(second, draft)))
        with clock("history"):
            filled = past.prepare(state)
            account = accounts.account(state)
        if keep:
            accounts.note_counts(state, night.run_id, account)
            # Nothing is put into the state from here on.
            aside.enter_context(beside(connection, state.write_back))
        aside.enter_context(beside(connection, lambda second: past.write(second, draft, run=state.run, filled=filled)))
        with clock("tables"):
            if tables_in is None:
                current.write(connection, draft, progress=progress)
            else:
                aside.enter_context(beside(connection, lambda second: current.write_quality(second, draft)))
        with clock("lists"):
            rows = people_files.write(state, draft)
            (draft / "model.json").write_text(dumps(night.model), encoding="utf-8", newline="\n")
        with progress.stage("Writing the report"), clock("report"):
            current.write_accounts(state, draft)
            manifest = _manifest(night, account, rows, tables_in)
            if full:
                _full_report(state, draft, night, manifest)
            place, project = draft / "report.html", state.folder.parent
            page.write(place, connection, night, account, rows, full=full, tables_in=tables_in, project=project)
    return {**manifest, "timings": clock.seconds}


def _manifest(night: Night, account: Accounts, rows: dict[str, int], tables_in: int | None) -> dict[str, Any]:
    made = night.to_json()
    counts: dict[str, Any] = {}
    for side, name in (("client", "clients"), ("register", "register")):
        files = [each for each in made["inputs"] if each.get("side") == side]
        moved = account.moved[side]
        counts[name] = {
            **{key: sum(each.get(key) or 0 for each in files) for key in ("records", "used", "rejected", "excluded")},
            "people": moved.now,
            "before": moved.before,
            "new": moved.new,
            "changed": moved.changed,
            "gone": moved.gone,
            "test_numbers": sum(each.get("test_numbers") or 0 for each in files),
        }
    counts["clients"]["with_nhs_number"] = account.clients["own_number"]
    return {
        **made,
        "counts": {
            **counts,
            "linked": account.clients["linked"],
            "review": account.clients["review"],
            "none": account.clients["unlinked"],
            "changes": dict(account.changes),
            **{name: rows[name] for name in ("load_back", "retractions", "conflicts", "set_aside")},
        },
        "warehouse": {
            "run": account.run,
            "kind": night.kind,
            "schema": VERSION,
            "tables": tables_in is None,
            "tables_in": account.run if tables_in is None else tables_in,
            "deliveries": dict(account.deliveries),
            "faults": list(account.faults),
        },
    }


def _full_report(state: State, draft: Path, night: Night, manifest: dict[str, Any]) -> None:
    """Write the report of linkage and data quality, and the lists of what to mend."""
    from caretrace import quality, report
    from caretrace.evaluate.measure import expected
    from caretrace.quality import to_fix

    (draft / to_fix.FOLDER).mkdir()
    facts = quality.facts(state.connection, as_at=night.settings.as_at, linked=True, lists=draft / to_fix.FOLDER)
    manifest["quality"] = facts.summary()
    manifest["linkage"]["expected"] = expected(state.connection)
    report.write(draft / FULL_REPORT, manifest=manifest, connection=state.connection, quality=facts)
