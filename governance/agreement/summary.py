"""An agreement in plain words, and what stands against it before there is any data."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from governance.agreement.data import Form
from governance.agreement.model import Agreement
from governance.agreement.reading import Signed, read
from governance.agreement.signing import fingerprint
from governance.agreement.templates import BLANK, NO_KEY, NO_RECIPIENT

if TYPE_CHECKING:
    from governance.request import History


@dataclass(frozen=True)
class Against:
    """What stands against an agreement: reasons of the rules, and what is left to fill in."""

    reasons: tuple[str, ...]
    notes: tuple[str, ...]


_FILLERS = (BLANK, NO_KEY, NO_RECIPIENT)
_BLANKS = re.compile(rf'(\w+) = \[?"(?:{"|".join(map(re.escape, _FILLERS))})"')

# Rules that look at what only a run, a key or a finished release can tell.
_ASKED_LATER = ("R13", "R19a", "R21", "R26", "R35", "R36", "R37", "R40", "R41")


def against(signed: Signed, history: History, *, today: date) -> Against:
    """Every reason of the rules that need no data, for each recipient, and every place still to be filled in."""
    from governance.decide import decide
    from governance.deidentify.pseudonym import domain
    from governance.request import CountFacts, Evidence, Request
    from governance.rules.rule import Outcome

    agreement = signed.agreement
    reasons: dict[str, None] = {}
    for party in agreement.recipients:
        asked = Request.of(agreement, recipient=party.ods_code)
        # Which key there will be, and how records are treated, shows later; who keeps the key is the agreement's.
        here = domain(agreement.id, party.ods_code, agreement.pseudonyms.epoch)
        before = next((past for past in history.releases if past.domain == here and past.state != "aborted"), None)
        key, treated = (before.key_version, before.treatment) if before else (1, None)
        asked = replace(asked, evidence=Evidence(key_version=key, counts=CountFacts(), treatment=treated))
        decision = decide(signed, asked, None, today, history)
        for each in decision.trace:
            if each.finding.outcome >= Outcome.REFER and each.rule.id not in _ASKED_LATER:
                reasons[f"{each.rule.id}: {each.finding.reason} ({each.rule.citation})"] = None
    if not agreement.recipients:
        reasons["R10: the agreement names no recipient"] = None
    blank = left(signed.path)
    if blank:
        reasons[f"the agreement is not finished: {len(blank)} lines say '{BLANK}' or hold no key"] = None
    return Against(tuple(reasons), blank)


def left(path: Path) -> tuple[str, ...]:
    """Every line that is still to be filled in, and what on it; also of a file that cannot be taken as it is."""
    lines = read(path).decode("utf-8", errors="replace").split("\n")
    return tuple(
        f"line {number}: {', '.join(_BLANKS.findall(line)) or line.partition('=')[0].strip(' {')}"
        for number, line in enumerate(lines, start=1)
        if not line.lstrip().startswith("#") and any(each in line for each in _FILLERS)
    )


def text(signed: Signed) -> str:
    """The agreement for a person to read."""
    agreement = signed.agreement
    law, data, handling = agreement.lawfulness, agreement.data, agreement.handling
    lines = [
        f"{agreement.title}",
        f"{agreement.id}, version {agreement.version}, SHA-256 {signed.sha256}",
        f"In force from {agreement.dates.effective_from} to {agreement.dates.effective_to}, review by"
        f" {agreement.dates.review_date}.",
        "",
        *_signatures(agreement, signed),
        "",
        f"Purpose: {agreement.purpose.code}. {agreement.purpose.statement}",
        f"Benefits: {agreement.purpose.benefits}",
        f"Bases: Article 6: {law.article_6 or 'none'}; Article 9: {law.article_9 or 'none'}; common law:"
        f" {law.common_law or 'none'}, for the linkage {law.common_law_linkage or 'none'}.",
        f"National data opt-out: {agreement.choices.national_data_opt_out}"
        + (f" ({agreement.choices.exemption})" if agreement.choices.exemption else "")
        + ".",
        "",
        f"Form: {data.form}. {data.form_reason or 'No reason is given why a lower form will not do.'}",
        f"People: {data.people}. {data.cohort_description}",
        f"Releases: {data.frequency}, {data.releases_allowed} at most to each recipient.",
        *_disclosure(agreement),
        *(
            f"  {table.name}.{item.name}, {item.transform}: {item.justification}"
            for table in data.tables
            for item in table.fields
        ),
        "",
        f"Kept until {handling.retention_until} in {', '.join(handling.territory)};"
        f" onward sharing {'under a sub-licence' if handling.onward_sharing else 'forbidden'};"
        f" re-identification {'forbidden' if handling.re_identification_forbidden else 'NOT forbidden'}.",
        f"Incidents: {handling.incident_contact}",
    ]
    return "\n".join(lines)


def _disclosure(agreement: Agreement) -> list[str]:
    """What befalls people and rows that stand out, and who may lay together what they have."""
    settings = agreement.disclosure
    does = {
        "refuse": "nothing leaves",
        "withhold": "they are left out",
        "coarsen": "fields are made coarser, and whom that does not reach is left out",
        None: "that is said in the plan",
    }
    lines = [
        f"  {party.name} ({party.ods_code}) may pool what it has with {', '.join(party.pools_with)}."
        for party in agreement.parties
        if party.pools_with
    ]
    if agreement.data.form not in (Form.PSEUDONYMISED, Form.ANONYMISED):
        return lines
    last = [f"{path} {transform}" for path, transform in settings.coarsest.items()]
    return [
        f"Where fewer people than k{f' = {settings.k}' if settings.k else ''} look alike: {does[settings.below_k]};"
        f" where fewer share a row of events: {does[settings.events]}."
        f" Left out at most: {settings.max_withheld_share:.1%}.",
        *([f"Fields no coarser than: {', '.join(last)}."] if last else []),
        *lines,
    ]


def _signatures(agreement: Agreement, signed: Signed) -> list[str]:
    held = {(each.organisation, each.role): each.date for each in signed.signatures}
    lines = []
    for party in agreement.parties:
        lines.append(f"{party.name} ({party.ods_code}), {party.role}")
        for signatory in party.signatories:
            on = held.get((party.ods_code, signatory.role))
            key = "no key yet" if signatory.key == NO_KEY else f"key {fingerprint(signatory.key)}"
            lines.append(f"  {signatory.role}, {signatory.name}, {key}: {f'signed on {on}' if on else 'NOT SIGNED'}")
    return [*lines, *(f"  WRONG: {fault}" for fault in signed.signature_faults)]
