"""What each HL7 ADT message says, as SQL: a row for each patient that it speaks of, under a hospital's habits.

The layout gives the fields of plain messages as columns and other messages whole (`connectors.files.layouts.messages`).
The others are parted here, by their own delimiters and with their escapes undone, and stand beside the plain ones.
"""

from __future__ import annotations

from connectors.suppliers.hospital import hl7
from connectors.suppliers.hospital.adt import MERGES, PLACES, READ, STATE, Settings
from connectors.suppliers.hospital.codes import among
from connectors.suppliers.hospital.hl7 import COMPONENT, first_part, reference, said
from connectors.values import listed

SEVERAL = " and "
"""Between the NHS numbers of one message that differ."""
_BESIDE = {name: alias for name, alias in hl7.SEGMENTS.items() if name not in ("MSH", "EVN")}


def fields(settings: Settings) -> tuple[str, ...]:
    """The fields that are read, in order of name; SettingsError where a setting is no place in a message."""
    others = ("PID-3", "MRG-1", "MSH-4", "MSH-7", "MSH-9", "EVN-1", "EVN-2", "EVN-6", "PV1-0")
    places = (*_places(settings).values(), *settings.order_by, *settings.nhs_number_fields, *settings.practice_fields)
    return tuple(sorted({hl7.field(place) for place in (*places, *others, settings.nhs_number_status_field)}))


def steps(settings: Settings) -> dict[str, str]:
    """SQL of the tables that lead to `told`: each patient a message speaks of, and `why` it is of no use.

    `place` is where it stands among all that is told, by the messages' own times. Each is a table of its own, for the
    store does not know how many rows a query gives, and would gather the wide ones to look up the narrow ones in.
    """
    return {
        "strange": _strange(settings),
        "placed": _placed(settings),
        "known": _known(settings),
        "told": _told(settings),
    }


def _said(settings: Settings, among: str = '"MSH" IS NULL') -> str:
    """All that is said of patients, field by field; plain messages, `among` the others, are told by part 0."""
    names = ", ".join(f'"{name}"' for name in fields(settings))
    return f"""
    SELECT file, record, line, 0 AS part, {names} FROM standing_message WHERE {among}
    UNION ALL SELECT file, record, line, part, {names} FROM strange_message"""


def _placed(settings: Settings) -> str:
    """Where what is said stands in time."""
    times = {f"time_{at}": hl7.moment(reference(place)) for at, place in enumerate(settings.order_by)}
    taken = ", ".join(f"CAST({time} AS BIGINT) AS {name}" for name, time in times.items())
    order = ", ".join([*(f"{name} NULLS FIRST" for name in times), "file", "record", "part"])
    return f"""
    SELECT file, record, part, row_number() OVER (ORDER BY {order}) AS place
    FROM (SELECT file, record, part, {taken or "0 AS none"} FROM ({_said(settings)}))"""


def _strange(settings: Settings) -> str:
    """A row for each patient that a message speaks of that the layout gave whole."""
    several = ", ".join(
        f"string_split({hl7.plain(_quoted(name))}, chr(13)) AS {alias}s" for name, alias in _BESIDE.items()
    )
    # Segments beside a patient's PID are its own where there are as many of them.
    own = ", ".join(
        f"CASE WHEN len({alias}s) = len(pids) THEN string_split({alias}s[part], {hl7.FIELD}) END AS {alias}"
        for alias in _BESIDE.values()
    )
    cut = ", ".join(f'{hl7.cut(name)} AS "{name}"' for name in fields(settings))
    return f"""
    SELECT file, record, line, part, {cut} FROM (
        SELECT file, record, line, part, string_split(msh_text, {hl7.FIELD}) AS msh,
            string_split(evn_text, {hl7.FIELD}) AS evn, {own}
        FROM (
            SELECT *, unnest(range(1, len(pids) + 1)) AS part FROM (
                SELECT file, record, line, {hl7.plain('"MSH"')} AS msh_text, {hl7.plain('"EVN"')} AS evn_text, {several}
                FROM (SELECT *, {hl7.marks()} FROM standing_message WHERE "PID" IS NOT NULL)
            )
        )
    )"""


def _quoted(name: str) -> str:
    return f'"{name}"'


