"""What blocking may have missed: links that two groups of rules find apart from each other, counted by both.

A pair that no blocking rule makes is as a rule never compared, and nothing in the run shows it. But where two groups of
rules look at different fields, the overlap of what they find says how many neither finds, as two catches of fish say
how many swim in the lake (Chapman 1951).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import exp, log, sqrt
from typing import TYPE_CHECKING, Any

from linkage.blocking import RULES, AnyOf, BlockingRule, keys_sql
from linkage.evaluate.shares import Z_95, Estimate, Share

if TYPE_CHECKING:
    import duckdb

NUMBER = "number"
FIELDS = {"nhs": NUMBER, "ids": "other number", "birth": "date", "given": "given name", "family": "family name"}
"""Which field a key's column tells of, by how its name begins; every other column is of the address."""
PLACE = "address"

SPLITS: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (frozenset({"date", "family name"}), frozenset({"given name", PLACE})),
    (frozenset({"date", "given name"}), frozenset({"family name", PLACE})),
    (frozenset({"date", PLACE}), frozenset({"given name", "family name"})),
    (frozenset({NUMBER}), frozenset({"date", "given name", "family name", PLACE})),
)
"""Every way to part four fields two and two, and the NHS number against all of them."""


LEAST_IN_BOTH = 7
"""Links that both groups must have found, or Chapman's estimate is too low by much (Seber 1982)."""


@dataclass(frozen=True)
class Split:
    """Accepted links by which of two groups of rules, sharing no field, would have made the pair."""

    first: tuple[str, ...]
    """Fields of the first group."""
    second: tuple[str, ...]
    links: int
    """Links asked about: all of the sample, or where the number is a group, those of clients who hold one."""
    in_first: int
    in_second: int
    in_both: int

    @property
    def total(self) -> float:
        """How many true links there are to be found, by Chapman's estimate; never fewer than were found.

        (n1 + 1)(n2 + 1) / (m + 1) - 1. The rules fail together on the same poor records, so this is too low, and the
        recall made of it too high.
        """
        return max((self.in_first + 1) * (self.in_second + 1) / (self.in_both + 1) - 1, float(self.links))

    @property
    def recall(self) -> Estimate:
        """Share of the true links that blocking makes: an upper bound, with the 95 % interval of the estimate.

        The interval is log-normal in the number not seen by either group (Chao 1987, doi 10.2307/2531532), with Seber's
        variance of Chapman's estimate, so that the total is never below what was seen.
        """
        n1, n2, m = self.in_first, self.in_second, self.in_both
        seen = n1 + n2 - m
        variance = (n1 + 1) * (n2 + 1) * (n1 - m) * (n2 - m) / ((m + 1) ** 2 * (m + 2))
        # The other rules found this many of those that neither group sees.
        unseen = (n1 + 1) * (n2 + 1) / (m + 1) - 1 - seen
        if unseen <= 0 or not self.links:
            least = 1.0 if self.links else 0.0
            return Estimate(least, least, least)
        spread = exp(Z_95 * sqrt(log(1 + variance / unseen**2)))
        value, low, high = (
            self.links / max(seen + each, self.links) for each in (unseen, unseen * spread, unseen / spread)
        )
        return Estimate(value, low, high)

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "first": list(self.first),
            "second": list(self.second),
            "links": self.links,
            "in_first": self.in_first,
            "in_second": self.in_second,
            "in_both": self.in_both,
            "recall_at_most": self.recall.to_json(),
        }

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Split:
        """What `to_json` gave."""
        counts = (int(facts[name]) for name in ("links", "in_first", "in_second", "in_both"))
        return cls(tuple(facts["first"]), tuple(facts["second"]), *counts)


@dataclass(frozen=True)
class ByRule:
    """Accepted links that one blocking rule makes."""

    name: str
    links: int
    alone: int
    """Those that no other rule makes."""


@dataclass(frozen=True)
class Captured:
    """The accepted links by what would have made them; `dataclasses.asdict` gives a form that `from_json` reads."""

    links: int
    rules: tuple[ByRule, ...]
    splits: tuple[Split, ...]

    @property
    def recall(self) -> Estimate | None:
        """The least flattering of the estimates: each is an upper bound, so the lowest is the closest."""
        known = (each.recall for each in self.splits if each.in_both >= LEAST_IN_BOTH)
        return min(known, key=lambda recall: recall.value, default=None)

    @property
    def without_number(self) -> Share | None:
        """Of the links that the NHS number makes, those that the other rules make as well; None where it makes none.

        So much of what there is to be found is found for clients who hold no number, as far as their records are like
        those of clients who do.
        """
        found = next((each for each in self.splits if each.first == (NUMBER,) and each.in_first), None)
        return Share(found.in_both, found.in_first) if found else None

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "links": self.links,
            "rules": [asdict(each) for each in self.rules],
            "splits": [each.to_json() for each in self.splits],
        }

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Captured:
        """What `to_json` gave."""
        rules = tuple(ByRule(**each) for each in facts["rules"])
        return cls(facts["links"], rules, tuple(Split.from_json(each) for each in facts["splits"]))


