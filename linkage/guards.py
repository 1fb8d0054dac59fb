"""Reasons not to link, whatever the probability: a guard caps a decision at review."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from linkage.comparison import Comparison, Role, Stance


@dataclass(frozen=True)
class Guard:
    """A reason that caps a decision at review; `condition` is over `best`."""

    name: str
    condition: str
    yields: Yields = "never"
    """Where it yields to the probability."""

    def sql(self) -> str:
        """Whether it holds, over `best`; never null, since a comparison that says nothing is no reason."""
        held = f"coalesce({self.condition}, false)"
        if self.yields == "never":
            return held
        if self.yields == "rare kin":
            return f"({held} AND NOT kin_are_rare)"
        return f"({held} AND NOT (kin_are_rare OR number_is_silent AND probability >= {YIELDS_AT!r}))"


Yields = Literal["never", "rare kin", "no number"]
"""`rare kin`: where the register is not one of households, so that nobody like her is at hand, the probability alone
decides. `no number`: also where the numbers say nothing and the probability is high. How like each other kin are has
been measured in this very register, but how often their numbers are exchanged has not."""
YIELDS_AT = 0.995
"""[assumed]; a client whose twin is in the register, and who is not, comes out at 0.99 and a little more."""
KIN_ARE_RARE = 0.05
"""Other members of a client's household in the register, below which it is no register of households [assumed]."""


_NAMES_AND_BIRTH: tuple[Role, ...] = ("given", "family", "birth")


def guards(comparisons: Iterable[Comparison]) -> tuple[Guard, ...]:
    """The guards for a model of these comparisons, in the order in which they are named as a reason."""
    given = list(comparisons)

    def reached(role: Role, stance: Stance) -> str:
        return " OR ".join(each.reached(stance) for each in given if each.role == role) or "false"

    def silent(role: Role) -> str:
        return " AND ".join(f"{each.column} IS NULL" for each in given if each.role == role) or "false"

    unsupported = f"NOT ({reached('place', 'agrees')})"
    no_number = f"NOT ({reached('number', 'agrees')})"
    return (
        Guard("the best candidate has no NHS number in the register", "unnumbered"),
        # Number and whole date of birth are the cross-check of the Demographics Batch Service. It fails where twins'
        # numbers were exchanged, or both slipped to the next row of a sorted list, so nobody else may be at hand.
        Guard(
            "the given name is a different one",
            f"({reached('given', 'differs')}) AND NOT (({reached('number', 'agrees')})"
            f" AND ({reached('birth', 'agrees')}) AND ({reached('place', 'agrees')} OR {reached('family', 'agrees')})"
            " AND NOT rival)",
            yields="no number",
        ),
        Guard("the date of birth is a different one", reached("birth", "differs"), yields="no number"),
        Guard(
            "the client's own NHS number belongs to somebody else in the register",
            f"own_number_taken AND NOT (({reached('given', 'agrees')}) AND ({reached('family', 'agrees')})"
            f" AND ({reached('birth', 'agrees')}) AND ({reached('place', 'agrees')}))",
        ),
        Guard(
            "the NHS numbers differ and the addresses do not support a link",
            f"({reached('number', 'differs')}) AND {unsupported}",
        ),
        Guard(
            "the given name is not known, and neither number nor address supports a link",
            f"({silent('given')}) AND {unsupported} AND {no_number}",
            yields="rare kin",
        ),
        Guard("only the names agree", f"({silent('birth')}) AND {unsupported} AND {no_number}", yields="rare kin"),
        # A number is copied from the line above as easily as from a sister, and then an initial fits by chance.
        Guard(
            "only the NHS number agrees",
            f"({reached('number', 'agrees')}) AND {unsupported} AND"
            f" NOT ({' OR '.join(reached(role, 'agrees') for role in _NAMES_AND_BIRTH)})",
        ),
    )
