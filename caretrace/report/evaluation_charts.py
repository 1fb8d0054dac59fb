"""Two pictures of an evaluation: is it right as often as it says, and what other link bands would bring."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import log10
from typing import Any

from caretrace.report.charts import WIDTH
from caretrace.report.marks import Chart, Dot, Line, Mark, Text
from caretrace.report.words import exact

Facts = Mapping[str, Any]

_LEFT, _RIGHT = 170.0, WIDTH - 20.0
_ODDS = ((-1, "9%"), (0, "50%"), (1, "91%"), (2, "99%"), (3, "99.9%"), (4, "99.99%"), (5, "99.999%"))


def _odds(share: float) -> float:
    """Powers of ten of the odds, within the chart's ends."""
    low, high = _ODDS[0][0] - 0.4, _ODDS[-1][0] + 0.0
    if share <= 0 or share >= 1:
        return low if share <= 0 else high
    return min(max(log10(share / (1 - share)), low), high)


def calibration_chart(facts: Facts) -> Chart | None:
    """For each band of probability what was expected (a bar across) and what was so (a dot with its interval)."""
    bins = (facts.get("calibration") or {}).get("bins") or []
    if not bins:
        return None
    low, high = _odds(0), _odds(1)

    def across(share: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * (_odds(share) - low) / (high - low)

    marks: list[Mark] = [Text(0, 16, "Probability given"), Text(_LEFT, 16, "Share that is right")]
    bottom = 34.0 + 30 * len(bins)
    for odds, label in _ODDS:
        x = _LEFT + (_RIGHT - _LEFT) * (odds - low) / (high - low)
        marks += [Line(x, 28, x, bottom, "grid"), Text(x, bottom + 18, label, "middle")]
    for place, each in enumerate(bins):
        y = 46.0 + 30 * place
        observed = each["observed"]
        start, end = observed["interval_95"]
        shape = {"fits": "similar", "too bold": "lower", "too timid": "higher"}[each["verdict"]]
        x = across(each["expected"])
        marks += [
            Text(0, y + 5, f"{each['from']:.7g} to {each['to']:.7g}"),
            Line(across(start), y, across(end), y, "interval"),
            Line(x, y - 12, x, y + 12, "band"),
            Dot(across(observed["value"]), y, shape),
        ]
    return Chart(
        "calibration",
        "Is it right as often as it says?",
        "For each band of probability a dashed stroke where the model expects the share to be, and a dot with its 95%"
        " interval where it is, on a scale of odds. The table below holds the same numbers.",
        WIDTH,
        bottom + 26,
        tuple(marks),
    )


def thresholds_chart(facts: Facts) -> Chart | None:
    """Precision and recall over the ladder of link bands, each in a panel of its own scale."""
    ladder = facts.get("thresholds") or []
    if not ladder:
        return None
    left, panel, gap = 74.0, 110.0, 46.0
    step = (WIDTH - left - 30) / max(len(ladder) - 1, 1)
    marks: list[Mark] = []
    top = 26.0
    for key, title in (("precision", "Precision"), ("recall", "Recall")):
        marks += [Text(left, top - 8, title, style="strong"), *_panel(ladder, key, left, top, panel, step)]
        top += panel + gap
    bottom = top - gap
    for place, each in enumerate(ladder):
        x = left + step * place
        # Labels of neighbours would touch.
        marks.append(Text(x, bottom + 18 + (place % 2) * 18, f"{each['link_at']:.5g}", "middle"))
        if each["chosen"]:
            marks += [Line(x, 18, x, bottom, "band"), Text(x, 12, "this run", "middle")]
    marks.append(Text(left, bottom + 58, "Probability from which a client is linked"))
    return Chart(
        "thresholds",
        "Precision and recall at neighbouring link bands",
        "Two panels, precision and recall, with a dot and its 95% interval for each link band. The table below holds"
        " the same numbers.",
        WIDTH,
        bottom + 64,
        tuple(marks),
    )


def _panel(ladder: Sequence[Facts], key: str, left: float, top: float, high: float, step: float) -> Iterator[Mark]:
    known = [(place, each[key]) for place, each in enumerate(ladder) if each[key]["value"] is not None]
    least = min((each["interval_95"][0] for _, each in known), default=0.0)
    greatest = max((each["interval_95"][1] for _, each in known), default=1.0)
    room = (greatest - least) or 1e-6

    def down(share: float) -> float:
        return top + high * (greatest - share) / room

    for share in (least, (least + greatest) / 2, greatest):
        yield Line(left - 10, down(share), WIDTH, down(share), "grid")
        yield Text(left - 16, down(share) + 5, exact(share), "end")
    for (place, each), (after, following) in pairwise(known):
        yield Line(left + step * place, down(each["value"]), left + step * after, down(following["value"]))
    for place, each in known:
        x = left + step * place
        low, up = each["interval_95"]
        yield Line(x, down(low), x, down(up), "interval")
        yield Dot(x, down(each["value"]))
