"""Rules R40, R41 and R44, asked when a release is made: a second person, a log that holds, an end to the keeping."""

from __future__ import annotations

from governance.agreement import Form
from governance.rules.agreement import GUARDIAN
from governance.rules.rule import Case, Finding, Scope, Standing, judge, rule


def _name(text: str | None) -> str:
    return " ".join((text or "").split()).casefold()


@rule("R40", "our own design; Caldicott principle 1", Standing.OURS, scope=Scope.RELEASE)
def maker_and_checker_differ(case: Case) -> Finding:
    """Somebody other than the maker approves; identifiable data needs the Caldicott Guardian."""
    maker, checker = _name(case.request.maker), _name(case.request.evidence.approved_by)
    guardians = {_name(each.name) for each in case.signed.signatures if each.role.casefold() == GUARDIAN}
    identifiable = case.request.form is Form.IDENTIFIABLE
    return judge(
        "approved by a second person",
        refer={
            "it is not known who makes the release": not maker,
            "nobody has approved it": not checker,
            "maker and checker are the same person": bool(maker) and maker == checker,
            "identifiable data needs the approval of a Caldicott Guardian named in the agreement": identifiable
            and checker not in guardians,
        },
    )


@rule("R41", "our own design: intent logged durably before, outcome after", Standing.OURS, scope=Scope.RELEASE)
def log_is_ready(case: Case) -> Finding:
    """The audit log is whole and can be written."""
    ready = case.request.evidence.log_ready
    return judge("the log is whole and held for writing", deny={"the audit log is not ready": (ready is not True)})


@rule("R44", "UK GDPR Article 5(1)(e)", Standing.ASSUMED, scope=Scope.RELEASE)
def keeping_has_an_end(case: Case) -> Finding:
    """The recipient's retention ends on a day that is still to come; `caretrace audit due` lists such days."""
    until = case.agreement.handling.retention_until
    return judge(f"to be destroyed by {until}", deny={f"the agreed retention ended on {until}": until < case.today})
