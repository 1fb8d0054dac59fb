"""The release gate changed in small ways: what is refused must stay refused, who is left out must stay out.

Each demand below is what the gate is for; a mutant that meets all of them is named in `SAME`, with the reason why it
allows no more.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from governance import agreement, example, making, people, plan, release
from governance import approval as approval_of
from governance.agreement.example_keys import example_key
from governance.audit import log
from governance.decide import Asked, Decision
from governance.making import Making
from governance.plan import ReleasePlan
from governance.rules.rule import RULES, Finding, Outcome
from schemas.errors import InputError, Refused

if TYPE_CHECKING:
    from conftest import Desk, Kit


def _mutants() -> ModuleType:
    path = Path(__file__).parents[2] / "spec" / "mutants.py"
    spec = util.spec_from_file_location("gate_mutants", path)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


mutants = _mutants()


@dataclass(frozen=True)
class Gate:
    """A desk and a plan that nothing stands against."""

    kit: Kit
    desk: Desk
    planned: ReleasePlan

    def of(self, outcome: Outcome) -> ReleasePlan:
        """The plan with another decision."""
        asked = Asked(RULES["R01"], Finding(outcome, "because"))
        return replace(self.planned, decision=Decision(outcome, (asked,)))

    def refused(self, what: Any, words: str, *args: Any, **about: Any) -> None:
        """It raises, and says why."""
        with pytest.raises((Refused, InputError), match=words):
            what(*args, **about)


@pytest.fixture(scope="module")
def gate(kit_in: type[Kit], tmp_path_factory: pytest.TempPathFactory) -> Gate:
    kit = kit_in(tmp_path_factory.mktemp("gate"))
    desk = kit.desk()
    return Gate(kit, desk, desk.plan())


def only_what_is_allowed_passes(gate: Gate) -> None:
    for outcome in (Outcome.ALLOW, Outcome.TRANSFORM):
        assert gate.of(outcome).allowed
        release.check(gate.of(outcome))
    for outcome, words in ((Outcome.REFER, "a person's decision first"), (Outcome.DENY, "is refused")):
        assert not gate.of(outcome).allowed
        gate.refused(release.check, words, gate.of(outcome))
        with pytest.raises(Refused) as error:
            release.check(gate.of(outcome))
        assert [reason.partition(":")[0] for reason in error.value.reasons] == ["R01"]


def what_is_made_is_asked_again(gate: Gate) -> None:
    with log.opened(gate.desk.audit, gate.desk.keys, now=gate.kit.now) as held:
        plain = Making(held, gate.planned, gate.desk.keys, "maker", example.APPROVER, gate.kit.now)
        decided = plain._decide(gate.planned)
        assert decided.outcome < Outcome.REFER
        assert {"R40", "R41", "R44"} <= {each.rule.id for each in decided.trace}
        unlooked = replace(gate.planned.request, evidence=replace(gate.planned.request.evidence, scan=None))
        late = replace(gate.planned, today=gate.planned.today + timedelta(days=4000))
        for wrong, words in (
            (replace(plain, approved_by="MAKER"), "a person's decision first"),
            (replace(plain, maker=""), "a person's decision first"),
            (replace(plain, approved_by=""), "a person's decision first"),
            (replace(plain, plan=replace(gate.planned, request=unlooked)), "is refused"),
            (replace(plain, plan=late), "is refused"),
        ):
            before = len(held.entries)
            gate.refused(wrong._decide, words, wrong.plan)
            assert [each["type"] for each in held.entries[before:]] == ["DECISION"]
        before = len(held.entries)
        gate.refused(plain._decide, "changed since the plan", replace(gate.planned, considered=99))
        gate.refused(plain._decide, "changed since the plan", replace(gate.planned, rows=(("person", 1),)))
        assert len(held.entries) == before


def nothing_is_written_over_and_no_old_plan_is_made(gate: Gate) -> None:
    there = gate.desk.project / "releases"
    shutil.rmtree(there, ignore_errors=True)  # what a mutant before this one left
    there.mkdir()
    about = {"maker": "maker", "now": gate.kit.now}
    gate.refused(release.make, "never written over", gate.planned, there, example.APPROVER, **about)
    for days in (-2, 2, 3):
        when = {"maker": "maker", "now": gate.kit.now + timedelta(days=days)}
        gate.refused(release.make, "plan again today", gate.planned, there / "one", example.APPROVER, **when)
    assert not any(there.iterdir())


def only_whom_every_rule_lets_pass_is_chosen(gate: Gate) -> None:
    """A kind of person for each outcome; each has a decision of its own."""
    outcomes = list(Outcome)
    kinds = iter(outcomes)

    def ask(_: Any) -> Decision:
        outcome = next(kinds)
        asked = (Asked(RULES["R20"], Finding(Outcome.ALLOW, "")), Asked(RULES["R23"], Finding(outcome, "left out: so")))
        return Decision(outcome, asked)

    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE people AS SELECT 'p' || i AS person_key, i % 4 AS flags FROM range(8) t(i)")
        left_out, decisions = people.choose(connection, ask)
        chosen = connection.execute("SELECT person_key FROM chosen ORDER BY 1").fetchall()
    assert chosen == [("p0",), ("p4",)]
    assert [(each.rule, each.reason, each.people) for each in left_out] == [("R23", "so", 6)]
    assert [each.outcome for each in decisions] == outcomes


def nobody_is_chosen_where_nobody_may_be(gate: Gate) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE people AS SELECT 'p' AS person_key, 3 AS flags")
        denied = Decision(Outcome.DENY, (Asked(RULES["R20"], Finding(Outcome.DENY, "")),))
        seen: list[Any] = []
        people.choose(connection, lambda subject: seen.append(subject) or denied)  # type: ignore[func-returns-value]
        assert connection.execute("SELECT count(*) FROM chosen").fetchall() == [(0,)]
    # Bits stand for flags in the order of Subject.
    assert [(who.covered, who.has_number, who.numbers_allowed, who.doubtful) for who in seen] == [
        (True, True, False, False)
    ]


def a_second_person_has_approved_what_is_made(gate: Gate) -> None:
    there, about = gate.desk.project / "releases", {"maker": "maker", "now": gate.kit.now}
    planned = gate.desk.plan()
    for approved_by, approval in (("", ""), ("Maker ", ""), (example.APPROVER, "I approve.")):
        with pytest.raises(Refused) as error:
            release.make(planned, there / "one", approved_by, approval=approval, **about)
        assert [reason[:4] for reason in error.value.reasons] == ["R40:"]
    # Who signed counts, and not the name typed beside the signature: here both are the maker.
    path = gate.desk.root / "plan.json"
    approval_of.write(planned, path)
    said, _ = approval_of.shown(path)
    key, signed = example_key("X0X01", "SIRO"), agreement.load(gate.desk.agreement)
    note = approval_of.load(approval_of.sign(signed, path, said, key, today=gate.kit.today))
    path.unlink()
    for each in path.parent.glob("plan.json.*"):
        each.unlink()
    own = about | {"maker": "Example Risk Owner of the Council"}
    gate.refused(release.make, "needs a person", planned, there / "one", example.APPROVER, approval=note, **own)
    assert not any(there.iterdir())


DEMANDS = (
    only_what_is_allowed_passes,
    nothing_is_written_over_and_no_old_plan_is_made,
    only_whom_every_rule_lets_pass_is_chosen,
    nobody_is_chosen_where_nobody_may_be,
    what_is_made_is_asked_again,
    a_second_person_has_approved_what_is_made,
)


@pytest.mark.parametrize("demand", DEMANDS, ids=lambda demand: demand.__name__)
def test_the_gate(gate: Gate, demand: Any) -> None:
    demand(gate)


def _unmet(gate: Gate) -> bool:
    for demand in DEMANDS:
        try:
            demand(gate)
        except BaseException as error:  # pytest's own failures are no Exception
            if isinstance(error, KeyboardInterrupt):
                raise
            return True
    return False


PROVE = "CARETRACE_PROVE" in os.environ
STRICTER = "more is refused, nothing else let through"
SAME = {
    "governance.release.make  abs((now.date() - planned.today).days) > 1  ->"
    "  abs((now.date() - planned.today).days) >= 1": STRICTER,
    "governance.release.make  1  ->  0": STRICTER,
    "governance.release.make  read_approval(approval, again) if approval else None  ->"
    "  read_approval(approval, again) if True else None": "no text is no approval, which R40 refuses",
    "governance.people.choose  f\"flags IN ({', '.join(passing)})\" if passing else 'false'  ->"
    "  f\"flags IN ({', '.join(passing)})\" if True else 'false'": "nothing is in an empty list",
    "governance.plan.ReleasePlan.sha256  ('trace', 'notes', 'number')  ->  ('notes', 'number')": STRICTER,
    "governance.plan.ReleasePlan.sha256  ('trace', 'notes', 'number')  ->  ('trace', 'number')": STRICTER,
    "governance.plan.ReleasePlan.sha256  ('trace', 'notes', 'number')  ->  ('trace', 'notes')": STRICTER,
    "governance.plan._hash  for name, value in said.items() if name not in without  ->"
    "  for name, value in said.items()": STRICTER,
}
"""Mutants that no demand sees, each with why it allows no more."""

EVERY = (
    (making, {"check_decision", "_decide"}),
    (people, {"choose"}),
    (plan, {"allowed", "sha256", "_hash"}),
    (release, {"check", "make"}),
)
GATES = EVERY if PROVE else EVERY[:1]


@pytest.mark.prove
@pytest.mark.parametrize(("module", "names"), GATES, ids=lambda each: getattr(each, "__name__", ""))
def test_no_mutant_of_the_gate_allows_more_unseen(gate: Gate, module: ModuleType, names: set[str]) -> None:
    left = []
    for mutant in mutants.of_module(module, names.__contains__):
        with mutant.applied():
            if not _unmet(gate):
                left.append(f"{mutant.where.rpartition(':')[0]}  {mutant.change}")
    assert sorted(set(left) - set(SAME)) == []
