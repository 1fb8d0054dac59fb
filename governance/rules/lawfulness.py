"""Rules R04 to R08: what the law asks of the flow before anybody's data is looked at."""

from __future__ import annotations

from governance.agreement import Basis, Form
from governance.rules.rule import Case, Finding, Standing, judge, over, rule

# DPA 2018 section 10: Article 9(2)(b), (h), (i), (j) need a condition of Schedule 1 Part 1, and (g) one of Part 2.
_NEEDS_SCHEDULE_1 = ("9(2)(b)", "9(2)(g)", "9(2)(h)", "9(2)(i)", "9(2)(j)")


_OUTPUT_BASES = set(Basis) - {Basis.INSTRUCTED}


_LINKAGE_BASES = {Basis.DIRECT_CARE, Basis.SECTION_251, Basis.INSTRUCTED, Basis.CONSENT, Basis.STATUTE}


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
        "section 251 support has expired, or its end is not stated": over(law.cag_expires, case.today),
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
