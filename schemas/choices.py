"""What people have chosen about the use of their records."""

from __future__ import annotations

from schemas.person import KEY_COLUMNS, PROVENANCE_COLUMNS
from schemas.table import Column, Identifies, Table, Type

OPT_OUT = Table(
    "OPT_OUT",
    "one row per opt-out or its withdrawal",
    (
        *KEY_COLUMNS,
        Column("nhs_number", Type.TEXT, "The number the choice is keyed by, where it is.", Identifies.DIRECT),
        Column(
            "scheme",
            Type.TEXT,
            "Which opt-out.",
            codes={
                "national data opt-out": "research and planning, kept on the Spine",
                "type 1": "GP record not to leave the practice except for care",
                "local": "a flag of the controller's own",
                "local sharing": "upload of the GP record to a local shared record",
                "national sharing": "upload of the GP record to a national shared record",
                "record sharing": "sharing of the electronic record",
                "third party sharing": "sharing with a third party named to the person",
            },
        ),
        Column("opted_out", Type.FLAG, "True: opted out. False: an opt-out withdrawn."),
        Column("from_date", Type.DATE, "Day the choice was made, where known.", Identifies.INDIRECT),
        *PROVENANCE_COLUMNS,
    ),
)

OBJECTION = Table(
    "OBJECTION",
    "one row per objection a person made to a use (UK GDPR Article 21; HSCIC rule 4)",
    (
        *KEY_COLUMNS,
        Column(
            "purpose",
            Type.TEXT,
            "The purpose objected to: direct care, commissioning, publication or research."
            " Null, or any other word, means every purpose but direct care.",
        ),
        Column("upheld", Type.FLAG, "True where the controller accepted it."),
        Column("from_date", Type.DATE, "Day it was made.", Identifies.INDIRECT),
        Column("to_date", Type.DATE, "Day it was withdrawn. Null while it stands.", Identifies.INDIRECT),
        *PROVENANCE_COLUMNS,
    ),
)
