"""Groups of people who look alike in what leaves: measured, repaired as the agreement says, and what they still tell.

First the people, by what the person table tells; then the rows of events, by the people who share them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from governance.agreement import Signed
from governance.deidentify import disclosure, events, inference, ladder, repair, rows
from governance.deidentify.columns import column
from governance.deidentify.disclosure import Groups
from governance.deidentify.events import Events
from governance.deidentify.inference import Inference
from governance.deidentify.lattice import Demand
from governance.deidentify.pseudonym import domain
from governance.deidentify.rare import roll_up
from governance.deidentify.repair import Repair, Sensitive
from governance.deidentify.transform import TRANSFORMS, Kind
from governance.request import Field, History, Request
from governance.rules.disclosure import K_FLOOR
from schemas.table import Identifies, Type

if TYPE_CHECKING:
    import duckdb

    from governance.agreement.control import Disclosure


@dataclass(frozen=True)
class Alike:
    """What was done to the fields that leave, and who is withheld; `groups` is None where k does not apply."""

    leaving: tuple[Field, ...]
    groups: Groups | None = None
    withheld: int = 0
    repairs: tuple[Repair, ...] = ()
    events: tuple[Events, ...] = ()
    alone: int | None = None

    @property
    def coarsened(self) -> tuple[tuple[str, str, str], ...]:
        """Fields as (path, agreed transform, coarser one)."""
        return tuple(each for done in self.repairs for each in done.fields)

    def applied(self, fields: Sequence[Field]) -> tuple[Field, ...]:
        """The fields asked for, with the coarser transforms."""
        to = {path: coarser for path, _, coarser in self.coarsened}
        return tuple(replace(each, transform=to.get(each.path, each.transform)) for each in fields)


@dataclass(frozen=True)
class Desk:
    """What is worked with: the connection that holds the run, what was asked under which agreement, and the past."""

    connection: duckdb.DuckDBPyConnection
    signed: Signed
    request: Request
    today: date
    history: History

    @property
    def settings(self) -> Disclosure:
        """The agreement's part about it."""
        return self.signed.agreement.disclosure

    @property
    def floor(self) -> int | None:
        """The least k of the form; None where k does not apply."""
        return None if self.signed.agreement.direct_care else K_FLOOR.get(self.request.form)

    @property
    def k(self) -> int:
        """The k that groups are held to."""
        return self.settings.k or self.floor or 0

    @property
    def demand(self) -> Demand:
        """k and the share that may be withheld for it."""
        return Demand(self.k, self.settings.max_withheld_share)

    def ladders(self, fields: Sequence[Field]) -> dict[Field, tuple[str, ...]]:
        """The steps that each field may take; those of an earlier release under the same pseudonyms are kept to.

        Somebody told by year in one release and by place in the next would be told by both (rule R27).
        """
        here = domain(self.signed.agreement.id, self.request.recipient, self.request.epoch)
        past = [each for each in self.history.releases if each.domain == here and each.state != "aborted"]
        before = dict(told.rpartition(" ")[::2] for told in past[-1].fields) if past else None
        found = {}
        for field in fields:
            steps = ladder.steps(field.table, field.name, field.transform, self.settings.coarsest.get(field.path))
            same = ladder.DROP if before is None else before.get(field.path, ladder.DROP)
            found[field] = (same,) if before is not None and same in steps else steps
        return found


def people(desk: Desk, leaving: Sequence[Field]) -> Alike:
    """Measure the groups of people, and coarsen or withhold where the agreement says so; makes `profile`."""
    if desk.floor is None:
        return Alike(tuple(leaving))
    groups = _profile(desk, leaving)
    if desk.settings.below_k == "withhold" and groups.people_below:
        disclosure.withhold(desk.connection, groups, k=desk.k)
        return Alike(tuple(leaving), disclosure.measure(desk.connection, groups.columns, k=desk.k), groups.people_below)
    if desk.settings.below_k != "coarsen":
        return Alike(tuple(leaving), groups)
    sensitive = _sensitive(desk, leaving)
    proposal = repair.propose(
        desk.connection, desk.ladders(_indirect(leaving, "person")), desk.demand, sensitive, desk.today
    )
    if proposal.fault:
        return Alike(tuple(leaving), groups, repairs=(proposal,))
    repair.withhold(desk.connection)
    left = _leaving(repair.coarser(leaving, proposal))
    return Alike(left, _profile(desk, left), proposal.withheld, (proposal,) if proposal.fields else ())


def _leaving(fields: Sequence[Field]) -> tuple[Field, ...]:
    return tuple(field for field in fields if field.transform != ladder.DROP)


def _profile(desk: Desk, leaving: Sequence[Field]) -> Groups:
    quasi = _indirect(leaving, "person")
    sql = rows.select("person", rows.transformed(quasi, desk.today))
    desk.connection.execute(f"CREATE OR REPLACE TABLE profile AS {sql}")
    return disclosure.measure(desk.connection, [field.name for field in quasi], k=desk.k)


