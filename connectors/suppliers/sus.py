"""SUS+ admitted patient care CSV: the Secondary Uses Service's extract, a row for each consultant episode.

Titles: the published reader of Answer Digital (oxford-omop-data-mapper). The repeating groups have no known titles; the
first diagnosis is the column after its scheme, as that reader has it.
"""

from __future__ import annotations

from pathlib import Path

from connectors.supplier import Supplier
from connectors.suppliers.hospital import apc, habits

_TITLES = {
    "record_type": "CDS type",
    "cds_id": "Unique CDS identifier",
    "update_type": "Update type",
    "protocol": "Protocol identifier",
    "bulk_group": "Bulk replacement CDS group",
    "test_indicator": "Test indicator",
    "applicable": "Applicable date/time",
    "extracted": "Extract date/time",
    "submitted": "Submission Date",
    "period_start": "Report period Start Date",
    "period_end": "Report period End Date",
    "activity_date": "CDS Activity Date",
    "sender": "Organisation code: Sender of transaction",
    "local_id": "Local Patient Identifier",
    "local_id_org": "Organisation Code (Local Patient Identifier)",
    "nhs_number": "NHS Number",
    "nhs_number_status": "NHS Number Trace Status",
    "withheld_reason": "Withheld Identity Reason",
    "birth_date": "Date of Birth",
    "full_name": "Patient Name",
    "family_name": "Person Family Name",
    "given_name": "Person Given Name",
    "whole_address": "Patient Usual Address",
    "postcode": "Postcode",
    "gender": "Sex",
    "ethnicity": "Ethnic Group",
    "practice": "Practice Code of Registered GP",
    "provider_code": "Organisation Code Code of Provider",
    "spell_number": "Hospital Provider Spell Number",
    "admission_method": "Admission Method (Hospital Provider Spell)",
    "spell_start": "Start Date (Hospital Provider Spell)",
    "discharge_destination": "Discharge Destination (Hospital Provider Spell)",
    "discharge_method": "Discharge Method (Hospital Provider Spell)",
    "ready_date": "Hospital Provider Spell Discharge Ready Date",
    "discharge_date": "Discharge Date (From Hospital Provider Spell)",
    "episode_number": "Episode Number",
    "last_episode": "Last Episode In Spell Indicator",
    "episode_start": "Start Date (Consultant Episode)",
    "episode_end": "End Date (Consultant Episode)",
}


def supplier(settings: apc.Settings | None = None) -> Supplier:
    """The format under a project's own settings."""
    return Supplier(
        name="sus",
        held_by="hospital",
        kinds=(
            apc.kind(
                {**{name: (title,) for name, title in _TITLES.items()}, "primary_diagnosis": ()},
                required=(
                    *("provider_code", "local_id", "nhs_number", "spell_number", "spell_start", "admission_method"),
                    *("discharge_date", "episode_number"),
                ),
                settings=settings or apc.Settings(),
                following={"primary_diagnosis": "Diagnosis Scheme In Use (ICD)"},
            ),
        ),
    )


def with_habits(mapping: Path) -> Supplier:
    """The format under the settings of a TOML file; SettingsError where it has others."""
    return supplier(habits.changed(apc.Settings(), mapping))


SUS = supplier()
