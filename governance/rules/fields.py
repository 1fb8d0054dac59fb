"""Rules R17 to R19a and R30 to R39: which fields leave, in what form, and whether the result still points at people."""

from __future__ import annotations

from datetime import timedelta

from governance.aggregate.audit import NARROWEST
from governance.agreement import Form
from governance.deidentify.columns import column
from governance.deidentify.inference import SENSITIVE
from governance.deidentify.pseudonym import domain
from governance.deidentify.transform import TRANSFORMS, Kind
from governance.request import Field
from governance.rules.rule import Case, Finding, Outcome, Standing, allow, judge, rule
from schemas.table import Identifies, Type

K_FLOOR = {Form.PSEUDONYMISED: 5, Form.ANONYMISED: 11}
"""Smallest group of look-alikes by form; policy numbers of ours, no source prescribes them [assumed]."""

_INTRUDER_TEST_AGE = timedelta(days=730)
_NOT_DE_IDENTIFIED = "identifiable data or direct care: de-identification does not apply"


def _kept(case: Case, *, kinds: tuple[Kind, ...] = (Kind.KEEP,)) -> list[tuple[Field, Identifies, Type]]:
    """Fields asked for with a transform of one of `kinds`, and what the schemas say of them."""
    asked = []
    for field in case.request.fields:
        found = column(field.table, field.name)
        transform = TRANSFORMS.get(field.transform)
        if found is not None and transform is not None and transform.kind in kinds:
            asked.append((field, found.identifies, found.type))
    return asked


def _drop(fields: list[str], ok: str, why: str) -> Finding:
    if not fields:
        return allow(ok)
    return Finding(Outcome.TRANSFORM, f"dropped, {why}: {', '.join(fields)}", tuple(fields))


@rule("R17", "Caldicott principle 3")
def only_agreed_fields(case: Case) -> Finding:
    """Only fields that the agreement lists with a justification leave, transformed as it says."""
    dropped = []
    for field in case.request.fields:
        item = case.agreement.item(field.table, field.name)
        if item is None or item.transform != field.transform or not item.justification:
            dropped.append(field.path)
    return _drop(dropped, "every field is agreed and justified", "not agreed in this form")


@rule("R18", "HSCIC confidentiality rule 3; patient safety: a pseudonym must never look like an NHS number")
def no_direct_identifiers(case: Case) -> Finding:
    """Direct identifiers leave only in identifiable form; else they are dropped or replaced by a keyed pseudonym."""
    if case.request.form is Form.IDENTIFIABLE:
        return allow("identifiable form is asked for")
    kinds = (Kind.KEEP, Kind.GENERAL)
    dropped = [field.path for field, identifies, _ in _kept(case, kinds=kinds) if identifies is Identifies.DIRECT]
    return _drop(dropped, "no direct identifier is asked for", "direct identifiers in a form that is not identifiable")


@rule("R19", "HSCIC confidentiality rule 3")
def no_free_text(case: Case) -> Finding:
    """Free text leaves only in identifiable form."""
    if case.request.form is Form.IDENTIFIABLE:
        return allow("identifiable form is asked for")
    dropped = [field.path for field, identifies, _ in _kept(case) if identifies is Identifies.FREE_TEXT]
    return _drop(dropped, "no free text is asked for", "free text may hold anything")


@rule("R19a", "our own design: catches fields that hold something else than their name says", Standing.OURS)
def output_scan(case: Case) -> Finding:
    """No column of the output holds what looks like, or is, an identifier."""
    if case.request.form is Form.IDENTIFIABLE:
        return allow("identifiable form is asked for")
    scan = case.request.evidence.scan
    reasons = ("the output was not scanned",) if scan is None else scan
    return judge("no column looks like an identifier", deny=dict.fromkeys(reasons, True))


