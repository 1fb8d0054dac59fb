"""What a rule is: a named function from a case to a finding, with its citation, standing and version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum, IntEnum
from types import MappingProxyType

from governance.agreement import Agreement, Form, Signed
from governance.request import History, Request, Subject

PACK_VERSION = "2026-11-22"
"""Version of the whole set of rules; it changes when any rule does, because the law moves."""


class Outcome(IntEnum):
    """What a rule says; the worst of all wins."""

    ALLOW = 0
    TRANSFORM = 1
    REFER = 2
    DENY = 3


class Scope(Enum):
    """When a rule is asked."""

    REQUEST = "for every request"
    SUBJECT = "for every kind of person"
    RELEASE = "when the release is made"
    REVERSAL = "when a pseudonym is to be traced back"


class Standing(Enum):
    """How sure the citation is."""

    VERIFIED = "verified"
    ASSUMED = "assumed"
    OURS = "our own design"


@dataclass(frozen=True)
class Case:
    """All that a rule may look at; nothing else decides."""

    signed: Signed
    request: Request
    subject: Subject | None
    today: date
    history: History

    @property
    def agreement(self) -> Agreement:
        """The agreement."""
        return self.signed.agreement

    @property
    def de_identified(self) -> bool:
        """Whether de-identification rules hold: beyond direct care, and in any form but identifiable."""
        return not self.agreement.direct_care and self.request.form is not Form.IDENTIFIABLE

    @property
    def may_hold_restricted(self) -> bool:
        """Whether legally restricted codes may leave: identifiable form with a statutory gateway."""
        return may_hold_restricted(self.agreement, self.request)


def may_hold_restricted(agreement: Agreement, request: Request) -> bool:
    """Whether a request may have legally restricted codes (R26)."""
    return request.form is Form.IDENTIFIABLE and bool(agreement.lawfulness.statutory_gateway)


@dataclass(frozen=True)
class Finding:
    """What a rule found; `drops` are the fields that must not leave."""

    outcome: Outcome
    reason: str
    drops: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """A rule with what an IG officer asks about it: where it comes from and how sure that is."""

    id: str
    title: str
    citation: str
    standing: Standing
    scope: Scope
    version: int
    check: Callable[[Case], Finding]


RULES: dict[str, Rule] = {}


def rule(
    number: str,
    citation: str,
    standing: Standing = Standing.VERIFIED,
    *,
    scope: Scope = Scope.REQUEST,
    version: int = 1,
) -> Callable[[Callable[[Case], Finding]], Callable[[Case], Finding]]:
    """Register a rule; the first line of its docstring is its title."""

    def register(check: Callable[[Case], Finding]) -> Callable[[Case], Finding]:
        if number in RULES:
            raise TypeError(f"{number} stands twice")
        title = (check.__doc__ or "").partition("\n")[0].rstrip(".")
        RULES[number] = Rule(number, title, citation, standing, scope, version, check)
        return check

    return register


def over(day: date | None, today: date) -> bool:
    """Past, or not known."""
    return day is None or day < today


_NONE: Mapping[str, bool] = MappingProxyType({})


def allow(reason: str) -> Finding:
    """Nothing against it."""
    return Finding(Outcome.ALLOW, reason)


def judge(ok: str, *, deny: Mapping[str, bool] = _NONE, refer: Mapping[str, bool] = _NONE) -> Finding:
    """Deny with every reason that is true, else refer with every one that is true, else allow."""
    if denials := [reason for reason, holds in deny.items() if holds]:
        return Finding(Outcome.DENY, "; ".join(denials))
    if referrals := [reason for reason, holds in refer.items() if holds]:
        return Finding(Outcome.REFER, "; ".join(referrals))
    return allow(ok)
