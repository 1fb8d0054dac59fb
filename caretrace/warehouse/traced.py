"""What the national tracing service answered, laid over what linkage decided.

An accepted number is the link, by method `trace`. An answer that a person must look at, a number withheld, and a linked
number that was not confirmed make it a review. Where nobody was found the link stands as linkage made it, and is not
loaded back. A link to a number that nobody asked about, made since, and a person's decision against a traced number
are reviews too: two sources of truth differ.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from caretrace.trace import results
from caretrace.trace.opening import quoted
from caretrace.trace.rules import Verdict
from caretrace.trace.store import Kept
from caretrace.warehouse import tables, views
from schemas import LINK

if TYPE_CHECKING:
    import duckdb

    from caretrace.warehouse.store import State

METHOD = "trace"
"""LINK's method where the number is the service's."""

LINKED_ELSEWHERE = "linked to another number than the national service confirmed"
DECIDED_ELSEWHERE = "a person decided for another number than the national service confirmed"
RULED_OUT = "the national service confirmed a number that a person ruled out"

ACCEPTED = f"('{Verdict.ACCEPTED.name}', '{Verdict.REPLACED.name}')"
_DOUBTED = f"('{Verdict.REFER.name}', '{Verdict.SUPPRESSED.name}', '{Verdict.NOT_CONFIRMED.name}')"


def load(state: State, traces: Path) -> None:
    """Make `traced` (id, verdict, nhs_number, ...), one row for each client whose answers still hold."""
    connection = state.connection
    connection.execute("""CREATE OR REPLACE TEMP TABLE traced (id BIGINT, verdict VARCHAR, nhs_number VARCHAR,
        former_nhs_number VARCHAR, asked VARCHAR, reason VARCHAR, answered_on DATE, asked_about_link BOOLEAN)""")
    if any((traces / "readings").glob("*/answers.parquet")):
        views.open_side(state, "clients")
        results.build(connection, Kept(traces))
        asked = "SELECT DISTINCT source, source_org, record_id, asked AS nhs_number FROM answer_once"
        connection.execute(f"""INSERT INTO traced
            SELECT p.id, r.verdict, r.nhs_number, r.former_nhs_number, r.asked, r.reason, r.answered_on,
                coalesce(list_contains(a.numbers, l.nhs_number), false) AS asked_about_link
            FROM result r JOIN state.clients.person p USING (source, source_org, record_id)
            LEFT JOIN state.decided l ON l.id = p.id
            LEFT JOIN (SELECT source, source_org, record_id, list(nhs_number) AS numbers FROM ({asked}) GROUP BY ALL) a
                ON a.source = p.source AND a.source_org = p.source_org AND a.record_id = p.record_id""")


def lay_over(state: State) -> None:
    """Make `deciding` (id + LINK): of the clients in `redecided`, what holds after the answers in `traced`."""
    connection = state.connection
    _load_ruled_out(connection)
    words = " ".join(f"WHEN '{each.name}' THEN {quoted(each.value)}" for each in Verdict)
    # A person who looked after the answer came has settled what it left open; nobody may use a number withheld.
    settled = f"""d.decided_at IS NOT NULL AND t.verdict <> '{Verdict.SUPPRESSED.name}'
        AND coalesce(CAST(d.decided_at AS DATE) >= t.answered_on, true)"""
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE weighed_answer AS
        SELECT d.id, t.nhs_number AS traced_number,
            t.verdict IN {ACCEPTED} AS accepted,
            CASE WHEN t.verdict IN {ACCEPTED} THEN CASE
                    WHEN x.id IS NOT NULL THEN '{RULED_OUT}'
                    WHEN d.decision <> 'link' OR d.nhs_number = t.nhs_number OR d.nhs_number = t.former_nhs_number
                        THEN NULL
                    WHEN d.decided_at IS NOT NULL THEN '{DECIDED_ELSEWHERE}'
                    WHEN NOT t.asked_about_link THEN '{LINKED_ELSEWHERE}' END
                WHEN t.verdict NOT IN {_DOUBTED} OR ({settled}) THEN NULL
                WHEN t.verdict = '{Verdict.NOT_CONFIRMED.name}' AND d.nhs_number IS DISTINCT FROM t.asked THEN NULL
                ELSE concat_ws(': ', 'traced', CASE t.verdict {words} END, t.reason) END AS doubt
        FROM state.decided d JOIN redecided USING (id) JOIN traced t USING (id)
        LEFT JOIN ruled_out_number x ON x.id = d.id AND x.nhs_number = t.nhs_number""")
    # The traced number's row in the register; where several carry it the one that was there first.
    connection.execute("""CREATE OR REPLACE TEMP TABLE traced_row AS
        SELECT nhs_number, arg_min({'source': source, 'source_org': source_org, 'record_id': record_id}, id) AS row
        FROM state.register.person WHERE nhs_number IN (SELECT traced_number FROM weighed_answer) GROUP BY 1""")
    columns = ", ".join(f"{_laid_over(name)} AS {name}" for name in LINK.names)
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE deciding AS
        SELECT d.id, {columns} FROM state.decided d JOIN redecided USING (id)
        LEFT JOIN (FROM weighed_answer WHERE accepted OR doubt IS NOT NULL) w ON w.id = d.id
        LEFT JOIN traced_row q ON q.nhs_number = w.traced_number""")


_BY_TRACE = "w.accepted AND w.doubt IS NULL"
_OTHER = f"{_BY_TRACE} AND d.candidate_nhs_number IS DISTINCT FROM w.traced_number"
"""The number is the service's, and not that of linkage's best candidate."""


def _laid_over(name: str) -> str:
    """SQL of a column of LINK: what linkage decided (`d`), after the answer (`w`)."""
    column = f"d.{name}"
    if name == "decision":
        return f"CASE WHEN {_BY_TRACE} THEN 'link' WHEN w.doubt IS NOT NULL THEN 'review' ELSE {column} END"
    if name == "nhs_number":
        return f"CASE WHEN {_BY_TRACE} THEN w.traced_number WHEN w.doubt IS NULL THEN {column} END"
    if name == "candidate_nhs_number":
        return f"CASE WHEN {_BY_TRACE} THEN w.traced_number ELSE {column} END"
    if name == "method":
        return f"CASE WHEN {_BY_TRACE} THEN '{METHOD}' ELSE {column} END"
    if name == "reason":
        return f"CASE WHEN {_BY_TRACE} THEN NULL ELSE coalesce(w.doubt, {column}) END"
    if name.startswith("register_"):
        return f"CASE WHEN {_OTHER} THEN q.row.{name.removeprefix('register_')} ELSE {column} END"
    if name in ("weight", "probability", "runner_up_nhs_number", "runner_up_probability", "levels"):
        return f"CASE WHEN {_OTHER} THEN NULL ELSE {column} END"
    return column


def _load_ruled_out(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `ruled_out_number` (id, nhs_number): clients and numbers that a person decided are two people."""
    [(known,)] = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'verdict' AND database_name = 'store'"
    ).fetchall()
    same = " AND ".join(f"v.{name} = p.{name}" for name in tables.KEY)
    connection.execute("CREATE OR REPLACE TEMP TABLE ruled_out_number (id BIGINT, nhs_number VARCHAR)")
    if known:
        connection.execute(f"""INSERT INTO ruled_out_number
            SELECT DISTINCT p.id, v.nhs_number FROM store.verdict v JOIN state.clients.person p ON {same}
            WHERE v.verdict = 'different' AND v.nhs_number IS NOT NULL""")
