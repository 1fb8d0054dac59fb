"""A release as a value, shown before anything happens: what would leave, who is left out, and every reason against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import rfc8785

from governance.agreement import Signed
from governance.decide import Decision
from governance.deidentify.disclosure import Groups
from governance.deidentify.events import Events
from governance.deidentify.pseudonym import SCHEME, domain
from governance.deidentify.repair import MEASURE, Repair
from governance.people import Exclusion
from governance.plan_text import text
from governance.request import Request
from governance.rules.rule import PACK_VERSION, Outcome
from governance.run import Run

SMALL = 5
"""Counts of people below this are shown as `fewer than 5` to the recipient: they say something about who opted out."""


@dataclass(frozen=True)
class FieldPlan:
    """What happens to one field."""

    table: str
    name: str
    transform: str
    meaning: str
    justification: str
    leaves: bool
    agreed: str
    """The transform that is agreed; another one than `transform` where the field was coarsened for k."""


@dataclass(frozen=True)
class ReleasePlan:
    """Everything about a release before it is made: every rule asked, of the whole and of each kind of person."""

    signed: Signed
    run: Run
    request: Request
    today: date
    project: Path
    keys_dir: Path
    fields: tuple[FieldPlan, ...]
    rows: tuple[tuple[str, int], ...]
    considered: int
    exclusions: tuple[Exclusion, ...]
    groups: Groups | None
    alone: int | None
    """People who share all that is told of them, events included, with fewer than k - 1 others; None without events."""
    decision: Decision
    subjects: tuple[Decision, ...]
    notes: tuple[str, ...]
    number: int
    """Which release it would be under its agreement to this recipient, the first being 1."""

    @property
    def people(self) -> int:
        """How many people's data would leave."""
        return self.considered - sum(exclusion.people for exclusion in self.exclusions)

    @property
    def people_told(self) -> int:
        """How many people, as the recipient is told: beside rounded counts an exact number would tell more."""
        counts = self.request.evidence.counts
        base = counts.rounded_to if counts else 1
        return (self.people + base // 2) // base * base

    @property
    def allowed(self) -> bool:
        """Whether nothing stands against it; `release.check` says what does."""
        return self.decision.outcome < Outcome.REFER

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every reason against."""
        return self.decision.reasons

    @property
    def domain(self) -> str:
        """The set of pseudonyms used."""
        return domain(self.signed.agreement.id, self.request.recipient, self.request.epoch)

    @property
    def sha256(self) -> str:
        """Hash of what would leave and what stands against it, explanations apart; what is made must have the same."""
        return _hash(self.to_json(), without=("trace", "notes", "number"))

    @property
    def approval_sha256(self) -> str:
        """Hash that an approval is of; see `to_approve`."""
        return to_approve(self.to_json())

    def to_json(self, *, for_recipient: bool = False) -> dict[str, Any]:
        """Plain values; `for_recipient` hides small counts of people left out."""
        agreement = self.signed.agreement
        return {
            "outcome": self.decision.outcome.name,
            "reasons": list(self.reasons),
            "agreement": {"id": agreement.id, "version": agreement.version, "sha256": self.signed.sha256},
            "title": agreement.title,
            "number": self.number,
            "signature_needed": agreement.approval.signed,
            "purpose": self.request.purpose,
            "recipient": self.request.recipient,
            "form": self.request.form.value,
            "cohort": self.request.people.value,
            "run_id": self.run.run_id,
            "run_manifest_sha256": self.run.manifest_sha256,
            "today": self.today.isoformat(),
            "rules": PACK_VERSION,
            "fields": [vars(field) for field in self.fields],
            "rows": dict(self.rows),
            "people": self.people_told if for_recipient else self.people,
            "left_out": [
                {"rule": e.rule, "reason": e.reason, "people": shown(e.people, for_recipient)} for e in self.exclusions
            ],
            "look_alikes": None
            if self.groups is None
            else {"columns": list(self.groups.columns), "groups": self.groups.groups, "smallest": self.groups.smallest},
            "coarsened": [_repaired(each) for each in self.request.evidence.repairs],
            "events": [_events(each, for_recipient) for each in self.request.evidence.events or ()],
            "alone_by_all_rows": None if self.alone is None else shown(self.alone, for_recipient),
            "counts": self._counts(),
            "postcode_lookup": self._areas(),
            "inferences": [vars(each) for each in self.request.evidence.inferences or ()],
            "restricted_rows": None if for_recipient else self.request.evidence.restricted_rows,
            "pseudonyms": {
                "scheme": SCHEME,
                "domain": self.domain,
                "key_version": self.request.evidence.key_version,
            },
            "notes": list(self.notes),
            "trace": self.decision.to_json()["trace"],
        }

    def _areas(self) -> dict[str, Any] | None:
        found = self.request.evidence.areas
        return None if found is None else {"name": found.name, "sha256": found.sha256, "postcodes": found.postcodes}

    def _counts(self) -> dict[str, Any] | None:
        found = self.request.evidence.counts
        return None if found is None else vars(found) | {"rows": dict(found.rows)}

    def to_text(self, *, for_recipient: bool = False) -> str:
        """The plan for a person to read."""
        return text(self.to_json(for_recipient=for_recipient))


def to_approve(said: Mapping[str, Any]) -> str:
    """Hash of a plan, as `ReleasePlan.to_json` gives it, that an approval is of.

    The day is not in it, so that a plan may be approved on one day and made on another: every rule is asked again
    then. Which release it is is in it, so that an approval is good for one.
    """
    return _hash(said, without=("trace", "notes", "today"))


def _hash(said: Mapping[str, Any], *, without: Sequence[str]) -> str:
    return sha256(rfc8785.dumps({name: value for name, value in said.items() if name not in without})).hexdigest()


def _repaired(repair: Repair) -> dict[str, Any]:
    """A proposal of coarser fields; whom it withholds stands with those left out."""
    return {
        "of": repair.of,
        "fields": [{"field": path, "agreed": agreed, "coarser": to} for path, agreed, to in repair.fields],
        "information_lost": round(repair.loss, 3),
        "measure": MEASURE,
        "tried": repair.tried,
        "fault": repair.fault,
    }


def _events(found: Events, for_recipient: bool) -> dict[str, Any]:
    return {
        "table": found.table,
        "columns": list(found.columns),
        "smallest": found.smallest,
        "small": shown(found.small, for_recipient),
        "withheld": shown(found.withheld, for_recipient),
    }


def shown(count: int, for_recipient: bool) -> int | str:
    """A count of people, hidden where it is small and the reader is the recipient."""
    return f"fewer than {SMALL}" if for_recipient and 0 < count < SMALL else count