def _places(settings: Settings) -> dict[str, str]:
    """Where what is read of a message stands, by name."""
    return {
        **PLACES,
        "ethnicity": settings.ethnicity_field,
        "visit_number": settings.visit_number_field,
        "class": "PV1-2.1",
        "method": settings.admission_method_field,
        "discharge_method": settings.discharge_method_field,
        "destination": settings.discharge_destination_field,
        "admitted": settings.admitted_field,
        "discharged": settings.discharged_field,
        "type": "MSH-9.1",
        "mode": "MSH-11.1",
    }


def _known(settings: Settings) -> str:
    """The ids of a patient as they stand in PID-3, once for all messages that give the same ones: lists are dear."""
    return f"""
    SELECT *, list_filter(ids, lambda x: x.is_nhs_number)[1].status AS own_status,
        list_filter(ids, lambda x: NOT x.is_nhs_number AND x.value <> own.value AND x.value <> coalesce(number, ''))
            AS others
    FROM (SELECT *, {_own_id(settings)} AS own FROM (
        SELECT *, {_nhs_number(settings)} AS number FROM (
            SELECT *, {_ids(reference("PID-3"), settings)} AS ids
            FROM (SELECT DISTINCT "PID-3", {_elsewhere(settings)} AS number_elsewhere FROM ({_said(settings)}))
        )
    ))"""


def _elsewhere(settings: Settings) -> str:
    """An NHS number outside PID-3."""
    found = ", ".join(f"split_part({reference(place)}, {COMPONENT}, 1)" for place in settings.nhs_number_fields)
    return f"CAST(coalesce({found or 'NULL'}) AS VARCHAR)"


def _told(settings: Settings) -> str:
    """What a message says of a patient, or why it is of no use.

    A message that was not plain has a row without a place besides, which says nothing. To leave it out here the store
    would gather all these wide rows to look the places up in, as it does where a join is not LEFT: half the time again.
    """
    read = ", ".join(f"{reference(place)} AS {name}" for name, place in _places(settings).items())
    kept = ("visit_number", "class", "method", "discharge_method", "destination", "admitted", "discharged")
    names = ", ".join((*STATE, *kept, "event", "facility", "occurred", "number"))
    # Few messages have a former id, and a list costs as much where it is empty.
    old = f"CASE WHEN {reference('MRG-1')} IS NOT NULL THEN {_ids(reference('MRG-1'), settings)} ELSE [] END"
    return f"""
    SELECT file, record, line, part, place, {names}, own.value AS id,
        {"facility" if settings.organisation == "facility" else "coalesce(own.authority, facility)"} AS organisation,
        coalesce(status, lpad(own_status, 2, '0')) AS status, others,
        list_filter(old_ids, lambda x: NOT x.is_nhs_number AND x.value <> own.value) AS former,
        CASE
            WHEN type IS DISTINCT FROM 'ADT' THEN 'adt'
            WHEN {among("upper(mode)", settings.test_modes)} THEN 'test'
            WHEN event IS NULL OR event NOT IN ({listed(READ)}) THEN 'event'
            WHEN lacks_pv1 AND {among("event", settings.visit_events)} THEN 'cut'
            WHEN own IS NULL THEN 'nobody'
            WHEN event IN ({listed(MERGES)}) AND len(former) = 0 THEN 'nothing'
        END AS why
    FROM (
        SELECT file, record, line, part, {read}, {old} AS old_ids,
            upper(coalesce({reference("MSH-9.2")}, {reference("EVN-1")})) AS event,
            coalesce({said("sender")}, '') AS facility,
            coalesce({reference("EVN-6.1")}, {reference("EVN-2.1")}, {reference("MSH-7.1")}) AS occurred,
            {_status(settings)} AS status, {_practice(settings)} AS practice, "PV1-0" IS NULL AS lacks_pv1,
            "PID-3" AS pid_3, {_elsewhere(settings)} AS number_elsewhere
        FROM (SELECT *, {first_part(reference("MSH-4.1"))} AS sender FROM ({_said(settings, "true")}))
    ) m
    LEFT JOIN placed_message USING (file, record, part)
    LEFT JOIN known_message known ON known."PID-3" IS NOT DISTINCT FROM m.pid_3
        AND known.number_elsewhere IS NOT DISTINCT FROM m.number_elsewhere"""


