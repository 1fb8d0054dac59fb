"""Rules R13a, R20 to R26, R28 and R29: whose data leaves. A finding of TRANSFORM means that the person is left out."""

from __future__ import annotations

from governance.deidentify.restricted import CODED
from governance.request import ListFacts, Subject
from governance.rules.rule import Case, Finding, Outcome, Scope, Standing, allow, judge, rule

_CARE = "direct care: does not apply"


def _applies(case: Case) -> bool:
    return not case.agreement.direct_care and case.agreement.choices.national_data_opt_out == "applied"


def _subject(case: Case) -> Subject:
    if case.subject is None:
        raise TypeError("a subject rule was asked without a subject")
    return case.subject


def _leave_out(flag: bool | None, why: str, ok: str) -> Finding:
    """Left out where the flag is true, and where it is not known."""
    if flag is False:
        return allow(ok)
    return Finding(Outcome.TRANSFORM, f"left out: {why}" if flag else f"left out, because it is not known: {why}")


@rule("R21", "national data opt-out policy, chapter 8; the seven days are assumed", Standing.ASSUMED)
def allowed_list_is_fresh(case: Case) -> Finding:
    """The list of NHS numbers that may be used is there, whole and fresh."""
    if not _applies(case):
        return allow(_CARE if case.agreement.direct_care else "the national data opt-out is not applied")
    found = case.request.evidence.allowed_list or ListFacts(fault="no list of allowed NHS numbers was given")
    age = None if found.checked_on is None else (case.today - found.checked_on).days
    limit = case.agreement.choices.max_age_days
    return judge(
        f"checked on {found.checked_on}",
        deny={
            found.fault or "": bool(found.fault),
            "the list of allowed NHS numbers is empty": not found.fault and found.numbers == 0,
            "it is not known when the list of allowed NHS numbers was checked": not found.fault and age is None,
            f"the list of allowed NHS numbers is {age} days old, and may be {limit} at most": age is not None
            and age > limit,
            "the list of allowed NHS numbers is dated in the future": age is not None and age < 0,
        },
    )


@rule("R22", "national data opt-out policy, chapter 7")
def exemption_has_evidence(case: Case) -> Finding:
    """Where the national data opt-out is not applied, the exemption and its evidence are on record."""
    choices = case.agreement.choices
    if _applies(case) or case.agreement.direct_care:
        return allow(_CARE if case.agreement.direct_care else "the national data opt-out is applied")
    return judge(
        f"exempt: {choices.exemption}",
        deny={
            "the national data opt-out is not applied, and no exemption is named": not choices.exemption,
            "the exemption from the national data opt-out has no evidence": not choices.exemption_evidence,
        },
    )


@rule("R26", "NHS Data Dictionary, security issues; HFE Act 1990; which codes is assumed", Standing.ASSUMED)
def no_restricted_codes(case: Case) -> Finding:
    """Rows with legally restricted codes leave only in identifiable form with a statutory gateway."""
    # Said alike whether or not there are any: the recipient reads this, and how many is for the IG officer.
    if not any(field.table in CODED for field in case.request.fields):
        return allow("no coded table is asked for")
    if case.may_hold_restricted:
        return allow("identifiable form, with a statutory gateway")
    if case.request.evidence.restricted_rows is None:
        return Finding(Outcome.DENY, "legally restricted codes were not looked for")
    return Finding(Outcome.TRANSFORM, "rows with legally restricted codes are left out, if there are any")


@rule("R13a", "agreement: cohort", scope=Scope.SUBJECT)
def in_the_cohort(case: Case) -> Finding:
    """The person is in the agreed cohort."""
    covered = _subject(case).covered
    return _leave_out(None if covered is None else not covered, "not in the agreed cohort", "in the cohort")


@rule("R20", "national data opt-out policy, chapter 5", scope=Scope.SUBJECT)
def national_data_opt_out(case: Case) -> Finding:
    """Every NHS number that is or may be the person's is on the list of allowed numbers."""
    if not _applies(case):
        return allow(_CARE if case.agreement.direct_care else "exempt, with evidence (R22)")
    subject = _subject(case)
    unknown = subject.numbers_allowed is None or subject.opted_out is None
    out = None if unknown else not subject.numbers_allowed or subject.opted_out
    return _leave_out(out, "national data opt-out, or not on the list of allowed numbers", "allowed")


@rule("R23", "Type 1 opt-out; the whole person is left out, which is stricter", scope=Scope.SUBJECT)
def type_1_opt_out(case: Case) -> Finding:
    """The person has no Type 1 opt-out."""
    if case.agreement.direct_care:
        return allow(_CARE)
    return _leave_out(_subject(case).type_1, "Type 1 opt-out", "no Type 1 opt-out")


@rule("R24", "HSCIC confidentiality rule 4; UK GDPR Article 21", scope=Scope.SUBJECT)
def no_objection(case: Case) -> Finding:
    """The person has not objected to this use, with the objection upheld."""
    return _leave_out(_subject(case).objected, "an upheld objection to this purpose", "no objection")


@rule("R25", "our own design: opt-outs are keyed by NHS number", Standing.OURS, scope=Scope.SUBJECT)
def without_nhs_number(case: Case) -> Finding:
    """A person without an NHS number is left out, unless the agreement gives a reason."""
    if not _applies(case):
        return allow("the national data opt-out is not applied")
    choices, has_number = case.agreement.choices, _subject(case).has_number
    agreed = choices.without_nhs_number == "include" and choices.without_nhs_number_reason
    if agreed and has_number is not None:
        return allow("has an NHS number" if has_number else f"included: {choices.without_nhs_number_reason}")
    return _leave_out(None if has_number is None else not has_number, "no NHS number to check an opt-out by", "has one")


@rule("R28", "UK GDPR Article 5(1)(d), accuracy", Standing.ASSUMED, scope=Scope.SUBJECT)
def no_doubtful_person(case: Case) -> Finding:
    """The person's records do not contradict each other about who it is."""
    subject = _subject(case)
    if subject.conflicting_numbers is False and subject.doubtful:
        return allow("the link is in doubt, and nothing was joined on it; every possible number must be allowed (R20)")
    return _leave_out(subject.conflicting_numbers, "records joined here hold different NHS numbers", "one NHS number")


@rule("R29", "our own design: sensitive demographics", Standing.OURS, scope=Scope.SUBJECT)
def no_sensitive_record(case: Case) -> Finding:
    """No record of the person is marked sensitive or restricted."""
    if case.agreement.direct_care:
        return allow(_CARE)
    return _leave_out(_subject(case).sensitive, "a record is marked sensitive or restricted", "not marked")
