"""What single HL7 ADT messages say of patients, under a hospital's habits; `history` makes one story of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.suppliers.hospital import hl7
from connectors.suppliers.hospital.codes import EMERGENCY_METHODS, among
from connectors.suppliers.hospital.hl7 import COMPONENT, first_part, reference, said
from connectors.values import listed

MERGES = ("A18", "A30", "A34", "A36", "A39", "A40", "A46", "A47")
_READ = (
    *(f"A{n:02}" for n in range(1, 17)),
    *("A21", "A22", "A23", "A24", "A25", "A26", "A27", "A28", "A29", "A31", "A32", "A33", "A37", "A38", "A45"),
    *MERGES,
)
"""Events whose PID is a state of the patient. Merges of accounts and visits alone, queries and bed states are not."""


@dataclass(frozen=True)
class Settings:
    """A hospital's habits, each assumed and open to change; docs/connectors/hl7-adt.md says where each comes from."""

    nhs_number_types: tuple[str, ...] = ("NH", "NHS", "NHSNO", "NHSNUMBER")
    nhs_number_authorities: tuple[str, ...] = ("NHS", "NHSNO", "NHSNUMBER", "2.16.840.1.113883.2.1.4.1")
    """PID-3: identifier types (CX.5) and assigning authorities (CX.4) of NHS numbers, without spaces and capitals."""
    nhs_number_fields: tuple[str, ...] = ()
    """Where else an NHS number stands, whatever its type: PID-19, PID-2, or PID-3(2) for the second repetition."""
    nhs_number_status_field: str = "PID-32"
    patient_id_types: tuple[str, ...] = ("MR", "PI", "MRN")
    """PID-3: types of the hospital's own number, the likeliest first; else the first that is no NHS number."""
    patient_id_authorities: tuple[str, ...] = ()
    """PID-3: only numbers of these authorities are the hospital's own."""
    organisation: str = "authority"
    """Whose ids they are: the authority of the id ("authority") or the sending facility, MSH-4 ("facility")."""
    name_types: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {
            "usual": ("L", "U", "C", "D", "CURRENT", "USUAL", "LEGAL"),
            "maiden": ("M", "B", "MAIDEN", "BIRTH"),
            # P is a partner's name in the standard, and a previous one to some.
            "previous": ("PREVIOUS", "OLD"),
            "known as": ("A", "N", "K", "ALIAS", "PREFERRED", "NICKNAME"),
        }
    )
    address_types: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {
            "home": ("H", "P", "L", "HOME", "PERMANENT"),
            "temporary": ("C", "TMP", "TEMP", "TEMPORARY"),
            "correspondence": ("M", "MAIL", "CORRESPONDENCE"),
        }
    )
    practice_fields: tuple[str, ...] = ("PD1-3", "PD1-4")
    ethnicity_field: str = "PID-22.1"
    order_by: tuple[str, ...] = ("EVN-2", "MSH-7")
    """The times that put messages in order, the first first; the place in the file decides last."""
    visit_events: tuple[str, ...] = ("A01", "A02", "A03", "A06", "A07", "A11", "A12", "A13")
    """Events that need a PV1; a message without one was cut short."""
    inpatient_classes: tuple[str, ...] = ("I", "INPATIENT", "DAYCASE", "DAY CASE")
    """PV1-2: classes of patient whose visits are hospital spells."""
    visit_number_field: str = "PV1-19.1"
    admission_method_field: str = "PV1-4.1"
    discharge_method_field: str = "PV1-36.1"
    discharge_destination_field: str = "PV1-37.1"
    admitted_field: str = "PV1-44.1"
    discharged_field: str = "PV1-45.1"
    emergency_methods: tuple[str, ...] = EMERGENCY_METHODS
    test_modes: tuple[str, ...] = ("T", "D")
    """MSH-11: training and debugging."""


_PLACES = {
    "names": "PID-5",
    "born": "PID-7.1",
    "gender": "PID-8.1",
    "aliases": "PID-9",
    "addresses": "PID-11",
    "phones": "PID-13",
    "work_phones": "PID-14",
    "died": "PID-29.1",
    "dead": "PID-30.1",
}
STATE = (*_PLACES, "ethnicity", "practice")
"""What is known of a patient, each kept until a later message says otherwise."""

WHY = {
    "adt": ("no ADT message", "MSH"),
    "event": ("an event that says nothing of a patient's state", "MSH"),
    "test": ("not a message of the live system (MSH-11)", "MSH"),
    "cut": ("no PV1, which its event must have: cut short", "PV1"),
    "nobody": ("no number of the hospital's own (PID-3)", "PID"),
    "nothing": ("a merge without the number that was merged (MRG-1)", "MRG"),
    "merged": ("its patient was merged into another one, which keeps the number as an identifier", "PID"),
    "deleted": ("its patient was deleted (A29)", "PID"),
    "cancelled": ("its admission was cancelled", "PV1"),
    "earlier": ("an earlier message of the same patient; what later ones leave unsaid is taken from it", "PID"),
}
"""Why a message fills nothing, and the segment that says so."""


def told(settings: Settings) -> str:
    """SQL of common tables, the last of them `told`: each patient a message speaks of, and `why` it is of no use."""
    return f"""parted AS NOT MATERIALIZED ({_parted()}
), fields AS NOT MATERIALIZED ({_fields(settings)}
), numbered AS NOT MATERIALIZED (
    SELECT *, {_nhs_number(settings)} AS number FROM fields
), owned AS NOT MATERIALIZED (
    SELECT *, {_own_id(settings)} AS own FROM numbered
), told AS NOT MATERIALIZED ({_told(settings)}
)"""


