"""Levels into bits: `linkage.frequencies`, `weigh` and `passes` in Python, for one client's candidates."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from linkage.comparison import COMPARISONS, Comparison
from linkage.frequencies import _AGREE_PAIRS as AGREE_PAIRS
from linkage.frequencies import LEAN_COHORT, LEAN_REGISTER, USUAL_AGREEMENT, USUAL_YEAR
from linkage.lookup.columns import Array
from linkage.lookup.levels import reached
from linkage.lookup.pairs import Pairs
from linkage.lookup.register import NO_TEXT
from linkage.lookup.texts import key_of
from linkage.model import FLOOR, ComparisonWeights, Model, shares_among
from linkage.passes import PASSES
from linkage.weigh import prior_bits
from schemas.errors import SettingsError


class Frequencies:
    """How common a client's values are in the register, as the columns of u that `linkage.frequencies` makes."""

    def __init__(self, pairs: Pairs, names_together: float) -> None:
        self.pairs, self.register, self.names_together = pairs, pairs.register, names_together
        self.people = max(self.register.people.people, 1)
        self._counted: dict[tuple[str | int | None, ...], int] = {}

    def _count(self, what: str, *parts: str | int | None) -> int:
        """People counted under a key; 1 where nobody is, for the client herself."""
        asked = (what, *parts)
        if asked not in self._counted:
            known = [part for part in parts if part]
            count = self.register.counts.of(key_of(what, *known)) if len(known) == len(parts) else 0
            self._counted[asked] = count or 1
        return self._counted[asked]

    def _share(self, count: int, what: str, people: int | None = None) -> float:
        """What share of `people` has something, of everybody where none are given."""
        held = self.register.people
        same, known = held.same[what], held.known[what]
        agree = (same + AGREE_PAIRS * USUAL_AGREEMENT[what]) / (known * max(known - 1, 0) + AGREE_PAIRS)
        return (count + LEAN_REGISTER * agree) / ((people or self.people) + LEAN_REGISTER)

    def _text(self, column: str, row: int) -> str | None:
        code = int(self.pairs[column][row])
        return None if code == NO_TEXT else self.pairs.text(code)

    def given_u(self, row: int) -> float:
        """As common as the name is among people of that gender and decade of birth."""
        name = self._text("given", row)
        gender, year = int(self.pairs["gender"][row]), int(self.pairs["birth_year"][row])
        decade = year // 10 + 1 if year else None
        given = self._share(self._count("given", name), "given")
        cohort = self._count("cohort", gender, decade)
        return (self._count("given_cohort", name, gender, decade) + LEAN_COHORT * given) / (cohort + LEAN_COHORT)

    def nickname_u(self, row: int) -> float:
        """Any of a handful of nicknames would have done as well."""
        return min(3 * self.given_u(row), 1)

    def middle_u(self, _row: int) -> float:
        """As common as the client's middle name is among people of her gender and decade of birth who have one."""
        client = self.pairs.client
        decade = client.birth_year // 10 + 1 if client.birth_year else None
        usual = self._share(self._count("middle", client.middle), "middle", self.register.people.known["middle"] or 1)
        known = self._count("middle_known", client.gender, decade, 1)
        cohort = self._count("middle_cohort", client.middle, client.gender, decade)
        return (cohort + LEAN_COHORT * usual) / (known + LEAN_COHORT)

    def _family(self, name: str | None) -> float:
        return self._share(self._count("family", name), "family")

    def family_u(self, row: int) -> float:
        """As common as the name is among people of that given name, where the given names agree."""
        client, family = self.pairs.client, self._family(self._text("family", row))
        if self.pairs["given"][row] != self.pairs.given_code:
            return family
        both, together = self._count("names", client.given, client.family), self.names_together
        return family * (both + together) / (self._count("given", client.given) * family + together)

    def family_near_u(self, row: int) -> float:
        """As common as the register's name is among all."""
        return self._family(self._text("family", row))

    def other_family_u(self, row: int) -> float:
        """Either name would have done."""
        return min(self._family(self._text("family", row)) + self._family(self.pairs.client.family), 1)

    def birth_u(self, _row: int) -> float:
        """How many people were born that day."""
        client = self.pairs.client
        known = client.birth_date is not None
        parts = (client.birth_year, client.birth_month, client.birth_day)
        return self._share(self._count("birth_date", *parts) if known else 1, "birth_date")

    def year_u(self, _row: int) -> float:
        """How many of the people whose date of birth is known were born that year."""
        year = self._count("year", self.pairs.client.birth_year, 1)
        dated = self.register.people.known["birth_date"] or 1
        return (year + LEAN_REGISTER * USUAL_YEAR) / (dated + LEAN_REGISTER)

    def house_u(self, _row: int) -> float:
        """How many people live in the house."""
        client = self.pairs.client
        return self._count("house", client.unit, self.pairs.house_number or None) / self.people

    def unit_u(self, _row: int) -> float:
        """How many people have the postcode."""
        return self._share(self._count("unit", self.pairs.client.unit), "unit")

    def other_unit_u(self, row: int) -> float:
        """Either of two or so postcodes on either side would have done."""
        return min(2 * self.unit_u(row), 1)


