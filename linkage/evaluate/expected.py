"""What the model itself expects of its links: the sum of its doubts. As good as the model, and no measurement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from linkage.evaluate.shares import Estimate

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Expectation:
    """Precision and recall as the probabilities have them."""

    links: int
    wrong: float
    """Links expected to be wrong."""
    precision: Estimate
    recall: Estimate
    """Among clients whose register person is one of their candidates; what blocking missed is not in it."""

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "links": self.links,
            "wrong": round(self.wrong, 6),
            "precision": self.precision.to_json(),
            "recall": self.recall.to_json(),
        }


def expect(connection: duckdb.DuckDBPyConnection) -> Expectation | None:
    """Read `link` and `candidate`; None where there is no link.

    Each link is right with its probability p, apart from the others, so the number of right links has mean sum p and
    variance sum p (1 - p) (Poisson binomial), and precision is that over the links. Recall is a / (a + c), with a the
    right links and c the clients missed who are among the candidates; its variance is the delta method's:
    (c^2 var a + a^2 var c) / (a + c)^4.
    """
    row = connection.execute(f"""
        WITH hope AS (
            SELECT source, source_org, record_id, least(sum(CAST(probability AS DECIMAL(18, 12))), 1) AS found
            FROM candidate GROUP BY ALL
        ),
        client AS (
            SELECT l.decision = 'link' AS linked,
                   -- Where a person decided, nothing is left to doubt.
                   CASE WHEN l.method = 'review' THEN 1 ELSE CAST(l.probability AS DECIMAL(18, 12)) END AS p,
                   coalesce(h.found, 0) AS found
            FROM link l LEFT JOIN hope h USING (source, source_org, record_id)
        ),
        missed AS (SELECT linked, p, CASE WHEN linked THEN greatest(found - p, 0) ELSE found END AS q FROM client)
        SELECT count(*) FILTER (linked), {_total("p", "linked")}, {_total("p * (1 - p)", "linked")},
               {_total("q", "true")}, {_total("q * (1 - q)", "true")} FROM missed""").fetchall()
    ((links, right, right_variance, missed, missed_variance),) = row
    if not links:
        return None
    precision = Estimate.normal(right / links, right_variance / links**2)
    findable = right + missed
    variance = (missed**2 * right_variance + right**2 * missed_variance) / findable**4 if findable else 0.0
    recall = Estimate.normal(right / findable if findable else 0.0, variance)
    return Expectation(links, links - right, precision, recall)


def _total(what: str, where: str) -> str:
    """A sum that is the same in any order: of decimals."""
    return f"CAST(coalesce(sum(CAST({what} AS DECIMAL(18, 12))) FILTER ({where}), 0) AS DOUBLE)"
