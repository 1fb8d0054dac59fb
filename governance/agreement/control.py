"""How an agreement holds records and counts to disclosure control."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from governance.aggregate.presets import PRESETS
from governance.agreement.part import Part, Text


class Disclosure(Part):
    """How small a group of look-alikes may be; None takes the floor of the form."""

    k: Annotated[int, Field(ge=1)] | None = None
    below_k: Annotated[str, StringConstraints(pattern="^(refuse|withhold|coarsen)$")] = "refuse"
    """What befalls groups too small; `coarsen` proposes coarser fields, and withholds whom these do not reach."""
    max_withheld_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Of people, and of the rows of each table of events."""
    coarsest: dict[Text, Text] = Field(default_factory=dict)
    """How far a field (`table.name`) may be coarsened and still serve the purpose: the last transform that does."""
    events: Annotated[str, StringConstraints(pattern="^(refuse|withhold|coarsen)$")] | None = None
    """The same for rows of events, by the people who share them; None measures them and says so in the plan."""
    risk_assessment: Text | None = None
    intruder_test_on: date | None = None
    postcode_lookup: Text | None = None
    """A CSV beside the agreement that tells the area of each postcode, for the transforms `lsoa` and `imd_decile`."""
    rare_below: Annotated[int, Field(ge=1)] | None = None
    """People below which a category is rolled up; None takes the floor of the form."""
    sensitive: tuple[Text, ...] = ()
    """Fields (`table.name`) that say what is the matter with somebody, measured by l and t."""
    least_values: Annotated[int, Field(ge=1)] = 2
    max_distance: Annotated[float, Field(ge=0, le=1)] | None = None
    restricted_codes: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9.]*$")], ...] = ()
    small_numbers: Text | None = None
    """Preset for small counts in tables."""

    @model_validator(mode="after")
    def _preset(self) -> Disclosure:
        if self.small_numbers is not None and self.small_numbers not in PRESETS:
            raise ValueError(f"unknown preset '{self.small_numbers}': choose from {', '.join(PRESETS)}")
        return self
