"""Commissioning Data Set lines of fixed width, admitted patient care (CDS types 120 to 200), a line for each episode.

Positions: the published readers of Endeavour Health, which show the first 2,024 characters; what follows is not read.
"""

from __future__ import annotations

import re
from pathlib import Path

from connectors.files.layouts import Layout
from connectors.supplier import Supplier
from connectors.suppliers.hospital import apc, habits

_POSITIONS = {
    "record_type": (7, 3),
    "bulk_group": (10, 3),
    "protocol": (13, 3),
    "cds_id": (16, 35),
    "update_type": (51, 1),
    # A date and the time after it make one moment.
    "applicable": (52, 14),
    "extracted": (66, 14),
    "period_start": (80, 8),
    "period_end": (88, 8),
    "activity_date": (104, 8),
    "sender": (112, 12),
    "local_id": (284, 10),
    "local_id_org": (294, 12),
    "nhs_number_status": (306, 2),
    "nhs_number": (308, 10),
    "withheld_flag": (318, 1),
    "withheld_reason": (319, 2),
    "birth_date": (321, 8),
    "full_name": (331, 70),
    "given_name": (506, 35),
    "family_name": (541, 35),
    "whole_address": (648, 175),
    **{f"line_{n}": (788 + 35 * n, 35) for n in range(1, 6)},
    "postcode": (998, 8),
    "gender": (1018, 1),
    "ethnicity": (1021, 2),
    "spell_number": (1033, 12),
    "admission_method": (1048, 2),
    "spell_start": (1052, 8),
    "discharge_destination": (1101, 2),
    "discharge_method": (1103, 1),
    "ready_date": (1104, 8),
    "discharge_date": (1112, 8),
    "episode_number": (1127, 2),
    "last_episode": (1129, 1),
    "episode_start": (1134, 8),
    "episode_end": (1148, 8),
    "provider_code": (1308, 12),
    "primary_diagnosis": (1356, 6),
}


def supplier(settings: apc.Settings | None = None) -> Supplier:
    """The format under a project's own settings."""
    return Supplier(
        name="cds",
        held_by="hospital",
        kinds=(
            apc.kind(
                {},
                required=(),
                settings=settings or apc.Settings(),
                layout=Layout.LINES,
                positions=_POSITIONS,
                # A version, a record type, a bulk group and a protocol without a delimiter, and room for what follows.
                recognised=re.compile(rb"\A[\r\n]*[A-Z0-9]{6}\d{3}[0-9A-Z ]{3}(?:010|020)[^\r\n]{1300}"),
            ),
        ),
    )


def with_habits(mapping: Path) -> Supplier:
    """The format under the settings of a TOML file; SettingsError where it has others."""
    return supplier(habits.changed(apc.Settings(), mapping))


CDS = supplier()
