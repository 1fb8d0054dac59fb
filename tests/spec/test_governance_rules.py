"""Every rule of governance as a table: a case, what it gives, and why. Also read as documentation.

Each line changes one thing in a case that is allowed. `None` stands for what is not known.
"""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from governance import example
from governance.agreement import Agreement, Form, People, Signature, Signed
from governance.agreement.example_keys import EXAMPLE_RECIPIENT, example_key
from governance.agreement.signing import public_text
from governance.decide import decide
from governance.deidentify.events import Events
from governance.deidentify.inference import Inference
from governance.deidentify.repair import Repair
from governance.request import (
    ApprovalFacts,
    CountFacts,
    Evidence,
    Field,
    History,
    ListFacts,
    Past,
    Request,
    ReversalFacts,
    Stage,
    Subject,
)
from governance.rules.rule import RULES, Outcome, Scope

TODAY = date(2026, 11, 22)
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
ALLOW, TRANSFORM, REFER, DENY = Outcome.ALLOW, Outcome.TRANSFORM, Outcome.REFER, Outcome.DENY

EVIDENCE = Evidence(
    people=100,
    allowed_list=ListFacts(checked_on=YESTERDAY, numbers=100),
    key_version=1,
    smallest_class=5,
    withheld_share=0.0,
    scan=(),
    log_ready=True,
    approved_by="Checker",
    restricted_rows=0,
    rare=(),
    treatment="as agreed",
    events=(),
    inferences=(),
)
SUBJECT = Subject(
    covered=True,
    has_number=True,
    numbers_allowed=True,
    opted_out=False,
    type_1=False,
    objected=False,
    sensitive=False,
    conflicting_numbers=False,
    doubtful=False,
)
PAST = Past(
    "R1",
    "DSA-EXAMPLE-01",
    "X0X02",
    "DSA-EXAMPLE-01|X0X02|1",
    1,
    "applied",
    "releases/one",
    "released",
    form="pseudonymised_limited",
    treatment="as agreed",
    agreement_sha256="hash",
)
BOARD = "parties.1.signatories.0"
GUARDIAN_KEY = public_text(example_key("X0X01", "Caldicott Guardian"))
CARE = {"purpose.code": "direct care", "purpose.legitimate_relationship": "caseload list 7"}


def signed(tmp_path: Path, changes: dict[str, Any]) -> Signed:
    """The example agreement with values set by dotted path; a number picks from a list, `-` removes.

    What begins with `signed.` is about the signatures: who did not sign, when the others did, what is wrong.
    """
    import tomllib

    changes = deepcopy(changes)
    unsigned, faults = changes.pop("signed.not by", ()), changes.pop("signed.faults", ())
    signed_on = changes.pop("signed.on", TODAY - timedelta(days=40))

    content = tomllib.loads(example.agreement_text(TODAY))
    for path, value in changes.items():
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        place: Any = content
        for part in parents:
            place = place[part]
        if value == "-":
            del place[last]
        else:
            place[last] = value
    agreement = Agreement.model_validate(content)
    held = tuple(
        Signature(party.ods_code, each.role, each.name, each.key, signed_on)
        for party, each in agreement.signatories
        if (party.ods_code, each.role) not in unsigned
    )
    return Signed(agreement, tmp_path / "agreement.toml", "hash", held, faults)


def request(agreement: Signed, **changes: Any) -> Request:
    asked = Request.of(agreement.agreement, recipient="X0X02", maker="Maker")
    return replace(replace(asked, evidence=EVIDENCE, stage=Stage.MAKE), **changes)


def evidence(**changes: Any) -> dict[str, Any]:
    return {"evidence": replace(EVIDENCE, **changes)}


def approval(**changes: Any) -> dict[str, Any]:
    """Signed by the controller's SIRO today."""
    who = ApprovalFacts("X0X01", "SIRO", "Checker", "ed25519:key", TODAY, controls=True)
    return evidence(approval=replace(who, **changes))


def fields(path: str, transform: str) -> dict[str, Any]:
    table, _, name = path.partition(".")
    return {"fields": (Field(table, name, transform),)}


def item(name: str, transform: str) -> dict[str, Any]:
    """The agreement's first person field replaced."""
    return {"data.tables.0.fields.0": {"name": name, "transform": transform, "justification": "needed"}}


def known(**facts: Any) -> dict[str, Any]:
    """What the log says beside releases."""
    return {"history": History(**facts)}


def history(**changes: Any) -> dict[str, Any]:
    return {"history": History(releases=(replace(PAST, **changes),))}


def elsewhere(**changes: Any) -> dict[str, Any]:
    """An earlier release to the recipient under another agreement, which did not apply opt-outs."""
    about = {"agreement_id": "DSA-2", "domain": "DSA-2|X0X02|1", "opt_out": "exempt"} | changes
    return history(**about)


POOLS = {"parties.1.pools_with": ["X0X98"]}
COARSEN = {"disclosure.below_k": "coarsen"}
SERVES = COARSEN | {"disclosure.coarsest": {"person.postcode": "area"}}
EVENTS = {"disclosure.events": "withhold"}
REPAIR = Repair("person", (("person.postcode", "district", "area"),), loss=0.25)


def shared(**about: Any) -> dict[str, Any]:
    """A table of events, by the people who share its rows."""
    plain = Events("service", ("start_date",), smallest=5, rows=100, small=0)
    return evidence(events=(replace(plain, **about),))


DIAGNOSES = {
    "data.tables.1": {
        "name": "spell",
        "fields": [
            {"name": "primary_diagnosis", "transform": "keep", "justification": "needed"},
            {"name": "start_date", "transform": "month", "justification": "needed"},
        ],
    },
    "disclosure.sensitive": ["spell.primary_diagnosis"],
}
DIAGNOSIS = fields("spell.primary_diagnosis", "keep")


def inferred(fewest: int, distance: float) -> dict[str, Any]:
    return evidence(inferences=(Inference("spell.primary_diagnosis", fewest, distance),))


COUNTS = {
    "data.form": "aggregate",
    "data.counts": [{"name": "t", "dimensions": ["person.gender"], "justification": "needed"}],
    "disclosure": {"small_numbers": "nhs-hes-2018"},
}


def counted(**facts: Any) -> dict[str, Any]:
    """Tables of counts as measured."""
    plain = CountFacts(preset="nhs-hes-2018", definition="cut", rounded_to=5)
    return {"form": Form.AGGREGATE, **evidence(counts=replace(plain, **facts))}


