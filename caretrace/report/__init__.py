"""The report of a run: one printable HTML page that reads without network, script or colour.

In: the manifest, the working store with `link`, and the facts of `caretrace.quality`. Out: one file that holds counts
and never a person's value. Begin with `write`; `figures` counts, `charts` and `flow` draw, `tables` lists,
`callouts` says what looks wrong.

Charts are SVG of our own few shapes: docs/decisions/0004-charts-without-a-library.md says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace.evaluate.measure import without_truth
from caretrace.groups import linked_by_group
from caretrace.quality import Quality
from caretrace.quality.trend import Trend
from caretrace.report import charts, checklist, evaluation, flow, mending, tables
from caretrace.report.callouts import callouts
from caretrace.report.figures import Figures, gather
from caretrace.report.marks import Chart
from caretrace.report.words import count, estimate, exact, percent
from caretrace.words import as_html

if TYPE_CHECKING:
    import duckdb
    from jinja2 import Environment
    from markupsafe import Markup

__all__ = ["write"]

_CHARTED_SYSTEMS = 4
"""Columns that fit beside each other in the completeness chart; the table has every source."""
_BARS = 10
_CHARTED = ("Age", "Gender", "Ethnicity")
"""Groupings that fit a chart; areas and sources are in the table."""


def write(
    path: Path,
    *,
    manifest: Mapping[str, Any],
    connection: duckdb.DuckDBPyConnection,
    quality: Quality,
    trend: Trend | None = None,
) -> None:
    """Write the report of the run that `manifest` describes to `path`, in UTF-8.

    `connection` holds `link`, `candidate` and both sides' `person`. Optional in the manifest: `linkage` (passes, bands,
    capture, timings), `counts`, `timings`, `settings`, `evaluation` (of `caretrace.evaluate`); what is absent is left
    out.
    """
    parted = linked_by_group(connection, as_at=quality.as_at)
    figures = gather(connection, parted)
    estimates = without_truth(connection, manifest.get("linkage") or {}, parted)
    path.write_text(render(manifest, figures, quality, estimates, trend), encoding="utf-8", newline="\n")


def environment() -> Environment:
    """The templates with our words for numbers."""
    # Imported here: `caretrace --help` needs no templates.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("caretrace.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(count=count, percent=percent, estimate=estimate, exact=exact, sentence=_sentence)
    return made


def _sentence(text: str) -> Markup:
    from markupsafe import Markup

    return Markup(as_html(text))  # noqa: S704 - escaped there


def render(
    manifest: Mapping[str, Any],
    figures: Figures,
    quality: Quality,
    estimates: Mapping[str, Any],
    trend: Trend | None = None,
) -> str:
    """The page as text."""
    page = environment().get_template("report.html.j2")
    return page.render(
        manifest=manifest,
        figures=figures,
        quality=quality,
        counts=manifest.get("counts") or {},
        doubt=tables.doubt(figures),
        callouts=list(callouts(manifest)),
        next_steps=_next_steps(figures, manifest.get("counts") or {}),
        lower=_linked_less_often(figures),
        charts=_charts(manifest, figures, quality),
        tables=_tables(manifest, figures, quality),
        mending=mending.section(quality, trend),
        measured=evaluation.sections(manifest.get("evaluation"), estimates),
        record=checklist.record(manifest, figures, estimates),
        guild=checklist.guild(manifest, figures, estimates, quality),
        settings=list(tables.flattened(manifest.get("settings") or {})),
    )


def _charts(manifest: Mapping[str, Any], figures: Figures, quality: Quality) -> dict[str, Any]:
    linkage = manifest.get("linkage") or {}
    bands = linkage.get("bands") or {}
    held = {side: sum(s.records for s in quality.sources if s.side == side) for side in ("clients", "register")}
    files = manifest.get("inputs") or []
    intakes = [flow.intake(files, side.removesuffix("s"), people) for side, people in held.items()]
    passes = tables.matched(figures, linkage.get("passes") or []).rows
    rules = charts.fold([(s.rule, s.records) for s in quality.set_aside], _BARS)
    return {
        "flow": flow.diagram(intakes[0], intakes[1], figures),
        "passes": charts.bars(
            "passes",
            "Links by how they were made",
            "A bar for each way a link was made, as long as the number of links. The table below holds the numbers.",
            [(str(row[0]), float(row[2]), "link") for row in passes],
        ),
        "certainty": charts.certainty(figures.bins, bands.get("link_at"), bands.get("review_at")),
        "shares": charts.shares([g for g in figures.groupings if g.name in _CHARTED], figures.linked.value),
        "completeness": completeness_chart(quality),
        "set_aside": charts.bars(
            "set-aside",
            "Records set aside, by rule",
            "A bar for each rule, as long as the number of records it set aside. The table below holds the numbers.",
            [(rule, float(records), "none") for rule, records in rules],
        ),
        "timings": charts.bars(
            "timings",
            "Where the time went",
            "A bar for each stage, as long as its time.",
            [(name, seconds, "link") for name, seconds in _timings(manifest)],
            lambda seconds: f"{seconds:.2f} s",
        ),
    }


def completeness_chart(quality: Quality) -> Chart:
    """The first few systems, clients before the register."""
    systems = tables.by_system(quality)[:_CHARTED_SYSTEMS]
    return charts.completeness([(name, tables.field_counts(sources, tables.CHARTED)) for name, sources in systems])


def _tables(manifest: Mapping[str, Any], figures: Figures, quality: Quality) -> dict[str, Any]:
    linkage = manifest.get("linkage") or {}
    return {
        "matched": tables.matched(figures, linkage.get("passes") or []),
        "reasons": tables.reasons(figures),
        "certainty": tables.certainty(figures.bins),
        "shares": tables.shares(figures.groupings, figures.linked.value),
        "completeness": tables.completeness(quality),
        "issues": tables.issues(quality),
        "set_aside": tables.set_aside(quality),
        "inputs": tables.inputs(manifest.get("inputs") or []),
        "file_notes": tables.file_notes(manifest.get("inputs") or []),
        "timings": tables.grid("Where the time went", ("Stage", "Seconds"), _seconds(manifest)),
    }


def _timings(manifest: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Stages and their seconds, those of linkage among them."""
    linkage = manifest.get("linkage") or {}
    stages = {
        **(manifest.get("timings") or {}),
        **{f"linking: {k}": v for k, v in (linkage.get("timings") or {}).items()},
    }
    return [
        (name.replace("_", " "), float(seconds)) for name, seconds in stages.items() if isinstance(seconds, int | float)
    ]


