"""Bits: what each pair weighs, from recordlinkage's naive Bayes classifier and the pair's own frequencies.

The model has three explanations of a pair: one person (m), two unrelated people (u), two members of a household (h).
The classifier gets all three as classes. It knows nothing of term frequencies, so on the levels that have one its u is
1, and the pair's own is added here. With the natural logs S, U and H of the three

    weight = (S - log(e^U + household / people * e^H)) / log 2 + prior
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from linkage.frequencies import LEAN_COHORT, LEAN_POPULATION, LEAN_REGISTER, USUAL_YEAR, Frequencies
from linkage.model import FLOOR, ComparisonWeights, Model, shares_among
from linkage.passes import PASSES
from linkage.reference import toolkit
from linkage.reference.levels import NOTHING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

_DECIMALS = 9
"""Weights are rounded to this many, far below what decides anything: equal evidence has to come out equal, for ties to
be settled by the record's key, whatever order a matrix product sums in."""


def with_frequencies(
    pair_level: pd.DataFrame,
    clients: pd.DataFrame,
    register: pd.DataFrame,
    frequencies: Frequencies,
    shares: Mapping[str, Mapping[str, float]] | None = None,
) -> pd.DataFrame:
    """`pair_level` with log2 of every u that is a frequency, counted again over the register's people.

    `shares` are those of names in a population, by column and name.
    """
    people = _people(register)
    left = clients.loc[pair_level["c"]].reset_index(drop=True)
    right = register.loc[pair_level["r"]].reset_index(drop=True)
    n = max(frequencies.people, 1)

    def share(count: Numbers, column: str) -> Numbers:
        result: Numbers = (count + LEAN_REGISTER * frequencies.agree[column]) / (n + LEAN_REGISTER)
        return result

    for frame in (people, left, right):
        frame["decade"] = frame["birth_year"] // 10

    def name_share(records: pd.DataFrame, column: str) -> Numbers:
        count = _count(people, records, column)
        if shares is None:
            return share(count, column)
        # A column of nothing but gaps has no type of its own.
        wider = records[column].map(shares[column]).astype(np.float64).fillna(frequencies.agree[column]).to_numpy()
        result: Numbers = (count + LEAN_POPULATION * wider) / (n + LEAN_POPULATION)
        return result

    given = name_share(right, "given")
    cohort = _count(people, right, "gender", "decade")
    given_u = (_count(people, right, "given", "gender", "decade") + LEAN_COHORT * given) / (cohort + LEAN_COHORT)
    family = name_share(right, "family")
    both, together = _count(people, left, "given", "family"), frequencies.names_together
    among_given = family * (both + together) / (_count(people, right, "given") * family + together)
    unit = share(_count(people, left, "unit"), "unit")
    named = people[people["middle"].notna()]
    middle = _count(named, left, "middle") + LEAN_REGISTER * frequencies.agree["middle"]
    middle /= max(len(named), 1) + LEAN_REGISTER
    dated = people[people["birth_date"].notna()]
    of_cohort = _count(named, left, "middle", "gender", "decade") + LEAN_COHORT * middle
    u = {
        "given_u": given_u,
        "nickname_u": np.minimum(3 * given_u, 1),
        "middle_u": of_cohort / (_count(named, left, "gender", "decade") + LEAN_COHORT),
        "family_u": np.where(left["given"].notna() & (left["given"] == right["given"]), among_given, family),
        "family_near_u": family,
        "other_family_u": np.minimum(family + name_share(left, "family"), 1),
        "birth_u": share(_count(people, left, "birth_date"), "birth_date"),
        "year_u": (_count(dated, left, "birth_year") + LEAN_REGISTER * USUAL_YEAR)
        / (max(len(dated), 1) + LEAN_REGISTER),
        "house_u": _count(people, left, "unit", "house") / n,
        "unit_u": unit,
        "other_unit_u": np.minimum(2 * unit, 1),
    }
    return pair_level.assign(**{name: np.log2(values) for name, values in u.items()})


