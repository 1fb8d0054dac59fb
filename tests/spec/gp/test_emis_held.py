"""What an EMIS sharing agreement holds, and what is left out on request."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from connectors import Source
from schemas.errors import InputError, SettingsError
from tests.spec.gp.emis import CODES, OBSERVATION, ORGANISATION, PATIENT, SHARING, emis
from tests.spec.gp.reading import Row, aside, load, table

_DISABLED = "a sharing agreement is disabled, .* the agreement of A81001 is settled, or read it without"
_ROUNDED = {**CODES[5], "SnomedCTConceptId": "1091881000000110"}


@pytest.mark.parametrize(
    ("file", "record", "sentence"),
    [
        ("Agreements_SharingOrganisation", {**SHARING, "Disabled": "TRUE"}, _DISABLED),
        ("Agreements_SharingOrganisation", {**SHARING, "Deleted": "true"}, _DISABLED),
        ("Agreements_SharingOrganisation", {**SHARING, "IsActivated": "false"}, _DISABLED),  # and has records
        # A mark that is neither yes nor no is no leave to go on.
        ("Agreements_SharingOrganisation", {**SHARING, "Disabled": "2"}, _DISABLED),
        ("Agreements_SharingOrganisation", {**SHARING, "Deleted": "?"}, _DISABLED),
        ("Agreements_SharingOrganisation", {**SHARING, "IsActivated": "?"}, _DISABLED),
        ("CareRecord_Observation", OBSERVATION, "cannot be understood without the clinical code file"),
        ("Coding_ClinicalCode", _ROUNDED, "a SNOMED id was rounded to 15 digits by a spreadsheet"),
    ],
)
def test_emis_is_held(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, file: str, record: Row, sentence: str
) -> None:
    folder = emis(tmp_path, Admin_Patient=[PATIENT], Admin_Organisation=[ORGANISATION], **{file: [record]})
    with pytest.raises(InputError, match=sentence):
        load(connection, folder)


def test_emis_agreements_that_hold_nothing(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    agreements = [
        {**SHARING, "Disabled": "true"},
        {**SHARING, "LastModifiedDate": "2021-01-01 00:00:00"},  # settled since
        {**SHARING, "OrganisationGuid": "{not yet}", "IsActivated": "false"},  # has no records
    ]
    load(connection, emis(tmp_path, Admin_Patient=[PATIENT], Agreements_SharingOrganisation=agreements))
    assert table(connection, "person", "record_id") == [("{A}",)]


def test_emis_without_the_organisation_that_is_held(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    folder = emis(
        tmp_path,
        Admin_Patient=[PATIENT, {**PATIENT, "OrganisationGuid": "{O2}"}],
        Admin_Organisation=[ORGANISATION, {**ORGANISATION, "OrganisationGuid": "{O2}", "ODSCode": "A81002"}],
        Agreements_SharingOrganisation=[{**SHARING, "Disabled": "true"}, {**SHARING, "OrganisationGuid": "{O2}"}],
    )
    load(connection, Source(folder, without=("A81001",)))
    assert table(connection, "person", "source_org") == [("A81002",)]
    assert {rule for _, _, rule in aside(connection)} == {"its organisation is left out of this reading on request"}


def test_a_slip_about_organisations_or_deliveries_is_an_error(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    folder = emis(tmp_path, Admin_Patient=[PATIENT], Admin_Organisation=[ORGANISATION])
    with pytest.raises(SettingsError, match="no emis record is of A81O01, which is to be left out"):
        load(connection, Source(folder, without=("A81O01",)))
    with pytest.raises(SettingsError, match="feed is full or delta, not 'everything'"):
        Source(folder, feed="everything")  # type: ignore[arg-type]
