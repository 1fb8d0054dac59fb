"""Rules R01 to R16: is there an agreement that covers this request, today, for this recipient?"""

from __future__ import annotations

from datetime import date, timedelta

from governance.agreement import Agreement, Basis, Form, Party, Role
from governance.agreement.example_keys import EXAMPLE_KEYS, MADE_UP
from governance.rules.rule import Case, Finding, Outcome, Standing, allow, judge, rule

_TRAINING = timedelta(days=365)
_DSPT_MET = {"standards met", "standards exceeded"}
# DPA 2018 section 10: Article 9(2)(b), (h), (i), (j) need a condition of Schedule 1 Part 1, and (g) one of Part 2.
_NEEDS_SCHEDULE_1 = ("9(2)(b)", "9(2)(g)", "9(2)(h)", "9(2)(i)", "9(2)(j)")
_OUTPUT_BASES = set(Basis) - {Basis.INSTRUCTED}
_LINKAGE_BASES = {Basis.DIRECT_CARE, Basis.SECTION_251, Basis.INSTRUCTED, Basis.CONSENT, Basis.STATUTE}


def _over(day: date | None, today: date) -> bool:
    """Past, or not known."""
    return day is None or day < today


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


@rule("R04", "UK GDPR Articles 6 and 9; DPA 2018 section 10 and Schedule 1; Caldicott principle 6")
def data_protection_bases(case: Case) -> Finding:
    """There is an Article 6 basis, an Article 9 condition, and a Schedule 1 condition where one is needed."""
    law = case.agreement.lawfulness
    needs = (law.article_9 or "").replace(" ", "").startswith(_NEEDS_SCHEDULE_1)
    return judge(
        "bases under Articles 6 and 9 are stated",
        deny={
            "no Article 6 basis": not law.article_6,
            "no Article 9 condition, and every health or care field is special category data": not law.article_9,
            f"Article {law.article_9} needs a condition of DPA 2018 Schedule 1": needs and not law.schedule_1,
        },
    )


@rule("R05", "common law duty of confidentiality; COPI Regulations 2002; Caldicott principle 6")
def common_law_basis_of_the_output(case: Case) -> Finding:
    """What leaves has a common law basis, and section 251 support is current."""
    law = case.agreement.lawfulness
    basis, s251 = law.common_law, law.common_law is Basis.SECTION_251
    claims_care = basis is Basis.DIRECT_CARE and not case.agreement.direct_care
    return judge(
        f"common law basis: {basis}",
        deny={
            "no common law basis for what leaves": basis is None,
            "an instruction to a processor is no basis for what leaves": basis not in {None, *_OUTPUT_BASES},
            "direct care is claimed as the basis, but is not the purpose": claims_care,
            "identifiable data cannot be 'not confidential'": basis is Basis.NOT_CONFIDENTIAL
            and case.request.form is Form.IDENTIFIABLE,
            **(_section_251_faults(case) if s251 else {}),
        },
        refer={
            "the conditions of section 251 support are not acknowledged": (s251 and not law.cag_conditions_acknowledged)
        },
    )


def _section_251_faults(case: Case) -> dict[str, bool]:
    law = case.agreement.lawfulness
    return {
        "section 251 support without a CAG reference": not law.cag_reference,
        "section 251 support has expired, or its end is not stated": _over(law.cag_expires, case.today),
    }


@rule("R06", "COPI Regulations 2002, Schedule paragraphs 1 and 4")
def common_law_basis_of_the_linkage(case: Case) -> Finding:
    """The linkage and pseudonymisation step has a common law basis of its own."""
    basis = case.agreement.lawfulness.common_law_linkage
    return judge(
        f"linkage rests on: {basis}",
        deny={
            "no common law basis for the linkage itself, which reads identifiable data": basis is None,
            f"'{basis}' is no basis for the linkage": basis is not None and basis not in _LINKAGE_BASES,
            **(_section_251_faults(case) if basis is Basis.SECTION_251 else {}),
        },
    )


@rule("R07", "UK GDPR Article 35; ICO guidance", Standing.ASSUMED)
def impact_assessment(case: Case) -> Finding:
    """A data protection impact assessment is referenced, since sources are linked."""
    return judge("DPIA referenced", deny={"no DPIA reference": (not case.agreement.lawfulness.dpia_reference)})


