"""The tables of the report: from facts and the manifest to a caption, a head and rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from caretrace.quality import FIELDS, Quality, SourceQuality
from caretrace.report.charts import DECISION_WORDS
from caretrace.report.figures import BIN_WIDTH, DECISIONS, HIGHEST_BIN, LOWEST_BIN, Bin, Figures, Grouping
from caretrace.report.words import estimate, one_in, percent, size

Cell = str | int
CHARTED = (
    "nhs_number",
    "family_name",
    "given_name",
    "birth_date",
    "gender",
    "address_line_1",
    "postcode",
    "gp_practice_code",
    "ethnicity",
)
"""Fields that linking and the comparison of groups need; the table beneath the chart has them all."""
MOST_ROWS = 200
"""A table longer than this is of use to a program only; quality.csv and set_aside.csv hold every row."""


@dataclass(frozen=True)
class Grid:
    """A table; whole numbers are set to the right with commas, the first cell of a row is its heading."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


def grid(caption: str, head: Sequence[str], rows: Iterable[Sequence[Cell]], note: str = "") -> Grid:
    """A Grid that says how many rows it leaves out, where it does."""
    listed = [tuple(row) for row in rows]
    if left_out := len(listed) - MOST_ROWS:
        note = f"{note} {left_out:,} more rows are not shown.".strip() if left_out > 0 else note
    return Grid(caption, tuple(head), tuple(listed[:MOST_ROWS]), note)


def matched(figures: Figures, passes: Sequence[Mapping[str, Any]]) -> Grid:
    """Links by pass, in the order of the passes, with what each is expected to get wrong."""
    meanings = {str(p.get("name")): str(p.get("meaning", "")) for p in passes}
    order = {name: place for place, name in enumerate(meanings)}
    links = sorted(figures.links(), key=lambda m: (order.get(m.name or "", len(order)), m.name or ""))
    total = figures.clients("link") or 1
    return grid(
        "Links by how they were made",
        ("How", "What it asks for", "Links", "Share of links", "Expected wrong (estimate)"),
        (
            (
                m.name or "not said",
                meanings.get(m.name or "", ""),
                m.clients,
                percent(m.clients / total),
                estimate(m.doubt),
            )
            for m in links
        ),
    )


def reasons(figures: Figures) -> Grid:
    """Why clients were not linked."""
    return grid(
        "Why clients were not linked",
        ("Decision", "Reason", "Clients"),
        ((DECISION_WORDS[decision], reason or "no reason given", n) for decision, reason, n in figures.reasons),
    )


def certainty(bins: Sequence[Bin]) -> Grid:
    """The histogram in numbers."""
    counts = {(b.place, b.decision): b.clients for b in bins}
    return grid(
        "Clients by the probability of their best candidate",
        ("Probability", *(DECISION_WORDS[d] for d in DECISIONS)),
        (
            (_span(place), *(counts.get((place, d), 0) for d in DECISIONS))
            for place in range(HIGHEST_BIN, LOWEST_BIN - 1, -1)
            if any((place, d) in counts for d in DECISIONS)
        ),
    )


def _span(place: int) -> str:
    low, high = (_probability(10 ** (BIN_WIDTH * p)) for p in (place, place + 1))
    if place == HIGHEST_BIN:
        return f"{low} and over"
    return f"under {high}" if place == LOWEST_BIN else f"{low} to {high}"


def _probability(odds: float) -> str:
    """As many decimals as it takes to tell neighbours apart."""
    share = odds / (1 + odds)
    return f"{share:.6%}" if share > 0.99999 else f"{share:.4%}" if share > 0.999 else f"{share:.2%}"


def shares(groupings: Sequence[Grouping], overall: float) -> Grid:
    """Who is linked less often, in numbers."""
    words = {"similar": "no clear difference", "lower": "linked less often", "higher": "linked more often"}
    return grid(
        "Share of clients linked, by group",
        ("Group", "Clients", "Linked", "Share linked", "95% interval", "Against all clients"),
        (
            (
                f"{grouping.name}: {g.name}",
                g.linked.whole,
                g.linked.part,
                percent(g.linked.value),
                f"{percent(g.linked.low)} to {percent(g.linked.high)}",
                words[g.compared_with(overall)],
            )
            for grouping in groupings
            for g in grouping.groups
        ),
    )


