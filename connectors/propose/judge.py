"""Which column is which field, by title and contents together; what neither settles is said, not guessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from connectors.propose.contents import Evidence
from connectors.propose.fields import ALONE, DAYS, contents, holds
from connectors.propose.proposal import LIKELY, POSSIBLE, Candidate, Column, Sheet
from connectors.propose.titles import closeness
from connectors.suppliers.mapped.fields import EVENTS, KINDS

_NEAR = 0.12
"""Two columns whose scores are no further apart are equally likely."""
_OTHERS = {
    "worker",
    "team",
    "carer",
    "kin",
    "emergency",
    "staff",
    "manager",
    "allocated",
    "author",
    "created",
    "updated",
}
_OTHERS |= {"modified", "contact", "guardian", "nok", "partner"}
"""Words of a title that speak of somebody else than the person, or of the record."""

NEEDED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "person": (
        ("person_id",),
        ("family_name", "full_name"),
        ("given_name", "given_names", "full_name"),
        ("birth_date",),
    ),
    "address": (("person_id",), ("address_line_1", "address", "street", "postcode")),
    "identifier": (("person_id",), ("scheme",), ("value",)),
    "name": (("person_id",), ("name_type",), ("family_name",)),
    "phone": (("person_id",), ("phone",)),
    "service": (("person_id",), ("service_type",), ("start_date",)),
    "assessment": (("person_id",), ("assessment_type",), ("start_date",)),
    "request": (("person_id",), ("route_of_access",), ("start_date",)),
    "care_review": (("person_id",), ("review_reason",), ("start_date",)),
}
"""What a kind of file must have: of each group one. A file is of the first kind that has it all surely enough."""


@dataclass(frozen=True)
class Seen:
    """A column as it was looked at."""

    title: str
    position: int
    evidence: Evidence


def judge(
    name: str,
    columns: Sequence[Seen],
    *,
    favoured: Callable[[str, str], tuple[str, ...]],
    not_after: Mapping[tuple[str, str], float],
    shared: Mapping[str, float],
    as_at: date,
    preamble: int = 0,
) -> Sheet:
    """What kind of file the columns make, and which field each is.

    `favoured` gives the titles of the system the files are said to come from, by kind and field; `not_after` says of
    pairs of date columns how often the first is not later; `shared` says of columns how many of their values are
    numbers of persons in the file of the people.
    """
    tries = {kind: _assigned(kind, columns, favoured, not_after, shared, as_at) for kind in NEEDED}
    kind = max(tries, key=lambda kind: _fit(kind, tries[kind], len(columns)))
    if _fit(kind, tries[kind], len(columns)) == 0:
        kind = "person"
        chosen, table, open_questions = tries[kind]
        known: str | None = None
    else:
        (chosen, table, open_questions), known = tries[kind], kind
    made = []
    for column in columns:
        options = sorted((c for c in table[column.title].values()), key=lambda c: -c.score)
        best = chosen.get(column.title)
        others = tuple(c for c in options if c != best and c.score >= POSSIBLE)[:3]
        made.append(Column(column.title, best, others, holds(column.evidence)))
    dated = [column for column in columns if column.evidence.date > 0.5]
    forms = sorted(
        {c.evidence.form for c in dated if c.evidence.form},
        key=lambda f: (-sum(c.evidence.form == f for c in dated), f),
    )
    american = tuple(c.title for c in columns if c.evidence.american > 0.02)
    whole = [c for c in columns if (best := chosen.get(c.title)) and best.field == "full_name"]
    commas = any(c.evidence.commas > 0.5 for c in whole)
    return Sheet(name, known, tuple(made), open_questions, tuple(forms), american, commas, preamble)


_Chosen: TypeAlias = dict[str, Candidate]
_Table: TypeAlias = dict[str, dict[str, Candidate]]
_Tried: TypeAlias = tuple[_Chosen, _Table, tuple[tuple[str, tuple[str, ...]], ...]]
_NARROW = {"phone": 8, "name": 8, "identifier": 10}
"""Kinds of file that have no more columns than this; a wider one is something else with such a column."""


def _fit(kind: str, tried: _Tried, columns: int) -> float:
    """How well the columns make a file of a kind: 0 where one is missing that it must have.

    A field that several columns could be is not missing; it only has to be chosen.
    """
    chosen, table, open_questions = tried
    scores = {candidate.field: candidate.score for candidate in chosen.values()}
    scores |= {field: table[titles[0]][field].score for field, titles in open_questions}
    needed = [max((scores.get(field, 0.0) for field in group), default=0.0) for group in NEEDED[kind]]
    if min(needed) < LIKELY or (kind in _NARROW and columns > _NARROW[kind]):
        return 0.0
    return (2.0 if kind == "person" else 0.0) + sum(needed) / len(needed) + 0.2 * sum(scores.values())


def _assigned(
    kind: str,
    columns: Sequence[Seen],
    favoured: Callable[[str, str], tuple[str, ...]],
    not_after: Mapping[tuple[str, str], float],
    shared: Mapping[str, float],
    as_at: date,
) -> _Tried:
    """The likeliest pairs first, each column and each field once; a field two columns could be as well is left open."""
    table: _Table = {}
    named: dict[tuple[str, str], float] = {}
    for column in columns:
        table[column.title] = {}
        for field in KINDS[kind]:
            named[column.title, field] = closeness(column.title, kind, field, favoured(kind, field))
            found = _weighed(kind, field, column, named[column.title, field], not_after, shared, columns, as_at)
            if found:
                table[column.title][field] = found
    pairs = [
        (candidate.score, -at, c.title, candidate)
        for at, c in enumerate(columns)
        for candidate in table[c.title].values()
    ]
    chosen: _Chosen = {}
    used: set[str] = set()
    open_questions = []
    for score, _, title, candidate in sorted(pairs, key=lambda pair: (-pair[0], -pair[1])):
        if score < LIKELY or title in chosen or candidate.field in used:
            continue
        rivals = [
            other.title
            for other in columns
            if other.title != title
            and other.title not in chosen
            and (rival := table[other.title].get(candidate.field))
            and rival.score >= max(LIKELY, score - _NEAR)
            and named[other.title, candidate.field] >= named[title, candidate.field] - 0.1
            and rival.score >= max(each.score for each in table[other.title].values()) - 0.001
        ]
        used.add(candidate.field)
        if rivals:
            open_questions.append((candidate.field, (title, *rivals)))
        else:
            chosen[title] = candidate
    if {"family_name", "given_name"} <= {candidate.field for candidate in chosen.values()}:
        # The whole name beside its parts says nothing more.
        chosen = {title: candidate for title, candidate in chosen.items() if candidate.field != "full_name"}
    return _with_lines(columns, chosen, table), table, tuple(open_questions)


def _weighed(
    kind: str,
    field: str,
    column: Seen,
    title: float,
    not_after: Mapping[tuple[str, str], float],
    shared: Mapping[str, float],
    columns: Sequence[Seen],
    as_at: date,
) -> Candidate | None:
    told = contents(field, column.evidence, as_at)
    if field == "person_id" and shared:
        share = shared[column.title]
        told = (share, f"{share:.0%} of its values are numbers of people in the file of the people")
    elif field == "person_id" and told and column.position == 0 and told[0] > 0.5:
        told = (min(1.0, told[0] + 0.1), f"it stands first, {told[1]}")
    if field == "birth_date" and told and told[0] > 0.2:
        told = _first_of_all(column, columns, not_after, told)
    others = set(column.title.lower().replace("_", " ").split()) & _OTHERS
    if others and kind not in EVENTS and not title >= 0.95:
        return None
    if told is None:
        score, reason = 0.8 * title, f"its title says so{'' if column.evidence.filled else '; it is empty'}"
    elif title == 0:
        score, reason = told[0] * ALONE.get(field, 0.35 if field in DAYS else 0.0), told[1]
    elif told[0] < 0.2:
        score, reason = 0.45 * title, f"its title says so, but {told[1]}"
    else:
        score, reason = (
            1 - (1 - 0.9 * title) * (1 - told[0] * ALONE.get(field, 0.5)),
            f"its title says so, and {told[1]}",
        )
    return Candidate(field, round(score, 3), reason) if score > 0.05 else None


def _first_of_all(
    column: Seen, columns: Sequence[Seen], not_after: Mapping[tuple[str, str], float], told: tuple[float, str]
) -> tuple[float, str]:
    """Nobody has an address or a service before they are born."""
    shares = [not_after[column.title, other.title] for other in columns if (column.title, other.title) in not_after]
    if shares and min(shares) > 0.95:
        return min(1.0, told[0] + 0.1), f"{told[1]}, none later than the other dates of its record"
    if shares and min(shares) < 0.5:
        return 0.3 * told[0], f"{told[1]}, but other dates of its records are earlier"
    return told


def _with_lines(columns: Sequence[Seen], chosen: _Chosen, table: _Table) -> _Chosen:
    """The columns between the first line of an address and its postcode are its other lines."""
    at = {candidate.field: n for n, c in enumerate(columns) if (candidate := chosen.get(c.title))}
    if "address_line_1" not in at or "postcode" not in at or not at["address_line_1"] < at["postcode"]:
        return chosen
    between = [c for c in columns[at["address_line_1"] + 1 : at["postcode"]] if c.title not in chosen]
    free = [f"address_line_{n}" for n in range(2, 6) if f"address_line_{n}" not in at]
    more = dict(chosen)
    for column, field in zip(between, free, strict=False):
        e = column.evidence
        if e.filled and max(e.date, e.numbers, e.flags, e.genders, e.emails, e.phones) < 0.2:
            more[column.title] = Candidate(
                field, LIKELY, "it stands between the first line of the address and the postcode"
            )
            table[column.title][field] = more[column.title]
    return more
