"""The decision: every rule asked, the worst outcome wins, nothing allowed by default.

`decide` is pure: the same agreement, request, person, day and past give the same decision and trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from governance.agreement import Signed
from governance.request import History, Request, Stage, Subject
from governance.rules import MODULES
from governance.rules.rule import PACK_VERSION, RULES, Case, Finding, Outcome, Rule, Scope

# Importing a module of rules registers them; a missing one would mean fewer rules, so their presence is checked.
if missing := [
    module.__name__ for module in MODULES if not any(r.check.__module__ == module.__name__ for r in RULES.values())
]:
    raise ImportError(f"no rules registered by {missing}")


_FOLLOW = ("R36", "R13")
"""Rules that count the people who are left: none without a list of allowed numbers (R21), or where all are withheld."""


_TEXT = ("R01", "R03")
"""Rules about the agreement's own text, which a reversal rests on as a release does."""


@dataclass(frozen=True)
class Asked:
    """One rule and what it found."""

    rule: Rule
    finding: Finding

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "rule": self.rule.id,
            "version": self.rule.version,
            "title": self.rule.title,
            "citation": self.rule.citation,
            "standing": self.rule.standing.value,
            "outcome": self.finding.outcome.name,
            "reason": self.finding.reason,
        }


@dataclass(frozen=True)
class Decision:
    """The worst outcome, and every rule asked."""

    outcome: Outcome
    trace: tuple[Asked, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every reason against, each with its rule and citation; what may only follow from another comes last."""
        against = [asked for asked in self.trace if asked.finding.outcome >= Outcome.REFER]
        against.sort(key=lambda asked: _FOLLOW.index(asked.rule.id) + 1 if asked.rule.id in _FOLLOW else 0)
        return tuple(f"{asked.rule.id}: {asked.finding.reason} ({asked.rule.citation})" for asked in against)

    @property
    def drops(self) -> frozenset[str]:
        """Fields that must not leave."""
        return frozenset(path for asked in self.trace for path in asked.finding.drops)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"outcome": self.outcome.name, "rules": PACK_VERSION, "trace": [asked.to_json() for asked in self.trace]}


_NO_AGREEMENT = Finding(Outcome.DENY, "there is no agreement")


def decide(
    agreement: Signed | None, request: Request, subject: Subject | None, today: date, history: History
) -> Decision:
    """Decide about a request, or with `subject` about one kind of person in it (TRANSFORM: that person is left out)."""
    if agreement is None:
        return Decision(Outcome.DENY, (Asked(RULES["R01"], _NO_AGREEMENT),))
    scopes = {Scope.SUBJECT} if subject is not None else {Scope.REQUEST}
    if subject is None and request.stage is Stage.MAKE:
        scopes.add(Scope.RELEASE)
    if request.stage is Stage.REVERSE:
        scopes = {Scope.REVERSAL}
    case = Case(agreement, request, subject, today, history)
    rules = (
        rule for rule in RULES.values() if rule.scope in scopes or (scopes == {Scope.REVERSAL} and rule.id in _TEXT)
    )
    asked = tuple(Asked(rule, rule.check(case)) for rule in sorted(rules, key=lambda rule: rule.id))
    return Decision(max((each.finding.outcome for each in asked), default=Outcome.DENY), asked)