@rule("R30", "ICO anonymisation guidance 2025: linkability")
def pseudonym_domain(case: Case) -> Finding:
    """Pseudonyms are of one agreement, recipient and epoch, and of one key within it."""
    here = domain(case.agreement.id, case.request.recipient, case.request.epoch)
    key = case.request.evidence.key_version
    before = [past for past in case.history.releases if past.domain == here and past.state != "aborted"]
    bridge = case.agreement.pseudonyms.bridge_from
    earlier = bridge and domain(case.agreement.id, case.request.recipient, bridge)
    return judge(
        f"domain {here}",
        deny={
            "the epoch asked for is not the agreed one": case.request.epoch != case.agreement.pseudonyms.epoch,
            "this pseudonym domain was used for another recipient": any(
                past.recipient != case.request.recipient for past in before
            ),
            "the key was changed within this epoch: pseudonyms would not match; begin a new epoch": any(
                past.key_version != key for past in before
            ),
            f"nothing left in epoch {bridge}, from which a bridge is to lead": bool(earlier)
            and not any(past.domain == earlier and past.left for past in case.history.releases),
        },
    )


@rule("R31", "brute force of unkeyed hashes, measured: every NHS number in 92 seconds", Standing.OURS)
def keyed_pseudonyms(case: Case) -> Finding:
    """Pseudonyms are made with a key that is there and that the recipient does not keep."""
    custodian, evidence = case.agreement.pseudonyms.custodian, case.request.evidence
    no_key = evidence.key_fault or "there is no key to make pseudonyms with"
    return judge(
        "keyed by HMAC-SHA256",
        deny={
            no_key: evidence.key_version is None,
            "the recipient keeps the pseudonym key": custodian == case.request.recipient,
            f"the key custodian {custodian} is not a party": case.agreement.party(custodian) is None,
        },
    )


@rule("R32", "peers: Discovery, HIC, CO-CONNECT; default band assumed")
def birth_date_is_coarse(case: Case) -> Finding:
    """Date of birth leaves as year, month or age band; the exact date is for a person to decide."""
    return _exact(case, "birth_date", "the exact date of birth")


@rule("R33", "ICO 2012 code, postcode figures")
def postcode_is_coarse(case: Case) -> Finding:
    """Postcode leaves as area, district or sector; the full one is for a person to decide."""
    return _exact(case, "postcode", "the full postcode")


def _exact(case: Case, name: str, what: str) -> Finding:
    if not case.de_identified:
        return allow(_NOT_DE_IDENTIFIED)
    asked = [field.path for field, _, _ in _kept(case) if field.name == name]
    return judge(f"{what} does not leave", refer={f"{what} is asked for: {', '.join(asked)}": bool(asked)})


@rule("R34", "peers: CO-CONNECT, openmed")
def dates_are_coarse(case: Case) -> Finding:
    """Other dates leave as year, month or week; exact ones are for a person to decide."""
    if not case.de_identified:
        return allow(_NOT_DE_IDENTIFIED)
    exact = [f.path for f, _, type_ in _kept(case) if type_ is Type.DATE and f.name != "birth_date"]
    return judge("no exact date leaves", refer={f"exact dates are asked for: {', '.join(exact)}": bool(exact)})


@rule("R35", "peers: a rare code is rolled up to its parent; the number of people is assumed", Standing.ASSUMED)
def rare_codes_are_rolled_up(case: Case) -> Finding:
    """A code that few people have leaves as its parent or as `other`."""
    if not case.de_identified or case.request.form is Form.AGGREGATE:
        return allow(_NOT_DE_IDENTIFIED if not case.de_identified else "nobody's record leaves")
    rare = case.request.evidence.rare
    if rare is None:
        return Finding(Outcome.DENY, "it was not counted how many people have each code")
    if not rare:
        return allow("no code is rare")
    return Finding(Outcome.TRANSFORM, f"rare codes rolled up: {', '.join(f'{path} ({n})' for path, n in rare)}")


