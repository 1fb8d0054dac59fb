"""Who is in an agreement: organisations, who signs for them, and who at the recipient may use the data."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from governance.agreement.part import Line, Part, PublicKey, Text

Code = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{3,10}$")]


class Role(StrEnum):
    """What a party is in law, or that it receives."""

    CONTROLLER = "controller"
    JOINT = "joint controller"
    PROCESSOR = "processor"
    RECIPIENT = "recipient"


class Signatory(Part):
    """Somebody who must sign for a party, and the key that shows it was they (`caretrace agreement key`)."""

    role: Line
    name: Line
    key: Annotated[str, StringConstraints(pattern=r"^ed25519:[A-Za-z0-9+/]{43}=$")]


class Party(Part):
    """An organisation in the agreement."""

    name: Text
    ods_code: Code
    role: Role
    signatories: Annotated[tuple[Signatory, ...], Field(min_length=1)]
    ico_registration: Text | None = None
    ico_expires: date | None = None
    dspt_status: Text | None = None
    dspt_expires: date | None = None
    territory: Text | None = None
    encryption_keys: tuple[PublicKey, ...] = ()
    """Whom releases are encrypted to: age public keys of the recipient."""
    pools_with: tuple[Code, ...] = ()
    """Organisations, in this agreement or not, that it may lay together with what it has (rule R27)."""

    @property
    def controls(self) -> bool:
        """Whether it decides about the data, alone or with others."""
        return self.role in (Role.CONTROLLER, Role.JOINT)


class Access(Part):
    """A person at the recipient who may use the data."""

    name: Text
    organisation: Text
    trained_on: date
