"""Whom a change reaches: the clients whose candidates, or what they weigh, can be others now.

A client is reached who
- is new, or whose own cleaned record changed;
- shares a blocking key with a register row that came, went or changed, by the row before or after. Of a client whom the
  first rules settled only their keys count, since no other is looked at for it. A key that is too large before and
  after makes no pair, so it reaches nobody; one that becomes too large, or no longer is, reaches all who have it;
- was decided about by a person since, or whose decision names a register person whose rows changed;
- stands in `redo_clients` (id), where the caller has that table: a run was undone that had decided otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkage.frequencies import exists
from linkage.incremental.basis import SCHEMA
from linkage.incremental.kept import FIRST_RULES, LARGE, MOST_ROWS

if TYPE_CHECKING:
    import duckdb

_VERDICT = (
    "source, source_org, record_id, register_source, register_source_org, register_record_id, nhs_number, verdict"
)


def find_touched(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `touched_key` (rule, key) and `touched_person` (nhs, id), after the kept keys were brought up to date.

    Brings `large_key` up to date too.
    """
    connection.execute(f"""
        CREATE OR REPLACE TABLE key_change AS
        SELECT rule, key, CAST(sum(more) AS BIGINT) AS more, rows
        FROM (SELECT rule, key, -1 AS more FROM gone_key UNION ALL SELECT rule, key, 1 FROM fresh_register_key)
        LEFT JOIN {LARGE} USING (rule, key) GROUP BY ALL""")
    connection.execute(f"""
        CREATE OR REPLACE TABLE touched_key AS
        SELECT rule, key FROM key_change SEMI JOIN {SCHEMA}.clients_key USING (key)
        WHERE rows IS NULL OR rows + more <= {MOST_ROWS}""")
    connection.execute(f"""
        DELETE FROM {LARGE} WHERE key IN (SELECT key FROM key_change WHERE more <> 0);
        INSERT INTO {LARGE} SELECT rule, key, rows + more FROM key_change WHERE more <> 0 AND rows + more > {MOST_ROWS};
        DROP TABLE key_change""")
    connection.execute("""
        CREATE OR REPLACE TABLE touched_person AS
        FROM gone_person UNION ALL SELECT nhs, id FROM fresh_register_record""")
    for table in ("gone_key", "gone_person"):
        connection.execute(f"DROP TABLE {table}")


def find_reached(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Make `reached` (id), after the kept keys were brought up to date; gives how many clients each reason reaches."""
    reasons = {
        "their own records": "SELECT id FROM fresh_clients_record",
        "register rows near them": f"""
            SELECT DISTINCT k.id FROM {SCHEMA}.clients_key k SEMI JOIN touched_key USING (key)
            LEFT JOIN {SCHEMA}.settled_client s ON s.c = k.id WHERE {FIRST_RULES} OR s.c IS NULL""",
        "decisions of people": _by_verdict(connection),
    }
    if exists(connection, "redo_clients"):
        reasons["an undone run"] = f"SELECT id FROM redo_clients SEMI JOIN {SCHEMA}.clients_record USING (id)"
    connection.execute("CREATE OR REPLACE TABLE reached (id BIGINT)")
    found = {}
    for reason, ids in reasons.items():
        ((found[reason],),) = connection.execute(
            f"INSERT INTO reached FROM ({ids}) ANTI JOIN reached USING (id)"
        ).fetchall()
    for table in ("touched_key", "touched_person"):
        connection.execute(f"DROP TABLE {table}")
    keep_verdicts(connection)
    return found


def keep_verdicts(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep the decisions that were honoured, to tell tomorrow's new ones."""
    # Only of clients who are there: whoever was erased must not come back into the state with an old decision.
    connection.execute(f"""CREATE OR REPLACE TABLE {SCHEMA}.verdict AS
        SELECT {_VERDICT} FROM {_verdicts(connection)}
        SEMI JOIN state.clients.person USING (source, source_org, record_id)""")


def _by_verdict(connection: duckdb.DuckDBPyConnection) -> str:
    here = _verdicts(connection)
    return f"""
        SELECT DISTINCT p.id FROM (
            (SELECT {_VERDICT} FROM {here} EXCEPT SELECT {_VERDICT} FROM {SCHEMA}.verdict)
            UNION (SELECT {_VERDICT} FROM {SCHEMA}.verdict EXCEPT SELECT {_VERDICT} FROM {here})
            UNION SELECT {_VERDICT} FROM {here} v
            SEMI JOIN touched_person t ON t.nhs = CAST(v.nhs_number AS BIGINT)
            UNION SELECT {_VERDICT} FROM {here} v SEMI JOIN (
                SELECT r.source, r.source_org, r.record_id FROM state.record r SEMI JOIN touched_person USING (id)
            ) r ON r.source = v.register_source AND r.source_org = v.register_source_org
                AND r.record_id = v.register_record_id
        ) JOIN state.clients.person p USING (source, source_org, record_id)"""


def _verdicts(connection: duckdb.DuckDBPyConnection) -> str:
    if exists(connection, "verdict"):
        return "verdict"
    names = ", ".join(f"NULL::VARCHAR AS {name}" for name in _VERDICT.split(", "))
    return f"(SELECT {names} WHERE false)"
