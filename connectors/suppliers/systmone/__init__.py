"""TPP SystmOne Strategic Reporting Extract (SRE), layouts 87 to 93: `SR*.csv` files, full or delta.

Column names and rules: the published readers of Endeavour Health and the University of Cambridge (CRATE). Versions
differ chiefly in `RemovedData` and `IDOrganisationRegisteredAt`, so the header tells them.
"""

from __future__ import annotations

from connectors.supplier import Kind, Lookup, Row, Supplier
from connectors.suppliers.gp_codes import Codes, load
from connectors.suppliers.systmone import address, code, patient, registration
from connectors.suppliers.systmone.common import day


def _plain(*names: str) -> dict[str, tuple[str, ...]]:
    return {name: (name,) for name in names}


# A patient has many addresses; only one of them is where they live: open, the latest, and of a kind one lives at.
# Where SRMapping is not in the folder the kind cannot be told, and every address is taken.
_HOME = Lookup(
    alias="home",
    kinds=("address",),
    where="home.DateTo IS NULL AND coalesce(home.kind_of_address, 'Home') ILIKE '%home%'",
    order=f"{day('DateEvent').parsed} DESC NULLS LAST",
)
_GMS = Lookup(
    alias="gms",
    kinds=("registration",),
    where="gms.DateDeRegistration IS NULL",
    order=f"{day('DateRegistration').parsed} DESC NULLS LAST",
)
_MAPPING = Kind(
    "mapping",
    _plain("RowIdentifier", "IdMappingGroup", "Mapping"),
    ("RowIdentifier", "Mapping"),
    row=Row(("RowIdentifier",)),
)
_MANIFEST = Kind(
    "manifest",
    _plain("FileName", "IsDelta", "IsReference", "DateExtractFrom", "DateExtractTo"),
    ("FileName", "IsDelta"),
)


def supplier(codes: Codes) -> Supplier:
    """The format, with what coded entries say by this list."""
    return Supplier(
        name="systmone",
        held_by="practice",
        encodings=("utf-8", "cp1252"),  # Windows-1252 by the supplier; some copies were saved again as UTF-8
        kinds=(
            patient.PATIENT,
            address.ADDRESS,
            registration.REGISTRATION,
            code.coded_entry(codes),
            code.NATIONAL_OPT_OUT,
            _MAPPING,
            _MANIFEST,
        ),
        lookups=(_HOME, _GMS),
        manifest="manifest",
    )


SYSTMONE = supplier(load())
