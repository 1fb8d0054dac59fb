"""What people decided earlier, as this run's rows: who is ruled out, who is confirmed, whose confirmed person is gone.

In: table `verdict` (schemas.VERDICT), where the store has one. A decision stands between a client record and a register
person, so it holds for the person's other rows too, and for her number where the row it was made on has gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkage.frequencies import exists

if TYPE_CHECKING:
    import duckdb

REVIEWED = "review"
"""The method of a link that a person decided."""
GONE = "the register person that somebody confirmed is no longer in the register"
CONTRADICTED = "somebody confirmed two register people for this client"


def resolve(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `ruled_out` (c, person), `confirmed` (c, r, person, decided_by, decided_at), `unsettled_verdict`.

    The last holds c and reason. All three are empty where nobody decided anything. A client with two confirmed people
    has none: that is asked again.
    """
    source = "verdict" if exists(connection, "verdict") else _NOTHING
    connection.execute(f"""
        CREATE OR REPLACE TABLE verdict_here AS
        WITH by_number AS (
            SELECT nhs, min_by(id, key) AS r FROM register_record
            WHERE nhs IN (SELECT CAST(nhs_number AS BIGINT) FROM {source}) GROUP BY nhs
        )
        SELECT p.id AS c, coalesce(row_of.id, n.r) AS r, coalesce(row_of.nhs, n.nhs, -row_of.id - 1) AS person,
               v.verdict, v.decided_by, v.decided_at
        FROM {source} v
        JOIN clients_named p USING (source, source_org, record_id)
        LEFT JOIN register_named q ON q.source = v.register_source AND q.source_org = v.register_source_org
            AND q.record_id = v.register_record_id
        -- A row that carries another number today may be another person: then the number that was looked at counts.
        LEFT JOIN register_record row_of ON row_of.id = q.id
            AND (v.nhs_number IS NULL OR row_of.nhs IS NULL OR row_of.nhs = CAST(v.nhs_number AS BIGINT))
        LEFT JOIN by_number n ON row_of.id IS NULL AND n.nhs = CAST(v.nhs_number AS BIGINT)""")
    connection.execute("""
        CREATE OR REPLACE TABLE ruled_out AS
        SELECT DISTINCT c, person FROM verdict_here WHERE verdict = 'different' AND person IS NOT NULL""")
    connection.execute(f"""
        CREATE OR REPLACE TABLE unsettled_verdict AS
        SELECT c, CASE WHEN count(DISTINCT person) = 0 THEN '{GONE}' ELSE '{CONTRADICTED}' END AS reason
        FROM verdict_here WHERE verdict = 'same' GROUP BY c HAVING count(DISTINCT person) <> 1""")
    connection.execute("""
        CREATE OR REPLACE TABLE confirmed AS
        SELECT c, person, min(r) AS r, max_by(decided_by, decided_at) AS decided_by, max(decided_at) AS decided_at
        FROM verdict_here WHERE verdict = 'same' AND person IS NOT NULL AND c NOT IN (SELECT c FROM unsettled_verdict)
        GROUP BY c, person""")
    connection.execute("DROP TABLE verdict_here")


_NOTHING = """(SELECT ''::VARCHAR AS source, ''::VARCHAR AS source_org, ''::VARCHAR AS record_id,
    ''::VARCHAR AS register_source, ''::VARCHAR AS register_source_org, ''::VARCHAR AS register_record_id,
    ''::VARCHAR AS nhs_number, ''::VARCHAR AS verdict, ''::VARCHAR AS decided_by, NULL::TIMESTAMP AS decided_at
    WHERE false)"""
