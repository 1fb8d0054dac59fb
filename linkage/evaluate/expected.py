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
        WITH other AS (
            SELECT source, source_org, record_id, sum(CAST(probability AS DECIMAL(18, 12))) AS p
            FROM candidate WHERE rank > 1 GROUP BY ALL
        ),
        client AS (
            SELECT l.decision = 'link' AS linked, coalesce(l.method = 'review', false) AS by_person,
                   CAST(coalesce(l.probability, 0) AS DECIMAL(18, 12)) AS best, coalesce(o.p, 0) AS others
            FROM link l LEFT JOIN other o USING (source, source_org, record_id)
        ),
        -- p is the chance that a link is right, q that somebody is missed; where a person linked, both are settled.
        chance AS (
            SELECT linked, CASE WHEN by_person THEN 1 ELSE best END AS p,
                   CASE WHEN NOT linked THEN least(best + others, 1) WHEN by_person THEN 0
                        ELSE least(others, 1 - best) END AS q
            FROM client
        )
        SELECT count(*) FILTER (linked), {_total("p", "linked")}, {_total("p * (1 - p)", "linked")},
               {_total("q", "true")}, {_total("q * (1 - q)", "true")} FROM chance""").fetchall()
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
