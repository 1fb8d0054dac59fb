"""HL7 messages for the tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fixtures.systems import hl7


def who(case: str, more: str = "") -> str:
    """PID-3 of the case's patient."""
    return f"{case}^^^RYJ^MR" + more


def say(event: str, at: str, case: str, pid: Mapping[int, str] | None = None, **how: Any) -> list[str]:
    """A message about the case's patient, whose PID has a name and nothing else beside what is given."""
    bare = {3: who(case), 5: "Smith^Ann", 7: "", 8: "", 11: ""}
    return hl7.message(event, at, bare | (pid or {}), **how)


JAN, FEB, MAR = "20260101090000", "20260201090000", "20260301090000"

IN = {2: "I", 4: "21", 19: "", 44: ""}


def stay(case: str, **change: str) -> dict[int, str]:
    """PV1 of the case's visit."""
    return IN | {19: case} | {int(name[1:]): value for name, value in change.items()}
