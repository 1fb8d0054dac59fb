"""One decision per client: its candidates compete with each other and with "not in the register".

Link, review or none. A link needs a probability above the link band and no guard against it. The bands come from a
stated target, not from a habit: the link band is the lowest at which the links above it are expected to hold no more
wrong ones than the target allows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from linkage.comparison import Comparison, Role, Stance
from linkage.model import Bands, Model
from linkage.passes import PASSES, PROBABILISTIC
from linkage.verdicts import REVIEWED
from linkage.weigh import ONE, evidence_sql, household_bits_sql, posterior_sql, prior_bits, weight_sql

if TYPE_CHECKING:
    import duckdb

CANDIDATES_KEPT = 5
"""Candidates of a client that are kept for explaining and reviewing; all of them compete."""
KEPT_ABOVE = 1e-9
"""Probability below which a candidate is not kept, the best one aside."""
SETTLED_BITS = 17.0
"""A settled client's best candidate has odds of at least 2^17 to 1 against nobody and against any other [assumed]."""


@dataclass(frozen=True)
class Target:
    """What the bands are derived from; the figures are ours [assumed], to be set by the council."""

    wrong_links: float = 1 / 2000
    """Share of links expected to be wrong, at most."""
    review: float = 0.03
    """Share of clients sent to a person for their probability alone, at most; guards come on top."""
    lowest_link: float = 0.95
    """No single link below this probability, however few there are."""
    lowest_review: float = 0.10
    """Below this a candidate is not worth a person's time."""


@dataclass(frozen=True)
class Guard:
    """A reason that caps a decision at review; `condition` is over `best`."""

    name: str
    condition: str
    yields: Yields = "never"
    """Where it yields to the probability."""

    def sql(self) -> str:
        """Whether it holds, over `best`; never null, since a comparison that says nothing is no reason."""
        held = f"coalesce({self.condition}, false)"
        if self.yields == "never":
            return held
        if self.yields == "rare kin":
            return f"({held} AND NOT kin_are_rare)"
        return f"({held} AND NOT (kin_are_rare OR number_is_silent AND probability >= {YIELDS_AT!r}))"


Yields = Literal["never", "rare kin", "no number"]
"""`rare kin`: where the register is not one of households, so that nobody like her is at hand, the probability alone
decides. `no number`: also where the numbers say nothing and the probability is high. How like each other kin are has
been measured in this very register, but how often their numbers are exchanged has not."""
YIELDS_AT = 0.99
"""[assumed]"""
KIN_ARE_RARE = 0.05
"""Other members of a client's household in the register, below which it is no register of households [assumed]."""


def guards(comparisons: Iterable[Comparison]) -> tuple[Guard, ...]:
    """The guards for a model of these comparisons, in the order in which they are named as a reason."""
    given = list(comparisons)

    def reached(role: Role, stance: Stance) -> str:
        return " OR ".join(each.reached(stance) for each in given if each.role == role) or "false"

    def silent(role: Role) -> str:
        return " AND ".join(f"{each.column} IS NULL" for each in given if each.role == role) or "false"

    unsupported = f"NOT ({reached('place', 'agrees')})"
    no_number = f"NOT ({reached('number', 'agrees')})"
    return (
        Guard("the best candidate has no NHS number in the register", "unnumbered"),
        # Number and whole date of birth are the cross-check of the Demographics Batch Service. It fails where twins'
        # numbers were exchanged, so nobody else may fit the given name and the date.
        Guard(
            "the given name is a different one",
            f"({reached('given', 'differs')}) AND NOT (({reached('number', 'agrees')})"
            f" AND ({reached('birth', 'agrees')}) AND ({reached('place', 'agrees')} OR {reached('family', 'agrees')})"
            " AND NOT rival)",
            yields="no number",
        ),
        Guard("the date of birth is a different one", reached("birth", "differs"), yields="no number"),
        Guard(
            "the client's own NHS number belongs to somebody else in the register",
            f"own_number_taken AND NOT (({reached('given', 'agrees')}) AND ({reached('family', 'agrees')})"
            f" AND ({reached('birth', 'agrees')}) AND ({reached('place', 'agrees')}))",
        ),
        Guard(
            "the NHS numbers differ and the addresses do not support a link",
            f"({reached('number', 'differs')}) AND {unsupported}",
        ),
        Guard(
            "the given name is not known, and neither number nor address supports a link",
            f"({silent('given')}) AND {unsupported} AND {no_number}",
            yields="rare kin",
        ),
        Guard("only the names agree", f"({silent('birth')}) AND {unsupported} AND {no_number}", yields="rare kin"),
    )