def _ids(x: str, settings: Settings) -> str:
    """A list of ids (CX) as structures: value, authority, type, and whether it is an NHS number."""
    types, authorities = (
        [word.replace(" ", "") for word in words]
        for words in (settings.nhs_number_types, settings.nhs_number_authorities)
    )
    # A status may stand behind the type, in braces: NH{status:01}.
    kind, namespace = (f"upper(replace(split_part({part}, '{mark}', 1), ' ', ''))" for part, mark in _CX)
    is_number = " OR ".join(
        (among(kind, types), among(namespace, authorities), among("split_part(one[4], '&', 2)", authorities))
    )
    value, authority = (
        f"nullif(nullif(trim({part}), ''), '\"\"')" for part in ("one[1]", "split_part(one[4], '&', 1)")
    )
    status = "nullif(regexp_extract(one[5], '[{]status:([0-9]+)', 1), '')"
    struct = (
        f"{{'value': {value}, 'authority': {authority}, 'type': nullif({kind}, ''),"
        f" 'is_nhs_number': {is_number},"
        f" 'status': CASE WHEN contains(one[5], '{{') THEN {status} END}}"
    )
    made = f"list_transform({hl7.repetitions(x)}, lambda one: {struct})"
    return f"coalesce(list_filter({made}, lambda x: x.value IS NOT NULL), [])"


_CX = (("one[5]", "{"), ("one[4]", "&"))


def _nhs_number(settings: Settings) -> str:
    """The NHS number: of PID-3 the one that says so, else where this hospital has it.

    Where PID-3 has several that differ, all of them: which is the patient's nobody knows, and what is no number is
    refused.
    """
    held = "list_transform(list_filter(ids, lambda x: x.is_nhs_number), lambda x: x.value)"
    digits = f"list_distinct(list_transform({held}, lambda x: translate(x, ' -', '')))"
    number = f"CASE WHEN len({digits}) > 1 THEN array_to_string({held}, '{SEVERAL}') ELSE {held}[1] END"
    return f"coalesce({number}, {said('number_elsewhere')})"


def _own_id(settings: Settings) -> str:
    """The hospital's own number: of the likeliest type, else the first that is no NHS number."""
    local = "NOT x.is_nhs_number AND x.value <> coalesce(number, '')"
    if settings.patient_id_authorities:
        local += f" AND {among('upper(x.authority)', settings.patient_id_authorities)}"
    typed = [
        f"list_filter(ids, lambda x: {local} AND {among('x.type', (kind,))})[1]" for kind in settings.patient_id_types
    ]
    # Numbers of accounts and visits stand in PID-3 of some senders, and are nobody's own.
    other = f"list_filter(ids, lambda x: {local} AND coalesce(x.type NOT IN ('AN', 'VN'), true))[1]"
    return f"coalesce({', '.join([*typed, other])})"


_STATUSES = tuple(f"{before}{code}" for before in ("", "0", "NSTS", "NSTS0") for code in range(1, 9))


def _status(settings: Settings) -> str:
    """NHS number status in a field of its own: 01, 1 or NSTS01, alone or among other codes."""
    held = reference(settings.nhs_number_status_field)
    among_others = f"regexp_extract({held}, '(?:^|[~^&])(?:NSTS)?0?([1-8])(?:$|[~^&])', 1)"
    code = f"CASE WHEN {held} IN ({listed(_STATUSES)}) THEN right({held}, 1) ELSE {among_others} END"
    return f"CASE WHEN {held} IS NOT NULL THEN lpad(nullif({code}, ''), 2, '0') END"


def _practice(settings: Settings) -> str:
    """The first component that has the form of a practice's ODS code; two quotation marks where it is taken away."""
    fields = ", ".join(map(reference, settings.practice_fields)) or "CAST(NULL AS VARCHAR)"
    code = f"regexp_extract(concat_ws('~', {fields}), '(?:^|[~^&])([A-Z][0-9]{{5}})(?:$|[~^&])', 1)"
    found = f"coalesce(nullif({code}, ''), CASE WHEN '\"\"' IN ({fields}) THEN '\"\"' END)"
    return f"CASE WHEN coalesce({fields}) IS NOT NULL THEN {found} END"
