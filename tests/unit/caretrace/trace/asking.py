"""People whose numbers are asked about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

A, B, C, D = "9000000009", "9000000017", "9000000025", "9000000033"
BORN = date(1931, 7, 9)
ANN: dict[str, Any] = {"given_name": "Ann", "family_name": "Hill", "birth_date": BORN, "gender": "2"}
FOUND = {"FAMILY_NAME": "HILL", "GIVEN_NAME": "ANN", "DATE_OF_BIRTH": "19310709"}
Make = Callable[..., Any]


def everybody() -> list[dict[str, Any]]:
    return [
        ANN | {"record_id": "held", "nhs_number": A},
        ANN | {"record_id": "linked", "linked": B},
        ANN | {"record_id": "none", "given_name": "Zo\u00eb", "postcode": "BR1 3AA"},
        ANN | {"record_id": "review", "decision": "review"},
        ANN | {"record_id": "differs", "nhs_number": C, "linked": D},
        ANN | {"record_id": "verified", "nhs_number": "9000000041", "nhs_number_status": "01"},
        ANN | {"record_id": "year only", "nhs_number": "9000000068", "birth_date_precision": "Y"},
        ANN | {"record_id": "nameless", "family_name": None},
        ANN | {"record_id": "no gender", "gender": "0"},
    ]


def reference(questions: list[dict[str, Any]], record_id: str, asked: str | None = None) -> str:
    [found] = [q for q in questions if q["record_id"] == record_id and asked in (None, q["asked"])]
    return str(found["reference"])
