"""Links against the truth, the same way for every engine.

A link is right if the register row is a row of the client's person: people who are at two practices have two rows, and
either is right. Precision is right links / links; recall is clients with a right link / clients whose person is in the
register.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cases import package


@dataclass(frozen=True)
class Score:
    """How well an engine did at its own threshold, and at the threshold that the truth would choose."""

    precision: float
    recall: float
    f1: float
    review: float
    """Share of clients sent to a person; engines without a review send nobody."""
    best_f1: float
    best_at: float
    """The probability from which links would have to be accepted for that; nobody knows it without the truth."""


def f1(right: float, links: float, findable: float) -> float:
    """Harmonic mean of right/links and right/findable."""
    return 2 * right / (links + findable) if links + findable else 0.0


# What each engine calls a link by itself: Splink's and recordlinkage's probability (0.95 is a threshold of Splink's
# documentation, 0.5 recordlinkage's own), caretrace's decision.
LINKS = {
    "caretrace": "FROM read_parquet('{}/links.parquet') SELECT record_id AS client_id,"
    " register_record_id AS register_id, probability, decision = 'link' AS linked, decision = 'review' AS review",
    "splink": "SELECT *, probability >= 0.95 AS linked, false AS review FROM read_parquet('{}/links.parquet')",
    "recordlinkage": "SELECT *, probability >= 0.5 AS linked, false AS review FROM read_parquet('{}/links.parquet')",
}


def score(engine: str, out: Path, data: Path) -> Score:
    """Score what `engine` wrote into `out` against the truth in `data`."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"""
            CREATE TABLE found AS
            SELECT l.probability, l.linked, t.person_id = r.person_id AS correct
            FROM ({LINKS[package(engine)].format(out.as_posix())}) l
            JOIN read_parquet('{data.as_posix()}/truth.parquet') t ON t.record_id = l.client_id
            JOIN read_parquet('{data.as_posix()}/register_truth.parquet') r ON r.record_id = l.register_id""")
        ((clients, findable),) = connection.execute(
            f"SELECT count(*), count(*) FILTER (in_register) FROM read_parquet('{data.as_posix()}/truth.parquet')"
        ).fetchall()
        ((review,),) = connection.execute(
            f"SELECT count(*) FILTER (review) FROM ({LINKS[package(engine)].format(out.as_posix())})"
        ).fetchall()
        ((links, right),) = connection.execute(
            "SELECT count(*), count(*) FILTER (correct) FROM found WHERE linked"
        ).fetchall()
        cuts = connection.execute("""
            SELECT probability, max(links), max(correct) FROM (
                SELECT probability, count(*) OVER up AS links, sum(correct::INT) OVER up AS correct
                FROM found WINDOW up AS (ORDER BY probability DESC)) GROUP BY probability""").fetchall()
    best = max(((f1(correct, n, findable), cut) for cut, n, correct in cuts), default=(0.0, 1.0))
    return Score(
        precision=right / links if links else 1.0,
        recall=right / findable,
        f1=f1(right, links, findable),
        review=review / clients,
        best_f1=best[0],
        best_at=best[1],
    )
