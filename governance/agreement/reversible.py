"""What an agreement says of going back from a pseudonym to a person (R43): for what, by whom, until when."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from governance.agreement.part import Line, Part, PublicKey, Text


class ReversalPurpose(StrEnum):
    """Why anybody may be named again."""

    DIRECT_CARE = "direct care"
    SAFEGUARDING = "safeguarding"
    ERROR_CORRECTION = "error correction"


class Approver(Part):
    """Somebody at the controller who holds one of two keys to a reversal."""

    name: Line
    role: Line
    key: PublicKey
    """An age public key (`caretrace release key`); its other half is the approver's alone."""


class Reidentification(Part):
    """Controlled re-identification by the controller; without this part there is no way back from a pseudonym."""

    purposes: Annotated[tuple[ReversalPurpose, ...], Field(min_length=1)]
    consent: Text
    """Reference of the controller's consent (Data Protection Act 2018 section 171)."""
    approvers: Annotated[tuple[Approver, ...], Field(min_length=2)]
    most_people: Annotated[int, Field(ge=1)]
    """People that one request may name."""
    until: date

    @model_validator(mode="after")
    def _distinct(self) -> Reidentification:
        for what, found in (
            ("name", [" ".join(each.name.casefold().split()) for each in self.approvers]),
            ("key", [each.key for each in self.approvers]),
        ):
            if len(set(found)) != len(found):
                raise ValueError(f"two approvers have one {what}; a reversal needs two people")
        return self

    def approver(self, name: str) -> Approver | None:
        """The approver of that name, however it is spaced and in whatever capitals."""
        wanted = " ".join(name.casefold().split())
        return next((each for each in self.approvers if " ".join(each.name.casefold().split()) == wanted), None)
