"""Training: m from the records themselves, u and h from the register, and a refusal to believe nonsense.

u and h need no labels. u comes from random pairs, h from pairs of people at one address of the register. m comes from
expectation-maximisation over the per-client posteriors: a client has at most one true candidate, which keeps EM from
taking siblings for matches. Pairs whose NHS numbers agree anchor it where there are enough. Every estimate leans on the
shipped default (a Dirichlet prior), so an empty level never becomes a certainty.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from linkage.comparison import Comparison, Role
from linkage.frequencies import Frequencies
from linkage.model import FLOOR, ComparisonWeights, Model
from linkage.weigh import levels_sql, posterior_sql, weight_sql

if TYPE_CHECKING:
    import duckdb

MIN_CLIENTS = 200
"""Fewer clients than this teach nothing that the default does not know better [assumed]."""
MIN_ANCHORS = 1000
"""Pairs with one NHS number needed before m rests on them alone [assumed]."""
LEAN_M, LEAN_U, LEAN_H, LEAN_HOUSEHOLD = 100.0, 1000.0, 500.0, 20.0
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
    training = replace(training, notes=notes)
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
        "notes": list(notes),
    }
    return replace(model, provenance=provenance), training


def _fit(
    weights: ComparisonWeights, lean_on: ComparisonWeights, kind: str, counts: list[float], lean: float
) -> ComparisonWeights:
    total = sum(counts) + lean
    fitted = [
        max((count + lean * getattr(default, kind)) / total, FLOOR)
        for count, default in zip(counts, lean_on.levels, strict=True)
    ]
    levels = tuple(replace(level, **{kind: value}) for level, value in zip(weights.levels, fitted, strict=True))
    return replace(weights, levels=levels)


def _counts(connection: duckdb.DuckDBPyConnection, comparison: Comparison, table: str, weight: str) -> list[float]:
    """How often each level was reached in `table`, each row counting `weight` (an integer expression)."""
    counts = [0.0] * len(comparison.levels)
    for index, count in connection.execute(
        f"SELECT {comparison.column} AS level, sum({weight})::DOUBLE FROM {table} WHERE level IS NOT NULL GROUP BY 1"
    ).fetchall():
        counts[index] = count
    return counts


def _random_pairs(connection: duckdb.DuckDBPyConnection, model: Model, seed: int) -> Model:
    """Set u: every one of a sample of clients against every one of a sample of register rows."""
    for side in ("clients", "register"):
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE {side}_sample AS
            SELECT id FROM {side}_record ORDER BY hash(key, {seed}), key LIMIT {SAMPLE_SIDE}""")
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE random_level AS
        WITH pairs AS (SELECT l.id AS c, r.id AS r FROM clients_sample l, register_sample r)
        {levels_sql(_comparisons(model), "clients_record", "register_record", "pairs")}""")
    for weights in model.comparisons:
        if weights.comparison.role not in ("number", "other id"):  # two people share one too seldom for any sample
            counts = _counts(connection, weights.comparison, "random_level", "1")
            model = model.with_weights(_fit(weights, weights, "u", counts, LEAN_U))
    for table in ("random_level", "clients_sample", "register_sample"):
        connection.execute(f"DROP TABLE {table}")
    return model


def _household_pairs(connection: duckdb.DuckDBPyConnection, model: Model, seed: int) -> Model:
    """Set h and `household` from people of the register who live at one address.

    A hostel or care home is no household: addresses with more than eight people are left out [assumed].
    """
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE household AS
        SELECT place, house, count(*) AS people FROM register_people
        WHERE place IS NOT NULL AND house IS NOT NULL GROUP BY place, house""")
    ((people, others),) = connection.execute("""
        SELECT coalesce(sum(people), 0)::DOUBLE, coalesce(sum(people * (people - 1)), 0)::DOUBLE
        FROM household WHERE people <= 8""").fetchall()
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE household_level AS
        WITH member AS (
            SELECT id, nhs, place, house FROM register_record JOIN (
                SELECT place, house FROM household WHERE people BETWEEN 2 AND 8
                ORDER BY hash(place, house, {seed}), place, house LIMIT {SAMPLE_HOUSES}) USING (place, house)
        ),
        pairs AS (
            SELECT a.id AS c, b.id AS r FROM member a JOIN member b USING (place, house)
            WHERE a.id <> b.id AND a.nhs IS DISTINCT FROM b.nhs
        )
        {levels_sql(_comparisons(model), "register_record", "register_record", "pairs")}""")
    for weights in model.comparisons:
        # Whoever shares the address shares the client's own chance of having it recorded wrong, which is m; and the
        # register cannot say how often a client carries a relative's number.
        if weights.comparison.role not in ("place", "number", "other id"):
            counts = _counts(connection, weights.comparison, "household_level", "1")
            fitted = _fit(weights, weights, "h", counts, LEAN_H)
            model = model.with_weights(_shared(fitted, fitted) if weights.comparison.role == "family" else fitted)
    connection.execute("DROP TABLE household")
    connection.execute("DROP TABLE household_level")
    return replace(model, household=(others + LEAN_HOUSEHOLD * model.household) / (people + LEAN_HOUSEHOLD))


def _expectation_maximisation(
    connection: duckdb.DuckDBPyConnection, start: Model, model: Model, frequencies: Frequencies
) -> tuple[Model, Training]:
    """Fit m and the share of clients in the register."""
    agree = " OR ".join(each.reached("agrees") for each in model.about("number")) or "false"
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE anchor AS
        SELECT c, r FROM pair_level WHERE {agree}
        UNION SELECT c, r FROM pair_level SEMI JOIN confirmed USING (c, person)""")
    ((anchors,),) = connection.execute("SELECT count(DISTINCT c) FROM anchor").fetchall()
    anchored = anchors >= MIN_ANCHORS
    where = "WHERE anchored" if anchored else ""
    stopped, iteration = f"at the limit of {MAX_ITERATIONS} iterations", 0
    ((clients,),) = connection.execute(f"SELECT least(count(*), {TRAINING_CLIENTS}) FROM clients_record").fetchall()
    while iteration < MAX_ITERATIONS:
        iteration += 1
        before = model
        _posteriors(connection, model, frequencies)
        for default in start.comparisons:
            if default.comparison.role != "number":
                counts = _counts(connection, default.comparison, f"(FROM training_posterior {where})", "share")
                model = _set_m(model, default, counts, hold=not anchored)
        ((expected,),) = connection.execute("SELECT sum(share)::DOUBLE / 1e6 FROM training_posterior").fetchall()
        model = replace(model, in_register=((expected or 0) + 100 * start.in_register) / (clients + 100))
        if model.about("number"):
            # How often a true pair's numbers differ is asked of pairs that are sure without the number.
            _posteriors(connection, model, frequencies, without="number")
            sure = "(FROM training_posterior WHERE share >= 999000)"
            for comparison in model.about("number"):
                counts = _counts(connection, comparison, sure, "share")
                model = _set_m(model, start[comparison.name], counts)
        if _moved(before, model) < CONVERGED:
            stopped = f"converged: no m moved by {CONVERGED} or more"
            break
    method = (
        f"anchored on {anchors} pairs that NHS numbers or people confirm"
        if anchored
        else "expectation-maximisation over all candidates"
    )
    return model, Training(method, iteration, stopped, anchors, ())


