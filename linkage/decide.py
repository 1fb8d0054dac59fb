"""One decision per client: its candidates compete with each other and with "not in the register".

Link, review or none. A link needs a probability above the link band and no guard against it. The bands come from a
stated target, not from a habit: the link band is the lowest at which no more clients are expected to be linked wrongly
than the target allows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from linkage.comparison import Role
from linkage.guards import KIN_ARE_RARE, guards
from linkage.model import Bands, Model

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Target:
    """What the bands are derived from; the figures are ours [assumed], to be set by the council."""

    wrong_links: float = 1 / 2000
    """Share of clients expected to be given a wrong link, at most. Counted in clients and not in links: what stands
    against a missed link is a wrong one for somebody on the list, however few of the list are in the register."""
    review: float = 0.03
    """Share of clients sent to a person for their probability alone, at most; guards come on top."""
    lowest_link: float = 0.95
    """No single link below this probability, however few there are."""
    lowest_review: float = 0.10
    """Below this a candidate is not worth a person's time."""


RIVALS: tuple[tuple[Role, ...], ...] = (("given", "birth"), ("given", "family", "place"))
"""What another candidate agrees on who may be the client instead of one of another given name: twins have one date, and
a list in which numbers and dates slipped by a row together has each beside the names and address of somebody else."""


def pick(connection: duckdb.DuckDBPyConnection, model: Model, *, numbered: bool) -> None:
    """Make `best`: one row per client with a candidate, with its runner-up and what guards ask.

    `numbered`: register people have NHS numbers as a rule, so that one without is an oddity to be looked at.
    """
    comparisons = [each.comparison for each in model.comparisons]
    differs = " OR ".join(each.reached("differs") for each in model.about("number")) or "false"
    fits = " OR ".join(
        " AND ".join(
            f"({' OR '.join(each.reached('agrees') for each in model.about(role)) or 'false'})" for role in roles
        )
        for roles in RIVALS
    )
    silent = " AND ".join(f"b.{each.column} IS NULL" for each in model.about("number")) or "true"
    levels = ", ".join(f"b.{each.column}" for each in comparisons)
    connection.execute(f"""
        CREATE OR REPLACE TABLE best AS
        WITH taken AS (
            SELECT id AS c FROM clients_record
            WHERE nhs IN (SELECT nhs FROM register_record WHERE nhs IS NOT NULL)
        )
        SELECT b.c, b.person, b.r, b.weight, b.probability, b.pass, {levels}, y.decided_by, y.decided_at,
               s.person AS runner_up, s.probability AS runner_up_probability,
               ({differs}) AND k.c IS NOT NULL AS own_number_taken, b.person < 0 AND {numbered} AS unnumbered,
               v.c IS NOT NULL AS rival, {model.household < KIN_ARE_RARE} AS kin_are_rare,
               {silent} AS number_is_silent
        FROM (FROM ranked WHERE rank = 1) b
        LEFT JOIN (SELECT c, person, probability FROM ranked WHERE rank = 2) s ON s.c = b.c
        LEFT JOIN taken k ON k.c = b.c
        LEFT JOIN (SELECT DISTINCT c FROM ranked WHERE rank > 1 AND ({fits})) v ON v.c = b.c
        LEFT JOIN confirmed y ON y.c = b.c AND y.person = b.person""")


# A night's handful of new clients is judged as part of a longer list: as if this many others stood beside them.
_OTHER_CLIENTS = 1000


def derive_bands(connection: duckdb.DuckDBPyConnection, model: Model, target: Target) -> Bands:
    """The lowest link band that keeps the target, and the lowest review band that keeps the review list short.

    Each stands halfway, in bits, between the last client it takes in and the first it leaves out: bands are kept, and
    were one to stand on somebody's probability, the next night's hundredth of a bit would move all who share it.
    """
    guarded = _guarded(model)
    taken, left = _edges(
        connection,
        f"""WITH free AS (SELECT probability AS p, sum(CAST(round((1 - probability) * 1e9) AS HUGEINT)) AS wrong
                FROM best WHERE NOT ({guarded}) GROUP BY probability),
            running AS (SELECT p, sum(wrong) OVER (ORDER BY p DESC) AS wrong FROM free),
            clients AS (SELECT count(*) AS n FROM clients_record)
            SELECT p, wrong <= (n + {_OTHER_CLIENTS}) * {target.wrong_links * 1e9!r} AND p >= {target.lowest_link!r}
            FROM running, clients""",
    )
    # Links that are each as sure as all are to be on average keep the target however many there are.
    link_at = _between(min(taken, 1 - target.wrong_links), max(left, target.lowest_link))
    taken, left = _edges(
        connection,
        f"""WITH waiting AS (SELECT probability AS p, row_number() OVER (ORDER BY probability DESC) AS n FROM best
                WHERE NOT ({guarded}) AND probability < {link_at!r}),
            clients AS (SELECT count(*) AS n FROM clients_record)
            SELECT p, bool_or(waiting.n <= {target.review!r} * clients.n AND p >= {target.lowest_review!r})
            FROM waiting, clients GROUP BY p""",
    )
    # A list with room takes in whoever comes next and is worth a person's time; one too short for anybody, all of them.
    full = taken < 1 and left >= target.lowest_review
    review_at = _between(taken, left) if full else target.lowest_review
    return Bands(link_at, min(review_at, link_at))


def _edges(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[float, float]:
    """The lowest probability that is taken in, 1 where none is, and the highest below it, 0 where none is.

    `sql` gives probabilities and whether each may be taken in.
    """
    [(taken, left)] = connection.execute(f"""
        WITH seen (p, fits) AS ({sql}), lowest AS (SELECT coalesce(min(p) FILTER (fits), 1) AS taken FROM seen)
        SELECT any_value(taken), max(p) FILTER (p < taken) FROM lowest LEFT JOIN seen ON true""").fetchall()
    return float(taken), float(left or 0)


def _between(taken: float, left: float) -> float:
    """Halfway in log-odds; the upper one, rounded down, where nothing of six decimals is between them.

    Rounded, since the last digits of a probability may be others in another engine or a model that was saved.
    """
    if taken >= 1:
        return 1.0
    middle = math.sqrt(taken / (1 - taken) * left / (1 - left))
    between = math.floor(middle / (1 + middle) * 1e6) / 1e6
    return between if left < between <= taken else math.floor(taken * 1e6) / 1e6


def _guarded(model: Model) -> str:
    return " OR ".join(guard.sql() for guard in guards(each.comparison for each in model.comparisons))
