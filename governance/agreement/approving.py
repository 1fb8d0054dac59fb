"""What an agreement says of approving each single release (R40): by name, or by a signature, and whose."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from governance.agreement.part import Line, Part


class Approval(Part):
    """How the second person of a release approves it."""

    signed: bool = False
    """Whether a signature is needed (`caretrace release approve`); if not, a name will do."""
    roles: tuple[Line, ...] = ()
    """Roles of a controller's signatories of whom one approves; if none is named, any of them does."""
    valid_days: Annotated[int, Field(ge=0, le=31)] = 7
    """How old an approval may be when the release is made [assumed]."""

    def may(self, role: str) -> bool:
        """Whether a controller's signatory of this role may approve."""
        return not self.roles or role.casefold() in {each.casefold() for each in self.roles}
