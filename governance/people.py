"""Flags of every person of a run, and who is left out and why.

Choices are kept by NHS number and links can be in doubt, so everything is applied to the whole linked person, and to a
client in doubt as well what holds for each person it may be. Rules are asked once for each distinct set of flags.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date
from typing import TYPE_CHECKING

from governance.agreement import DIRECT_CARE, PURPOSES, People
from governance.decide import Decision
from governance.request import Subject
from governance.rules.rule import Outcome

if TYPE_CHECKING:
    import duckdb

RUNNER_UP_FROM = 0.01
"""Probability from which the second candidate of an accepted link counts as somebody it may be [our own choice]."""

FLAGS = tuple(field.name for field in fields(Subject))


@dataclass(frozen=True)
class Exclusion:
    """People left out by a rule; each person is counted once, under the first rule that left them out."""

    rule: str
    reason: str
    people: int


def flag(connection: duckdb.DuckDBPyConnection, *, people: People, purpose: str, today: date) -> int:
    """Make the table `people` (person_key, flags as bits in the order of Subject); gives how many there are.

    Needs the views of a run and the table `allowed`.
    """
    for sql in (_KEYED, _NUMBERS, _marks(purpose, today), _MAY_BE, _people(people), *_WORKED_OUT):
        connection.execute(sql)
    [(count,)] = connection.execute("SELECT count(*) FROM people").fetchall()
    return int(count)


_KEYED = """
CREATE OR REPLACE TABLE client_link AS
SELECT k.person_key, l.decision, l.nhs_number, l.candidate_nhs_number, l.runner_up_nhs_number, l.runner_up_probability
FROM links l JOIN person_key k
    ON k.side = 'client' AND (k.source, k.source_org, k.record_id) = (l.source, l.source_org, l.record_id)
"""

# Every number that is a person's, or may be: `certain` is false for the candidates of a link in doubt.
_NUMBERS = f"""
CREATE OR REPLACE TABLE numbers AS
SELECT person_key, nhs_number, bool_or(certain) AS certain FROM (
    SELECT person_key, nhs_number, true AS certain FROM person_key
    UNION ALL SELECT person_key, nhs_number, true FROM person
    UNION ALL SELECT person_key, nhs_number, true FROM client_link
    UNION ALL SELECT person_key, candidate_nhs_number, false FROM client_link WHERE decision IN ('link', 'review')
    UNION ALL SELECT person_key, runner_up_nhs_number, false FROM client_link
        WHERE decision = 'review' OR (decision = 'link' AND coalesce(runner_up_probability, 1) >= {RUNNER_UP_FROM})
) WHERE nhs_number IS NOT NULL AND person_key IS NOT NULL GROUP BY ALL
"""

# Who may be whom, as far as there is a mark to hand on.
_MAY_BE = """
CREATE OR REPLACE TABLE may_be AS
SELECT n.person_key, other.person_key AS other_key
FROM numbers n JOIN (SELECT * FROM numbers WHERE certain AND person_key IN (SELECT person_key FROM marks)) other
    USING (nhs_number)
