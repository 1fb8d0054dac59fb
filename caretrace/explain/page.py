"""An explanation as one printable page: the waterfall of every candidate as a picture with its table."""

from __future__ import annotations

from typing import Any

from caretrace.explain.facts import Explanation
from caretrace.explain.text import level_words, odds_words, probability, sentences, shares, signed
from caretrace.report.charts import WIDTH
from caretrace.report.marks import Bar, Chart, Line, Mark, Text
from caretrace.report.tables import Grid, grid
from linkage.explain import PRIOR, Waterfall

_LEFT, _RIGHT, _ROW = 190.0, WIDTH - 66.0, 34.0


def render(explanation: Explanation) -> str:
    """The page as text."""
    from caretrace.report import environment

    shown = [
        {
            "rank": each.rank,
            "probability": probability(each.probability),
            "weight": signed(each.weight),
            "method": each.method,
            "chart": chart(each),
            "table": table(each),
            "records": _records(explanation, place) if explanation.values else None,
        }
        for place, each in enumerate(explanation.candidates)
    ]
    page: Any = environment().get_template("explain.html.j2")
    rendered: str = page.render(
        explanation=explanation,
        sentences=sentences(explanation),
        shares=_shares(explanation),
        candidates=shown,
    )
    return rendered


def chart(each: Waterfall) -> Chart:
    """Bars from the total before to the total after; solid for what speaks for, hatched for what speaks against."""
    steps = each.steps()
    low = min(0.0, *(min(a, b) for _, a, b in steps))
    high = max(0.0, *(max(a, b) for _, a, b in steps))

    def across(bits: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * (bits - low) / ((high - low) or 1.0)

    bottom = 24 + _ROW * (len(steps) + 1)
    marks: list[Mark] = [
        Line(across(0), 18, across(0), bottom, "band"),
        Text(across(0), 12, "even odds against nobody", "middle"),
    ]
    for place, (bar, start, end) in enumerate(steps):
        y = 26 + _ROW * place
        fill = "none" if bar.name == PRIOR else "link" if bar.bits > 0 else "review"
        left, right = sorted((across(start), across(end)))
        marks += [
            Text(0, y + 16, bar.name if bar.name != PRIOR else "prior"),
            Bar(left, y + 3, max(right - left, 1), 17, fill),
            Line(across(end), y + 20, across(end), y + 3 + _ROW, "grid"),
            Text(WIDTH, y + 16, signed(bar.bits), "end"),
        ]
    y = 26 + _ROW * len(steps)
    left, right = sorted((across(0), across(each.weight)))
    marks += [
        Text(0, y + 16, "sum", style="strong"),
        Bar(left, y + 3, max(right - left, 1), 17, "box-link"),
        Text(WIDTH, y + 16, signed(each.weight), "end", "strong"),
    ]
    return Chart(
        f"waterfall-{each.rank}",
        f"Candidate {each.rank}: what speaks for and against",
        "A bar for the prior and for each comparison, beginning where the last one ended, in bits; the last is the sum."
        " The table below holds the same numbers.",
        WIDTH,
        bottom + 8,
        tuple(marks),
    )


def table(each: Waterfall) -> Grid:
    """The same in numbers."""
    return grid(
        f"Candidate {each.rank} in numbers",
        ("Evidence", "Level reached", "Same person", "Different people", "Bits", "of which frequency"),
        (
            (
                bar.name,
                level_words(bar),
                *odds_words(bar),
                signed(bar.bits),
                signed(bar.frequency_bits) if bar.usual_u is not None else "",
            )
            for bar in each.bars
        ),
        "Same person, different people: how often two records of one person, and of two people, reach the level. A star"
        " marks the frequency of this very value in the register, where the level's average would say less; what that"
        " changes stands in the last column.",
    )


def _shares(explanation: Explanation) -> Grid:
    return grid(
        "Who it may be",
        ("Who", "Probability"),
        ((name, probability(share)) for name, share in shares(explanation.competition, len(explanation.candidates))),
    )


def _records(explanation: Explanation, place: int) -> Grid:
    return grid(
        "The two records",
        ("Column", "Client", "Register"),
        (
            (name.replace("_", " "), ours or "", theirs or "")
            for name, (ours, theirs) in explanation.values[place].items()
        ),
    )
