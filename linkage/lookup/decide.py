"""Candidates into one decision: `linkage.decide` in Python."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from linkage.comparison import COMPARISONS, Comparison, Role, Stance
from linkage.decide import RIVALS
from linkage.guards import KIN_ARE_RARE, YIELDS_AT, guards
from linkage.lookup.answer import Candidate, Match
from linkage.lookup.register import Register
from linkage.lookup.weigh import Weighed, Weigher
from linkage.model import Bands
from linkage.passes import PASSES, PROBABILISTIC
from linkage.rank import CANDIDATES_KEPT, KEPT_ABOVE, SETTLED_BITS
from linkage.weigh import prior_bits


@dataclass(frozen=True)
class Ranked:
    """One person among the candidates: its best row's place in Weighed, and what is made of it."""

    at: int
    person: int
    weight: float
    probability: float
    passed: int | None
    """Place of the pass that holds for this person alone."""


def is_settled(first: Weighed) -> bool:
    """Whether the candidates of the first rules hold one clear person, as `linkage.rank.settled_sql`."""
    people = _people(first)
    passes = _passes(first)
    if len(passes) != 1 or not people:
        return False
    weights = sorted((first.weight[at] for at in people.values()), reverse=True)
    best = next(person for person, at in people.items() if first.weight[at] == weights[0])
    second = weights[1] if len(weights) > 1 else -1e6
    return best in passes and weights[0] >= SETTLED_BITS and weights[0] - second >= SETTLED_BITS


def rank(weighed: Weighed) -> list[Ranked]:
    """Every person among the candidates, likeliest first, as `linkage.rank.ranked_sql`."""
    people = _people(weighed)
    top = max([0.0, *(weighed.weight[at] for at in people.values())])
    shares = {person: _share(weighed.weight[at] - top) for person, at in people.items()}
    total = float(_share(-top) + sum(shares.values()))
    passes = _passes(weighed)
    firsts = list(passes.values())
    alone = {person: place for person, place in passes.items() if firsts.count(place) == 1}
    ordered = sorted(people.items(), key=lambda each: (-weighed.weight[each[1]], each[0] < 0, weighed.tie[each[1]]))
    return [
        Ranked(at, person, weighed.weight[at], float(shares[person]) / total, alone.get(person))
        for person, at in ordered
    ]


def _people(weighed: Weighed) -> dict[int, int]:
    """The best row of each person, as its place among the candidates."""
    best: dict[int, int] = {}
    for at, person in enumerate(weighed.person):
        known = best.get(person)
        if known is None or (-weighed.weight[at], weighed.tie[at]) < (-weighed.weight[known], weighed.tie[known]):
            best[person] = at
    return best


def _passes(weighed: Weighed) -> dict[int, int]:
    """The first pass that holds for any row of a person, where one does."""
    found: dict[int, int] = {}
    for person, place in zip(weighed.person, weighed.passed, strict=True):
        if place is not None:
            found[person] = min(place, found.get(person, place))
    return found


def _share(bits: float) -> int:
    """2^bits in shares of 2^40, halves rounded up, as `linkage.weigh.posterior_sql`."""
    exact = math.pow(2.0, bits) * 2**40
    whole = math.floor(exact)
    return whole + (exact - whole >= 0.5)


@dataclass(frozen=True)
class Best:
    """What the guards look at."""

    levels: list[int]
    probability: float
    unnumbered: bool
    """It has no NHS number in a register where people have one."""
    own_number_taken: bool
    """The client's number is another's in the register."""
    rival: bool
    """Another candidate fits in one of the ways of `RIVALS`."""
    kin_are_rare: bool
    """The register is not one of households."""
    comparisons: tuple[Comparison, ...] = COMPARISONS
    """What `levels` are of."""

    def reached(self, role: Role, stance: Stance) -> bool:
        """Whether a comparison of that role reached a level of that stance."""
        return any(
            found >= 0 and each.levels[found].stance == stance
            for each, found in zip(self.comparisons, self.levels, strict=True)
            if each.role == role
        )

    def silent(self, role: Role) -> bool:
        """Whether every comparison of that role says nothing."""
        return all(found < 0 for each, found in zip(self.comparisons, self.levels, strict=True) if each.role == role)

    @property
    def unsupported(self) -> bool:
        """The addresses do not agree."""
        return not self.reached("place", "agrees")

    @property
    def no_number(self) -> bool:
        """The NHS numbers do not agree."""
        return not self.reached("number", "agrees")


def _another_given_name(best: Best) -> bool:
    cross_checked = best.reached("number", "agrees") and best.reached("birth", "agrees")
    supported = best.reached("place", "agrees") or best.reached("family", "agrees")
    return best.reached("given", "differs") and not (cross_checked and supported and not best.rival)


