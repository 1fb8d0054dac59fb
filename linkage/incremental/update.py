"""One night: find whom the changes reach, score them again, decide, and keep what the next night stands on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from linkage.batch import DuckDBEngine
from linkage.clean import name_records
from linkage.engine import WORKING, Engine, LinkFacts, Settings, decide, link
from linkage.frequencies import Frequencies
from linkage.incremental import kept, reach
from linkage.incremental.basis import (
    SCHEMA,
    Basis,
    count_for_nights,
    drop,
    lay_counts,
    read_basis,
    take_counts_away,
    write_basis,
)
from linkage.leftovers import few_left, look_again
from linkage.model import Model
from linkage.room import first_room, make_room
from linkage.verdicts import resolve
from schemas.progress import SILENT, Progress

if TYPE_CHECKING:
    import duckdb

CLEANING = 4
"""Raised whenever a record would be cleaned, keyed, compared, weighed or decided otherwise than before."""

_FEW = 5_000
"""Clients of whom it is sooner to compare some pairs in vain than to plan how to go about it step by step [assumed]."""


@dataclass(frozen=True)
class Updated:
    """What an update did."""

    mode: Literal["learnt", "rebuilt", "night"]
    """learnt: model and frequencies are new; rebuilt: all was made again from those that are kept, because the code
    changed; night: only what changes reach."""
    model: Model
    """With its bands."""
    facts: LinkFacts | None
    """Of a full run; None for a night."""
    reached: Mapping[str, int]
    """Clients scored again, by reason; each under the first that holds."""
    decided: int
    """Clients decided again: the rows of `link`."""
    pairs: int
    register_people: int
    """As of the frozen frequencies."""
    seconds: Mapping[str, float]


def update(
    connection: duckdb.DuckDBPyConnection,
    *,
    seed: int,
    run_id: str,
    settings: Settings | None = None,
    model: Model | None = None,
    again: bool = False,
    engine: Engine | None = None,
    progress: Progress = SILENT,
) -> Updated:
    """Bring links up to date with `state.*`; makes `link` and `candidate` of the clients decided again, with `id`.

    The first time, and with `again`, everything is linked, and the model is trained where none is given. Otherwise the
    outcome is that of linking everything with the model and frequencies that are kept; `engine` then does not matter.
    `model` and `settings` count when something is learnt.
    """
    settings = settings or Settings()
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    before = read_basis(connection)
    if before is not None and not again:
        settings = replace(settings, numberless=before.numberless)
        if before.code == code():
            return _night(connection, before, settings, run_id=run_id, progress=progress)
    kept_basis = None if again else before
    return _full(
        connection, kept_basis, settings, seed=seed, run_id=run_id, model=model, engine=engine, progress=progress
    )


def code() -> str:
    """What the kept records and keys depend on: our cleaning, and the hashes of this DuckDB."""
    import duckdb

    return f"{CLEANING} {duckdb.__version__}"


def _full(
    connection: duckdb.DuckDBPyConnection,
    before: Basis | None,
    settings: Settings,
    *,
    seed: int,
    run_id: str,
    model: Model | None,
    engine: Engine | None,
    progress: Progress,
) -> Updated:
    """Link everything, with what `before` froze or with what is learnt now."""
    learnt: list[Frequencies] = []

    def counted() -> Frequencies:
        learnt.append(lay_counts(connection, before) if before else count_for_nights(connection))
        return learnt[0]

    facts = link(
        connection,
        seed=seed,
        run_id=run_id,
        model=before.model if before else model,
        settings=settings,
        engine=engine,
        progress=progress,
        held=kept.STATE,
        counted=counted,
        scored=lambda: kept.keep_all(connection),
    )
    _tidy(connection)
    reach.keep_verdicts(connection)
    _with_id(connection)
    found = before.facts if before else facts.to_json()
    basis = Basis(
        facts.model, learnt[0], settings.numberless, code(), _reaches_all(connection, facts.register_people), found
    )
    write_basis(connection, basis)
    ((clients,),) = connection.execute("SELECT count(*) FROM link").fetchall()
    return Updated(
        "rebuilt" if before else "learnt",
        facts.model,
        facts,
        {"everybody": clients},
        clients,
        facts.pairs,
        facts.register_people,
        facts.seconds,
    )


def _night(
    connection: duckdb.DuckDBPyConnection, before: Basis, settings: Settings, *, run_id: str, progress: Progress
) -> Updated:
    """Link whom the changes reach."""
    model, seconds = before.model, Seconds()
    with progress.stage("Linking what changed", 4) as advance:
        with seconds("clean"):
            if not before.large_keys:
                kept.count_large(connection)
            kept.clean_changed(connection)
            kept.lay_changed(connection)
            reach.find_touched(connection)
            reached = reach.find_reached(connection)
            advance(1)
        with seconds("compare"):
            frequencies = _prepare(connection, before, "reached")
            kept.take_near(connection)
            engine = DuckDBEngine(kept.stored_keys)
            engine.sample_of(connection, model, frequencies, f"SELECT id FROM clients_record LIMIT {_at_once(reached)}")
            advance(1)
            found = engine.score(connection, model, frequencies, progress)
            kept.lay_scored(connection)
            kept.show_all(connection)
            advance(1)
        with seconds("decide"):
            reaches_all = _reaches_all(connection, frequencies.people)
            again = 0
            if reaches_all or before.reached_all:
                frequencies = _prepare(connection, before, None)
                connection.execute(f"CREATE OR REPLACE TABLE ranked AS FROM {SCHEMA}.ranked")
                again = look_again(connection, model, frequencies)
            make_room(connection, frequencies.people)
            decide(connection, model, frequencies, settings, run_id=run_id)
            _with_id(connection)
            advance(1)
    write_basis(connection, replace(before, reached_all=reaches_all))
    _tidy(connection)
    ((decided,),) = connection.execute("SELECT count(*) FROM link").fetchall()
    return Updated("night", model, None, reached, decided, found.pairs + again, frequencies.people, seconds.by_step)


def _at_once(reached: Mapping[str, int]) -> int:
    """How many of them are looked for by every rule at once, as training clients are: all or none."""
    count = sum(reached.values())
    return count if count <= _FEW else 0


def _prepare(connection: duckdb.DuckDBPyConnection, basis: Basis, ids: str | None) -> Frequencies:
    """Lay down what scoring and deciding read, for the clients in the table `ids` or for all."""
    among = f"SEMI JOIN {ids} USING (id)" if ids else ""
    connection.execute(f"CREATE OR REPLACE TABLE clients_record AS FROM {SCHEMA}.clients_record {among}")
    kept.show_all(connection)
    name_records(connection, kept.SIDES, kept.STATE)
    if ids:
        connection.execute(f"""
            CREATE OR REPLACE TEMP VIEW clients_named AS
            SELECT id, source, source_org, record_id FROM state.clients.person {among}""")
    resolve(connection)
    return lay_counts(connection, basis)


def _reaches_all(connection: duckdb.DuckDBPyConnection, people: int) -> bool:
    """Whether anybody's outcome depends on what others claimed: then all are decided again, if not compared."""
    record = f"{SCHEMA}.{{}}_record"
    return first_room(connection, people, f"{SCHEMA}.ranked") > 0 or few_left(
        connection, f"{SCHEMA}.ranked", record.format("clients"), record.format("register")
    )


def _with_id(connection: duckdb.DuckDBPyConnection) -> None:
    """Number the rows of `link` and `candidate` as the state does."""
    for table in ("link", "candidate"):
        connection.execute(f"""
            CREATE OR REPLACE TABLE {table} AS
            SELECT p.id, t.* FROM {table} t
            JOIN state.clients.person p USING (source, source_org, record_id)""")


def _tidy(connection: duckdb.DuckDBPyConnection) -> None:
    take_counts_away(connection)
    made = ("{}_record", "{}_named", "{}_moved", "fresh_{}_record", "fresh_{}_key")
    drop(connection, "reached", "near_key", *(name.format(side) for side in kept.SIDES for name in made), *WORKING)


class Seconds:
    """Seconds by step."""

    def __init__(self) -> None:
        self.by_step: dict[str, float] = {}

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        """Time the block."""
        started = time.perf_counter()
        yield
        self.by_step[step] = round(time.perf_counter() - started, 3)
