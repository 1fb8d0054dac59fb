"""What the engine refuses, and how it says so."""

from __future__ import annotations

import re
import sys
from dataclasses import replace

import pytest

pytest.importorskip("recordlinkage")

import linkage
from linkage.reference import RecordLinkageEngine
from schemas import VERDICT
from schemas.errors import SettingsError

SOMEBODY = {"given_name": "Mary", "family_name": "Khan", "birth_date": "1931-07-09", "postcode": "BR1 3AA"}


def refused(store, message: str, engine: RecordLinkageEngine | None = None, **given) -> None:
    with pytest.raises(SettingsError, match=re.escape(message)):
        linkage.link(
            store([SOMEBODY], [SOMEBODY, SOMEBODY]), seed=1, run_id="x", engine=engine or RecordLinkageEngine(), **given
        )


def test_more_pairs_than_it_takes_are_refused_before_any_is_made(store) -> None:
    refused(store, "the recordlinkage engine takes no more than 3: use --engine duckdb", RecordLinkageEngine(3))


def test_comparisons_of_the_models_own_are_refused(store) -> None:
    model = linkage.default_model()
    first = model.comparisons[0]
    levels = (replace(first.comparison.levels[0], name="just so"), *first.comparison.levels[1:])
    own = replace(first, comparison=replace(first.comparison, levels=levels))
    model = replace(model, comparisons=(own, *model.comparisons[1:]))
    refused(store, "does not know the comparison 'given name' with these levels", model=model)


def test_standard_levels_by_another_rule_are_refused(store) -> None:
    model = linkage.default_model()
    first = model.comparisons[0]
    levels = (
        replace(first.comparison.levels[0], condition="l.given_sound = r.given_sound"),
        *first.comparison.levels[1:],
    )
    own = replace(first, comparison=replace(first.comparison, levels=levels))
    model = replace(model, comparisons=(own, *model.comparisons[1:]))
    refused(store, "does not know the comparison 'given name'", model=model)


def test_without_recordlinkage_it_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "recordlinkage", None)
    with pytest.raises(SettingsError, match="pip install"):
        RecordLinkageEngine()


def test_a_model_with_fewer_comparisons_is_taken(store) -> None:
    model = linkage.default_model()
    fewer = replace(model, comparisons=model.comparisons[:3])
    facts = linkage.link(
        store([SOMEBODY], [SOMEBODY, SOMEBODY]), seed=1, run_id="x", engine=RecordLinkageEngine(), model=fewer
    )
    assert facts.engine == "recordlinkage"
    assert facts.pairs >= 2


STRANGER = {"given_name": "Joan", "family_name": "Quill", "birth_date": "1960-02-03", "nhs_number": "9000000009"}


@pytest.mark.parametrize("verdict", [None, ("different", "r1"), ("same", "r2"), ("different", "r2")])
def test_decisions_of_people_are_honoured_as_duckdb_does(verdict: tuple[str, str] | None, store) -> None:
    found = []
    for engine in (None, RecordLinkageEngine()):
        connection = store([SOMEBODY], [SOMEBODY | {"nhs_number": "9434765919"}, STRANGER])
        if verdict:
            connection.execute(VERDICT.ddl("verdict"))
            connection.execute(
                "INSERT INTO verdict BY NAME SELECT p.source, p.source_org, p.record_id, r.source AS register_source,"
                " r.source_org AS register_source_org, r.record_id AS register_record_id, ? AS verdict,"
                " 'Ann' AS decided_by, TIMESTAMP '2026-11-20' AS decided_at"
                " FROM clients.person p, register.person r WHERE r.record_id = ?",
                verdict,
            )
        linkage.link(connection, seed=1, run_id="x", engine=engine)
        columns = "decision, nhs_number, method, reason, decided_by, round(weight, 5), runner_up_nhs_number"
        found.append(connection.execute(f"SELECT {columns} FROM link").fetchall())
    assert found[0] == found[1]
    assert found[0][0][:2] == {
        ("different", "r1"): ("none", None),
        ("same", "r2"): ("link", "9000000009"),
    }.get(verdict, ("link", "9434765919"))


def test_score_comes_after_sample(store) -> None:
    with pytest.raises(RuntimeError, match="after sample"):
        RecordLinkageEngine().score(None, linkage.default_model(), None, None)
