"""What a paper is: sections of rows, each of them said by caretrace, looked up in the project, or asked of somebody."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caretrace.papers.known import KNOWN, Fact

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Row:
    """One row; `asks` is what `by` has to say."""

    item: str
    says: str = ""
    facts: tuple[str, ...] = ()
    asks: str = ""
    by: str = ""

    def __post_init__(self) -> None:
        if unknown := set(self.facts) - set(KNOWN):
            raise TypeError(f"{self.item}: there is no fact {sorted(unknown)[0]}")
        if bool(self.asks) != bool(self.by) or not (self.says or self.facts or self.asks):
            raise TypeError(f"{self.item}: says nothing, or asks without naming who is to answer")


@dataclass(frozen=True)
class Section:
    """Rows under a heading."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Paper:
    """A paper as it is declared, before anything is known of a project."""

    name: str
    title: str
    about: str
    sections: tuple[Section, ...]


COLUMNS = ("section", "item", "said", "from", "to_be_filled", "to_be_filled_by")


def filled(paper: Paper, facts: Mapping[str, Fact]) -> list[dict[str, str]]:
    """The paper's rows with what is known of a project; keys are COLUMNS."""
    return [_filled(section, row, facts) for section in paper.sections for row in section.rows]


def _filled(section: Section, row: Row, facts: Mapping[str, Fact]) -> dict[str, str]:
    found = [facts[name] for name in row.facts]
    lines = [row.says] if row.says else []
    lines += [line for fact in found for line in fact.lines]
    lines += [f"The project does not say: {KNOWN[name]}." for name in row.facts if not facts[name].lines]
    sources = ["caretrace"] if row.says else []
    sources += [fact.source for fact in found if fact.lines]
    said = "\n".join(lines), ", ".join(dict.fromkeys(sources))
    return dict(zip(COLUMNS, (section.title, row.item, *said, row.asks, row.by), strict=True))


def read(name: str) -> Paper:
    """A paper declared in a TOML file of that name beside this one."""
    content: dict[str, Any] = tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8"))
    sections = tuple(Section(each["title"], tuple(_row(row) for row in each["row"])) for each in content["section"])
    return Paper(name, content["title"], content["about"], sections)


def _row(given: Mapping[str, Any]) -> Row:
    return Row(**{**given, "facts": tuple(given.get("facts", ()))})
