"""A council and its register over nights: both lists as they stand after each, what changed, and who is who.

Begin with `Nights(clients, register, nights=..., seed=...)`. Night 0 is the lists as they are found; every night after
it things happen to people (`life`), and the lists learn of them, mend slips, gain and lose records (`upkeep`). Records
leave on nights of a full extract alone, for changes to a list of our own format have no word for "gone".
The same arguments give the same tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from caretrace.synthetic.draw import AS_AT, Synthetic, Town, make_town, person_ids, register_ids
from caretrace.synthetic.life import Happened, pass_a_day
from caretrace.synthetic.numbers import as_text
from caretrace.synthetic.people import Flags, Integers
from caretrace.synthetic.rates import DEFAULT, Errors
from caretrace.synthetic.records import Who
from caretrace.synthetic.upkeep import Night, Side, bring_up_to_date
from caretrace.synthetic.versions import Versions
from schemas import SettingsError

_NEVER = 1 << 40
_ARRIVING = 0.2
"""Share of a night's changes that are new records [assumed]."""
_KINDS = ("moved", "died", "married", "renumbered")


@dataclass(frozen=True)
class Pace:
    """How much happens."""

    change: float = 0.01
    """Share of each list that a night changes."""
    archive: float = 0.01
    """Share of each list that leaves on a night of a full extract."""
    full_clients: int = 7
    """The client list is sent in full every so many nights."""
    full_register: int = 14

    def __post_init__(self) -> None:
        if not 0 < self.change <= 0.2 or not 0 <= self.archive <= 0.2:
            raise SettingsError("the shares of a list that change or leave in a night must be above 0 and at most 0.2")
        if min(self.full_clients, self.full_register) < 1:
            raise SettingsError("a list cannot be sent in full more often than every night")


class Nights:
    """The lists on every night from 0 to `nights`, all of it known once made."""

    def __init__(
        self,
        clients: int,
        register: int,
        *,
        nights: int,
        seed: int,
        pace: Pace | None = None,
        errors: Errors = DEFAULT,
        as_at: date = AS_AT,
    ) -> None:
        """Let `nights` nights pass; SettingsError where the sizes do not fit each other."""
        if nights < 1:
            raise SettingsError("at least one night must pass")
        self.nights, self.seed, self.as_at, self.pace = nights, seed, as_at, pace or Pace()
        streams = [np.random.default_rng(s) for s in np.random.SeedSequence([seed, 0x9167]).spawn(nights + 1)]
        sizes = {"clients": clients, "register": register}
        coming = {name: round(n * self.pace.change * _ARRIVING) for name, n in sizes.items()}
        total = {name: n + coming[name] * nights for name, n in sizes.items()}
        self._drawn, self._town = make_town(total["clients"], total["register"], seed=seed, errors=errors, as_at=as_at)
        self.sides = _sides(self._drawn, self._town, sizes, coming, errors, streams[0])
        self._numbers = [self._town.society.people.nhs_number.copy()]
        self.happened: list[Mapping[str, Mapping[str, int]]] = [{}]
        for number in range(1, nights + 1):
            self.happened.append(self._pass(number, streams[number], sizes))

    def day(self, night: int) -> date:
        """The day whose changes are sent in that night."""
        return self.as_at + timedelta(days=night)

    def is_full(self, side: str, night: int) -> bool:
        """Whether the list is sent in full that night."""
        return night % (self.pace.full_clients if side == "clients" else self.pace.full_register) == 0

    def full(self, side: str, night: int, *, share: float = 1.0) -> dict[str, pa.Table]:
        """Everything the list holds after `night`, by lower-case name of the standard table; text columns.

        `share` is of the records that are told; the others are left out.
        """
        own = self.sides[side]
        return {table: own.full(table, night, _among(own, share)) for table in own.tables}

    def delta(self, side: str, night: int, *, share: float = 1.0) -> dict[str, pa.Table]:
        """What that night changed: in each table all rows of the records, or the events, it concerns."""
        own = self.sides[side]
        return {table: own.delta(table, night, _among(own, share)) for table in own.tables}

    def truth(self, night: int) -> pa.Table:
        """As `Synthetic.truth`, after `night`."""
        clients, register = (self.sides[name] for name in ("clients", "register"))
        at, rows = (np.flatnonzero(side.present(night)) for side in (clients, register))
        who = clients.who[at]
        held = Who(register.who[rows], self._town.second[rows])
        return pa.table(
            {
                "record_id": clients.ids.take(pa.array(at)),
                "person_id": person_ids(who),
                "nhs_number": as_text(self._numbers[night][who]),
                "in_register": pa.array(np.isin(who, held.people)),
                "register_record_id": register_ids(who, held, register.ids.take(pa.array(rows))),
            }
        )

    def register_truth(self, night: int) -> pa.Table:
        """As `Synthetic.register_truth`, after `night`."""
        register = self.sides["register"]
        at = np.flatnonzero(register.present(night))
        return pa.table({"record_id": register.ids.take(pa.array(at)), "person_id": person_ids(register.who[at])})

    def as_synthetic(self, night: int, *, changed: bool = False, share: float = 1.0) -> Synthetic:
        """Both lists after `night` in the shape that suppliers' writers take; `changed`: of the records it concerns.

        A supplier's record holds the person with the addresses, so a change to one brings the other along.
        """
        told: dict[str, dict[str, pa.Table]] = {}
        for name, side in self.sides.items():
            among = _among(side, share) & (side.touched(night) if changed else side.present(night))
            told[name] = {table: side.full(table, night, among) for table in ("person", "address")}
        clients = self.sides["clients"]
        pick = clients.delta if changed else clients.full
        return replace(
            self._drawn,
            clients=told["clients"]["person"],
            register=told["register"]["person"],
            truth=self.truth(night),
            register_truth=self.register_truth(night),
            client_addresses=told["clients"]["address"],
            register_addresses=told["register"]["address"],
            client_services=pick("service", night, _among(clients, share)),
            as_at=self.day(night),
        )

    def _pass(self, number: int, rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, dict[str, int]]:
        society, day = self._town.society, self.day(number)
        night = Night(rng, number, day, society)
        known = np.zeros(len(society.people), np.bool_)
        for side in self.sides.values():
            known[side.who[side.present(number)]] = True
        happened = pass_a_day(rng, society, known, round(int(known.sum()) * self.pace.change * 0.5), night.today)
        self._numbers.append(society.people.nhs_number.copy())
        counts = {"people": {kind: len(getattr(happened, kind)) for kind in _KINDS}}
        for name, side in self.sides.items():
            self._tell(side, happened, len(society.people))
            much = round(sizes[name] * self.pace.change * (1 - _ARRIVING))
            archive = self.pace.archive if self.is_full(name, number) else 0.0
            counts[name] = bring_up_to_date(night, side, much, archive=archive)
        return counts

    def _tell(self, side: Side, happened: Happened, people: int) -> None:
        for kind in _KINDS:
            concerned = np.zeros(people, np.bool_)
            concerned[getattr(happened, kind)] = True
            told = concerned[side.who]
            if side.name == "register":
                # The practice that a patient has left is told nothing any more.
                told &= ~self._town.second
            side.untold[kind] |= told


