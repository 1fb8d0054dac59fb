"""One decision per client: its candidates compete with each other and with "not in the register".

Link, review or none. A link needs a probability above the link band and no guard against it. The bands come from a
stated target, not from a habit: the link band is the lowest at which the links above it are expected to hold no more
wrong ones than the target allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from linkage.comparison import BIRTH, COMPARISONS, GIVEN, NUMBER, PLACE
from linkage.model import Model
from linkage.passes import PASSES, PROBABILISTIC
from linkage.weigh import column, posterior_sql, weight_sql

if TYPE_CHECKING:
    import duckdb


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
class Bands:
    """Probabilities from which a client is linked, and from which it is reviewed."""

    link_at: float
    review_at: float


@dataclass(frozen=True)
class Guard:
    """A reason that caps a decision at review, however high the probability; `condition` is over `best`."""

    name: str
    condition: str


def _is(comparison_column: str, *indexes: int) -> str:
    return f"{comparison_column} IN ({', '.join(map(str, indexes))})"


_ADDRESS_SUPPORTS = _is(
    column(PLACE), *(PLACE.index(level) for level in ("same house", "same postcode", "earlier postcode"))
)

GUARDS: tuple[Guard, ...] = (
    Guard("the best candidate has no NHS number in the register", "person < 0"),
    Guard("the given name is a different one", _is(column(GIVEN), GIVEN.index("different"))),
    Guard(
        "the date of birth is a different one",
        _is(column(BIRTH), BIRTH.index("different"), BIRTH.index("year agrees")),
    ),
    Guard("the client's own NHS number belongs to somebody else in the register", "own_number_taken"),
    Guard(
        "the NHS numbers differ and the addresses do not support a link",
        f"{_is(column(NUMBER), NUMBER.index('different'))} AND NOT coalesce({_ADDRESS_SUPPORTS}, false)",
    ),
    Guard(
        "the given name is not known, and neither number nor address supports a link",
        f"{column(GIVEN)} IS NULL AND NOT coalesce({_ADDRESS_SUPPORTS}, false)"
        f" AND {column(NUMBER)} IS DISTINCT FROM {NUMBER.index('same')}",
    ),
    Guard(
        "only the names agree",
        f"{column(BIRTH)} IS NULL AND NOT coalesce({_ADDRESS_SUPPORTS}, false)"
        f" AND {column(NUMBER)} IS DISTINCT FROM {NUMBER.index('same')}",
    ),
)


def score(connection: duckdb.DuckDBPyConnection, model: Model, people: int) -> None:
    """Make `candidate`: c, person, r, weight, probability, `pass` (first that holds) for every client and person."""
    arms = " ".join(f"WHEN {each.sql()} THEN {index}" for index, each in enumerate(PASSES))
    connection.execute(f"""
        CREATE OR REPLACE TABLE weighed AS
        SELECT c, r, r_key, person, {weight_sql(model, people)} AS weight,
               CAST(CASE {arms} END AS UTINYINT) AS pass FROM pair_level""")
    connection.execute(f"CREATE OR REPLACE TABLE candidate AS {posterior_sql('weighed')}")


def pick(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `best`: one row per client with a candidate, with its runner-up, its pass, and what guards ask."""
    levels = ", ".join(f"t.{column(each)}" for each in COMPARISONS)
    number = column(NUMBER)
    connection.execute(f"""
        CREATE OR REPLACE TABLE best AS
        WITH ranked AS (
            -- At equal weights a person with a number comes first, then the record's key decides.
            SELECT *, row_number() OVER (PARTITION BY c ORDER BY weight DESC, person < 0, r_key) AS place FROM candidate
        ),
        settled AS (
            SELECT c, pass, any_value(person) AS person FROM weighed WHERE pass IS NOT NULL
            GROUP BY c, pass HAVING count(DISTINCT person) = 1
        ),
        method AS (
            SELECT s.c, min(s.pass) AS pass FROM settled s JOIN ranked b ON b.c = s.c AND b.person = s.person
            WHERE b.place = 1 GROUP BY s.c
        ),
        taken AS (
            SELECT l.id AS c FROM clients_record l
            WHERE l.nhs IN (SELECT nhs FROM register_record WHERE nhs IS NOT NULL)
        )
        SELECT b.c, b.person, b.r, b.weight, b.probability,
               s.person AS runner_up, s.probability AS runner_up_probability,
               m.pass, {levels}, coalesce(t.{number} = 1, false) AND k.c IS NOT NULL AS own_number_taken
        FROM ranked b
        JOIN pair_level t ON t.c = b.c AND t.r = b.r
        LEFT JOIN ranked s ON s.c = b.c AND s.place = 2
        LEFT JOIN method m ON m.c = b.c
        LEFT JOIN taken k ON k.c = b.c
        WHERE b.place = 1""")


