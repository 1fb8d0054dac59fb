"""The linkage diagram that RECORD (items 6.3 and 12.3) asks for: from records read to decisions, adding up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from caretrace.report.figures import Figures
from caretrace.report.marks import Bar, Chart, Line, Mark, Text
from caretrace.report.words import count, percent


@dataclass(frozen=True)
class Intake:
    """What became of the records of one side's person files: read = used + rejected + excluded."""

    read: int
    used: int
    rejected: int
    excluded: int
    people: int
    """Records after several rows of one id were brought together, as they stand in the person table."""

    @property
    def set_aside(self) -> int:
        """Records not used, for whatever reason."""
        return self.rejected + self.excluded


def intake(inputs: Iterable[Mapping[str, Any]], side: str, people: int) -> Intake:
    """Add up the files of `side` (`client` or `register`) that fill PERSON."""
    files = [f for f in inputs if _side(f) == side and "person" in str(f.get("table", "")).lower().split(", ")]
    total = {key: sum(int(f.get(key, 0)) for f in files) for key in ("records", "used", "rejected", "excluded")}
    return Intake(total["records"], total["used"], total["rejected"], total["excluded"], people)


def _side(facts: Mapping[str, Any]) -> str:
    return str(facts.get("side", "")).removesuffix("s")


_BOX, _HIGH = 190.0, 62.0
_DECIDED = 350.0


def _box(x: float, y: float, width: float, words: Sequence[str], fill: str = "box", high: float = _HIGH) -> list[Mark]:
    lines: list[Mark] = [Bar(x, y, width, high, fill)]
    first = y + high / 2 + 5 - 9 * (len(words) - 1)
    for place, line in enumerate(words):
        lines.append(Text(x + width / 2, first + 19 * place, line, "middle", "strong" if place == 0 else ""))
    return lines


def diagram(clients: Intake, register: Intake, figures: Figures) -> Chart:
    """Boxes from top to bottom: read, set aside, used, compared, decided."""
    marks: list[Mark] = []
    for side, x, aside_x, words in (
        (clients, 160.0, 0.0, "client"),
        (register, 370.0, 580.0, "register"),
    ):
        middle = x + _BOX / 2
        marks += [
            *_box(x, 4, _BOX, (count(side.read), f"{words} records read")),
            Line(middle, 66, middle, 144, "arrow"),
            Line(middle, 104, aside_x + (140 if aside_x < x else 0), 104, "arrow"),
            *_box(aside_x, 73, 140, (count(side.set_aside), "set aside"), "aside"),
            *_box(x, 146, _BOX, (count(side.used), _used_words(side, words))),
            Line(middle, 208, middle, 246, "arrow"),
        ]
    looked_for = f"looked for among {count(register.people)} records"
    marks += [*_box(0, 248, 720, (f"{count(clients.people)} clients", looked_for)), *_decisions(figures)]
    return Chart(
        "flow",
        "From records read to decisions",
        f"{count(clients.read)} client records were read and {count(clients.set_aside)} set aside;"
        f" {count(register.read)} register records were read and {count(register.set_aside)} set aside."
        f" {count(clients.people)} clients were looked for: {count(figures.clients('link'))} linked,"
        f" {count(figures.clients('review'))} for review, {count(figures.clients('none'))} not linked.",
        720,
        _DECIDED + 90,
        tuple(marks),
    )


def _decisions(figures: Figures) -> Iterator[Mark]:
    """The last row: every client in one of three boxes, and below the links by what they were made on."""
    whole = figures.clients() or 1
    scored, decided = (
        sum(m.clients for m in figures.links() if m.name == name) for name in ("probabilistic", "review")
    )
    how = [f"{count(figures.clients('link') - scored - decided)} by a rule, {count(scored)} by weight"]
    by_people = [f"{count(decided)} by people"] if decided else []
    for x, width, decision, words in (
        (0.0, 320.0, "link", ["linked", *how, *by_people]),
        (335.0, 195.0, "review", ["for a person to review"]),
        (545.0, 175.0, "none", ["not linked"]),
    ):
        number = figures.clients(decision)
        yield Line(x + width / 2, 310, x + width / 2, _DECIDED - 2, "arrow")
        share = f"{count(number)} ({percent(number / whole)})"
        yield from _box(x, _DECIDED, width, [share, *words], f"box-{decision}", 86)


def _used_words(side: Intake, words: str) -> str:
    return f"{words} records used" if side.used == side.people else f"used, about {count(side.people)} people"