def _people(register: pd.DataFrame) -> pd.DataFrame:
    """One row a person: of the rows with one NHS number the one with the smallest key."""
    first = register.sort_values("key").drop_duplicates("nhs")
    return pd.concat([register[register["nhs"].isna()], first[first["nhs"].notna()]])


def _count(people: pd.DataFrame, records: pd.DataFrame, *columns: str) -> Numbers:
    """How many people have what each of `records` has in `columns`; 1 where none has it, or it is not known."""
    counts = people.groupby(list(columns)).size().rename("n").reset_index()
    joined = records[list(columns)].merge(counts, on=list(columns), how="left")
    return joined["n"].fillna(1).to_numpy(np.float64)


def weigh(pair_level: pd.DataFrame, model: Model, people: int) -> dict[str, Any]:
    """Columns `weight`, in bits, prior included, and `pass`, the place of the first pass that holds, or NaN.

    Where the model has client systems, `client_system` says whose error rates hold (linkage.weigh.pair_level_sql).
    """
    if model.systems:
        weight = np.zeros(len(pair_level))
        for place, source in enumerate((None, *model.sources)):
            of_system = (pair_level["client_system"] == place).to_numpy(bool)
            if of_system.any():
                weight[of_system] = _weight(pair_level[of_system], model.of(source), people)
    else:
        weight = _weight(pair_level, model, people)
    return {"weight": weight.round(_DECIMALS), "pass": _passes(pair_level, model)}


def _weight(pair_level: pd.DataFrame, model: Model, people: int) -> Numbers:
    codes = pair_level[[each.comparison.column for each in model.comparisons]]
    labels = [[NOTHING, *range(len(each.levels))] for each in model.comparisons]
    likelihoods = [[[0.0, *_logs(each, kind)] for each in model.comparisons] for kind in ("m", "u", "h")]
    same, unrelated, household = toolkit.explanations(codes, labels, likelihoods).T
    unrelated = unrelated + math.log(2) * _own_u(pair_level, model)
    relatives = math.log(max(model.household, FLOOR) / max(people, 1))
    prior = math.log2(model.in_register / (1 - model.in_register) / max(people, 1))
    weight: Numbers = (same - np.logaddexp(unrelated, household + relatives)) / math.log(2) + prior
    return weight


def _logs(weights: ComparisonWeights, kind: Literal["m", "u", "h"] | str) -> list[float]:
    return [
        0.0 if kind == "u" and level.frequency else math.log(max(getattr(probabilities, kind), FLOOR))
        for probabilities, level in zip(weights.levels, weights.comparison.levels, strict=True)
    ]


def _own_u(pair_level: pd.DataFrame, model: Model) -> Numbers:
    """Log2 of the frequencies that stand for u at the levels reached."""
    total = np.zeros(len(pair_level))
    for each in model.comparisons:
        reached = pair_level[each.comparison.column].to_numpy()
        shares = shares_among(each)
        for place, level in enumerate(each.comparison.levels):
            of_kind = math.log2(shares[place])
            if level.frequency:
                total += np.where(reached == place, pair_level[level.frequency].to_numpy() + of_kind, 0.0)
            elif level.at_least:
                # The average is counted already; what is more common than that adds the difference.
                average = math.log2(max(each.levels[place].u, FLOOR))
                more = np.maximum(pair_level[level.at_least].to_numpy() + of_kind - average, 0.0)
                total += np.where(reached == place, more, 0.0)
    return total


def _passes(pair_level: pd.DataFrame, model: Model) -> Numbers:
    """Place of the first pass that holds, or NaN; one that asks for what the model does not compare never holds."""
    known = {each.comparison.name: each.comparison for each in model.comparisons}
    found = np.full(len(pair_level), np.nan)
    for place, each in reversed(list(enumerate(PASSES))):
        if each.accepts.keys() <= known.keys():
            holds = np.ones(len(pair_level), bool)
            for name, wanted in each.accepts.items():
                codes = [NOTHING if level is None else known[name].index(level) for level in wanted]
                holds &= pair_level[known[name].column].isin(codes).to_numpy()
            found[holds] = place
    return found
