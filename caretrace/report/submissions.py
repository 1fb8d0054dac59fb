"""How complete the quarterly submissions of Client Level Data were: a chart, a table, and a page of both."""

from __future__ import annotations

from collections.abc import Sequence

from caretrace.cld.history import Written
from caretrace.report import environment
from caretrace.report.charts import WIDTH
from caretrace.report.marks import Bar, Chart, Mark, Text
from caretrace.report.tables import Grid, grid
from caretrace.report.words import percent
from caretrace.version import __version__

Quarters = Sequence[tuple[Written, int]]


def render(quarters: Quarters) -> str:
    """The page as text; `quarters` is what `caretrace.cld.history.quarters` gives, not empty."""
    return (
        environment()
        .get_template("submissions.html.j2")
        .render(chart=chart(quarters), table=table(quarters), newest=quarters[-1][0], version=__version__)
    )


def chart(quarters: Quarters) -> Chart:
    """A bar a quarter, parted by whose number is the council's own, whose was filled in, and who has none."""
    marks: list[Mark] = []
    for at, (each, _) in enumerate(quarters):
        top, x = at * 46.0, 0.0
        marks.append(Text(0, top + 15, each.period))
        people = each.people or 1
        for part, fill in ((each.before, "link"), (each.filled, "review"), (each.people - each.after, "none")):
            length = (WIDTH - 210) * part / people
            if length > 0:
                marks.append(Bar(x, top + 22, length, 15, fill))
            x += length
        words = f"{percent(each.before / people)}, then {percent(each.after / people)}"
        marks.append(Text(x + 8, top + 35, words, style="strong"))
    return Chart(
        "submissions",
        "People with an NHS number, by quarter",
        "A bar for each quarter, parted into people whose number the council gave, people whose number was filled in,"
        " and people without. The table below holds the same numbers.",
        WIDTH,
        46.0 * max(len(quarters), 1),
        tuple(marks),
    )


def table(quarters: Quarters) -> Grid:
    """The same numbers, the newest quarter first."""
    head = ("Quarter", "People", "With a number before", "Filled in", "With a number after", "Share", "Written")
    rows = [
        (
            *(each.period, each.people, each.before, each.filled, each.after),
            *(percent(each.after / each.people) if each.people else "-", _times(count, each.written_at)),
        )
        for each, count in reversed(quarters)
    ]
    return grid("Submissions of Client Level Data", head, rows)


def _times(count: int, written_at: str) -> str:
    return written_at[:10] if count == 1 else f"{written_at[:10]}, the last of {count}"