def _posteriors(
    connection: duckdb.DuckDBPyConnection, model: Model, frequencies: Frequencies, *, without: Role | None = None
) -> None:
    """Make `training_posterior`: the levels of each client's candidates; `share` is the probability in millionths."""
    levels = ", ".join(f"t.{each.column}" for each in _comparisons(model))
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE training_posterior AS
        WITH weighed AS (
            SELECT c, r, r_key, person, {weight_sql(model, frequencies.people, without=without)} AS weight
            FROM pair_level ANTI JOIN ruled_out USING (c, person)
        ),
        posterior AS ({posterior_sql("weighed")})
        SELECT {levels}, CAST(round(p.probability * 1e6) AS BIGINT) AS share, a.c IS NOT NULL AS anchored
        FROM posterior p JOIN pair_level t ON t.c = p.c AND t.r = p.r LEFT JOIN anchor a ON a.c = p.c AND a.r = p.r
        WHERE p.probability >= 1e-6""")


def _comparisons(model: Model) -> list[Comparison]:
    return [each.comparison for each in model.comparisons]


def _set_m(model: Model, default: ComparisonWeights, counts: list[float], *, hold: bool = False) -> Model:
    comparison = default.comparison
    fitted = _fit(model[comparison.name], default, "m", [count / 1e6 for count in counts], LEAN_M)
    if hold:
        fitted = _hold(fitted, default)
    if comparison.role == "place":
        fitted = replace(fitted, levels=tuple(replace(level, h=level.m) for level in fitted.levels))
    if comparison.role == "family":
        fitted = _shared(model[comparison.name], fitted)
    return model.with_weights(fitted)


def _shared(before: ComparisonWeights, after: ComparisonWeights) -> ComparisonWeights:
    """`after` with h of a name that most of a household share: whoever shares it shares its slips too.

    h = s * m + (1 - s) * other, where s is the share of kin who bear the name, by the best level of `before`. So a slip
    never speaks more against the household explanation than the name itself does.
    """
    share = min(before.levels[0].h / before.levels[0].m, 0.99)
    others = [max(level.h - share * level.m, FLOOR) for level in before.levels]
    scale = (1 - share) / sum(others)
    return replace(
        after,
        levels=tuple(
            replace(level, h=share * level.m + other * scale) for level, other in zip(after.levels, others, strict=True)
        ),
    )


def _hold(fitted: ComparisonWeights, default: ComparisonWeights) -> ComparisonWeights:
    """Put the default m back where namesakes and kin would teach it, and share what is left among the other levels.

    Without numbers to tell them apart, EM would learn from namesakes that a true pair often has two dates of birth.
    """
    held = [level.name for level in fitted.comparison.levels if level.namesakes_reach]
    kept = {level.level: level.m for level in default.levels if level.level in held}
    free = sum(level.m for level in fitted.levels if level.level not in kept)
    scale = (1 - sum(kept.values())) / free
    return replace(
        fitted,
        levels=tuple(replace(level, m=kept.get(level.level, level.m * scale)) for level in fitted.levels),
    )


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
