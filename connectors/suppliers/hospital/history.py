"""What a stream of HL7 ADT messages says in the end: each patient's latest state, who became whom, and who stayed when.

Messages are told by their own times, never by their place in a file, so a stream in any order gives the same result.
A field that a later message leaves empty keeps what an earlier one said; two quotation marks take it away (HL7 2.5,
2.5.3). A merge retires an id for as long as nothing later speaks of it: an id in use again is a patient of its own.
"""

from __future__ import annotations

from connectors.suppliers.hospital.adt import MERGES, STATE, Settings
from connectors.suppliers.hospital.codes import among
from connectors.suppliers.hospital.contacts import parted
from connectors.suppliers.hospital.hl7 import day, said
from connectors.values import listed

_ADMITS, _UNDOES = ("A01", "A06"), ("A07", "A11", "A23")
_STAYS = (*_ADMITS, "A02", "A03", "A08", "A12", "A13", "A45")


def prepare(settings: Settings) -> str:
    """SQL of rows that fill a table (structures `person`, `spell`, `alias`) and of messages that fill none (`why`)."""
    return f"""
WITH RECURSIVE told AS NOT MATERIALIZED (
    FROM told_message
), mention AS NOT MATERIALIZED (
    SELECT * FROM told WHERE why IS NULL
), patient AS ({_patient()}
), merged AS ({_merged(settings)}
), chain AS (
    SELECT * FROM merged
    UNION ALL
    SELECT c.old_organisation, c.old_id, m.organisation, m.id, c.told_at
    FROM chain c JOIN merged m ON m.old_organisation = c.organisation AND m.old_id = c.id
), became AS (
    SELECT c.* FROM chain c ANTI JOIN merged m ON m.old_organisation = c.organisation AND m.old_id = c.id
), visit AS ({_visits(settings)}
), link AS ({_links()}
), gone AS (
    SELECT old_organisation AS organisation, old_id AS id, 'merged' AS why FROM became
    UNION ALL SELECT organisation, id, 'deleted' FROM patient WHERE last_event = 'A29'
), alive AS NOT MATERIALIZED (
    SELECT * FROM patient ANTI JOIN gone USING (organisation, id)
), filling AS NOT MATERIALIZED (
    SELECT told_at AS place, organisation, id, patient AS person, NULL AS spell, NULL AS alias
    FROM ({parted("alive", settings)}) patient
    UNION ALL
    SELECT told_at, organisation, id, NULL, spell, NULL FROM ({_spells()}) spell
    UNION ALL
    SELECT b.told_at, b.organisation, b.id, NULL, NULL, {{'scheme': 'former hospital number', 'value': b.old_id}}
    FROM became b SEMI JOIN alive ON alive.organisation = b.organisation AND alive.id = b.id
    UNION ALL
    SELECT l.told_at, l.organisation, l.id, NULL, NULL, {{'scheme': 'linked hospital number', 'value': l.other_id}}
    FROM link l SEMI JOIN alive ON alive.organisation = l.organisation AND alive.id = l.id
), used AS NOT MATERIALIZED (
    SELECT m.file, m.record, m.line, f.* FROM filling f JOIN mention m USING (place)
), idle AS (
    SELECT t.file, t.record, min(t.line) AS line, nullif(arg_min(t.organisation, t.part), '') AS organisation, coalesce(
        arg_min(t.why, t.part), min(gone.why), CASE WHEN bool_or(v.cancelled) THEN 'cancelled' END, 'earlier') AS why
    FROM told t
    ANTI JOIN used ON used.file = t.file AND used.record = t.record
    LEFT JOIN gone ON gone.organisation = t.organisation AND gone.id = t.id
    LEFT JOIN visit v ON v.facility = t.facility AND v.number = t.visit_number
        AND v.organisation = t.organisation AND v.id = t.id
    GROUP BY t.file, t.record
)
SELECT file, record, line, {said("organisation")} AS organisation, {said("id")} AS local_id, person, spell, alias,
    NULL AS why, '' AS "PID" FROM used
UNION ALL BY NAME
SELECT *, '' AS "PID" FROM idle
UNION ALL BY NAME
SELECT file, record, line, "PID" FROM standing_message WHERE "MSH" IS NOT NULL AND "PID" IS NULL
"""


def _patient() -> str:
    state = ",\n        ".join(f"arg_max({name}, place) AS {name}" for name in STATE)
    return f"""
    SELECT organisation, id, max(place) AS told_at, arg_max(event, place) AS last_event,
        arg_max({{'number': number, 'status': status}}, place) FILTER (WHERE number IS NOT NULL) AS held,
        arg_max(status, place) AS status, coalesce(min(number) <> max(number), false) AS several,
        arg_max(others, place) FILTER (WHERE len(others) > 0) AS others,
        {state}
    FROM mention GROUP BY organisation, id"""