def _indirect(fields: Sequence[Field], table: str) -> list[Field]:
    return [field for field in fields if field.table == table and identifies(field) is Identifies.INDIRECT]


def identifies(field: Field) -> Identifies:
    """How far a field identifies; directly, where nothing is known of it."""
    found = column(field.table, field.name)
    return found.identifies if found else Identifies.DIRECT


def _sensitive(desk: Desk, leaving: Sequence[Field]) -> list[Sensitive]:
    """The sensitive fields, with the tables that hold them as they would leave now, rare codes rolled up."""
    found = [field for field in leaving if field.path in desk.settings.sensitive]
    for table in {field.table for field in found}:
        build(desk, table, leaving)
        roll_up_rare(desk, [field for field in leaving if field.table == table])
    settings = desk.settings
    return [Sensitive(field.table, field.name, settings.least_values, settings.max_distance) for field in found]


def build(desk: Desk, table: str, leaving: Sequence[Field]) -> int:
    """Make `out_<table>` of the fields that leave, for the people who are chosen; gives how many rows."""
    fields = [field for field in leaving if field.table == table]
    sql = rows.select(table, rows.transformed(fields, desk.today))
    desk.connection.execute(f"CREATE OR REPLACE TABLE out_{table} AS {sql}")
    return count(desk, table)


def count(desk: Desk, table: str) -> int:
    """How many rows `out_<table>` has."""
    [(found,)] = desk.connection.execute(f"SELECT count(*) FROM out_{table}").fetchall()
    return int(found)


def roll_up_rare(desk: Desk, leaving: Sequence[Field]) -> tuple[tuple[str, int], ...]:
    """Roll up the codes of few people in event tables; in `person`, every group is of k people."""
    if desk.floor is None:
        return ()
    least = desk.settings.rare_below or desk.floor
    rolled = []
    for field in leaving:
        declared, kind = column(field.table, field.name), TRANSFORMS[field.transform].kind
        if field.table != "person" and declared and declared.type is Type.TEXT and kind is Kind.KEEP:
            rolled.append((field.path, roll_up(desk.connection, field.table, field.name, least=least)))
    return tuple((path, number) for path, number in rolled if number)


def of_events(desk: Desk, alike: Alike) -> Alike:
    """Measure the rows of events by the people who share them; coarsen and withhold where the agreement says so."""
    if alike.groups is None:
        return alike
    held: dict[str, Sequence[str]] = {}
    for table in dict.fromkeys(field.table for field in alike.leaving if field.table != "person"):
        if _indirect(alike.leaving, table):
            alike = _of_table(desk, alike, table)
            held[table] = [field.name for field in _indirect(alike.leaving, table)]
    told = {table: columns for table, columns in held.items() if columns}
    return replace(alike, alone=events.alone(desk.connection, told, _groups(alike), k=desk.k) if told else None)


def _of_table(desk: Desk, alike: Alike, table: str) -> Alike:
    setting = desk.settings.events
    found = _measure(desk, alike, table)
    if setting == "coarsen" and found.small:
        proposal = repair.propose_events(
            desk.connection,
            table,
            desk.ladders(_indirect(alike.leaving, table)),
            _groups(alike),
            desk.demand,
            desk.today,
        )
        alike = replace(
            alike, repairs=(*alike.repairs, proposal), leaving=_leaving(repair.coarser(alike.leaving, proposal))
        )
        build(desk, table, alike.leaving)
        roll_up_rare(desk, [field for field in alike.leaving if field.table == table])
        found = _measure(desk, alike, table)
    if setting in ("coarsen", "withhold") and found.small:
        events.withhold(desk.connection, table, found.columns, _groups(alike), k=desk.k)
        # A code that loses rows may become rare; rolled up further, it only makes groups larger.
        roll_up_rare(desk, [field for field in alike.leaving if field.table == table])
        found = replace(_measure(desk, alike, table), withheld=found.small)
    return replace(alike, events=(*alike.events, found))


def _measure(desk: Desk, alike: Alike, table: str) -> Events:
    names = [field.name for field in _indirect(alike.leaving, table)]
    return events.measure(desk.connection, table, names, _groups(alike), k=desk.k)


def _groups(alike: Alike) -> tuple[str, ...]:
    return alike.groups.columns if alike.groups else ()


def inferences(desk: Desk, alike: Alike) -> tuple[Inference, ...]:
    """What the groups tell of the fields that are declared sensitive."""
    if alike.groups is None:
        return ()
    declared = desk.settings.sensitive
    columns = alike.groups.columns
    return tuple(
        inference.measure(desk.connection, field.table, field.name, columns)
        for field in alike.leaving
        if field.path in declared
    )