REVERSIBLE = {
    "reidentification": {
        "purposes": ["safeguarding"],
        "consent": "minute 7",
        "most_people": 2,
        "until": TODAY,
        "approvers": [
            {"name": name, "role": "approver", "key": "age1" + letter * 58}
            for name, letter in (("First", "q"), ("Second", "p"), ("Third", "z"))
        ],
    },
}


def reversal(**changes: Any) -> dict[str, Any]:
    """Two people asked for after the release PAST."""
    asked = ReversalFacts("R1", "safeguarding", "a letter", 1, ("First", "Second"))
    return {"stage": Stage.REVERSE, **evidence(reversal=replace(asked, **changes)), **history()}


# rule, what is changed in the agreement, what is changed in the request (or history), outcome, words of the reason
REQUESTS: list[tuple[str, dict[str, Any], dict[str, Any], Outcome, str]] = [
    ("R01", {}, {}, ALLOW, "first use"),
    (
        "R01",
        {},
        {"history": History(agreements={("DSA-EXAMPLE-01", "1.0"): "hash"})},
        ALLOW,
        "hash is the one recorded",
    ),
    ("R01", {}, {"history": History(agreements={("DSA-EXAMPLE-01", "1.0"): "other"})}, DENY, "text differs"),
    ("R02", {"dates.effective_from": TODAY, "dates.effective_to": TODAY, "dates.review_date": TODAY}, {}, ALLOW, ""),
    ("R02", {"dates.effective_from": TOMORROW}, {}, DENY, "begins on"),
    ("R02", {"dates.effective_to": YESTERDAY}, {}, DENY, "ended on"),
    ("R02", {"dates.review_date": YESTERDAY}, {}, DENY, "review was due"),
    ("R03", {}, {}, ALLOW, ""),
    ("R03", {"signed.on": TODAY}, {}, ALLOW, ""),
    ("R03", {"signed.not by": [("X0X01", "SIRO")]}, {}, DENY, "not signed by the SIRO of X0X01"),
    ("R03", {"signed.not by": [("X0X02", "Caldicott Guardian")]}, {}, DENY, "Caldicott Guardian of X0X02"),
    ("R03", {"signed.faults": ("the text was changed",)}, {}, DENY, "the text was changed"),
    ("R03", {f"{BOARD}.name": "example  guardian of the COUNCIL"}, {}, DENY, "for two parties"),
    ("R03", {f"{BOARD}.key": GUARDIAN_KEY}, {}, DENY, "for two parties"),
    ("R03", {"parties.0.ods_code": "Y0Y01"}, {}, DENY, "published examples"),
    ("R03", {"signed.on": TOMORROW}, {}, DENY, "no Caldicott Guardian of a controller"),
    ("R03", {}, known(signers={("X0X02", "Caldicott Guardian"): "ed25519:other"}), REFER, "another key"),
    ("R03", {}, known(signers={("X0X01", "Caldicott Guardian"): GUARDIAN_KEY}), ALLOW, ""),
    ("R03", {"parties.0.signatories.0.role": "DPO"}, {}, DENY, "no Caldicott Guardian of a controller"),
    ("R03", {"parties.0.role": "joint controller"}, {}, ALLOW, ""),
    ("R04", {"lawfulness.article_9": "9(2)(a)", "lawfulness.schedule_1": "-"}, {}, ALLOW, ""),
    ("R04", {"lawfulness.article_6": "-"}, {}, DENY, "no Article 6"),
    ("R04", {"lawfulness.article_9": "-"}, {}, DENY, "no Article 9"),
    ("R04", {"lawfulness.schedule_1": "-"}, {}, DENY, "Schedule 1"),
    *(
        ("R04", {"lawfulness.article_9": article, "lawfulness.schedule_1": "-"}, {}, DENY, "Schedule 1")
        for article in ("9(2)(b)", "9(2)(g)", "9 (2)(i)", "9(2)(j)")
    ),
    ("R05", {"lawfulness.common_law": "explicit consent"}, {}, ALLOW, ""),
    ("R05", {"lawfulness.common_law": "not confidential"}, {}, ALLOW, ""),
    ("R05", {"lawfulness.common_law": "-"}, {}, DENY, "no common law basis"),
    ("R05", {"lawfulness.common_law": "processor under instruction"}, {}, DENY, "no basis for what leaves"),
    ("R05", {"lawfulness.common_law": "direct care"}, {}, DENY, "is not the purpose"),
    ("R05", {"lawfulness.common_law": "not confidential"}, {"form": Form.IDENTIFIABLE}, DENY, "cannot be"),
    ("R05", {"lawfulness.cag_reference": "-"}, {}, DENY, "without a CAG reference"),
    ("R05", {"lawfulness.cag_expires": YESTERDAY}, {}, DENY, "expired"),
    ("R05", {"lawfulness.cag_expires": "-"}, {}, DENY, "not stated"),
    ("R05", {"lawfulness.cag_conditions_acknowledged": False}, {}, REFER, "conditions"),
    ("R06", {"lawfulness.common_law_linkage": "processor under instruction"}, {}, ALLOW, ""),
    ("R06", {"lawfulness.common_law_linkage": "-"}, {}, DENY, "linkage itself"),
    ("R06", {"lawfulness.common_law_linkage": "public interest"}, {}, DENY, "no basis for the linkage"),
    ("R06", {"lawfulness.cag_expires": YESTERDAY}, {}, DENY, "expired"),
    ("R07", {}, {}, ALLOW, ""),
    ("R07", {"lawfulness.dpia_reference": "-"}, {}, DENY, "no DPIA"),
    ("R08", {}, {}, ALLOW, ""),
    ("R08", {"lawfulness.privacy_notice_date": TODAY - timedelta(days=30)}, {}, ALLOW, ""),  # the day it begins
    ("R08", {"lawfulness.privacy_notice_date": TODAY - timedelta(days=31)}, {}, REFER, "older"),
    ("R08", {"lawfulness.privacy_notice": "-"}, {}, REFER, "no privacy notice"),
    ("R08", {"lawfulness.privacy_notice_date": "-"}, {}, REFER, "no privacy notice"),
    ("R08", {"lawfulness.privacy_notice_date": date(2020, 1, 1)}, {}, REFER, "older"),
    ("R09", {}, {}, ALLOW, ""),
    ("R09", {}, {"purpose": "research"}, DENY, "not the agreed one"),
    ("R10", {}, {}, ALLOW, ""),
    ("R10", {}, {"recipient": "X0X99"}, DENY, "not a recipient"),
    ("R10", {}, {"recipient": "X0X01"}, DENY, "not a recipient"),
    ("R10", {"access": []}, {}, DENY, "nobody at X0X02"),
    ("R10", {"access.0.trained_on": TODAY - timedelta(days=365)}, {}, ALLOW, ""),
    ("R10", {"access.0.trained_on": TODAY}, {}, ALLOW, ""),
    ("R10", {"access.0.trained_on": TODAY - timedelta(days=366)}, {}, DENY, "no training"),
    ("R10", {"access.0.trained_on": TOMORROW}, {}, DENY, "no training"),
    ("R10", {"access.0.organisation": "X0X01"}, {}, DENY, "nobody at X0X02"),
    ("R11", {"parties.1.dspt_status": "Standards exceeded"}, {}, ALLOW, ""),
    ("R11", {}, {"recipient": "X0X99"}, DENY, "not known"),
    ("R11", {"parties.1.dspt_status": "Approaching standards"}, {}, DENY, "DSPT"),
    ("R11", {"parties.1.dspt_status": "-"}, {}, DENY, "DSPT"),
    ("R11", {"parties.1.dspt_expires": TODAY, "parties.1.ico_expires": TODAY}, {}, ALLOW, ""),
    ("R11", {"parties.1.ico_expires": YESTERDAY}, {}, DENY, "ICO registration has expired"),
    ("R11", {"parties.1.dspt_expires": YESTERDAY}, {}, DENY, "DSPT status has expired"),
    ("R11", {"parties.1.ico_registration": "-"}, {}, DENY, "no ICO"),
    ("R11", {"parties.1.ico_expires": "-"}, {}, DENY, "not stated"),
    ("R12", {"handling.onward_sharing": True, "handling.sub_licence_clause": "clause 9"}, {}, ALLOW, ""),
    ("R12", {"parties.1.territory": "-"}, {}, DENY, "does not say where"),
    ("R12", {"parties.1.territory": "Elsewhere"}, {}, DENY, "not agreed"),
    ("R12", {"handling.onward_sharing": True}, {}, DENY, "sub-licence"),
    ("R12", {"handling.re_identification_forbidden": False}, {}, DENY, "section 171"),
    ("R13", {}, history(), ALLOW, "release 2 of 12"),
    ("R13", {"data.releases_allowed": 1}, history(state="aborted"), ALLOW, "release 1 of 1"),
    ("R13", {"data.releases_allowed": 1}, history(), DENY, "all 1 agreed"),
    ("R13", {"data.releases_allowed": 1}, history(state="uncertain"), DENY, "all 1 agreed"),
    ("R13", {}, {"people": People.ALL}, DENY, "not those agreed"),
    ("R13", {}, evidence(people=None), DENY, "not known"),
    ("R13", {}, evidence(people=0), DENY, "no person is left"),
    ("R14", {}, {}, ALLOW, ""),
    ("R14", {}, history(retention_until=TODAY), ALLOW, ""),
    ("R14", {}, history(retention_until=YESTERDAY), DENY, "no certificate of destruction for R1"),
    ("R14", {}, history(retention_until=YESTERDAY, state="uncertain"), DENY, "no certificate of destruction for R1"),
    ("R14", {}, history(retention_until=YESTERDAY, agreement_id="another"), DENY, "no certificate of destruction"),
    ("R14", {}, history(retention_until=YESTERDAY, destroyed=True), ALLOW, ""),
    ("R14", {}, history(retention_until=YESTERDAY, recipient="X0X03"), ALLOW, ""),
    ("R14", {}, history(retention_until=YESTERDAY, state="aborted"), ALLOW, ""),
    ("R15", {}, {"form": Form.ANONYMISED}, ALLOW, ""),
    ("R15", {}, {"form": Form.IDENTIFIABLE}, DENY, "higher on the ladder"),
    ("R15", {"data.form_reason": "-"}, {"form": Form.AGGREGATE}, ALLOW, ""),
    ("R15", {"data.form_reason": "-"}, {}, REFER, "no reason"),
    ("R15", {"data.form_reason": "-"}, {"form": Form.ANONYMISED}, REFER, "no reason"),
    ("R16", {}, {}, ALLOW, "not direct care"),
    ("R16", CARE, {}, ALLOW, "evidenced"),
    ("R16", {"purpose.code": "direct care"}, {}, DENY, "legitimate relationship"),
    ("R17", {}, {}, ALLOW, ""),
    ("R17", {}, fields("person.ethnicity", "keep"), TRANSFORM, "person.ethnicity"),
    ("R17", {}, fields("person.birth_date", "keep"), TRANSFORM, "person.birth_date"),
    # Coarser than agreed, where groups are to be made larger; never finer, nor coarser than what serves the purpose.
    ("R17", {}, fields("person.postcode", "area"), TRANSFORM, "not agreed"),
    ("R17", COARSEN, fields("person.postcode", "area"), ALLOW, ""),
    ("R17", COARSEN, fields("person.postcode", "drop"), ALLOW, ""),
    ("R17", COARSEN, fields("person.postcode", "sector"), TRANSFORM, "not agreed"),
    ("R17", COARSEN, fields("person.postcode", "year"), TRANSFORM, "not agreed"),
    ("R17", COARSEN, fields("person.family_name", "drop"), TRANSFORM, "not agreed"),
    ("R17", COARSEN, fields("service.start_date", "quarter"), TRANSFORM, "not agreed"),
    ("R17", COARSEN | {"disclosure.events": "coarsen"}, fields("service.start_date", "quarter"), ALLOW, ""),
    ("R17", {"disclosure.events": "coarsen"}, fields("person.postcode", "area"), TRANSFORM, "not agreed"),
    ("R17", SERVES, fields("person.postcode", "area"), ALLOW, ""),
    ("R17", SERVES, fields("person.postcode", "drop"), TRANSFORM, "not agreed"),
    ("R17", COARSEN, fields("person.postcode", "area") | {"form": Form.IDENTIFIABLE}, TRANSFORM, "not agreed"),
    ("R18", item("record_id", "pseudonym"), {}, ALLOW, ""),
    ("R18", item("nhs_number", "keep"), {}, TRANSFORM, "person.nhs_number"),
    ("R18", item("person_nhs_number", "keep"), {}, TRANSFORM, "person.person_nhs_number"),
    ("R18", item("family_name", "keep"), {"form": Form.IDENTIFIABLE}, ALLOW, "identifiable"),
    ("R18", {}, fields("person.nhs_number", "year"), TRANSFORM, "person.nhs_number"),
    ("R19", {}, {}, ALLOW, ""),
    ("R19a", {}, evidence(scan=None), DENY, "not scanned"),
    ("R19a", {}, evidence(scan=("a.b holds names",)), DENY, "a.b holds names"),
    ("R19a", {}, {}, ALLOW, ""),
    ("R21", {}, evidence(allowed_list=ListFacts(TODAY - timedelta(days=7), 9)), ALLOW, ""),
    ("R21", {}, evidence(allowed_list=ListFacts(TODAY - timedelta(days=8), 9)), DENY, "8 days old"),
    ("R21", {}, evidence(allowed_list=ListFacts(TODAY, 1)), ALLOW, ""),
    ("R21", {}, evidence(allowed_list=ListFacts(TOMORROW, 9)), DENY, "future"),
    ("R21", {}, evidence(allowed_list=ListFacts(None, 9)), DENY, "not known when"),
    ("R21", {}, evidence(allowed_list=ListFacts(TODAY, 0)), DENY, "empty"),
    ("R21", {}, evidence(allowed_list=None), DENY, "no list"),
    ("R21", CARE, evidence(allowed_list=None), ALLOW, "direct care"),
    ("R22", {}, {}, ALLOW, "applied"),
    ("R22", {"choices.national_data_opt_out": "exempt"}, {}, DENY, "no exemption is named"),
    ("R22", {"choices.national_data_opt_out": "exempt", "choices.exemption": "law"}, {}, DENY, "no evidence"),
    (
        "R22",
        {"choices": {"national_data_opt_out": "exempt", "exemption": "law", "exemption_evidence": "s.1"}},
        {},
        ALLOW,
        "exempt: law",
    ),
    ("R26", {}, {}, ALLOW, "no coded table"),
    ("R26", DIAGNOSES, fields("spell.primary_diagnosis", "keep"), TRANSFORM, "left out, if there are any"),
    ("R26", DIAGNOSES, {**fields("spell.start_date", "month"), **evidence(restricted_rows=3)}, TRANSFORM, "if there"),
    ("R26", DIAGNOSES, {**fields("spell.start_date", "month"), **evidence(restricted_rows=None)}, DENY, "not looked"),
    ("R26", DIAGNOSES, {**fields("spell.start_date", "keep"), "form": Form.IDENTIFIABLE}, ALLOW, "gateway"),
    (
        "R26",
        DIAGNOSES | {"lawfulness.statutory_gateway": "-"},
        {**fields("spell.start_date", "keep"), "form": Form.IDENTIFIABLE},
        TRANSFORM,
        "left out",
    ),
    ("R27", {}, history(), ALLOW, ""),
    ("R27", {}, history(opt_out="exempt"), DENY, "treated opt-outs differently"),
    ("R27", {}, history(opt_out="exempt", recipient="X0X99"), ALLOW, ""),
    ("R27", COUNTS, counted() | history(counts="cut"), ALLOW, ""),
    ("R27", COUNTS, counted() | history(counts="cut", recipient="X0X99"), ALLOW, ""),
    ("R27", COUNTS, counted(rounded_to=1), ALLOW, ""),
    ("R27", COUNTS, counted(rounded_to=1) | history(counts="cut"), DENY, "can be one person"),
    ("R27", COUNTS, counted(rounded_to=1) | history(counts="cut", state="uncertain"), DENY, "can be one person"),
    ("R27", COUNTS, counted(rounded_to=1) | history(counts="cut", state="aborted"), ALLOW, ""),
    ("R27", COUNTS, counted(definition="other") | history(counts="cut"), REFER, "cut in another way"),
    ("R27", COUNTS, {"form": Form.AGGREGATE} | history(counts="cut"), REFER, "cut in another way"),
    (
        "R26",
        DIAGNOSES,
        {**evidence(restricted_rows=None), "fields": (*DIAGNOSIS["fields"], Field("person", "gender", "keep"))},
        DENY,
        "not looked for",
    ),
    # The same recipient under another agreement: only records by which people can be matched tell who opted out.
    ("R27", {}, elsewhere(opt_out="applied", form="identifiable"), ALLOW, ""),
    ("R27", {}, elsewhere(opt_out="applied", form="identifiable") | {"form": Form.IDENTIFIABLE}, ALLOW, ""),
    ("R27", {}, elsewhere(), ALLOW, "nothing joins them"),
    ("R27", {}, elsewhere(form="identifiable"), ALLOW, ""),
    ("R27", {}, elsewhere(form="identifiable") | {"form": Form.IDENTIFIABLE}, DENY, "R1, to this recipient"),
    ("R27", CARE, elsewhere(form="identifiable") | {"form": Form.IDENTIFIABLE}, ALLOW, ""),  # CP7
    ("R27", {}, elsewhere() | {"form": Form.IDENTIFIABLE}, ALLOW, ""),
    ("R27", {}, elsewhere(form=""), DENY, "treated opt-outs differently"),
    ("R27", {}, elsewhere(form="", state="uncertain"), DENY, "treated opt-outs differently"),
    ("R27", {}, elsewhere(form="", state="aborted"), ALLOW, ""),
    ("R27", {}, elsewhere(form="", recipient="X0X99"), ALLOW, ""),
    # Exact counts with and without the people who opted out.
    ("R27", {}, elsewhere(form="aggregate", counts="cut", rounded_to=1), DENY, "exact counts"),
    ("R27", {}, elsewhere(form="aggregate", counts="cut"), DENY, "exact counts"),
    ("R27", {}, elsewhere(form="aggregate", counts="cut", rounded_to=5), ALLOW, ""),
    ("R27", COUNTS, counted(rounded_to=1) | elsewhere(), DENY, "exact counts"),
    ("R27", COUNTS, counted() | elsewhere(), ALLOW, ""),
    ("R27", COUNTS, {"form": Form.AGGREGATE} | elsewhere(), DENY, "exact counts"),
    ("R27", COUNTS, counted() | elsewhere(form=""), DENY, "treated opt-outs differently"),
    ("R27", COUNTS, counted(rounded_to=1) | elsewhere(opt_out="applied", counts="cut"), DENY, "can be one person"),
    ("R27", COUNTS, counted() | elsewhere(opt_out="applied", counts="cut"), ALLOW, ""),
    ("R27", COUNTS, counted() | elsewhere(opt_out="applied", counts="other"), REFER, "cut in another way"),
    ("R27", COUNTS, counted() | elsewhere(opt_out="applied", counts="other", recipient="X0X99"), ALLOW, ""),
    # Others that may pool with the recipient, as this agreement says, or as an earlier release said.
    ("R27", POOLS, elsewhere(form="", recipient="X0X98"), DENY, "one it may pool with"),
    ("R27", POOLS, elsewhere(form="", recipient="X0X97"), ALLOW, ""),
    ("R27", {}, elsewhere(form="", recipient="X0X98", pools_with=("X0X02",)), DENY, "one it may pool with"),
    ("R27", POOLS, elsewhere(form="", recipient="X0X97", pools_with=("X0X98",)), DENY, "one it may pool with"),
    ("R27", POOLS, history(opt_out="exempt", recipient="X0X98", form=""), DENY, "one it may pool with"),
    ("R27", POOLS, history(opt_out="exempt", recipient="X0X98"), ALLOW, ""),
    # The same pseudonyms, coarsened or withheld in another way.
    ("R27", {}, history(treatment="another"), DENY, "begin a new epoch"),
    ("R27", {}, history(treatment="another", state="aborted"), ALLOW, ""),
    ("R27", {}, history(treatment="another", domain="DSA-EXAMPLE-01|X0X02|0"), ALLOW, ""),
    (
        "R27",
        {"pseudonyms.bridge_from": "0"},
        history(treatment="another", domain="DSA-EXAMPLE-01|X0X02|0"),
        DENY,
        "begin a new epoch",
    ),
    ("R27", {"pseudonyms.bridge_from": "0"}, history(treatment="another"), DENY, "begin a new epoch"),
    ("R27", {}, history() | evidence(treatment=None), DENY, "begin a new epoch"),
    ("R27", {}, history(treatment=""), ALLOW, ""),  # of before it was logged, by the very same agreement
    ("R27", {}, history(treatment="", agreement_sha256="another"), DENY, "not known how"),
    ("R27", {}, history(treatment="", agreement_sha256=""), DENY, "not known how"),
    ("R27", {}, history(treatment="another") | {"form": Form.IDENTIFIABLE}, ALLOW, ""),
    ("R27", {}, history(treatment="another") | {"form": Form.ANONYMISED}, DENY, "begin a new epoch"),
    ("R30", {}, history(), ALLOW, ""),
    ("R30", {}, history(key_version=2, state="aborted"), ALLOW, ""),
    ("R30", {}, history(key_version=2), DENY, "key was changed"),
    ("R30", {}, history(recipient="X0X99"), DENY, "another recipient"),
    ("R30", {}, {"epoch": "2"}, DENY, "epoch"),
    ("R30", {"pseudonyms.bridge_from": "0"}, {}, DENY, "nothing left in epoch 0"),
    ("R30", {"pseudonyms.bridge_from": "0"}, history(domain="DSA-EXAMPLE-01|X0X02|0"), ALLOW, ""),
    ("R30", {"pseudonyms.bridge_from": "0"}, history(domain="DSA-EXAMPLE-01|X0X99|0"), DENY, "nothing left"),
    ("R30", {"pseudonyms.bridge_from": "0"}, history(domain="DSA-EXAMPLE-01|X0X02|0", state="open"), DENY, "nothing"),
    ("R31", {}, {}, ALLOW, ""),
    ("R31", {}, evidence(key_version=None), DENY, "no key"),
    ("R31", {"pseudonyms.custodian": "X0X02"}, {}, DENY, "recipient keeps"),
    ("R31", {"pseudonyms.custodian": "X0X99"}, {}, DENY, "not a party"),
    ("R32", {}, fields("person.birth_date", "year"), ALLOW, ""),
    ("R32", {}, fields("person.birth_date", "keep"), REFER, "exact date of birth"),
    ("R32", CARE, fields("person.birth_date", "keep"), ALLOW, "does not apply"),
    ("R33", {}, fields("person.postcode", "district"), ALLOW, ""),
    ("R33", {}, fields("address.postcode", "keep"), REFER, "full postcode"),
    ("R34", {}, fields("service.start_date", "week"), ALLOW, ""),
    ("R34", {}, fields("service.start_date", "keep"), REFER, "exact dates"),
    ("R34", CARE, fields("service.start_date", "keep"), ALLOW, "does not apply"),
    ("R35", {}, {}, ALLOW, "no code is rare"),
    ("R35", {}, evidence(rare=(("service.service_type", 3),)), TRANSFORM, "service.service_type (3)"),
    ("R35", {}, evidence(rare=None), DENY, "not counted"),
    ("R35", CARE, evidence(rare=None), ALLOW, "does not apply"),
    ("R36", {}, {}, ALLOW, "smallest group: 5"),
    ("R36", {}, evidence(smallest_class=4), DENY, "has 4 people, k = 5"),
    ("R36", {}, evidence(smallest_class=None), DENY, "not measured"),
    ("R36", {}, {"form": Form.ANONYMISED}, REFER, "lower than 11"),
    ("R36", {"disclosure.k": 3}, {}, REFER, "lower than 5"),
    ("R36", {}, evidence(withheld_share=0.11), REFER, "11.0% of people"),
    ("R36", {}, evidence(withheld_share=0.10), ALLOW, ""),
    ("R36", {}, evidence(withheld_share=None), DENY, "not measured"),
    ("R36", {}, {"form": Form.AGGREGATE}, ALLOW, "held to R38"),
    ("R36", {}, evidence(smallest_class=0, withheld_share=1.0), DENY, "everybody would be withheld"),
    ("R36", {"disclosure.k": "-"}, {}, ALLOW, "k = 5"),
    ("R36", {"disclosure.k": "-"}, evidence(smallest_class=4), DENY, "k = 5"),
    ("R36", CARE, evidence(smallest_class=1, events=None), ALLOW, "does not apply"),
    # Rows of events, by the people who share them: held to k where the agreement says so.
    ("R36", {}, evidence(events=None), DENY, "how many people share a row"),
    ("R36", {}, shared(smallest=1, small=3), ALLOW, ""),
    ("R36", EVENTS, shared(smallest=5), ALLOW, ""),
    ("R36", EVENTS, shared(smallest=4, small=3), DENY, "rows of service are shared by 4 people (k = 5)"),
    ("R36", EVENTS, shared(smallest=0, rows=0), ALLOW, ""),
    ("R36", EVENTS, shared(rows=90, withheld=10), ALLOW, ""),
    ("R36", EVENTS, shared(rows=89, withheld=11), REFER, "11.0% of the rows of service"),
    # A proposal of coarser fields.
    ("R36", {}, evidence(repairs=(REPAIR,)), TRANSFORM, "person.postcode district to area (25.0% of information lost"),
    ("R36", {}, evidence(repairs=(REPAIR,), smallest_class=4), DENY, "has 4 people"),
    ("R36", {}, evidence(repairs=(REPAIR,), withheld_share=0.11), REFER, "11.0% of people"),
    ("R36", {}, evidence(repairs=(Repair("person", fault="nothing would do"),)), DENY, "nothing would do"),
    ("R36", {}, evidence(repairs=(Repair("service", fault="nothing would do"),)), ALLOW, ""),  # its rows are measured
    ("R37", {}, {}, ALLOW, "no sensitive field"),
    ("R37", {}, evidence(inferences=None), DENY, "not measured what"),
    ("R37", DIAGNOSES, {**DIAGNOSIS, **inferred(2, 0.5)}, ALLOW, "diverse enough"),
    ("R37", DIAGNOSES, {**DIAGNOSIS, **inferred(1, 0.0)}, REFER, "fewer than 2 values of spell.primary_diagnosis (1)"),
    ("R37", DIAGNOSES | {"disclosure.least_values": 1}, {**DIAGNOSIS, **inferred(1, 0.0)}, ALLOW, ""),
    ("R37", DIAGNOSES | {"disclosure.max_distance": 0.4}, {**DIAGNOSIS, **inferred(2, 0.4)}, ALLOW, ""),
    (
        "R37",
        DIAGNOSES | {"disclosure.max_distance": 0.4},
        {**DIAGNOSIS, **inferred(2, 0.41)},
        REFER,
        "farther than 0.4",
    ),
    ("R37", DIAGNOSES, DIAGNOSIS, DENY, "not measured: spell.primary_diagnosis"),
    ("R37", DIAGNOSES | {"disclosure.sensitive": []}, DIAGNOSIS, REFER, "name as sensitive"),
    ("R37", DIAGNOSES | CARE, {**DIAGNOSIS, **evidence(inferences=None)}, ALLOW, "does not apply"),
    ("R38", {}, {}, ALLOW, "no table of counts"),
    ("R38", {}, counted(), DENY, "lists no table of counts"),
    ("R38", COUNTS, counted(), ALLOW, "may vary by 3"),
    ("R38", COUNTS, counted(narrowest=3), ALLOW, ""),
    ("R38", COUNTS, counted(narrowest=2), DENY, "can be worked out"),
    ("R38", COUNTS, counted(narrowest=0), DENY, "can be worked out"),
    ("R38", COUNTS, counted(fault="too many"), DENY, "too many"),
    ("R38", COUNTS, {"form": Form.AGGREGATE}, DENY, "not audited"),
    ("R38", COUNTS | {"disclosure": {}}, counted(), DENY, "no preset"),
    ("R39", {}, {}, ALLOW, ""),
    ("R39", {}, {"form": Form.ANONYMISED}, DENY, "no ISB 1523"),
    (
        "R39",
        {"disclosure.risk_assessment": "RA-1", "disclosure.intruder_test_on": TODAY - timedelta(days=730)},
        {"form": Form.ANONYMISED},
        ALLOW,
        "",
    ),
    (
        "R39",
        {"disclosure.risk_assessment": "RA-1", "disclosure.intruder_test_on": TODAY - timedelta(days=731)},
        {"form": Form.ANONYMISED},
        DENY,
        "intruder",
    ),
    ("R40", {}, {}, ALLOW, ""),
    ("R40", {}, {"maker": None}, REFER, "who makes"),
    ("R40", {}, {"maker": " checker "}, REFER, "same person"),
    ("R40", {}, evidence(approved_by="  "), REFER, "nobody has approved"),
    ("R40", {}, {"form": Form.IDENTIFIABLE}, REFER, "Caldicott Guardian"),
    (
        "R40",
        {},
        {"form": Form.IDENTIFIABLE, **evidence(approved_by="Example Guardian of the Council")},
        ALLOW,
        "",
    ),
    ("R40", {"approval": {"signed": True}}, {}, REFER, "asks for a signed approval"),
    ("R40", {"approval": {"signed": True}}, approval(), ALLOW, "signed by the SIRO"),
    ("R40", {}, approval(), ALLOW, "signed by the SIRO"),
    ("R40", {"approval": {"signed": True}}, approval() | {"maker": "checker"}, REFER, "same person"),
    ("R40", {}, approval(fault="it was altered"), DENY, "it was altered"),
    ("R40", {}, approval(signed_on=None), DENY, "not known when"),
    ("R40", {}, approval(signed_on=TOMORROW), DENY, "in the future"),
    ("R40", {}, approval(signed_on=TODAY - timedelta(days=7)), ALLOW, ""),
    ("R40", {}, approval(signed_on=TODAY - timedelta(days=8)), DENY, "older than the 7 days"),
    ("R40", {"approval": {"valid_days": 0}}, approval(signed_on=TODAY), ALLOW, ""),
    ("R40", {"approval": {"valid_days": 0}}, approval(signed_on=YESTERDAY), DENY, "older than the 0 days"),
    ("R40", {}, approval(controls=None), DENY, "not a signatory of a controller"),
    ("R40", {}, approval(controls=False), DENY, "not a signatory of a controller"),
    ("R40", {"approval": {"roles": ["Siro"]}}, approval(), ALLOW, ""),
    ("R40", {"approval": {"roles": ["Caldicott Guardian"]}}, approval(), DENY, "does not ask the SIRO"),
    ("R40", {}, {"form": Form.IDENTIFIABLE, **approval()}, REFER, "Caldicott Guardian"),
    ("R40", {}, {"form": Form.IDENTIFIABLE, **approval(role="Caldicott guardian")}, ALLOW, ""),
    (
        "R40",
        {"approval": {"signed": True}},
        {"form": Form.IDENTIFIABLE, **evidence(approved_by="Example Guardian of the Council")},
        REFER,
        "asks for a signed approval",
    ),
    (
        "R40",
        {},
        {"form": Form.IDENTIFIABLE, **evidence(approved_by="Example Risk Owner of the Council")},
        REFER,
        "Caldicott Guardian",
    ),
    ("R41", {}, {}, ALLOW, ""),
    ("R41", {}, evidence(log_ready=None), DENY, "not ready"),
    ("R41", {}, evidence(log_ready=False), DENY, "not ready"),
    ("R42", {}, {}, ALLOW, "encrypted to 1 public key"),
    ("R42", {"parties.1.encryption_keys": []}, {}, DENY, "names no public key"),
    ("R42", {"parties.1.encryption_keys": ["age1" + "q" * 58]}, {}, DENY, "no age public key"),
    ("R42", {"parties.1.encryption_keys": [EXAMPLE_RECIPIENT, "age1" + "q" * 58]}, {}, DENY, "no age public key"),
    ("R42", {}, {"recipient": "X0X09"}, DENY, "names no public key"),
    ("R42", {"parties.1.ods_code": "RQ1"}, {"recipient": "RQ1"}, DENY, "published example's encryption key"),
    ("R43", REVERSIBLE, reversal(), ALLOW, "minute 7"),
    ("R43", REVERSIBLE, reversal(people=2), ALLOW, ""),
    ("R43", {}, reversal(), DENY, "no part [reidentification]"),
    ("R43", REVERSIBLE, {"stage": Stage.REVERSE}, DENY, "not known what"),
    ("R43", REVERSIBLE, reversal(purpose="research"), DENY, "no purpose"),
    ("R43", REVERSIBLE, reversal(purpose="direct care"), DENY, "no purpose"),
    ("R43", REVERSIBLE, reversal(reason=" "), DENY, "no reason"),
    ("R43", REVERSIBLE, reversal(approvers=("First", "first ")), DENY, "two different approvers"),
    ("R43", REVERSIBLE, reversal(approvers=("First",)), DENY, "two different approvers"),
    ("R43", REVERSIBLE, reversal(approvers=("First", "Second", "Third")), DENY, "two different approvers"),
    ("R43", REVERSIBLE, reversal(approvers=("First", "Second", "second")), DENY, "two different approvers"),
    ("R43", REVERSIBLE, reversal() | {"history": History()}, DENY, "no release under this agreement"),
    ("R43", REVERSIBLE, reversal(approvers=("First", "Other")), DENY, "two different approvers"),
    ("R43", REVERSIBLE, reversal() | {"maker": "SECOND"}, DENY, "one of the approvers"),
    ("R43", REVERSIBLE, reversal() | {"maker": "Third"}, ALLOW, ""),
    ("R43", REVERSIBLE, reversal() | {"maker": None}, DENY, "not known who asks"),
    ("R43", REVERSIBLE, reversal(people=0), DENY, "allows 1 to 2"),
    ("R43", REVERSIBLE, reversal(people=3), DENY, "allows 1 to 2"),
    ("R43", REVERSIBLE | {"reidentification.until": YESTERDAY}, reversal(), DENY, "allowed it until"),
    ("R43", REVERSIBLE, reversal(release_id="R2"), DENY, "no release under this agreement"),
    ("R43", REVERSIBLE, reversal() | history(agreement_id="another"), DENY, "no release under this agreement"),
    ("R43", REVERSIBLE, reversal() | history(state="aborted"), DENY, "no release under this agreement"),
    ("R43", REVERSIBLE, reversal() | history(state="uncertain"), ALLOW, ""),
    ("R43", REVERSIBLE | {"data.form": "identifiable"}, reversal(), DENY, "only pseudonymised"),
    ("R44", {}, {}, ALLOW, "to be destroyed by"),
    ("R44", {"handling.retention_until": TODAY}, {}, ALLOW, ""),
    ("R44", {"handling.retention_until": YESTERDAY}, {}, DENY, "retention ended"),
    ("R45", {}, {}, ALLOW, ""),
    ("R45", {}, known(incidents={"DSA-EXAMPLE-01": ("I1",)}), DENY, "incident I1 is open"),
    ("R45", {}, known(incidents={"DSA-EXAMPLE-01": (), "another": ("I2",)}), ALLOW, ""),
]


