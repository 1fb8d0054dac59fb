"""What a list does about it all: records are brought up to date, some late; slips are mended; records come and go.

A record changes only where something was told or mended: whatever else it holds, slips included, it keeps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from caretrace.synthetic import numbers, records
from caretrace.synthetic.people import Flags, Integers
from caretrace.synthetic.population import Population
from caretrace.synthetic.rates import DEFAULT, Errors
from caretrace.synthetic.records import Who
from caretrace.synthetic.versions import Versions
from schemas.person import SUPERSEDED_NHS_NUMBER

PERFECT = replace(DEFAULT, **dict.fromkeys(DEFAULT.__dataclass_fields__, 0.0))
_MENDED = (
    ("given_name", "family_name", "middle_names"),
    ("birth_date",),
    ("gender",),
    ("address_line_1", "address_line_2", "address_line_3", "postcode"),
    ("phone", "email"),
)
"""What is looked at again together."""
MERGED = "merged record"
"""Scheme of the id of a record of the same list that became one with this one."""
_HOME = ("address_line_1", "address_line_2", "address_line_3", "postcode")


@dataclass
class Side:
    """One list: whose its records are, when they come and go, and their rows by table."""

    name: str
    ids: pa.Array
    """By record, the record's id."""
    who: Integers
    """By record, the person."""
    arrives: Integers
    """By record, the first night it is there."""
    leaves: Integers
    """By record, the first night it is not."""
    prompt: float
    """Share of what has happened that the list learns of in one night."""
    errors: Errors
    """How often what is newly written down is wrong."""
    tables: dict[str, Versions]
    """By lower-case name of the standard table; `service` goes by event, the others by record."""
    record_of_event: Integers
    event_starts: Integers
    """By event, the first night it is known."""
    untold: dict[str, Flags]
    """By kind of event, the records whose person it happened to, and which do not hold it yet."""
    unnumbered: Flags
    """Records without an NHS number."""

    def present(self, night: int) -> Flags:
        """The records that are there on `night`."""
        return (self.arrives <= night) & (night < self.leaves)

    def full(self, table: str, night: int, among: Flags) -> pa.Table:
        """All rows of `table` on `night`, by record, of the records flagged in `among`."""
        return self.tables[table].rows(night, self._there(table, night, among))[0]

    def delta(self, table: str, night: int, among: Flags) -> pa.Table:
        """As `full`, but only of whatever changed or came on `night`."""
        versions = self.tables[table]
        changed = self._first_night(table) == night
        changed[versions.changed(night)] = True
        return versions.rows(night, changed & self._there(table, night, among))[0]

    def touched(self, night: int) -> Flags:
        """The records that any table's delta of `night` names, but for events."""
        touched: Flags = self.arrives == night
        for table, versions in self.tables.items():
            if table != "service":
                touched[versions.changed(night)] = True
        touched &= self.present(night)
        return touched

    def _first_night(self, table: str) -> Integers:
        # A service that is older than its client's arrival arrives with the client.
        return np.maximum(self.event_starts, self.arrives[self.record_of_event]) if table == "service" else self.arrives

    def _there(self, table: str, night: int, among: Flags) -> Flags:
        there: Flags = self.present(night) & among
        if table == "service":
            there = there[self.record_of_event] & (self._first_night(table) <= night)
        return there


@dataclass(frozen=True)
class Night:
    """One night of one list, while its records are changed."""

    rng: np.random.Generator
    number: int
    day: date
    society: Population

    @property
    def today(self) -> int:
        """Days from 1970."""
        return (self.day - date(1970, 1, 1)).days


