"""What a stream of HL7 ADT messages says in the end: each patient's latest state, who became whom, and who stayed when.

Messages are told by their own times, never by their place in a file, so a stream in any order gives the same result.
A field that a later message leaves empty keeps what an earlier one said; two quotation marks take it away (HL7 2.5,
2.5.3). A merge retires an id for as long as nothing later speaks of it: an id in use again is a patient of its own.
"""

from __future__ import annotations

from connectors.suppliers.hospital import told
from connectors.suppliers.hospital.adt import MERGES, STATE, Settings
from connectors.suppliers.hospital.codes import among
from connectors.suppliers.hospital.contacts import parted
from connectors.suppliers.hospital.hl7 import day, said
from connectors.values import listed

_ADMITS, _UNDOES = ("A01", "A06"), ("A07", "A11", "A23")
_STAYS = (*_ADMITS, "A02", "A03", "A08", "A12", "A13", "A45")


# What is of use, told of patients; what it says stands in `told`.
_MENTION = "(SELECT * FROM told_message WHERE why IS NULL)"


def steps(settings: Settings) -> dict[str, str]:
    """SQL of the tables that lead to what `prepare` reads: people, spells, aliases, and messages that fill nothing."""
    alive = "(FROM patient_message ANTI JOIN gone_message USING (organisation, id))"
    return {
        **told.steps(settings),
        "patient": _patient(),
        "became": _became(settings),
        "visit": _visits(settings),
        "gone": """
            SELECT old_organisation AS organisation, old_id AS id, 'merged' AS why FROM became_message
            UNION ALL SELECT organisation, id, 'deleted' FROM patient_message WHERE last_event = 'A29'""",
        "person": _placed(parted(alive, settings)),
        "spell": _placed(_spells(alive)),
        "alias": _placed(_aliases(alive)),
        "idle": _idle(),
    }


def prepare() -> str:
    """SQL of rows that fill a table (structures `person`, `spell`, `alias`) and of messages that fill none (`why`)."""
    kinds = ("person", "spell", "alias")
    key = "file, record, line, organisation, local_id"
    filling = (f"SELECT {key}, one AS {kind}, '' AS \"PID\" FROM {kind}_message one" for kind in kinds)
    return f"{' UNION ALL BY NAME '.join(filling)} UNION ALL BY NAME FROM idle_message"


def _placed(rows: str) -> str:
    """The rows with the message that each was told by, and the key of whom it is about."""
    return f"""
    SELECT m.file, m.record, m.line, {said("f.organisation")} AS organisation, {said("f.id")} AS local_id,
        f.* EXCLUDE (organisation, id, told_at)
    FROM ({rows}) f JOIN told_message m ON m.place = f.told_at"""


def _aliases(alive: str) -> str:
    """Further numbers of those who are left."""
    return f"""
    SELECT f.* FROM (
        SELECT told_at, organisation, id, 'former hospital number' AS scheme, old_id AS value FROM became_message
        UNION ALL SELECT told_at, organisation, id, 'linked hospital number', other_id FROM ({_links()})
    ) f SEMI JOIN {alive} USING (organisation, id)"""


def _idle() -> str:
    """Messages that fill nothing, and why."""
    used = " UNION ALL ".join(f"SELECT file, record FROM {kind}_message" for kind in ("person", "spell", "alias"))
    return f"""
    SELECT t.file, t.record, min(t.line) AS line, nullif(arg_min(t.organisation, t.part), '') AS organisation, coalesce(
        arg_min(t.why, t.part), min(gone.why), CASE WHEN bool_or(v.cancelled) THEN 'cancelled' END, 'earlier') AS why,
        '' AS "PID"
    FROM told_message t
    ANTI JOIN ({used}) used ON used.file = t.file AND used.record = t.record
    LEFT JOIN gone_message gone ON gone.organisation = t.organisation AND gone.id = t.id
    LEFT JOIN visit_message v ON v.facility = t.facility AND v.number = t.visit_number
        AND v.organisation = t.organisation AND v.id = t.id
    WHERE t.place IS NOT NULL
    GROUP BY t.file, t.record
    UNION ALL BY NAME
    SELECT file, record, line, "PID" FROM standing_message WHERE "MSH" IS NOT NULL AND "PID" IS NULL"""


def _patient() -> str:
    state = ",\n        ".join(f"arg_max({name}, place) AS {name}" for name in STATE)
    return f"""
    SELECT organisation, id, max(place) AS told_at, arg_max(event, place) AS last_event,
        arg_max({{'number': number, 'status': status}}, place) FILTER (WHERE number IS NOT NULL) AS held,
        arg_max(status, place) AS status, coalesce(min(number) <> max(number), false) AS several,
        arg_max(others, place) FILTER (WHERE len(others) > 0) AS others,
        {state}
    FROM {_MENTION} GROUP BY organisation, id"""


def _became(settings: Settings) -> str:
    """Ids that were merged into another and not spoken of since, with whom each is in the end, and where it was told.

    Of several merges of one id the last counts, and who was merged into is followed to who is left.
    """
    return f"""
    WITH RECURSIVE merged AS MATERIALIZED (
        SELECT old_organisation, old_id, arg_max(organisation, place) AS organisation, arg_max(id, place) AS id,
            max(place) AS told_at
        FROM ({_former(settings)} WHERE event IN ({listed(MERGES)})) m
        ANTI JOIN patient_message later
            ON later.organisation = m.old_organisation AND later.id = m.old_id AND later.told_at > m.place
        GROUP BY old_organisation, old_id
    ), chain AS (
        SELECT * FROM merged
        UNION ALL
        SELECT c.old_organisation, c.old_id, m.organisation, m.id, c.told_at
        FROM chain c JOIN merged m ON m.old_organisation = c.organisation AND m.old_id = c.id
    )
    SELECT c.* FROM chain c ANTI JOIN merged m ON m.old_organisation = c.organisation AND m.old_id = c.id"""


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
            FROM {_MENTION} m LEFT JOIN became_message b ON b.old_organisation = m.organisation AND b.old_id = m.id
            UNION ALL BY NAME
            SELECT place, facility, visit_number, old_organisation AS organisation, old_id AS id, 'A23' AS event
            FROM ({_former(settings)} WHERE event = 'A45')
        )
        WHERE visit_number IS NOT NULL GROUP BY facility, visit_number, organisation, id
    )"""


def _spells(alive: str) -> str:
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
        SELECT told_at, organisation, id, {selected} FROM visit_message SEMI JOIN {alive} USING (organisation, id)
        WHERE is_spell
    )"""


def _former(settings: Settings) -> str:
    """Each id that a message names as a former one (MRG-1), beside the patient that it names now."""
    organisation = "organisation" if settings.organisation == "facility" else "coalesce(one.authority, organisation)"
    return f"""
        SELECT place, event, facility, visit_number, organisation, id, one.value AS old_id,
            {organisation} AS old_organisation
        FROM (SELECT *, unnest(former) AS one FROM {_MENTION})"""


def _links() -> str:
    """Patients that stand linked to another one: of each pair the last word."""
    pair = "a.organisation, a.id, b.organisation AS other_organisation, b.id AS other_id"
    return f"""
    SELECT organisation, id, other_id, max(place) AS told_at FROM (
        SELECT {pair}, a.place, a.event FROM {_MENTION} a JOIN {_MENTION} b USING (file, record)
        WHERE a.event IN ('A24', 'A37') AND a.part <> b.part AND a.id <> b.id
    ) GROUP BY organisation, id, other_organisation, other_id HAVING arg_max(event, place) = 'A24'"""
