"""One client against the register: candidates, levels, bits, decision."""

from __future__ import annotations

from typing import Literal

import numpy as np

from linkage.blocking import RULES
from linkage.decide import Target
from linkage.lookup.answer import Match
from linkage.lookup.columns import Array
from linkage.lookup.decide import decide, is_settled
from linkage.lookup.pairs import Pairs
from linkage.lookup.record import Record
from linkage.lookup.register import PERSON, Register, rule_keys
from linkage.lookup.weigh import Weighed, Weigher, weigh
from linkage.model import Bands

Numberless = Literal["auto", "link", "review"]
"""What becomes of a link to a register person without an NHS number, as in `linkage.Settings`."""


def single_client_bands(target: Target | None = None) -> Bands:
    """The bands that `linkage.decide.derive_bands` gives one client alone, for a model that has none."""
    target = target or Target()
    return Bands(target.lowest_link, min(target.lowest_review, target.lowest_link))


def search(register: Register, weigher: Weigher, client: Record, *, numberless: Numberless = "auto") -> Match:
    """Decide on one client as `linkage.link` would with the same model, were there no other."""
    first = _candidates(register, client, first=True)
    weighed = _weigh(register, weigher, client, first)
    if not is_settled(weighed):
        wide = _candidates(register, client, first=False)
        more = np.setdiff1d(wide, first, assume_unique=True)
        weighed += _weigh(register, weigher, client, more)
    people = register.people
    mostly_numbered = people.numbered >= 0.5 * people.people if people.people else False
    return decide(
        weigher,
        register,
        weighed,
        weigher.model.bands or single_client_bands(),
        numbered=numberless == "review" or (numberless == "auto" and mostly_numbered),
        number_is_held=client.nhs is not None and len(register.rows_of(PERSON, client.nhs)) > 0,
    )


def _candidates(register: Register, client: Record, *, first: bool) -> Array:
    """The rows, ascending, that the rules which are `first`, or those which are not, find for a client."""
    limits: dict[int, int] = {}
    for place, rule in enumerate(RULES):
        if rule.first == first:
            limits |= dict.fromkeys(rule_keys(client, place, rule.client), rule.max_register_rows)
    found = [np.empty(0, np.uint32)]
    for rows, limit in zip(register.keys.rows_of(list(limits)), limits.values(), strict=True):
        alive = register.alive(rows)
        if len(alive) <= limit:
            found.append(alive)
    return np.unique(np.concatenate(found)).astype(np.int64)


def _weigh(register: Register, weigher: Weigher, client: Record, rows: Array) -> Weighed:
    return weigh(weigher, Pairs(client, register, rows)) if len(rows) else Weighed.none()