def _seconds(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, f"{seconds:.2f}") for name, seconds in _timings(manifest)]


def _linked_less_often(figures: Figures) -> list[str]:
    overall = figures.linked.value
    return [
        f"{grouping.name.lower()} {group.name}"
        for grouping in figures.groupings
        for group in grouping.groups
        if group.compared_with(overall) == "lower"
    ]


def _next_steps(figures: Figures, counts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """File and what to do with it, in the order a council would; files in which nothing stands are not among them."""
    without = sum(m.had_no_number for m in figures.links())
    differs = sum(m.had_other_number for m in figures.links())
    review = figures.clients("review")
    new = counts.get("load_back", without)
    shared = counts.get("conflicts", differs) - differs
    rest = (
        f" The other {count(without - new)} linked clients who had none are not in it: another client is linked to the"
        " same number (conflicts.csv), or a setting leaves them out."
    )
    steps = [
        (
            new,
            "load_back.csv",
            f"Load it into the client system: {count(new)} NHS numbers for clients who had none. They are matched, not"
            f" traced at the national service, and their status codes say so.{rest if without > new else ''}",
        ),
        (
            review,
            "review.csv",
            f"{count(review)} clients have a likely candidate, but not one sure enough. Somebody who knows the"
            " records should decide.",
        ),
        (
            differs + shared,
            "conflicts.csv",
            f"{count(differs)} linked clients already had another NHS number: find out which is right."
            f" {count(shared)} share their person with another client, likely the same client twice, or agree on number"
            " and date of birth with somebody of another given name. Nothing was overwritten.",
        ),
        (
            1,
            "to_fix",
            "A list for each source of the records that lack something or contradict another system, most urgent"
            " first. Send each to whoever holds the records.",
        ),
        (
            counts.get("set_aside", 1),
            "set_aside.csv",
            "Records that could not be used, with file and line. Mend them at their source, so that the"
            " next run can use them.",
        ),
    ]
    return [(file, words) for number, file, words in steps if number]
