"""Rules R10 to R12 and R14: who receives, whether they are assured, and what they have from before."""

from __future__ import annotations

from datetime import timedelta

from governance.agreement import Party, Role
from governance.rules.rule import Case, Finding, Outcome, Standing, judge, over, rule

_TRAINING = timedelta(days=365)


_DSPT_MET = {"standards met", "standards exceeded"}


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
            "the recipient's DSPT status has expired, or its end is not stated": over(party.dspt_expires, case.today),
            "the recipient has no ICO registration": not party.ico_registration,
            "the recipient's ICO registration has expired, or its end is not stated": over(
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
