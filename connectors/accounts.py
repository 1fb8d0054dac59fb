"""What became of every file, in counts and in words: all that a reader of the report should know of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connectors.called import are_values, called
from connectors.departures import says_who
from connectors.files.raw import Loaded
from connectors.files.records import ONE_MORE
from connectors.found import Extract, Found
from connectors.not_found import nearest
from connectors.source import FileFacts
from connectors.standardise.aside import ORPHAN
from connectors.supplier import Kind, Supplier

if TYPE_CHECKING:
    import duckdb

_WHO = ("family_name", "given_name", "birth_date", "postcode", "nhs_number")
_NAMED_AT_MOST = 60
"""Columns that are not used; of a wider file (SUS has 1,200) the number says more than the names."""


@dataclass(frozen=True)
class Input:
    """One file with the number it has while it is read."""

    number: int
    found: Found
    loaded: Loaded


def is_of_people(supplier: Supplier, found: Found) -> bool:
    """Whether it is a file that says who there is."""
    return any(found.kind is kind for kind in supplier.people)


def facts_of(
    connection: duckdb.DuckDBPyConnection,
    supplier: Supplier,
    inputs: Sequence[Input],
    side: str,
    notes: Mapping[int, str],
) -> list[FileFacts]:
    """What became of each file that was read, by the records that were set aside."""
    counted = connection.execute("SELECT file, verdict, count(*) FROM aside GROUP BY ALL").fetchall()
    aside = {(file, verdict): count for file, verdict, count in counted}
    tests = dict(
        connection.execute(
            f"SELECT extract_file, count(*) FROM {side}.person WHERE nhs_number >= '9' AND source = ? GROUP BY ALL",
            [supplier.name],
        ).fetchall()
    )
    orphans = dict(
        connection.execute("SELECT file, count(*) FROM aside WHERE rule = ? GROUP BY ALL", [ORPHAN]).fetchall()
    )
    lacking = _lacking(inputs)
    facts = []
    for item in inputs:
        kind, header = item.found.kind, item.found.header
        if kind is None:
            continue
        rejected = aside.get((item.number, "rejected"), 0)
        excluded = aside.get((item.number, "excluded"), 0) + item.loaded.passed_over
        facts.append(
            FileFacts(
                name=item.found.name,
                format=supplier.name,
                version=kind.version(header.titles),
                encoding=item.loaded.encoding,
                sha256=item.loaded.sha256,
                bytes=item.loaded.bytes,
                table=kind.fills[0].table.name if kind.fills else "-",
                records=item.loaded.records,
                used=item.loaded.records - rejected - excluded,
                rejected=rejected,
                excluded=excluded,
                passed_over=item.loaded.passed_over,
                test_numbers=tests.get(item.found.name, 0) if is_of_people(supplier, item.found) else 0,
                note=_joined(
                    _cut(item.loaded),
                    ORPHANS if orphans.get(item.number, 0) * 2 > item.loaded.records else None,
                    f"{PART}: {item.loaded.more}" if item.loaded.more else None,
                    notes.get(item.number) or _note(kind, header.titles),
                    lacking.get(item.number),
                    supplier.note,
                ),
            )
        )
    return facts


LACKS = "columns absent that"
"""In the note of a file that lacks columns which another of its kind has."""
PART = "perhaps only a part"
"""In the note of a text that says itself that there is more."""
ORPHANS = (
    "more than half of its records are of people who are not in the extract: a file of people is missing or cut, or ids"
    " are not written alike (leading zeros)"
)


NEARLY = "nearly a"
"""In the note of a file that was not read for want of a column or two."""
BROKEN_END = "its last record is broken"
"""How the note of a file begins that may have been cut short."""
TRAILING = (
    "each of its lines ends in one delimiter more than its line of titles: put one behind the last title, or export the"
    " file again"
)


INCOMPLETE = (NEARLY, BROKEN_END, TRAILING, ORPHANS, LACKS, PART)
"""What stands in notes of files of which people may be missed."""


def _cut(loaded: Loaded) -> str | None:
    """What is wrong with a last record often says that there were more, with every record what the file is like."""
    if loaded.records and sum(one.rule.endswith(ONE_MORE) for one in loaded.rejected) == loaded.records:
        return TRAILING
    if any(rejected.record == loaded.records for rejected in loaded.rejected):
        return f"{BROKEN_END}: the file may be cut short, or end in a line of totals"
    return None


def _lacking(inputs: Sequence[Input]) -> dict[int, str]:
    """By file what is said of columns that another file of its kind has: parts of one list are exported alike."""
    parts: dict[str, list[Input]] = {}
    for item in inputs:
        kind = item.found.kind
        if kind and not kind.recognised and says_who(item.found, kind):
            parts.setdefault(kind.name, []).append(item)
    said = {}
    for files in parts.values():
        fields = {item.number: _fields(item.found) for item in files}
        for item in files:
            other = max(files, key=lambda each: len(fields[each.number] - fields[item.number]))
            if absent := fields[other.number] - fields[item.number]:
                named = _named_titles(other.found, absent)
                said[item.number] = f"{LACKS} {other.found.name} has: {named}"
    return said


def _fields(found: Found) -> frozenset[str]:
    return frozenset(found.kind.match(found.header.titles)) if found.kind else frozenset()


def _named_titles(found: Found, fields: Collection[str]) -> str:
    """Titles that are used, and so nobody's values, in the order of the file."""
    places = found.kind.match(found.header.titles) if found.kind else {}
    named = [found.header.titles[at] for name, at in sorted(places.items(), key=lambda each: each[1]) if name in fields]
    return ", ".join(named) if len(named) <= _NAMED_AT_MOST else f"{len(named)} of {len(places)}"


