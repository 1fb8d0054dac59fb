"""Rules R40 to R44: a second person, a log that holds, encryption to the recipient, an end to the keeping."""

from __future__ import annotations

from governance.agreement import Form
from governance.agreement.example_keys import EXAMPLE_RECIPIENT, MADE_UP
from governance.encryption import is_public_key
from governance.request import ApprovalFacts
from governance.rules.agreement import GUARDIAN
from governance.rules.rule import Case, Finding, Scope, Standing, judge, rule


def _name(text: str | None) -> str:
    return " ".join((text or "").split()).casefold()


@rule("R40", "our own design; Caldicott principle 1", Standing.OURS, scope=Scope.RELEASE, version=2)
def maker_and_checker_differ(case: Case) -> Finding:
    """Somebody other than the maker approves, with a signature where agreed; identifiable data needs the Guardian."""
    maker, checker = _name(case.request.maker), _name(case.request.evidence.approved_by)
    approval = case.request.evidence.approval
    guardians = {_name(each.name) for each in case.signed.signatures if each.role.casefold() == GUARDIAN}
    by_guardian = checker in guardians if approval is None else approval.role.casefold() == GUARDIAN
    identifiable = case.request.form is Form.IDENTIFIABLE
    unsigned = approval is None and case.agreement.approval.signed
    return judge(
        "approved by a second person" + ("" if approval is None else f", signed by the {approval.role}"),
        deny={} if approval is None else _against(case, approval),
        refer={
            "it is not known who makes the release": not maker,
            "nobody has approved it": not checker,
            "maker and checker are the same person": bool(maker) and maker == checker,
            "the agreement asks for a signed approval (`caretrace release approve`), not for a name": unsigned,
            "identifiable data needs the approval of a Caldicott Guardian named in the agreement": identifiable
            and not by_guardian,
        },
    )


def _against(case: Case, approval: ApprovalFacts) -> dict[str, bool]:
    agreed, day = case.agreement.approval, approval.signed_on
    if approval.fault is not None or day is None:
        return {approval.fault or "it is not known when the approval was signed": True}
    return {
        "who approved is not a signatory of a controller": approval.controls is not True,
        f"the agreement does not ask the {approval.role} to approve": not agreed.may(approval.role),
        "the approval is dated in the future": day > case.today,
        f"the approval is older than the {agreed.valid_days} days agreed; ask again": (case.today - day).days
        > agreed.valid_days,
    }


@rule("R41", "our own design: intent logged durably before, outcome after", Standing.OURS, scope=Scope.RELEASE)
def log_is_ready(case: Case) -> Finding:
    """The audit log is whole and can be written."""
    ready = case.request.evidence.log_ready
    return judge("the log is whole and held for writing", deny={"the audit log is not ready": (ready is not True)})


@rule(
    "R42",
    "our own design: age v1 to the recipient's registered keys; there is no way to write plain text",
    Standing.OURS,
)
def encrypted_to_the_recipient(case: Case) -> Finding:
    """The release is encrypted to public keys that the agreement names for the recipient."""
    party = case.agreement.party(case.request.recipient)
    keys = party.encryption_keys if party else ()
    return judge(
        f"encrypted to {len(keys)} public keys of the recipient",
        deny={
            "the agreement names no public key of the recipient to encrypt to (encryption_keys)": not keys,
            "an encryption key of the recipient is no age public key": not all(map(is_public_key, keys)),
            "the published example's encryption key stands for a real organisation": EXAMPLE_RECIPIENT in keys
            and party is not None
            and not party.ods_code.startswith(MADE_UP),
        },
    )


@rule("R44", "UK GDPR Article 5(1)(e)", Standing.ASSUMED, scope=Scope.RELEASE)
def keeping_has_an_end(case: Case) -> Finding:
    """The recipient's retention ends on a day that is still to come; `caretrace audit due` lists such days."""
    until = case.agreement.handling.retention_until
    return judge(f"to be destroyed by {until}", deny={f"the agreed retention ended on {until}": until < case.today})