@pytest.mark.parametrize(("rule", "agreed", "asked", "outcome", "words"), REQUESTS)
def test_about_a_request(
    tmp_path: Path, rule: str, agreed: dict[str, Any], asked: dict[str, Any], outcome: Outcome, words: str
) -> None:
    agreement, asked = signed(tmp_path, agreed), dict(asked)
    past = asked.pop("history", History())
    decision = decide(agreement, request(agreement, **asked), None, TODAY, past)
    [found] = [each for each in decision.trace if each.rule.id == rule]
    assert found.finding.outcome is outcome
    assert words in found.finding.reason
    assert decision.outcome >= outcome


EXEMPT = {"choices": {"national_data_opt_out": "exempt", "exemption": "law", "exemption_evidence": "s.1"}}
INCLUDE = {"choices.without_nhs_number": "include", "choices.without_nhs_number_reason": "counted by place only"}

# rule, agreement, flags changed, left out?, words
SUBJECTS: list[tuple[str, dict[str, Any], dict[str, bool | None], Outcome, str]] = [
    ("R13a", {}, {}, ALLOW, ""),
    ("R13a", {}, {"covered": False}, TRANSFORM, "not in the agreed cohort"),
    ("R20", {}, {}, ALLOW, ""),
    ("R20", {}, {"numbers_allowed": False}, TRANSFORM, "national data opt-out"),
    ("R20", {}, {"opted_out": True}, TRANSFORM, "national data opt-out"),
    ("R20", CARE, {"numbers_allowed": False}, ALLOW, "direct care"),
    ("R20", EXEMPT, {"numbers_allowed": False}, ALLOW, "exempt"),
    ("R23", {}, {"type_1": True}, TRANSFORM, "Type 1"),
    ("R23", CARE, {"type_1": True}, ALLOW, "direct care"),
    ("R23", {}, {}, ALLOW, ""),
    ("R24", {}, {}, ALLOW, ""),
    ("R24", {}, {"objected": True}, TRANSFORM, "objection"),
    ("R24", CARE, {"objected": True}, TRANSFORM, "objection"),
    ("R25", {}, {}, ALLOW, ""),
    ("R25", {}, {"has_number": False}, TRANSFORM, "no NHS number"),
    ("R25", INCLUDE, {"has_number": False}, ALLOW, "counted by place"),
    ("R25", {"choices.without_nhs_number": "include"}, {"has_number": False}, TRANSFORM, "no NHS number"),
    ("R25", {"choices.without_nhs_number_reason": "counted"}, {"has_number": False}, TRANSFORM, "no NHS number"),
    ("R25", EXEMPT, {"has_number": False}, ALLOW, "not applied"),
    ("R28", {}, {}, ALLOW, ""),
    ("R28", {}, {"conflicting_numbers": True}, TRANSFORM, "different NHS numbers"),
    ("R28", {}, {"conflicting_numbers": True, "doubtful": True}, TRANSFORM, "different NHS numbers"),
    ("R28", {}, {"doubtful": True}, ALLOW, "in doubt"),
    ("R29", {}, {}, ALLOW, ""),
    ("R29", {}, {"sensitive": True}, TRANSFORM, "sensitive"),
    ("R29", CARE, {"sensitive": True}, ALLOW, "direct care"),
]


