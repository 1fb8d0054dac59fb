"""The page of a night: what came in, what was held, what changed, how complete the numbers are, what to do next.

Counts only. Every number stands again at the end with the table and the condition that it is the count of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from caretrace.report import environment
from caretrace.report.charts import WIDTH
from caretrace.report.marks import Bar, Chart, Line, Mark, Text
from caretrace.report.submissions import Quarters, chart, table
from caretrace.report.tables import Cell, Grid, grid
from caretrace.report.words import percent
from caretrace.words import several


@dataclass(frozen=True)
class Figure:
    """A number, and the rows it is the number of."""

    name: str
    value: int
    table: str
    """A view of the schema `identifiable`."""
    where: str
    """SQL: the condition."""
    total: str = "count(*)"

    @property
    def sql(self) -> str:
        """The whole question to the warehouse."""
        return f"SELECT {self.total} FROM {self.table} WHERE {self.where}"


@dataclass(frozen=True)
class Told:
    """Everything the page says."""

    run: int
    kind: str
    as_at: date
    created_at: datetime
    version: str
    published: int
    run_id: str
    model_id: str
    deliveries: Sequence[Mapping[str, Any]]
    """Judged tonight, as rows of schemas.warehouse.DELIVERY."""
    held: Sequence[Mapping[str, Any]]
    """Held tonight or earlier, and still waiting."""
    figures: Mapping[str, Figure]
    files: Mapping[str, int]
    """Rows of each CSV file by its name."""
    faults: Sequence[str]
    """What does not add up."""
    notes: Sequence[str]
    nights: Sequence[Mapping[str, Any]]
    """The last runs, oldest first, as rows of schemas.warehouse.RUN."""
    seconds: Mapping[str, float]
    full_report: bool
    submissions: Quarters = ()
    """Of Client Level Data, by quarter; empty where none was ever written."""

    def value(self, name: str) -> int:
        """A figure's number; 0 for what did not happen."""
        return self.figures[name].value if name in self.figures else 0


def render(told: Told) -> str:
    """The page as text."""
    template = environment().get_template("night.html.j2")
    return template.render(
        told=told,
        clients=told.value("client now"),
        deliveries=_deliveries("What came in", told.deliveries),
        held=_held(told.held),
        records=_records(told),
        changes=_changes(told),
        chart=completeness(told.nights),
        nights=_nights(told.nights),
        next_steps=_next_steps(told),
        traced=_traced(told),
        submitted=(chart(told.submissions), table(told.submissions)) if told.submissions else None,
        several=several,
    )


def _deliveries(caption: str, rows: Sequence[Mapping[str, Any]]) -> Grid:
    names = ("feed", "name", "mode", "outcome", "records", "used", "rejected", "excluded")
    return grid(
        caption,
        ("Source", "Delivery", "Kind", "Outcome", "Records", "Used", "Rejected", "Left out by a rule"),
        ([_cell(row[name]) for name in names] for row in rows),
    )


def _held(rows: Sequence[Mapping[str, Any]]) -> Grid:
    return grid(
        "Held, and nothing of it used",
        ("Source", "Delivery", "Since run", "Why"),
        ([_cell(row[name]) for name in ("feed", "name", "run", "reason")] for row in rows),
    )


def _records(told: Told) -> Grid:
    kinds = ("new", "changed", "gone", "now")
    rows: list[tuple[Cell, ...]] = [
        (f"{side} records", *(told.value(f"{side} {kind}") for kind in kinds)) for side in ("client", "register")
    ]
    return grid("Records in the warehouse", ("Side", "New", "Changed", "Gone", "Now"), rows)


def _changes(told: Told) -> Grid:
    meant = {
        "new link": "linked, and not linked before",
        "changed": "linked to another person than before",
        "withdrawn": "linked before, and no longer",
        "to review": "a person is to decide, and was not before",
        "no candidate": "waited for a person, who is no longer needed",
        "new client": "new, without a likely candidate",
        "gone": "the client record is no longer delivered",
    }
    rows = [(change.capitalize(), words, told.value(change)) for change, words in meant.items()]
    return grid("What was decided otherwise than before", ("Change", "Clients that are", "Clients"), rows)


