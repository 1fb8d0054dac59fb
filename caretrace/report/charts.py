"""Bars, the histogram of certainty, shares with intervals, and completeness: from figures to marks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from math import log10

from caretrace.report.figures import BIN_WIDTH, DECISIONS, HIGHEST_BIN, LOWEST_BIN, Bin, Grouping
from caretrace.report.marks import Bar, Chart, Dot, Line, Mark, Text
from caretrace.report.words import count, exact, percent

WIDTH = 720.0
MENDING_FILLS = {"now": "review", "soon": "link", "later": "none"}
"""By the word of the severity."""
DECISION_WORDS = {"link": "Linked", "review": "For review", "none": "Not linked"}


def bars(
    name: str,
    title: str,
    description: str,
    rows: Sequence[tuple[str, float, str]],
    words: Callable[[float], str] = lambda value: count(int(value)),
) -> Chart:
    """One bar for each (label, value, fill), its label above it, so that no label is ever cut."""
    longest = max((value for _, value, _ in rows), default=0) or 1
    marks: list[Mark] = []
    for place, (label, value, fill) in enumerate(rows):
        top = place * 46.0
        length = (WIDTH - 110) * value / longest
        marks += [
            Text(0, top + 15, label),
            # A hair's breadth even for 0, so that the eye finds where the row begins.
            Bar(0, top + 22, max(length, 1), 15, fill),
            Text(max(length, 1) + 8, top + 35, words(value), style="strong"),
        ]
    return Chart(name, title, description, WIDTH, 46.0 * max(len(rows), 1), tuple(marks))


_ODDS_TICKS = (
    (-4, "0.01%"),
    (-3, "0.1%"),
    (-2, "1%"),
    (-0.954, "10%"),
    (0, "50%"),
    (0.954, "90%"),
    (2, "99%"),
    (3, "99.9%"),
    (4, "99.99%"),
    (6, "99.9999%"),
)
_PANEL, _GAP, _LEFT, _TOP = 96.0, 34.0, 62.0, 48.0


def certainty(bins: Sequence[Bin], link_at: float | None, review_at: float | None) -> Chart:
    """A panel for each decision over one axis of odds, counts on a log scale, with the lines that divide the bands."""
    highest = max((b.clients for b in bins), default=1)
    decades = max(1, len(str(highest)))
    step = (WIDTH - _LEFT) / (HIGHEST_BIN - LOWEST_BIN + 1)

    def across(odds: float) -> float:
        return _LEFT + (odds / BIN_WIDTH - LOWEST_BIN) * step

    marks: list[Mark] = []
    bottom = _TOP + 3 * _PANEL + 2 * _GAP
    for panel, decision in enumerate(DECISIONS):
        base = _TOP + panel * (_PANEL + _GAP) + _PANEL
        marks.append(Text(_LEFT, base - _PANEL - 6, DECISION_WORDS[decision], style="strong"))
        for decade in range(0, decades + 1, 2 if decades > 3 else 1):
            height = base - _PANEL * decade / decades
            marks += [
                Line(_LEFT, height, WIDTH, height, "grid" if decade else "axis"),
                Text(_LEFT - 8, height + 5, count(10**decade), "end"),
            ]
        for b in bins:
            if b.decision == decision:
                height = max(3.0, _PANEL * log10(b.clients) / decades)
                marks.append(Bar(across(b.place * BIN_WIDTH) + 1, base - height, step - 2, height, decision))
    for odds, label in _ODDS_TICKS:
        marks += [
            Line(across(odds), bottom, across(odds), bottom + 6),
            Text(across(odds), bottom + 22, label, "middle"),
        ]
    marks.append(Text(_LEFT, bottom + 44, "Probability that the best candidate is the client"))
    marks += _bands(across, bottom, link_at, review_at)
    return Chart(
        "certainty",
        "How sure each decision is",
        "Three histograms of clients by the probability of their best candidate, one for each decision, on one scale."
        " The table below holds the same numbers.",
        WIDTH,
        bottom + 50,
        tuple(marks),
    )


def _bands(
    across: Callable[[float], float], bottom: float, link_at: float | None, review_at: float | None
) -> list[Mark]:
    marks: list[Mark] = []
    for probability, words, anchor in ((review_at, "review from", "end"), (link_at, "link from", "start")):
        if probability is not None and 0 < probability < 1:
            x = min(max(across(log10(probability / (1 - probability))), _LEFT), WIDTH)
            side = -4 if anchor == "end" else 4
            marks += [
                Line(x, 8, x, bottom, "band"),
                Text(x + side, 18, f"{words} {exact(probability)}", anchor),
            ]
    return marks


def shares(groupings: Sequence[Grouping], overall: float) -> Chart:
    """A dot and its interval for each group, against the line of all clients."""
    low = min((g.linked.low for grouping in groupings for g in grouping.groups), default=0.0)
    start = max(0.0, int(min(low, overall) * 20 - 0.4) / 20)
    left, right = 190.0, WIDTH - 150.0

    def across(share: float) -> float:
        return left + (right - left) * (share - start) / (1 - start)

    marks: list[Mark] = []
    y = 50.0
    for grouping in groupings:
        marks.append(Text(0, y, grouping.name, style="strong"))
        y += 24
        for group in grouping.groups:
            linked, verdict = group.linked, group.compared_with(overall)
            marks += [
                Text(12, y + 5, group.name if len(group.name) < 25 else group.name[:23] + "…"),
                Line(left, y, right, y, "grid"),
                Line(across(linked.low), y, across(linked.high), y, "interval"),
                Dot(across(linked.value), y, verdict),
                Text(right + 12, y + 5, percent(linked.value) + ("" if verdict == "similar" else f" {verdict}")),
            ]
            y += 24
        y += 14
    marks += [
        Line(across(overall), 26, across(overall), y - 14, "band"),
        Text(across(overall), 18, f"all clients {percent(overall)}", "end" if overall > (1 + start) / 2 else "start"),
    ]
    ticks = 4
    for tick in range(ticks + 1):
        at = start + (1 - start) * tick / ticks
        marks.append(Text(across(at), y + 8, f"{at:.1%}".replace(".0%", "%"), "middle"))
    return Chart(
        "shares",
        "Share of clients linked, by group",
        "A dot for the share linked in each group and a line for its 95% interval, against the share of all clients."
        " The table below holds the same numbers.",
        WIDTH,
        y + 18,
        tuple(marks),
    )


def completeness(columns: Sequence[tuple[str, dict[str, tuple[int, int, int]]]]) -> Chart:
    """For each source a bar of every field: (present, refused, missing), in that order and with those patterns."""
    fields = list(columns[0][1]) if columns else []
    left = 150.0
    width = (WIDTH - left) / max(len(columns), 1)
    marks: list[Mark] = []
    for place, (source, counts) in enumerate(columns):
        x = left + place * width
        marks.append(Text(x, 16, source, style="strong"))
        for row, field in enumerate(fields):
            present, refused, missing = counts[field]
            total = present + refused + missing or 1
            y, at = 28.0 + row * 26, x
            for value, fill in ((present, "link"), (refused, "review"), (missing, "none")):
                length = (width - 80) * value / total
                if length > 0:
                    marks.append(Bar(at, y, length, 15, fill))
                at += length
            marks.append(Text(x + width - 74, y + 13, percent(present / total)))
    marks += [Text(0, 41.0 + row * 26, field.replace("_", " ")) for row, field in enumerate(fields)]
    return Chart(
        "completeness",
        "How complete the records are",
        "For each source and field the share of records with a usable value, with a value that was refused, and with"
        " none. The table below holds the same numbers.",
        WIDTH,
        34.0 + 26 * len(fields),
        tuple(marks),
    )


def to_mend(rows: Sequence[tuple[str, Mapping[str, int], int]]) -> Chart:
    """A bar for each (source, records to mend by urgency, records), as long as their share of its records."""
    marks: list[Mark] = []
    shares = [sum(urgencies.values()) / max(records, 1) for _, urgencies, records in rows]
    longest = max((*shares, 0.01))
    for place, ((name, urgencies, records), share) in enumerate(zip(rows, shares, strict=True)):
        top, at = place * 46.0, 0.0
        marks.append(Text(0, top + 15, name))
        for urgency, fill in MENDING_FILLS.items():
            length = (WIDTH - 190) * urgencies.get(urgency, 0) / max(records, 1) / longest
            if length > 0:
                marks.append(Bar(at, top + 22, max(length, 1), 15, fill))
            at += length
        words = f"{percent(share)}, {count(sum(urgencies.values()))} records"
        marks.append(Text(max(at, 1) + 8, top + 35, words, style="strong"))
    return Chart(
        "mend",
        "Records to mend, by source",
        "A bar for each source, as long as the share of its records that are to be mended, parted by how soon. The"
        " table below holds the numbers.",
        WIDTH,
        46.0 * max(len(rows), 1),
        tuple(marks),
    )


def fold(rows: Sequence[tuple[str, int]], most: int) -> list[tuple[str, int]]:
    """The largest `most` rows, added up by label, and one more for the rest."""
    ordered = sorted(rows)
    added = [(label, sum(n for _, n in group)) for label, group in groupby(ordered, key=lambda row: row[0])]
    added.sort(key=lambda row: (-row[1], row[0]))
    rest = sum(n for _, n in added[most:])
    return added[:most] + ([(f"{len(added) - most} more", rest)] if rest else [])
