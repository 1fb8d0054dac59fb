"""Records of SystmOne for the tests, and files with the manifest that lists them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.spec.gp.reading import NUMBER, Row, write

SR_PATIENT: Row = {
    "RowIdentifier": "1",
    "IDOrganisationVisibleTo": "A81001",
    "FirstName": "Zoë",
    "Surname": "Smith",
    "NHSNumber": NUMBER,
    "DateBirth": "01 Feb 1950 13:45",
    "Gender": "f",
    "TestPatient": "0",
    "SSRef": "",
    "SpineMatched": "1",
    "RemovedData": "0",
}
SR_CODE: Row = {
    "RowIdentifier": "31",
    "IDOrganisationVisibleTo": "A81001",
    "DateEvent": "01 May 2019 10:00:00",
    "CTV3Code": "XaZ89",
    "SNOMEDCode": "",
    "NumericValue": "",
    "IDPatient": "1",
    "RemovedData": "0",
}


def systmone(
    folder: Path,
    *,
    delta: Sequence[str] = (),
    since: str = "19000101_0000",
    until: str = "20261001_0200",
    **files: Sequence[Row],
) -> Path:
    """Files with the manifest that lists them."""
    listed = [
        {
            "FileName": name,
            "IsDelta": "Y" if name in delta else "N",
            "IsReference": "N",
            "DateExtractFrom": since,
            "DateExtractTo": until,
        }
        for name in files
    ]
    whole = {"SRPatient": SR_PATIENT, "SRCode": SR_CODE}
    rows = {
        name: [
            dict.fromkeys(whole.get(name, {}), "") | row if row.get("RemovedData") == "1" else row for row in records
        ]
        for name, records in files.items()
    }
    return write(folder, {"SRManifest": listed, **rows}, "cp1252")


def removed(row: str) -> Row:
    return {"RowIdentifier": row, "RemovedData": "1"}