def bring_up_to_date(night: Night, side: Side, much: int, *, archive: float = 0.0) -> dict[str, int]:
    """Change about `much` records beside the arrivals, and tell how many of each kind.

    `archive` is the share of records that leave tonight; where there are any, double records become one as well.
    """
    rng, new = night.rng, side.arrives == night.number
    survivors, lost = _take_out(night, side, archive)
    present = side.present(night.number) & ~new
    told = {kind: flags & present & (rng.random(len(flags)) < side.prompt) for kind, flags in side.untold.items()}
    for kind, flags in told.items():
        side.untold[kind] &= ~flags
    given = _some(rng, present & side.unnumbered, much // 25 + 1)
    touched = np.logical_or.reduce([given, *told.values()])
    mended = _some(rng, present & ~touched, max(0, much - int(touched.sum())))
    side.unnumbered &= ~given
    _rewrite(night, side, told, given, mended, (survivors, lost))
    ended = _end_services(night, side)
    counts = {kind: int(flags.sum()) for kind, flags in told.items()}
    counts |= {"numbered": int(given.sum()), "mended": int(mended.sum()), "arrived": int(new.sum())}
    return counts | {"left": int((side.leaves == night.number).sum()), "merged": len(lost), "services ended": ended}


def _some(rng: np.random.Generator, flags: Flags, n: int) -> Flags:
    chosen = np.zeros(len(flags), np.bool_)
    chosen[rng.permutation(np.flatnonzero(flags))[:n]] = True
    return chosen


def _take_out(night: Night, side: Side, share: float) -> tuple[Integers, Integers]:
    """Let a share of the records leave, and a third of the double ones; the records that stay for others, and those."""
    none = np.zeros(0, np.int64)
    if not share:
        return none, none
    there = np.flatnonzero(side.present(night.number) & (side.arrives < night.number))
    order = there[np.argsort(side.who[there], kind="stable")]
    double = np.flatnonzero(side.who[order][1:] == side.who[order][:-1])
    double = double[night.rng.random(len(double)) < 1 / 3]
    survivors, lost = order[double], order[double + 1]
    # Of three records of one person the middle one cannot both stay and go.
    survivors, lost = survivors[~np.isin(survivors, lost)], lost[~np.isin(survivors, lost)]
    side.leaves[lost] = night.number
    leaving = night.rng.permutation(np.setdiff1d(there, np.concatenate([survivors, lost])))
    side.leaves[leaving[: round(len(there) * share)]] = night.number
    return survivors, lost


def _end_services(night: Night, side: Side) -> int:
    """One service in three hundred ends."""
    if "service" not in side.tables:
        return 0
    versions = side.tables["service"]
    there = side.present(night.number)[side.record_of_event] & (side.event_starts < night.number)
    rows, owner = versions.rows(night.number, there & (night.rng.random(versions.units) < 1 / 300))
    ended = rows["end_date"].is_valid()
    rows, owner = rows.filter(pc.invert(ended)), owner[~np.asarray(ended)]
    n = len(owner)
    for name, value in (("end_date", night.day.isoformat()), ("end_reason", "Support ended as planned")):
        rows = rows.set_column(rows.column_names.index(name), name, pa.repeat(pa.scalar(value), n))
    versions.lay(night.number, rows, owner)
    return n


def _rewrite(
    night: Night,
    side: Side,
    told: dict[str, Flags],
    given: Flags,
    mended: Flags,
    merged: tuple[Integers, Integers],
) -> None:
    """Lay tonight's rows of PERSON, NAME, IDENTIFIER and ADDRESS."""
    at = np.flatnonzero(np.logical_or.reduce([given, mended, *told.values()]))
    before, _ = side.tables["person"].rows(night.number, _flags(side, at))
    after = _person(night, side, before, at, {k: flags[at] for k, flags in {**told, "mended": mended}.items()})
    held = before["nhs_number"]
    renumbered = told["renumbered"][at] & np.asarray(held.is_valid())
    own = {"nhs_number": numbers.as_text(night.society.people.nhs_number[side.who[at]])}
    after = _take(after, ("nhs_number",), renumbered | given[at], own)
    after = _take(after, ("nhs_number_status",), renumbered | given[at], {"nhs_number_status": _same("01", len(at))})
    side.tables["person"].lay(night.number, after, at)
    married = told["married"][at]
    former = before["family_name"].filter(pa.array(married))
    columns = {"name_type": _same("previous", len(former)), "family_name": former}
    columns["to_date"] = _same(night.day.isoformat(), len(former))
    _add(night, side, "name", at[married], columns)
    superseded = held.filter(pa.array(renumbered)).combine_chunks()
    survivors, lost = merged
    schemes = pa.concat_arrays([_same(SUPERSEDED_NHS_NUMBER, len(superseded)), _same(MERGED, len(lost))])
    values = pa.concat_arrays([superseded, side.ids.take(pa.array(lost))])
    _add(night, side, "identifier", np.concatenate([at[renumbered], survivors]), {"scheme": schemes, "value": values})
    _move(night, side, after.filter(pa.array(told["moved"][at])), at[told["moved"][at]])


def _person(night: Night, side: Side, before: pa.Table, at: Integers, why: dict[str, Flags]) -> pa.Table:
    """The records `at` with what was heard or mended written in."""
    who = Who(side.who[at], np.zeros(len(at), np.bool_))
    heard = records.view(night.rng, night.society, who, side.errors)
    true = records.view(night.rng, night.society, who, PERFECT)
    heard["gp_practice_code"] = night.society.places.practice(night.society.people.home[who.people])
    heard["previous_family_name"] = before["family_name"]
    after = _take(before, _HOME, why["moved"], heard)
    knows_practice = np.asarray(before["gp_practice_code"].is_valid())
    after = _take(after, ("gp_practice_code",), why["moved"] & knows_practice, heard)
    after = _take(after, ("family_name", "previous_family_name"), why["married"], heard)
    after = _take(after, ("death_date",), why["died"], heard)
    group = night.rng.integers(0, len(_MENDED), len(at))
    for number, names in enumerate(_MENDED):
        after = _take(after, names, why["mended"] & (group == number), heard if "phone" in names else true)
    return after


def _take(table: pa.Table, names: tuple[str, ...], when: Flags, source: dict[str, pa.Array]) -> pa.Table:
    """`table` with the columns `names` from `source` on the rows flagged in `when`."""
    for name in names:
        column = pc.if_else(pa.array(when), source[name], table[name])
        table = table.set_column(table.column_names.index(name), name, column)
    return table


def _add(night: Night, side: Side, table: str, at: Integers, columns: dict[str, pa.Array]) -> None:
    """Lay what the records `at` have in `table`, and one row more for each."""
    held, owner = side.tables[table].rows(night.number, _flags(side, at))
    more = pa.table({"record_id": side.ids.take(pa.array(at)), **columns}).select(held.column_names)
    side.tables[table].lay(night.number, pa.concat_tables([held, more]), np.concatenate([owner, at]))


def _move(night: Night, side: Side, person: pa.Table, movers: Integers) -> None:
    """Lay the addresses of those who moved: the present one ended, and a new one begun."""
    today = night.day.isoformat()
    held, owner = side.tables["address"].rows(night.number, _flags(side, movers))
    held = held.set_column(held.column_names.index("to_date"), "to_date", pc.fill_null(held["to_date"], today))
    n = len(movers)
    more = {
        "record_id": person["record_id"],
        "address_type": _same("home", n),
        **{name: person[name] for name in _HOME},
        "from_date": _same(today, n),
        "to_date": pa.nulls(n, pa.string()),
    }
    rows = pa.concat_tables([held, pa.table(more).select(held.column_names)])
    side.tables["address"].lay(night.number, rows, np.concatenate([owner, movers]))


def _flags(side: Side, at: Integers) -> Flags:
    flags = np.zeros(len(side.who), np.bool_)
    flags[at] = True
    return flags


def _same(value: str, n: int) -> pa.Array:
    return pa.repeat(pa.scalar(value), n)
