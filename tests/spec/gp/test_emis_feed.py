"""EMIS deliveries laid over each other."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from connectors import Source
from connectors.files.opening import Opening
from schemas.errors import InputError
from tests.spec.gp.emis import CODES, DISABLED, ENABLED, FULL, ORGANISATION, PATIENT, SHARING, emis, entry, gone, person
from tests.spec.gp.reading import Files, Row, load, table, write

_EVERYBODY = [person(f"{{{n}}}") for n in range(25)]
_MOST_GONE = [gone(f"{{{n}}}") for n in range(20)]
_TWO_PRACTICES = [person("{A}"), person("{B}"), person("{C}", "{O2}")]


def patients(*records: Row) -> Files:
    return {"Admin_Patient": records}


def entries(*records: Row) -> Files:
    return {"CareRecord_Observation": records}


def agreements(*records: Row) -> Files:
    return {"Agreements_SharingOrganisation": records}


# What each day brings; the people and opt-outs that are left. Every case is a practice of one feed.
_FEED: dict[str, tuple[list[Files], list[str], list[str]]] = {
    "changed, added, gone": ([FULL, patients(person("{A}"), person("{C}"), gone("{B}"))], ["{A}", "{C}"], ["{A}"]),
    "an entry gets a code that says nothing": ([FULL, entries(entry("{1}", code="8"))], ["{A}", "{B}"], ["{B}"]),
    "an entry is deleted": ([FULL, entries(entry("{1}", code="", Deleted="true"))], ["{A}", "{B}"], ["{B}"]),
    "a patient leaves, and returns without the old entry": (
        [FULL, patients(gone("{A}")), patients(person("{A}"))],
        ["{A}", "{B}"],
        ["{B}"],
    ),
    "processing ids begin again with every delivery": (
        [patients(person("{A}", ProcessingId="99")), patients(person("{B}"), gone("{A}"))],
        ["{B}"],
        [],
    ),
    "an agreement was disabled for a time": (
        [
            FULL | agreements(SHARING),
            patients(gone("{A}"), gone("{B}")) | agreements(DISABLED),
            FULL | agreements(ENABLED),
        ],
        ["{A}", "{B}"],
        ["{A}", "{B}"],
    ),
    "a practice joins later": ([{}, FULL], ["{A}", "{B}"], ["{A}", "{B}"]),
}


def deliver(folder: Path, deliveries: Sequence[tuple[str, Files]]) -> list[Path]:
    """A folder for each delivery, every one with a (perhaps empty) file of patients, as EMIS sends them."""
    folders = []
    for day, (prefix, files) in enumerate(deliveries, start=1):
        tables = {"Admin_Patient": [dict.fromkeys(PATIENT, "")], "Coding_ClinicalCode": CODES, **files}
        made = emis(folder / f"d{day}", at=f"202610{day:02}000000", prefix=prefix, **tables)
        if "Admin_Patient" not in files:
            path = next(made.glob("*Admin_Patient*"))
            path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\r\n", encoding="utf-8")
        folders.append(made)
    return folders


def test_a_feed_of_emis(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    days: list[dict[str, list[Row]]] = [{} for _ in range(3)]
    for case, (brought, *_) in _FEED.items():
        for day, files in zip(days, brought, strict=False):
            for name, records in files.items():
                day.setdefault(name, []).extend({**record, "OrganisationGuid": case} for record in records)
    folders = deliver(tmp_path, [(str(number), day) for number, day in enumerate(days, start=1)])
    # Nobody has to give them in their order.
    load(connection, *folders[::-1])
    people, opt_outs = (table(connection, name, "source_org, record_id") for name in ("person", "opt_out"))
    for case, (_, left, opted_out) in _FEED.items():
        assert [who for practice, who in people if practice == case] == left, case
        assert [who for practice, who in opt_outs if practice == case] == opted_out, case


def test_a_full_extract_speaks_for_its_practices_alone(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    deliver(tmp_path, [("1", patients(*_TWO_PRACTICES)), ("bulk_000002", patients(person("{A}")))])
    load(connection, tmp_path)
    assert table(connection, "person", "source_org, record_id") == [("{O2}", "{C}"), ("{O}", "{A}")]


_TOO_MANY = "takes away more than half of the people of A81001"
_GROUND = patients(*_EVERYBODY) | {"Admin_Organisation": [ORGANISATION]}


@pytest.mark.parametrize(
    ("deliveries", "sentence"),
    [
        pytest.param([("1", _GROUND), ("2", patients(*_MOST_GONE))], _TOO_MANY, id="mass deletions"),
        pytest.param([("1", _GROUND), ("bulk_000002", patients(*_EVERYBODY[:3]))], _TOO_MANY, id="not full at all"),
        pytest.param(
            [("1", FULL | agreements(SHARING)), ("2", agreements(DISABLED))],
            "a sharing agreement is disabled",
            id="disabled by the last",
        ),
    ],
)
def test_a_feed_of_emis_is_held(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, deliveries: list[tuple[str, Files]], sentence: str
) -> None:
    deliver(tmp_path, deliveries)
    with pytest.raises(InputError, match=sentence):
        load(connection, tmp_path)


def test_what_the_caller_says_of_a_delivery_is_believed(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    first, second = deliver(tmp_path, [("1", patients(*_EVERYBODY)), ("2", patients(*_MOST_GONE))])
    load(connection, first, Source(second, feed="delta"))
    assert len(table(connection, "person", "record_id")) == 5


@pytest.mark.skipif(shutil.which("gpg") is None, reason="GnuPG is not installed")
def test_a_feed_of_emis_as_it_comes_encrypted(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("only for this test", encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="ct") as home:  # a short path, for the socket of its agent
        command = ["gpg", "--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback"]
        command += ["--passphrase-file", str(passphrase), "--symmetric"]
        folders = deliver(tmp_path / "feed", [("1", FULL), ("2", patients(gone("{B}")))])
        for path in (path for folder in folders for path in folder.glob("*Admin_Patient*.csv")):
            subprocess.run([*command, str(path)], check=True, capture_output=True)
            path.unlink()
        opening = Opening(passphrase_file=passphrase, gnupg_home=Path(home))
        load(connection, *(Source(folder, opening=opening) for folder in folders))
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)
    assert [who for (who,) in table(connection, "person", "record_id")] == ["{A}"]


def test_deliveries_that_nothing_tells_but_the_caller(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    first = write(tmp_path / "one", {"p": [person("{A}"), person("{B}", ProcessingId="9")]})
    second = write(tmp_path / "two", {"p": [gone("{B}"), person("{C}")]})
    load(connection, Source(first, feed="full"), Source(second, feed="delta"))
    assert [who for (who,) in table(connection, "person", "record_id")] == ["{A}", "{C}"]


def test_a_delivery_that_is_missing_or_twice(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    first, second = deliver(tmp_path, [("1", FULL), ("3-4", patients(gone("{B}")))])
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in second.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    report = load(connection, first, second, copy)
    assert [who for (who,) in table(connection, "person", "record_id")] == ["{A}"]
    notes = {file.note for file in report.files if file.name.startswith("d2/") or "/3-4_" in file.name}
    assert any("perhaps a delivery is missing before this one: the one before ends with 1" in str(n) for n in notes)
    assert any("the same delivery is here twice: a copy of" in str(file.note) for file in report.files)


def test_two_deliveries_of_one_moment_that_differ(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (first,) = deliver(tmp_path / "x", [("1", FULL)])
    (second,) = deliver(tmp_path / "y", [("1", patients(person("{C}")))])
    with pytest.raises(InputError, match="is of the same delivery and differs, so which of them holds cannot be told"):
        load(connection, first, second)
