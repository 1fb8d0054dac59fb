"""Evidence for each of the eight Caldicott principles: which rule was asked, how often, and what came of it.

From the log alone, so it shows what was done and not what was intended. What the log cannot show is said as well.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from governance.rules.rule import RULES

COLUMNS = ("principle", "asks", "evidence", "times", "let_pass", "stopped", "last")
"""`times` counts decisions or entries; `stopped` are refusals and referrals to a person."""

PRINCIPLES = {
    1: "Justify the purpose",
    2: "Use confidential information only when it is necessary",
    3: "Use the minimum necessary",
    4: "Access on a strict need-to-know basis",
    5: "Everyone with access knows their responsibilities",
    6: "Comply with the law",
    7: "Sharing for individual care is as important as protecting confidentiality",
    8: "Inform people about how their information is used",
}
"""The National Data Guardian's principles of December 2020, by number."""

NOT_SHOWN = {
    1: "whether the purpose is a good one",
    2: "whether anonymised information would have been enough",
    3: "whether each justification is true",
    4: "who at the recipient really looks at the data",
    5: "what was taught, and whether it was understood",
    6: "whether the bases that are named are the right ones",
    7: "what was not asked for out of fear of refusal",
    8: "whether people have read the notice",
}
"""What no log can show, and somebody has to judge."""

_REFUSED, _BY_SIGNATURE = "", "RELEASE_INTENT signed"
"""Kinds of entry that are told by more than their type."""
_ENTRIES = (
    (1, "releases approved by somebody other than their maker", "RELEASE_INTENT"),
    (1, "of these, approved by a signature of their own", _BY_SIGNATURE),
    (1, "incidents about a release, opened or closed", "INCIDENT"),
    (4, "agreements recorded with their recipients", "AGREEMENT_RECORDED"),
    (4, "certificates of destruction", "DESTRUCTION_CERT"),
    (7, "refusals with their reasons", _REFUSED),
    (8, "releases in the register of disclosures", "RELEASED"),
    (8, "questions about one person, answered", "SAR_QUERY"),
)
_CITED = re.compile(r"Caldicott principles? (\d)(?: and (\d))?")


def rows(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row for each principle and rule or record that bears on it, in the order of the principles."""
    asked: dict[str, Counter[str]] = {}
    last: dict[str, str] = {}
    kinds: Counter[str] = Counter()
    for entry in entries:
        body, kind, day = entry["body"], entry["type"], entry["at"][:10]
        if kind == "RELEASE_INTENT" and body["maker"] == body["approved_by"]:
            continue
        if kind == "DECISION" and body.get("outcome") in ("REFER", "DENY"):
            kinds[_REFUSED] += 1
            last[_REFUSED] = day
        if kind == "RELEASE_INTENT" and body.get("approval"):
            kinds[_BY_SIGNATURE] += 1
            last[_BY_SIGNATURE] = day
        kinds[kind] += 1
        last[kind] = day
        # A rule may be asked of the whole and of each kind of person: it counts once, by the worst it said.
        for rule, outcome in _worst(body.get("trace", ()) if kind == "DECISION" else ()).items():
            asked.setdefault(rule, Counter())[outcome] += 1
            last[rule] = day
    found = [*_of_rules(asked, last), *_of_entries(kinds, last), *_not_shown()]
    return sorted(found, key=lambda row: row["principle"])


def _worst(trace: Iterable[str]) -> dict[str, str]:
    order = ("ALLOW", "TRANSFORM", "REFER", "DENY")
    worst: dict[str, str] = {}
    for said in trace:
        rule, _, outcome = said.partition(" ")
        rule = rule.partition(".")[0]
        worst[rule] = max(worst.get(rule, "ALLOW"), outcome, key=order.index)
    return worst


def _of_rules(asked: Mapping[str, Counter[str]], last: Mapping[str, str]) -> list[dict[str, Any]]:
    found = []
    for rule in RULES.values():
        counts = asked.get(rule.id, Counter())
        passed = counts["ALLOW"] + counts["TRANSFORM"]
        for match in _CITED.finditer(rule.citation):
            for number in filter(None, match.groups()):
                said = (f"{rule.id} {rule.title}", counts.total(), passed, counts.total() - passed)
                found.append(_row(int(number), *said, last.get(rule.id, "")))
    return found


def _of_entries(kinds: Counter[str], last: Mapping[str, str]) -> list[dict[str, Any]]:
    return [_row(number, what, kinds[kind], "", "", last.get(kind, "")) for number, what, kind in _ENTRIES]


def _not_shown() -> list[dict[str, Any]]:
    return [_row(number, f"not shown by the log: {what}", "", "", "", "") for number, what in NOT_SHOWN.items()]


def _row(number: int, *values: Any) -> dict[str, Any]:
    return dict(zip(COLUMNS, (number, PRINCIPLES[number], *values), strict=True))
