"""What training counts and what it makes of the counts: posteriors of the training clients, and m by Dirichlet priors.

Every estimate leans on another, by a stated number of observations, so that an empty level never becomes a certainty.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from linkage.comparison import Comparison, Role
from linkage.frequencies import Frequencies
from linkage.model import FLOOR, ComparisonWeights, Model
from linkage.weigh import posterior_sql, weight_sql

if TYPE_CHECKING:
    import duckdb

LEAN_M = 100.0
"""Observations that the default's m counts for [assumed]."""


def posteriors(
    connection: duckdb.DuckDBPyConnection, model: Model, frequencies: Frequencies, *, without: Role | None = None
) -> None:
    """Make `training_posterior`: the levels of each client's candidates; `share` is the probability in millionths."""
    levels = ", ".join(each.column for each in compared(model))
    system = ", client_system" if model.systems else ""
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE training_posterior AS
        WITH weighed AS (
            SELECT c, r, r_key, person, {levels}{system},
                   {weight_sql(model, frequencies.people, without=without)} AS weight
            FROM pair_level ANTI JOIN ruled_out USING (c, person)
        ),
        posterior AS ({posterior_sql("weighed")})
        SELECT {levels}{system}, CAST(round(probability * 1e6) AS BIGINT) AS share, a.c IS NOT NULL AS anchored
        FROM posterior p LEFT JOIN anchor a ON a.c = p.c AND a.r = p.r WHERE probability >= 1e-6""")


def counted(
    connection: duckdb.DuckDBPyConnection, comparisons: Iterable[Comparison], table: str, weight: str
) -> dict[str, list[float]]:
    """How often each level of each comparison, by its name, was reached in `table`, each row counting `weight`.

    `weight` is an integer expression, so that the order of rows does not matter.
    """
    given = list(comparisons)
    counts = [
        f"[{', '.join(f'sum({weight}) FILTER ({each.column} = {level})' for level in range(len(each.levels)))}]"
        for each in given
    ]
    (reached,) = connection.execute(f"SELECT {', '.join(counts)} FROM {table}").fetchall()
    return {each.name: [float(x or 0) for x in found] for each, found in zip(given, reached, strict=True)}


def fit(
    weights: ComparisonWeights, lean_on: ComparisonWeights, kind: str, counts: list[float], lean: float
) -> ComparisonWeights:
    """`weights` with m, u or h (`kind`) of what was counted, `lean` observations of `lean_on` added."""
    total = sum(counts) + lean
    fitted = [
        max((count + lean * getattr(default, kind)) / total, FLOOR)
        for count, default in zip(counts, lean_on.levels, strict=True)
    ]
    levels = tuple(replace(level, **{kind: value}) for level, value in zip(weights.levels, fitted, strict=True))
    return replace(weights, levels=levels)


def with_m(
    model: Model, default: ComparisonWeights, counts: list[float], *, hold: bool = False, lean: float = LEAN_M
) -> Model:
    """`model` with m of one comparison as counted in millionths of pairs, and the h that follows from it.

    With `hold`, levels that namesakes reach keep the m of `default`.
    """
    comparison = default.comparison
    fitted = fit(model[comparison.name], default, "m", [count / 1e6 for count in counts], lean)
    if hold:
        fitted = _hold(fitted, default)
    if comparison.role == "place":
        fitted = replace(fitted, levels=tuple(replace(level, h=level.m) for level in fitted.levels))
    if comparison.role == "family":
        fitted = shared(model[comparison.name], fitted)
    return model.with_weights(fitted)


def shared(before: ComparisonWeights, after: ComparisonWeights) -> ComparisonWeights:
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


def compared(model: Model) -> list[Comparison]:
    """The model's comparisons."""
    return [each.comparison for each in model.comparisons]
