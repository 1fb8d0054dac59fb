"""What every part of an agreement is made of: texts of their kinds, and a base that knows no misspelt keys."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
# What stands on a line of its own in a signature.
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\r\n\x85\u2028\u2029]+$")]
# An age recipient (age-encryption.org/v1); whether it is a point on the curve is asked by rule R42.
PublicKey = Annotated[str, StringConstraints(pattern=r"^age1[0-9a-z]+$")]
# Names that pseudonym keys are derived from; plain, so that a domain reads the same everywhere.
NAME = r"^[A-Za-z0-9][A-Za-z0-9._/-]*$"
Name = Annotated[str, StringConstraints(strip_whitespace=True, pattern=NAME)]


class Part(BaseModel):
    """A part of the file; a key that is not known is an error, since a misspelt safeguard is no safeguard."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)