@pytest.mark.parametrize(("rule", "agreed", "flags", "outcome", "words"), SUBJECTS)
def test_about_a_person(
    tmp_path: Path, rule: str, agreed: dict[str, Any], flags: dict[str, Any], outcome: Outcome, words: str
) -> None:
    agreement = signed(tmp_path, agreed)
    decision = decide(agreement, request(agreement), replace(SUBJECT, **flags), TODAY, History())
    [found] = [each for each in decision.trace if each.rule.id == rule]
    assert found.finding.outcome is outcome
    assert words in found.finding.reason


KNOWN = [name for name in vars(SUBJECT) if name != "doubtful"]


@pytest.mark.parametrize("flag", KNOWN)
def test_a_person_of_whom_something_is_not_known_is_left_out(tmp_path: Path, flag: str) -> None:
    agreement = signed(tmp_path, INCLUDE)
    unknown = replace(SUBJECT, **{flag: None})
    decision = decide(agreement, request(agreement), unknown, TODAY, History())
    assert decision.outcome is TRANSFORM
    assert any("not known" in asked.finding.reason for asked in decision.trace)


def test_the_plain_case_is_allowed_and_every_rule_is_in_its_trace(tmp_path: Path) -> None:
    agreement = signed(tmp_path, {})
    decision = decide(agreement, request(agreement), None, TODAY, History())
    assert decision.outcome is ALLOW
    of_releases = {r.id for r in RULES.values() if r.scope in (Scope.REQUEST, Scope.RELEASE)}
    assert {asked.rule.id for asked in decision.trace} == of_releases


