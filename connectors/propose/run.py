"""Looks at the files and proposes: every column is loaded as text, weighed, and judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.called import are_values, called
from connectors.files.header import Header
from connectors.files.raw import create_raw
from connectors.found import Found, open_source
from connectors.propose.contents import order, overlap, weigh
from connectors.propose.judge import Seen, judge
from connectors.propose.proposal import Proposal, Sheet
from connectors.propose.titles import is_known
from connectors.read import load
from connectors.source import Source
from connectors.supplier import Kind, Supplier, plain
from connectors.suppliers.mapped import GENERIC, PROFILES
from connectors.suppliers.mapped.settings import read_mapping
from schemas.errors import InputError, SettingsError
from schemas.progress import SILENT, Progress
from schemas.sql import install_macros

if TYPE_CHECKING:
    import duckdb

_PREAMBLE = 30
_ANY = Supplier("any", (Kind("any", {}, (), preamble=_PREAMBLE),))
"""Opens what it is given, and knows no column of it."""


@dataclass(frozen=True)
class _Looked:
    """A file with what its columns hold."""

    found: Found
    relation: str
    fields: dict[str, str]
    """Title to column of the relation."""
    unsaid: tuple[str, ...]
    """Columns whose titles may be somebody's values, as messages call them; they are not looked at."""
    columns: tuple[Seen, ...] = ()


def propose(
    connection: duckdb.DuckDBPyConnection,
    paths: Sequence[Path],
    *,
    as_at: date,
    system: str = GENERIC,
    progress: Progress = SILENT,
) -> Proposal:
    """Propose what the columns of `paths` (files or folders) are, for the system of a profile or any other.

    Raises InputError where a file cannot be read or has no titles, SettingsError where the system is not known.
    """
    if system not in PROFILES:
        raise SettingsError(f"the system {system!r} is not known; it is one of {', '.join(PROFILES)}")
    install_macros(connection, as_at=as_at)
    opened = [file for path in paths for file in open_source(Source(path), (_ANY,))]
    found = [file for file in opened if not (file.member and file.member.unread)]
    looked = _weighed(
        connection, [_look(connection, file, number, progress) for number, file in enumerate(found, start=1)], as_at
    )
    profile = read_mapping(system)

    def favoured(kind: str, field: str) -> tuple[str, ...]:
        return profile.kinds[kind].columns.get(field, ())

    def judged(each: _Looked, people: tuple[str, str] | None) -> Sheet:
        days = {c.title: c.evidence.form for c in each.columns if c.evidence.date > 0.5 and c.evidence.form}
        told = order(connection, each.relation, {each.fields[title]: form for title, form in days.items()})
        titles = {column: title for title, column in each.fields.items()}
        shared = {
            title: overlap(connection, (each.relation, column), people)
            for title, column in each.fields.items()
            if people and people[0] != each.relation
        }
        sheet = judge(
            each.found.name,
            each.columns,
            favoured=favoured,
            not_after={(titles[a], titles[b]): share for (a, b), share in told.items()},
            shared=shared,
            as_at=as_at,
            preamble=_PREAMBLE if each.found.header.line > 1 and each.found.header.delimiter else 0,
        )
        return replace(sheet, unsaid=each.unsaid)

    first = [judged(each, None) for each in looked]
    people = next(
        (
            (each.relation, each.fields[title])
            for each, sheet in zip(looked, first, strict=True)
            if sheet.kind == "person" and (title := sheet.title_of("person_id"))
        ),
        None,
    )
    sheets = [
        sheet if sheet.kind == "person" or people is None else judged(each, people)
        for each, sheet in zip(looked, first, strict=True)
    ]
    _clear(connection, looked)
    return Proposal(system, tuple(sheets))


def _with_header(found: Found) -> Found:
    """With the line of titles: below what a report says of itself, where its first line is no row of columns."""
    headers = [found.header, *(found.head.below if found.head else ())]
    best = max(headers, key=_titled)
    return replace(found, header=best) if _titled(found.header) < 3 <= _titled(best) else found


def _titled(header: Header) -> int:
    """How many columns have a title: a spreadsheet parts what stands above them into as many, most of them empty."""
    return sum(title != "" for title in header.titles)


def _look(connection: duckdb.DuckDBPyConnection, given: Found, number: int, progress: Progress) -> _Looked:
    found = _with_header(given)
    titles = found.header.titles
    # A title of a known system is none of somebody's values, whatever it looks like.
    headless = found.header.line == 0 and found.header.delimiter is not None
    if headless or are_values([title for title in titles if title and not is_known(title)]):
        raise InputError(
            "the first line seems to hold a record, not titles; put a line of titles above it", path=found.where
        )
    # Titles are compared without spaces and capitals, so of two that differ in nothing else the first counts.
    words = called(titles, is_known)
    said = [title for title, word in zip(titles, words, strict=True) if word == " ".join(title.split())]
    unsaid = tuple(word for title, word in zip(titles, words, strict=True) if plain(title) and title not in said)
    once = list({plain(title): title for title in reversed(said) if plain(title)}.values())[::-1]
    if not once:
        raise InputError("no column has a title; put a line of titles above the records", path=found.where)
    fields = {title: f"c{at}" for at, title in enumerate(once)}
    kind = Kind(f"sheet_{number}", {column: (title,) for title, column in fields.items()}, ())
    connection.execute(f"DROP VIEW IF EXISTS raw_{kind.name}")
    connection.execute(f"DROP TABLE IF EXISTS loaded_{kind.name}")
    create_raw(connection, f"loaded_{kind.name}", kind)
    loaded = load(connection, replace(_ANY, kinds=(kind,)), replace(found, kind=kind), number, progress)
    union = " UNION ALL BY NAME ".join([f"SELECT * FROM loaded_{kind.name}", *loaded.selects])
    connection.execute(f"CREATE TEMP VIEW raw_{kind.name} AS {union}")
    if not loaded.records:
        raise InputError("holds a header and no records; export it again", path=found.where)
    return _Looked(found, f"raw_{kind.name}", fields, unsaid)


def _weighed(connection: duckdb.DuckDBPyConnection, looked: Sequence[_Looked], as_at: date) -> list[_Looked]:
    evidence = weigh(connection, {each.relation: list(each.fields.values()) for each in looked}, as_at)
    return [
        replace(
            each,
            columns=tuple(
                Seen(title, each.found.header.titles.index(title), e)
                for title, e in zip(each.fields, evidence[each.relation], strict=True)
            ),
        )
        for each in looked
    ]


def _clear(connection: duckdb.DuckDBPyConnection, looked: Sequence[_Looked]) -> None:
    for number, each in enumerate(looked, start=1):
        connection.execute(f"DROP VIEW {each.relation}")
        connection.execute(f"DROP TABLE loaded_sheet_{number}")
