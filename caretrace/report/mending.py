"""What to mend: tables and the chart of gaps and contradictions, with the trend since an earlier run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from caretrace.quality import BY_NAME, Figure, Kind, Quality, Severity
from caretrace.quality.first import ToMend, to_mend, urgent
from caretrace.quality.persons import COMPARED
from caretrace.quality.trend import Change, Trend
from caretrace.report import charts
from caretrace.report.tables import Cell, Grid, grid
from caretrace.report.words import count, estimate, percent

ARROWS = {"worse": "▲", "better": "▼", "same": "●"}
_CHARTED = 12
"""Sources in the chart; the table has every one."""


def section(quality: Quality, trend: Trend | None) -> dict[str, Any]:
    """What the templates of a run's report and of a check show."""
    items, called = to_mend(quality), names(quality)
    return {
        "urgent": [f"{kind.title} ({count(records)})" for kind, records in urgent(quality)],
        "first": first(items, quality),
        "chart": charts.to_mend([(called[s.key], s.to_mend, s.records) for s in quality.sources[:_CHARTED]]),
        "sources": sources(quality, trend),
        "found": found(quality, trend),
        "gone": gone(quality, trend),
        "between": between(quality),
        "across": {name: _across(quality, name) for name in ("records", "doubtful")},
        "trend": trend,
    }


def first(items: tuple[ToMend, ...], quality: Quality) -> Grid:
    """The first things to mend."""
    missed = any(item.effect for item in items)
    head = ("What", "Where", "Records", "Share", "Look at it", "Who mends it")
    matching = ("Not linked among them", "of which probably for this") if missed else ()
    return grid(
        "What to mend first",
        (*head, *matching),
        (
            (
                item.kind.title,
                f"{item.source} ({item.side})",
                item.records,
                percent(item.records / max(item.of, 1)),
                item.kind.severity.value,
                item.kind.mended_by(item.side, item.source),
                *((item.unmatched, estimate(item.effect) if item.effect else "") if missed else ()),
            )
            for item in items
        ),
        "Probably for this: how many more are not linked than would be if they were missed as often as the system's"
        " other clients. It is an estimate: a record that lacks one thing often lacks others."
        if missed
        else "",
    )


def sources(quality: Quality, trend: Trend | None) -> Grid:
    """How many records of each source have something to mend."""
    called = names(quality)
    urgencies = [severity.value for severity in Severity]
    return grid(
        "Records to mend, by source",
        ("Source", "Records", *(f"to look at {word}" for word in urgencies), "Share", *(("Before",) if trend else ())),
        (
            (
                called[source.key],
                source.records,
                *(source.to_mend.get(word, 0) for word in urgencies),
                percent(sum(source.to_mend.values()) / max(source.records, 1)),
                *((then(trend.to_mend.get(source.key)),) if trend else ()),
            )
            for source in quality.sources
        ),
        "A record counts once, by the most urgent of what is listed for it.",
    )


def found(quality: Quality, trend: Trend | None) -> Grid:
    """Every kind found in every source: by source, field and organisation."""
    called = names(quality)
    return grid(
        "Everything found, by source",
        (
            "Source",
            "Field",
            "What",
            "Records",
            "Share",
            *(("Before",) if trend else ()),
            "Look at it",
            "Doubtful besides",
        ),
        (
            (
                called[figure.key],
                figure.declared.column.replace("_", " "),
                figure.declared.title,
                figure.records,
                percent(figure.records / max(quality.of(figure), 1)) + _expected(quality, figure.kind, figure.key),
                *((then(trend.change(figure)),) if trend else ()),
                figure.declared.severity.value,
                figure.doubtful or "",
            )
            for key in called
            for figure in soonest(quality.figures)
            if figure.key == key
        ),
        "Share: of the source's records; for contradictions between systems, of the records whose person another system"
        " holds too. Doubtful besides: seen only through a link that is not certain; counted, and in no list.",
    )


def soonest(figures: Sequence[Figure]) -> list[Figure]:
    """The most urgent first, then the most frequent."""
    order = list(Severity)
    return sorted(figures, key=lambda figure: (order.index(figure.declared.severity), -figure.records, figure.kind))


def _expected(quality: Quality, kind: str, key: tuple[str, str, str]) -> str:
    if kind != "first-january":
        return ""
    source = next(each for each in quality.sources if each.key == key)
    return f"; {estimate(source.born_full_date / 365.25)} expected"


def then(change: Change | None) -> str:
    """An arrow and the figure before: up is worse; where there was one, counted alike."""
    if change is None:
        return "not known"
    if change.direction == "same":
        return f"{ARROWS['same']} as before"
    return f"{ARROWS[change.direction]} {count(change.before)} ({percent(change.before / max(change.of_before, 1))})"


def gone(quality: Quality, trend: Trend | None) -> Grid:
    """What was found before and is no more."""
    called = names(quality)
    changes = trend.changes if trend else {}
    return grid(
        "Mended since",
        ("Source", "What", "Records before"),
        (
            (called[key], BY_NAME[kind].title, change.before)
            for (kind, *rest), change in changes.items()
            if (key := (rest[0], rest[1], rest[2])) in called and not change.now
        ),
    )


def between(quality: Quality) -> Grid:
    """Pairs of systems, and about how many people they disagree."""
    kinds = [kind for kind in COMPARED if any(kind.name in pair.differ for pair in quality.between)]
    rows = (
        row
        for pair in quality.between
        for row in _disagreements(pair.differ, kinds, _pair_name(vars(pair)), pair.people)
    )
    return grid(
        "People that two systems hold, and how often the two contradict each other",
        ("Systems", "People in both", "What", "People", "Share"),
        rows,
    )


def _pair_name(pair: Mapping[str, Any]) -> str:
    if (pair["side"], pair["source"]) == (pair["other_side"], pair["other_source"]):
        return f"{pair['source']} ({pair['side']}): two of its organisations"
    return f"{pair['source']} ({pair['side']}) and {pair['other_source']} ({pair['other_side']})"


def _disagreements(differ: Mapping[str, int], kinds: list[Kind], name: str, people: int) -> Iterator[tuple[Cell, ...]]:
    for kind in kinds:
        if kind.name in differ:
            yield name, people, kind.title, differ[kind.name], percent(differ[kind.name] / people)


def _across(quality: Quality, number: str) -> int:
    return sum(getattr(figure, number) for figure in quality.figures if figure.declared.is_across)


def names(quality: Quality) -> dict[tuple[str, str, str], str]:
    """How each source is called, clients first; its side is said where there are two."""
    both = len({source.side for source in quality.sources}) > 1
    return {
        source.key: f"{source.source}, {source.source_org}{f' ({source.side})' if both else ''}"
        for source in quality.sources
    }
