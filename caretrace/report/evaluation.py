"""The page and tables of an evaluation: from its JSON facts to what is read.

The same sections stand in a run's own report, where truth or estimates are known. Begin with `sections`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from caretrace.report.evaluation_charts import calibration_chart, thresholds_chart
from caretrace.report.tables import Grid, grid
from caretrace.report.words import exact, percent
from linkage.evaluate.capture import LEAST_IN_BOTH

Facts = Mapping[str, Any]
NOTABLE = 0.1
"""Standardised difference from which a group is worth notice (Austin 2009)."""


def sections(evaluation: Facts | None, estimates: Facts | None, **more: Facts | None) -> dict[str, Any]:
    """Charts and tables for the template: each None where there is nothing to say.

    `more` may hold `hidden_number` and `sample`, as evaluation.json has them.
    """
    measured, told = evaluation or {}, estimates or {}
    return {
        "measures": measures(measured),
        "errors": errors(measured),
        "groups": groups(measured),
        "thresholds": thresholds(measured),
        "calibration": calibration(measured),
        "compared": compared(told),
        "splits": splits(told),
        "rules": rules(told),
        "without_number": (told.get("blocking") or {}).get("without_number"),
        "expected": expected(told),
        "hidden": hidden(more.get("hidden_number") or {}),
        "sample": sample(more.get("sample") or {}),
        "thresholds_chart": thresholds_chart(measured),
        "calibration_chart": calibration_chart(measured),
        "facts": {"evaluation": measured, "estimates": told, **more},
    }


_HEAD = ("Measure", "Meaning", "Number", "of", "Share", "95% interval")
_MEANINGS = (
    ("Precision", "precision", "links that are right"),
    ("Recall", "recall", "clients in the register who were linked rightly"),
)


def interval(facts: Facts) -> str:
    """`from to to`."""
    low, high = facts["interval_95"]
    return f"{exact(low)} to {exact(high)}"


def _row(name: str, meaning: str, facts: Facts) -> tuple[str | int, ...]:
    value = facts.get("value")
    part, whole = facts.get("part", "estimate"), facts.get("of", "")
    return name, meaning, part, whole, "none to count" if value is None else exact(value), interval(facts)


def measures(facts: Facts) -> Grid | None:
    """Precision, recall and F1 against known truth."""
    if "precision" not in facts:
        return None
    rows = [_row(name, meaning, facts[key]) for name, key, meaning in _MEANINGS]
    rows.append(_row("F1", "the harmonic mean of the two", facts["f1"]))
    rows.append(
        _row("Blocking", "clients in the register whose true person is among the candidates", facts["blocking_recall"])
    )
    truth = facts["truth"]
    note = (
        "Intervals: Wilson; that of F1 through F* (Hand, Christen and Kirielle 2021)."
        f" The truth tells of {truth['clients']:,} clients of the run."
    )
    if truth["not_told"]:
        note += f" It does not name {truth['not_told']:,} clients; nothing is counted of them."
    if truth["of_no_client"]:
        note += f" {truth['of_no_client']:,} of its rows are of nobody in the run, such as records that were set aside."
    return grid("Measured against known truth", _HEAD, rows, note)


def errors(facts: Facts) -> Grid | None:
    """What went wrong, by kind."""
    if "errors" not in facts:
        return None
    rows = [(each["error"], each["kind"], each["clients"]) for each in facts["errors"]]
    return grid(
        "Errors by kind",
        ("Error", "Kind", "Clients"),
        rows,
        "A client in the register who was linked to somebody else is counted once, as a wrong link.",
    )


def groups(facts: Facts) -> Grid | None:
    """Precision and recall by group, and which differ from all."""
    rows = facts.get("groups") or []
    if not rows:
        return None
    return grid(
        "Precision and recall by group",
        ("Group", "Clients", "Precision", "95% interval", "Recall", "95% interval", "Against all clients"),
        (
            (
                f"{each['grouping']}: {each['group']}",
                each["clients"],
                *_cells(each["precision"]),
                *_cells(each["recall"]),
                _against(facts, each),
            )
            for each in rows
        ),
        "Groups of fewer than 10 clients are put together. A group is named where its whole interval lies on one side"
        " of the share of all clients; with many groups about one in twenty differs by chance.",
    )


def _cells(share: Facts) -> tuple[str, str]:
    return ("none", "") if share["value"] is None else (exact(share["value"]), interval(share))


def _against(facts: Facts, group: Facts) -> str:
    found = []
    for key in ("precision", "recall"):
        overall, (low, high) = facts[key]["value"], group[key]["interval_95"]
        if overall is not None and group[key]["of"]:
            found += [f"{key} lower"] if high < overall else [f"{key} higher"] if low > overall else []
    return ", ".join(found) or "no clear difference"


def thresholds(facts: Facts) -> Grid | None:
    """Results at neighbouring link bands."""
    if "thresholds" not in facts:
        return None
    return grid(
        "Results at neighbouring link bands",
        ("Link from", "Links", "Precision", "95% interval", "Recall", "95% interval", "F1"),
        (
            (
                f"{each['link_at']:.7g}" + (" (this run)" if each["chosen"] else ""),
                each["links"],
                *_cells(each["precision"]),
                *_cells(each["recall"]),
                exact(each["f1"]["value"]),
            )
            for each in facts["thresholds"]
        ),
        "Guards and decisions of people stay as they are; only the probability asked of a link changes.",
    )


_VERDICTS = {"fits": "fits", "too bold": "too sure of itself", "too timid": "less sure than it could be"}


def calibration(facts: Facts) -> Grid | None:
    """Expected against observed, by band of probability."""
    told = facts.get("calibration")
    if not told or not told["bins"]:
        return None
    return grid(
        "Calibration: is it right as often as it says?",
        ("Probability", "Clients", "Expected right", "Right", "95% interval", "Links", "Links right", "Verdict"),
        (
            (
                f"{each['from']:.7g} to {each['to']:.7g}",
                each["observed"]["of"],
                exact(each["expected"]),
                exact(each["observed"]["value"]),
                interval(each["observed"]),
                each["links"]["of"],
                "none" if each["links"]["value"] is None else exact(each["links"]["value"]),
                _VERDICTS[each["verdict"]],
            )
            for each in told["bins"]
        ),
        f"Of all clients with a candidate, by the probability of the best. Brier score {told['brier_score']:.6f}"
        f" (Brier 1950; 0 is perfect), expected calibration error {told['expected_calibration_error']:.6f}.",
    )


def expected(told: Facts) -> Grid | None:
    """What the model itself expects."""
    facts = told.get("expected")
    if not facts:
        return None
    return grid(
        "What the model itself expects",
        ("Measure", "Meaning", "Share", "95% interval"),
        [
            (name, meaning, exact(facts[key]["value"]), interval(facts[key]))
            for name, key, meaning in (
                ("Precision", "precision", "links that are right"),
                ("Recall", "recall", "of the clients whose person is a candidate, those who were linked rightly"),
            )
        ],
        "From the probabilities themselves, each link apart from the others (Poisson binomial). The interval is of"
        " chance alone: it does not tell how far the model is wrong.",
    )


def splits(told: Facts) -> Grid | None:
    """Blocking recall by capture and recapture."""
    facts = told.get("blocking")
    if not facts or not facts["recall_at_most"]:
        return None
    return grid(
        "What blocking may have missed: links counted by two groups of rules that share no field",
        (
            "Groups of rules",
            "Links asked",
            "By the first",
            "By the second",
            "By both",
            "Found, at most",
            "95% interval",
        ),
        (
            (
                f"{_listed(each['first'])} | {_listed(each['second'])}",
                each["links"],
                each["in_first"],
                each["in_second"],
                each["in_both"],
                *(_cells(each["recall_at_most"]) if each["in_both"] >= LEAST_IN_BOTH else ("too few to tell", "")),
            )
            for each in facts["splits"]
        ),
        "Chapman's estimate (1951) with a log-normal interval (Chao 1987). An upper bound: rules fail together on the"
        " same poor records, so more is missed than this can tell. The lowest row is the closest.",
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def rules(told: Facts) -> Grid | None:
    """Links by the blocking rules that make them."""
    facts = told.get("blocking")
    if not facts or not facts["links"]:
        return None
    return grid(
        "Accepted links by blocking rule",
        ("Rule", "Links it makes", "Share", "Links only it makes"),
        (
            (each["name"], each["links"], percent(each["links"] / facts["links"]), each["alone"])
            for each in facts["rules"]
        ),
        f"Of {facts['links']:,} accepted links, drawn where there are more than 20,000.",
    )


def compared(told: Facts) -> Grid | None:
    """Linked against not linked."""
    rows = told.get("compared") or []
    if not rows:
        return None
    return grid(
        "Linked against not linked",
        ("Group", "Linked", "Not linked", "Share of linked", "Share of not linked", "Standardised difference", ""),
        (
            (
                f"{each['grouping']}: {each['group']}",
                each["linked"],
                each["not_linked"],
                percent(each["share_of_linked"]),
                percent(each["share_of_not_linked"]),
                f"{each['standardised_difference']:+.2f}",
                "worth notice" if abs(each["standardised_difference"]) >= NOTABLE else "",
            )
            for each in rows
        ),
        f"A standardised difference of {NOTABLE} or more is by custom worth notice (Austin 2009), whatever the number"
        " of people. Groups of fewer than 10 clients are put together.",
    )


def hidden(facts: Facts) -> Grid | None:
    """Clients with a number, linked as if they had none."""
    if "precision" not in facts:
        return None
    rows = [_row(name, meaning, facts[key]) for name, key, meaning in _MEANINGS]
    return grid(
        "With every client's NHS number hidden",
        _HEAD,
        [*rows, _row("F1", "the harmonic mean of the two", facts["f1"])],
        f"Of {facts['clients']:,} clients whose own number the run confirmed; {facts['review']:,} of them would wait"
        " for review. Nobody is among them who is not in the register, and clients who hold no number may have poorer"
        " records: both figures are rather too high for those.",
    )


def sample(facts: Facts) -> Grid | None:
    """Estimates from decisions of people, and the strata they come from."""
    if not facts.get("strata"):
        return None
    return grid(
        "Estimated from a sample that people looked at",
        ("Stratum", "Clients", "Looked at", "Right", "Share", "95% interval"),
        (
            (
                each["name"],
                each["size"],
                each["found"]["of"],
                each["found"]["part"],
                *_cells(each["found"]),
            )
            for each in facts["strata"]
        ),
        "Stratified estimate: the sum of W p with variance the sum of W² p (1 - p) / n (Cochran 1977).",
    )


def render(facts: Facts) -> str:
    """The page that `caretrace evaluate --out` writes."""
    from caretrace.report import environment

    made = sections(
        facts.get("evaluation"), facts.get("estimates"), **{k: facts.get(k) for k in ("hidden_number", "sample")}
    )
    return environment().get_template("evaluation.html.j2").render(facts=facts, measured=made)