_OWN_U: dict[str, Callable[[Frequencies, int], float]] = {
    "given_u": Frequencies.given_u,
    "nickname_u": Frequencies.nickname_u,
    "middle_u": Frequencies.middle_u,
    "family_u": Frequencies.family_u,
    "family_near_u": Frequencies.family_near_u,
    "other_family_u": Frequencies.other_family_u,
    "birth_u": Frequencies.birth_u,
    "year_u": Frequencies.year_u,
    "house_u": Frequencies.house_u,
    "unit_u": Frequencies.unit_u,
    "other_unit_u": Frequencies.other_unit_u,
}
_declared = {
    name for each in COMPARISONS for level in each.levels for name in (level.frequency, level.at_least) if name
}
if not _declared <= _OWN_U.keys():
    raise ImportError(f"linkage.lookup.weigh has no form of these frequencies: {sorted(_declared - _OWN_U.keys())}")


@dataclass(frozen=True)
class Bits:
    """One comparison's log2 of m, u and h by level, and a 0 at the end, where -1 (says nothing) points."""

    comparison: Comparison
    m: Array
    u: Array
    h: Array
    among: tuple[float, ...]
    """Log2 of the share of pairs of each level's kind (linkage.model.shares_among)."""

    @classmethod
    def of(cls, weights: ComparisonWeights) -> Bits:
        """From a model; rounded as in SQL."""

        def table(kind: str) -> Array:
            values = [math.log2(max(getattr(level, kind), FLOOR)) for level in weights.levels]
            return np.array([*(round(value, 9) for value in values), 0.0])

        among = tuple(round(math.log2(share), 9) for share in shares_among(weights))
        return cls(weights.comparison, table("m"), table("u"), table("h"), among)


@dataclass(frozen=True)
class Weigher:
    """A model made ready for one client after the other."""

    model: Model
    model_id: str
    bits: tuple[Bits, ...]
    own_bits: Mapping[str, tuple[Bits, ...]]
    """Those of clients of a system that has error rates of its own."""
    passes: tuple[tuple[tuple[int, Array], ...], ...]
    """For each pass the comparisons it asks about, by place, and whether each level (at the end: none) will do."""

    @classmethod
    def of(cls, model: Model) -> Weigher:
        """Raise SettingsError for a model whose comparisons are not those that ship: they have no Python form."""
        if not model.is_standard:
            raise SettingsError(
                "the model brings comparisons of its own, which instant look-up does not have; use `caretrace.link`,"
                " or a model of the comparisons that ship"
            )
        comparisons = [each.comparison for each in model.comparisons]
        accepts = tuple(_accepts(each.accepts, comparisons) for each in PASSES)
        own = {source: tuple(map(Bits.of, model.of(source).comparisons)) for source in model.sources}
        return cls(model, model.model_id, tuple(map(Bits.of, model.comparisons)), own, accepts)


