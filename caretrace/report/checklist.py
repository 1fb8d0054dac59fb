"""What RECORD and GUILD ask of whoever publishes on linked data, answered with the run's facts.

RECORD: Benchimol and others 2015, PLoS Med 12:e1001885 (PMC4595218), items 6.3 and 12.1 to 12.3. GUILD: Gilbert and
others 2018, doi 10.1093/pubmed/fdx037, its four steps. The questions are in our words; what a run cannot know says "not
known", and is for the controller to fill in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from caretrace.quality import Quality
from caretrace.report.evaluation import NOTABLE, interval
from caretrace.report.figures import Figures
from caretrace.report.tables import Grid, grid
from caretrace.report.words import count, estimate, exact, percent
from caretrace.words import several

NOT_KNOWN = "not known"
_HEAD = ("Item", "What it asks", "This run")

Facts = Mapping[str, Any]


def record(manifest: Facts, figures: Figures, estimates: Facts) -> Grid:
    """The items of RECORD that concern linkage."""
    linked = figures.linked
    flow = (
        f"Diagram above: {count(linked.whole)} clients, {count(linked.part)} linked ({percent(linked.value)}),"
        f" {count(figures.clients('review'))} for review, {count(figures.clients('none'))} not linked."
    )
    rows = [
        ("6.3", "A diagram of the linkage, with the number of people at each stage", flow),
        (
            "12.1",
            "How far there was access to the whole population that the people were drawn from",
            f"{_sides(manifest)} Whether these extracts hold everybody is {NOT_KNOWN} here.",
        ),
        ("12.2", "How the data were cleaned", _cleaning(manifest)),
        (
            "12.3",
            "Level and methods of linkage, and how its quality was evaluated",
            f"Person level, two sides. {_method(manifest)} {_quality(manifest, figures, estimates)}",
        ),
    ]
    return grid("RECORD: items on linkage", _HEAD, rows)


def guild(manifest: Facts, figures: Figures, estimates: Facts, quality: Quality) -> Grid:
    """The four steps of GUILD."""
    rows = [
        ("1 Data provision", "Who is in each dataset", f"{_sides(manifest)} Coverage, dates and consent: {NOT_KNOWN}."),
        ("", "How the data were generated and extracted", _origin(manifest)),
        ("", "Which identifiers there are, how complete and how far checked", _identifiers(quality)),
        ("2 Data linkage", "What was done to the identifiers before", _cleaning(manifest)),
        ("", "Which method, with which settings, made by whom", f"{_method(manifest)} {_software(manifest)}"),
        ("", "Error rates, and how they are known", _quality(manifest, figures, estimates)),
        ("", "Linked against not linked", _differences(estimates)),
        (
            "3 Analysis",
            "How linkage error was allowed for",
            f"Not known here: it is for the analyst to say. {_given_on()}",
        ),
        (
            "4 Reporting",
            "What a reader needs to judge the linkage",
            "This page; formulas and limits in docs/evaluation.md.",
        ),
    ]
    return grid("GUILD: what to tell about linked data", _HEAD, rows)


def _sides(manifest: Facts) -> str:
    counts = manifest.get("counts") or {}
    found = []
    for side, word in (("clients", "Clients"), ("register", "Register")):
        facts = counts.get(side)
        if facts:
            read, people = several(facts["records"], "record"), several(facts["people"], "person", "people")
            found.append(f"{word}: {read} read, {count(facts['rejected'] + facts['excluded'])} set aside, {people}.")
    return " ".join(found) or f"{NOT_KNOWN}."


def _origin(manifest: Facts) -> str:
    formats = sorted({_format(file) for file in manifest.get("inputs") or []})
    if not formats:
        return NOT_KNOWN
    return (
        f"Extracts read as {', '.join(formats)}; files and hashes below. Who extracted them, when, under which"
        f" query: {NOT_KNOWN}."
    )


def _format(file: Facts) -> str:
    return " ".join(str(file[key]) for key in ("format", "version") if file.get(key)) or "of a table in memory"


def _cleaning(manifest: Facts) -> str:
    counts = manifest.get("counts") or {}
    aside = sum(
        counts[side]["rejected"] + counts[side]["excluded"] for side in ("clients", "register") if side in counts
    )
    return (
        "Values of the wrong form (check digits, dates, postcodes) became null, each listed in quality.csv;"
        f" {count(aside)} records were set aside by rule, listed in set_aside.csv; names folded, titles and noise"
        " removed, placeholder dates and postcodes taken for unknown (docs/linkage.md)."
    )


def _method(manifest: Facts) -> str:
    linkage = manifest.get("linkage") or {}
    provenance = (manifest.get("model") or {}).get("provenance") or {}
    bands = linkage.get("bands") or {}
    parts = [
        f"{max(len(linkage.get('passes') or []) - 1, 0)} deterministic passes and a Fellegi-Sunter model with term"
        " frequencies and a household explanation; candidates of one client compete."
    ]
    if provenance.get("origin"):
        method = f" ({provenance['method']})" if provenance.get("method") else ""
        parts.append(f"Model {provenance['origin']}{method}.")
    if bands:
        parts.append(f"Linked from a probability of {bands['link_at']:.6g}, reviewed from {bands['review_at']:.6g}.")
    return " ".join(parts)


def _software(manifest: Facts) -> str:
    version = manifest.get("caretrace_version") or NOT_KNOWN
    model = (manifest.get("linkage") or {}).get("model_id") or NOT_KNOWN
    return f"caretrace {version}, model {model}, seed {manifest.get('seed', NOT_KNOWN)}. Operator: {NOT_KNOWN}."


def _quality(manifest: Facts, figures: Figures, estimates: Facts) -> str:
    measured = manifest.get("evaluation") or {}
    parts = []
    if "precision" in measured:
        for name in ("precision", "recall"):
            value = measured[name]["value"]
            if value is not None:
                parts.append(f"Measured {name} {exact(value)} ({interval(measured[name])}).")
    else:
        parts.append(f"Measured error: {NOT_KNOWN}; no truth and no sample of decisions was given.")
    if figures.linked.part:
        parts.append(f"Expected by the model itself: {estimate(figures.expected_wrong)} wrong links.")
    blocking = estimates.get("blocking") or {}
    recall, without = blocking.get("recall_at_most"), blocking.get("without_number")
    parts.append(
        f"Blocking finds at most {exact(recall['value'])} of the true links, by capture and recapture."
        if recall
        else f"Blocking recall: {NOT_KNOWN}."
    )
    if without:
        parts.append(f"Without an NHS number it finds {exact(without['value'])} of what the number finds.")
    return " ".join(parts)


def _identifiers(quality: Quality) -> str:
    wanted = {
        "nhs_number": "NHS number",
        "family_name": "family name",
        "given_name": "given name",
        "birth_date": "date of birth",
        "postcode": "postcode",
    }
    parts = []
    for side in ("clients", "register"):
        sources = [source for source in quality.sources if source.side == side]
        whole = sum(source.records for source in sources)
        held = {
            name: sum(field.present for source in sources for field in source.fields if field.column == name)
            for name in wanted
        }
        if whole:
            shares = ", ".join(f"{words} {percent(held[name] / whole)}" for name, words in wanted.items())
            parts.append(f"{side.capitalize()}: {shares}.")
    return " ".join(parts) + f" NHS numbers traced at PDS: {NOT_KNOWN}."


def _differences(estimates: Facts) -> str:
    rows: Sequence[Facts] = estimates.get("compared") or []
    if not rows:
        return f"{NOT_KNOWN}: nobody to compare, or nothing recorded to compare by."
    notable = [
        f"{row['grouping'].lower()} {row['group']} ({row['standardised_difference']:+.2f})"
        for row in rows
        if abs(row["standardised_difference"]) >= NOTABLE
    ]
    return (
        f"Standardised difference of {NOTABLE} or more: {'; '.join(notable)}."
        if notable
        else "No group differs notably."
    )


def _given_on() -> str:
    return (
        "Each link carries its probability and its way of being made (links.parquet), so that analyses can weigh them."
    )
