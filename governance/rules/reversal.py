"""Rule R43: going back from a pseudonym to a person."""

from __future__ import annotations

from governance.agreement import Form
from governance.request import ReversalFacts
from governance.rules.rule import Case, Finding, Outcome, Scope, judge, rule


@rule("R43", "Data Protection Act 2018 section 171; ISO 25237:2017 clause 7", scope=Scope.REVERSAL)
def controlled_reidentification(case: Case) -> Finding:
    """Somebody is named again only as agreed: for a purpose, by two approvers, so many people, until a day."""
    asked, agreed = case.request.evidence.reversal, case.agreement.reidentification
    if asked is None:
        return Finding(Outcome.DENY, "it is not known what is to be reversed")
    if agreed is None:
        return Finding(Outcome.DENY, "the agreement has no part [reidentification], so nobody is named again")
    named = {each.name for each in map(agreed.approver, asked.approvers) if each}
    maker = agreed.approver(case.request.maker or "")
    return judge(
        f"for {asked.purpose}, with the controller's consent {agreed.consent}",
        deny={
            f"'{asked.purpose}' is no purpose that the agreement names people again for": asked.purpose
            not in [each.value for each in agreed.purposes],
            "no reason is given": not asked.reason.strip(),
            "two different approvers of the agreement are needed": len(named) != 2 or len(asked.approvers) != 2,
            "it is not known who asks": not (case.request.maker or "").strip(),
            "whoever asks is one of the approvers": maker is not None and maker.name in named,
            f"{asked.people} people are asked for; the agreement allows 1 to {agreed.most_people} at once": not (
                1 <= asked.people <= agreed.most_people
            ),
            f"the agreement allowed it until {agreed.until}": agreed.until < case.today,
            f"{asked.release_id} is no release under this agreement that left": not _left(case, asked),
            "only pseudonymised releases can be reversed": case.agreement.data.form is not Form.PSEUDONYMISED,
        },
    )


def _left(case: Case, asked: ReversalFacts) -> bool:
    return any(
        past.release_id == asked.release_id and past.agreement_id == case.agreement.id and past.left
        for past in case.history.releases
    )
