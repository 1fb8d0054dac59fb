"""Deterministic passes as data: named sets of levels that together settle a client, tried in order.

A pass holds for a pair that reaches one of the wanted levels on every comparison it names. It settles a client only
when the pair is the only person it holds for. The decision stays with the probability and the guards: a pass says how a
link was found, and no pass overrules a better explanation.

Sources: the cross-checks are those of the Demographics Batch Service (NHS number and date of birth; number, part of the
names and two of three parts of the date) made stricter by asking for a name; the name passes follow the alphanumeric
trace and HES matching (names, date and postcode). They are not the Master Person Service and claim no parity with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from linkage.comparison import Comparison


@dataclass(frozen=True)
class Pass:
    """A pass: the levels it accepts, by comparison."""

    name: str
    meaning: str
    accepts: Mapping[str, tuple[str | None, ...]]
    """None accepts a comparison that says nothing."""

    def sql(self, comparisons: Iterable[Comparison]) -> str:
        """The condition over `pair_level`; false where a comparison or level it names is not among `comparisons`."""
        known = {each.name: each for each in comparisons}
        wanted = []
        for name, levels in self.accepts.items():
            places = {level.name: place for place, level in enumerate(known[name].levels)} if name in known else {}
            if not set(levels) - {None} <= places.keys():
                return "false"
            column = known[name].column
            reached = f"{column} IN ({', '.join(str(places[level]) for level in levels if level is not None)})"
            wanted.append(f"({reached} OR {column} IS NULL)" if None in levels else reached)
        return " AND ".join(wanted)


_SAME_GIVEN = ("exact", "nickname", "one slip")
_LIKE_GIVEN = (*_SAME_GIVEN, "swapped", "other name", "initial", "alike")
_SAME_FAMILY = ("exact", "other name", "one slip")
_PARTIAL_DATE = ("swapped", "day differs", "month differs", "year slip", "year and month", "year only")

PASSES: tuple[Pass, ...] = (
    Pass(
        "number and date",
        "NHS number and date of birth agree, and the given name does not contradict",
        {"NHS number": ("same",), "date of birth": ("exact",), "given name": (*_LIKE_GIVEN, None)},
    ),
    Pass(
        "number and partial date",
        "NHS number, both names and most of the date of birth agree",
        {
            "NHS number": ("same",),
            "date of birth": _PARTIAL_DATE,
            "given name": _SAME_GIVEN,
            "family name": _SAME_FAMILY,
        },
    ),
    Pass(
        "names, date and house",
        "names, date of birth, postcode and house agree exactly",
        {
            "given name": ("exact",),
            "family name": ("exact",),
            "date of birth": ("exact",),
            "address": ("same house",),
        },
    ),
    Pass(
        "names, date and postcode",
        "names, date of birth and a present or former postcode agree exactly",
        {
            "given name": ("exact",),
            "family name": ("exact",),
            "date of birth": ("exact",),
            "address": ("same postcode", "earlier postcode"),
        },
    ),
)

PROBABILISTIC = "probabilistic"
