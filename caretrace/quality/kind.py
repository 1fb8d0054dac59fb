"""What a kind of gap or inconsistency is: words for people, and the SQL that finds its records."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from connectors import suppliers


class Severity(Enum):
    """How soon somebody should look; the value is the word for readers, and the order that of the lists."""

    URGENT = "now"
    """Somebody may be harmed, or taken for another person."""
    SOON = "soon"
    """It stands in the way of finding the person, or is wrong in one of the systems."""
    LATER = "later"
    """A gap that linking does not need filled."""


class Mender(Enum):
    """Who can put it right; the value is the phrase for readers."""

    HOLDER = "whoever holds the record"
    COUNCIL = "the council"
    PRACTICE = "the GP practice"
    HOSPITAL = "the hospital"
    TRACING = "the tracing service"
    PDS = "the council or practice, after tracing the person on PDS"


_WHO = {"practice": Mender.PRACTICE, "hospital": Mender.HOSPITAL, "tracing service": Mender.TRACING}
HOLDERS = {name: _WHO[who] for name, who in suppliers.holders().items()}
"""Who holds the records of a system, as its declaration says; of the others the side decides."""


@dataclass(frozen=True)
class Where:
    """Found by looking at the record alone: a condition over the PERSON row `p`, cheap where it reads few columns."""

    sql: str
    asks: bool = False
    """Whether it asks another table too, such as what was refused on reading."""


@dataclass(frozen=True)
class Rows:
    """Found by a query that gives `row`, a rowid of {side}.person; other placeholders: {today}."""

    sql: str
    sides: tuple[str, ...] = ("clients", "register")
    needs_link: bool = False


@dataclass(frozen=True)
class Pair:
    """Found by holding record `a` against record `b` of the same person in another system or organisation.

    `sql` is a condition over both. Of several records of the other organisation `every` one must fulfil it, or else
    any. `note` is SQL of a word for the list, never made of a value.
    """

    sql: str
    every: bool = True
    note: str = "NULL"
    unlike: bool = False
    """Whether it is about two records that can hardly be of one person, of which nothing else is then said."""


@dataclass(frozen=True)
class Kind:
    """One way in which records are incomplete or contradict each other."""

    name: str
    column: str
    """The standard column concerned."""
    title: str
    """What is wrong, as short as a table needs it."""
    means: str
    matters: str
    do: str
    severity: Severity
    rule: Where | Rows | Pair
    mender: Mender = Mender.HOLDER
    listed: bool = True
    """Whether record ids go into `to_fix`; false where mending record by record is not the way."""
    discreet: bool = False
    """Whether the list keeps silent about which system it was seen in."""
    of_all: bool = False
    """Whether a kind across systems may hold for a record that no other system has."""

    @property
    def is_across(self) -> bool:
        """Whether it takes two systems to see it."""
        return isinstance(self.rule, Pair) or (isinstance(self.rule, Rows) and self.rule.needs_link)

    @property
    def of_shared(self) -> bool:
        """Whether it is a share of the records that another system can contradict, and not of all."""
        return self.is_across and not self.of_all

    def is_listed(self, side: str) -> bool:
        """Whether record ids of `side` go into `to_fix`: of the register only what linking or safety needs."""
        return self.listed and (side == "clients" or self.severity is not Severity.LATER)

    def is_only_counted(self, side: str) -> bool:
        """Whether its records of `side` are counted as others are gone through, and never gathered.

        In the register that saves gathering most of it; of the clients it must be known who is not linked.
        """
        return side == "register" and not self.is_listed(side) and isinstance(self.rule, Where) and not self.rule.asks

    def mended_by(self, side: str, source: str) -> str:
        """Who puts right a record of `source`, in words."""
        who = holder(side, source) if self.mender is Mender.HOLDER else self.mender
        return str(who.value)


def holder(side: str, source: str) -> Mender:
    """Who holds the records of `source`."""
    return HOLDERS.get(source, Mender.PRACTICE if side == "register" else Mender.COUNCIL)


def practice_sources(side: str) -> str:
    """SQL condition over `source`: whether its records of `side` say where a person is registered.

    A hospital among the registers knows a practice by hearsay.
    """
    practices, others = (
        ", ".join(f"'{source}'" for source, who in HOLDERS.items() if (who is Mender.PRACTICE) is is_practice)
        for is_practice in (True, False)
    )
    return f"source NOT IN ({others})" if side == "register" else f"source IN ({practices})"
