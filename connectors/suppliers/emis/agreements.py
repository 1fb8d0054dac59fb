"""Agreements_SharingOrganisation: whether a practice still shares.

Where it does not, its files are empty or full of deletions, and none of them may be taken at its word: the whole
reading is held until the agreement is settled, or the practice is left out knowingly.
"""

from __future__ import annotations

from connectors.supplier import Hold, Kind, Row
from connectors.suppliers.emis.common import titles
from connectors.values import FALSE_WORDS, is_true, listed

_NOT_ACTIVE = f"r.IsActivated IS NOT NULL AND NOT {is_true('r.IsActivated')}"
# Practices that have not begun to share stand in the file too, with no records.
_HAS_RECORDS = "r.OrganisationGuid IN (SELECT p.OrganisationGuid FROM raw_patient p)"


def _marked(x: str) -> str:
    """Whether a mark says anything but no: what cannot be understood must not pass for an agreement that stands."""
    return f"coalesce(lower({x}) NOT IN ({listed(FALSE_WORDS)}), false)"


SHARING = Kind(
    name="sharing_agreement",
    columns=titles("OrganisationGuid IsActivated LastModifiedDate Disabled Deleted"),
    required=("OrganisationGuid", "IsActivated", "Disabled"),
    row=Row((), organisation="OrganisationGuid"),
    newest="r.LastModifiedDate DESC NULLS LAST",
    hold=Hold(
        because="a sharing agreement is disabled, or a mark in it is neither yes nor no, so its files may be empty or"
        " mass deletions; hold this extract until the agreement of {organisations} is settled, or read it without that"
        " organisation",
        when=f"{_marked('r.Disabled')} OR {_marked('r.Deleted')} OR ({_NOT_ACTIVE} AND {_HAS_RECORDS})",
        organisation="coalesce((SELECT max(o.ODSCode) FROM raw_organisation o"
        " WHERE o.OrganisationGuid = r.OrganisationGuid), r.OrganisationGuid)",
    ),
)
