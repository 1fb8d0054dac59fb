"""The second half of a night: what changed is linked again, and the run is published with its state."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from contextlib import ExitStack, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace import population, review, run_folder
from caretrace.identity import mapping_hashes
from caretrace.linked import SIDES
from caretrace.nightly import account, publishing, watch
from caretrace.nightly.deliveries import reading
from caretrace.nightly.result import Outcome, Status
from caretrace.outputs import prepare_claims
from caretrace.review.verdicts import load as load_verdicts
from caretrace.version import __version__
from caretrace.warehouse import erase
from caretrace.warehouse.keys import update_keys
from caretrace.warehouse.links import update_links
from caretrace.warehouse.publish import Night, snapshot
from caretrace.warehouse.publish.current import write_candidates, write_links
from caretrace.warehouse.publish.due import tables_in
from caretrace.warehouse.views import open_views
from schemas.beside import beside, meanwhile

if TYPE_CHECKING:
    import duckdb

    from caretrace.nightly.night import AtWork
    from caretrace.run_folder import Draft
    from caretrace.warehouse.store import State
    from linkage.incremental import Updated


def link_and_publish(night: AtWork, state: State, run_id: str, made_of: Mapping[str, Any]) -> Outcome:
    """Bring links, traces and person keys up to date, write the run folder, and put the new state in place."""
    verdicts = review.verdicts(night.project.decisions)
    erased = erase.begin(state, night.wanted.erase) if night.wanted.erase else {}
    updated = _link(night, state, run_id, verdicts)
    kind = _kind(night, updated)
    match = night.match
    with publishing.drafting(night.project.runs, state) as draft:
        with ExitStack() as aside:
            write_beside = partial(_write_beside, night, state, draft, aside)
            with night.clock("links"):
                links = update_links(state, night.settings.traces.folder, taken=lambda: write_beside(write_candidates))
            open_views(state)
            about = {"run_id": run_id, "made_of": dict(made_of), "match": dict(match), **_of_erasure(night, erased)}
            _note_run(night, state, kind, about)
            write_beside(write_links)
            claims = nullcontext() if night.wanted.erase else beside(state.connection, prepare_claims)
            with night.clock("person_keys"), claims:
                keys = update_keys(state, draw=secrets.token_bytes)
            if night.wanted.erase:
                erase.finish(state, night.wanted.erase)
            notes = [
                *watch.notes(state.connection, night.settings, match=match, as_at=night.wanted.as_at, seen=night.seen),
                *_notes_of_erasure(erased),
            ]
            with night.clock("publish"):
                manifest = _snapshot(night, state, draft, _made(night, updated, run_id, kind, verdicts, notes), updated)
        with night.clock("publish"):
            counts, changes = _counts(state), {"links": links.to_json(), "keys": keys.to_json(), **_handed_over(state)}
            with meanwhile(lambda: run_folder.seal(draft, manifest)) as sealed:
                state.close()
            sealed.result()
        state.commit()
        run_folder.place(draft)
        night.last_run = state.run
    return account.outcome(
        night,
        Status.DONE,
        run=state.run,
        kind=kind,
        folder=draft.final,
        counts=counts,
        changes=changes,
        notes=notes,
    )


def _write_beside(
    night: AtWork,
    state: State,
    draft: Draft,
    aside: ExitStack,
    write: Callable[[duckdb.DuckDBPyConnection, Path], None],
) -> None:
    """Have it written beside what follows, which changes it no more; not in an erasure, which may."""
    if not night.wanted.erase:
        aside.enter_context(beside(state.connection, lambda second: write(second, draft.path)))


def _made(
    night: AtWork, updated: Updated, run_id: str, kind: str, verdicts: review.Verdicts | None, notes: list[str]
) -> Night:
    """What is known of the run before anything of it is written."""
    applied = [(waiting, taken) for waiting, taken in night.taken if taken.outcome == "applied"]
    return Night(
        run_id=run_id,
        created_at=night.started,
        kind=kind,
        settings=night.plain,
        model=updated.model,
        linkage=_facts(updated),
        inputs=[
            {"side": SIDES[waiting.source.side], **file.to_json()} for waiting, taken in applied for file in taken.facts
        ],
        mappings=mapping_hashes([reading(taken.delivery, night.opening) for _, taken in applied]),
        verdicts=verdicts.facts if verdicts else None,
        notes=notes,
        timings=dict(night.clock.seconds),
    )


def _snapshot(night: AtWork, state: State, draft: Draft, made: Night, updated: Updated) -> dict[str, Any]:
    nightly = night.settings.targets.postgres is not None
    setting = "nightly" if nightly else night.settings.outputs.tables
    return snapshot(
        state,
        draft.path,
        made,
        full=updated.mode != "night",
        tables_in=tables_in(night.project, setting, as_at=night.wanted.as_at, kind=made.kind),
        ahead=night.wanted.erase is None,
        progress=night.progress,
    )


def _link(night: AtWork, state: State, run_id: str, verdicts: review.Verdicts | None) -> Updated:
    from linkage import incremental

    connection = state.connection
    if verdicts is not None:
        load_verdicts(connection, verdicts)
    if night.plain.population is not None:
        population.load(connection, night.plain.population)
    if night.wanted.undo_to is not None:
        from caretrace.warehouse.undo import undo

        undo(state, to_run=night.wanted.undo_to)
    with night.clock("link"):
        return incremental.update(
            connection,
            seed=night.plain.seed,
            run_id=run_id,
            settings=night.plain.linkage,
            model=night.plain.model,
            again=night.wanted.again,
            engine=night.engine,
            progress=night.progress,
        )


def _of_erasure(night: AtWork, erased: Mapping[str, int]) -> dict[str, Any]:
    return {"erased": dict(erased), "erasure": night.wanted.erase.log_id} if night.wanted.erase else {}


def _notes_of_erasure(erased: Mapping[str, int]) -> list[str]:
    if not any(erased.values()):
        return []
    return [
        f"{erased['clients']:,} client records and {erased['register']:,} register records were erased; no row of"
        " theirs stands in the history"
    ]


def _kind(night: AtWork, updated: Updated) -> str:
    if night.wanted.within:
        return "undo" if night.wanted.undo_to is not None else "erase"
    return "night" if updated.mode == "night" else "full"


def _note_run(night: AtWork, state: State, kind: str, counts: Mapping[str, Any]) -> None:
    state.connection.execute(
        "INSERT INTO state.run VALUES (?, ?, ?, ?, ?, CAST(? AS JSON))",
        [
            state.run,
            night.wanted.as_at,
            night.started.replace(tzinfo=None),
            kind,
            __version__,
            json.dumps(dict(counts)),
        ],
    )


def _facts(updated: Updated) -> dict[str, Any]:
    """What the manifest says of the linkage: of a night, what it did and the bands it used."""
    if updated.facts is not None:
        return {**updated.facts.to_json(), "mode": updated.mode}
    bands = updated.model.bands
    return {
        "mode": updated.mode,
        "model": updated.model.to_json(),
        "model_id": updated.model.model_id,
        "bands": {"link_at": bands.link_at, "review_at": bands.review_at} if bands else None,
        "reached": dict(updated.reached),
        "decided": updated.decided,
        "pairs": updated.pairs,
        "register_people": updated.register_people,
        "seconds": dict(updated.seconds),
    }


def _counts(state: State) -> dict[str, Any]:
    """The run's accounts, as the state has them now."""
    [(counts,)] = state.connection.execute(
        "SELECT CAST(counts AS VARCHAR) FROM state.run WHERE run = ?", [state.run]
    ).fetchall()
    found: dict[str, Any] = json.loads(counts)
    return {
        name: value for name, value in found.items() if name not in ("made_of", "run_id", "match", "erased", "erasure")
    }


def _handed_over(state: State) -> dict[str, int]:
    [(loaded, retracted)] = state.connection.execute(
        f"SELECT (SELECT count(*) FROM state.loaded_back WHERE run = {state.run}),"
        f" (SELECT count(*) FROM state.retraction WHERE run = {state.run})"
    ).fetchall()
    return {"load_back": loaded, "retractions": retracted}