def weighed_sql(model: Model, people: int, pair_level: str = "pair_level") -> str:
    """SELECT of c, r, r_key, person, first, weight and `pass`, the place of the first pass that holds, or null.

    Whoever a person ruled out (linkage.verdicts) is left out.
    """
    comparisons = [each.comparison for each in model.comparisons]
    arms = " ".join(f"WHEN {each.sql(comparisons)} THEN {index}" for index, each in enumerate(PASSES))
    return f"""
        SELECT c, r, r_key, person, first, {weight_sql(model, people)} AS weight,
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


def ranked_sql(weighed: str = "weighed", settled: str = "settled", pair_level: str = "pair_level") -> str:
    """SELECT of table `ranked`: the best few candidates of each client.

    Columns: c, person, r, rank (from 1), weight, probability, `pass` (null where it holds for another candidate too),
    and the levels and frequencies of `pair_level`.
    """
    return f"""
        WITH looked_at AS (SELECT * FROM {weighed} w WHERE first OR NOT EXISTS (FROM {settled} s WHERE s.c = w.c)),
        passed AS (
            SELECT c, person, min(pass) AS pass FROM looked_at WHERE pass IS NOT NULL GROUP BY c, person
            QUALIFY count(*) OVER (PARTITION BY c, min(pass)) = 1
        ),
        posterior AS ({posterior_sql("(SELECT c, r, r_key, person, weight FROM looked_at)")}),
        placed AS (
            -- Whom a person confirmed comes first; at equal weights one with a number, then the record's key decides.
            SELECT p.*, row_number() OVER (
                PARTITION BY c ORDER BY y.person IS NULL, weight DESC, p.person < 0, r_key) AS rank
            FROM posterior p LEFT JOIN (SELECT c, person FROM confirmed) y USING (c, person)
        )
        SELECT b.rank, b.weight, b.probability, s.pass, t.* EXCLUDE (first, r_key)
        FROM placed b
        JOIN {pair_level} t ON t.c = b.c AND t.r = b.r
        LEFT JOIN passed s ON s.c = b.c AND s.person = b.person
        WHERE b.rank = 1 OR (b.rank <= {CANDIDATES_KEPT} AND b.probability >= {KEPT_ABOVE!r})"""


_ROUNDS = 5
LEAST_ROOM = 0.25
"""Bits: less is not worth a second look, as where the register is much longer than the list [assumed]."""
CLAIMED_AT = 0.99
"""A person is taken who is some client's best candidate with this probability [assumed]."""


def make_room(connection: duckdb.DuckDBPyConnection, people: int) -> None:
    """Raise the prior of register people whom no client has claimed, in `ranked`; adds column `room`, in bits.

    A register person is as a rule one client. Once most have been found, whoever is left can only be one of the few
    who are left: the prior odds are spread over people - claimed instead of people. Claimed people stay candidates,
    since a client may stand in the list twice. What this finds claims others, so it is done until little is found.
    """
    # Round by round on a narrow copy; the levels and frequencies beside it are carried over once.
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE standing AS
        SELECT c, person, rank, weight, probability, 0::DOUBLE AS room FROM ranked""")
    before = 0
    for _ in range(_ROUNDS):
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE claimed AS
            SELECT person, min(c) AS c, count(*) AS clients FROM standing
            WHERE rank = 1 AND probability >= {CLAIMED_AT!r} GROUP BY person""")
        ((claimed,),) = connection.execute("SELECT count(*) FROM claimed").fetchall()
        room = math.log2(people / max(people - claimed, 1)) if people else 0.0
        if room < LEAST_ROOM or claimed - before < 0.001 * people:
            break
        before = claimed
        connection.execute(f"CREATE OR REPLACE TEMP TABLE standing AS {_roomier_sql(room)}")
    if before:
        connection.execute("""
            CREATE OR REPLACE TABLE ranked AS
            SELECT s.rank, s.weight, s.probability, k.* EXCLUDE (rank, weight, probability), s.room
            FROM ranked k JOIN standing s USING (c, person)""")
    else:
        connection.execute("ALTER TABLE ranked ADD COLUMN room DOUBLE DEFAULT 0")
    connection.execute("DROP TABLE claimed")
    connection.execute("DROP TABLE standing")


