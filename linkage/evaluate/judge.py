"""Each client's decision held against known truth: right, wrong and of what kind, missed and for what reason.

In: `link`, `candidate`, `clients.person`, `register.person` and `truth` (source, source_org, record_id, nhs_number,
register_record_id, in_register: one row per client whose truth is known). Out: table `judged`, and counts over it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from linkage.evaluate.shares import Share, f_measure
from linkage.guards import guards

if TYPE_CHECKING:
    import duckdb

KEY = "source, source_org, record_id"

NOT_IN_REGISTER = "the client is not in the register"
HOUSEHOLD = "a member of the household"
NAMESAKE = "a namesake elsewhere"
OTHER = "somebody else"


def judge(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `judged`, one row for every client in `truth`.

    Columns beside the key: `decision`, `by_person` (a person decided it), `probability`, `linked`, `guard` (what held
    the client back, null where nothing did), `findable` (in the register), `best_right` (the best candidate is the
    client), `right` (linked, and rightly), `reached` (the true person is among the candidates kept), `error` and `kind`
    (null where nothing is amiss): 'wrong link' by who was linked instead, 'missed' by why.

    A person is known by NHS number, and where neither truth nor register has one, by the register's record.
    """
    held_back = ", ".join(f"'{_quoted(guard.name)}'" for guard in guards(()))
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE truth_person AS
        WITH by_record AS (
            SELECT record_id, max(nhs_number) AS nhs_number FROM register.person
            SEMI JOIN (SELECT register_record_id AS record_id FROM truth) USING (record_id) GROUP BY record_id
        )
        SELECT t.source, t.source_org, t.record_id,
               coalesce(t.nhs_number, b.nhs_number) AS number, t.register_record_id AS register_row,
               coalesce(t.in_register, b.record_id IS NOT NULL OR n.nhs_number IS NOT NULL) AS findable
        FROM truth t
        LEFT JOIN by_record b ON b.record_id = t.register_record_id
        LEFT JOIN (SELECT DISTINCT nhs_number FROM register.person WHERE nhs_number IS NOT NULL) n
            ON n.nhs_number = t.nhs_number""")
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE judged AS
        WITH reached AS (
            SELECT DISTINCT {KEY} FROM candidate c JOIN truth_person t USING ({KEY})
            WHERE {_same("c.nhs_number", "c.register_record_id")}
        ),
        held AS (
            SELECT {KEY}, l.decision, coalesce(l.method = 'review', false) AS by_person, l.probability,
                   l.decision = 'link' AS linked, t.findable, l.candidate_nhs_number, l.register_record_id,
                   t.findable AND coalesce({_same("l.candidate_nhs_number", "l.register_record_id")}, false)
                       AS best_right,
                   linked AND best_right AS "right",
                   CASE WHEN l.reason IN ({held_back}) THEN l.reason END AS guard, l.reason, l.method IS NULL AS alone
            FROM link l JOIN truth_person t USING ({KEY})
        )
        SELECT h.* EXCLUDE (reason, alone), h.best_right OR r.record_id IS NOT NULL AS reached,
               CASE WHEN linked AND NOT "right" THEN 'wrong link'
                    WHEN findable AND NOT "right" THEN 'missed' END AS error,
               CASE WHEN "right" OR NOT (linked OR findable) THEN NULL
                    WHEN linked AND NOT findable THEN '{_quoted(NOT_IN_REGISTER)}'
                    WHEN linked THEN '{OTHER}'
                    WHEN alone THEN 'no candidate at all'
                    WHEN NOT (h.best_right OR r.record_id IS NOT NULL) THEN 'not among the candidates kept'
                    WHEN NOT h.best_right THEN 'another candidate was likelier'
                    WHEN guard IS NOT NULL THEN 'held back: ' || guard
                    WHEN decision = 'review' THEN 'for review: ' || reason
                    ELSE coalesce(reason, 'not said') END AS kind
        FROM held h LEFT JOIN reached r USING ({KEY})""")
    _name_wrong_links(connection)
    connection.execute("DROP TABLE truth_person")


