"""Rules R01 to R03, R09, R13, R15, R16 and R45: is there an agreement that covers this request, today?"""

from __future__ import annotations

from governance.agreement import Agreement, Role
from governance.agreement.example_keys import EXAMPLE_KEYS, MADE_UP
from governance.rules.rule import Case, Finding, Standing, allow, judge, rule


@rule("R01", "Caldicott principle 1; HSCIC confidentiality rule 5")
def agreement_is_the_one_recorded(case: Case) -> Finding:
    """The agreement is the one recorded under its number and version."""
    recorded = case.history.agreements.get((case.agreement.id, case.agreement.version))
    changed = recorded is not None and recorded != case.signed.sha256
    return judge(
        "the agreement's hash is the one recorded" if recorded else "first use: the agreement's hash is recorded",
        deny={"the agreement's text differs from the one recorded under this version: give it a new version": changed},
    )


@rule("R02", "Caldicott principle 1")
def agreement_is_in_force(case: Case) -> Finding:
    """Today lies within the agreement's dates and before its review."""
    dates, today = case.agreement.dates, case.today
    return judge(
        "in force and not due for review",
        deny={
            f"the agreement begins on {dates.effective_from}": today < dates.effective_from,
            f"the agreement ended on {dates.effective_to}": today > dates.effective_to,
            f"its review was due on {dates.review_date}": today > dates.review_date,
        },
    )


@rule("R03", "Caldicott principles 1 and 5", version=2)
def every_party_has_signed(case: Case) -> Finding:
    """Every signatory has signed this very text with the key they are known by, and nobody for two parties."""
    agreement, signed = case.agreement, case.signed
    valid = {(each.organisation, each.role) for each in signed.signatures if each.date <= case.today}
    missing = {
        f"not signed by the {signatory.role} of {party.ods_code}": True
        for party, signatory in agreement.signatories
        if (party.ods_code, signatory.role) not in valid
    }
    guardians = any(
        signatory.role.casefold() == GUARDIAN and (party.ods_code, signatory.role) in valid
        for party, signatory in agreement.signatories
        if party.role in (Role.CONTROLLER, Role.JOINT)
    )
    known = case.history.signers
    other_key = {
        f"the {signatory.role} of {party.ods_code} signs with another key than under earlier agreements; ask them, and"
        " have the new key recorded": True
        for party, signatory in agreement.signatories
        if known.get((party.ods_code, signatory.role), signatory.key) != signatory.key
    }
    return judge(
        "signed by everybody who must",
        deny={
            **dict.fromkeys(signed.signature_faults, True),
            **missing,
            "one person signs for two parties": _for_two_parties(agreement),
            "a key of the published examples stands for a real organisation": any(
                each.key in EXAMPLE_KEYS and not party.ods_code.startswith(MADE_UP)
                for party, each in agreement.signatories
            ),
            "no Caldicott Guardian of a controller has signed": not guardians,
        },
        refer=other_key,
    )


GUARDIAN = "caldicott guardian"


def _for_two_parties(agreement: Agreement) -> bool:
    """Whether a name or a key stands for two organisations."""
    seen: dict[str, str] = {}
    return any(
        seen.setdefault(mark, party.ods_code) != party.ods_code
        for party, signatory in agreement.signatories
        for mark in (" ".join(signatory.name.casefold().split()), signatory.key)
    )


@rule("R09", "UK GDPR Article 5(1)(b); Caldicott principle 4", Standing.ASSUMED)
def purpose_is_the_agreed_one(case: Case) -> Finding:
    """The purpose asked for is the one agreed."""
    same = case.request.purpose == case.agreement.purpose.code
    return judge("the agreed purpose", deny={"the purpose asked for is not the agreed one": (not same)})


@rule("R13", "agreement: frequency and cohort")
def within_frequency_and_cohort(case: Case) -> Finding:
    """No more releases than agreed, of the agreed people, and somebody is left to release."""
    agreed, people = case.agreement.data, case.request.evidence.people
    done = case.history.left(case.agreement.id, case.request.recipient)
    used_up = done >= agreed.releases_allowed
    return judge(
        f"release {done + 1} of {agreed.releases_allowed}",
        deny={
            f"all {agreed.releases_allowed} agreed releases to this recipient were made": used_up,
            "the people asked for are not those agreed": case.request.people is not agreed.people,
            "it is not known how many people would be released": people is None,
            "no person is left to release": people == 0,
        },
    )


@rule("R15", "HSCIC confidentiality rule 3; Caldicott principle 2")
def lowest_form_that_serves(case: Case) -> Finding:
    """The form is no higher than agreed, and the reason why a lower one will not do is recorded."""
    agreed, asked = case.agreement.data, case.request.form
    reason_missing = asked.rung > 0 and not agreed.form_reason
    return judge(
        f"{asked}, as agreed",
        deny={f"{asked} is higher on the ladder than the agreed {agreed.form}": asked.rung > agreed.form.rung},
        refer={"no reason is recorded why a less identifiable form will not do": reason_missing},
    )


@rule("R16", "Caldicott principle 7; HSCIC confidentiality rule 2")
def direct_care_needs_a_relationship(case: Case) -> Finding:
    """Direct care rests on a legitimate relationship, for which evidence is referenced."""
    if not case.agreement.direct_care:
        return allow("the purpose is not direct care")
    return judge(
        "legitimate relationship evidenced; opt-outs and de-identification do not apply to direct care",
        deny={
            "no evidence of a legitimate relationship is referenced": (
                not case.agreement.purpose.legitimate_relationship
            )
        },
    )


@rule("R45", "UK GDPR Article 33", Standing.ASSUMED)
def no_incident_is_open(case: Case) -> Finding:
    """No incident is open about a release under this agreement."""
    open_ones = case.history.incidents.get(case.agreement.id, ())
    return judge(
        "no incident is open",
        deny={f"incident {each} is open: the agreement is frozen until it is closed": True for each in open_ones},
    )
