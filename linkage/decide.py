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


_FITS: tuple[Role, ...] = ("given", "birth")


def pick(connection: duckdb.DuckDBPyConnection, model: Model, *, numbered: bool) -> None:
    """Make `best`: one row per client with a candidate, with its runner-up and what guards ask.

    `numbered`: register people have NHS numbers as a rule, so that one without is an oddity to be looked at.
    """
    comparisons = [each.comparison for each in model.comparisons]
    differs = " OR ".join(each.reached("differs") for each in model.about("number")) or "false"
    fits = " AND ".join(
        f"({' OR '.join(each.reached('agrees') for each in model.about(role)) or 'false'})" for role in _FITS
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
        LEFT JOIN (SELECT DISTINCT c FROM ranked WHERE rank > 1 AND {fits}) v ON v.c = b.c
        LEFT JOIN confirmed y ON y.c = b.c AND y.person = b.person""")


# A night's handful of new clients is judged as part of a longer list: as if this many others stood beside them.
_OTHER_CLIENTS = 1000


def derive_bands(connection: duckdb.DuckDBPyConnection, model: Model, target: Target) -> Bands:
    """The lowest link band that keeps the target, and the lowest review band that keeps the review list short."""
    guarded = _guarded(model)
    link_at = _one(
        connection,
        f"""WITH free AS (SELECT probability AS p, sum(CAST(round((1 - probability) * 1e9) AS HUGEINT)) AS wrong
                FROM best WHERE NOT ({guarded}) GROUP BY probability),
            running AS (SELECT p, sum(wrong) OVER (ORDER BY p DESC) AS wrong FROM free),
            clients AS (SELECT count(*) AS n FROM clients_record)
            SELECT min(p) FROM running, clients
            WHERE wrong <= (n + {_OTHER_CLIENTS}) * {target.wrong_links * 1e9!r} AND p >= {target.lowest_link!r}""",
        default=1.0,
    )
    review_at = _one(
        connection,
        f"""WITH waiting AS (SELECT probability AS p, row_number() OVER (ORDER BY probability DESC) AS n FROM best
                WHERE NOT ({guarded}) AND probability < {link_at!r}),
            clients AS (SELECT count(*) AS n FROM clients_record)
            SELECT min(p) FROM waiting, clients WHERE waiting.n <= {target.review!r} * clients.n
              AND p >= {target.lowest_review!r}""",
        default=target.lowest_review,
    )
    # Rounded down, since a band stands on somebody's probability, whose last digits another engine or a reloaded model
    # may give otherwise.
    link_at, review_at = (math.floor(band * 1e6) / 1e6 for band in (link_at, min(review_at, link_at)))
    return Bands(link_at, review_at)


def _guarded(model: Model) -> str:
    return " OR ".join(guard.sql() for guard in guards(each.comparison for each in model.comparisons))


def _one(connection: duckdb.DuckDBPyConnection, sql: str, *, default: float) -> float:
    ((value,),) = connection.execute(sql).fetchall()
    return default if value is None else float(value)
