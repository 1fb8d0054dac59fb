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

from governance import optout, people
from governance.aggregate import tables
from governance.agreement import Form, Signed
from governance.decide import Decision, decide
from governance.deidentify import disclosure, inference, restricted, scan
from governance.deidentify.columns import column
from governance.deidentify.disclosure import Groups
from governance.deidentify.inference import Inference
from governance.deidentify.pseudonym import domain
from governance.deidentify.rare import roll_up
from governance.deidentify.transform import TRANSFORMS, Kind
from governance.deidentify.treatment import treatment
from governance.people import Exclusion
from governance.plan import FieldPlan, ReleasePlan
from governance.request import Evidence, Field, History, ListFacts, Request, Subject
from governance.rules.disclosure import K_FLOOR
from governance.rules.rule import may_hold_restricted
from governance.run import attach
from schemas import nhs_number, postcode
from schemas.errors import SettingsError
from schemas.table import Identifies, Type

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
    listed = _allowed_list(connection, signed)
    considered = people.flag(connection, people=request.people, purpose=request.purpose, today=today)

    def ask(subject: Subject) -> Decision:
        return decide(signed, request, subject, today, history)

    exclusions, subjects = people.choose(connection, ask)
    drops = decide(signed, request, None, today, history).drops
    leaving = [f for f in request.fields if TRANSFORMS[f.transform].kind is not Kind.DROP and f.path not in drops]
    groups, withheld = _look_alikes(connection, signed, request, leaving, today)
    if withheld:
        exclusions.append(Exclusion("R36", "withheld, in a group of look-alikes that is too small", withheld))
    rows = [(table.name, _build(connection, table.name, leaving, today)) for table in agreement.data.tables]
    # Before rare values are rolled up: that would hide what a mis-mapped column holds.
    scanned = _scan(connection, request, leaving)
    rare = _rare(connection, signed, request, leaving)
    inferences = _inferences(connection, signed, leaving, groups)
    counts = None
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
        smallest_class=groups.smallest if groups else None,
        withheld_share=withheld / (left + withheld) if left + withheld else 0.0,
        scan=scanned,
        counts=counts,
        restricted_rows=restricted_rows,
        rare=rare,
        inferences=inferences,
        treatment=treatment(agreement.disclosure, leaving),
        bridge_version=_bridge_version(signed, request, history),
    )
    request = replace(request, evidence=evidence)
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
        groups=groups,
        decision=decide(signed, request, None, today, history),
        subjects=tuple(subjects),
        notes=_notes([] if counts else leaving, history, signed.agreement.pseudonyms.bridge_from),
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


def _allowed_list(connection: duckdb.DuckDBPyConnection, signed: Signed) -> ListFacts:
    named = signed.agreement.choices.allowed_list
    return optout.load(connection, signed.path.parent / named if named else None)


def _look_alikes(
    connection: duckdb.DuckDBPyConnection, signed: Signed, request: Request, leaving: Sequence[Field], today: date
) -> tuple[Groups | None, int]:
    """Measure the groups of look-alikes, and withhold people where the agreement says so; gives how many."""
    settings = signed.agreement.disclosure
    floor = K_FLOOR.get(request.form)
    if floor is None or signed.agreement.direct_care:
        return None, 0
    k = settings.k or floor
    quasi = [f for f in leaving if f.table == "person" and _identifies(f) is Identifies.INDIRECT]
    columns = [f.name for f in quasi]
    connection.execute(f"CREATE OR REPLACE TABLE profile AS {_select('person', quasi, today)}")
    groups = disclosure.measure(connection, columns, k=k)
    if settings.below_k != "withhold" or not groups.people_below:
        return groups, 0
    disclosure.withhold(connection, groups, k=k)
    return disclosure.measure(connection, columns, k=k), groups.people_below


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


def _rare(
    connection: duckdb.DuckDBPyConnection, signed: Signed, request: Request, leaving: Sequence[Field]
) -> tuple[tuple[str, int], ...]:
    """Roll up the codes of few people in event tables; in `person`, every group is of k people."""
    floor = K_FLOOR.get(request.form)
    if floor is None or signed.agreement.direct_care:
        return ()
    least = signed.agreement.disclosure.rare_below or floor
    rolled = []
    for field in leaving:
        declared, kind = column(field.table, field.name), TRANSFORMS[field.transform].kind
        if field.table != "person" and declared and declared.type is Type.TEXT and kind is Kind.KEEP:
            rolled.append((field.path, roll_up(connection, field.table, field.name, least=least)))
    return tuple((path, count) for path, count in rolled if count)


def _inferences(
    connection: duckdb.DuckDBPyConnection, signed: Signed, leaving: Sequence[Field], groups: Groups | None
) -> tuple[Inference, ...]:
    declared = signed.agreement.disclosure.sensitive
    if groups is None:
        return ()
    return tuple(inference.measure(connection, f.table, f.name, groups.columns) for f in leaving if f.path in declared)


def _build(connection: duckdb.DuckDBPyConnection, table: str, leaving: Sequence[Field], today: date) -> int:
    fields = [field for field in leaving if field.table == table]
    connection.execute(f"CREATE OR REPLACE TABLE out_{table} AS {_select(table, fields, today)}")
    [(count,)] = connection.execute(f"SELECT count(*) FROM out_{table}").fetchall()
    return int(count)


def _select(table: str, fields: Sequence[Field], today: date) -> str:
    """Rows of chosen people, transformed; `person` gives one row each, the client's own record before others."""
    columns = "".join(f", {TRANSFORMS[f.transform].sql(_quoted(f.name), today)} AS {_quoted(f.name)}" for f in fields)
    rows = f"SELECT * FROM {table} SEMI JOIN chosen USING (person_key)"
    if table == "person":
        # 'client' sorts before 'register'. A window, and not DISTINCT ON, which keeps every column of every row.
        rows += " QUALIFY row_number() OVER (PARTITION BY person_key ORDER BY side, source, source_org, record_id) = 1"
    return f"SELECT person_key{columns} FROM ({rows})"


def _dimensions(signed: Signed) -> set[str]:
    return {path for table in signed.agreement.data.counts for path in table.dimensions}


def _quoted(name: str) -> str:
    return f'"{name}"'


def _identifies(field: Field) -> Identifies:
    found = column(field.table, field.name)
    return found.identifies if found else Identifies.DIRECT


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
        field.table, field.name, field.transform, TRANSFORMS[field.transform].meaning, justification, leaves
    )


def _notes(leaving: Sequence[Field], history: History, bridge: str | None) -> tuple[str, ...]:
    uncounted = [f.path for f in leaving if f.table != "person" and _identifies(f) is Identifies.INDIRECT]
    notes = [] if bridge is None else [f"A bridge file leads from the pseudonyms of epoch {bridge} to these."]
    notes += [f"Release {past.release_id} was begun and has no outcome in the log." for past in history.open]
    if uncounted:
        notes.append(f"Groups of look-alikes count the person table only, not {', '.join(uncounted)}.")
    return tuple(notes)