def test_a_reversal_rests_on_the_agreements_own_text_too(tmp_path: Path) -> None:
    agreement = signed(tmp_path, REVERSIBLE | {"signed.faults": ("the text was changed",)})
    asked = reversal()
    decision = decide(
        agreement,
        request(agreement, **{k: v for k, v in asked.items() if k != "history"}),
        None,
        TODAY,
        asked["history"],
    )
    assert {each.rule.id: each.finding.outcome for each in decision.trace} == {"R01": ALLOW, "R03": DENY, "R43": ALLOW}


def test_what_is_asked_when(tmp_path: Path) -> None:
    agreement = signed(tmp_path, REVERSIBLE)
    scopes = {stage: {Scope.REQUEST} for stage in (Stage.PLAN, Stage.MAKE)}
    scopes[Stage.MAKE] = {Scope.REQUEST, Scope.RELEASE}
    for stage, asked in scopes.items():
        made = decide(agreement, request(agreement, stage=stage), None, TODAY, History())
        assert {each.rule.id for each in made.trace} == {name for name, rule in RULES.items() if rule.scope in asked}
        assert [each.rule.id for each in made.trace] == sorted(each.rule.id for each in made.trace)
        of_person = decide(agreement, request(agreement, stage=stage), SUBJECT, TODAY, History())
        assert {each.rule.scope for each in of_person.trace} == {Scope.SUBJECT}
        assert of_person.outcome is ALLOW


