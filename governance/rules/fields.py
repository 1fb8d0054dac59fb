"""Rules R17 to R19a and R30 to R34: which fields leave, and in what form."""

from __future__ import annotations

from governance.agreement import Form
from governance.deidentify import ladder
from governance.deidentify.columns import column
from governance.deidentify.pseudonym import domain
from governance.deidentify.transform import TRANSFORMS, Kind
from governance.request import Field
from governance.rules.rule import Case, Finding, Outcome, Standing, allow, judge, rule
from schemas.table import Identifies, Type

NOT_DE_IDENTIFIED = "identifiable data or direct care: de-identification does not apply"


def kept(case: Case, *, kinds: tuple[Kind, ...] = (Kind.KEEP,)) -> list[tuple[Field, Identifies, Type]]:
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


@rule("R17", "Caldicott principle 3", version=2)
def only_agreed_fields(case: Case) -> Finding:
    """Only fields that the agreement lists with a justification leave, transformed as it says or allows."""
    dropped = []
    for field in case.request.fields:
        item = case.agreement.item(field.table, field.name)
        if item is None or not item.justification or not _agreed(case, field, item.transform):
            dropped.append(field.path)
    return _drop(dropped, "every field is agreed and justified", "not agreed in this form")


def _agreed(case: Case, field: Field, agreed: str) -> bool:
    """The transform that is agreed; or a coarser one, where the agreement has groups of look-alikes made larger so."""
    settings = case.agreement.disclosure
    coarsens = settings.below_k if field.table == "person" else settings.events
    if coarsens != "coarsen" or not case.de_identified:
        return field.transform == agreed
    return field.transform in ladder.steps(field.table, field.name, agreed, settings.coarsest.get(field.path))


@rule("R18", "HSCIC confidentiality rule 3; patient safety: a pseudonym must never look like an NHS number")
def no_direct_identifiers(case: Case) -> Finding:
    """Direct identifiers leave only in identifiable form; else they are dropped or replaced by a keyed pseudonym."""
    if case.request.form is Form.IDENTIFIABLE:
        return allow("identifiable form is asked for")
    kinds = (Kind.KEEP, Kind.GENERAL)
    dropped = [field.path for field, identifies, _ in kept(case, kinds=kinds) if identifies is Identifies.DIRECT]
    return _drop(dropped, "no direct identifier is asked for", "direct identifiers in a form that is not identifiable")


@rule("R19", "HSCIC confidentiality rule 3")
def no_free_text(case: Case) -> Finding:
    """Free text leaves only in identifiable form."""
    if case.request.form is Form.IDENTIFIABLE:
        return allow("identifiable form is asked for")
    dropped = [field.path for field, identifies, _ in kept(case) if identifies is Identifies.FREE_TEXT]
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
    """Postcode leaves as area, district, sector, small area or decile; the full one is for a person to decide."""
    return _exact(case, "postcode", "the full postcode")


def _exact(case: Case, name: str, what: str) -> Finding:
    if not case.de_identified:
        return allow(NOT_DE_IDENTIFIED)
    asked = [field.path for field, _, _ in kept(case) if field.name == name]
    return judge(f"{what} does not leave", refer={f"{what} is asked for: {', '.join(asked)}": bool(asked)})


@rule("R34", "peers: CO-CONNECT, openmed")
def dates_are_coarse(case: Case) -> Finding:
    """Other dates leave as year, month or week; exact ones are for a person to decide."""
    if not case.de_identified:
        return allow(NOT_DE_IDENTIFIED)
    exact = [f.path for f, _, type_ in kept(case) if type_ is Type.DATE and f.name != "birth_date"]
    return judge("no exact date leaves", refer={f"exact dates are asked for: {', '.join(exact)}": bool(exact)})
