"""Whatever happens, changes laid over each other give what one full extract gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.spec.gp.emis import CODES, OBSERVATION, PATIENT, emis, entry, person
from tests.spec.gp.reading import Row, load, table
from tests.spec.gp.systmone import SR_CODE, SR_PATIENT, removed, systmone

_PEOPLE = [(guid, organisation) for organisation in ("{O}", "{O2}") for guid in ("{A}", "{B}", "{C}")]
_State = dict[tuple[str, str], tuple[str, dict[str, str]]]
"""Who is there, by GUID and organisation: the surname, and the code of each coded entry by its own GUID."""


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[bool, _State]]:
    """What is true on each of some days, and whether everything was sent on that day, or what had changed."""
    days = []
    for day in range(draw(st.integers(2, 4))):
        state = {
            who: (
                draw(st.sampled_from(["Smith", "Jones"])),
                draw(st.dictionaries(st.sampled_from(["1", "2"]), st.sampled_from(["1", "3", "8"]), max_size=2)),
            )
            for who in _PEOPLE
            if draw(st.integers(0, 3))
        }
        # A delivery speaks for the practices it has records of, and never is a practice of nobody.
        state.setdefault(_PEOPLE[0], ("Smith", {}))
        state.setdefault(_PEOPLE[3], ("Smith", {}))
        days.append((day == 0 or draw(st.integers(0, 4)) == 0, state))
    return days


def _emis_rows(state: _State) -> dict[str, dict[tuple[str, str], Row]]:
    patients = {who: person(*who, Surname=name) for who, (name, _) in state.items()}
    coded = {
        (f"{who[0]}{entry_id}", who[1]): {
            **entry(f"{who[0]}{entry_id}", who[0], code),
            "OrganisationGuid": who[1],
        }
        for who, (_, codes) in state.items()
        for entry_id, code in codes.items()
    }
    return {"Admin_Patient": patients, "CareRecord_Observation": coded}


def _emis_day(folder: Path, day: int, full: bool, before: _State, after: _State) -> None:
    """Everything, or what differs table by table. Of a patient who left, no entry is said to be gone."""
    old, new = _emis_rows(before), _emis_rows(after)
    files: dict[str, list[Row]] = {"Coding_ClinicalCode": CODES}
    for name, key in (("Admin_Patient", "PatientGuid"), ("CareRecord_Observation", "ObservationGuid")):
        blank = dict.fromkeys(PATIENT if name == "Admin_Patient" else OBSERVATION, "")
        sent = [row for who, row in new[name].items() if full or old[name].get(who) != row]
        gone_rows = [
            {**blank, key: who[0], "OrganisationGuid": who[1], "Deleted": "true"}
            for who, row in old[name].items()
            if not full and who not in new[name] and (row["PatientGuid"], who[1]) in after | _left(name, before, after)
        ]
        files[name] = [*sent, *gone_rows] or [{**blank, key: "{nobody}", "OrganisationGuid": "{O}", "Deleted": "true"}]
    emis(folder / f"d{day}", at=f"202610{day + 1:02}000000", prefix="bulk_000001" if full else str(day), **files)


def _left(table_name: str, before: _State, after: _State) -> _State:
    """Patients who left, of whom the patients' table tells and no other does."""
    return {who: was for who, was in before.items() if who not in after} if table_name == "Admin_Patient" else {}


def _tables(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    with duckdb.connect() as connection:
        load(connection, folder)
        return {
            "person": table(connection, "person", "source_org, record_id, family_name"),
            "opt_out": table(connection, "opt_out", "source_org, record_id, scheme, opted_out, from_date"),
            "registration": table(connection, "registration", "source_org, record_id, start_date"),
        }


def _systmone_rows(state: _State) -> dict[str, dict[str, Row]]:
    """By row id, which is unlike in every practice."""
    patients: dict[str, Row] = {}
    codes: dict[str, Row] = {}
    ctv3 = {"1": "XaZ89", "3": "XaKRw", "8": "246.."}
    for who, (name, entered) in state.items():
        number = str(_PEOPLE.index(who) + 1)
        practice = {"IDOrganisationVisibleTo": who[1]}
        patients[number] = {**SR_PATIENT, **practice, "RowIdentifier": number, "Surname": name}
        for each, code in entered.items():
            own = {"RowIdentifier": f"{number}0{each}", "IDPatient": number, "CTV3Code": ctv3[code]}
            codes[f"{number}0{each}"] = {**SR_CODE, **practice, **own}
    return {"SRPatient": patients, "SRCode": codes}


def _systmone_day(folder: Path, day: int, full: bool, before: _State, after: _State) -> None:
    """Everything, or what differs; a removal names its row and nothing else."""
    old, new = _systmone_rows(before), _systmone_rows(after)
    stayed = {str(_PEOPLE.index(who) + 1) for who in after}
    files: dict[str, list[Row]] = {}
    for name, rows in new.items():
        sent = [row for number, row in rows.items() if full or old[name].get(number) != row]
        left = [number for number in old[name] if not full and number not in rows]
        # Of a patient who left, the patients' table tells and no other does.
        told = [number for number in left if name == "SRPatient" or old[name][number]["IDPatient"] in stayed]
        files[name] = [*sent, *map(removed, told)] or [removed("404")]
    span = {"since": f"202610{day:02}_0200", "until": f"202610{day + 1:02}_0200"}
    systmone(folder / f"d{day}", delta=[] if full else list(files), **span, **files)


@pytest.mark.parametrize("deliver_day", [_emis_day, _systmone_day])
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories())
def test_changes_laid_over_each_other_are_the_full_extract(
    tmp_path_factory: pytest.TempPathFactory,
    deliver_day: Callable[[Path, int, bool, _State, _State], None],
    history: list[tuple[bool, _State]],
) -> None:
    replayed, whole = tmp_path_factory.mktemp("replayed"), tmp_path_factory.mktemp("whole")
    before: _State = {}
    for day, (full, state) in enumerate(history):
        deliver_day(replayed, day, full, before, state)
        before = state
    deliver_day(whole, 9, True, {}, before)
    assert _tables(replayed) == _tables(whole)