def _roomier_sql(room: float) -> str:
    """SELECT of `standing` with `room` more bits for the unclaimed instead of what they had."""
    # Candidates that were not kept share what the kept ones leave: the mass of all is told by any probability that is
    # not too small to divide by. Where all are too small, nobody has nearly all of it.
    return f"""
        WITH changed AS (
            -- Whom a client has claimed alone is free for that client.
            SELECT k.*, weight - room
                   + CASE WHEN t.person IS NULL OR (clients = 1 AND t.c = k.c) THEN {room!r} ELSE 0 END AS new_weight
            FROM standing k LEFT JOIN claimed t ON t.person = k.person
        ),
        scaled AS (
            SELECT *, greatest(max(new_weight) OVER (PARTITION BY c), 0) AS top,
                   coalesce(max(CASE WHEN probability >= 1e-6 THEN weight - log2(probability) END)
                            OVER (PARTITION BY c), 0) AS all_bits
            FROM changed
        ),
        shares AS (
            SELECT *, CAST(round(pow(2, new_weight - top) * {ONE}) AS HUGEINT) AS share,
                   CAST(round(pow(2, weight - top) * {ONE}) AS HUGEINT) AS share_before,
                   CAST(round(pow(2, all_bits - top) * {ONE}) AS HUGEINT) AS total_before FROM scaled
        ),
        summed AS (
            SELECT *, total_before + sum(share - share_before) OVER (PARTITION BY c) AS total FROM shares
        )
        SELECT c, person,
               row_number() OVER (PARTITION BY c ORDER BY (c, person) NOT IN (SELECT (c, person) FROM confirmed),
                   new_weight DESC, rank) AS rank,
               new_weight AS weight, CAST(share AS DOUBLE) / CAST(total AS DOUBLE) AS probability,
               room + new_weight - weight AS room
        FROM summed"""


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


# A night's handful of new clients is judged as part of a longer list: as if this many certain links stood beside them.
_CERTAIN_LINKS = 1000


