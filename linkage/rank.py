"""Pairs weighed, clients settled, and the best few candidates of each client, as SQL that every engine runs."""

from __future__ import annotations

from linkage.model import Model
from linkage.passes import PASSES
from linkage.weigh import posterior_alone_sql, posterior_sql, weight_sql

CANDIDATES_KEPT = 5
"""Candidates of a client that are kept for explaining and reviewing; all of them compete."""
KEPT_ABOVE = 1e-9
"""Probability below which a candidate is not kept, the best one aside."""
SETTLED_BITS = 17.0
"""A settled client's best candidate has odds of at least 2^17 to 1 against nobody and against any other [assumed]."""
NO_SHARE_BITS = 42.0
"""A pair that weighs so much less than its client's best one has no share at all (linkage.weigh.ONE): nothing is lost
where it is left out before the others are placed."""
NOBODY = "(SELECT 0::BIGINT AS c WHERE false)"
"""No settled client."""


def weighed_sql(model: Model, people: int, pair_level: str = "pair_level", columns: str = "*") -> str:
    """SELECT of `columns` of `pair_level`, weight, and `pass`, the place of the first pass that holds, or null.

    Whoever a person ruled out (linkage.verdicts) is left out.
    """
    comparisons = [each.comparison for each in model.comparisons]
    arms = " ".join(f"WHEN {each.sql(comparisons)} THEN {index}" for index, each in enumerate(PASSES))
    return f"""
        SELECT {columns}, {weight_sql(model, people)} AS weight,
               CAST(CASE {arms} END AS UTINYINT) AS pass FROM {pair_level} ANTI JOIN ruled_out USING (c, person)"""


def settled_sql(weighed: str = "weighed") -> str:
    """SELECT of c: clients whose candidates from the first rules hold one clear person.

    A pass holds for that person alone, and nobody else comes near. Whoever the other rules could add shares neither
    the number nor the date of birth with a name, so cannot come near either.
    """
    return f"""
        SELECT c FROM (
            SELECT c, person, max(weight) AS weight, min(pass) AS pass FROM {weighed} WHERE first GROUP BY c, person
        )
        GROUP BY c
        HAVING count(pass) = 1 AND arg_max_null(pass, weight) IS NOT NULL AND max(weight) >= {SETTLED_BITS}
           AND max(weight) - coalesce(max(weight, 2)[2], -1e6) >= {SETTLED_BITS}"""


def ranked_sql(weighed: str = "weighed", settled: str = "settled") -> str:
    """SELECT of table `ranked`: the best few candidates of each client.

    Columns: rank (from 1), weight, probability, `pass` (null where it holds for another candidate too), and those of
    `weighed` but `first` and `r_key`. Most clients have one pair that counts, and those are never sorted.
    """
    return f"""
        WITH looked_at AS NOT MATERIALIZED (
            SELECT c, r, r_key, person, weight, pass
            FROM {weighed} w WHERE first OR NOT EXISTS (FROM {settled} s WHERE s.c = w.c)
        ),
        best AS (SELECT c, max(weight) AS best FROM looked_at GROUP BY c),
        competing AS (
            SELECT l.*, y.c IS NOT NULL AS confirmed
            FROM looked_at l JOIN best USING (c) LEFT JOIN (SELECT c, person FROM confirmed) y USING (c, person)
            WHERE weight > best - {NO_SHARE_BITS} OR pass IS NOT NULL OR y.c IS NOT NULL
        ),
        several AS (SELECT c FROM competing GROUP BY c HAVING count(*) > 1),
        passed AS (
            SELECT c, person, min(pass) AS pass FROM competing SEMI JOIN several USING (c) WHERE pass IS NOT NULL
            GROUP BY c, person QUALIFY count(*) OVER (PARTITION BY c, min(pass)) = 1
        ),
        placed AS (
            -- Whom a person confirmed comes first; at equal weights one with a number, then the record's key decides.
            SELECT c, r, weight, probability, s.pass, row_number() OVER (
                PARTITION BY c ORDER BY NOT confirmed, weight DESC, p.person < 0, r_key) AS rank
            FROM ({posterior_sql("competing SEMI JOIN several USING (c)")}) p LEFT JOIN passed s USING (c, person)
            UNION ALL
            SELECT c, r, weight, probability, pass, 1 AS rank
            FROM ({posterior_alone_sql("competing ANTI JOIN several USING (c)")})
        )
        SELECT b.rank, b.weight, b.probability, b.pass, t.* EXCLUDE (first, r_key, weight, pass)
        FROM {weighed} t JOIN placed b ON b.c = t.c AND b.r = t.r
        WHERE b.rank = 1 OR (b.rank <= {CANDIDATES_KEPT} AND b.probability >= {KEPT_ABOVE!r})"""
