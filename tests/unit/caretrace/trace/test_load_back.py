"""What client systems are to load, and what they never are; what we wrote our own reader reads back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from caretrace.trace.load_back import Form, Loaded, load_back
from connectors import Source, read
from fixtures.systems.pds_mesh import answer
from schemas.errors import InputError, Refused

A, B, C, D, E, F = "9000000009", "9000000017", "9000000025", "9000000033", "9000000041", "9000000068"
ANN: dict[str, Any] = {"given_name": "Ann", "birth_date": date(1931, 7, 9)}
FOUND = {"GIVEN_NAME": "ANN", "DATE_OF_BIRTH": "19310709"}
Make = Callable[..., Any]


def write(b: Any, out: str = "out", forms: Sequence[Form] = ("csv",), **options: Any) -> list[Loaded]:
    given = {"systems": (), "replaced": False} | options
    return load_back(b.run, b.folder / out, forms=forms, **given, **b.common)


def rows(b: Any, path: Path) -> list[dict[str, str]]:
    from csv import DictReader

    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(DictReader(file))


def test_what_was_linked_is_loaded_without_being_called_verified(bench: Make) -> None:
    b = bench(
        ANN | {"record_id": "exact", "linked": A, "method": "number"},
        ANN | {"record_id": "probable", "linked": B, "restricted": True},
        ANN | {"record_id": "differs", "nhs_number": C, "linked": D},
        ANN | {"record_id": "holds it", "nhs_number": E, "linked": E},
        ANN | {"record_id": "nobody"},
    )
    [done] = write(b)
    assert [path.name for path in done.files] == [
        "load-back-carefirst-bromley.csv",
        "conflicts-carefirst-bromley.csv",
    ]
    names = ("record_id", "nhs_number", "nhs_number_status", "action", "found_by", "found_on", "restricted")
    assert [tuple(row[name] for name in names) for row in rows(b, done.files[0])] == [
        ("exact", A, "02", "add", "linked, number", "2026-11-20", ""),
        ("probable", B, "03", "add", "linked, probabilistic", "2026-11-20", "yes"),
    ]
    [conflict] = rows(b, done.files[1])
    assert (conflict["record_id"], conflict["held_nhs_number"], conflict["other_nhs_number"]) == ("differs", C, D)


def traced(bench: Make, **about: Any) -> Any:
    """Everybody asked about in the first run, and answered."""
    b = bench(
        ANN | {"record_id": "confirmed", "nhs_number": A},
        ANN | {"record_id": "replaced", "nhs_number": B},
        ANN | {"record_id": "linked, confirmed", "linked": D},
        ANN | {"record_id": "linked, not confirmed", "linked": E},
        ANN | {"record_id": "linked, not asked", "linked": F, "birth_date_precision": "Y"},
        **about,
    )
    said = {A: ("00", A), B: ("90", C), D: ("00", D), E: ("98", "0000000000")}
    answers = [answer(q["reference"], *said[q["asked"]], "1", "100", **FOUND) for q in b.ask()]
    b.read(b.reply(*answers))
    return b


def test_what_was_traced_is_verified_and_what_failed_its_trace_is_not_loaded(bench: Make) -> None:
    b = traced(bench)
    [done] = write(b)
    loaded = {row["record_id"]: row for row in rows(b, done.files[0])}
    assert {name: (row["nhs_number"], row["nhs_number_status"], row["action"]) for name, row in loaded.items()} == {
        "confirmed": (A, "01", "confirm"),
        "linked, confirmed": (D, "01", "add"),
        "linked, not asked": (F, "03", "add"),
    }
    assert loaded["confirmed"]["found_by"] == "traced, cross-check (pds_mesh 00)"
    assert loaded["confirmed"]["found_on"] == "2026-11-22"
    conflicts = {row["record_id"]: row for row in rows(b, done.files[1])}
    assert sorted(conflicts) == ["linked, not confirmed", "replaced"]
    assert (conflicts["replaced"]["held_nhs_number"], conflicts["replaced"]["other_nhs_number"]) == (B, C)
    assert conflicts["linked, not confirmed"]["reason"] == "not confirmed"
    assert (done.rows, done.conflicts, done.actions) == (3, 2, {"add": 2, "confirm": 1})


def test_replaced_numbers_are_loaded_only_when_asked_for(bench: Make) -> None:
    b = traced(bench)
    [done] = write(b, replaced=True)
    [replaced] = [row for row in rows(b, done.files[0]) if row["action"] == "replace"]
    assert (replaced["record_id"], replaced["nhs_number"], replaced["former_nhs_number"]) == ("replaced", C, B)
    assert [row["record_id"] for row in rows(b, done.files[1])] == ["linked, not confirmed"]


def test_a_number_traced_for_one_client_is_not_loaded_for_another(bench: Make) -> None:
    b = bench(ANN | {"record_id": "traced", "linked": A}, ANN | {"record_id": "linked", "linked": B})
    questions = {q["record_id"]: q["reference"] for q in b.ask()}
    b.read(b.reply(answer(questions["traced"], "90", B, "1", "100", **FOUND)))
    [done] = write(b)
    assert [(row["record_id"], row["nhs_number"]) for row in rows(b, done.files[0])] == [("traced", B)]
    assert [row["record_id"] for row in rows(b, done.files[1])] == ["linked"]


def test_a_link_made_after_the_trace_that_says_otherwise_is_a_conflict(bench: Make) -> None:
    b = bench(ANN | {"record_id": "1", "linked": A}, ANN | {"record_id": "2", "linked": C})
    said = [answer(q["reference"], "00", q["asked"], "1", "100", **FOUND) for q in b.ask()]
    b.read(b.reply(*said))
    b.run = b.another_run(ANN | {"record_id": "1", "linked": B}, ANN | {"record_id": "2", "linked": C}, run_id="f" * 32)
    [done] = write(b)
    assert [(row["record_id"], row["nhs_number_status"]) for row in rows(b, done.files[0])] == [("2", "01")]
    [conflict] = rows(b, done.files[1])
    assert (conflict["record_id"], conflict["reason"]) == (
        "1",
        "the run links it to another number than the national service confirmed",
    )


def test_each_system_has_its_own_files_and_may_be_chosen(bench: Make) -> None:
    b = bench(
        ANN | {"record_id": "1", "linked": A},
        ANN | {"record_id": "1", "linked": B, "source": "swift", "source_org": "Lewisham"},
        ANN | {"record_id": "2", "linked": C, "source": "swift", "source_org": "LEWISHAM"},
    )
    done = write(b)
    assert [path.name for each in done for path in each.files[:1]] == [
        "load-back-carefirst-bromley.csv",
        "load-back-swift-lewisham.csv",
        "load-back-swift-lewisham-2.csv",
    ]
    assert [each.system.source_org for each in write(b, "one", systems=["swift/Lewisham"])] == ["Lewisham"]
    with pytest.raises(InputError, match="they are carefirst/Bromley, swift/LEWISHAM, swift/Lewisham"):
        write(b, "none", systems=["mosaic"])
    with pytest.raises(InputError, match="exists already"):
        write(b)
    with pytest.raises(InputError, match="never changed"):
        load_back(b.run, b.run.path / "x", forms=("csv",), systems=(), replaced=False, **b.common)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_our_own_reader_reads_back_what_was_written(bench: Make, form: Form) -> None:
    ids = ["7", "007", "A/1", 'a "quoted" id', "caf\u00e9, 2", "=1+1", "-12"]
    numbers = [A, B, C, D, E, F, "9000000076"]
    b = bench(*(ANN | {"record_id": each, "linked": n} for each, n in zip(ids, numbers, strict=True)))
    [done] = write(b, forms=(form,))
    assert done.changed_ids == 2
    with duckdb.connect() as connection:
        report = read(connection, [Source(done.files[0])], side="clients", as_at=date(2026, 11, 22))
        found = connection.execute(
            "SELECT source, source_org, record_id, nhs_number, nhs_number_status FROM clients.person"
        ).fetchall()
    assert report.used == len(ids)
    mark = "'" if form == "csv" else ""
    kept = [f"{mark}{each}" if each[0] in "=-" else each for each in ids]
    assert sorted(found) == sorted(("carefirst", "Bromley", k, n, "03") for k, n in zip(kept, numbers, strict=True))


def test_nothing_is_written_without_a_log(bench: Make, tmp_path: Path) -> None:
    b = bench(ANN | {"record_id": "1", "linked": A})
    b.keys_dir = tmp_path / "no keys"
    with pytest.raises(Refused, match="only where the log can say so"):
        write(b)
    assert not (tmp_path / "out").exists()