def completeness(nights: Sequence[Mapping[str, Any]]) -> Chart:
    """A column for each night: clients with a number of their own, found by matching, and with none."""
    left, top, height = 54.0, 14.0, 180.0
    bottom = top + height
    step = (WIDTH - left) / max(len(nights), 1)
    width = min(step * 0.8, 40.0)
    marks: list[Mark] = []
    for tick in (0.0, 0.5, 1.0):
        y = bottom - height * tick
        marks += [Line(left, y, WIDTH, y, "grid" if tick else "axis"), Text(left - 8, y + 5, f"{tick:.0%}", "end")]
    for place, night in enumerate(nights):
        x, y = left + place * step + (step - width) / 2, bottom
        for share, fill in zip(_shares(night), ("link", "review", "none"), strict=True):
            if share > 0:
                y -= height * share
                marks.append(Bar(x, y, width, height * share, fill))
        if place in (0, len(nights) - 1) or len(nights) <= 8:
            anchor = "middle" if len(nights) <= 8 else ("start" if place == 0 else "end")
            at = x + width / 2 if anchor == "middle" else (x if anchor == "start" else x + width)
            marks.append(Text(at, bottom + 20, f"{night['as_at']:%d %b %Y}", anchor))
    return Chart(
        "nights",
        "How complete the numbers are, night by night",
        "A column for each of the last runs, parted into clients whose own record holds an NHS number, clients whose"
        " number was found by matching, and clients with none. The table below holds the numbers.",
        WIDTH,
        bottom + 28,
        tuple(marks),
    )


def _shares(night: Mapping[str, Any]) -> tuple[float, float, float]:
    whole = night["client_records"] or 0
    if not whole:
        return 0.0, 0.0, 0.0
    own, either = (night["own_number"] or 0) / whole, (night["with_number"] or 0) / whole
    return own, either - own, 1 - either


def _nights(nights: Sequence[Mapping[str, Any]]) -> Grid:
    def row(night: Mapping[str, Any]) -> tuple[Cell, ...]:
        found = (night["with_number"] or 0) - (night["own_number"] or 0)
        share = percent((night["with_number"] or 0) / night["client_records"]) if night["client_records"] else "-"
        known = [_cell(night[name]) for name in ("client_records", "own_number")]
        return f"{night['run']}, {night['as_at']}", str(night["kind"]), *known, found, share, _cell(night["review"])

    head = ("Run", "Kind", "Clients", "Own number", "Found by matching", "With a number", "To review")
    return grid("The last runs", head, [row(night) for night in reversed(nights)])


def _traced(told: Told) -> Grid:
    rows = [(each.name, each.value, each.sql) for each in told.figures.values()]
    note = "Asked of warehouse.duckdb after `USE identifiable`."
    return grid("Where each number comes from", ("Number", "It is", "The rows it counts"), rows, note)


def _next_steps(told: Told) -> list[tuple[str, str]]:
    """File and what to do with it, what is urgent first; only what there is."""
    files = told.files
    steps = [
        (
            files["retractions"],
            "retractions.csv",
            "number",
            "given earlier and proved wrong. Take it out of the client system first; the last column names what was"
            " released or written while the number stood: tell whoever has it.",
        ),
        (len(told.held), "in/", "delivery", "held. See below why, then have it sent again or accept it."),
        (files["load_back"], "load_back.csv", "NHS number", "not given before. Load it."),
        (told.value("review"), "review.csv", "client", "waiting for a person to decide: `caretrace review export`."),
        (
            files["conflicts"],
            "conflicts.csv",
            "client",
            "with another number than the one found, or with one that another client has too. Find out which is right.",
        ),
        (
            files["set_aside"],
            "set_aside.csv",
            "record",
            "of this run's files not used: not readable, or left out by a rule. Mend it at its source.",
        ),
        (files["quality"], "quality.csv", "value", "of this run's records not used, or doubtful."),
    ]
    many = {"delivery": "deliveries"}
    return [(file, f"{several(number, noun, many.get(noun))} {words}") for number, file, noun, words in steps if number]


def _cell(value: object) -> Cell:
    return value if isinstance(value, int) else "" if value is None else str(value)
