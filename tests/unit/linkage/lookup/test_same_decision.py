"""One client looked up is decided as in a batch: links, candidates, bits, whatever the register."""

from __future__ import annotations

from dataclasses import fields, replace
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import linkage
from linkage.comparison import COMPARISONS, MIDDLE
from linkage.guards import guards
from linkage.lookup import decide
from linkage.lookup.answer import Match
from linkage.lookup.build import build
from linkage.lookup.search import search, single_client_bands
from linkage.lookup.weigh import Weigher
from linkage.model import Bands

PRINTED = 2e-6
"""Weights are rounded to six decimals."""

# Each example makes a store; to make a failing one smaller would take minutes.
SLOW = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def agree(link: dict[str, Any], candidates: list[dict[str, Any]], found: Match) -> None:
    """Assert that a row of LINK and its rows of CANDIDATE say what a look-up says."""
    assert (link["decision"], link["nhs_number"], link["reason"]) == (found.decision, found.nhs_number, found.reason)
    assert link["candidate_nhs_number"] == (found.candidate and found.candidate.nhs_number)
    assert link["runner_up_nhs_number"] == (found.runner_up and found.runner_up.nhs_number)
    assert dict(link["levels"] or {}) == found.levels
    assert link["method"] == found.method
    assert len(candidates) == len(found.candidates)
    for row, candidate in zip(candidates, found.candidates, strict=True):
        key = (row["register_source"], row["register_source_org"], row["register_record_id"])
        assert key == (candidate.source, candidate.source_org, candidate.record_id)
        assert (row["method"], dict(row["levels"])) == (candidate.method, candidate.levels)
        assert abs(row["weight"] - candidate.weight) < PRINTED
        assert abs(row["probability"] - candidate.probability) < PRINTED
        assert abs(row["household_bits"] - candidate.household_bits) < PRINTED
        assert abs(row["prior_bits"] - candidate.prior_bits) < PRINTED
        bits = dict(row["bits"])
        assert bits.keys() == candidate.bits.keys()
        assert all(abs(bits[name] - candidate.bits[name]) < PRINTED for name in bits)


def linked(connection, model, **settings: Any) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """Rows of LINK and of CANDIDATE by the client's record_id."""
    linkage.link(connection, seed=0, run_id="test", model=model, settings=linkage.Settings(**settings))
    links = {row["record_id"]: row for row in connection.sql("FROM link").to_arrow_table().to_pylist()}
    candidates: dict[str, list[dict[str, Any]]] = {record_id: [] for record_id in links}
    for row in connection.sql("FROM candidate ORDER BY rank").to_arrow_table().to_pylist():
        candidates[row["record_id"]].append(row)
    return links, candidates


@pytest.fixture
def by_its_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what a batch does for clients who are left once most have found their person.

    Both steps ask how few are left on both sides, which a client alone cannot say.
    """
    monkeypatch.setattr("linkage.engine.look_again", lambda connection, model, frequencies: 0)
    monkeypatch.setattr(
        "linkage.engine.make_room",
        lambda connection, people: connection.execute("ALTER TABLE ranked ADD COLUMN room DOUBLE DEFAULT 0"),
    )


@settings(SLOW, max_examples=8)
@given(data=st.data())
def test_a_client_looked_up_is_decided_as_in_a_batch(data: st.DataObject, people, both, records, by_its_rules) -> None:
    drawn = data.draw(st.lists(people, min_size=4, max_size=20))
    clients = drawn[::3] + [person | {"nhs_number": None} for person in drawn[::2]]
    connection = both(clients, drawn)
    numberless = data.draw(st.sampled_from(("auto", "link", "review")))
    shipped = linkage.default_model()
    # Models made before middle names were compared still weigh without them.
    older = tuple(each for each in shipped.comparisons if each.comparison is not MIDDLE)
    compared = data.draw(st.sampled_from((shipped.comparisons, older)))
    model = replace(shipped, comparisons=compared, bands=Bands(0.97, 0.2))
    register, looked_for = build(connection), records(connection, "clients")
    links, candidates = linked(connection, model, numberless=numberless)
    weigher = Weigher.of(model)
    for record_id, client in looked_for.items():
        agree(links[record_id], candidates[record_id], search(register, weigher, client, numberless=numberless))


@settings(SLOW, max_examples=5)
@given(data=st.data())
def test_without_bands_it_is_decided_as_in_a_batch_of_one(
    data: st.DataObject, people, both, records, by_its_rules
) -> None:
    drawn = data.draw(st.lists(people, min_size=2, max_size=10))
    connection = both(drawn[:1], drawn)
    model = linkage.default_model()
    register, looked_for = build(connection), records(connection, "clients")
    links, candidates = linked(connection, model)
    weigher = Weigher.of(replace(model, bands=single_client_bands()))
    for record_id, client in looked_for.items():
        agree(links[record_id], candidates[record_id], search(register, weigher, client))


def test_guards_are_those_of_the_batch() -> None:
    """On facts drawn at random, which hold every combination that a guard asks for."""
    chance = Random(5)  # noqa: S311 - no secret depends on it
    facts = [each.name for each in fields(decide.Best) if each.name not in ("levels", "probability", "comparisons")]
    drawn = [
        decide.Best(
            levels=[max(chance.randint(-2, len(each.levels) - 1), -1) for each in COMPARISONS],
            probability=chance.uniform(0.99, 1),
            **{name: chance.random() < 0.3 for name in facts},
        )
        for _ in range(20_000)
    ]
    best = {each.column: [row.levels[n] for row in drawn] for n, each in enumerate(COMPARISONS)}
    best |= {name: [getattr(row, name) for row in drawn] for name in ("probability", *facts)}
    best["number_is_silent"] = [row.silent("number") for row in drawn]
    known = ", ".join(f"nullif({each.column}, -1) AS {each.column}" for each in COMPARISONS)
    arms = " ".join(f"WHEN {guard.sql()} THEN $${guard.name}$$" for guard in guards(COMPARISONS))
    with duckdb.connect() as connection:
        connection.register("drawn", pa.table(best))
        found = connection.execute(f"SELECT CASE {arms} END FROM (SELECT * REPLACE ({known}) FROM drawn)").fetchall()
    assert [guard for (guard,) in found] == [decide.guarded(each) for each in drawn]
    assert {guard for (guard,) in found} == {None, *(guard.name for guard in guards(COMPARISONS))}
