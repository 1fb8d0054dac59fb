"""What a night comes to: one line, result.json for machines, and a page to be sent by e-mail; no person in any of them.

In: what happened. Out: `Outcome`, and the files `result.json`, `results.jsonl` (a line for every night) and `mail.html`
in the project folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from caretrace.files import replaced
from caretrace.project import Project
from caretrace.run_folder import protect
from caretrace.version import __version__
from caretrace.words import as_html

FORMAT = 1
RESULT, RESULTS, MAIL = "result.json", "results.jsonl", "mail.html"


class Status(StrEnum):
    """How a night ended."""

    DONE = "done"
    """A new run stands."""
    NOTHING_NEW = "nothing new"
    """No new run, for nothing called for one."""
    HELD = "held"
    """Something is held or could not be done; a new run stands all the same where anything could be applied."""
    FAILED = "failed"
    """No new run; the sentence says why."""
    LOOKED = "looked"
    """With --dry-run: what would be done, and nothing was."""


@dataclass(frozen=True)
class Told:
    """One delivery as the account has it."""

    source: str
    side: str
    name: str
    mode: str
    outcome: str
    reason: str | None = None
    records: int = 0
    used: int = 0
    rejected: int = 0
    excluded: int = 0
    changes: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return dict(vars(self))


COMES_BEFORE = "it comes before"
"""How the reason of a late delivery begins that no later full one overtook."""
APPLIED_SINCE = "it is later by name than what was applied since,"
"""What the reason of a repeated delivery says that may not be one, for all may be again as it was then."""


@dataclass(frozen=True)
class Outcome:
    """Everything there is to say of a night."""

    status: Status
    as_at: date
    started: datetime
    finished: datetime
    sentence: str = ""
    """Why it failed, where it did."""
    exit_code: int = 0
    run: int | None = None
    """The run that was made; None where none was."""
    kind: str | None = None
    run_folder: str | None = None
    recovered: str | None = None
    """A run folder that an earlier run, killed at its end, had not published."""
    deliveries: Sequence[Told] = ()
    waiting: Mapping[str, str] = field(default_factory=dict)
    """Left for the next run, by source/name, and why."""
    counts: Mapping[str, Any] = field(default_factory=dict)
    """The run's accounts (`caretrace.warehouse.publish.accounts`)."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """links, keys, load_back, retractions."""
    notes: Sequence[str] = ()
    targets: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def held(self) -> list[Told]:
        """The deliveries that somebody must look at."""
        return [each for each in self.deliveries if each.outcome == "held"]

    @property
    def passed_over(self) -> list[Told]:
        """What was not applied and may be missed: nothing applied since holds all of what it may say."""
        return [
            each
            for each in self.deliveries
            if (each.outcome == "late" and str(each.reason).startswith(COMES_BEFORE))
            or (each.outcome == "repeated" and APPLIED_SINCE in str(each.reason))
        ]

    @property
    def faults(self) -> list[str]:
        """Counts of the run that do not add up."""
        return [str(each) for each in self.counts.get("faults", ())]

    @property
    def failed_targets(self) -> dict[str, str]:
        """The targets that are behind, and why."""
        return {name: words for name, words in self.targets.items() if words.startswith("failed")}

    def to_json(self) -> dict[str, Any]:
        """result.json."""
        return {
            "format": FORMAT,
            "caretrace_version": __version__,
            "status": self.status.value,
            "exit_code": self.exit_code,
            "summary": self.line(),
            "sentence": self.sentence or None,
            "as_at": self.as_at.isoformat(),
            "started": self.started.isoformat(timespec="seconds"),
            "finished": self.finished.isoformat(timespec="seconds"),
            "run": self.run,
            "kind": self.kind,
            "run_folder": self.run_folder,
            "recovered": self.recovered,
            "deliveries": [each.to_json() for each in self.deliveries],
            "waiting": dict(self.waiting),
            "counts": dict(self.counts),
            "changes": dict(self.changes),
            "notes": list(self.notes),
            "targets": dict(self.targets),
            "seconds": dict(self.seconds),
        }

    def line(self) -> str:
        """The night in one line."""
        parts = [self._run_words(), *(f"does not add up: {each}" for each in self.faults)]
        by_outcome = {
            word: sum(each.outcome == word for each in self.deliveries)
            for word in ("applied", "held", "repeated", "late", "waits")
        }
        parts += [f"{count:,} {word}" for word, count in by_outcome.items() if count]
        if self.counts:
            clients = self.counts.get("linked", 0) + self.counts.get("review", 0) + self.counts.get("unlinked", 0)
            parts.append(f"linked {self.counts.get('linked', 0):,} of {clients:,}, review {self.counts['review']:,}")
        if self.changes:
            parts.append(f"to load back {self.changes['load_back']:,}, to retract {self.changes['retractions']:,}")
        parts += [f"{name} {words}" for name, words in self.failed_targets.items()]
        parts += [
            f"{each.source}/{each.name} {each.outcome}: {each.reason}" for each in (*self.passed_over, *self.held)
        ]
        return "; ".join(parts).replace("\n", " ")

    def _run_words(self) -> str:
        if self.status is Status.FAILED:
            return f"failed: {self.sentence}"
        if self.status is Status.LOOKED:
            return "nothing done, only looked"
        if self.run is None:
            return "nothing new" if self.status is Status.NOTHING_NEW else "no new run"
        return f"run {self.run} ({self.kind})"


def write(project: Project, outcome: Outcome) -> None:
    """Write result.json and mail.html of the night, and its line into results.jsonl."""
    facts = outcome.to_json()
    text = json.dumps(facts, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    with replaced(project.root / RESULT) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")
    with replaced(project.root / MAIL) as draft:
        draft.write_text(page(outcome), encoding="utf-8", newline="\n")
    log = project.root / RESULTS
    with log.open("a", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(facts, ensure_ascii=False, sort_keys=True) + "\n")
    protect(log)


def page(outcome: Outcome) -> str:
    """The page to be sent: every style inline and nothing fetched, as mail programs want it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    made = Environment(
        loader=PackageLoader("caretrace.nightly"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["sentence"] = lambda text: Markup(as_html(text))  # noqa: S704 - escaped there
    return made.get_template("mail.html.j2").render(night=outcome, version=__version__)
