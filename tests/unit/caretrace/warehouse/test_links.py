"""Links from night to night: what ended, when and why; traces laid over them; numbers loaded back and retracted."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caretrace.outputs import OutputSettings, prepare_claims
from caretrace.trace.rules import Verdict
from caretrace.trace.store import ANSWER_COLUMNS, facts
from caretrace.warehouse import retracting, traced
from caretrace.warehouse.views import open_views
from schemas.person import SUPERSEDED_NHS_NUMBER

A, B = "9990000018", "9990000026"
REGISTER = [{"record_id": "r1", "nhs_number": A}, {"record_id": "r2", "nhs_number": B}]
CLIENT = {"record_id": "c1", "family_name": "Webb"}


def link(number: str | None, row: str = "r1", **more: Any) -> dict[str, Any]:
    """A decision about client c1."""
    return {
        "record_id": "c1",
        "decision": "link" if number else "none",
        "nhs_number": number,
        "candidate_nhs_number": number,
        "register_source": "s",
        "register_source_org": "o",
        "register_record_id": row,
        "method": "probabilistic",
        **more,
    }


class Nights:
    """One client and two register rows; each night says what is delivered and what linkage decides."""

    def __init__(self, warehouse: Any) -> None:
        self.warehouse = warehouse
        self.traces = warehouse.state.folder.parent / "traces"
        self.read = 0

    def __call__(self, decided: Any = (), *, client: Any = CLIENT, register: Any = REGISTER) -> Any:
        self.warehouse.night().deliver("clients", "c", whole=True, person=[client] if client else [])
        self.warehouse.deliver("register", "r", whole=True, person=register)
        changes = self.warehouse.decide(*([decided] if decided else []))
        self.warehouse.key()
        return changes

    def answer(self, verdict: Verdict, number: str | None = None, **more: Any) -> None:
        [(hashed,)] = self.warehouse.ask(f"SELECT {facts('p')} FROM state.clients.person p")
        self.read += 1
        row = {
            **dict.fromkeys(ANSWER_COLUMNS),
            **{"source": "s", "source_org": "o", "record_id": "c1", "facts": hashed, "reference": f"q{self.read}"},
            **{"reading": self.read, "round": "names", "service": "mesh", "outcome": "found", "code": "1"},
            **{"verdict": verdict.name, "nhs_number": number},
            **more,
        }
        folder = self.traces / "readings" / f"{self.read:04d}"
        folder.mkdir(parents=True)
        table = self.warehouse.connection.from_arrow(pa.Table.from_pylist([row]))
        declared = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in ANSWER_COLUMNS.items())
        pq.write_table(table.select(declared).to_arrow_table(), folder / "answers.parquet")

    def holds(self) -> Any:
        [row] = self.warehouse.ask("SELECT decision, nhs_number, method, reason FROM state.link")
        return row

    def past(self) -> list[tuple[Any, ...]]:
        return self.warehouse.ask(
            "SELECT from_run, to_run, decision, nhs_number, why FROM state.link_past ORDER BY to_run"
        )

    def hand_over(self) -> int:
        open_views(self.warehouse.state)
        prepare_claims(self.warehouse.connection)
        return retracting.note_loaded_back(self.warehouse.state, OutputSettings())

    def retracted(self) -> list[tuple[Any, ...]]:
        return self.warehouse.ask("SELECT run, nhs_number, reason FROM state.retraction ORDER BY ALL")


@pytest.fixture
def nights(warehouse: Any) -> Nights:
    return Nights(warehouse)


def test_a_link_that_stays_keeps_its_run(nights: Nights) -> None:
    assert nights(link(A)).new == 1
    changes = nights(link(A, run_id="another"))
    assert (changes.decided, changes.other) == (1, 0)
    assert nights.warehouse.ask("SELECT from_run, run_id FROM state.link") == [(1, None)]
    assert nights.past() == []


MARRIED = CLIENT | {"family_name": "Potter"}
ANN = {"decided_by": "ann", "decided_at": "2026-11-01 10:00:00"}


@pytest.mark.parametrize(
    ("then", "night", "why"),
    [
        (link(B, "r2"), {"client": MARRIED}, "linked to another person: the client's record changed"),
        (link(None), {"register": REGISTER[1:]}, "not linked any more: the register row is gone"),
        (
            link(B, "r3"),
            {"register": [*REGISTER, {"record_id": "r3", "nhs_number": B}]},
            "linked to another person: a new register row",
        ),
        (
            link(B),
            {"register": [{"record_id": "r1", "nhs_number": B}]},
            "linked to another person: the register row changed",
        ),
        (link(A, **ANN), {}, "as before, weighed anew: a person decided"),
        (link(None, decision="review"), {}, "not linked any more: other people in the register were weighed beside it"),
        (link(A, model_id="other"), {}, "as before, weighed anew: another model"),
    ],
)
def test_history_says_why(nights: Nights, then: Any, night: Any, why: str) -> None:
    nights(link(A))
    nights(then, **night)
    assert nights.past() == [(1, 2, "link", A, why)]


def test_a_decision_against_a_link_is_its_reason(nights: Nights) -> None:
    nights(link(A))
    nights.warehouse.connection.execute(
        f"CREATE TABLE store.verdict AS SELECT 's' AS source, 'o' AS source_org, 'c1' AS record_id,"
        f" 'different' AS verdict, '{A}' AS nhs_number"
    )
    nights(link(None))
    assert nights.past()[0][-1] == "not linked any more: a person decided that they are two people"


def test_links_of_clients_who_are_gone_end_with_a_reason(nights: Nights) -> None:
    nights.warehouse.night().deliver("clients", "c", whole=True, person=[CLIENT])
    nights.warehouse.deliver("register", "r", whole=True, person=REGISTER)
    nights.warehouse.decide(link(A), candidates=[{"record_id": "c1", "rank": "1", "nhs_number": A}])
    nights.warehouse.key()
    assert nights.warehouse.ask("SELECT count(*) FROM state.candidate") == [(1,)]
    changes = nights(client=None)
    assert changes.gone == 1
    assert nights.past() == [(1, 2, "link", A, "the client's record is gone")]
    for table in ("link", "candidate", "decided"):
        assert nights.warehouse.ask(f"SELECT count(*) FROM state.{table}") == [(0,)]


def test_candidates_are_written_as_they_will_be(nights: Nights) -> None:
    nights()
    for number in (A, B):
        nights.warehouse.night().decide(
            link(number), candidates=[{"record_id": "c1", "rank": "1", "nhs_number": number}]
        )
        assert nights.warehouse.taken == nights.warehouse.ask("FROM state.candidate")
        assert [row[5] for row in nights.warehouse.taken] == [number]


def test_an_accepted_trace_is_the_link(nights: Nights) -> None:
    nights(link(None, "r2", decision="review", candidate_nhs_number=B))
    nights.answer(Verdict.ACCEPTED, A)
    changes = nights()
    assert changes.linked == 1
    assert nights.holds() == ("link", A, "trace", None)
    # The register row is that of the traced number, and what was weighed for another row is not told of this one.
    row = nights.warehouse.ask("SELECT register_record_id, candidate_nhs_number, probability FROM state.link")
    assert row == [("r1", A, None)]
    assert nights.past()[0][-1] == "linked now: the national service confirmed a number"
    assert nights.hand_over() == 1
    assert nights.warehouse.ask("SELECT nhs_number, status FROM state.loaded_back") == [(A, "01")]


def review(reason: str) -> tuple[str, None, str, str]:
    return "review", None, "probabilistic", reason


TRACED, LINKED = "trace", ("link", A, "probabilistic", None)


@pytest.mark.parametrize(
    ("decided", "verdict", "number", "more", "holds"),
    [
        (link(A), Verdict.ACCEPTED, A, {}, ("link", A, TRACED, None)),
        (link(A), Verdict.ACCEPTED, B, {}, review(traced.LINKED_ELSEWHERE)),
        (link(A), Verdict.ACCEPTED, B, {"asked": A}, ("link", B, TRACED, None)),
        (link(A), Verdict.REPLACED, B, {"asked": A}, ("link", B, TRACED, None)),
        (link(A, **ANN), Verdict.ACCEPTED, B, {}, review(traced.DECIDED_ELSEWHERE)),
        (link(A), Verdict.REFER, A, {"reason": "other name"}, review("traced: a person must look: other name")),
        (link(A, **ANN), Verdict.REFER, A, {"answered_on": "2026-10-01"}, LINKED),
        (link(A, **ANN), Verdict.REFER, A, {"answered_on": "2026-11-02"}, review("traced: a person must look")),
        (link(A, **ANN), Verdict.SUPPRESSED, None, {}, review(f"traced: {Verdict.SUPPRESSED.value}")),
        (link(A), Verdict.NOT_CONFIRMED, None, {"asked": A}, review("traced: not confirmed")),
        (link(A), Verdict.NOT_CONFIRMED, None, {"asked": B}, LINKED),
        (link(A), Verdict.NOT_FOUND, None, {}, LINKED),
    ],
)
def test_what_an_answer_makes_of_a_decision(
    nights: Nights, decided: Any, verdict: Verdict, number: str | None, more: Any, holds: Any
) -> None:
    nights(decided)
    nights.answer(verdict, number, **more)
    nights()
    assert nights.holds() == holds


def test_an_answer_that_holds_no_more_leaves_what_linkage_said(nights: Nights) -> None:
    nights(link(None))
    nights.answer(Verdict.ACCEPTED, A)
    nights()
    nights(client=MARRIED)
    assert nights.holds()[0] == "none"
    assert nights.past()[-1][-1] == "not linked any more: the answer of the national service holds no more"


def test_a_client_whose_trace_found_nobody_is_not_loaded_back(nights: Nights) -> None:
    nights(link(A))
    nights.answer(Verdict.NOT_FOUND)
    nights()
    assert nights.hand_over() == 0


def test_a_number_is_handed_over_once(nights: Nights) -> None:
    nights(link(A))
    assert nights.hand_over() == 1
    assert nights.warehouse.ask("SELECT client_id, nhs_number FROM newly_loaded_back") == [("c1", A)]
    nights(link(A))
    assert nights.hand_over() == 0
    assert nights.warehouse.ask("SELECT * FROM newly_loaded_back") == []


@pytest.mark.parametrize(
    ("then", "night", "reason"),
    [
        (link(B, "r2"), {}, retracting.ANOTHER),
        (link(None, decision="review", reason="two are close"), {}, "no longer sure: two are close"),
        (link(None), {"register": REGISTER[1:]}, None),
        (None, {"client": None}, None),
    ],
)
def test_a_number_loaded_back_that_proves_wrong_is_retracted(
    nights: Nights, then: Any, night: Any, reason: str | None
) -> None:
    nights(link(A))
    nights.hand_over()
    changes = nights(then, **night)
    assert nights.retracted() == ([(2, A, reason)] if reason else [])
    assert changes.retracted == len(nights.retracted())
    open_views(nights.warehouse.state)
    prepare_claims(nights.warehouse.connection)
    retracting.open_handed_over(nights.warehouse.state, OutputSettings())
    newly = nights.warehouse.ask("SELECT source, client_id, nhs_number, loaded_back_in, reason FROM newly_retracted")
    assert newly == ([("s", "c1", A, 1, reason)] if reason else [])


def test_a_number_that_another_superseded_is_told_from_a_wrong_one(nights: Nights) -> None:
    nights(link(A))
    nights.hand_over()
    nights.warehouse.night().deliver(
        "register",
        "r",
        whole=True,
        person=[{"record_id": "r1", "nhs_number": B}],
        identifier=[{"record_id": "r1", "scheme": SUPERSEDED_NHS_NUMBER, "value": A}],
    )
    nights.warehouse.decide(link(B))
    assert nights.retracted() == [(2, A, retracting.REPLACED)]


def test_a_number_that_the_service_replaced_is_told_from_a_wrong_one(nights: Nights) -> None:
    nights(link(A))
    nights.hand_over()
    nights.answer(Verdict.REPLACED, B, asked=A)
    nights()
    assert nights.retracted() == [(2, A, retracting.REPLACED)]


def test_a_number_found_again_after_its_retraction_is_handed_over_again(nights: Nights) -> None:
    for decided in (link(A), link(None, decision="review"), link(A), link(None, decision="review")):
        nights(decided)
        nights.hand_over()
    assert nights.warehouse.ask("SELECT run FROM state.loaded_back ORDER BY 1") == [(1,), (3,)]
    assert [run for run, *_ in nights.retracted()] == [2, 4]


def test_a_trace_that_refuses_a_loaded_number_retracts_it(nights: Nights) -> None:
    nights(link(A))
    nights.hand_over()
    nights.answer(Verdict.NOT_CONFIRMED, asked=A)
    nights()
    assert nights.retracted() == [(2, A, retracting.NOT_CONFIRMED)]
