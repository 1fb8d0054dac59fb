"""How good the links are: counts against truth, estimates without it, each with its interval and its source.

In: counts, or the tables `link` and `candidate` of a connection. Out: plain facts with `to_json`. Begin with `judge`,
which holds each client's decision against known truth; `expected` for what the model itself expects; `capture` for what
blocking may have missed; `strata` for a sample that people looked at.

The formulas are textbook and each names its source; how they are drawn and printed is `caretrace.evaluate`'s business.
"""

from __future__ import annotations

from linkage.evaluate.calibration import Bin, Calibration, calibration
from linkage.evaluate.capture import Captured, Split, capture
from linkage.evaluate.expected import Expectation, expect
from linkage.evaluate.judge import Counts, Threshold, counts, judge, thresholds
from linkage.evaluate.shares import Estimate, Share, f_measure, standardised_difference
from linkage.evaluate.strata import Stratum, allocate, ratio, stratified

__all__ = [
    "Bin",
    "Calibration",
    "Captured",
    "Counts",
    "Estimate",
    "Expectation",
    "Share",
    "Split",
    "Stratum",
    "Threshold",
    "allocate",
    "calibration",
    "capture",
    "counts",
    "expect",
    "f_measure",
    "judge",
    "ratio",
    "standardised_difference",
    "stratified",
    "thresholds",
]
