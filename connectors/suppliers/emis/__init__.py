"""EMIS Web bulk extract ("EMIS Extract Service"), specification 5.0 to 8.3: full and delta, any number of practices.

Column names: EMIS Extract Service specification 8.2, and the published 5.x readers of Endeavour Health. Titles are
compared without capitals, extra columns are allowed, and the version is told by the header, never by the date.
"""

from __future__ import annotations

import re

from connectors.supplier import Supplier
from connectors.suppliers.emis import agreements, care_record, patient, practice
from connectors.suppliers.gp_codes import Codes, load

# <processing ids>_<schema>_<table>_<time>_<sharing agreement>, or bulk_<six digits>_... for a full one. Files of one
# time and agreement were delivered together.
_NAME = re.compile(
    r"^(?:(?P<full>bulk)_[0-9]{6}|(?P<first>[0-9]+)(?:-(?P<last>[0-9]+))?)_[A-Za-z]+_[A-Za-z]+_(?P<at>[0-9]{14})"
    r"_\{?(?P<feed>[0-9A-Fa-f-]{36})\}?"
)


def supplier(codes: Codes) -> Supplier:
    """The format, with what coded entries say by this list."""
    return Supplier(
        name="emis",
        held_by="practice",
        encodings=("utf-8",),
        kinds=(
            patient.PATIENT,
            practice.HISTORY,
            practice.PRACTICE,
            agreements.SHARING,
            care_record.clinical_code(codes),
            care_record.observation(codes),
        ),
        deliveries=_NAME,
        # That processing ids follow each other without gaps is not documented, so a gap is only said.
        gaps_hold=False,
        named_in=("organisation", "OrganisationGuid", "ODSCode"),
    )


EMIS = supplier(load())
