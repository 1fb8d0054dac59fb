"""What a hospital does its own way is a setting, and a slip in one is an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from connectors.suppliers.hospital.adt import Settings
from fixtures.systems import hl7
from schemas import SettingsError
from tests.spec.hospital.messages import JAN, say
from tests.spec.hospital.reading import NUMBER, OTHER_NUMBER, Reading

LISTS = [field.name for field in fields(Settings) if isinstance(getattr(Settings(), field.name), tuple)]

HABITS: list[tuple[str, list[tuple[Mapping[int, str], tuple[Any, ...]]]]] = [
    # settings, and for PIDs the id, number and organisation that they give
    ("", [({3: "7^^^B^MR"}, ("7", None, "B")), ({3: "8"}, ("8", None, "RYJ"))]),
    (
        'nhs_number_fields = ["PID-19", "PID-3(2)"]\norganisation = "facility"',
        [
            ({3: "7^^^B^MR", 19: NUMBER}, ("7", NUMBER, "RYJ")),
            ({3: f"8~{OTHER_NUMBER}"}, ("8", OTHER_NUMBER, "RYJ")),
        ],
    ),
    # Every list may be empty.
    (
        "\n".join(f"{name} = []" for name in LISTS),
        [({3: f"7^^^B^MR~{NUMBER}^^^NHS^NH"}, ("7", None, "B"))],
    ),
    (
        'patient_id_types = ["PAS"]\npatient_id_authorities = ["B", "C"]',
        [({3: "6^^^B^MR~7^^^B^PAS"}, ("7", None, "B")), ({3: "6^^^A^PAS~8^^^C^X"}, ("8", None, "C"))],
    ),
]


@pytest.mark.parametrize(("habit", "people"), HABITS)
def test_hl7_habits(tmp_path: Path, habit: str, people: list[tuple[Mapping[int, str], tuple[Any, ...]]]) -> None:
    (tmp_path / "habits.toml").write_text(f'source = "hl7"\n{habit}\n', encoding="utf-8")
    data = hl7.stream([say("A28", JAN, "", pid) for pid, _ in people])
    reading = Reading(tmp_path / "a.hl7", data, mapping=tmp_path / "habits.toml")
    assert reading.all("person", "record_id, nhs_number, source_org") == [expected for _, expected in people]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('source = "hl7"\nvisit_number = "PV1-19"', "unknown setting: visit_number"),
        ('source = "hl7"\nvisit_number_field = "ZZZ-1"', "'ZZZ-1' is no place in a message"),
        ('source = "hl7"\norder_by = [7]', "the setting order_by must be a list of texts"),
        ('source = "hl7"\n[name_types]\nusal = ["L"]', "name_types has no usal"),
        ('source = "sus"\nopen_spells = "no"', "the setting open_spells must be true or false"),
        ('source = "sus"\nx =', "not a TOML file"),
    ],
)
def test_habits_that_are_none(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "habits.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=says):
        Reading(tmp_path / "a.hl7", hl7.stream([say("A28", JAN, "a")]), mapping=tmp_path / "habits.toml")
