"""What the report counts in the `link` table: outcomes, methods, how sure, and who is linked less often."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from caretrace.report.intervals import Share
from schemas.codes import ETHNIC_CATEGORY, GENDER

if TYPE_CHECKING:
    import duckdb

DECISIONS = ("link", "review", "none")
BIN_WIDTH = 0.5
"""Of the histogram, in powers of ten of the odds."""
LOWEST_BIN, HIGHEST_BIN = -8, 12
"""In bins: odds of 1 to 10,000 against, and a million to one; what lies beyond falls into these two."""
SMALL_GROUP = 10
"""A group of fewer clients is put together with others: its share would say more about chance than about the group."""
AGE_BANDS = ((0, 17), (18, 24), (25, 34), (35, 44), (45, 54), (55, 64), (65, 74), (75, 84), (85, None))


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
    """Sum of 1 - probability: links expected to be wrong, where they are links."""
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


def gather(connection: duckdb.DuckDBPyConnection, *, as_at: date) -> Figures:
    """Count `link` against `clients.person`; ages are those on `as_at`."""
    return Figures(
        tuple(Method(*row) for row in connection.execute(_METHODS).fetchall()),
        tuple(Bin(*row) for row in connection.execute(_BINS).fetchall()),
        _groupings(connection, as_at),
        tuple(connection.execute(_REASONS).fetchall()),
    )


# Decimals, since a sum of doubles depends on the number of threads.
_METHODS = """SELECT decision, method, count(*),
        count(*) FILTER (p.nhs_number IS NULL),
        count(*) FILTER (p.nhs_number = l.nhs_number),
        count(*) FILTER (p.nhs_number <> l.nhs_number),
        CAST(coalesce(sum(CAST(1 - l.probability AS DECIMAL(18, 12))), 0) AS DOUBLE),
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


def _groupings(connection: duckdb.DuckDBPyConnection, as_at: date) -> tuple[Grouping, ...]:
    names = [age_band(low, high) for low, high in AGE_BANDS]
    arms = " ".join(
        f"WHEN age <= {high} THEN '{name}'" for name, (_, high) in zip(names, AGE_BANDS, strict=True) if high
    )
    rows = connection.execute(f"""
        SELECT CASE GROUPING(age_band, gender, ethnicity) WHEN 3 THEN 'age' WHEN 5 THEN 'gender' ELSE 'ethnicity' END,
            coalesce(age_band, gender, ethnicity), count(*) FILTER (linked), count(*)
        FROM (SELECT decision = 'link' AS linked, gender, ethnicity,
                CASE WHEN age < 0 OR age IS NULL THEN NULL {arms} ELSE '{names[-1]}' END AS age_band
            FROM (SELECT decision, gender, ethnicity, date_sub('year', birth_date, DATE '{as_at}')
                    - CAST(birth_date > DATE '{as_at}' AS INTEGER) AS age
                FROM link JOIN clients.person USING (source, source_org, record_id)))
        GROUP BY GROUPING SETS (age_band, gender, ethnicity)""").fetchall()
    return tuple(
        grouping
        for key, title, order, name_of in (
            ("age", "Age", names, lambda code: code),
            ("gender", "Gender", list(GENDER.values()), lambda code: GENDER.get(code, code)),
            ("ethnicity", "Ethnicity", _ETHNIC_GROUPS, ethnic_group),
        )
        if (
            grouping := _grouping(
                title, order, [(name_of(code), *counts) for kind, code, *counts in rows if kind == key]
            )
        )
    )


_UNKNOWN = "not recorded"


def age_band(low: int, high: int | None) -> str:
    """How a band is called: `under 18`, `18 to 24`, `85 and over`."""
    if high is None:
        return f"{low} and over"
    return f"under {high + 1}" if low == 0 else f"{low} to {high}"


def ethnic_group(code: str | None) -> str | None:
    """The part of the category's name before its colon: the census groups, which are large enough to compare."""
    label = ETHNIC_CATEGORY.get(code or "")
    return label.split(":")[0] if label else code


_ETHNIC_GROUPS = list(dict.fromkeys(str(ethnic_group(code)) for code in ETHNIC_CATEGORY))


def _grouping(title: str, order: list[str], rows: list[tuple[Any, ...]]) -> Grouping | None:
    """Add up rows of one name, put small groups together at the end; None where nothing but null is held."""
    if not any(name for name, _, _ in rows):
        return None
    counts: dict[str, tuple[int, int]] = {}
    for name, linked, clients in rows:
        before = counts.get(name or _UNKNOWN, (0, 0))
        counts[name or _UNKNOWN] = (before[0] + linked, before[1] + clients)
    places = {name: place for place, name in enumerate([*order, *sorted(set(counts) - {*order, _UNKNOWN}), _UNKNOWN])}
    groups = [Group(name, Share(*counts[name])) for name in sorted(counts, key=places.__getitem__)]
    small = [group.linked for group in groups if group.linked.whole < SMALL_GROUP]
    large = [group for group in groups if group.linked.whole >= SMALL_GROUP]
    if small:
        together = Share(sum(s.part for s in small), sum(s.whole for s in small))
        large.append(Group(f"groups of under {SMALL_GROUP}, together", together))
    return Grouping(title, tuple(large))
