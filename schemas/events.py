"""What happened to people: registrations, social care events in the words of Client Level Data, hospital spells."""

from __future__ import annotations

from schemas.person import KEY_COLUMNS, PROVENANCE_COLUMNS
from schemas.table import Column, Identifies, Table, Type

_START = Column("start_date", Type.DATE, "First day.", Identifies.INDIRECT)
_END = Column("end_date", Type.DATE, "Last day. Null while open.", Identifies.INDIRECT)
_EVENT = Column("event_id", Type.TEXT, "The event's own id in the source.", Identifies.DIRECT)
_CLIENT = (
    Column("client_type", Type.TEXT, "CLD Client_Type: a service user, or an unpaid carer.", Identifies.INDIRECT),
    Column("primary_support_reason", Type.TEXT, "CLD Primary_Support_Reason at the event.", Identifies.INDIRECT),
)
_OUTCOME = Column("outcome", Type.TEXT, "CLD Event_Outcome, or the council's own words.")

REGISTRATION = Table(
    "REGISTRATION",
    "one row per registration of a patient at a GP practice",
    (
        *KEY_COLUMNS,
        Column("gp_practice_code", Type.TEXT, "ODS code of the practice.", Identifies.INDIRECT),
        Column("registration_type", Type.TEXT, "The supplier's word, such as Regular or GMS."),
        Column("registration_status", Type.TEXT, "The supplier's status text, where it gives one."),
        _START,
        _END,
        *PROVENANCE_COLUMNS,
    ),
)

SERVICE = Table(
    "SERVICE",
    "one row per social care service a client receives or received",
    (
        *KEY_COLUMNS,
        _EVENT,
        Column("service_type", Type.TEXT, "What is provided (CLD Service_Type, or the council's own words)."),
        Column(
            "service_component",
            Type.TEXT,
            "The part of it (CLD Service_Component, or the council's element).",
        ),
        Column("delivery_mechanism", Type.TEXT, "CLD Delivery_Mechanism."),
        Column("provider", Type.TEXT, "Who provides it.", Identifies.INDIRECT),
        _START,
        _END,
        Column("end_reason", Type.TEXT, "Why it ended, in the council's words."),
        Column("unit_cost", Type.REAL, "Cost in pounds for one unit."),
        Column("cost_unit", Type.TEXT, "What one unit is, such as a week."),
        Column("units_per_week", Type.REAL, "CLD Planned_units_per_week."),
        _OUTCOME,
        *_CLIENT,
        *PROVENANCE_COLUMNS,
    ),
)

ASSESSMENT = Table(
    "ASSESSMENT",
    "one row per social care assessment",
    (
        *KEY_COLUMNS,
        _EVENT,
        Column("assessment_type", Type.TEXT, "CLD Assessment_Type, or the council's own words."),
        _OUTCOME,
        _START,
        _END,
        Column("eligible_needs", Type.TEXT, "CLD Eligible_Needs_Identified."),
        Column("method", Type.TEXT, "CLD Method_of_Assessment: who took part."),
        *_CLIENT,
        *PROVENANCE_COLUMNS,
    ),
)

REQUEST = Table(
    "REQUEST",
    "one row per request for support",
    (
        *KEY_COLUMNS,
        _EVENT,
        Column("route_of_access", Type.TEXT, "CLD Request_Route_of_Access."),
        _OUTCOME,
        _START,
        _END,
        *_CLIENT,
        *PROVENANCE_COLUMNS,
    ),
)

CARE_REVIEW = Table(
    "CARE_REVIEW",
    "one row per review of a client's support",
    (
        *KEY_COLUMNS,
        _EVENT,
        Column("review_reason", Type.TEXT, "CLD Review_Reason."),
        _OUTCOME,
        _START,
        _END,
        Column("outcomes_achieved", Type.TEXT, "CLD Review_Outcomes_Achieved."),
        Column("method", Type.TEXT, "CLD Method_of_Review: who took part."),
        *_CLIENT,
        *PROVENANCE_COLUMNS,
    ),
)

SPELL = Table(
    "SPELL",
    "one row per hospital provider spell",
    (
        *KEY_COLUMNS,
        _EVENT,
        Column("provider", Type.TEXT, "ODS code of the hospital provider.", Identifies.INDIRECT),
        Column("admission_method", Type.TEXT, "Admission method code (ADMISSION METHOD, NHS Data Dictionary)."),
        Column(
            "primary_diagnosis",
            Type.TEXT,
            "ICD-10 without dots, of the admission episode.",
            Identifies.INDIRECT,
        ),
        Column("discharge_destination", Type.TEXT, "Discharge destination code."),
        Column("discharge_method", Type.TEXT, "Discharge method code; 4 is died.", Identifies.INDIRECT),
        Column(
            "discharge_ready_date",
            Type.DATE,
            "Day from which the person was ready to leave, where the source says.",
            Identifies.INDIRECT,
        ),
        Column("emergency", Type.FLAG, "True where the admission method is one that counts as an emergency."),
        Column("episodes", Type.INTEGER, "Consultant episodes of the spell that were read, where the source has them."),
        _START,
        _END,
        *PROVENANCE_COLUMNS,
    ),
)