def _number_of_another(best: Best) -> bool:
    everything = all(best.reached(role, "agrees") for role in _IDENTITY)
    return best.own_number_taken and not everything


_IDENTITY: tuple[Role, ...] = ("given", "family", "birth", "place")
_GUARDS: dict[str, Callable[[Best], bool]] = {
    "the best candidate has no NHS number in the register": lambda best: best.unnumbered,
    "the given name is a different one": _another_given_name,
    "the date of birth is a different one": lambda best: best.reached("birth", "differs"),
    "the client's own NHS number belongs to somebody else in the register": _number_of_another,
    "the NHS numbers differ and the addresses do not support a link": lambda best: (
        best.reached("number", "differs") and best.unsupported
    ),
    "the given name is not known, and neither number nor address supports a link": lambda best: (
        best.silent("given") and best.unsupported and best.no_number
    ),
    "only the names agree": lambda best: best.silent("birth") and best.unsupported and best.no_number,
    "only the NHS number agrees": lambda best: (
        not best.no_number and not any(best.reached(role, "agrees") for role in _IDENTITY)
    ),
}
"""The conditions of `linkage.guards.guards` in Python, by name."""
GUARDS = guards(COMPARISONS)
if {guard.name for guard in GUARDS} != _GUARDS.keys():
    raise ImportError(
        "linkage.lookup.decide and linkage.guards have different guards:"
        f" {sorted({guard.name for guard in GUARDS} ^ _GUARDS.keys())}"
    )


def guarded(best: Best) -> str | None:
    """The first guard that holds."""
    for guard in GUARDS:
        sure = guard.yields == "no number" and best.silent("number") and best.probability >= YIELDS_AT
        yields = guard.yields != "never" and (best.kin_are_rare or sure)
        if not yields and _GUARDS[guard.name](best):
            return guard.name
    return None


def decide(
    weigher: Weigher, register: Register, weighed: Weighed, bands: Bands, *, numbered: bool, number_is_held: bool
) -> Match:
    """The decision on one client from all its candidates.

    `numbered`: register people have NHS numbers as a rule. `number_is_held`: the client's number is in the register.
    """
    ranked = rank(weighed)
    if not ranked:
        return Match("none", (), "no register record shares enough to be a candidate", weigher.model_id)
    kept = [each for place, each in enumerate(ranked[:CANDIDATES_KEPT]) if place == 0 or each.probability >= KEPT_ABOVE]
    best = kept[0]
    kin_are_rare = weigher.model.household < KIN_ARE_RARE
    compared = tuple(each.comparison for each in weigher.bits)
    unnumbered = best.person < 0 and numbered
    facts = Best(weighed.levels[best.at], best.probability, unnumbered, False, False, kin_are_rare, compared)
    others = [replace(facts, levels=weighed.levels[each.at]) for each in kept[1:]]
    rival = any(all(each.reached(role, "agrees") for role in roles) for each in others for roles in RIVALS)
    facts = replace(facts, rival=rival)
    facts = replace(facts, own_number_taken=number_is_held and facts.reached("number", "differs"))
    guard = guarded(facts) if best.probability >= bands.review_at else None
    if best.probability >= bands.link_at and guard is None:
        decision = "link"
    else:
        decision = "review" if best.probability >= bands.review_at else "none"
    second = kept[1].probability if len(kept) > 1 else 0.0
    candidates = tuple(_candidate(weigher, register, weighed, each, place) for place, each in enumerate(kept, 1))
    return Match(decision, candidates, _reason(decision, guard, second), weigher.model_id)


def _reason(decision: str, guard: str | None, second: float) -> str | None:
    if decision == "link" or guard is not None:
        return guard
    if decision == "none":
        return "no candidate is likely enough"
    return "two candidates are close" if second >= 0.05 else "the evidence is not strong enough to link"


def _candidate(weigher: Weigher, register: Register, weighed: Weighed, ranked: Ranked, place: int) -> Candidate:
    at = ranked.at
    source, organisation, record_id = register.name_of(weighed.rows[at])
    said = [
        (each.comparison, found, bits)
        for each, found, bits in zip(weigher.bits, weighed.levels[at], weighed.evidence[at], strict=True)
        if found >= 0
    ]
    return Candidate(
        rank=place,
        nhs_number=f"{ranked.person:010}" if ranked.person >= 0 else None,
        source=source,
        source_org=organisation,
        record_id=record_id,
        method=PROBABILISTIC if ranked.passed is None else PASSES[ranked.passed].name,
        weight=round(ranked.weight, 6),
        probability=round(ranked.probability, 9),
        levels={comparison.name: comparison.levels[found].name for comparison, found, _ in said},
        bits={comparison.name: round(bits, 6) for comparison, _, bits in said},
        household_bits=round(weighed.household[at], 6),
        prior_bits=round(prior_bits(weigher.model, register.people.people), 6),
    )
