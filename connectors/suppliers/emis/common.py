"""What the files of an EMIS extract share: whose a record is, which one is the newest, and what a deletion is."""

from __future__ import annotations

from connectors import values
from connectors.supplier import Lookup, Row, Rule

# GUIDs repeat across organisations, so a record is known by both; the ODS code is the organisation's name to others.
ORGANISATION = Lookup(
    alias="organisation",
    kinds=("organisation",),
    where="organisation.ODSCode IS NOT NULL",
    order="TRY_CAST(ProcessingId AS BIGINT) DESC NULLS LAST",
    on=(("OrganisationGuid", "r.OrganisationGuid"),),
    raw=True,
)
SOURCE_ORG = "coalesce(organisation.ODSCode, r.OrganisationGuid)"
NEWEST = "TRY_CAST(ProcessingId AS BIGINT) DESC NULLS LAST"
"""Within one delivery: a later processing id overtakes an earlier one."""
IS_DELETED = values.is_true("r.Deleted")
DELETED = Rule("marked as deleted", IS_DELETED, ("Deleted",))


def titles(names: str) -> dict[str, tuple[str, ...]]:
    """Fields by their titles, parted by spaces. Versions differ in capitals, which do not count."""
    return {name: (name,) for name in names.split()}


def row(*key: str, removed: str = IS_DELETED, person: str | None = None) -> Row:
    """A record of an organisation's own."""
    return Row(key, organisation="OrganisationGuid", removed=removed, person=person)
