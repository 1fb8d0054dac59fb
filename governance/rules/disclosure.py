"""Rules R35 to R39: whether what leaves, taken together, still points at people or tells what is wrong with them."""

from __future__ import annotations

from datetime import timedelta

from governance.aggregate.audit import NARROWEST
from governance.agreement import Form
from governance.deidentify.inference import SENSITIVE
from governance.rules.fields import NOT_DE_IDENTIFIED, kept
from governance.rules.rule import Case, Finding, Outcome, Standing, allow, judge, rule

K_FLOOR = {Form.PSEUDONYMISED: 5, Form.ANONYMISED: 11}
"""Smallest group of look-alikes by form; policy numbers of ours, no source prescribes them [assumed]."""


_INTRUDER_TEST_AGE = timedelta(days=730)


@rule("R35", "peers: a rare code is rolled up to its parent; the number of people is assumed", Standing.ASSUMED)
def rare_codes_are_rolled_up(case: Case) -> Finding:
    """A code that few people have leaves as its parent or as `other`."""
    if not case.de_identified or case.request.form is Form.AGGREGATE:
        return allow(NOT_DE_IDENTIFIED if not case.de_identified else "nobody's record leaves")
    rare = case.request.evidence.rare
    if rare is None:
        return Finding(Outcome.DENY, "it was not counted how many people have each code")
    if not rare:
        return allow("no code is rare")
    return Finding(Outcome.TRANSFORM, f"rare codes rolled up: {', '.join(f'{path} ({n})' for path, n in rare)}")


@rule("R36", "k-anonymity; 5, 11 are policy numbers", Standing.ASSUMED, version=2)
def nobody_stands_alone(case: Case) -> Finding:
    """Everybody shares their indirectly identifying values with at least k - 1 others, rows of events as is agreed."""
    if not case.de_identified:
        return allow(NOT_DE_IDENTIFIED)
    if case.request.form is Form.AGGREGATE:
        return allow("nobody's record leaves; counts are held to R38")
    settings, evidence = case.agreement.disclosure, case.request.evidence
    floor = K_FLOOR.get(case.request.form)
    if floor is None:
        return judge("", deny={f"no k is defined for form {case.request.form}": True})
    k, found, share = settings.k or floor, evidence.smallest_class, evidence.withheld_share
    all_withheld = found == 0 and share == 1
    of_events = _rows_alone(case, k)
    finding = judge(
        f"smallest group: {found}, k = {k}",
        deny={
            "the smallest group was not measured": found is None or share is None,
            "it was not measured how many people share a row of events": evidence.events is None,
            f"everybody would be withheld, in groups of look-alikes of fewer than k = {k}": all_withheld,
            f"the smallest group of look-alikes has {found} people, k = {k}": found is not None
            and found < k
            and not all_withheld,
            f"{', '.join(of_events)} (k = {k})": bool(of_events),
            **{each.fault: True for each in evidence.repairs if each.fault and each.of == "person"},
        },
        refer={
            f"k = {k} is lower than {floor}, the least for this form": k < floor,
            f"{share or 0:.1%} of people would be withheld for k; {settings.max_withheld_share:.1%} is agreed": share
            is not None
            and share > settings.max_withheld_share,
            **{
                f"{each.share:.1%} of the rows of {each.table} would be withheld for k;"
                f" {settings.max_withheld_share:.1%} is agreed": each.share > settings.max_withheld_share
                for each in evidence.events or ()
            },
        },
    )
    if finding.outcome is Outcome.ALLOW and (done := [each for each in evidence.repairs if each.fields]):
        coarsened = "; ".join(f"{each.of}: {each.words}" for each in done)
        return Finding(Outcome.TRANSFORM, f"{finding.reason}; coarsened for it, {coarsened}")
    return finding


def _rows_alone(case: Case, k: int) -> list[str]:
    """Tables of events, held to k by the agreement, with rows that fewer people share."""
    if case.agreement.disclosure.events is None:
        return []
    found = case.request.evidence.events or ()
    return [
        f"rows of {each.table} are shared by {each.smallest} people"
        for each in found
        if each.rows and each.smallest < k
    ]


@rule("R37", "ICO anonymisation guidance 2025: inference; the settings are assumed", Standing.ASSUMED)
def groups_do_not_tell(case: Case) -> Finding:
    """Knowing somebody's group of look-alikes does not tell what is the matter with them."""
    if not case.de_identified or case.request.form is Form.AGGREGATE:
        return allow(NOT_DE_IDENTIFIED if not case.de_identified else "nobody's record leaves")
    settings, found = case.agreement.disclosure, case.request.evidence.inferences
    if found is None:
        return Finding(Outcome.DENY, "it was not measured what a group of look-alikes tells")
    leaving = [field for field, _, _ in kept(case)]
    undeclared = [f.path for f in leaving if f.name in SENSITIVE and f.path not in settings.sensitive]
    measured = {each.path for each in found}
    unmeasured = [f.path for f in leaving if f.path in settings.sensitive and f.path not in measured]
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
