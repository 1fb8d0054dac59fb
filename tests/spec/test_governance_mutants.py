"""Rules and the decision changed in small ways: the tables of `test_governance_rules` must see whatever allows more.

A mutant that the tables do not see is asked about every case of theirs, and about a thousand made of two of them: where
it allows what was not allowed, or lets a field leave that was dropped, the tables lack a line.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import ValidationError

from governance import decide as decision
from governance.decide import decide
from governance.request import History, Subject
from governance.rules import MODULES, reversal, rule
from governance.rules.rule import RULES, Case, Finding, Outcome


def _beside(name: str) -> ModuleType:
    """A file of this folder, which is no package."""
    spec = util.spec_from_file_location(f"spec_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


mutants, tables = _beside("mutants"), _beside("test_governance_rules")
TODAY: date = tables.TODAY
PROVE = "CARETRACE_PROVE" in os.environ


@dataclass(frozen=True)
class Row:
    """A line of the tables as a case, and what it demands of its rule."""

    rule: str
    case: Case
    outcome: Outcome
    words: str

    def holds(self) -> bool:
        """Whether the rule, and the decision made of all, still are what the line says."""
        try:
            found = RULES[self.rule].check(self.case)
        except Exception:  # whatever a mutant raises, nothing leaves
            return False
        return found.outcome is self.outcome and self.words in found.reason


def _case(folder: Path, agreed: dict[str, Any], asked: dict[str, Any], subject: Subject | None) -> Case:
    asked = dict(asked)
    past = asked.pop("history", History())
    agreement = tables.signed(folder, agreed)
    return Case(agreement, tables.request(agreement, **asked), subject, TODAY, past)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    folder = tmp_path_factory.mktemp("rows")
    made = [Row(name, _case(folder, agreed, asked, None), *demand) for name, agreed, asked, *demand in tables.REQUESTS]
    for name, agreed, flags, *demand in tables.SUBJECTS:
        made.append(Row(name, _case(folder, agreed, {}, replace(tables.SUBJECT, **flags)), *demand))
    for flag in tables.KNOWN:
        unknown = replace(tables.SUBJECT, **{flag: None})
        case = _case(folder, tables.INCLUDE, {}, unknown)
        against = [name for name, each in RULES.items() if each.scope is rule.Scope.SUBJECT]
        found = {name: RULES[name].check(case) for name in against}
        made += [
            Row(name, case, each.outcome, "not known") for name, each in found.items() if "not known" in each.reason
        ]
    return made


@pytest.fixture(scope="module")
def probes(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    """The cases of the tables, and cases made of two lines each."""
    folder, chance = tmp_path_factory.mktemp("probes"), random.Random(1)  # noqa: S311 - cases, not keys
    found = [row.case for row in rows]
    for _ in range(1500 if PROVE else 100):
        (_, agreed, asked, *_), (_, more, besides, *_) = chance.sample(tables.REQUESTS, 2)
        try:
            found.append(_case(folder, {**agreed, **more}, _both(asked, besides), None))
        except (ValidationError, KeyError, IndexError, TypeError):
            continue  # the two do not go together
    return found


def _both(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Two requests laid over each other, evidence by evidence, releases of the past together."""
    made = {**one, **other}
    if "evidence" in one and "evidence" in other:
        plain = vars(tables.EVIDENCE)
        told = {name: value for name, value in vars(other["evidence"]).items() if value != plain[name]}
        made["evidence"] = replace(one["evidence"], **told)
    if "history" in one and "history" in other:
        made["history"] = replace(other["history"], releases=(*one["history"].releases, *other["history"].releases))
    return made


def _allows_more(case: Case, of: list[str], before: dict[str, Finding]) -> bool:
    for name in of:
        try:
            now = RULES[name].check(case)
        except Exception:  # noqa: S112 - whatever a mutant raises, nothing leaves
            continue
        if now.outcome < before[name].outcome or not set(before[name].drops) <= set(now.drops):
            return True
    return False


