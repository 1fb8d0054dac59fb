"""Which questions are asked: of whom, with what, and who cannot be asked.

Two runs, as the service advises: first number and date of birth alone (cross-check), for whoever has a number or was
linked to one; then family name, date of birth, gender and given name, for those without a number and those whose
number was not confirmed. A wrong or old postcode stops a match, and hides people whose address is protected, so it is
sent only when asked for. Addresses, telephone and e-mail are never sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from caretrace.trace.rules import Verdict
from caretrace.trace.store import facts
from connectors.writers.trace_request import REQUEST_COLUMNS

if TYPE_CHECKING:
    import duckdb


class Round(Enum):
    """Which of the two runs."""

    NUMBERS = "numbers"
    """Number and date of birth."""
    NAMES = "names"
    """Family name, date of birth, gender, given names; no number."""


class Why(Enum):
    """Why a client is asked about; the value is what reports say."""

    HELD = "holds a number that nobody verified"
    LINKED = "was linked to a number"
    REVIEW = "is waiting for review"
    NONE = "has no number"
    NOT_CONFIRMED = "its number was not confirmed in the first run"


@dataclass(frozen=True)
class Chosen:
    """How many questions stand in the table `question`, by why; and why others cannot be asked."""

    asked: dict[str, int]
    left_out: dict[str, int]

    @property
    def total(self) -> int:
        """Questions."""
        return sum(self.asked.values())


_KEY = "source, source_org, record_id"
_WHOLE_DATE = "birth_date IS NOT NULL AND birth_date_precision = 'YMD'"

_BASE = f"""SELECT p.*, l.decision, CASE WHEN l.decision = 'link' THEN l.nhs_number END AS linked_nhs_number
    FROM clients.person p LEFT JOIN link l USING ({_KEY})"""

_NUMBERS = f"""
    SELECT {_KEY}, '{Why.HELD.name}' AS why, nhs_number AS asked FROM base
        WHERE nhs_number IS NOT NULL AND nhs_number_status IS DISTINCT FROM '01'
    UNION ALL
    SELECT {_KEY}, '{Why.LINKED.name}', linked_nhs_number FROM base
        WHERE linked_nhs_number IS NOT NULL AND linked_nhs_number IS DISTINCT FROM nhs_number"""

# A number that was asked about and not confirmed makes a question by name, of linked and held alike.
_NAMES = f"""
    SELECT {_KEY}, CASE WHEN r.verdict IS NOT NULL THEN '{Why.NOT_CONFIRMED.name}'
            WHEN decision = 'review' THEN '{Why.REVIEW.name}' ELSE '{Why.NONE.name}' END AS why,
        CAST(NULL AS VARCHAR) AS asked
    FROM base LEFT JOIN result r USING ({_KEY})
    WHERE r.verdict IN ('NOT_CONFIRMED', 'ASK_WITH_MORE', 'ASK_AGAIN')
       OR r.verdict IS NULL AND base.nhs_number IS NULL AND linked_nhs_number IS NULL"""


def choose(
    connection: duckdb.DuckDBPyConnection,
    which: Round,
    *,
    request_id: str,
    whom: frozenset[Why],
    postcode: bool,
    again: bool,
) -> Chosen:
    """Make the table `question`: reference, client key, why, asked, and REQUEST_COLUMNS to send.

    The connection has the views of `opening.opened` and the tables `asked_before` (of `store`), `answer` and `result`
    (of `results.build`). With `again` also what was asked before just so; where the service failed, always.
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE base AS {_BASE}")
    wanted = ", ".join(f"'{why.name}'" for why in whom) or "''"
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE candidate_question AS
        SELECT q.why, q.asked, b.*, {facts("b")} AS facts, CASE {_lacking(which)} END AS lacking, EXISTS (
            SELECT 1 FROM asked_before a
            WHERE a.source = q.source AND a.source_org = q.source_org AND a.record_id = q.record_id
                AND a.asked IS NOT DISTINCT FROM q.asked AND a.facts = {facts("b")}
                AND a.round = '{which.value}' AND a.with_postcode = {postcode}
                AND NOT EXISTS (
                    SELECT 1 FROM answer n WHERE n.reference = a.reference AND n.verdict = '{Verdict.ASK_AGAIN.name}')
            ) AS asked_before
        FROM ({_NUMBERS if which is Round.NUMBERS else _NAMES}) q JOIN base b USING ({_KEY})
        WHERE q.why IN ({wanted})""")
    sent = "lacking IS NULL" + ("" if again else " AND NOT asked_before")
    number = f"row_number() OVER (ORDER BY {_KEY}, asked)"
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE question AS
        SELECT printf('CT{request_id}%06d', {number}) AS reference, {_KEY}, why, asked, facts, {_sent(which, postcode)}
        FROM candidate_question WHERE {sent}""")
    asked = connection.execute("SELECT why, count(*) FROM question GROUP BY 1 ORDER BY 1").fetchall()
    left_out = connection.execute(
        "SELECT coalesce(lacking, 'asked before; give --again to ask anew'), count(*) FROM candidate_question"
        f" WHERE NOT ({sent}) GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return Chosen({Why[why].value: int(count) for why, count in asked}, dict(left_out))


def _lacking(which: Round) -> str:
    """SQL arms: what is missing to ask; a search by part of a date is not published, so it is not tried."""
    arms = [f"WHEN NOT ({_WHOLE_DATE}) THEN 'no whole date of birth'"]
    if which is Round.NAMES:
        arms += [
            "WHEN b.family_name IS NULL THEN 'no family name'",
            "WHEN b.gender IS NULL OR b.gender NOT IN ('1', '2', '9') THEN 'no gender'",
        ]
    return " ".join(arms)


def _sent(which: Round, postcode: bool) -> str:
    """SQL of the columns to send; what is not sent is null."""
    columns = {name: "CAST(NULL AS VARCHAR)" for name in REQUEST_COLUMNS if name != "reference"}
    columns |= {"death_date": "CAST(NULL AS DATE)", "birth_date": "birth_date"}
    if which is Round.NUMBERS:
        columns["nhs_number"] = "asked"
    else:
        columns |= {name: name for name in ("family_name", "given_name", "gender", "previous_family_name")}
        columns["other_given_name"] = "middle_names"
        columns |= {"postcode": "postcode"} if postcode else {}
    return ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
