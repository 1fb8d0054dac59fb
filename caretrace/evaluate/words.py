"""An evaluation in a few lines, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from caretrace.report.evaluation import NOTABLE, interval
from caretrace.report.words import exact

Facts = Mapping[str, Any]


def lines(facts: Facts) -> Iterator[str]:
    """What was found, the measured before the estimated."""
    counts = facts["counts"]
    waiting = f"{counts['review']:,} for review, {counts['none']:,} not linked"
    yield f"run {facts['run_id'][:12]}: {counts['linked']:,} links, {waiting}"
    if measured := facts.get("evaluation"):
        yield from _measured(measured)
    if sample := facts.get("sample"):
        yield "from a sample that people looked at:"
        yield from (f"  {line}" for line in sample["summary"])
    if hidden := facts.get("hidden_number"):
        yield from _hidden(hidden)
    yield from _estimated(facts["estimates"])


def _share(name: str, share: Facts) -> str:
    value = "none to count" if share["value"] is None else exact(share["value"])
    part = f"{share['part']:,} of {share['of']:,}" if "of" in share else ""
    return f"  {name:<10}{value:>10}   {interval(share):<22}  {part}".rstrip()


def _measured(facts: Facts) -> Iterator[str]:
    truth = facts["truth"]
    yield f"against known truth ({truth['clients']:,} clients), with 95% intervals:"
    for name in ("precision", "recall", "f1"):
        yield _share(name, facts[name])
    yield _share("blocking", facts["blocking_recall"])
    for count, words in (
        (truth["not_told"], "clients are not named in the truth, and not counted"),
        (truth["of_no_client"], "rows of the truth are of nobody in the run"),
    ):
        if count:
            yield f"  note: {count:,} {words}"
    for each in facts["errors"]:
        yield f"  {each['error']}, {each['kind']}: {each['clients']:,}"
    told = facts["calibration"]
    yield (
        f"  calibration: Brier score {told['brier_score']:.6f}, expected calibration error"
        f" {told['expected_calibration_error']:.6f}"
    )
    for each in told["bins"]:
        if each["verdict"] != "fits":
            yield (
                f"  {each['verdict']}: at {each['from']:.7g} to {each['to']:.7g} {exact(each['observed']['value'])} are"
                f" right, {exact(each['expected'])} expected"
            )
    yield from (f"  {line}" for line in _gaps(facts))


def _gaps(facts: Facts) -> Iterator[str]:
    """Groups whose recall or precision is lower than that of all, beyond chance."""
    for each in facts["groups"]:
        for name in ("precision", "recall"):
            overall = facts[name]["value"]
            if overall is not None and each[name]["of"] and each[name]["interval_95"][1] < overall:
                yield f"lower {name}: {each['grouping'].lower()} {each['group']}, {exact(each[name]['value'])}"


def _hidden(facts: Facts) -> Iterator[str]:
    if "too_few" in facts:
        yield f"only {facts['clients']:,} clients hold a number that the run confirmed: too few to hide it and see"
        return
    yield f"with every client's NHS number hidden ({facts['clients']:,} clients whose number was confirmed):"
    for name in ("precision", "recall", "f1"):
        yield _share(name, facts[name])


def _estimated(facts: Facts) -> Iterator[str]:
    if expected := facts["expected"]:
        yield "what the model itself expects (no measurement):"
        for name in ("precision", "recall"):
            yield _share(name, expected[name])
    if blocking := facts["blocking"]:
        recall = blocking["recall_at_most"]
        if recall:
            yield f"blocking finds at most {exact(recall['value'])} of the true links (capture and recapture)"
        without = blocking["without_number"]
        if without:
            yield f"of the links that the NHS number makes, the other rules make {exact(without['value'])}"
    notable = [each for each in facts["compared"] if abs(each["standardised_difference"]) >= NOTABLE]
    if notable:
        yield f"linked against not linked, standardised difference of {NOTABLE} or more:"
        for each in sorted(notable, key=lambda each: -abs(each["standardised_difference"])):
            yield (
                f"  {each['grouping'].lower()} {each['group']}: {each['share_of_linked']:.1%} of linked,"
                f" {each['share_of_not_linked']:.1%} of not linked ({each['standardised_difference']:+.2f})"
            )