def _merged(settings: Settings) -> str:
    """Ids that were merged into another and not spoken of since: the last merge of each, and where it was told."""
    return f"""
    SELECT old_organisation, old_id, arg_max(organisation, place) AS organisation, arg_max(id, place) AS id,
        max(place) AS told_at
    FROM ({_former(settings)} WHERE event IN ({listed(MERGES)})) m
    ANTI JOIN patient later
        ON later.organisation = m.old_organisation AND later.id = m.old_id AND later.told_at > m.place
    GROUP BY old_organisation, old_id"""


def _visits(settings: Settings) -> str:
    """Each visit of a patient by facility and number: whether it is a spell, and what is known of it.

    Some senders number visits anew for each patient, so the number alone is nobody's. A visit that was moved to another
    patient (A45) is the former one's no more.
    """
    fields = {
        "class": "upper(class)",
        "method": "method",
        "discharge_method": "discharge_method",
        "destination": "destination",
    }
    state = ", ".join(f"arg_max({sql}, place) AS {name}" for name, sql in fields.items())
    return f"""
    SELECT *, stays AND NOT cancelled AND {among("class", settings.inpatient_classes)} AS is_spell
    FROM (
        SELECT facility, visit_number AS number, organisation, id, max(place) AS told_at, {state},
            bool_or(event IN ({listed(_STAYS)})) AS stays,
            coalesce(arg_max(event, place) FILTER (WHERE event IN ({listed(_ADMITS + _UNDOES)}))
                IN ({listed(_UNDOES)}), false) AS cancelled,
            coalesce(arg_max(admitted, place),
                arg_min(occurred, place) FILTER (WHERE event IN ({listed(_ADMITS)}))) AS admitted,
            arg_max({{'is_undone': event = 'A13' OR coalesce(discharged = '""', false),
                'day': coalesce(discharged, occurred)}}, place)
                FILTER (WHERE event IN ('A03', 'A13') OR discharged IS NOT NULL) AS ended
        FROM (
            SELECT m.* REPLACE (coalesce(b.organisation, m.organisation) AS organisation, coalesce(b.id, m.id) AS id)
            FROM mention m LEFT JOIN became b ON b.old_organisation = m.organisation AND b.old_id = m.id
            UNION ALL BY NAME
            SELECT place, facility, visit_number, old_organisation AS organisation, old_id AS id, 'A23' AS event
            FROM ({_former(settings)} WHERE event = 'A45')
        )
        WHERE visit_number IS NOT NULL GROUP BY facility, visit_number, organisation, id
    )"""


def _spells() -> str:
    """The visits of those who are left that are spells, with the values that are meant."""
    ended = "ended IS NOT NULL AND NOT ended.is_undone"
    columns = {
        "number": said("number"),
        "facility": "nullif(facility, '')",
        "method": said("method"),
        "admitted": said("admitted"),
        "ended": f"CASE WHEN {ended} THEN {said('ended.day')} END",
        "destination": f"CASE WHEN {ended} THEN {said('destination')} END",
        "discharge_method": f"CASE WHEN {ended} THEN {said('discharge_method')} END",
    }
    selected = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    return f"""
    SELECT * REPLACE ({day("admitted")} AS admitted, {day("ended")} AS ended)
    FROM (
        SELECT told_at, organisation, id, {selected} FROM visit SEMI JOIN alive USING (organisation, id) WHERE is_spell
    )"""


def _former(settings: Settings) -> str:
    """Each id that a message names as a former one (MRG-1), beside the patient that it names now."""
    organisation = "organisation" if settings.organisation == "facility" else "coalesce(one.authority, organisation)"
    return f"""
        SELECT place, event, facility, visit_number, organisation, id, one.value AS old_id,
            {organisation} AS old_organisation
        FROM (SELECT *, unnest(former) AS one FROM mention)"""


def _links() -> str:
    """Patients that stand linked to another one: of each pair the last word."""
    pair = "a.organisation, a.id, b.organisation AS other_organisation, b.id AS other_id"
    return f"""
    SELECT organisation, id, other_id, max(place) AS told_at FROM (
        SELECT {pair}, a.place, a.event FROM mention a JOIN mention b USING (file, record)
        WHERE a.event IN ('A24', 'A37') AND a.part <> b.part AND a.id <> b.id
    ) GROUP BY organisation, id, other_organisation, other_id HAVING arg_max(event, place) = 'A24'"""
