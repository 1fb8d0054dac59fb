"""What the decision is asked about: the request, the evidence measured for it, one kind of person, and the past.

None always means "not known", and no rule lets what is not known pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum
from typing import Any

from governance.agreement import Agreement, Form, People
from governance.deidentify.areas import Areas
from governance.deidentify.events import Events
from governance.deidentify.inference import Inference
from governance.deidentify.repair import Repair


class Stage(Enum):
    """How far a release has come."""

    PLAN = "plan"
    MAKE = "make"
    REVERSE = "reverse"
    """A released pseudonym is to be traced back to its person."""


@dataclass(frozen=True)
class Field:
    """A field as asked for."""

    table: str
    name: str
    transform: str

    @property
    def path(self) -> str:
        """`table.name`."""
        return f"{self.table}.{self.name}"


@dataclass(frozen=True)
class ListFacts:
    """A list of allowed NHS numbers: when it was checked and how many it holds; `fault` says why it cannot be used."""

    checked_on: date | None = None
    numbers: int = 0
    sha256: str | None = None
    fault: str | None = None


@dataclass(frozen=True)
class CountFacts:
    """Tables of counts as made: how many cells, how many hidden, and how little a hidden one may vary at the least."""

    preset: str = ""
    definition: str = ""
    rows: tuple[tuple[str, int], ...] = ()
    cells: int = 0
    small: int = 0
    others: int = 0
    narrowest: int | None = None
    """None where nothing had to be hidden."""
    rounded_to: int = 1
    fault: str | None = None


@dataclass(frozen=True)
class ReversalFacts:
    """What is asked of a reversal: of which release, why, of how many people, approved by whom."""

    release_id: str
    purpose: str
    reason: str
    people: int
    approvers: tuple[str, ...]


@dataclass(frozen=True)
class ApprovalFacts:
    """A signed approval of a release: who signed it and when, for which party; `fault` says why it does not hold."""

    organisation: str = ""
    role: str = ""
    name: str = ""
    key: str = ""
    signed_on: date | None = None
    controls: bool | None = None
    """Whether the party decides about the data."""
    note: str = ""
    """The signature as it stands in the log."""
    fault: str | None = None


@dataclass(frozen=True)
class Evidence:
    """What was measured or looked up for this request."""

    people: int | None = None
    allowed_list: ListFacts | None = None
    key_version: int | None = None
    key_fault: str | None = None
    smallest_class: int | None = None
    withheld_share: float | None = None
    scan: tuple[str, ...] | None = None
    log_ready: bool | None = None
    approved_by: str | None = None
    approval: ApprovalFacts | None = None
    """None where the approval is a name only."""
    counts: CountFacts | None = None
    restricted_rows: int | None = None
    rare: tuple[tuple[str, int], ...] | None = None
    """Fields with rare values that were rolled up, and how many values."""
    inferences: tuple[Inference, ...] | None = None
    reversal: ReversalFacts | None = None
    events: tuple[Events, ...] | None = None
    """Tables of events, by the people who share their rows."""
    areas: Areas | None = None
    """The lookup of postcodes that was used."""
    repairs: tuple[Repair, ...] = ()
    """What was coarsened, or could not be, that groups are large enough."""
    treatment: str | None = None
    """How records were coarsened and withheld (`deidentify.treatment`)."""
    bridge_version: int | None = None
    """Version of the key of the epoch that a bridge file leads from; None without a bridge."""


@dataclass(frozen=True)
class Request:
    """Who asks for what, to go where."""

    purpose: str
    recipient: str
    form: Form
    people: People
    fields: tuple[Field, ...]
    epoch: str
    maker: str | None = None
    stage: Stage = Stage.PLAN
    evidence: Evidence = field(default_factory=Evidence)

    @classmethod
    def of(cls, agreement: Agreement, *, recipient: str, maker: str | None = None) -> Request:
        """Everything that the agreement allows, for one recipient."""
        items = ((table.name, item) for table in agreement.data.tables for item in table.fields)
        return cls(
            purpose=agreement.purpose.code,
            recipient=recipient,
            form=agreement.data.form,
            people=agreement.data.people,
            fields=tuple(Field(table, item.name, item.transform) for table, item in items),
            epoch=agreement.pseudonyms.epoch,
            maker=maker,
        )


@dataclass(frozen=True)
class Subject:
    """Flags of a person; people with the same flags are decided together."""

    covered: bool | None
    has_number: bool | None
    numbers_allowed: bool | None
    opted_out: bool | None
    type_1: bool | None
    objected: bool | None
    sensitive: bool | None
    conflicting_numbers: bool | None
    doubtful: bool | None


@dataclass(frozen=True)
class Past:
    """An earlier release, as the log tells it; `state` is open, released, aborted or uncertain."""

    release_id: str
    agreement_id: str
    recipient: str
    domain: str
    key_version: int
    opt_out: str
    folder: str
    state: str
    retention_until: date | None = None
    destroyed: bool = False
    """Whether a certificate of destruction is on record."""
    counts: str = ""
    """How people were counted, where counts left (`aggregate.tables.definition`)."""
    rounded_to: int = 0
    """What those counts were rounded to; 0 where it is not known."""
    form: str = ""
    fields: tuple[str, ...] = ()
    """What left, each as `table.name transform`."""
    treatment: str = ""
    """How records were coarsened and withheld (`deidentify.treatment`); empty where it is not known."""
    agreement_sha256: str = ""
    pools_with: tuple[str, ...] = ()
    """Whom the recipient was said to pool with."""

    @property
    def left(self) -> bool:
        """Whether it left, or may have."""
        return self.state in ("released", "uncertain")


@dataclass(frozen=True)
class History:
    """What the log knows that a decision needs."""

    releases: tuple[Past, ...] = ()
    agreements: Mapping[tuple[str, str], str] = field(default_factory=dict)
    signers: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """The key last seen for an organisation's role, by (ODS code, role)."""
    incidents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Incidents that are open, by agreement."""

    @property
    def open(self) -> tuple[Past, ...]:
        """Releases begun whose outcome was never logged."""
        return tuple(past for past in self.releases if past.state == "open")

    def left(self, agreement_id: str, recipient: str) -> int:
        """How many releases under an agreement left for a recipient, or may have."""
        return sum(
            past.state != "aborted" and (past.agreement_id, past.recipient) == (agreement_id, recipient)
            for past in self.releases
        )


def _begun(body: Mapping[str, Any]) -> Past:
    """A release as its intent tells it; what older entries do not say stays as not known."""
    names = ("release_id", "agreement_id", "recipient", "domain", "key_version", "opt_out", "folder")
    later = ("counts", "rounded_to", "form", "treatment", "agreement_sha256")
    return Past(
        **{name: body[name] for name in names},
        **{name: body[name] for name in later if name in body},
        state="open",
        fields=tuple(body.get("fields", ())),
        pools_with=tuple(body.get("pools_with", ())),
    )


_STATES = {"RELEASED": "released", "RELEASE_ABORTED": "aborted", "RELEASE_UNCERTAIN": "uncertain"}


def history(entries: Iterable[Mapping[str, Any]]) -> History:
    """Read the past from log entries, oldest first."""
    releases: dict[str, Past] = {}
    agreements: dict[tuple[str, str], str] = {}
    signers: dict[tuple[str, str], str] = {}
    incidents: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        body, kind = entry["body"], entry["type"]
        if kind == "AGREEMENT_RECORDED":
            agreements.setdefault((body["agreement_id"], body["agreement_version"]), body["agreement_sha256"])
            signers |= {(each["organisation"], each["role"]): each["key"] for each in body.get("signers", ())}
        elif kind == "SIGNER_RECORDED":
            signers[body["organisation"], body["role"]] = body["key"]
        elif kind == "RELEASE_INTENT":
            releases[body["release_id"]] = _begun(body)
        elif kind in _STATES:
            until = date.fromisoformat(body["retention_until"]) if "retention_until" in body else None
            releases[body["release_id"]] = replace(
                releases[body["release_id"]], state=_STATES[kind], retention_until=until
            )
        elif kind == "DESTRUCTION_CERT":
            releases[body["release_id"]] = replace(releases[body["release_id"]], destroyed=True)
        elif kind == "INCIDENT":
            agreement = releases[body["release_id"]].agreement_id
            still = [each for each in incidents.get(agreement, ()) if each != body["incident_id"]]
            incidents[agreement] = (*still, body["incident_id"]) if body["state"] == "open" else tuple(still)
    return History(tuple(releases.values()), agreements, signers, incidents)