def _sides(
    drawn: Synthetic,
    town: Town,
    sizes: Mapping[str, int],
    coming: Mapping[str, int],
    errors: Errors,
    rng: np.random.Generator,
) -> dict[str, Side]:
    services = {"clients": drawn.client_services, "register": None}
    people = {"clients": (drawn.clients, town.clients), "register": (drawn.register, town.register)}
    addresses = {"clients": drawn.client_addresses, "register": drawn.register_addresses}
    sides = {}
    for name, (person, who) in people.items():
        n = len(who)
        # Those of the first day, then so many a night; who they are is drawn.
        nights = (np.arange(n) - sizes[name]) // max(coming[name], 1) + 1
        arrives = np.maximum(rng.permutation(nights), 0)
        ids = person["record_id"].combine_chunks()
        tables = {"person": _laid(n, person, np.arange(n))}
        tables["address"] = _laid(n, addresses[name], _owner(addresses[name], ids))
        tables["name"] = _empty(n, "record_id name_type family_name to_date")
        tables["identifier"] = _empty(n, "record_id scheme value")
        events = services[name]
        of_event = np.zeros(0, np.int64) if events is None else _owner(events, ids)
        if events is not None:
            tables["service"] = _laid(len(events), events, np.arange(len(events)))
        starts = np.where(rng.random(len(of_event)) < 0.1, rng.integers(1, 31, len(of_event)), 0)
        sides[name] = Side(
            name=name,
            ids=ids,
            who=who,
            arrives=arrives,
            leaves=np.full(n, _NEVER),
            prompt=0.4 if name == "clients" else 0.7,
            errors=_newly_written(errors if name == "clients" else errors.register()),
            tables=tables,
            record_of_event=of_event,
            event_starts=starts,
            untold={kind: _none(n) for kind in _KINDS},
            unnumbered=np.asarray(person["nhs_number"].is_null()),
        )
    return sides


def _newly_written(errors: Errors) -> Errors:
    """Who tells of a move or a marriage tells the new address, the new name."""
    return replace(errors, old_address=0.0, maiden_name=0.0)


def _among(side: Side, share: float) -> Flags:
    """The first of the records, which stand in no order."""
    return np.arange(len(side.who)) < round(len(side.who) * share)


def _none(n: int) -> Flags:
    return np.zeros(n, np.bool_)


def _owner(rows: pa.Table, ids: pa.Array) -> Integers:
    import pyarrow.compute as pc

    at: Integers = pc.index_in(rows["record_id"].combine_chunks(), value_set=ids).to_numpy().astype(np.int64)
    return at


def _laid(units: int, rows: pa.Table, owner: Integers) -> Versions:
    versions = Versions(units)
    versions.lay(0, rows, owner)
    return versions


def _empty(units: int, columns: str) -> Versions:
    rows = pa.table({name: pa.array([], pa.string()) for name in columns.split()})
    return _laid(units, rows, np.zeros(0, np.int64))