def _same(number: str, row: str) -> str:
    numbers = f"t.number IS NOT NULL AND {number} IS NOT NULL"
    return f"CASE WHEN {numbers} THEN {number} = t.number ELSE {row} = t.register_row END"


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _name_wrong_links(connection: duckdb.DuckDBPyConnection) -> None:
    """Say of a wrong link whether it went to the household, to a namesake, or to neither.

    One address is the same postcode and first line, of the register person linked with the client or with the true
    person; one name is the same given and family name as either.
    """
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE wrong_link AS
        WITH person AS (
            SELECT coalesce(nhs_number, 'row ' || record_id) AS who, upper(postcode) AS unit,
                   upper(address_line_1) AS line, upper(given_name) AS given, upper(family_name) AS family
            FROM register.person
        ),
        own AS (
            SELECT {KEY}, upper(postcode) AS unit, upper(address_line_1) AS line, upper(given_name) AS given,
                   upper(family_name) AS family FROM clients.person
            SEMI JOIN (SELECT {KEY} FROM judged WHERE kind = '{OTHER}') USING ({KEY})
            UNION ALL
            SELECT j.source, j.source_org, j.record_id, p.unit, p.line, p.given, p.family
            FROM judged j JOIN truth_person t USING ({KEY})
            JOIN person p ON p.who = coalesce(t.number, 'row ' || t.register_row)
            WHERE j.kind = '{OTHER}'
        )
        SELECT j.source, j.source_org, j.record_id,
               bool_or(o.unit = p.unit AND o.line = p.line) AS house,
               bool_or(o.given = p.given AND o.family = p.family) AS name
        FROM judged j JOIN own o USING ({KEY})
        JOIN person p ON p.who = coalesce(j.candidate_nhs_number, 'row ' || j.register_record_id)
        WHERE j.kind = '{OTHER}' GROUP BY ALL""")
    connection.execute(f"""
        UPDATE judged SET kind = CASE WHEN coalesce(w.house, false) THEN '{HOUSEHOLD}'
                                      WHEN coalesce(w.name, false) THEN '{NAMESAKE}' ELSE '{OTHER}' END
        FROM wrong_link w
        WHERE judged.kind = '{OTHER}' AND judged.source = w.source AND judged.source_org = w.source_org
          AND judged.record_id = w.record_id""")
    connection.execute("DROP TABLE wrong_link")


@dataclass(frozen=True)
class Counts:
    """Links and truth in three numbers."""

    links: int
    right: int
    findable: int
    """Clients who are in the register."""

    @property
    def precision(self) -> Share:
        """Links that are right."""
        return Share(self.right, self.links)

    @property
    def recall(self) -> Share:
        """Clients in the register who were linked rightly."""
        return Share(self.right, self.findable)

    def to_json(self) -> dict[str, Any]:
        """The counts and the three measures with their intervals."""
        f1 = f_measure(self.right, self.links, self.findable)
        return {
            "links": self.links,
            "right": self.right,
            "findable": self.findable,
            "found": self.right,
            "precision": self.precision.to_json(),
            "recall": self.recall.to_json(),
            "f1": f1.to_json(),
        }


_COUNTS = 'count(*) FILTER (linked), count(*) FILTER ("right"), count(*) FILTER (findable)'


def counts(connection: duckdb.DuckDBPyConnection, where: str = "true") -> Counts:
    """Count `judged`, all or where the SQL condition holds."""
    (row,) = connection.execute(f"SELECT {_COUNTS} FROM judged WHERE {where}").fetchall()
    return Counts(*row)


def blocking_recall(connection: duckdb.DuckDBPyConnection) -> Share:
    """Clients in the register whose true person is among the candidates kept: what no later step can mend."""
    (row,) = connection.execute(
        "SELECT count(*) FILTER (findable AND reached), count(*) FILTER (findable) FROM judged"
    ).fetchall()
    return Share(*row)


def errors(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, int]]:
    """Error, kind and clients, the most frequent first."""
    return connection.execute("""
        SELECT error, kind, count(*) FROM judged WHERE error IS NOT NULL
        GROUP BY ALL ORDER BY error DESC, count(*) DESC, kind""").fetchall()


@dataclass(frozen=True)
class Threshold:
    """What the links would be, were the link band at `link_at`."""

    link_at: float
    chosen: bool
    """The run's own."""
    counts: Counts

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {"link_at": self.link_at, "chosen": self.chosen, **self.counts.to_json()}


LADDER = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999, 0.99999)
"""Thresholds looked at beside the run's own."""


def thresholds(connection: duckdb.DuckDBPyConnection, *, link_at: float, review_at: float) -> tuple[Threshold, ...]:
    """Count what other link bands would have linked, guards and people's decisions standing.

    From `review_at` upwards only: below it a run does not look at guards, so nobody knows what they would hold back.
    """
    ladder = sorted({*(each for each in LADDER if each >= review_at), link_at})
    found = []
    for at in ladder:
        if at > link_at:
            linked = f"(linked AND (by_person OR probability >= {at!r}))"
        elif at < link_at:
            # What waits above the run's own band is held back by something other than its probability.
            free = f"guard IS NULL AND NOT by_person AND probability >= {at!r} AND probability < {link_at!r}"
            linked = f"(linked OR coalesce({free}, false))"
        else:
            linked = "linked"  # probabilities are kept to nine digits, which is too few to find the band again
        (row,) = connection.execute(f"""
            SELECT count(*) FILTER ({linked}), count(*) FILTER ({linked} AND best_right), count(*) FILTER (findable)
            FROM judged""").fetchall()
        found.append(Threshold(at, at == link_at, Counts(*row)))
    return tuple(found)