UNION SELECT person_key, person_key FROM marks
"""

_WORKED_OUT = tuple(f"DROP TABLE {name}" for name in ("client_link", "marks", "may_be"))


def _marks(purpose: str, today: date) -> str:
    """What sources say of a person: choices and sensitivity. What is not filled in, or not known, counts against
    release; an objection counts against direct care where it names it.
    """
    aim = purpose.strip().casefold()
    care = aim == DIRECT_CARE
    # One to "planning" may be meant against any use: only what is known to be another purpose says nothing of this one.
    others = [known for known in PURPOSES if known != aim and (known == DIRECT_CARE or aim in PURPOSES)]
    named = "coalesce(lower(trim(purpose)), '')"
    meant = f"{named} = '{aim}'" if care else f"{named} NOT IN ({', '.join(map(repr, others))})"
    return f"""
    CREATE OR REPLACE TABLE marks AS
    WITH said AS (
        -- Who will withdraw on a day to come is opted out until then.
        SELECT * REPLACE (coalesce(opted_out, true) OR coalesce(from_date > DATE '{today}', false) AS opted_out)
        FROM opt_out
    ), choice AS (
        SELECT person_key, scheme, opted_out, from_date FROM said WHERE person_key IS NOT NULL
        UNION ALL SELECT n.person_key, o.scheme, o.opted_out, o.from_date
        FROM said o JOIN numbers n ON n.nhs_number = o.nhs_number
    ), standing AS (
        SELECT person_key, scheme, coalesce(
            -- An opt-out stands unless a withdrawal is known to be later than it.
            max(coalesce(from_date, DATE '9999-12-31')) FILTER (opted_out)
            >= max(coalesce(from_date, DATE '0001-01-01')) FILTER (NOT opted_out),
            bool_or(opted_out)) AS out
        FROM choice GROUP BY ALL
    )
    SELECT person_key, 'opted_out' AS mark FROM standing WHERE out AND scheme = 'national data opt-out'
    UNION SELECT person_key, 'type_1' FROM standing WHERE out AND scheme = 'type 1'
    UNION SELECT person_key, 'objected' FROM standing
        WHERE out AND NOT {care} AND coalesce(scheme, '') NOT IN ('national data opt-out', 'type 1')
    UNION SELECT person_key, 'objected' FROM objection
        WHERE coalesce(upheld, true) AND coalesce(to_date > DATE '{today}', true)
        AND {meant}
    UNION SELECT person_key, 'sensitive' FROM person WHERE restricted
    """


def _people(people: People) -> str:
    covered = {
        People.LINKED: "coalesce(bool_or(l.decision = 'link'), false)",
        People.CLIENTS: "bool_or(k.side = 'client')",
        People.ALL: "true",
    }[people]
    bits = " + ".join(f"(({name})::INTEGER << {at})" for at, name in enumerate(FLAGS))
    marked = ", ".join(
        f"coalesce(bool_or(mark = '{mark}'), false) AS {mark}"
        for mark in ("opted_out", "type_1", "objected", "sensitive")
    )
    return f"""
    CREATE OR REPLACE TABLE people AS
    WITH person_flags AS (
        SELECT k.person_key, {covered} AS covered, coalesce(bool_or(l.decision = 'review'), false) AS doubtful
        FROM person_key k LEFT JOIN client_link l USING (person_key) GROUP BY ALL
    ), number_flags AS (
        SELECT n.person_key, bool_or(certain) AS has_number, bool_and(a.nhs_number IS NOT NULL) AS numbers_allowed
        FROM numbers n LEFT JOIN allowed a USING (nhs_number) GROUP BY ALL
    ), conflict_flags AS (
        SELECT person_key, count(DISTINCT nhs_number) > 1 AS conflicting_numbers FROM person GROUP BY ALL
    ), mark_flags AS (
        SELECT m.person_key, {marked} FROM may_be m JOIN marks ON marks.person_key = m.other_key GROUP BY ALL
    ), flagged AS (
        SELECT person_key, covered, doubtful,
            coalesce(has_number, false) AS has_number,
            -- Without any number there is none that is not allowed; R25 decides about such people.
            coalesce(numbers_allowed, true) AS numbers_allowed,
            coalesce(opted_out, false) AS opted_out, coalesce(type_1, false) AS type_1,
            coalesce(objected, false) AS objected, coalesce(sensitive, false) AS sensitive,
            coalesce(conflicting_numbers, false) AS conflicting_numbers
        FROM person_flags LEFT JOIN number_flags USING (person_key)
        LEFT JOIN conflict_flags USING (person_key) LEFT JOIN mark_flags USING (person_key)
    )
    SELECT person_key, {bits} AS flags FROM flagged
    """


def choose(
    connection: duckdb.DuckDBPyConnection, ask: Callable[[Subject], Decision]
) -> tuple[list[Exclusion], list[Decision]]:
    """Make the table `chosen` (person_key) of people every rule lets pass; gives who is left out, and each decision."""
    kinds = connection.execute("SELECT flags, count(*) FROM people GROUP BY flags ORDER BY flags").fetchall()
    left_out: dict[str, Exclusion] = {}
    passing, decisions = [], []
    for bits, count in kinds:
        decision = ask(Subject(*(bool(bits >> at & 1) for at in range(len(FLAGS)))))
        decisions.append(decision)
        if decision.outcome is Outcome.ALLOW:
            passing.append(str(bits))
            continue
        first = next(asked for asked in decision.trace if asked.finding.outcome is not Outcome.ALLOW)
        before = left_out.get(first.rule.id)
        total = count + (before.people if before else 0)
        left_out[first.rule.id] = Exclusion(first.rule.id, first.finding.reason.removeprefix("left out: "), total)
    wanted = f"flags IN ({', '.join(passing)})" if passing else "false"
    connection.execute(f"CREATE OR REPLACE TABLE chosen AS SELECT person_key FROM people WHERE {wanted}")
    return sorted(left_out.values(), key=lambda exclusion: exclusion.rule), decisions
