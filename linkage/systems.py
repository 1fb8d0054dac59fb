"""Error rates by client system: m is how often a true pair's records differ, and that depends on who keeps them.

A system that never asks for the postcode, or takes the year of birth over the telephone, would otherwise lend its slips
to all others. Every system leans on what holds for all by `LEAN_SYSTEM` observations, so that a small one is weighed
almost like the rest, and only its own counts take it away from there (partial pooling). u and h of what kin share are
the register's and have nothing to do with it; the register's own systems are not told apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from linkage.exchanged import weighed_once_of_system
from linkage.fit import compared, counted, posteriors, with_m
from linkage.frequencies import Frequencies
from linkage.model import ComparisonWeights, Model, SystemWeights

if TYPE_CHECKING:
    import duckdb

MIN_TRAINING = 200
"""Training clients that a system needs for error rates of its own [assumed]."""
LEAN_SYSTEM = 300.0
"""Observations that the error rates of all systems together count for [assumed]."""
MOST_SYSTEMS = 50
_NAME = re.compile(r"[^'\"\\`]{1,100}")
ROUNDS = 2
"""How often the systems' posteriors are worked out, the second time with their own rates."""


@dataclass(frozen=True)
class Own:
    """What the systems' own error rates rest on."""

    pairs: Mapping[str, int]
    """Expected true pairs of the training clients, by system."""
    notes: tuple[str, ...]


def with_places(connection: duckdb.DuckDBPyConnection, model: Model, *, training: int) -> Model:
    """`model` with a place for every client system that `training` clients, drawn at random, tell enough about.

    Reads `clients_record`. With a single system there is nothing to tell apart.
    """
    found = connection.execute("SELECT source, count(*) FROM clients_record GROUP BY 1 ORDER BY 1").fetchall()
    drawn = min(1.0, training / max(sum(clients for _, clients in found), 1))
    enough = [source for source, clients in found if clients * drawn >= MIN_TRAINING and nameable(source)]
    if len(found) < 2 or len(enough) > MOST_SYSTEMS:
        return model
    return replace(model, systems=tuple(SystemWeights(source, ()) for source in enough))


def nameable(source: object) -> bool:
    """Whether a model can hold a system by this name; one with quotes in it is weighed as all others."""
    return isinstance(source, str) and source.isprintable() and _NAME.fullmatch(source) is not None


def fit_systems(
    connection: duckdb.DuckDBPyConnection, model: Model, frequencies: Frequencies, *, enough: int
) -> tuple[Model, Own]:
    """`model` with m of every one of its systems, and h where that follows from m.

    As for all systems together, pairs that numbers confirm anchor a system that has `enough` of them.
    """
    pairs: dict[str, int] = {}
    others = [each for each in compared(model) if each.role != "number"]
    for _ in range(ROUNDS if model.systems else 0):
        fitted = []
        posteriors(connection, model, frequencies)
        for place, system in enumerate(model.systems, 1):
            of_system = f"(FROM training_posterior WHERE client_system = {place})"
            ((anchors, expected),) = connection.execute(
                f"SELECT count(*) FILTER (anchored), coalesce(sum(share), 0)::DOUBLE / 1e6 FROM {of_system}"
            ).fetchall()
            pairs[system.source] = round(expected)
            anchored = anchors >= enough
            among = f"(FROM {of_system} WHERE anchored)" if anchored else of_system
            counts = counted(connection, others, among, "share")
            own = [
                weighed_once_of_system(
                    model, with_m(model, model[name], counts[name], hold=not anchored, lean=LEAN_SYSTEM)[name]
                )
                for name in counts
            ]
            fitted.append(replace(system, comparisons=tuple(own)))
        model = replace(model, systems=_with_numbers(connection, model, frequencies, tuple(fitted)))
    systems, notes = [], []
    for system in model.systems:
        sound = tuple(each for each in system.comparisons if not _speaks_wrongly(each))
        notes += [
            f"{each.comparison.name} of {system.source}: agreement came out as evidence against a match; the"
            " error rates of all systems together are used for it"
            for each in system.comparisons
            if each not in sound
        ]
        systems.append(replace(system, comparisons=sound))
    return replace(model, systems=tuple(systems)), Own(pairs, tuple(notes))


def _with_numbers(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    frequencies: Frequencies,
    systems: tuple[SystemWeights, ...],
) -> tuple[SystemWeights, ...]:
    """How often a true pair's numbers differ is asked of pairs that are sure without the number."""
    if not model.about("number"):
        return systems
    posteriors(connection, model, frequencies, without="number")
    with_numbers = []
    for place, system in enumerate(systems, 1):
        sure = f"(FROM training_posterior WHERE share >= 999000 AND client_system = {place})"
        counts = counted(connection, model.about("number"), sure, "share")
        own = [with_m(model, model[name], counts[name], lean=LEAN_SYSTEM)[name] for name in counts]
        with_numbers.append(replace(system, comparisons=(*system.comparisons, *own)))
    return tuple(with_numbers)


def _speaks_wrongly(weights: ComparisonWeights) -> bool:
    best, worst = weights.levels[0], weights.levels[-1]
    return best.m <= best.u or worst.m >= worst.u
