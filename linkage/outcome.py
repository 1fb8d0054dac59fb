"""What was decided, as the tables that others read: `candidate` and `link` (schemas.outcome)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from linkage.comparison import Comparison
from linkage.guards import guards
from linkage.literal import double
from linkage.model import Bands, Model
from linkage.passes import PASSES, PROBABILISTIC
from linkage.verdicts import REVIEWED
from linkage.weigh import evidence_sql, household_bits_sql, prior_bits

if TYPE_CHECKING:
    import duckdb

_NUMBER = "lpad(CAST({} AS VARCHAR), 10, '0')"
_PASS_NAMES = " ".join(f"WHEN {place} THEN '{each.name}'" for place, each in enumerate(PASSES))
_METHOD = f"CASE {{0}}.pass {_PASS_NAMES} ELSE '{PROBABILISTIC}' END"


def _reached(comparisons: Iterable[Comparison], alias: str) -> str:
    """The join to `pattern` of a row with levels."""
    return " AND ".join(f"t.of_{each.column} IS NOT DISTINCT FROM {alias}.{each.column}" for each in comparisons)


def make_patterns(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Make `pattern`, the different rows of levels in `ranked`, each with `levels`, what they are called.

    A map is dear to make and there are far fewer patterns than candidates.
    """
    given = [each.comparison for each in model.comparisons]
    columns = ", ".join(each.column for each in given)
    own = ", ".join(f"{each.column} AS of_{each.column}" for each in given)
    names = ", ".join(_quoted(each.name) for each in given)
    reached = ", ".join(
        f"[{', '.join(_quoted(level.name) for level in each.levels)}][{each.column} + 1]" for each in given
    )
    said = ", ".join(f"{each.column} IS NOT NULL" for each in given)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE pattern AS
        SELECT {own}, map(list_where([{names}], said), list_where([{reached}], said)) AS levels
        FROM (SELECT *, [{said}] AS said FROM (SELECT DISTINCT {columns} FROM ranked))""")


def _each_bits_sql(model: Model) -> str:
    """What each comparison adds where it says something, a column `<comparison>_bits` each."""
    given = [each.comparison for each in model.comparisons]
    return ", ".join(f"round({evidence_sql(model.by_system(each.name))}, 6) AS {each.column}_bits" for each in given)


def _bits_sql(connection: duckdb.DuckDBPyConnection, model: Model) -> str:
    """The same of those that say something as a map by its name; reads `pattern`.

    A struct becomes a map several times faster than two lists do, so there is one for every set of comparisons that say
    something together; there are a handful.
    """
    given = [each.comparison for each in model.comparisons]
    bits = [f"{_quoted(each.name)}: {each.column}_bits" for each in given]
    says = " + ".join(f"(of_{each.column} IS NOT NULL)::BIGINT * {1 << place}" for place, each in enumerate(given))
    met = sorted(said for (said,) in connection.execute(f"SELECT DISTINCT {says} FROM pattern").fetchall())
    of = {said: ", ".join(x for place, x in enumerate(bits) if said >> place & 1) for said in met if said}
    arms = " ".join(f"WHEN {said} THEN {{{known}}}::MAP(VARCHAR, DOUBLE)" for said, known in of.items())
    return f"CASE {says} WHEN 0 THEN MAP {{}}::MAP(VARCHAR, DOUBLE) {arms} END"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def write_candidates(connection: duckdb.DuckDBPyConnection, model: Model, people: int) -> None:
    """Make table `candidate` (schemas.CANDIDATE), in no order; reads `pattern`."""
    comparisons = [each.comparison for each in model.comparisons]
    connection.execute(f"""
        CREATE OR REPLACE TABLE candidate AS
        SELECT p.source, p.source_org, p.record_id, k.rank,
               CASE WHEN k.person >= 0 THEN {_NUMBER.format("k.person")} END AS nhs_number,
               r.source AS register_source, r.source_org AS register_source_org, r.record_id AS register_record_id,
               {_METHOD.format("k")} AS method, round(k.weight, 6) AS weight, round(k.probability, 9) AS probability,
               t.levels, {_bits_sql(connection, model)} AS bits,
               round({household_bits_sql(model, people)}, 6) AS household_bits,
               round({double(prior_bits(model, people))} + k.room, 6) AS prior_bits
        FROM (SELECT *, {_each_bits_sql(model)} FROM ranked) k JOIN pattern t ON {_reached(comparisons, "k")}
        JOIN clients_named p ON p.id = k.c JOIN register_named r ON r.id = k.r""")


def write_links(connection: duckdb.DuckDBPyConnection, model: Model, bands: Bands, *, run_id: str) -> None:
    """Make table `link` (schemas.LINK), one row per client record, in no order; reads `pattern`."""
    comparisons = [each.comparison for each in model.comparisons]
    arms = " ".join(f"WHEN {guard.sql()} THEN {_quoted(guard.name)}" for guard in guards(comparisons))
    connection.execute(f"""
        CREATE OR REPLACE TABLE link AS
        WITH judged AS (
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
        FROM clients_named p
        LEFT JOIN decided d ON d.c = p.id
        LEFT JOIN pattern t ON {_reached(comparisons, "d")}
        LEFT JOIN unsettled_verdict u ON u.c = p.id
        LEFT JOIN register_named r ON r.id = d.r""")