@rule("R36", "k-anonymity; 5, 11 are policy numbers", Standing.ASSUMED)
def nobody_stands_alone(case: Case) -> Finding:
    """Everybody shares their indirectly identifying values with at least k - 1 others."""
    if not case.de_identified:
        return allow(_NOT_DE_IDENTIFIED)
    if case.request.form is Form.AGGREGATE:
        return allow("nobody's record leaves; counts are held to R38")
    settings, evidence = case.agreement.disclosure, case.request.evidence
    floor = K_FLOOR.get(case.request.form)
    if floor is None:
        return judge("", deny={f"no k is defined for form {case.request.form}": True})
    k, found, share = settings.k or floor, evidence.smallest_class, evidence.withheld_share
    all_withheld = found == 0 and share == 1
    return judge(
        f"smallest group: {found}, k = {k}",
        deny={
            "the smallest group was not measured": found is None or share is None,
            f"everybody would be withheld, in groups of look-alikes of fewer than k = {k}": all_withheld,
            f"the smallest group of look-alikes has {found} people, k = {k}": found is not None
            and found < k
            and not all_withheld,
        },
        refer={
            f"k = {k} is lower than {floor}, the least for this form": k < floor,
            f"{share or 0:.1%} of people would be withheld for k; {settings.max_withheld_share:.1%} is agreed": share
            is not None
            and share > settings.max_withheld_share,
        },
    )


@rule("R37", "ICO anonymisation guidance 2025: inference; the settings are assumed", Standing.ASSUMED)
def groups_do_not_tell(case: Case) -> Finding:
    """Knowing somebody's group of look-alikes does not tell what is the matter with them."""
    if not case.de_identified or case.request.form is Form.AGGREGATE:
        return allow(_NOT_DE_IDENTIFIED if not case.de_identified else "nobody's record leaves")
    settings, found = case.agreement.disclosure, case.request.evidence.inferences
    if found is None:
        return Finding(Outcome.DENY, "it was not measured what a group of look-alikes tells")
    kept = [field for field, _, _ in _kept(case)]
    undeclared = [f.path for f in kept if f.name in SENSITIVE and f.path not in settings.sensitive]
    measured = {each.path for each in found}
    unmeasured = [f.path for f in kept if f.path in settings.sensitive and f.path not in measured]
    few = [f"{each.path} ({each.fewest})" for each in found if each.fewest < settings.least_values]
    limit = settings.max_distance
    far = [f"{each.path} ({each.distance:.2f})" for each in found if limit is not None and each.distance > limit]
    return judge(
        "no sensitive field is kept" if not found else "groups are diverse enough",
        deny={f"not measured: {', '.join(unmeasured)}": bool(unmeasured)},
        refer={
            f"name as sensitive (disclosure.sensitive), so that it is measured: {', '.join(undeclared)}": bool(
                undeclared
            ),
            f"a group of look-alikes has fewer than {settings.least_values} values of {', '.join(few)}": bool(few),
            f"a group of look-alikes is farther than {limit} from everybody in {', '.join(far)}": bool(far),
        },
    )


@rule("R38", "NHS Digital HES small numbers; linear-programming audit, measured", Standing.OURS)
def hidden_counts_stay_hidden(case: Case) -> Finding:
    """Counts leave with small ones hidden, and none of those can be worked out to within less than 3."""
    if case.request.form is not Form.AGGREGATE:
        return allow("no table of counts is asked for")
    agreed, found = case.agreement, case.request.evidence.counts
    narrow = found is not None and found.narrowest is not None and found.narrowest < NARROWEST
    no_preset = agreed.disclosure.small_numbers is None
    return judge(
        "every hidden count may vary by 3 or more, whatever is worked out from the others",
        deny={
            "the agreement lists no table of counts (data.counts)": not agreed.data.counts,
            "the agreement names no preset for small numbers (disclosure.small_numbers)": no_preset,
            "the counts were not audited": found is None,
            (found and found.fault) or "": bool(found and found.fault),
            "a hidden count can be worked out from those shown; take fewer or coarser dimensions": narrow,
        },
    )


@rule("R39", "ISB 1523; ICO motivated intruder test; the 24 months are assumed", Standing.ASSUMED)
def anonymised_needs_an_assessment(case: Case) -> Finding:
    """Anonymised output rests on a recorded risk assessment and a motivated intruder test under 24 months old."""
    if case.agreement.direct_care or case.request.form.rung > Form.ANONYMISED.rung:
        return allow("not an anonymised form")
    settings = case.agreement.disclosure
    tested = settings.intruder_test_on
    fresh = tested is not None and case.today - _INTRUDER_TEST_AGE <= tested <= case.today
    return judge(
        "risk assessment and intruder test on record",
        deny={
            "no ISB 1523 risk assessment and plan is referenced": not settings.risk_assessment,
            "no motivated intruder test within 24 months": not fresh,
        },
    )