@rule("R08", "Caldicott principle 8")
def people_were_told(case: Case) -> Finding:
    """A privacy notice tells people, and has been looked at since the agreement began or was approved."""
    law, dates = case.agreement.lawfulness, case.agreement.dates
    told = law.privacy_notice and law.privacy_notice_date
    stale = law.privacy_notice_date is not None and law.privacy_notice_date < dates.effective_from
    return judge(
        "privacy notice referenced and current",
        refer={
            "no privacy notice with its date is referenced": not told,
            "the privacy notice is older than the agreement": stale,
        },
    )


@rule("R09", "UK GDPR Article 5(1)(b); Caldicott principle 4", Standing.ASSUMED)
def purpose_is_the_agreed_one(case: Case) -> Finding:
    """The purpose asked for is the one agreed."""
    same = case.request.purpose == case.agreement.purpose.code
    return judge("the agreed purpose", deny={"the purpose asked for is not the agreed one": (not same)})


@rule("R10", "Caldicott principles 4 and 5; the 12 months are assumed", Standing.ASSUMED)
def recipient_and_its_people(case: Case) -> Finding:
    """The recipient is a party, and the people who will use the data are named and trained within 12 months."""
    code = case.request.recipient
    named = [person for person in case.agreement.access if person.organisation == code]
    untrained = sum(not case.today - _TRAINING <= person.trained_on <= case.today for person in named)
    return judge(
        "recipient is a party; its people are named and trained",
        deny={
            f"{code} is not a recipient in the agreement": _recipient(case) is None,
            f"nobody at {code} is named as having access": not named,
            f"{untrained} of {len(named)} people with access have no training within 12 months": bool(untrained),
        },
    )


def _recipient(case: Case) -> Party | None:
    found = case.agreement.party(case.request.recipient)
    return found if found is not None and found.role is Role.RECIPIENT else None


@rule("R11", "NHS England DARS standards: security assurance, DPA registration")
def recipient_is_assured(case: Case) -> Finding:
    """The recipient meets the DSPT, and its ICO registration is current."""
    party = _recipient(case)
    if party is None:
        return Finding(Outcome.DENY, "the recipient's assurance is not known")
    return judge(
        "DSPT met and ICO registration current",
        deny={
            "the recipient's DSPT status is not 'standards met'": (party.dspt_status or "").casefold() not in _DSPT_MET,
            "the recipient's DSPT status has expired, or its end is not stated": _over(party.dspt_expires, case.today),
            "the recipient has no ICO registration": not party.ico_registration,
            "the recipient's ICO registration has expired, or its end is not stated": _over(
                party.ico_expires, case.today
            ),
        },
    )


@rule("R12", "NHS England DARS standards: territory of use, sub-licensing")
def territory_and_onward_sharing(case: Case) -> Finding:
    """Data stays in the agreed territory, and goes on only under a sub-licence clause."""
    handling, party = case.agreement.handling, _recipient(case)
    place = party.territory if party else None
    elsewhere = place is not None and place not in handling.territory
    return judge(
        f"kept in {place}",
        deny={
            "the recipient does not say where it keeps the data": place is None,
            f"the recipient keeps data in {place}, which is not agreed": elsewhere,
            "onward sharing without a sub-licence clause": handling.onward_sharing and not handling.sub_licence_clause,
            "re-identification is not forbidden (DPA 2018 section 171)": not handling.re_identification_forbidden,
        },
    )


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


@rule("R14", "UK GDPR Article 5(1)(e)", Standing.ASSUMED)
def earlier_releases_were_destroyed(case: Case) -> Finding:
    """What this recipient had before and may no longer keep is destroyed, with a certificate on record."""
    kept = [
        past.release_id
        for past in case.history.releases
        if past.recipient == case.request.recipient
        and past.state in ("released", "uncertain")
        and not past.destroyed
        and past.retention_until is not None
        and past.retention_until < case.today
    ]
    return judge(
        "nothing this recipient has is past its retention",
        deny={
            f"no certificate of destruction for {', '.join(kept)}, whose retention has ended (`caretrace audit"
            " destroyed`)": bool(kept)
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
