"""What is proposed: a field for each column, how sure that is and why, and what the user has to choose."""

from __future__ import annotations

from dataclasses import dataclass

SURE, LIKELY, POSSIBLE = 0.85, 0.6, 0.4
"""From here on a column is said to be a field surely, likely (and proposed), or possibly (and left to the user)."""


@dataclass(frozen=True)
class Candidate:
    """A field that a column may be."""

    field: str
    score: float
    reason: str

    @property
    def confidence(self) -> str:
        """In a word."""
        return "sure" if self.score >= SURE else "likely" if self.score >= LIKELY else "possible"


@dataclass(frozen=True)
class Column:
    """A column of a file, what it is proposed as (None: nothing), and what else it may be."""

    title: str
    chosen: Candidate | None
    others: tuple[Candidate, ...] = ()
    holds: str = ""
    """What stands in it, for who must choose."""


@dataclass(frozen=True)
class Sheet:
    """One file or sheet: what kind it seems to be, its columns, and the fields that several columns could be."""

    name: str
    kind: str | None
    columns: tuple[Column, ...]
    open_questions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Field, and the titles between which contents and titles do not decide."""
    forms: tuple[str, ...] = ()
    """Forms of its dates, the commonest first."""
    american: tuple[str, ...] = ()
    """Columns whose dates have the month first."""
    commas: bool = False
    """Whole names are written with a comma, for the most part."""
    preamble: int = 0
    """How far down the titles may stand."""
    unsaid: tuple[str, ...] = ()
    """Columns whose titles may be somebody's values, by their place; they are not looked at."""

    def title_of(self, field: str) -> str | None:
        """The column proposed for a field."""
        return next((each.title for each in self.columns if each.chosen and each.chosen.field == field), None)


UNSAID = "not used: its title may be somebody's value, so it is not repeated; give it a title of words if it is needed"


@dataclass(frozen=True)
class Proposal:
    """What all the files together seem to be."""

    system: str
    sheets: tuple[Sheet, ...]

    @property
    def person(self) -> Sheet | None:
        """The file of the people."""
        return next((sheet for sheet in self.sheets if sheet.kind == "person"), None)

    def missing(self) -> tuple[str, ...]:
        """Fields without which people are not found, or not well, in words."""
        found = {c.chosen.field for sheet in self.sheets for c in sheet.columns if c.chosen and sheet.kind}
        return tuple(words for fields, words in _WANTED if not found & set(fields))


_WANTED = (
    (("person_id",), "the person's own number, without which nothing can be read"),
    (("family_name", "full_name"), "the surname"),
    (("given_name", "given_names", "full_name"), "the forename"),
    (("birth_date",), "the date of birth"),
    (("postcode", "address"), "the postcode"),
    (("address_line_1", "address", "street"), "the address"),
    (("gender",), "the gender"),
    (("nhs_number", "value"), "NHS numbers already held, which prove the links found without them"),
)
