"""One result a client, of every answer about it that still holds: one number, none where anything speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from caretrace.project import Project
from caretrace.run_folder import Run
from caretrace.trace.choose import Round
from caretrace.trace.rules import Verdict
from caretrace.trace.store import Kept, facts

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

TWO_NUMBERS = "two different numbers were confirmed"
SHARED = "another client of the list holds this number or was traced to it: are they one person twice?"
ANSWERED_TWICE = "answered twice, and differently"

_KEY = "source, source_org, record_id"
_NUMBER = f"('{Verdict.ACCEPTED.name}', '{Verdict.REPLACED.name}')"

# The first that holds for any of a client's answers decides.
_ORDER = (
    Verdict.SUPPRESSED,
    Verdict.REFER,
    Verdict.REPLACED,
    Verdict.ACCEPTED,
    Verdict.ASK_AGAIN,
    Verdict.ASK_WITH_MORE,
    Verdict.NOT_FOUND,
    Verdict.NOT_CONFIRMED,
)
_OPEN = _ORDER[4:]
"""Nobody was found, or not yet."""


def of_run(run: Run, project: Project) -> pa.Table:
    """Every client of the run that was answered about: key, verdict (its name), nhs_number (accepted ones only).

    For whoever writes numbers out: an accepted one has status 01, and any other verdict speaks against a link.
    """
    from caretrace.trace.opening import opened

    with opened(run) as connection:
        build(connection, Kept.of(project))
        return connection.sql(f"SELECT {_KEY}, verdict, nhs_number FROM result ORDER BY {_KEY}").to_arrow_table()


def build(connection: duckdb.DuckDBPyConnection, kept: Kept, *, also: Sequence[Path] = ()) -> None:
    """Make the tables `answer` and `result` (one row for each of the run's clients that was answered about).

    An answer holds while the client is as it was when it was asked about, in this run or an earlier one.
    result: client key, verdict (a name of `Verdict`), nhs_number (accepted ones only), former_nhs_number, reason, code,
    service, step, confidence, answered_on, dead, restricted. `also` are answers that do not stand at their place yet.
    """
    kept.load_answers(connection, also)
    place = " ".join(f"WHEN '{verdict.name}' THEN {number}" for number, verdict in enumerate(_ORDER))
    # What came in a later reading about the same question and says the same is no news; what says something else
    # cannot both be true.
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE answer_once AS
        SELECT * REPLACE (
            CASE WHEN versions > 1 THEN '{Verdict.REFER.name}' ELSE verdict END AS verdict,
            CASE WHEN versions > 1 THEN '{ANSWERED_TWICE}' ELSE reason END AS reason)
        FROM (SELECT *, count(DISTINCT CASE WHEN outcome <> 'failed' THEN concat_ws('|', code, nhs_number) END)
                OVER (PARTITION BY reference) AS versions
              FROM answer a SEMI JOIN clients.person p ON p.source = a.source AND p.source_org = a.source_org
                AND p.record_id = a.record_id AND {facts("p")} = a.facts)
        QUALIFY row_number() OVER (PARTITION BY reference ORDER BY outcome = 'failed', reading DESC) = 1""")
    # A question by name came because the one by number failed, so of what found nobody the later run counts, and of
    # that the later reading.
    names = ", ".join(f"'{each.name}'" for each in _OPEN)
    open_ones = f"verdict IN ({names})"
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE best_answer AS
        SELECT *, count(DISTINCT CASE WHEN verdict IN {_NUMBER} THEN nhs_number END)
            OVER (PARTITION BY {_KEY}) AS numbers
        FROM answer_once QUALIFY row_number() OVER (PARTITION BY {_KEY} ORDER BY
            {open_ones}, {open_ones} AND round = '{Round.NUMBERS.value}', CASE WHEN {open_ones} THEN -reading END,
            CASE verdict {place} END, reading DESC, reference) = 1""")
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE shared_number AS
        SELECT b.nhs_number FROM best_answer b WHERE b.verdict IN {_NUMBER} GROUP BY 1 HAVING count(*) > 1
        UNION SELECT b.nhs_number FROM best_answer b JOIN clients.person p ON p.nhs_number = b.nhs_number
            AND (p.source, p.source_org, p.record_id) <> (b.source, b.source_org, b.record_id)
        WHERE b.verdict IN {_NUMBER}""")
    refused = (
        f"CASE WHEN verdict NOT IN {_NUMBER} THEN reason WHEN numbers > 1 THEN '{TWO_NUMBERS}'"
        f" WHEN nhs_number IN (SELECT nhs_number FROM shared_number) THEN '{SHARED}' END"
    )
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE result AS
        SELECT {_KEY}, CASE WHEN verdict IN {_NUMBER} AND refused IS NOT NULL THEN '{Verdict.REFER.name}'
                ELSE verdict END AS verdict,
            CASE WHEN verdict IN {_NUMBER} AND refused IS NULL THEN nhs_number END AS nhs_number,
            nhs_number AS answered_nhs_number,
            CASE WHEN verdict = '{Verdict.REPLACED.name}' THEN asked END AS former_nhs_number, asked,
            refused AS reason, outcome, code, service, step, confidence, answered_on, dead, restricted
        FROM (SELECT *, {refused} AS refused FROM best_answer)""")