def derive_bands(connection: duckdb.DuckDBPyConnection, model: Model, target: Target) -> Bands:
    """The lowest link band that keeps the target, and the lowest review band that keeps the review list short."""
    guarded = _guarded(model)
    link_at = _one(
        connection,
        f"""WITH free AS (SELECT probability AS p, count(*) AS n,
                sum(CAST(round((1 - probability) * 1e9) AS HUGEINT)) AS wrong
                FROM best WHERE NOT ({guarded}) GROUP BY probability),
            running AS (SELECT p, sum(wrong) OVER up AS wrong, sum(n) OVER up AS n FROM free
                WINDOW up AS (ORDER BY p DESC))
            SELECT min(p) FROM running
            WHERE wrong <= (n + {_CERTAIN_LINKS}) * {target.wrong_links * 1e9!r} AND p >= {target.lowest_link!r}""",
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


_NUMBER = "lpad(CAST({} AS VARCHAR), 10, '0')"
_PASS_NAMES = " ".join(f"WHEN {place} THEN '{each.name}'" for place, each in enumerate(PASSES))
_METHOD = f"CASE {{0}}.pass {_PASS_NAMES} ELSE '{PROBABILISTIC}' END"


def _pattern(comparisons: Iterable[Comparison], alias: str) -> str:
    """The levels reached, as one text."""
    return f"concat_ws(',', {', '.join(f'coalesce({alias}.{each.column}, 255)' for each in comparisons)})"


def _patterns_sql(comparisons: Iterable[Comparison]) -> str:
    """SELECT of the patterns in `ranked`: `pattern`, `said` (which comparisons say something), their `names`, `levels`.

    A map is dear to make and there are far fewer patterns than candidates.
    """
    given = list(comparisons)
    names = ", ".join(_quoted(each.name) for each in given)
    reached = ", ".join(
        f"[{', '.join(_quoted(level.name) for level in each.levels)}][k.{each.column} + 1]" for each in given
    )
    said = ", ".join(f"k.{each.column} IS NOT NULL" for each in given)
    return f"""
        SELECT pattern, said, list_where([{names}], said) AS names, map(names, list_where(reached, said)) AS levels
        FROM (SELECT DISTINCT {_pattern(given, "k")} AS pattern, [{said}] AS said, [{reached}] AS reached
              FROM ranked k)"""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def write_candidates(connection: duckdb.DuckDBPyConnection, model: Model, people: int) -> None:
    """Make table `candidate` (schemas.CANDIDATE), in no order."""
    comparisons = [each.comparison for each in model.comparisons]
    bits = ", ".join(f"round({evidence_sql(each)}, 6)" for each in model.comparisons)
    connection.execute(f"""
        CREATE OR REPLACE TABLE candidate AS
        WITH pattern AS ({_patterns_sql(comparisons)})
        SELECT p.source, p.source_org, p.record_id, k.rank,
               CASE WHEN k.person >= 0 THEN {_NUMBER.format("k.person")} END AS nhs_number,
               r.source AS register_source, r.source_org AS register_source_org, r.record_id AS register_record_id,
               {_METHOD.format("k")} AS method, round(k.weight, 6) AS weight, round(k.probability, 9) AS probability,
               t.levels, map(t.names, list_where([{bits}], t.said)) AS bits,
               round({household_bits_sql(model, people)}, 6) AS household_bits,
               round({prior_bits(model, people)!r}::DOUBLE + k.room, 6) AS prior_bits
        FROM ranked k JOIN pattern t ON t.pattern = {_pattern(comparisons, "k")}
        JOIN clients.person p ON p.rowid = k.c JOIN register.person r ON r.rowid = k.r""")


def write_links(connection: duckdb.DuckDBPyConnection, model: Model, bands: Bands, *, run_id: str) -> None:
    """Make table `link` (schemas.LINK), one row per client record, in no order."""
    comparisons = [each.comparison for each in model.comparisons]
    arms = " ".join(f"WHEN {guard.sql()} THEN {_quoted(guard.name)}" for guard in guards(comparisons))
    connection.execute(f"""
        CREATE OR REPLACE TABLE link AS
        WITH pattern AS ({_patterns_sql(comparisons)}),
        judged AS (
            SELECT *, CASE WHEN probability >= {bands.review_at!r} THEN CASE {arms} END END AS guard FROM best
        ),
        decided AS (
            SELECT judged.* EXCLUDE (guard), coalesce(u.reason, guard) AS guard,
                   CASE WHEN decided_at IS NOT NULL THEN 'link' WHEN u.c IS NOT NULL THEN 'review'
                        WHEN probability >= {bands.link_at!r} AND guard IS NULL THEN 'link'
                        WHEN probability >= {bands.review_at!r} THEN 'review' ELSE 'none' END AS decision
            FROM judged LEFT JOIN unsettled_verdict u USING (c)
        )
        SELECT '{run_id}' AS run_id, p.source, p.source_org, p.record_id,
               coalesce(d.decision, CASE WHEN u.c IS NOT NULL THEN 'review' ELSE 'none' END) AS decision,
               CASE WHEN d.decision = 'link' AND d.person >= 0 THEN {_NUMBER.format("d.person")} END AS nhs_number,
               CASE WHEN d.person >= 0 THEN {_NUMBER.format("d.person")} END AS candidate_nhs_number,
               r.source AS register_source, r.source_org AS register_source_org,
               r.record_id AS register_record_id,
               CASE WHEN d.decided_at IS NOT NULL THEN '{REVIEWED}'
                    WHEN d.c IS NOT NULL THEN {_METHOD.format("d")} END AS method,
               round(d.weight, 6) AS weight, round(d.probability, 9) AS probability,
               CASE WHEN d.runner_up >= 0 THEN {_NUMBER.format("d.runner_up")} END AS runner_up_nhs_number,
               round(d.runner_up_probability, 9) AS runner_up_probability,
               t.levels,
               CASE WHEN d.c IS NULL AND u.c IS NOT NULL THEN u.reason
                    WHEN d.c IS NULL THEN 'no register record shares enough to be a candidate'
                    WHEN d.decision = 'link' THEN NULL
                    WHEN d.guard IS NOT NULL THEN d.guard
                    WHEN d.decision = 'review' AND d.runner_up_probability >= 0.05 THEN 'two candidates are close'
                    WHEN d.decision = 'review' THEN 'the evidence is not strong enough to link'
                    ELSE 'no candidate is likely enough' END AS reason,
               '{model.model_id}' AS model_id, d.decided_by, d.decided_at
        FROM clients.person p
        LEFT JOIN decided d ON d.c = p.rowid
        LEFT JOIN pattern t ON t.pattern = {_pattern(comparisons, "d")}
        LEFT JOIN unsettled_verdict u ON u.c = p.rowid
        LEFT JOIN register.person r ON r.rowid = d.r""")
