"""What a project's agreements say: those whose files are known in full, those known from the log as far as it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from governance.agreement import Agreement, Signed

Found = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Agreed:
    """An agreement in words; empty where it is not known."""

    name: str
    controllers: str = ""
    recipients: str = ""
    purpose: str = ""
    bases: str = ""
    confidentiality: str = ""
    form: str = ""
    opt_out: str = ""
    kept_until: str = ""
    territory: str = ""
    reference: str = ""
    signatories: str = ""


def agreed(files: Sequence[Path], entries: Sequence[Mapping[str, Any]]) -> list[Agreed]:
    """Every agreement in `files`, and each other one that the log has on record, in its newest version there."""
    from governance.agreement import load

    signed = {each.agreement.id: each for each in map(load, files)}
    recorded = {
        entry["body"]["agreement_id"]: entry["body"] for entry in entries if entry["type"] == "AGREEMENT_RECORDED"
    }
    found = [_of_file(each) for each in signed.values()]
    return [*found, *(_of_log(body) for name, body in sorted(recorded.items()) if name not in signed)]


def facts_of(found: Iterable[Agreed]) -> Found:
    """Facts, a line for each agreement that says something of it."""
    every = list(found)

    def lines(of: Callable[[Agreed], str]) -> tuple[str, ...]:
        return tuple(f"{each.name}: {of(each)}" for each in every if of(each))

    return {
        "controllers": lines(lambda each: each.controllers),
        "recipients": lines(lambda each: each.recipients),
        "purposes": lines(lambda each: each.purpose),
        "bases": lines(lambda each: each.bases),
        "confidentiality": lines(lambda each: each.confidentiality),
        "forms": lines(lambda each: each.form),
        "opt_outs": lines(lambda each: each.opt_out),
        "retention_of_releases": lines(lambda each: each.kept_until),
        "territory": lines(lambda each: each.territory),
        "reference": lines(lambda each: each.reference),
        "signatories": lines(lambda each: each.signatories),
    }


def _of_file(signed: Signed) -> Agreed:
    agreement = signed.agreement
    law, chosen = agreement.lawfulness, agreement.choices
    linkage = f"for the linkage {law.common_law_linkage or 'none'}"
    held = [f"{each.role} of {each.organisation} on {each.date}" for each in signed.signatures]
    return Agreed(
        name=f"{agreement.id} {agreement.version}",
        controllers=_parties({each.ods_code: each.name for each in agreement.parties if each.controls}),
        recipients=_parties({each.ods_code: each.name for each in agreement.recipients}),
        purpose=f"{agreement.purpose.code}. {agreement.purpose.statement} {agreement.purpose.benefits}",
        bases=_bases(law.article_6, law.article_9, law.schedule_1),
        confidentiality=f"{law.common_law or 'none'}, {linkage}",
        form=_form(agreement),
        opt_out=chosen.national_data_opt_out + (f" ({chosen.exemption})" if chosen.exemption else ""),
        kept_until=f"recipients keep it until {agreement.handling.retention_until}",
        territory=f"held in {', '.join(agreement.handling.territory)}",
        reference=law.dpia_reference or "",
        signatories=f"signed by {', '.join(held)}" if held else "not signed",
    )


def _form(agreement: Agreement) -> str:
    fields = [
        f"{table.name}.{item.name} ({item.transform})" for table in agreement.data.tables for item in table.fields
    ]
    return f"{agreement.data.form}; {agreement.data.cohort_description} {', '.join(fields)}"


def _of_log(body: Mapping[str, Any]) -> Agreed:
    exemption = f" ({body['exemption']})" if body.get("exemption") else ""
    return Agreed(
        name=f"{body['agreement_id']} {body['agreement_version']}",
        controllers=_parties(body.get("controllers", {})),
        recipients=_parties(body["recipients"]),
        purpose=f"{body['statement']} {body['benefits']}",
        bases=_bases(body["article_6"], body["article_9"], body.get("schedule_1")),
        confidentiality=f"{body['common_law'] or 'none'}; for the linkage: see the agreement",
        form=f"{body['cohort_description']} {body['linkage_description']}",
        opt_out=f"{body['opt_out']}{exemption}",
        territory=f"held in {', '.join(body['territory'])}" if body.get("territory") else "",
        signatories=", ".join(f"{each['role']} of {each['organisation']}" for each in body.get("signers", ())),
    )


def _parties(named: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({code})" for code, name in sorted(named.items()))


def _bases(article_6: str | None, article_9: str | None, schedule_1: str | None) -> str:
    said = (("Article 6", article_6), ("Article 9", article_9), ("Schedule 1", schedule_1))
    return "; ".join(f"{name}: {basis or 'none'}" for name, basis in said)
