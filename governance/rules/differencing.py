"""Rule R27: what somebody learns by laying one release beside another.

Seen in a releases register: one organisation had the same data in the same month once with opt-outs honoured and once
without. Everything is compared that may come into the same hands: releases to this recipient under any agreement, and
to whomever it may pool with. All cohorts of a project are cut from the same people, so they are taken to overlap.
"""

from __future__ import annotations

from governance.agreement import Form
from governance.deidentify.pseudonym import domain
from governance.request import Past
from governance.rules.rule import Case, Finding, judge, rule


@rule("R27", "differencing seen in a releases register", version=2)
def no_differencing(case: Case) -> Finding:
    """No two releases, compared, show who opted out, who was withheld, or how few people lie between two counts."""
    left = [past for past in case.history.releases if past.state != "aborted"]
    hands = same_hands(case)
    here = [past for past in left if past.agreement_id == case.agreement.id]
    elsewhere = [past for past in left if past.agreement_id != case.agreement.id and past.recipient in hands]
    pooled = [past for past in here if past.recipient in hands and past.recipient != case.request.recipient]
    told = _other_opt_outs(case, [*elsewhere, *pooled])
    otherwise = _other_treatment(case, left)
    counted = [past for past in [*here, *elsewhere] if past.counts]
    now = case.request.evidence.counts
    return judge(
        "opt-outs and suppression are treated as in earlier releases, or nothing joins them",
        deny={
            "an earlier release to this recipient treated opt-outs differently: comparing shows who opted out": any(
                past.recipient == case.request.recipient
                and past.opt_out != case.agreement.choices.national_data_opt_out
                for past in here
            ),
            f"{_named(told)}, to this recipient or one it may pool with, treated opt-outs differently, and people or"
            " exact counts can be compared: that shows who opted out": bool(told),
            f"{_named(otherwise)}, with the same pseudonyms, was coarsened or withheld in another way (or it is not"
            " known how): comparing undoes both; begin a new epoch": bool(otherwise),
            "counts left before under this agreement or for the same hands, and these are not rounded: the difference"
            " of two counts can be one person": bool(counted) and now is not None and now.rounded_to == 1,
        },
        refer={
            "counts left before under this agreement or for the same hands, cut in another way: comparing them may show"
            " small groups": any(_cut_otherwise(case, past) for past in counted)
        },
    )


def same_hands(case: Case) -> frozenset[str]:
    """The recipient, and whoever may pool with it, at whatever remove, as this agreement or an earlier release says."""
    ties = [{party.ods_code, *party.pools_with} for party in case.agreement.parties]
    ties += [{past.recipient, *past.pools_with} for past in case.history.releases]
    hands = {case.request.recipient}
    while grown := {code for tie in ties if tie & hands for code in tie} - hands:
        hands |= grown
    return frozenset(hands)


def _named(releases: list[Past]) -> str:
    return ", ".join(past.release_id for past in releases)


def _other_opt_outs(case: Case, releases: list[Past]) -> list[Past]:
    """Releases that honoured opt-outs where this one does not, or the other way round, and that can be laid beside it.

    A person's own care is not held back by what somebody had for another purpose (Caldicott principle 7).
    """
    if case.agreement.direct_care:
        return []
    mine = case.agreement.choices.national_data_opt_out
    return [past for past in releases if past.opt_out != mine and _comparable(case, past)]


def _comparable(case: Case, past: Past) -> bool:
    """Whether people, or exact counts of them, can be matched between this release and an earlier one.

    Records under pseudonyms of two domains cannot, nor can rounded counts be taken from anything. The unknown can.
    """
    forms = {past.form, case.request.form.value}
    if Form.AGGREGATE.value in forms:
        now = case.request.evidence.counts
        exact_now = case.request.form is Form.AGGREGATE and (now is None or now.rounded_to == 1)
        return exact_now or past.form not in set(Form) or (past.form == Form.AGGREGATE and past.rounded_to <= 1)
    return past.form not in set(Form) or forms == {Form.IDENTIFIABLE.value}


def _other_treatment(case: Case, releases: list[Past]) -> list[Past]:
    """Releases under the same pseudonyms, or a bridge away, whose records were coarsened or withheld in another way."""
    if not case.de_identified or case.request.form is Form.AGGREGATE:
        return []
    epochs = {case.request.epoch, case.agreement.pseudonyms.bridge_from or case.request.epoch}
    here = {domain(case.agreement.id, case.request.recipient, epoch) for epoch in epochs}
    return [past for past in releases if past.domain in here and not _treated_alike(case, past)]


def _treated_alike(case: Case, past: Past) -> bool:
    if past.treatment:
        return past.treatment == case.request.evidence.treatment
    # Releases of before this was logged: the same text of the agreement gave the same treatment.
    return past.agreement_sha256 == case.signed.sha256


def _cut_otherwise(case: Case, past: Past) -> bool:
    now = case.request.evidence.counts
    if past.agreement_id != case.agreement.id and case.request.form is not Form.AGGREGATE:
        return False
    return now is None or past.counts != now.definition
