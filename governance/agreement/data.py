"""What leaves under an agreement: in which form, whose, and which fields of which tables."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from governance.agreement.part import Part, Text
from governance.deidentify.columns import RELEASABLE, column
from governance.deidentify.transform import TRANSFORMS


class Form(StrEnum):
    """How far people can be told apart in what leaves, lowest first (HSCIC rule 3)."""

    AGGREGATE = "aggregate"
    ANONYMISED = "anonymised"
    PSEUDONYMISED = "pseudonymised_limited"
    IDENTIFIABLE = "identifiable"

    @property
    def rung(self) -> int:
        """Place on the ladder, 0 the lowest."""
        return list(Form).index(self)


class People(StrEnum):
    """Whose data the agreement covers."""

    LINKED = "linked"
    """clients whose NHS number was found"""
    CLIENTS = "clients"
    """every client, linked or not"""
    ALL = "all"
    """clients and everybody in the register"""


class Item(Part):
    """One field of one table, with what is done to it and why it is needed (CP3)."""

    name: Text
    transform: Text
    justification: Text


class TableItems(Part):
    """The fields wanted from one table."""

    name: Text
    fields: Annotated[tuple[Item, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _known(self) -> TableItems:
        if self.name not in RELEASABLE:
            raise ValueError(f"unknown table '{self.name}': choose from {', '.join(sorted(RELEASABLE))}")
        names = [item.name for item in self.fields]
        if len(set(names)) != len(names):
            raise ValueError(f"table '{self.name}' lists a field twice")
        for item in self.fields:
            if (found := column(self.name, item.name)) is None:
                raise ValueError(f"unknown field '{self.name}.{item.name}': see the table's columns in docs/tables.md")
            transform = TRANSFORMS.get(item.transform)
            if transform is None:
                raise ValueError(
                    f"unknown transform '{item.transform}' for '{self.name}.{item.name}': "
                    f"choose from {', '.join(TRANSFORMS)}"
                )
            if not transform.fits(found):
                raise ValueError(f"transform '{item.transform}' does not fit '{self.name}.{item.name}'")
        return self


class Counts(Part):
    """A table of counts of people, by fields that are listed in the data's tables with their transforms."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    dimensions: Annotated[tuple[Text, ...], Field(min_length=1)]
    justification: Text

    @property
    def events(self) -> tuple[str, ...]:
        """Dimensions of another table than `person`."""
        return tuple(path for path in self.dimensions if not path.startswith("person."))


class Data(Part):
    """What leaves: form, people, fields."""

    form: Form
    form_reason: Text | None = None
    people: People = People.LINKED
    cohort_description: Text
    linkage_description: Text
    frequency: Text = "one-off"
    releases_allowed: Annotated[int, Field(ge=1)] = 1
    tables: Annotated[tuple[TableItems, ...], Field(min_length=1)]
    counts: tuple[Counts, ...] = ()

    @model_validator(mode="after")
    def _once(self) -> Data:
        if len({table.name for table in self.tables}) != len(self.tables):
            raise ValueError("a table is listed twice")
        return self

    @model_validator(mode="after")
    def _countable(self) -> Data:
        if self.counts and self.form is not Form.AGGREGATE:
            raise ValueError(f"tables of counts are of form '{Form.AGGREGATE}', not '{self.form}'")
        if len({each.name for each in self.counts}) != len(self.counts):
            raise ValueError("two tables of counts have one name")
        listed = {f"{table.name}.{item.name}" for table in self.tables for item in table.fields}
        cuts: dict[str, set[str]] = {}
        for each in self.counts:
            if unknown := [path for path in each.dimensions if path not in listed]:
                raise ValueError(f"counts '{each.name}': list '{unknown[0]}' under data.tables, with a transform")
            names = [path.partition(".")[2] for path in each.dimensions]
            if len(set(names)) != len(names) or "people" in names:
                raise ValueError(f"counts '{each.name}': two dimensions have one name")
            others = {path.partition(".")[0] for path in each.events}
            if len(others) > 1:
                raise ValueError(f"counts '{each.name}': beside person, take dimensions of one table only")
            for other in others:
                if cuts.setdefault(other, set(each.events)) != set(each.events):
                    raise ValueError(f"counts that use '{other}' must all use the same dimensions of it")
        return self