def by_system(quality: Quality) -> list[tuple[str, list[SourceQuality]]]:
    """Sources of one side and system together, named as a reader would: `emis, 12 organisations (register)`."""
    systems: dict[tuple[str, str], list[SourceQuality]] = {}
    for source in quality.sources:
        systems.setdefault((source.side, source.source), []).append(source)
    return [(_name(sources), sources) for sources in systems.values()]


def _name(sources: Sequence[SourceQuality]) -> str:
    first = sources[0]
    where = first.source_org if len(sources) == 1 else f"{len(sources)} organisations"
    return f"{first.source}, {where} ({first.side})"


def field_counts(sources: Sequence[SourceQuality], fields: Sequence[str]) -> dict[str, tuple[int, int, int]]:
    """Present, refused and missing of each field over `sources`."""
    counts = dict.fromkeys(fields, (0, 0, 0))
    for source in sources:
        for f in source.fields:
            if f.column in counts:
                present, refused, missing = counts[f.column]
                counts[f.column] = (present + f.present, refused + f.refused, missing + f.missing)
    return counts


def completeness(quality: Quality) -> Grid:
    """Every field of every system in numbers."""
    return grid(
        "How complete each field is",
        ("Source", "Field", "Usable value", "Share", "Refused", "Missing"),
        (
            (name, field.replace("_", " "), present, percent(present / total), refused, missing)
            for name, sources in by_system(quality)
            for field, (present, refused, missing) in field_counts(sources, FIELDS).items()
            if (total := present + refused + missing)
        ),
    )


def issues(quality: Quality) -> Grid:
    """Values not used, or used with doubt."""
    counts: dict[tuple[str, str, str, bool], int] = {}
    for i in quality.issues:
        key = (f"{i.source} ({i.side})", i.column, i.issue, i.used)
        counts[key] = counts.get(key, 0) + i.values
    return grid(
        "Values refused or doubtful",
        ("Source", "Field", "What is wrong", "What was done", "Values"),
        (
            (source, column.replace("_", " "), issue, "used all the same" if used else "not used", n)
            for (source, column, issue, used), n in counts.items()
        ),
    )


def set_aside(quality: Quality) -> Grid:
    """Records set aside by file and rule."""
    return grid(
        "Records set aside, by file and rule",
        ("File", "Side", "What happened", "Rule", "Records"),
        (
            (
                s.file or "not said",
                s.side,
                "could not be read" if s.kind == "rejected" else "left out by a rule",
                s.rule,
                s.records,
            )
            for s in quality.set_aside
        ),
    )


def inputs(files: Iterable[Mapping[str, Any]]) -> Grid:
    """Every file that was read, with counts that add up and the hash that names its content."""
    return grid(
        "Files read",
        ("File", "Side", "Format", "Table", "Records", "Used", "Rejected", "Excluded", "Size", "SHA-256"),
        (
            (
                str(f.get("name", "")),
                str(f.get("side", "")),
                " ".join(str(f[key]) for key in ("format", "version", "encoding") if f.get(key)),
                str(f.get("table", "")).lower(),
                *(int(f.get(key, 0)) for key in ("records", "used", "rejected", "excluded")),
                size(int(f.get("bytes", 0))),
                str(f.get("sha256", "")),
            )
            for f in files
        ),
        "For each file, records = used + rejected + excluded.",
    )


def file_notes(files: Iterable[Mapping[str, Any]]) -> Grid:
    """What reading says of whole files, such as columns that were not used."""
    return grid(
        "Notes on files",
        ("File", "Side", "Note"),
        ((str(f.get("name", "")), str(f.get("side", "")), str(f["note"])) for f in files if f.get("note")),
    )


def flattened(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as `outer, inner` and a text; lists are joined by commas."""
    for key, value in facts.items():
        name = f"{prefix}{str(key).replace('_', ' ')}"
        if isinstance(value, Mapping):
            yield from flattened(value, f"{name}, ")
        elif isinstance(value, (list, tuple)):
            yield name, ", ".join(str(item) for item in value) or "none"
        else:
            yield name, "not set" if value is None else str(value)


def doubt(figures: Figures) -> str:
    """How often a link is expected to be wrong, as one in so many."""
    links = figures.clients("link")
    return one_in(figures.expected_wrong / links) if links else "none"
