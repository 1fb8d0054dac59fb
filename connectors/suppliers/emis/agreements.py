"""Agreements_SharingOrganisation: whether a practice still shares.

Where it does not, its files are empty or full of deletions, and none of them may be taken at its word: the whole
reading is held until the agreement is settled, or the practice is left out knowingly.
"""

from __future__ import annotations

from connectors.supplier import Hold, Kind, Row
from connectors.suppliers.emis.common import titles
from connectors.values import is_true

_NOT_ACTIVE = "coalesce(lower(r.IsActivated) IN ('false', 'f', '0', 'n', 'no'), false)"
# Practices that have not begun to share stand in the file too, with no records.
_HAS_RECORDS = "r.OrganisationGuid IN (SELECT p.OrganisationGuid FROM raw_patient p)"

SHARING = Kind(
    name="sharing_agreement",
    columns=titles("OrganisationGuid IsActivated LastModifiedDate Disabled Deleted"),
    required=("OrganisationGuid", "IsActivated", "Disabled"),
    row=Row((), organisation="OrganisationGuid"),
    newest="r.LastModifiedDate DESC NULLS LAST",
    hold=Hold(
        because="a sharing agreement is disabled, so its files may be empty or mass deletions; hold this extract until"
        " the agreement of {organisations} is settled, or read it without that organisation",
        when=f"{is_true('r.Disabled')} OR {is_true('r.Deleted')} OR ({_NOT_ACTIVE} AND {_HAS_RECORDS})",
        organisation="coalesce((SELECT max(o.ODSCode) FROM raw_organisation o"
        " WHERE o.OrganisationGuid = r.OrganisationGuid), r.OrganisationGuid)",
    ),
)
