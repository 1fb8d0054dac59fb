"""What an analyst finds in the warehouse: each view with its columns. Views, dbt sources and pages are made of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from schemas import LINK, Column, Identifies, Type
from schemas.warehouse import LINK_CHANGE, PERSON_COLUMNS, PUBLISHED, Published

IDENTIFIABLE, ANALYST = "identifiable", "analyst"
HISTORY = "_history"
CLIENTS_ONLY = (LINK.name, LINK_CHANGE.name)
"""Tables of clients without the person's key: analysts, who see no record ids, are given the key instead."""


@dataclass(frozen=True)
class View:
    """One view of one schema."""

    schema: str
    name: str
    meaning: str
    columns: tuple[Column, ...]
    published: Published
    past: bool = False
    """Whether it holds what was before beside what is."""

    @property
    def keyed(self) -> bool:
        """Whether the person's key is looked up for it."""
        return self.schema == ANALYST and self.published.table.name in CLIENTS_ONLY


def views() -> Iterator[View]:
    """Every view, the identifiable ones first."""
    for schema in (IDENTIFIABLE, ANALYST):
        for each in PUBLISHED:
            if schema == IDENTIFIABLE or each.for_analysts:
                yield from _of(schema, each)


def shown(column: Column) -> bool:
    """Whether analysts see it. The key is random and stands in no other system, so it tells persons apart and no more;
    it never leaves in a release, where a pseudonym takes its place. Whose record is restricted is told to nobody."""
    if column.name in ("person_key", "restricted"):
        return column.name == "person_key"
    return column.identifies in (Identifies.NO, Identifies.INDIRECT)


def described(column: Column) -> str:
    """Its meaning and codes."""
    codes = "; ".join(f"{code}: {meaning}" for code, meaning in (column.codes or {}).items())
    return f"{column.meaning} Codes: {codes}." if codes else column.meaning


def _of(schema: str, each: Published) -> Iterator[View]:
    grain = each.table.grain[0].upper() + each.table.grain[1:]
    yield _view(schema, each, each.name, f"{grain}.", each.table.columns)
    if each.past:
        meaning = f"{grain}, as it is and as it was: valid_to is null where it holds."
        yield _view(schema, each, each.name + HISTORY, meaning, each.past.columns, past=True)


def _view(
    schema: str, each: Published, name: str, meaning: str, columns: tuple[Column, ...], *, past: bool = False
) -> View:
    if schema == ANALYST:
        columns = tuple(column for column in columns if shown(column))
        if each.table.name in CLIENTS_ONLY:
            columns = (PERSON_COLUMNS[0], *columns)
    return View(schema, name, meaning, columns, each, past)


WORDS = {
    Type.TEXT: "text",
    Type.DATE: "date",
    Type.FLAG: "true/false",
    Type.INTEGER: "integer",
    Type.REAL: "number",
    Type.TIME: "time",
    Type.LEVELS: "map of text to text",
    Type.BITS: "map of text to number",
}
