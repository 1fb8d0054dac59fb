"""Making a release, step by step: settle the past, decide, log the intent, write, rename, log the outcome.

Every step takes the log it needs, held for writing, so that none can be taken without it.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rfc8785

from governance import audit, bundle
from governance.agreement import Form
from governance.audit import register
from governance.audit.log import Log, Receipt
from governance.audit.persons import Index
from governance.decide import Decision, decide
from governance.files import move, owner_only, sha256_of, sync_folder, write_durably
from governance.keys import Keys
from governance.plan import ReleasePlan
from governance.request import ApprovalFacts, Stage, history
from governance.reversal import sealing
from governance.rules.rule import Outcome
from schemas.errors import CaretraceError, InputError, Refused

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Released:
    """A release as made; `settled` names earlier ones that a crash had left without an outcome."""

    release_id: str
    folder: Path
    files: Mapping[str, str]
    people: int
    settled: tuple[str, ...]


def check_decision(planned: ReleasePlan, decision: Decision) -> None:
    """Raise Refused with every reason, or return nothing."""
    if decision.outcome is Outcome.DENY:
        raise Refused(f"the release under {planned.signed.agreement.id} is refused:", decision.reasons)
    if decision.outcome is Outcome.REFER:
        message = f"the release under {planned.signed.agreement.id} needs a person's decision first:"
        raise Refused(message, decision.reasons)


def settle(held: Log, project: Path, now: datetime) -> tuple[str, ...]:
    """Give every intent without an outcome one: aborted, or uncertain where its folder stands complete."""
    settled = []
    for open_one in history(held.entries).open:
        folder = project / open_one.folder
        partial = _partial(folder, open_one.release_id)
        complete = folder.exists()
        if partial.exists():
            shutil.rmtree(partial)
        if not complete:
            sealing.remove(project, open_one.release_id)
        kind = "RELEASE_UNCERTAIN" if complete else "RELEASE_ABORTED"
        reason = "a crash; the folder stands at its place and must be taken for disclosed" if complete else "a crash"
        held.append([(kind, {"release_id": open_one.release_id, "reason": reason})], now=now)
        settled.append(open_one.release_id)
    return tuple(settled)


def _partial(to: Path, release_id: str) -> Path:
    return to.with_name(f".{to.name}.{release_id}.partial")


@dataclass(frozen=True)
class Making:
    """One release on its way."""

    log: Log
    plan: ReleasePlan
    keys: Keys
    maker: str
    approved_by: str
    now: datetime
    approval: ApprovalFacts | None = None

    def run(
        self, connection: duckdb.DuckDBPyConnection, shown: ReleasePlan, to: Path, settled: tuple[str, ...]
    ) -> Released:
        """Take every step in order; `shown` is the plan that a person saw."""
        decision = self._decide(shown)
        release_id = f"R{len(self.log.entries):06d}"
        place = _partial(to, release_id)
        # Before the intent, which names its hash: a release that a crash leaves in doubt can be looked up as well.
        index = self._index(connection, release_id)
        intent = self._intend(decision, release_id, to, index)
        try:
            files = self._write(connection, place, release_id, intent)
            place = move(place, to)
            sync_folder(to.parent)
            outcome = self._released(decision, release_id, files, index)
        except (OSError, CaretraceError) as error:
            self._abort(release_id, error, place)
            if isinstance(error, OSError):
                raise Refused(f"the release could not be written ({error.strerror}); nothing is left of it") from None
            raise
        try:
            self._prove(to, "released", outcome)
        except OSError as error:
            raise InputError(
                f"the release was made and logged, but its proof could not be written ({error.strerror})", path=to
            ) from None
        return Released(release_id, to, files, self.plan.people, settled)

    def _decide(self, shown: ReleasePlan) -> Decision:
        """Ask every rule, those of making too; a refusal is logged with its reasons (Caldicott principle 7)."""
        evidence = replace(
            self.plan.request.evidence, approved_by=self.approved_by, approval=self.approval, log_ready=True
        )
        request = replace(self.plan.request, stage=Stage.MAKE, maker=self.maker, evidence=evidence)
        decision = decide(self.plan.signed, request, None, self.plan.today, history(self.log.entries))
        if decision.outcome >= Outcome.REFER:
            self.log.append([("DECISION", self._about() | _traced(decision))], now=self.now)
        check_decision(self.plan, decision)
        if self.plan.sha256 != shown.sha256:
            raise Refused("something changed since the plan was shown (run, allowed numbers or log); plan again")
        return decision

    def _about(self) -> dict[str, Any]:
        agreement = self.plan.signed.agreement
        return {
            "agreement_id": agreement.id,
            "agreement_version": agreement.version,
            "agreement_sha256": self.plan.signed.sha256,
            "recipient": self.plan.request.recipient,
            "purpose": self.plan.request.purpose,
            "form": self.plan.request.form.value,
            "run_id": self.plan.run.run_id,
            "maker": self.maker,
            "approved_by": self.approved_by,
        }

    def _index(self, connection: duckdb.DuckDBPyConnection, release_id: str) -> str:
        """Index who is in it, for their right to know; counts hold nobody."""
        if self.plan.request.form is Form.AGGREGATE:
            return ""
        index = Index(self.log.audit_dir, self.keys)
        return index.write(connection, release_id, [table for table, _ in self.plan.rows])

    def _intend(self, decision: Decision, release_id: str, to: Path, index: str) -> Receipt:
        """Make the intent durable; from here on, whatever happens, the log knows that a release was begun."""
        agreement = self.plan.signed.agreement
        about = self._about()
        counts, party = self.plan.request.evidence.counts, agreement.party(self.plan.request.recipient)
        recorded = (agreement.id, agreement.version) in history(self.log.entries).agreements
        entries: list[tuple[str, dict[str, Any]]] = []
        if not recorded:
            names = ("agreement_id", "agreement_version", "agreement_sha256")
            entries.append(
                ("AGREEMENT_RECORDED", {name: about[name] for name in names} | register.facts(self.plan.signed))
            )
        intent = about | {
            "release_id": release_id,
            "domain": self.plan.domain,
            "key_version": self.keys.version,
            "opt_out": agreement.choices.national_data_opt_out,
            "folder": _relative(to, self.plan.project),
            "person_index": index,
            "counts": counts.definition if counts else "",
            "rounded_to": counts.rounded_to if counts else 0,
            "treatment": self.plan.request.evidence.treatment or "",
            "pools_with": list(party.pools_with) if party else [],
            "fields": [f"{field.table}.{field.name} {field.transform}" for field in self.plan.fields if field.leaves],
        }
        if self.approval:
            intent |= {"approval": self.approval.note, "approved_sha256": self.plan.approval_sha256}
        decided = about | {"release_id": release_id, "plan_sha256": self.plan.sha256} | _traced(decision)
        entries += [("DECISION", decided), ("RELEASE_INTENT", intent)]
        return self.log.append(entries, now=self.now)[-1]

    def _write(
        self, connection: duckdb.DuckDBPyConnection, partial: Path, release_id: str, intent: Receipt
    ) -> dict[str, str]:
        """Write everything under the temporary name; gives each file's SHA-256."""
        partial.mkdir(parents=True, mode=0o700)
        written = bundle.write_data(connection, self.plan, self.keys, partial)
        if written.found:
            raise Refused("the finished files hold what looks like identifiers (R19a):", written.found)
        if self.plan.request.form is Form.PSEUDONYMISED:
            key = secrets.token_bytes(sealing.KEY_BYTES)
            sealing.write(connection, self.plan.signed.agreement, self.plan.project, release_id, key=key)
        about = {"release_id": release_id, "maker": self.maker, "approved_by": self.approved_by, "now": self.now}
        bundle.write_words(self.plan, partial, data=written.names, **about)
        self._prove(partial, "intent", intent)
        write_durably(partial / audit.VKEY, (self.log.audit_dir / audit.VKEY).read_bytes())
        for path in partial.iterdir():
            owner_only(path)
        return {path.name: sha256_of(path) for path in sorted(partial.iterdir())}

    def _prove(self, folder: Path, name: str, receipt: Receipt) -> None:
        """Put an entry and the offline proof that it is in the log beside the data."""
        write_durably(folder / f"{name}.json", receipt.line)
        write_durably(folder / f"{name}.tlog-proof", self.log.proof(receipt.index).encode())

    def _released(self, decision: Decision, release_id: str, files: Mapping[str, str], index: str) -> Receipt:
        body = {
            "release_id": release_id,
            "files": dict(files),
            "rows": dict(self.plan.rows),
            "people": self.plan.people_told,
            "person_index": index,
            "trace_sha256": _hash(decision.to_json()),
            "retention_until": self.plan.signed.agreement.handling.retention_until.isoformat(),
        }
        # Apart from RELEASED, which the recipient is given: small counts say something about who opted out.
        left_out = {exclusion.rule: exclusion.people for exclusion in self.plan.exclusions}
        entries: list[tuple[str, dict[str, Any]]] = [
            ("PEOPLE_LEFT_OUT", {"release_id": release_id, "left_out": left_out, "allowed_list": _listed(self.plan)}),
            ("RELEASED", body),
        ]
        return self.log.append(entries, now=self.now)[-1]

    def _abort(self, release_id: str, error: Exception, place: Path) -> None:
        """Take back what was written and log that; where even that fails, the next run settles the intent."""
        shutil.rmtree(place, ignore_errors=True)
        if place.exists():
            return
        sealing.remove(self.plan.project, release_id)
        Index(self.log.audit_dir, self.keys).remove(release_id)
        with suppress(Refused):
            reason = {"release_id": release_id, "reason": type(error).__name__}
            self.log.append([("RELEASE_ABORTED", reason)], now=self.now)


def _traced(decision: Decision) -> dict[str, Any]:
    return {
        "outcome": decision.outcome.name,
        "reasons": list(decision.reasons),
        "trace": [f"{asked.rule.id}.{asked.rule.version} {asked.finding.outcome.name}" for asked in decision.trace],
        "trace_sha256": _hash(decision.to_json()),
    }


def _listed(plan: ReleasePlan) -> dict[str, Any]:
    """Which list of allowed numbers was used; nothing where none was."""
    found = plan.request.evidence.allowed_list
    if found is None or found.checked_on is None or found.fault is not None:
        return {}
    return {"checked_on": found.checked_on.isoformat(), "numbers": found.numbers, "sha256": found.sha256 or ""}


def _relative(to: Path, project: Path) -> str:
    """The folder as the log names it: within the project where it is, else in full."""
    target, root = to.resolve(), project.resolve()
    return target.relative_to(root).as_posix() if target.is_relative_to(root) else str(target)


def _hash(value: Any) -> str:
    return sha256(rfc8785.dumps(value)).hexdigest()
