"""What the report counts in table `link`: outcomes, methods, how sure, and who is linked less often."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from caretrace.groups import Parted
from linkage.evaluate import Share

if TYPE_CHECKING:
    import duckdb

DECISIONS = ("link", "review", "none")
BIN_WIDTH = 0.5
"""Of the histogram, in powers of ten of the odds."""
LOWEST_BIN, HIGHEST_BIN = -8, 12
"""In bins: odds of 1 to 10,000 against, and a million to one; what lies beyond falls into these two."""


@dataclass(frozen=True)
class Method:
    """Clients whose best candidate one pass, or the probabilistic comparison, decided on; null method: no candidate."""

    decision: str
    name: str | None
    clients: int
    had_no_number: int
    had_same_number: int
    had_other_number: int
    doubt: float
    """Sum of 1 - probability: links expected to be wrong, where they are links; 0 where people decided."""
    belief: float
    """Sum of probability: right candidates expected, where they are not linked."""


@dataclass(frozen=True)
class Bin:
    """Clients of one decision whose best candidate's odds lie from 10**(BIN_WIDTH * `place`) up to the next bin."""

    decision: str
    place: int
    clients: int


@dataclass(frozen=True)
class Group:
    """How many clients of one kind were linked."""

    name: str
    linked: Share

    def compared_with(self, overall: float) -> str:
        """`lower` or `higher` where the whole interval lies on one side of `overall`, else `similar`."""
        if self.linked.high < overall:
            return "lower"
        return "higher" if self.linked.low > overall else "similar"


@dataclass(frozen=True)
class Grouping:
    """All clients, split by one thing that is known about them."""

    name: str
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Figures:
    """Everything the report says about links."""

    methods: tuple[Method, ...]
    bins: tuple[Bin, ...]
    groupings: tuple[Grouping, ...]
    reasons: tuple[tuple[str, str, int], ...]
    """Decision, reason and clients, for those not linked."""

    def clients(self, *decisions: str) -> int:
        """Clients with one of `decisions`; all where none is given."""
        return sum(m.clients for m in self.methods if m.decision in (decisions or DECISIONS))

    def links(self) -> tuple[Method, ...]:
        """The methods that linked, as they stand."""
        return tuple(m for m in self.methods if m.decision == "link")

    @property
    def linked(self) -> Share:
        """Linked clients among all."""
        return Share(self.clients("link"), self.clients())

    @property
    def expected_wrong(self) -> float:
        """Links the model expects to be wrong: an estimate that is as good as the model."""
        return sum(m.doubt for m in self.links())

    @property
    def expected_waiting(self) -> float:
        """Right candidates the model expects among those sent to review."""
        return sum(m.belief for m in self.methods if m.decision == "review")


def gather(connection: duckdb.DuckDBPyConnection, parted: Iterable[Parted]) -> Figures:
    """Count `link` against `clients.person`; `parted` is what `caretrace.groups.linked_by_group` found."""
    return Figures(
        tuple(Method(*row) for row in connection.execute(_METHODS).fetchall()),
        tuple(Bin(*row) for row in connection.execute(_BINS).fetchall()),
        tuple(
            Grouping(each.name, tuple(Group(g.name, Share(g.counts[1], g.counts[0])) for g in each.groups))
            for each in parted
        ),
        tuple(connection.execute(_REASONS).fetchall()),
    )


# Decimals, since a sum of doubles depends on the number of threads.
_METHODS = """SELECT decision, method, count(*),
        count(*) FILTER (p.nhs_number IS NULL),
        count(*) FILTER (p.nhs_number = l.nhs_number),
        count(*) FILTER (p.nhs_number <> l.nhs_number),
        CAST(coalesce(sum(CAST(CASE WHEN method IN ('review', 'trace') THEN 0 ELSE 1 - l.probability END
            AS DECIMAL(18, 12))), 0) AS DOUBLE),
        CAST(coalesce(sum(CAST(l.probability AS DECIMAL(18, 12))), 0) AS DOUBLE)
    FROM link l JOIN clients.person p USING (source, source_org, record_id) GROUP BY ALL ORDER BY ALL"""

_BINS = f"""SELECT decision, CASE
            WHEN probability >= 1 THEN {HIGHEST_BIN}
            WHEN probability <= 0 THEN {LOWEST_BIN}
            ELSE greatest({LOWEST_BIN}, least({HIGHEST_BIN},
                CAST(floor(log10(probability / (1 - probability)) / {BIN_WIDTH}) AS INTEGER))) END AS place,
        count(*)
    FROM link WHERE probability IS NOT NULL GROUP BY ALL ORDER BY ALL"""

_REASONS = """SELECT decision, coalesce(reason, ''), count(*) FROM link WHERE decision <> 'link'
    GROUP BY ALL ORDER BY decision DESC, count(*) DESC, 2"""