# A night's handful of new clients is judged as part of a longer list: as if this many certain links stood beside them.
_CERTAIN_LINKS = 1000


def derive_bands(connection: duckdb.DuckDBPyConnection, target: Target) -> Bands:
    """The lowest link band that keeps the target, and the lowest review band that keeps the review list short."""
    # A guard that asks about a comparison that says nothing is null, which is not a reason.
    guarded = " OR ".join(f"coalesce({guard.condition}, false)" for guard in GUARDS)
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
    return Bands(link_at, min(review_at, link_at))


def _one(connection: duckdb.DuckDBPyConnection, sql: str, *, default: float) -> float:
    ((value,),) = connection.execute(sql).fetchall()
    return default if value is None else float(value)


def write_links(connection: duckdb.DuckDBPyConnection, model: Model, bands: Bands, *, run_id: str) -> None:
    """Make table `link` (schemas.LINK), one row per client record, in the order of its key."""
    guards = " ".join(f"WHEN {guard.condition} THEN '{guard.name.replace(chr(39), chr(39) * 2)}'" for guard in GUARDS)
    passes = " ".join(f"WHEN {index} THEN '{each.name}'" for index, each in enumerate(PASSES))
    names = ", ".join(f"'{each.name}'" for each in COMPARISONS)
    reached = ", ".join(
        f"[{', '.join(repr(level.name) for level in each.levels)}][{column(each)} + 1]" for each in COMPARISONS
    )
    number = "lpad(CAST({} AS VARCHAR), 10, '0')"
    connection.execute(f"""
        CREATE OR REPLACE TABLE link AS
        WITH judged AS (
            SELECT *, CASE WHEN probability >= {bands.review_at!r} THEN CASE {guards} END END AS guard FROM best
        ),
        decided AS (
            SELECT *, CASE WHEN probability >= {bands.link_at!r} AND guard IS NULL THEN 'link'
                           WHEN probability >= {bands.review_at!r} THEN 'review' ELSE 'none' END AS decision FROM judged
        )
        SELECT '{run_id}' AS run_id, p.source, p.source_org, p.record_id,
               coalesce(d.decision, 'none') AS decision,
               CASE WHEN d.decision = 'link' THEN {number.format("d.person")} END AS nhs_number,
               CASE WHEN d.person >= 0 THEN {number.format("d.person")} END AS candidate_nhs_number,
               r.source AS register_source, r.source_org AS register_source_org,
               r.record_id AS register_record_id,
               CASE WHEN d.c IS NOT NULL THEN CASE d.pass {passes} ELSE '{PROBABILISTIC}' END END AS method,
               round(d.weight, 6) AS weight, round(d.probability, 9) AS probability,
               CASE WHEN d.runner_up >= 0 THEN {number.format("d.runner_up")} END AS runner_up_nhs_number,
               round(d.runner_up_probability, 9) AS runner_up_probability,
               CASE WHEN d.c IS NOT NULL THEN
                   map_from_entries(list_filter(
                       list_zip([{names}], [{reached}]), lambda e: e[2] IS NOT NULL)) END AS levels,
               CASE WHEN d.c IS NULL THEN 'no register record shares enough to be a candidate'
                    WHEN d.decision = 'link' THEN NULL
                    WHEN d.guard IS NOT NULL THEN d.guard
                    WHEN d.decision = 'review' AND d.runner_up_probability >= 0.05 THEN 'two candidates are close'
                    WHEN d.decision = 'review' THEN 'the evidence is not strong enough to link'
                    ELSE 'no candidate is likely enough' END AS reason,
               '{model.model_id}' AS model_id, CAST(NULL AS VARCHAR) AS decided_by,
               CAST(NULL AS TIMESTAMP) AS decided_at
        FROM clients.person p
        LEFT JOIN decided d ON d.c = p.rowid
        LEFT JOIN register.person r ON r.rowid = d.r
        ORDER BY p.source, p.source_org, p.record_id""")
