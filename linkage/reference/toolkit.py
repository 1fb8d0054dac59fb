"""The one place that knows recordlinkage: its index, its compare features, its classifier.

recordlinkage 0.16 was written for pandas 1 and 2 and warns at every turn under pandas 3; what is used of it here gives
the same results with both, which the tests show.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import recordlinkage
from recordlinkage.base import BaseCompareFeature
from recordlinkage.index import Block

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from linkage.reference.levels import Reference


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep quiet about arguments that pandas 3 deprecates; nothing else is silenced."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*(copy|inplace)")
        yield


def block(left: pd.DataFrame, right: pd.DataFrame, keys: int) -> pd.MultiIndex:
    """Pairs of labels of `left` and `right` that agree on their first `keys` columns, none of them missing."""
    index = recordlinkage.Index()
    index.add(Block(left_on=list(left.columns[:keys]), right_on=list(right.columns[:keys])))
    with _quiet():
        pairs: pd.MultiIndex = index.index(left, right)
    return pairs


class _Level(BaseCompareFeature):  # type: ignore[misc]  # recordlinkage ships no types
    """A comparison that gives the place of the level reached."""

    def __init__(self, reference: Reference, label: str) -> None:
        columns = list(reference.columns)
        super().__init__(columns, columns, label=label)
        self._reference = reference

    def _compute_vectorized(self, *series: pd.Series[Any]) -> NDArray[np.int8]:
        columns = self._reference.columns
        # The index holds both labels of each pair, which nothing here needs.
        left, right = (
            pd.DataFrame({name: one.array for name, one in zip(columns, half, strict=True)})
            for half in (series[: len(columns)], series[len(columns) :])
        )
        return self._reference.reached(left, right)


def compare(
    pairs: pd.MultiIndex, left: pd.DataFrame, right: pd.DataFrame, references: Sequence[tuple[str, Reference]]
) -> pd.DataFrame:
    """A frame of level codes, one row a pair, one column for each named reference."""
    features = recordlinkage.Compare()
    for label, reference in references:
        features.add(_Level(reference, label))
    with _quiet():
        frame: pd.DataFrame = features.compute(pairs, left, right)
    return frame


def explanations(
    codes: pd.DataFrame, labels: Sequence[Sequence[int]], log_likelihoods: Sequence[Sequence[Sequence[float]]]
) -> NDArray[np.float64]:
    """Natural log of how probable each explanation is for each pair, up to one constant a pair: pairs x explanations.

    `labels` are the codes each column of `codes` may hold, `log_likelihoods` for each explanation and column the
    natural logs that belong to them. The priors of all explanations are equal here.

    The classifier is fitted on a made-up frame that holds every code, because it scores a code that it has not seen as
    if no level held, without a word; then its probabilities are set.
    """
    rows = max(map(len, labels))
    every = pd.DataFrame({
        column: [codes_of[min(row, len(codes_of) - 1)] for row in range(rows)]
        for column, codes_of in zip(codes.columns, labels, strict=True)
    })  # fmt: skip
    classifier = recordlinkage.NaiveBayesClassifier()
    kinds = len(log_likelihoods)
    classifier.kernel.fit(np.tile(every.to_numpy(), (kinds, 1)), np.repeat(np.arange(kinds), rows))
    if [list(map(int, seen)) for seen in classifier.kernel.labels_] != [sorted(codes_of) for codes_of in labels]:
        raise RuntimeError("the classifier orders its codes in another way than it was told")
    classifier.kernel.feature_log_prob_ = np.array([
        [value for column in explanation for value in column] for explanation in log_likelihoods
    ])  # fmt: skip
    classifier.kernel.class_log_prior_ = np.zeros(kinds)
    logs: NDArray[np.float64] = classifier.kernel.predict_log_proba(codes.to_numpy())
    return logs
