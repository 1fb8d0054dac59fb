"""Instant look-up as a user meets it: the same answers as a run, changes, files."""

from __future__ import annotations

import json
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import caretrace
from caretrace.synthetic import PRESETS, Synthetic, make

CLIENTS, REGISTER = 2_500, 20_000


@pytest.fixture(scope="module")
def people() -> Synthetic:
    return make(CLIENTS, REGISTER, seed=21)


@pytest.fixture(scope="module")
def run(people: Synthetic, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "one"
    caretrace.link(people.clients, people.register, seed=5, out=out)
    return out


@pytest.fixture(scope="module")
def matcher(people: Synthetic, run: Path) -> caretrace.Matcher:
    return caretrace.Matcher(people.register, run / "model.json")


def answers(links: pa.Table) -> dict[str, tuple[Any, ...]]:
    columns = ("decision", "nhs_number", "candidate_nhs_number", "register_record_id", "method", "reason")
    return {
        row["record_id"]: (*(row[name] for name in columns), row["runner_up_nhs_number"], dict(row["levels"] or {}))
        for row in links.to_pylist()
    }


def answer(match: caretrace.Match) -> tuple[Any, ...]:
    best, second = match.candidate, match.runner_up
    return (
        match.decision,
        match.nhs_number,
        best and best.nhs_number,
        best and best.record_id,
        match.method,
        match.reason,
        second and second.nhs_number,
        match.levels,
    )


@pytest.fixture
def by_its_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what a batch does for clients who are left once most have found their person."""
    monkeypatch.setattr("linkage.engine.look_again", lambda connection, model, frequencies: 0)
    monkeypatch.setattr(
        "linkage.engine.make_room",
        lambda connection, people: connection.execute("ALTER TABLE ranked ADD COLUMN room DOUBLE DEFAULT 0"),
    )


def test_every_client_is_decided_as_in_a_batch(
    people: Synthetic, run: Path, matcher: caretrace.Matcher, by_its_rules: None
) -> None:
    """By the model of an earlier run: 2,500 clients, together and one by one."""
    links = answers(caretrace.link(people.clients, people.register, model=run / "model.json").links)
    found = {row["record_id"]: answer(matcher.match(row)) for row in people.clients.to_pylist()}
    assert found == links
    decided = Counter(decision for decision, *_ in found.values())
    assert decided["link"] > 2_000
    assert decided["review"] > 5
    assert decided["none"] > 50


def test_hard_lists_without_numbers_are_decided_as_in_a_batch(tmp_path: Path, by_its_rules: None) -> None:
    people = make(600, 6_000, seed=8, errors=PRESETS["hard"])
    caretrace.link(people.clients, people.register, out=tmp_path / "run")
    model = tmp_path / "run" / "model.json"
    links = caretrace.link(people.clients, people.register, model=model).links
    matcher = caretrace.Matcher(people.register, model)
    rows = people.clients.to_pylist()
    matches = matcher.match_many(rows)
    found = {row["record_id"]: answer(match) for row, match in zip(rows, matches, strict=True)}
    assert found == answers(links)


def test_a_few_clients_without_a_model_are_decided_as_one_by_one(people: Synthetic, by_its_rules: None) -> None:
    register, clients = people.register.slice(0, 3_000), people.clients
    matcher = caretrace.Matcher(register)
    for place in (0, 700, 1_400):
        client = clients.slice(place, 1)
        (links,) = answers(caretrace.link(client, register).links).values()
        (row,) = client.to_pylist()
        assert answer(matcher.match(row)) == links


def test_a_register_may_be_a_file_or_several(people: Synthetic, tmp_path: Path, matcher: caretrace.Matcher) -> None:
    halves = [people.register.slice(0, REGISTER // 2), people.register.slice(REGISTER // 2)]
    for place, half in enumerate(halves):
        pq.write_table(half, tmp_path / f"half{place}.parquet")
    several = caretrace.Matcher([tmp_path / "half0.parquet", halves[1]], matcher.model)
    assert len(several) == len(matcher)
    row = people.clients.to_pylist()[3]
    assert several.match(row).nhs_number == matcher.match(row).nhs_number
    with pytest.raises(caretrace.InputError, match="needs source and source_org"):
        several.remove("R1")


def test_saved_and_opened_it_answers_alike(people: Synthetic, matcher: caretrace.Matcher, tmp_path: Path) -> None:
    matcher.save(tmp_path / "register.index")
    opened = caretrace.Matcher.open(tmp_path / "register.index")
    assert len(opened) == len(matcher)
    assert opened.model == matcher.model
    for row in people.clients.slice(0, 100).to_pylist():
        assert opened.match(row) == matcher.match(row)


def test_opened_it_may_be_given_another_model(matcher: caretrace.Matcher, tmp_path: Path) -> None:
    import linkage

    matcher.save(tmp_path / "register.index")
    opened = caretrace.Matcher.open(tmp_path / "register.index", linkage.default_model())
    assert opened.model.comparisons == linkage.default_model().comparisons
    assert opened.model != matcher.model


def test_rows_may_be_removed_changed_and_added(people: Synthetic, run: Path, tmp_path: Path) -> None:
    """Afterwards every client is decided as by a Matcher of the register as it now is."""
    before = people.register.slice(0, 6_000).to_pylist()
    matcher = caretrace.Matcher(people.register.slice(0, 6_000), run / "model.json")
    gone, moved, new = before[:150], before[150:300], people.register.slice(6_000, 200).to_pylist()
    moved = [row | {"postcode": "BR1 3AA", "family_name": "Featherstonehaugh"} for row in moved]
    assert matcher.remove([row["record_id"] for row in gone]) == 150
    assert matcher.change(moved) == 150
    assert matcher.add(new) == 200
    assert len(matcher) == 6_050

    now = pa.Table.from_pylist([*before[300:], *moved, *new], people.register.schema)
    rebuilt = caretrace.Matcher(now, run / "model.json")
    clients = [row | {"record_id": "c"} for row in (*gone, *moved, *new)] + people.clients.slice(0, 500).to_pylist()
    matcher.save(tmp_path / "changed")
    opened = caretrace.Matcher.open(tmp_path / "changed")
    for row in clients:
        wanted = rebuilt.match(row)
        assert matcher.match(row) == wanted
        assert opened.match(row) == wanted
    assert matcher.match(gone[0]).decision != "link"
    assert matcher.match(new[0]).nhs_number == new[0]["nhs_number"]


def test_changes_are_all_or_none(people: Synthetic, run: Path) -> None:
    rows = people.register.slice(0, 500).to_pylist()
    matcher = caretrace.Matcher(people.register.slice(0, 500), run / "model.json")
    stranger = rows[0] | {"record_id": "unheard of"}
    with pytest.raises(caretrace.InputError, match="in the register; use change"):
        matcher.add([stranger, rows[1]])
    with pytest.raises(caretrace.InputError, match="1 of 2 rows are not in the register"):
        matcher.change([rows[1], stranger])
    with pytest.raises(caretrace.InputError, match="1 of 2 rows are not in the register"):
        matcher.remove([rows[1]["record_id"], "unheard of"])
    with pytest.raises(caretrace.InputError, match="given twice"):
        matcher.add([stranger, stranger])
    with pytest.raises(caretrace.InputError, match="no record_id"):
        matcher.add({"given_name": "Ann"})
    assert len(matcher) == 500


def test_it_says_what_it_did_not_use(matcher: caretrace.Matcher) -> None:
    match = matcher.match({"given_name": "Ann", "nhs_number": "9434765918", "postcode": "nowhere"})
    assert match.not_used == {
        "nhs_number": "fails the Modulus 11 check digit",
        "postcode": "not a UK postcode",
    }


def test_an_answer_does_not_print_who_it_is(people: Synthetic, matcher: caretrace.Matcher) -> None:
    match = next(m for row in people.clients.to_pylist() if (m := matcher.match(row)).decision == "link")
    assert match.nhs_number is not None and match.candidate is not None
    for text in (repr(match), str(match), repr(matcher)):
        assert match.nhs_number not in text
        assert match.candidate.record_id not in text


def test_a_model_of_other_comparisons_is_refused(people: Synthetic, run: Path, tmp_path: Path) -> None:
    facts = json.loads((run / "model.json").read_text(encoding="utf-8"))
    facts["comparisons"] = facts["comparisons"][:-1]
    (tmp_path / "model.json").write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(caretrace.SettingsError, match=r"comparisons of its own.*caretrace\.link"):
        caretrace.Matcher(people.register.slice(0, 50), tmp_path / "model.json")


def test_threads_may_share_one(people: Synthetic, matcher: caretrace.Matcher) -> None:
    rows = people.clients.slice(0, 120).to_pylist()
    wanted = matcher.match_many(rows)
    found: dict[int, list[caretrace.Match]] = {}

    def look(number: int) -> None:
        found[number] = matcher.match_many(rows)

    threads = [threading.Thread(target=look, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(found.values()) == [wanted] * 3
