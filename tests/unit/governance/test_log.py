"""The log: what is appended stays, whatever is touched is found, and a crash loses nothing that was acknowledged."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from governance import audit, keys
from governance.audit import log
from governance.audit.checkpoint import Verifier, check_proof
from governance.keys import Keys
from schemas.errors import Busy, InputError, IntegrityFailure, Refused

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, Keys]:
    """A log of six entries."""
    secrets = keys.create(tmp_path / "keys", project=tmp_path / "project")
    folder = tmp_path / "project" / "audit"
    append(folder, secrets, 5)
    return folder, secrets


def append(folder: Path, secrets: Keys, count: int, now: datetime = NOW) -> None:
    with log.opened(folder, secrets, now=now) as held:
        for n in range(count):
            held.append([("DECISION", {"n": n})], now=now)


def size(folder: Path, secrets: Keys) -> int:
    return audit.verify(folder, keys_dir=secrets.folder).size


def test_what_is_appended_is_there(made: tuple[Path, Keys]) -> None:
    folder, secrets = made
    append(folder, secrets, 2)
    found = audit.verify(folder, keys_dir=secrets.folder)
    assert [entry["type"] for entry in found.entries] == ["LOG_CREATED"] + ["DECISION"] * 7
    assert found.anchored
    assert found.key_confirmed


def test_an_auditor_without_keys_learns_what_is_not_shown(made: tuple[Path, Keys]) -> None:
    found = audit.verify(made[0])
    assert (found.anchored, found.key_confirmed) == (False, False)
    assert "consistent, not anchored" in found.to_text()


def test_every_changed_byte_of_the_log_is_found_at_its_entry(made: tuple[Path, Keys]) -> None:
    folder, secrets = made
    data = (folder / audit.LOG).read_bytes()
    for at in range(len(data)):
        (folder / audit.LOG).write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(IntegrityFailure, match=f"entry {data[:at].count(10)} "):
            audit.verify(folder, keys_dir=secrets.folder)


@pytest.mark.parametrize("name", [audit.LEAVES, audit.CHECKPOINT, audit.VKEY])
def test_every_changed_byte_beside_the_log_is_found(made: tuple[Path, Keys], name: str) -> None:
    folder, secrets = made
    data = (folder / name).read_bytes()
    for at in range(len(data)):
        (folder / name).write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(IntegrityFailure):
            audit.verify(folder, keys_dir=secrets.folder)
    (folder / name).write_bytes(data + b"\n")
    with pytest.raises(IntegrityFailure):
        audit.verify(folder, keys_dir=secrets.folder)


LINES = range(6)
REARRANGED: list[tuple[str, Callable[[list[bytes]], list[bytes]], int]] = [
    *((f"line {n} removed", lambda lines, n=n: lines[:n] + lines[n + 1 :], n) for n in LINES),
    *(
        (f"lines {n} and {n + 1} swapped", lambda s, n=n: [*s[:n], s[n + 1], s[n], *s[n + 2 :]], n)  # type: ignore[misc]
        for n in LINES[:-1]
    ),
    *((f"cut after {n}", lambda lines, n=n: lines[:n], n) for n in LINES),
    *((f"line {n} twice", lambda lines, n=n: lines[: n + 1] + lines[n:], n + 1) for n in LINES),
]


@pytest.mark.parametrize(("what", "change", "first"), REARRANGED, ids=[row[0] for row in REARRANGED])
def test_lines_removed_swapped_cut_or_doubled_are_found(
    made: tuple[Path, Keys], what: str, change: Callable[[list[bytes]], list[bytes]], first: int
) -> None:
    folder, secrets = made
    lines = (folder / audit.LOG).read_bytes().splitlines(keepends=True)
    (folder / audit.LOG).write_bytes(b"".join(change(lines)))
    with pytest.raises(IntegrityFailure, match=f"entry {first} "):
        audit.verify(folder, keys_dir=secrets.folder)


def test_an_older_copy_of_the_whole_folder_is_found_by_the_anchor(made: tuple[Path, Keys], tmp_path: Path) -> None:
    folder, secrets = made
    shutil.copytree(folder, tmp_path / "older")
    append(folder, secrets, 1)
    note = (folder / audit.CHECKPOINT).read_text("utf-8")
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "older", folder)
    assert audit.verify(folder).size == 6  # alone it cannot be seen
    for outside in ({"keys_dir": secrets.folder}, {"anchors": [audit.Anchor(note, "a printout")]}):
        with pytest.raises(IntegrityFailure, match="older copy"):
            audit.verify(folder, **outside)  # type: ignore[arg-type]


def test_a_log_that_was_moved_is_still_the_same(made: tuple[Path, Keys], tmp_path: Path) -> None:
    folder, secrets = made
    folder.rename(tmp_path / "moved")
    assert audit.verify(tmp_path / "moved", keys_dir=secrets.folder).anchored


def test_the_place_a_log_was_copied_from_is_not_forgotten(made: tuple[Path, Keys], tmp_path: Path) -> None:
    folder, secrets = made
    shutil.copytree(folder.parent, tmp_path / "copy")
    append(tmp_path / "copy" / "audit", secrets, 1)
    shutil.rmtree(folder)
    with pytest.raises(IntegrityFailure, match="was removed"):
        audit.verify(folder, keys_dir=secrets.folder)
    with pytest.raises(IntegrityFailure, match="was removed"):
        append(folder, secrets, 1)
    assert size(tmp_path / "copy" / "audit", secrets) == 7


def test_an_anchor_of_the_first_form_still_holds(made: tuple[Path, Keys]) -> None:
    folder, secrets = made
    [path] = (secrets.folder / "anchors").iterdir()
    kept = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({"audit_folder": kept["audit_folders"][0], "checkpoint": kept["checkpoint"]}), "utf-8")
    append(folder, secrets, 1)
    assert json.loads(path.read_text("utf-8"))["audit_folders"] == kept["audit_folders"]
    shutil.rmtree(folder)
    with pytest.raises(IntegrityFailure, match="was removed"):
        audit.verify(folder, keys_dir=secrets.folder)


@pytest.mark.skipif(sys.platform == "win32", reason="files have no modes there")
def test_only_the_owner_reads_the_log(made: tuple[Path, Keys]) -> None:
    folder, secrets = made
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())}
    assert modes == {name: 0o700 if name == folder.name else 0o600 for name in modes}
    (folder / audit.LOG).chmod(0o644)  # as logs were before
    append(folder, secrets, 1)
    assert (folder / audit.LOG).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("gone", [[audit.CHECKPOINT], [audit.LOG], [audit.LEAVES], [audit.VKEY], "all"])
def test_a_removed_file_is_found_and_never_begun_again(made: tuple[Path, Keys], gone: list[str] | str) -> None:
    folder, secrets = made
    for name in [path.name for path in folder.iterdir()] if gone == "all" else gone:
        (folder / name).unlink()
    with pytest.raises(IntegrityFailure):
        audit.verify(folder, keys_dir=secrets.folder)
    with pytest.raises(IntegrityFailure), log.opened(folder, secrets, now=NOW):
        pass


def test_another_log_in_its_place_is_found(made: tuple[Path, Keys], tmp_path: Path) -> None:
    folder, secrets = made
    other = keys.create(tmp_path / "other keys", project=tmp_path / "project")
    append(tmp_path / "other", other, 9)
    shutil.rmtree(folder)
    (tmp_path / "other").rename(folder)
    with pytest.raises(IntegrityFailure):
        audit.verify(folder, keys_dir=secrets.folder)


@pytest.mark.parametrize("tail", [b'{"half":', b'{"whole":1}\n', b"\n"])
def test_what_no_checkpoint_signs_is_reported_and_then_set_aside(made: tuple[Path, Keys], tail: bytes) -> None:
    folder, secrets = made
    with (folder / audit.LOG).open("ab") as file:
        file.write(tail)
    with pytest.raises(IntegrityFailure, match="entry 6 and what follows is not signed"):
        audit.verify(folder, keys_dir=secrets.folder)
    append(folder, secrets, 0)
    found = audit.verify(folder, keys_dir=secrets.folder)
    recovered = found.entries[-1]
    assert recovered["type"] == "LOG_RECOVERED"
    assert (folder / recovered["body"]["file"]).read_bytes() == tail


def test_a_crash_at_any_step_of_an_append_loses_nothing_acknowledged(made: tuple[Path, Keys], tmp_path: Path) -> None:
    folder, secrets = made
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    anchors = {path.name: path.read_bytes() for path in (secrets.folder / "anchors").iterdir()}
    append(folder, secrets, 1)
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    written = (audit.LOG, audit.LEAVES, audit.CHECKPOINT)
    for steps in range(len(written) + 1):
        for name, data in before.items():
            (folder / name).write_bytes(data)
        for name, data in anchors.items():
            (secrets.folder / "anchors" / name).write_bytes(data)
        for name in written[:steps]:
            (folder / name).write_bytes(after[name])
        append(folder, secrets, 1)
        kinds = [entry["type"] for entry in audit.verify(folder, keys_dir=secrets.folder).entries]
        assert kinds[:6] == ["LOG_CREATED"] + ["DECISION"] * 5
        assert kinds[6:] == (["DECISION"], ["LOG_RECOVERED", "DECISION"])[steps in (1, 2)] + ["DECISION"] * (steps == 3)
        for path in folder.glob("unsigned-*"):
            path.unlink()


def test_only_one_writer_at_a_time(made: tuple[Path, Keys]) -> None:
    folder, secrets = made
    with log.opened(folder, secrets, now=NOW), pytest.raises(Busy), log.opened(folder, secrets, now=NOW):
        pass
    append(folder, secrets, 1)
    assert size(folder, secrets) == 7


def test_a_clock_behind_the_last_entry_stops_everything(made: tuple[Path, Keys]) -> None:
    folder, secrets = made
    with pytest.raises(Refused, match="clock"):
        append(folder, secrets, 1, now=NOW - timedelta(seconds=1))
    assert size(folder, secrets) == 6


def test_a_log_that_cannot_be_written_refuses_and_stays_refused(made: tuple[Path, Keys]) -> None:
    folder, secrets = made
    with log.opened(folder, secrets, now=NOW) as held:
        (folder / audit.LEAVES).unlink()
        (folder / audit.LEAVES).mkdir()
        for reason in ("cannot be written", "could not be written before"):
            with pytest.raises(Refused, match=reason):
                held.append([("DECISION", {})], now=NOW)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    secrets = keys.create(tmp_path / "keys", project=tmp_path / "project")
    (tmp_path / "project").write_text("a file where the folder should be")
    with (
        pytest.raises(Refused, match="cannot be written"),
        log.opened(tmp_path / "project" / "audit", secrets, now=NOW),
    ):
        pass


def test_an_nhs_number_is_never_logged(made: tuple[Path, Keys]) -> None:
    folder, secrets = made
    with log.opened(folder, secrets, now=NOW) as held:
        for text in ("9434765919", "approved by 943 476 5919", "943-476-5919"):
            with pytest.raises(Refused, match="looks like an NHS number"):
                held.append([("DECISION", {"approved_by": text})], now=NOW)
    assert size(folder, secrets) == 6


def test_entries_are_canonical_and_salted(made: tuple[Path, Keys]) -> None:
    lines = (made[0] / audit.LOG).read_text("utf-8").splitlines()
    for line in lines:
        assert line == json.dumps(json.loads(line), separators=(",", ":"), sort_keys=True)
    assert len({json.loads(line)["salt"] for line in lines}) == len(lines)


def test_an_entry_can_be_proved_offline(made: tuple[Path, Keys]) -> None:
    folder, secrets = made
    with log.opened(folder, secrets, now=NOW) as held:
        [receipt] = held.append([("DECISION", {"n": 1})], now=NOW)
        proof = held.proof(receipt.index)
    verifier = Verifier.parse((folder / audit.VKEY).read_text("ascii"))
    assert check_proof(receipt.line, proof, verifier).size == 7


def test_a_folder_without_a_log_is_the_wrong_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no audit log"):
        audit.verify(tmp_path)


def test_a_damaged_anchor_is_found(made: tuple[Path, Keys]) -> None:
    folder, secrets = made
    for path in (secrets.folder / "anchors").iterdir():
        path.write_text("{")
    with pytest.raises(IntegrityFailure, match="anchor"):
        audit.verify(folder, keys_dir=secrets.folder)