def _parted() -> str:
    """A row for each patient that a message speaks of, with the segments that are about it as text."""
    several = ", ".join(
        f"string_split({hl7.plain(_quoted(name))}, chr(13)) AS {alias}s" for name, alias in _BESIDE.items()
    )
    # Segments beside a patient's PID are its own where there are as many of them.
    own = ", ".join(f"CASE WHEN len({name}s) = len(pids) THEN {name}s[part] END AS {name}" for name in _BESIDE.values())
    return f"""
    SELECT file, record, line, part, string_split(msh_text, {hl7.FIELD}) AS msh,
        string_split(evn_text, {hl7.FIELD}) AS evn, {own}
    FROM (
        SELECT *, unnest(range(1, len(pids) + 1)) AS part FROM (
            SELECT file, record, line, {hl7.plain('"MSH"')} AS msh_text, {hl7.plain('"EVN"')} AS evn_text, {several}
            FROM (SELECT *, {hl7.marks()} FROM standing_message WHERE "PID" IS NOT NULL)
        )
    )"""


_BESIDE = {name: alias for name, alias in hl7.SEGMENTS.items() if name not in ("MSH", "EVN")}


def _fields(settings: Settings) -> str:
    """What is read of each patient's segments, by name."""
    split = ", ".join(f"string_split({name}, {hl7.FIELD}) AS {name}" for name in _BESIDE.values())
    places = {
        **_PLACES,
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
    times = "".join(
        f"{hl7.moment(reference(place))} AS {name}, "
        for name, place in zip(ordering(settings), settings.order_by, strict=True)
    )
    read = ", ".join(f"{reference(place)} AS {name}" for name, place in places.items())
    elsewhere = ", ".join(f"string_split({reference(place)}, {COMPONENT})[1]" for place in settings.nhs_number_fields)
    return f"""
    SELECT file, record, line, part, {read},
        {_ids(reference("PID-3"), settings)} AS ids, {_ids(reference("MRG-1"), settings)} AS old_ids,
        coalesce({elsewhere or "NULL"}) AS number_elsewhere,
        upper(coalesce({reference("MSH-9.2")}, {reference("EVN-1")})) AS event,
        coalesce({said(first_part(reference("MSH-4.1")))}, '') AS facility,
        coalesce({reference("EVN-6.1")}, {reference("EVN-2.1")}, {reference("MSH-7.1")}) AS occurred,
        {_status(settings)} AS status, {_practice(settings)} AS practice,
        {times}pv1 IS NULL AS lacks_pv1
    FROM (SELECT file, record, line, part, msh, evn, {split} FROM parted)"""


def _told(settings: Settings) -> str:
    """What a message says of a patient, or why it is of no use."""
    kept = ("visit_number", "class", "method", "discharge_method", "destination", "admitted", "discharged")
    names = ", ".join((*STATE, *kept, "event", "facility", "occurred", "number", *ordering(settings)))
    return f"""
    SELECT file, record, line, part, {names}, own.value AS id,
        {"facility" if settings.organisation == "facility" else "coalesce(own.authority, facility)"} AS organisation,
        coalesce(status, lpad(list_filter(ids, lambda x: x.is_nhs_number)[1].status, 2, '0')) AS status,
        list_filter(old_ids, lambda x: NOT x.is_nhs_number AND x.value <> own.value) AS former,
        list_filter(ids, lambda x: NOT x.is_nhs_number AND x.value <> own.value AND x.value <> coalesce(number, ''))
            AS others,
        CASE
            WHEN type IS DISTINCT FROM 'ADT' THEN 'adt'
            WHEN {among("upper(mode)", settings.test_modes)} THEN 'test'
            WHEN event IS NULL OR event NOT IN ({listed(_READ)}) THEN 'event'
            WHEN lacks_pv1 AND {among("event", settings.visit_events)} THEN 'cut'
            WHEN own IS NULL THEN 'nobody'
            WHEN event IN ({listed(MERGES)}) AND len(former) = 0 THEN 'nothing'
        END AS why
    FROM owned"""


def ordering(settings: Settings) -> tuple[str, ...]:
    """Names of the times that put messages in order."""
    return tuple(f"time_{n}" for n in range(len(settings.order_by)))


def _quoted(name: str) -> str:
    return f'"{name}"'


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
    """The NHS number: of PID-3 the one that says so, else where this hospital has it."""
    return f"coalesce(list_filter(ids, lambda x: x.is_nhs_number)[1].value, {said('number_elsewhere')})"


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


def _status(settings: Settings) -> str:
    """NHS number status in a field of its own: 01, 1 or NSTS01, alone or among other codes."""
    codes = (
        f"regexp_extract({reference(settings.nhs_number_status_field)}, '(?:^|[~^&])(?:NSTS)?0?([1-8])(?:$|[~^&])', 1)"
    )
    return f"lpad(nullif({codes}, ''), 2, '0')"


def _practice(settings: Settings) -> str:
    """The first component that has the form of a practice's ODS code; two quotation marks where it is taken away."""
    fields = ", ".join(map(reference, settings.practice_fields)) or "NULL"
    code = f"regexp_extract(concat_ws('~', {fields}), '(?:^|[~^&])([A-Z][0-9]{{5}})(?:$|[~^&])', 1)"
    return f"coalesce(nullif({code}, ''), CASE WHEN '\"\"' IN ({fields}) THEN '\"\"' END)"
