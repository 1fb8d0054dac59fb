"""Training: m from the records themselves, u and h from the register, and a refusal to believe nonsense.

u and h need no labels. u comes from random pairs, h from pairs of people at one address of the register. m comes from
expectation-maximisation over the per-client posteriors: a client has at most one true candidate, which keeps EM from
taking siblings for matches. Pairs whose NHS numbers agree anchor it where there are enough. Every estimate leans on the
shipped default (a Dirichlet prior), so an empty level never becomes a certainty.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from linkage.exchanged import weighed_once
from linkage.fit import compared, counted, fit, posteriors, shared, with_m
from linkage.frequencies import Frequencies
from linkage.kin import told_as_clients
from linkage.model import Model
from linkage.systems import fit_systems
from linkage.weigh import levels_sql

if TYPE_CHECKING:
    import duckdb

MIN_CLIENTS = 200
"""Fewer clients than this teach nothing that the default does not know better [assumed]."""
MIN_ANCHORS = 1000
"""Pairs with one NHS number needed before m rests on them alone [assumed]."""
LEAN_U, LEAN_H, LEAN_HOUSEHOLD, LEAN_SHARE = 1000.0, 500.0, 20.0, 20.0
"""Observations the default counts for, by kind [assumed]."""
MAX_ITERATIONS, CONVERGED = 12, 0.0005
"""Stop when no m moves by more than this."""
SAMPLE_SIDE = 320
"""Clients and register rows of the random sample: a hundred thousand pairs."""
SAMPLE_HOUSES = 4_000
TRAINING_CLIENTS = 8_000


@dataclass(frozen=True)
class Training:
    """What training did, for the report and the model's provenance."""

    method: str
    iterations: int
    stopped: str
    anchors: int
    notes: tuple[str, ...]


def training_clients_sql(seed: int) -> str:
    """SELECT of id: the clients that the model is trained on, the same ones in any order of the rows."""
    return f"SELECT id FROM clients_record ORDER BY hash(key, {seed}), key LIMIT {TRAINING_CLIENTS}"


def train(
    connection: duckdb.DuckDBPyConnection, start: Model, frequencies: Frequencies, *, seed: int
) -> tuple[Model, Training]:
    """Fit `start` to `pair_level` of the training clients and the two records.

    Refuses to train on too few clients, and says so.
    """
    ((clients,),) = connection.execute("SELECT count(*) FROM clients_record").fetchall()
    if clients < MIN_CLIENTS:
        note = f"{clients} clients are too few to train on (fewer than {MIN_CLIENTS}), so the default model is used"
        return start, Training("default", 0, "not started", 0, (note,))
    model = _random_pairs(connection, start, seed)
    model = _household_pairs(connection, model, seed)
    model, training = _expectation_maximisation(connection, start, model, frequencies)
    model, notes = _repair(model, start)
    model, own = fit_systems(connection, model, frequencies, enough=MIN_ANCHORS)
    training = replace(training, notes=(*notes, *own.notes))
    provenance = {
        "origin": "trained",
        "method": training.method,
        "iterations": training.iterations,
        "stopped": training.stopped,
        "anchors": training.anchors,
        "clients": clients,
        "register people": frequencies.people,
        "seed": seed,
        "names lean on": "a population" if frequencies.population else "the register",
        **({"pairs by client system": own.pairs} if own.pairs else {}),
        "notes": list(notes),
    }
    return replace(model, provenance=provenance), training


def _random_pairs(connection: duckdb.DuckDBPyConnection, model: Model, seed: int) -> Model:
    """Set u: every one of a sample of clients against every one of a sample of register rows."""
    for side in ("clients", "register"):
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE {side}_sample AS
            SELECT id FROM {side}_record ORDER BY hash(key, {seed}), key LIMIT {SAMPLE_SIDE}""")
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE random_level AS
        WITH pairs AS (SELECT l.id AS c, r.id AS r FROM clients_sample l, register_sample r)
        {levels_sql(compared(model), "clients_record", "register_record", "pairs")}""")
    # Two people share a number too seldom for any sample.
    shared_by_chance = [each for each in compared(model) if each.role not in ("number", "other id")]
    for name, counts in counted(connection, shared_by_chance, "random_level", "1").items():
        model = model.with_weights(fit(model[name], model[name], "u", counts, LEAN_U))
    for table in ("random_level", "clients_sample", "register_sample"):
        connection.execute(f"DROP TABLE {table}")
    return model


