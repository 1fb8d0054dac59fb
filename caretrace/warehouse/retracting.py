"""Numbers handed over to be loaded into the clients' own systems, and those of them that prove wrong.

A number that was loaded back is to be taken back where another took its place, where the client is linked to another,
where a person or the national service speaks against it, or where the register still holds it and the evidence no
longer suffices. A number that has only left the register is not: nothing speaks against it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caretrace.outputs import OutputSettings, load_back_sql
from caretrace.trace.rules import Verdict
from caretrace.warehouse import tables, traced
from schemas.person import SUPERSEDED_NHS_NUMBER

if TYPE_CHECKING:
    from caretrace.warehouse.store import State

ANOTHER = "the client is linked to another number now"
REPLACED = "another number has taken its place"
RULED_OUT = "a person decided that the number is another person's"
NOT_CONFIRMED = "the national service did not confirm it"
UNSURE = "no longer sure"

_STANDING = """SELECT b.id, b.nhs_number, max(b.run) AS run FROM state.loaded_back b
    LEFT JOIN (SELECT id, nhs_number, max(run) AS run FROM state.retraction GROUP BY ALL) r
        ON r.id = b.id AND r.nhs_number = b.nhs_number
    GROUP BY b.id, b.nhs_number HAVING max(b.run) > coalesce(max(r.run), 0)"""
"""Numbers handed over and not retracted since."""


def retract(state: State) -> int:
    """Note every number handed over that proves wrong in this run, in `state.retraction`; gives how many.

    Needs `traced` and `ruled_out_number` of this run.
    """
    connection = state.connection
    [(handed_over,)] = connection.execute("SELECT EXISTS (FROM state.loaded_back)").fetchall()
    if not handed_over:
        return 0
    doubted = f"t.verdict IS NOT NULL AND t.verdict NOT IN {traced.ACCEPTED}"
    replaced = f"t.verdict = '{Verdict.REPLACED.name}' AND t.former_nhs_number = b.nhs_number"
    connection.execute(
        f"""INSERT INTO state.retraction
        WITH doubtful AS (
            SELECT b.id, b.nhs_number, l.decision, l.nhs_number AS linked_now, l.reason
            FROM ({_STANDING}) b JOIN state.link l ON l.id = b.id
            WHERE l.decision <> 'link' OR l.nhs_number IS DISTINCT FROM b.nhs_number),
        superseded AS (
            SELECT DISTINCT i.value AS nhs_number, p.nhs_number AS linked_now
            FROM state.register.identifier i JOIN state.register.person p USING (id)
            WHERE i.scheme = $superseded AND i.value IN (SELECT nhs_number FROM doubtful)),
        registered AS (SELECT DISTINCT nhs_number FROM state.register.person SEMI JOIN doubtful USING (nhs_number))
        SELECT id, nhs_number, {state.run}, reason FROM (
            SELECT b.id, b.nhs_number, CASE
                WHEN x.id IS NOT NULL THEN $ruled_out
                WHEN s.nhs_number IS NOT NULL OR {replaced} THEN $replaced
                WHEN b.decision = 'link' THEN $another
                WHEN {doubted} THEN $not_confirmed
                WHEN r.nhs_number IS NOT NULL THEN concat_ws(': ', $unsure, b.reason) END AS reason
            FROM doubtful b LEFT JOIN traced t ON t.id = b.id LEFT JOIN registered r ON r.nhs_number = b.nhs_number
            LEFT JOIN ruled_out_number x ON x.id = b.id AND x.nhs_number = b.nhs_number
            LEFT JOIN superseded s ON s.nhs_number = b.nhs_number AND s.linked_now = b.linked_now)
        WHERE reason IS NOT NULL ORDER BY id, nhs_number""",
        {
            "superseded": SUPERSEDED_NHS_NUMBER,
            "replaced": REPLACED,
            "ruled_out": RULED_OUT,
            "another": ANOTHER,
            "not_confirmed": NOT_CONFIRMED,
            "unsure": UNSURE,
        },
    )
    [(count,)] = connection.execute("SELECT count(*) FROM state.retraction WHERE run = ?", [state.run]).fetchall()
    return int(count)


def note_loaded_back(state: State, settings: OutputSettings) -> int:
    """Note what is handed over for the first time in this run, in `state.loaded_back`; gives how many.

    Needs `claim` (`outputs.prepare_claims`), and makes the views that `open_handed_over` makes. A client whose trace
    found nobody, or speaks against the link, is left out.
    """
    connection = state.connection
    connection.execute(f"""INSERT INTO state.loaded_back
        SELECT p.id, b.nhs_number, b.nhs_number_status, {state.run}
        FROM ({load_back_sql(settings)}) b JOIN state.clients.person p ON p.source = b.source
            AND p.source_org = b.source_org AND p.record_id = b.client_id
        LEFT JOIN ({_STANDING}) s ON s.id = p.id AND s.nhs_number = b.nhs_number
        LEFT JOIN state.traced t ON t.id = p.id
        WHERE s.id IS NULL AND coalesce(t.verdict IN {traced.ACCEPTED}, true) ORDER BY p.id""")
    open_handed_over(state, settings)
    [(count,)] = connection.execute("SELECT count(*) FROM state.loaded_back WHERE run = ?", [state.run]).fetchall()
    return int(count)


def open_handed_over(state: State, settings: OutputSettings) -> None:
    """Make the views `newly_loaded_back` (the columns of load_back.csv) and `newly_retracted`, of this run.

    newly_retracted: source, source_org, client_id, nhs_number, loaded_back_in (a run), reason. Needs `claim`.
    """
    connection = state.connection
    connection.execute(f"""CREATE OR REPLACE TEMP VIEW newly_loaded_back AS
        FROM ({load_back_sql(settings)}) SEMI JOIN (
            SELECT p.source, p.source_org, p.record_id AS client_id, h.nhs_number
            FROM state.loaded_back h JOIN state.clients.person p USING (id) WHERE h.run = {state.run})
            USING (source, source_org, client_id, nhs_number)""")
    key = ", ".join(f"r.{name}" for name in tables.KEY[:2])
    connection.execute(f"""CREATE OR REPLACE TEMP VIEW newly_retracted AS
        SELECT {key}, r.record_id AS client_id, t.nhs_number, b.run AS loaded_back_in, t.reason
        FROM state.retraction t JOIN state.record r USING (id)
        JOIN (SELECT id, nhs_number, max(run) AS run FROM state.loaded_back GROUP BY ALL) b
            ON b.id = t.id AND b.nhs_number = t.nhs_number
        WHERE t.run = {state.run}""")