def test_the_worst_outcome_wins_and_every_drop_counts(tmp_path: Path) -> None:
    dropping = {"fields": (Field("person", "family_name", "keep"), Field("person", "ethnicity", "keep"))}
    agreement = signed(tmp_path, item("family_name", "keep"))
    made = decide(agreement, request(agreement, **dropping), None, TODAY, History())
    assert (made.outcome, made.drops) == (TRANSFORM, {"person.family_name", "person.ethnicity"})
    worse = {"lawfulness.privacy_notice": "-"}
    for outcome, more in ((REFER, {}), (DENY, {"lawfulness.dpia_reference": "-"})):
        agreement = signed(tmp_path, worse | more)
        made = decide(agreement, request(agreement, **dropping), None, TODAY, History())
        assert made.outcome is outcome
        assert len(made.reasons) == 1 + len(more)


def test_without_an_agreement_nothing_is_allowed(tmp_path: Path) -> None:
    decision = decide(None, request(signed(tmp_path, {})), None, TODAY, History())
    assert decision.outcome is DENY
    assert "no agreement" in decision.reasons[0]


def test_without_evidence_nothing_is_allowed(tmp_path: Path) -> None:
    agreement = signed(tmp_path, {})
    decision = decide(agreement, request(agreement, evidence=Evidence()), None, TODAY, History())
    against = {asked.rule.id for asked in decision.trace if asked.finding.outcome >= REFER}
    assert against == {"R13", "R19a", "R21", "R31", "R35", "R36", "R37", "R40", "R41"}


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_says_where_it_comes_from_and_stands_in_the_tables_above(rule: str) -> None:
    assert RULES[rule].title
    assert RULES[rule].citation
    seen = {(row[0], row[3]) for row in REQUESTS} | {(row[0], row[3]) for row in SUBJECTS}
    assert (rule, ALLOW) in seen
    assert any((rule, outcome) in seen for outcome in (TRANSFORM, REFER, DENY)) or rule == "R19"


def test_reasons_carry_rule_and_citation(tmp_path: Path) -> None:
    agreement = signed(tmp_path, {"lawfulness.dpia_reference": "-"})
    decision = decide(agreement, request(agreement), None, TODAY, History())
    assert decision.reasons == ("R07: no DPIA reference (UK GDPR Article 35; ICO guidance)",)
    assert decision.to_json()["trace"][6]["standing"] == "assumed"


def test_the_guide_lists_every_rule_and_calls_none_enforced_that_is_not_there() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "ig-guide.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| (R[0-9]{2}a?) \| [^|]+ \| ([^|]+) \|", guide, re.M))
    assert set(rows) == {f"R{n:02d}" for n in range(1, 46)} | {"R13a", "R19a"}
    held = {rule for rule, status in rows.items() if not re.search("not yet|not offered", status.partition(":")[0])}
    assert held == set(RULES)
