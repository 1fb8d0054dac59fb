"""The hazard log as declared (`hazards.toml`), the risk that follows from severity and likelihood, and its paper."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from caretrace.papers.paper import HERE, Paper, Row, Section

LIKELIHOODS = ("very low", "low", "medium", "high", "very high")
RISK = {
    "catastrophic": (3, 4, 4, 5, 5),
    "major": (2, 3, 3, 4, 5),
    "considerable": (2, 2, 3, 3, 4),
    "significant": (1, 2, 2, 3, 3),
    "minor": (1, 1, 2, 2, 3),
}
"""Severity to risk by likelihood; the form is that in common use with DCB0129 and DCB0160 [assumed]."""
OFFICER, DEPLOYING = "Clinical Safety Officer", "the deploying organisation"


@dataclass(frozen=True)
class Judged:
    """A proposed severity and likelihood."""

    severity: str
    likelihood: str

    @property
    def risk(self) -> int:
        """1 (acceptable) to 5 (unacceptable)."""
        return RISK[self.severity][LIKELIHOODS.index(self.likelihood)]

    def __str__(self) -> str:
        return f"{self.severity}, {self.likelihood}: {self.risk}"


@dataclass(frozen=True)
class Control:
    """What is done about a hazard, and the files and tests (`file::test`) that show it."""

    does: str
    shown_by: tuple[str, ...]


@dataclass(frozen=True)
class Hazard:
    """One hazard."""

    id: str
    title: str
    what: str
    causes: str
    effect: str
    without: Judged
    with_controls: Judged
    controls: tuple[Control, ...]
    found_by: str
    undone_by: str
    left_to_you: str
    facts: tuple[str, ...]


def read() -> tuple[Hazard, ...]:
    """Every hazard, by number."""
    content = tomllib.loads((HERE / "hazards.toml").read_text(encoding="utf-8"))
    return tuple(_hazard(each) for each in content["hazard"])


def _hazard(given: Mapping[str, Any]) -> Hazard:
    texts = {name: given.get(name, "") for name in ("causes", "effect", "found_by", "undone_by", "left_to_you")}
    return Hazard(
        id=given["id"],
        title=given["title"],
        what=given.get("is", ""),
        without=Judged(**given["without"]),
        with_controls=Judged(**given["with"]),
        controls=tuple(Control(each["does"], tuple(each["shown_by"])) for each in given["control"]),
        facts=tuple(given["facts"]),
        **texts,
    )


def paper() -> Paper:
    """The hazard log as a paper to be filled from a project."""
    return Paper(
        "hazard-log",
        "Hazard log (DCB0129, and a start for DCB0160)",
        "The maker's part, with the facts of this project beside each hazard. No Clinical Safety Officer has reviewed"
        " it; scores are proposals [assumed]. It is to be reviewed line by line before live use.",
        (*(_section(each) for each in read()), _own()),
    )


def _section(hazard: Hazard) -> Section:
    texts: Iterable[tuple[str, str]] = (
        ("What it is", hazard.what),
        ("Causes", hazard.causes),
        ("Effect", hazard.effect),
        ("Controls of caretrace", "\n".join(f"{each.does} ({', '.join(each.shown_by)})" for each in hazard.controls)),
        ("Found by", hazard.found_by),
        ("Undone by", hazard.undone_by),
        ("Left to the deploying organisation", hazard.left_to_you),
    )
    rows = [Row(item, says=text) for item, text in texts if text]
    rows.append(Row("In this project", facts=hazard.facts))
    judged = f"without controls {hazard.without}; with them {hazard.with_controls}"
    rows.append(Row("Risk", f"Proposed: {judged}", asks="severity, likelihood and risk as judged", by=OFFICER))
    rows.append(Row("Own controls", asks="controls of procedure and training, with their evidence", by=DEPLOYING))
    return Section(f"{hazard.id} {hazard.title}", tuple(rows))


def _own() -> Section:
    asked = (
        ("Clinical Safety Officer", "name, registration, date", DEPLOYING),
        ("Intended use", "who acts on which output, for which care", DEPLOYING),
        ("Hazards of your own", "other systems, procedures, training", OFFICER),
        ("Residual risks accepted", "by whom, on which day", OFFICER),
        ("Next review", "day, and what brings it forward", OFFICER),
    )
    accuracy = Row(
        "Accuracy on your own data",
        facts=("measured", "estimate", "runs", "version"),
        asks="a sample read by people (`caretrace evaluate`), by group, and its date",
        by=OFFICER,
    )
    return Section(
        "For the deploying organisation", (accuracy, *(Row(*each[:1], asks=each[1], by=each[2]) for each in asked))
    )