def _joined(*notes: str | None) -> str | None:
    return "; ".join(filter(None, notes)) or None


def _note(kind: Kind, titles: tuple[str, ...]) -> str | None:
    """Columns that were given and not used, and those that say who people are and were not given.

    Where only an id is required a misspelt title costs its whole column, so the two stand side by side. A file that
    only tells who is gone is not asked who they were.
    """
    if kind.recognised:
        return None
    used = kind.match(titles)
    words = called(titles, kind.uses)
    ignored = [words[at] for at, title in enumerate(titles) if title and at not in used.values()]
    if len(ignored) > _NAMED_AT_MOST:
        ignored = [f"{len(ignored)} of {len(titles)}"]
    absent = [kind.title(name) for name in _WHO if name not in used] if set(kind.any_of) & set(used) else []
    parts = {"columns not used": ignored, "columns absent": absent}
    note = [f"{what}: {', '.join(names)}" for what, names in parts.items() if names]
    if are_values([title for title in titles if title and not kind.uses(title)]):
        note.append("its line of titles seems to hold somebody's values: look at it, and export the file again")
    return _joined(*note)


def unread(supplier: Supplier, extracts: Sequence[Extract]) -> list[FileFacts]:
    """Files of the folder whose columns are those of nothing we read, such as appointments: named, not opened."""
    unread = [found for extract in extracts for found in extract.files if found.kind is None]
    strange = f"its columns are those of no file that the {supplier.name} format uses"
    return [
        FileFacts(
            name=found.name,
            format=supplier.name,
            version=None,
            encoding=None,
            sha256="",
            bytes=found.member.size if found.member else 0,
            table="-",
            records=0,
            used=0,
            rejected=0,
            excluded=0,
            note=f"not read: {(found.member and found.member.unread) or _almost(supplier, found) or strange}",
        )
        for found in unread
    ]


def _almost(supplier: Supplier, found: Found) -> str | None:
    near = nearest([supplier], [found])
    return f"{NEARLY} {supplier.name} {near.kind.name} file, but {near.sentence()}" if near and near.is_near else None
