"""Decisions for each client in pandas: who is settled, how candidates share the probability, which come first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from linkage.model import Model
from linkage.rank import CANDIDATES_KEPT, KEPT_ABOVE, SETTLED_BITS
from linkage.reference.pairs import known

if TYPE_CHECKING:
    from numpy.typing import NDArray


def rank(weighed: pd.DataFrame, model: Model, ruled_out: pd.DataFrame, confirmed: pd.DataFrame) -> pd.DataFrame:
    """Table `ranked` (linkage.rank.ranked_sql) of all pairs, weighed, with their passes.

    People decided earlier about the pairs (c, person) of `ruled_out`, which are left out, and of `confirmed`, which
    come first.
    """
    weighed = weighed[~_among(weighed, ruled_out)]
    looked_at = weighed[weighed["first"] | ~weighed["c"].isin(_settled(weighed))]
    passes = _passes_of_one_person(looked_at)
    candidates = looked_at.sort_values(["weight", "r_key"], ascending=[False, True]).drop_duplicates(["c", "person"])
    candidates = candidates.assign(
        probability=_probabilities(candidates),
        numberless=candidates["person"] < 0,
        unconfirmed=~_among(candidates, confirmed),
    )
    # At equal weights a person with a number comes first, then the record's key decides.
    order = {"c": True, "unconfirmed": True, "weight": False, "numberless": True, "r_key": True}
    candidates = candidates.sort_values(list(order), ascending=list(order.values()))
    candidates = candidates.assign(rank=candidates.groupby("c").cumcount() + 1)
    kept = (candidates["rank"] <= CANDIDATES_KEPT) & (candidates["probability"] >= KEPT_ABOVE)
    candidates = candidates[(candidates["rank"] == 1) | kept]
    candidates = candidates.drop(columns=["pass", "first", "r_key", "numberless", "unconfirmed"]).merge(
        passes, on=["c", "person"], how="left"
    )
    return known(candidates.astype({"pass": "UInt8"}), model)


def _among(pairs: pd.DataFrame, listed: pd.DataFrame) -> NDArray[np.bool_]:
    wanted = pd.MultiIndex.from_frame(listed[["c", "person"]])
    among: NDArray[np.bool_] = pd.MultiIndex.from_frame(pairs[["c", "person"]]).isin(wanted)
    return among


def _settled(weighed: pd.DataFrame) -> NDArray[np.int64]:
    """Clients whose candidates from the first rules hold one clear person (linkage.rank.settled_sql)."""
    people = (
        weighed[weighed["first"]]
        .groupby(["c", "person"], as_index=False)
        .agg(weight=("weight", "max"), passed=("pass", "min"))
        .sort_values("weight", ascending=False)
    )
    place = people.groupby("c").cumcount()
    best, second = (people[place == number].set_index("c") for number in (0, 1))
    next_best = second["weight"].reindex(best.index, fill_value=-np.inf)
    alone = people.groupby("c")["passed"].count().reindex(best.index) == 1
    clear = (best["weight"] >= SETTLED_BITS) & (best["weight"] - next_best >= SETTLED_BITS)
    settled: NDArray[np.int64] = best.index[alone & best["passed"].notna() & clear].to_numpy()
    return settled


def _passes_of_one_person(looked_at: pd.DataFrame) -> pd.DataFrame:
    """c, person, pass: the first pass that holds for a person, where it is no other candidate's as well."""
    passed = looked_at.dropna(subset="pass").groupby(["c", "person"], as_index=False).agg({"pass": "min"})
    return passed[~passed.duplicated(["c", "pass"], keep=False)]


def _probabilities(candidates: pd.DataFrame) -> pd.Series[float]:
    """Candidates of a client compete with each other and with nobody, whose weight is 0."""
    top = candidates.groupby("c")["weight"].transform("max").clip(lower=0)
    share = 2.0 ** (candidates["weight"] - top)
    return share / (2.0**-top + share.groupby(candidates["c"]).transform("sum"))
