"""Working a plan out: the output tables built in DuckDB, measured and scanned, and the decision on what was found.

`prepare` leaves the output tables, still without pseudonyms, in the connection it is given: `out_<table>`. Planning and
making run this same code, so what was shown is what leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from governance import look_alikes, optout, people
from governance.aggregate import tables
from governance.agreement import Agreement, Form, Signed
from governance.decide import Decision, decide
from governance.deidentify import areas as postcode_areas
from governance.deidentify import restricted, scan
from governance.deidentify.areas import Areas
from governance.deidentify.columns import column
from governance.deidentify.pseudonym import domain
from governance.deidentify.transform import TRANSFORMS, Kind
from governance.deidentify.treatment import treatment
from governance.look_alikes import Alike
from governance.people import Exclusion
from governance.plan import FieldPlan, ReleasePlan
from governance.request import Evidence, Field, History, ListFacts, Request, Subject
from governance.rules.rule import may_hold_restricted
from governance.run import attach
from schemas import nhs_number, postcode
from schemas.errors import SettingsError
from schemas.table import Type

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Keyed:
    """Whether there is a key, and which; `fault` says why not."""

    version: int | None = None
    fault: str | None = None


def prepare(
    connection: duckdb.DuckDBPyConnection,
    run_dir: Path,
    signed: Signed,
    *,
    recipient: str | None,
    today: date,
    project: Path,
    keys_dir: Path,
    key: Keyed,
    history: History,
) -> ReleasePlan:
    """Build the output tables in `connection` and the plan that describes them."""
    agreement = signed.agreement
    request = Request.of(agreement, recipient=recipient or _only_recipient(signed))
    for macro in (*nhs_number.MACROS, *postcode.MACROS):
        connection.execute(f"CREATE OR REPLACE MACRO {macro}")
    run = attach(connection, run_dir, {table.name for table in agreement.data.tables})
    restricted_rows = _without_restricted(connection, signed, request)
    areas = _areas(connection, signed, request)
    listed = _allowed_list(connection, signed)
    considered = people.flag(connection, people=request.people, purpose=request.purpose, today=today)

    def ask(subject: Subject) -> Decision:
        return decide(signed, request, subject, today, history)

    exclusions, subjects = people.choose(connection, ask)
    drops = decide(signed, request, None, today, history).drops
    leaving = [f for f in request.fields if TRANSFORMS[f.transform].kind is not Kind.DROP and f.path not in drops]
    desk = look_alikes.Desk(connection, signed, request, today, history)
    alike = look_alikes.people(desk, leaving)
    if alike.withheld:
        exclusions.append(Exclusion("R36", "withheld, in a group of look-alikes that is too small", alike.withheld))
    for table in agreement.data.tables:
        look_alikes.build(desk, table.name, alike.leaving)
    # Before rare values are rolled up: that would hide what a mis-mapped column holds.
    scanned = _scan(connection, request, alike.leaving)
    rare = look_alikes.roll_up_rare(desk, alike.leaving)
    alike = look_alikes.of_events(desk, alike)
    inferences = look_alikes.inferences(desk, alike)
    rows = [(table.name, look_alikes.count(desk, table.name)) for table in agreement.data.tables]
    leaving, counts = list(alike.leaving), None
    if request.form is Form.AGGREGATE:
        leaving = [field for field in leaving if field.path in _dimensions(signed)]
        counts = tables.make(connection, agreement, {field.path for field in leaving})
        rows = list(counts.rows)
    left = considered - sum(exclusion.people for exclusion in exclusions)
    evidence = Evidence(
        people=left,
        allowed_list=listed,
        key_version=key.version,
        key_fault=key.fault,
        smallest_class=alike.groups.smallest if alike.groups else None,
        withheld_share=alike.withheld / (left + alike.withheld) if left + alike.withheld else 0.0,
        scan=scanned,
        counts=counts,
        restricted_rows=restricted_rows,
        rare=rare,
        inferences=inferences,
        events=alike.events,
        areas=areas,
        repairs=alike.repairs,
        treatment=treatment(agreement.disclosure, leaving, areas.sha256 if areas else None),
        bridge_version=_bridge_version(signed, request, history),
    )
    request = replace(request, evidence=evidence, fields=alike.applied(request.fields))
    return ReleasePlan(
        signed=signed,
        run=run,
        request=request,
        today=today,
        project=project,
        keys_dir=keys_dir,
        fields=tuple(_field_plan(signed, field, field in leaving) for field in request.fields),
        rows=tuple(rows),
        considered=considered,
        exclusions=tuple(exclusions),
        groups=alike.groups,
        alone=alike.alone,
        decision=decide(signed, request, None, today, history),
        subjects=tuple(subjects),
        notes=_notes(alike, history, agreement, areas),
        number=history.left(agreement.id, request.recipient) + 1,
    )


def _bridge_version(signed: Signed, request: Request, history: History) -> int | None:
    earlier = signed.agreement.pseudonyms.bridge_from
    if earlier is None or request.form is not Form.PSEUDONYMISED:
        return None
    there = domain(signed.agreement.id, request.recipient, earlier)
    return next((past.key_version for past in history.releases if past.domain == there and past.left), None)


def _only_recipient(signed: Signed) -> str:
    recipients = [party.ods_code for party in signed.agreement.recipients]
    if len(recipients) != 1:
        raise SettingsError(
            f"{signed.path}: the agreement has {len(recipients)} recipients ({', '.join(recipients) or 'none'}); "
            "name the one to release to"
        )
    return recipients[0]


def _areas(connection: duckdb.DuckDBPyConnection, signed: Signed, request: Request) -> Areas | None:
    """Tell tables with a postcode its area, where the agreement asks for it."""
    asked = [field for field in request.fields if field.transform in postcode_areas.COLUMNS]
    if not asked:
        return None
    path = signed.path.parent / str(signed.agreement.disclosure.postcode_lookup)
    return postcode_areas.lay(connection, path, (x.transform for x in asked), (x.table for x in asked))


def _allowed_list(connection: duckdb.DuckDBPyConnection, signed: Signed) -> ListFacts:
    named = signed.agreement.choices.allowed_list
    return optout.load(connection, signed.path.parent / named if named else None)


def _without_restricted(connection: duckdb.DuckDBPyConnection, signed: Signed, request: Request) -> int:
    """Put a view without legally restricted rows in place of each coded table; gives how many rows were there."""
    if may_hold_restricted(signed.agreement, request):
        return 0
    found = 0
    for table in {field.table for field in request.fields}:
        holds = restricted.holds(table, signed.agreement.disclosure.restricted_codes)
        if holds is not None:
            [(rows,)] = connection.execute(f"SELECT count(*) FROM {table} WHERE {holds}").fetchall()
            found += rows
            connection.execute(f"ALTER VIEW {table} RENAME TO whole_{table}")
            connection.execute(f"CREATE VIEW {table} AS SELECT * FROM whole_{table} WHERE NOT {holds}")
    return found


def _dimensions(signed: Signed) -> set[str]:
    return {path for table in signed.agreement.data.counts for path in table.dimensions}


def _scan(connection: duckdb.DuckDBPyConnection, request: Request, leaving: Sequence[Field]) -> tuple[str, ...] | None:
    """What the kept text columns hold; columns to be pseudonymised still hold what they replace, and are not asked."""
    if request.form is Form.IDENTIFIABLE:
        return None
    kept = []
    for field in leaving:
        declared = column(field.table, field.name)
        if declared and declared.type is Type.TEXT and TRANSFORMS[field.transform].kind is Kind.KEEP:
            kept.append((f"out_{field.table}", field.name, field.path))
    return tuple(scan.findings(connection, kept))


def _field_plan(signed: Signed, field: Field, leaves: bool) -> FieldPlan:
    item = signed.agreement.item(field.table, field.name)
    justification = item.justification if item else ""
    return FieldPlan(
        field.table,
        field.name,
        field.transform,
        TRANSFORMS[field.transform].meaning,
        justification,
        leaves,
        item.transform if item else field.transform,
    )


def _notes(alike: Alike, history: History, agreement: Agreement, areas: Areas | None) -> tuple[str, ...]:
    bridge = agreement.pseudonyms.bridge_from
    notes = [] if bridge is None else [f"A bridge file leads from the pseudonyms of epoch {bridge} to these."]
    notes += [f"Release {past.release_id} was begun and has no outcome in the log." for past in history.open]
    if agreement.disclosure.events is None and (small := [each.table for each in alike.events if each.small]):
        notes.append(
            f"Rows of {', '.join(small)} are not held to k (disclosure.events): fewer than k people share some."
        )
    if areas is not None:
        missing = f"{areas.not_found:,} of the run's postcodes are not in it and are told as blank"
        notes.append(f"Areas by {areas.name}, {areas.postcodes:,} postcodes (SHA-256 {areas.sha256}); {missing}.")
    notes += [f"No repair of {each.of}: {each.fault}." for each in alike.repairs if each.fault]
    return tuple(notes)