def _of_cases(case: Case) -> list[str]:
    """The rules that are asked about a case."""
    about_people = case.subject is not None
    return [name for name, each in RULES.items() if (each.scope is rule.Scope.SUBJECT) is about_people]


def survivors(rows: list[Row], found: Iterator[Any]) -> list[Any]:
    """Mutants under which every line of the tables holds."""
    left = []
    for mutant in found:
        with mutant.applied():
            if all(row.holds() for row in rows):
                left.append(mutant)
    return left


def allow_more(left: list[Any], probes: list[Case]) -> list[str]:
    """Of mutants that the tables do not see, those that allow more of some case."""
    plain = [(case, _of_cases(case)) for case in probes]
    before = [{name: RULES[name].check(case) for name in names} for case, names in plain]
    said = []
    for mutant in left:
        with mutant.applied():
            if any(_allows_more(case, names, old) for (case, names), old in zip(plain, before, strict=True)):
                said.append(f"{mutant.where}  {mutant.change}")
    return said


def _of(module: ModuleType) -> Iterator[Any]:
    # Registering happened when the module was loaded; there is nothing left of it to be changed.
    found: Iterator[Any] = mutants.of_module(module, lambda name: name != "rule")
    return found


def _nearest_first(rows: list[Row], module: ModuleType) -> list[Row]:
    return sorted(rows, key=lambda row: RULES[row.rule].check.__module__ != module.__name__)


RULED = (*MODULES, rule) if PROVE else (reversal,)


@pytest.mark.prove
@pytest.mark.parametrize("module", RULED, ids=lambda module: module.__name__)
def test_no_mutant_of_a_rule_allows_more_unseen(module: ModuleType, rows: list[Row], probes: list[Case]) -> None:
    left = survivors(_nearest_first(rows, module), _of(module))
    assert allow_more(left, probes) == []


def test_a_line_that_is_missing_is_noticed(rows: list[Row], probes: list[Case]) -> None:
    """Without the lines about how many approvers there must be, a rule that asks for fewer would not be seen."""
    fewer = [row for row in rows if row.words != "two different approvers"]
    said = allow_more(survivors(_nearest_first(fewer, reversal), _of(reversal)), probes)
    assert any("len(named) != 2" in each for each in said)


def _decided(case: Case) -> tuple[Outcome, frozenset[str], int]:
    made = decide(case.signed, case.request, case.subject, case.today, case.history)
    return made.outcome, made.drops, len(made.trace)


def _tables_hold(rows: list[Row], folder: Path) -> bool:
    """Whether the tests of the decision, and lines of the tables, pass."""
    try:
        for test in DECIDED:
            test(folder)
        for row in rows:
            made = decide(row.case.signed, row.case.request, row.case.subject, row.case.today, row.case.history)
            [found] = [each.finding for each in made.trace if each.rule.id == row.rule]
            assert found.outcome is row.outcome <= made.outcome
    except Exception:  # an assertion, or an error that lets nothing leave
        return False
    return True


DECIDED = (
    tables.test_without_an_agreement_nothing_is_allowed,
    tables.test_the_plain_case_is_allowed_and_every_rule_is_in_its_trace,
    tables.test_a_reversal_rests_on_the_agreements_own_text_too,
    tables.test_without_evidence_nothing_is_allowed,
    tables.test_reasons_carry_rule_and_citation,
    tables.test_what_is_asked_when,
    tables.test_the_worst_outcome_wins_and_every_drop_counts,
)


@pytest.mark.prove
def test_no_mutant_of_the_decision_allows_more_unseen(rows: list[Row], probes: list[Case], tmp_path: Path) -> None:
    some, every = (rows[::9], probes[::9]) if PROVE else (rows[::50], probes[::50])
    before = [_decided(case) for case in every]
    said = []
    for mutant in mutants.of_module(decision):
        with mutant.applied():
            if not _tables_hold(some, tmp_path):
                continue
            for case, (outcome, drops, asked) in zip(every, before, strict=True):
                now = _decided(case)
                if now[0] < outcome or not drops <= now[1] or now[2] < asked:
                    said.append(f"{mutant.where}  {mutant.change}")
                    break
    assert said == []
