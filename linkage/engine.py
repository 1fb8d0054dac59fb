"""The order of the work: clean, block, compare, train, weigh, decide."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from linkage.batch import DuckDBEngine, Scored
from linkage.blocking import RuleFacts
from linkage.clean import STORE, Held, clean
from linkage.decide import Target, derive_bands, pick
from linkage.default import default_model
from linkage.evaluate import Captured, capture
from linkage.frequencies import Frequencies, count_frequencies, forget_people
from linkage.leftovers import look_again
from linkage.model import Bands, Model
from linkage.outcome import make_patterns, write_candidates, write_links
from linkage.passes import PASSES, PROBABILISTIC
from linkage.room import make_room
from linkage.systems import with_places
from linkage.train import MIN_CLIENTS, TRAINING_CLIENTS, Training, train
from linkage.verdicts import REVIEWED, resolve
from schemas.progress import SILENT, Progress

if TYPE_CHECKING:
    import duckdb

_SIDES = ("clients", "register")
WORKING = (
    *("pair", "pair_level", "ranked", "settled_client", "best", "pattern", "f_client"),
    *("name_value", "nickname", "ruled_out", "confirmed", "unsettled_verdict"),
)
"""Tables that a linkage makes and takes away again."""


class Engine(Protocol):
    """What computes pairs and candidates; all engines give the same rows."""

    @property
    def name(self) -> str:
        """As users choose it."""

    def sample(
        self, connection: duckdb.DuckDBPyConnection, model: Model, frequencies: Frequencies, *, seed: int
    ) -> None:
        """Make `pair_level` (linkage.weigh.pair_level_sql) for the training clients, under every blocking rule."""

    def score(
        self, connection: duckdb.DuckDBPyConnection, model: Model, frequencies: Frequencies, progress: Progress
    ) -> Scored:
        """Make `ranked` (linkage.rank.ranked_sql) for every client.

        Called once, after `sample`.
        """


@dataclass(frozen=True)
class Settings:
    """What a user may choose."""

    target: Target = field(default_factory=Target)
    numberless: Literal["auto", "link", "review"] = "auto"
    """What becomes of a link to a register person without an NHS number. `auto` links where fewer than half of the
    register's people have one, and asks a person where such a row is an oddity [assumed]."""

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return asdict(self)


@dataclass(frozen=True)
class PassFacts:
    """How many links one pass found."""

    name: str
    meaning: str
    links: int


@dataclass(frozen=True)
class LinkFacts:
    """What a linkage did, for the manifest and the report."""

    model: Model
    bands: Bands
    training: Training
    passes: tuple[PassFacts, ...]
    blocking: tuple[RuleFacts, ...]
    capture: Captured
    """What each blocking rule finds of the links, for an estimate of what all of them miss."""
    pairs: int
    register_people: int
    engine: str
    seconds: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """A JSON object, times under `seconds`."""
        return {**asdict(self), "model": self.model.to_json(), "model_id": self.model.model_id}


def link(
    connection: duckdb.DuckDBPyConnection,
    *,
    seed: int,
    run_id: str,
    model: Model | None = None,
    settings: Settings | None = None,
    engine: Engine | None = None,
    progress: Progress = SILENT,
    held: Held = STORE,
    counted: Callable[[], Frequencies] | None = None,
    scored: Callable[[], None] | None = None,
) -> LinkFacts:
    """Link `clients.*` to `register.*`: tables `link` (schemas.LINK) and `candidate` (schemas.CANDIDATE).

    Without `model` one is trained on the data at hand, from the default. The same tables, model, settings and seed give
    the same links on any number of threads and with any engine. The store may hold `verdict` (schemas.VERDICT), what
    people decided, and `population_name` (name_type given or family, name, people), how common names are elsewhere.

    `held`, `counted` and `scored` are for `linkage.incremental`: where the records are, what makes the frequency tables
    in the place of `count_frequencies`, and what is called when every client has its candidates.
    """
    settings, engine = settings or Settings(), engine or DuckDBEngine()
    seconds: dict[str, float] = {}
    with progress.stage("Linking", 5) as advance:

        @contextmanager
        def step(name: str) -> Iterator[None]:
            started = time.perf_counter()
            yield
            seconds[name] = round(time.perf_counter() - started, 3)
            advance(1)

        with step("clean"):
            clean(connection, _SIDES, held)
            resolve(connection)
            frequencies = (counted or (lambda: count_frequencies(connection)))()
        with step("sample"):
            start = model or with_places(connection, _usual(connection, frequencies), training=TRAINING_CLIENTS)
            frequencies = replace(frequencies, names_together=start.names_together)
            engine.sample(connection, start, frequencies, seed=seed)
        with step("train"):
            if model is None:
                model, training = train(connection, start, frequencies, seed=seed)
            else:
                training = Training("given", 0, "not started", 0, ())
            model = model.as_written()
            forget_people(connection)
        with step("compare"):
            found = engine.score(connection, model, frequencies, progress)
            if scored:
                scored()
        with step("decide"):
            again = look_again(connection, model, frequencies)
            make_room(connection, frequencies.people)
            model = decide(connection, model, frequencies, settings, run_id=run_id)
            captured = capture(connection, seed=seed)
    passes = _pass_facts(connection)
    for table in (*WORKING, *(f"{side}_record" for side in _SIDES)):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    return LinkFacts(
        model,
        model.bands or Bands(1, 1),
        training,
        passes,
        found.rules,
        captured,
        found.pairs + again,
        frequencies.people,
        engine.name,
        seconds,
    )


def _usual(connection: duckdb.DuckDBPyConnection, frequencies: Frequencies) -> Model:
    """What training starts from; the default as it ships for too few clients, who are not told from a look-up."""
    ((clients,),) = connection.execute("SELECT count(*) FROM clients_record").fetchall()
    if clients < MIN_CLIENTS:
        return default_model()
    return replace(default_model(), names_together=frequencies.names_together)


def decide(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    frequencies: Frequencies,
    settings: Settings,
    *,
    run_id: str,
) -> Model:
    """Make `link` and `candidate` from `ranked` with its room; gives the model with the bands that were used."""
    expected = settings.numberless == "review" or (settings.numberless == "auto" and frequencies.numbered >= 0.5)
    pick(connection, model, numbered=expected)
    bands = model.bands or derive_bands(connection, model, settings.target)
    model = replace(model, bands=bands)
    make_patterns(connection, model)
    write_candidates(connection, model, frequencies.people)
    write_links(connection, model, bands, run_id=run_id)
    return model


def _pass_facts(connection: duckdb.DuckDBPyConnection) -> tuple[PassFacts, ...]:
    found = dict(
        connection.execute("SELECT method, count(*) FROM link WHERE decision = 'link' GROUP BY method").fetchall()
    )
    named = [(each.name, each.meaning) for each in PASSES]
    named.append((PROBABILISTIC, "no pass settles it; the weight of all the evidence does"))
    if REVIEWED in found:
        named.append((REVIEWED, "a person looked at both records and decided"))
    return tuple(PassFacts(name, meaning, found.get(name, 0)) for name, meaning in named)
