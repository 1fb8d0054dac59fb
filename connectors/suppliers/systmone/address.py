"""SRPatientAddressHistory, its kinds of address resolved by SRMapping."""

from __future__ import annotations

from connectors import values
from connectors.supplier import Fill, Lookup
from connectors.suppliers.systmone.common import day, of_a_patient
from connectors.values import Value, text
from schemas import ADDRESS as ADDRESS_TABLE

_KINDS = {"home": "%home%", "temporary": "%temporary%", "correspondence": "%correspondence%"}


def place(record: str) -> dict[str, Value]:
    """The lines and postcode of an address."""
    return {
        "address_line_1": text(f"{record}.NameOfBuilding"),
        "address_line_2": text(f"nullif(concat_ws(' ', {record}.NumberOfBuilding, {record}.NameOfRoad), '')"),
        "address_line_3": text(f"{record}.NameOfLocality"),
        "address_line_4": text(f"{record}.NameOfTown"),
        "address_line_5": text(f"{record}.NameOfCounty"),
        "postcode": values.postcode(f"{record}.FullPostCode"),
    }


_WHEN = " ".join(f"WHEN r.kind_of_address ILIKE '{pattern}' THEN '{word}'" for word, pattern in _KINDS.items())

ADDRESS = of_a_patient(
    "address",
    "DateEvent NameOfBuilding NumberOfBuilding NameOfRoad NameOfLocality NameOfTown NameOfCounty FullPostCode DateTo "
    "AddressType",
    ("FullPostCode", "DateTo", "AddressType"),
    (
        Fill(
            ADDRESS_TABLE,
            {
                "address_type": Value(f"CASE {_WHEN} ELSE 'other' END"),
                **place("r"),
                "from_date": day("r.DateEvent"),
                "to_date": day("r.DateTo"),
            },
        ),
    ),
    organisations=(
        Lookup(
            alias="mapping",
            kinds=("mapping",),
            where="mapping.Mapping IS NOT NULL",
            order="RowIdentifier",
            on=(("RowIdentifier", "r.AddressType"),),
            raw=True,
        ),
    ),
    # Some copies hold the word in place of the number.
    derived={
        "kind_of_address": "coalesce(mapping.Mapping,"
        " CASE WHEN TRY_CAST(r.AddressType AS BIGINT) IS NULL THEN r.AddressType END)"
    },
)