def _accepts(
    accepts: Mapping[str, tuple[str | None, ...]], comparisons: list[Comparison]
) -> tuple[tuple[int, Array], ...]:
    places = {each.name: place for place, each in enumerate(comparisons)}
    return tuple(
        (
            places[name],
            np.array([*(level.name in wanted for level in comparisons[places[name]].levels), None in wanted]),
        )
        for name, wanted in accepts.items()
    )


@dataclass(frozen=True)
class Weighed:
    """A client's candidates, each a register row, with their levels and weights; lists run over candidates."""

    rows: list[int]
    person: list[int]
    """NHS number, or below 0 where the row has none."""
    tie: list[int]
    levels: list[list[int]]
    """By candidate, the level reached on each comparison; -1 where it says nothing."""
    evidence: list[list[float]]
    """By candidate, log2(m / u) of each comparison."""
    household: list[float]
    weight: list[float]
    passed: list[int | None]
    """Place of the first pass that holds."""

    @classmethod
    def none(cls) -> Weighed:
        """No candidate."""
        return cls([], [], [], [], [], [], [], [])

    def __add__(self, other: Weighed) -> Weighed:
        return Weighed(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


def weigh(weigher: Weigher, pairs: Pairs) -> Weighed:
    """Compare and weigh; the same sums in the same order as the SQL of `linkage.weigh`."""
    model = weigher.model
    frequencies = Frequencies(pairs, model.names_together)
    bits = weigher.own_bits.get(pairs.client.source or "", weigher.bits)
    levels = [reached(each.comparison, pairs) for each in bits]
    u = [_u(each, found, frequencies) for each, found in zip(bits, levels, strict=True)]
    evidence = [each.m[found] - own for each, found, own in zip(bits, levels, u, strict=True)]
    h = _sum([each.h[found] for each, found in zip(bits, levels, strict=True)])
    people = pairs.register.people.people
    relatives = math.log2(max(model.household, FLOOR) / max(people, 1))
    excess = np.minimum(h + relatives - _sum(u), 500.0)
    # Python's own power and logarithm are the C library's, as DuckDB's are; NumPy's may differ in the last bit.
    household = [-math.log2(1.0 + math.pow(2.0, x)) for x in excess.tolist()]
    weight = _sum(evidence) + np.array(household) + prior_bits(model, people)
    rows = pairs.rows.tolist()
    numbers = pairs["nhs"].tolist()
    return Weighed(
        rows=rows,
        person=[number or -row - 1 for number, row in zip(numbers, rows, strict=True)],
        tie=pairs.register.fields["tie"].values[pairs.rows].tolist(),
        levels=np.array(levels).T.tolist(),
        evidence=np.array(evidence).T.tolist(),
        household=household,
        weight=weight.tolist(),
        passed=_passed(weigher, levels, len(rows)),
    )


def _sum(columns: list[Array]) -> Array:
    total = columns[0]
    for column in columns[1:]:
        total = total + column
    return total


def _u(bits: Bits, levels: Array, frequencies: Frequencies) -> Array:
    """Log2 of u by candidate: the level's average, or the pair's own where it is a frequency."""
    u = bits.u[levels]
    for row, index in enumerate(levels.tolist()):
        level = bits.comparison.levels[index]
        if index >= 0 and (named := level.frequency or level.at_least):
            found = math.log2(_OWN_U[named](frequencies, row)) + bits.among[index]
            u[row] = found if level.frequency else max(u[row], found)
    return u


def _passed(weigher: Weigher, levels: list[Array], count: int) -> list[int | None]:
    passed: list[int | None] = [None] * count
    for place in reversed(range(len(weigher.passes))):
        holds = np.ones(count, bool)
        for comparison, will_do in weigher.passes[place]:
            holds &= will_do[levels[comparison]]
        for row in np.flatnonzero(holds).tolist():
            passed[row] = place
    return passed