SAMPLE = 10_000
"""Accepted links asked about: the intervals of more would be no narrower than anybody needs."""


def capture(connection: duckdb.DuckDBPyConnection, *, seed: int, rules: Sequence[BlockingRule] = RULES) -> Captured:
    """Ask of a sample of the accepted links which blocking rules make their pairs.

    Reads `link`, both sides' `_named`, and `clients_record` and `register_record` of `linkage.clean`; leaves nothing
    behind. A link counts for a rule that makes the pair with any register row of the person. Links that people decided
    are left out. A key that the run left out as too common counts all the same: to count how common each is would cost
    as much as blocking did, and what it changes goes the way of the bound, up.
    """
    same = (
        "r.source = l.register_source AND r.source_org = l.register_source_org AND r.record_id = l.register_record_id"
    )
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE accepted AS
        WITH drawn AS (
            SELECT p.id AS c, l.* FROM link l JOIN clients_named p USING (source, source_org, record_id)
            WHERE l.decision = 'link' AND l.method <> 'review'
            ORDER BY hash(l.source, l.source_org, l.record_id, {seed}), l.source, l.source_org, l.record_id
            LIMIT {SAMPLE}
        )
        SELECT l.c, r.id AS r FROM drawn l JOIN register_named r ON {same}
        UNION SELECT l.c, r.id FROM drawn l JOIN register_record r ON r.nhs = CAST(l.nhs_number AS BIGINT)""")
    # A rule is an equality of keys, so the few records concerned are all it needs to see.
    for record, ids in (("clients", "c"), ("register", "r")):
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE accepted_{record} AS
            SELECT * FROM {record}_record WHERE id IN (SELECT {ids} FROM accepted)""")
    connection.execute("CREATE OR REPLACE TEMP TABLE made (c BIGINT, rule UTINYINT)")
    for place, rule in enumerate(rules):
        connection.execute(f"INSERT INTO made {_made(place, rule)}")
    histories = connection.execute("""
        SELECT coalesce(rules, []), has_number, count(*) FROM (
            SELECT a.c, any_value(l.nhs IS NOT NULL) AS has_number, any_value(m.rules) AS rules
            FROM accepted a JOIN accepted_clients l ON l.id = a.c
            LEFT JOIN (SELECT c, list(DISTINCT rule ORDER BY rule) AS rules FROM made GROUP BY c) m ON m.c = a.c
            GROUP BY a.c)
        GROUP BY ALL ORDER BY ALL""").fetchall()
    for table in ("accepted", "accepted_clients", "accepted_register", "made"):
        connection.execute(f"DROP TABLE {table}")
    return count([(frozenset(made), has_number, links) for made, has_number, links in histories], rules)


def _made(place: int, rule: BlockingRule) -> str:
    """SELECT of c and the rule's place: accepted links whose records share a key of the rule."""
    ours, theirs = (
        keys_sql(record, place, parts)
        for record, parts in (("accepted_clients", rule.client), ("accepted_register", rule.register_parts))
    )
    return f"""
        SELECT DISTINCT a.c, {place}
        FROM accepted a JOIN ({ours}) o ON o.id = a.c JOIN ({theirs}) t ON t.id = a.r AND t.key = o.key"""


History = tuple[frozenset[int], bool, int]
"""Places of the rules that make a link, whether its client holds an NHS number, and how many such links there are."""


def count(histories: Sequence[History], rules: Sequence[BlockingRule]) -> Captured:
    """Add up capture histories by rule and by split."""
    by_rule = tuple(
        ByRule(
            rule.name,
            sum(n for made, _, n in histories if place in made),
            sum(n for made, _, n in histories if made == {place}),
        )
        for place, rule in enumerate(rules)
    )
    splits = []
    for first, second in SPLITS:
        groups = [{place for place, rule in enumerate(rules) if fields(rule) <= group} for group in (first, second)]
        if all(groups):
            asked = [(made, n) for made, has_number, n in histories if has_number or NUMBER not in first]
            one, two, both = (
                sum(n for made, n in asked if all(made & group for group in wanted))
                for wanted in (groups[:1], groups[1:], groups)
            )
            splits.append(Split(tuple(sorted(first)), tuple(sorted(second)), sum(n for _, n in asked), one, two, both))
    return Captured(sum(n for _, _, n in histories), by_rule, tuple(splits))


def fields(rule: BlockingRule) -> frozenset[str]:
    """The fields that a rule looks at."""
    parts = [*rule.client, *rule.register_parts]
    columns = [part.usual or part.others if isinstance(part, AnyOf) else part for part in parts]
    return frozenset(next((field for start, field in FIELDS.items() if c.startswith(start)), PLACE) for c in columns)
