"""Whether a probability means what it says: of clients reported at 0.95 to 0.99, are 95 to 99 % right?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from typing import TYPE_CHECKING, Any

from linkage.evaluate.shares import Share, is_surprising

if TYPE_CHECKING:
    import duckdb

EDGES = (0.0, 0.1, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 0.9999)
"""Lower ends of the bins, finer towards 1, where the decisions are made."""


@dataclass(frozen=True)
class Bin:
    """Clients whose best candidate's probability lies from `low` up to `high`, 1 included in the last bin."""

    low: float
    high: float
    expected: float
    """Mean of the probabilities."""
    observed: Share
    """How many of the best candidates are the client."""
    links: Share
    """The same of the clients that were linked."""

    @property
    def verdict(self) -> str:
        """Whether so many right are no surprise if the model is, or it is too bold or too timid."""
        if not is_surprising(self.observed.part, self.observed.whole, self.expected):
            return "fits"
        return "too bold" if self.observed.value < self.expected else "too timid"

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "from": self.low,
            "to": self.high,
            "expected": round(self.expected, 9),
            "observed": self.observed.to_json(),
            "links": self.links.to_json(),
            "verdict": self.verdict,
        }


@dataclass(frozen=True)
class Calibration:
    """The table, and two figures for the whole of it."""

    bins: tuple[Bin, ...]
    brier: float
    """Mean squared distance of the probability from what was so, 1 or 0 (Brier 1950); 0 is perfect."""

    @property
    def error(self) -> float:
        """Expected calibration error: the mean distance of expected from observed, weighed by clients (Naeini 2015)."""
        whole = sum(each.observed.whole for each in self.bins)
        apart = fsum(each.observed.whole * abs(each.expected - each.observed.value) for each in self.bins)
        return apart / whole if whole else 0.0

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        bins = [each.to_json() for each in self.bins]
        return {"bins": bins, "brier_score": round(self.brier, 9), "expected_calibration_error": round(self.error, 9)}


def calibration(connection: duckdb.DuckDBPyConnection, edges: Sequence[float] = EDGES) -> Calibration:
    """Read `judged` (see `linkage.evaluate.judge`); decisions of people are left out, for their 1 is not the model's.

    Sums are of whole numbers of 10^-12, so that they are the same in any order.
    """
    place = "+".join(f"(probability >= {edge!r})::INT" for edge in edges[1:])
    rows = connection.execute(f"""
        SELECT {place} AS place, count(*), count(*) FILTER (best_right), count(*) FILTER (linked),
               count(*) FILTER (linked AND best_right),
               CAST(sum(CAST(round(probability * 1e12) AS HUGEINT)) AS VARCHAR),
               CAST(sum(CAST(round(pow(probability - best_right::INT, 2) * 1e12) AS HUGEINT)) AS VARCHAR)
        FROM judged WHERE probability IS NOT NULL AND NOT by_person GROUP BY place ORDER BY place""").fetchall()
    ends = (*edges[1:], 1.0)
    bins = [
        Bin(edges[at], ends[at], int(belief) / 1e12 / n, Share(right, n), Share(links_right, links))
        for at, n, right, links, links_right, belief, _ in rows
    ]
    whole = sum(row[1] for row in rows)
    apart = sum(int(row[6]) for row in rows)
    return Calibration(tuple(bins), apart / 1e12 / whole if whole else 0.0)
