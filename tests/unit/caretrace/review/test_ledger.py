"""The file of decisions: what stands, what is seen when somebody touches it, and what a crash leaves."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from caretrace.review import ledger
from caretrace.review.decisions import Key, Made
from caretrace.review.withdrawing import withdraw
from schemas.errors import Busy, InputError, IntegrityFailure

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
CLIENT, OTHER = Key("carefirst", "Leeds", "c1"), Key("carefirst", "Leeds", "c2")
ROW, MOVED_ROW = Key("emis", "B86001", "r1"), Key("emis", "B86002", "r9")
SAME = Made(
    CLIENT,
    ROW,
    "9990000018",
    "same",
    ("ann", "bob"),
    {"ann": "same", "bob": "same"},
    "all readers agree",
    "run",
    "x",
    True,
)
DIFFERENT = replace(SAME, verdict="different", export_id="y")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with three decisions on two pairs."""
    path = tmp_path / "decisions.jsonl"
    with ledger.writing(path) as held:
        assert held.decide([SAME, replace(SAME, client=OTHER)], now=NOW) == ["D1", "D2"]
    with ledger.writing(path) as held:
        assert held.decide([replace(DIFFERENT, register=MOVED_ROW)], now=NOW) == ["D3"]
    return path


def standing(path: Path) -> dict[str, str]:
    return {each.made.client.record_id: each.id for each in ledger.read(path).standing.values()}


def test_the_last_decision_on_a_person_stands_whichever_row_she_is_on(path: Path) -> None:
    assert standing(path) == {"c1": "D3", "c2": "D2"}
    assert ledger.read(path).decisions[0].made == SAME
    assert ledger.read(path).decisions[0].at == NOW


def test_a_withdrawal_is_a_line_and_what_was_before_stands_again(path: Path) -> None:
    before = path.read_bytes()
    assert withdraw(path, ["D3"], client=None, by="mia", now=NOW) == ["D3 withdrawn by D4; D1 stands again"]
    assert path.read_bytes().startswith(before)
    assert standing(path) == {"c1": "D1", "c2": "D2"}
    assert withdraw(path, (), client="carefirst/Leeds/c2", by="mia", now=NOW) == [
        "D2 withdrawn by D5; the pair is open again"
    ]
    assert standing(path) == {"c1": "D1"}


@pytest.mark.parametrize(("ids", "client"), [(["D9"], None), (["D4"], None), ([], "c9")])
def test_what_is_not_there_cannot_be_withdrawn(path: Path, ids: list[str], client: str | None) -> None:
    withdraw(path, ["D3"], client=None, by="mia", now=NOW)
    before = path.read_bytes()
    with pytest.raises(InputError):
        withdraw(path, ids, client=client, by="mia", now=NOW)
    with pytest.raises(InputError, match="before, by D4"):
        withdraw(path, ["D1", "D3"], client=None, by="mia", now=NOW)
    assert path.read_bytes() == before


def _drop(number: int) -> Callable[[list[bytes]], list[bytes]]:
    return lambda lines: lines[:number] + lines[number + 1 :]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda lines: [lines[0].replace(b'"same"', b'"different"'), *lines[1:]], "line 1: altered"),
        (lambda lines: [*lines[:2], lines[2].replace(b"Leeds", b"York")], "line 3: altered"),
        (lambda lines: [lines[1], lines[0], lines[2]], "line 1: does not follow"),
        (_drop(0), "line 1: does not follow"),
        (_drop(1), "line 2: does not follow"),
        (_drop(2), "ends at line 2"),
        (lambda lines: [*lines[:2], lines[2][:-40]], "line 3: cut short"),
        (lambda lines: [*lines, b"not ours\n"], "line 4: altered"),
        (lambda lines: [*lines, b"[]\n"], "line 4: altered"),
        (lambda lines: [], "ends at line 0"),
    ],
)
def test_any_change_is_seen_and_the_message_says_what_to_do(
    path: Path, change: Callable[[list[bytes]], list[bytes]], says: str
) -> None:
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(IntegrityFailure, match=f"{says}.*put the file back from a backup") as failure:
        ledger.read(path)
    assert "9990000018" not in str(failure.value)
    with pytest.raises(IntegrityFailure), ledger.writing(path) as held:
        held.decide([SAME], now=NOW)


def test_a_file_that_is_gone_is_missed(path: Path) -> None:
    path.unlink()
    with pytest.raises(IntegrityFailure, match="is gone"):
        ledger.read(path)


def test_line_ends_of_another_system_do_no_harm(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert standing(path) == {"c1": "D3", "c2": "D2"}
    with ledger.writing(path) as held:
        held.decide([replace(SAME, client=OTHER)], now=NOW)
    assert standing(path) == {"c1": "D3", "c2": "D4"}


@pytest.mark.parametrize("name", ["decisions.jsonl", "decisions.head"])
def test_a_crash_while_writing_leaves_what_was_there_before_or_the_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Whatever the point at which the power goes, the next import can go on."""
    write = ledger.write_durably

    def fails(target: Path, data: bytes) -> None:
        if target.name == name:
            target.with_name(f".{name}.new").write_bytes(data[: len(data) // 2])
            raise OSError("power cut")
        write(target, data)

    monkeypatch.setattr(ledger, "write_durably", fails)
    with pytest.raises(OSError, match="power cut"), ledger.writing(path) as held:
        held.decide([replace(SAME, client=OTHER, verdict="different")] * 2, now=NOW)
    monkeypatch.undo()
    whole = name == "decisions.head"
    assert len(ledger.read(path).decisions) == (5 if whole else 3)
    with ledger.writing(path) as held:
        assert held.decide([SAME], now=NOW) == ["D6" if whole else "D4"]
    assert json.loads(path.with_suffix(".head").read_text("utf-8"))["lines"] == (6 if whole else 4)


def test_one_writer_at_a_time(path: Path) -> None:
    with ledger.writing(path), pytest.raises(Busy), ledger.writing(path):
        pass


@pytest.mark.skipif(os.name == "nt", reason="Windows protects the folder, not the file")
def test_only_the_owner_can_read_it(path: Path) -> None:
    for each in (path, path.with_suffix(".head")):
        assert stat.S_IMODE(each.stat().st_mode) == 0o600


def test_no_file_is_no_decisions(tmp_path: Path) -> None:
    assert ledger.read(tmp_path / "decisions.jsonl").standing == {}
    with pytest.raises(InputError, match="no such folder"), ledger.writing(tmp_path / "no" / "decisions.jsonl"):
        pass