def _household_pairs(connection: duckdb.DuckDBPyConnection, model: Model, seed: int) -> Model:
    """Set h and `household` from people of the register who live at one address.

    A hostel or care home is no household: addresses with more than eight people are left out [assumed]. Where numbers
    do not tell, two rows of one given name and birth date are one person.
    """
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE household AS
        SELECT place, house, count(*) AS people FROM register_people
        WHERE place IS NOT NULL AND house IS NOT NULL GROUP BY place, house""")
    ((people, others),) = connection.execute("""
        SELECT coalesce(sum(people), 0)::DOUBLE, coalesce(sum(people * (people - 1)), 0)::DOUBLE
        FROM household WHERE people <= 8""").fetchall()
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE household_member AS
        SELECT id, nhs, given, birth_date, place, house FROM register_record JOIN (
            SELECT place, house FROM household WHERE people BETWEEN 2 AND 8
            ORDER BY hash(place, house, {seed}), place, house LIMIT {SAMPLE_HOUSES}) USING (place, house)""")
    told_as_clients(connection, "household_member", seed=seed)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE household_level AS
        WITH pairs AS (
            SELECT a.id AS c, b.id AS r FROM household_member a JOIN household_member b USING (place, house)
            WHERE a.id <> b.id AND coalesce(a.nhs <> b.nhs, a.given IS DISTINCT FROM b.given
                OR a.birth_date IS DISTINCT FROM b.birth_date)
        )
        {levels_sql(compared(model), "told_record", "register_record", "pairs")}""")
    # Whoever shares the address shares the client's own chance of having it recorded wrong, which is m; and the
    # register cannot say how often a client carries a relative's number.
    shared_by_kin = [each for each in compared(model) if each.role not in ("place", "number", "other id")]
    for name, counts in counted(connection, shared_by_kin, "household_level", "1").items():
        fitted = fit(model[name], model[name], "h", counts, LEAN_H)
        model = model.with_weights(shared(fitted, fitted) if fitted.comparison.role == "family" else fitted)
    for table in ("household", "household_member", "told_record", "household_level"):
        connection.execute(f"DROP TABLE {table}")
    return replace(model, household=(others + LEAN_HOUSEHOLD * model.household) / (people + LEAN_HOUSEHOLD))


def _expectation_maximisation(
    connection: duckdb.DuckDBPyConnection, start: Model, model: Model, frequencies: Frequencies
) -> tuple[Model, Training]:
    """Fit m and the share of clients in the register."""
    numbers, others = model.about("number"), [each for each in compared(model) if each.role != "number"]
    agree = " OR ".join(each.reached("agrees") for each in numbers) or "false"
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE anchor AS
        SELECT c, r FROM pair_level WHERE {agree}
        UNION SELECT c, r FROM pair_level SEMI JOIN confirmed USING (c, person)""")
    ((anchors,),) = connection.execute("SELECT count(DISTINCT c) FROM anchor").fetchall()
    anchored = anchors >= MIN_ANCHORS
    where = "WHERE anchored" if anchored else ""
    held = " OR ".join(f"{each.column} IS NOT NULL" for each in numbers) or "false"
    ((numbered,),) = connection.execute(f"SELECT count(*) > 0 FROM pair_level WHERE {held}").fetchall()
    stopped, iteration = f"at the limit of {MAX_ITERATIONS} iterations", 0
    ((clients,),) = connection.execute(f"SELECT least(count(*), {TRAINING_CLIENTS}) FROM clients_record").fetchall()
    while iteration < MAX_ITERATIONS:
        iteration += 1
        before = model
        posteriors(connection, model, frequencies)
        for name, counts in counted(connection, others, f"(FROM training_posterior {where})", "share").items():
            model = with_m(model, start[name], counts, hold=not anchored)
        model = weighed_once(model)
        ((expected,),) = connection.execute("SELECT sum(share)::DOUBLE / 1e6 FROM training_posterior").fetchall()
        model = replace(model, in_register=((expected or 0) + LEAN_SHARE * start.in_register) / (clients + LEAN_SHARE))
        if numbered:
            # How often a true pair's numbers differ is asked of pairs that are sure without the number.
            posteriors(connection, model, frequencies, without="number")
            sure = "(FROM training_posterior WHERE share >= 999000)"
            for name, counts in counted(connection, numbers, sure, "share").items():
                model = with_m(model, start[name], counts)
        if _moved(before, model) < CONVERGED:
            stopped = f"converged: no m moved by {CONVERGED} or more"
            break
    method = (
        f"anchored on {anchors} pairs that NHS numbers or people confirm"
        if anchored
        else "expectation-maximisation over all candidates"
    )
    return model, Training(method, iteration, stopped, anchors, ())


def _moved(before: Model, after: Model) -> float:
    pairs = zip(before.comparisons, after.comparisons, strict=True)
    return max(abs(a.m - b.m) for x, y in pairs for a, b in zip(x.levels, y.levels, strict=True))


def _repair(model: Model, start: Model) -> tuple[Model, tuple[str, ...]]:
    """Put the default back wherever a comparison informs the wrong way, and say so."""
    notes = []
    for weights in model.comparisons:
        best, worst = weights.levels[0], weights.levels[-1]
        if best.m <= best.u or worst.m >= worst.u:
            model = model.with_weights(start[weights.comparison.name])
            notes.append(
                f"{weights.comparison.name}: agreement came out as evidence against a match, which means that the "
                "field is filled with something else in one of the lists; the default weights are used for it"
            )
    return model, tuple(notes)
