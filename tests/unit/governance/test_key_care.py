"""Keys after they were made: each step is on record, no secret is, and what cannot be logged does not happen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from governance import audit, encryption, keys
from governance.deidentify import pseudonym
from governance.keys import care, store
from schemas.errors import InputError, IntegrityFailure, Refused, SettingsError

LATER = timedelta(minutes=1)


@pytest.fixture
def place(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "project").mkdir()
    keys.create(tmp_path / "keys", project=tmp_path / "project")
    return {"project": tmp_path / "project", "keys_dir": tmp_path / "keys"}


@pytest.fixture
def by() -> dict[str, Any]:
    return {"maker": "maker", "now": datetime(2026, 11, 22, 12, tzinfo=UTC)}


def entries(place: dict[str, Path]) -> list[Any]:
    return list(audit.verify(place["project"] / "audit", keys_dir=place["keys_dir"]).entries)


def custodian(folder: Path, name: str) -> tuple[Path, str]:
    return folder / name, encryption.new_identity(folder / name)


def states(place: dict[str, Path]) -> list[tuple[int, str]]:
    return [(row["version"], row["state"]) for row in care.listed(place["keys_dir"], entries(place))]


def test_a_rotation_is_on_record_and_makes_other_pseudonyms(place: dict[str, Path], by: dict[str, Any]) -> None:
    old = keys.load(place["keys_dir"], project=place["project"])
    assert care.rotate(**place, reason="somebody left", **by) == 2
    new = keys.load(place["keys_dir"], project=place["project"])
    about = {"agreement_id": "A", "recipient": "R", "epoch": "1"}
    made = [pseudonym.derive(each.root, key_version=each.version, **about) for each in (old, new)]
    assert made[0] != made[1]
    assert store.read_root(place["keys_dir"], 1) == old.root
    assert entries(place)[-1]["body"] == {
        "key_version": 2,
        "previous": 1,
        "reason": "somebody left",
        "maker": "maker",
    }
    assert states(place) == [(1, "kept"), (2, "in use")]


def test_keys_for_files_are_listed_too_with_whose_copies_hold_them(
    place: dict[str, Path], by: dict[str, Any], tmp_path: Path
) -> None:
    from governance.keys import at_rest

    people = [custodian(tmp_path, name) for name in ("ann", "bob")]

    def listed() -> list[tuple[Any, ...]]:
        rows = care.listed(place["keys_dir"], entries(place))
        return [
            (
                row["version"],
                row["state"],
                row["since"],
                len(row["escrowed_to"].split(", ")) if row["escrowed_to"] else 0,
            )
            for row in rows
            if row["key"] == care.FOR_FILES
        ]

    at_rest.make(place["project"], place["keys_dir"], **by)
    care.escrow(**place, to=tmp_path / "copy.age", public_keys=[public for _, public in people], **by)
    at_rest.make(place["project"], place["keys_dir"], **by)
    assert listed() == [(1, "kept", "2026-11-22", 2), (2, "in use", "2026-11-22", 0)]
    assert [row["version"] for row in care.listed(place["keys_dir"], entries(place)) if row["key"] == care.ROOT] == [1]


def test_no_release_mixes_two_keys_in_an_epoch(kit: Any) -> None:
    desk = kit.desk()
    desk.make()
    by = {"maker": "maker", "now": datetime(2026, 11, 22, 13, tzinfo=UTC)}
    care.rotate(desk.project, desk.keys.folder, reason="yearly", **by)
    with pytest.raises(Refused, match="begin a new epoch"):
        desk.make(to="two", now=by["now"] + LATER)
    desk.edit(('epoch = "1"', 'epoch = "2"'), ('version = "1.0"', 'version = "1.1"'))
    desk.make(to="three", now=by["now"] + LATER)


def test_a_rotation_that_cannot_be_logged_does_not_happen(place: dict[str, Path], by: dict[str, Any]) -> None:
    care.rotate(**place, reason="first", **by)
    with pytest.raises(Refused, match="clock"):
        care.rotate(**place, reason="second", maker="maker", now=by["now"] - LATER)
    assert store.versions(place["keys_dir"]) == [1, 2]


def test_either_custodian_alone_restores_what_was_lost(
    place: dict[str, Path], by: dict[str, Any], tmp_path: Path
) -> None:
    first, second, stranger = (custodian(tmp_path, name) for name in ("one.key", "two.key", "three.key"))
    care.rotate(**place, reason="yearly", **by)
    prints = care.escrow(**place, to=tmp_path / "copy.age", public_keys=[first[1], second[1]], **by)
    assert len(set(prints)) == 2
    before = keys.load(place["keys_dir"], project=place["project"])
    for at, (identity, _) in enumerate((first, second)):
        again = tmp_path / f"again-{at}"
        assert care.restore(place["project"], again, tmp_path / "copy.age", identity) == (1, 2)
        restored = keys.load(again, project=place["project"])
        assert (restored.version, restored.root) == (before.version, before.root)
        assert restored.signing.private_bytes_raw() == before.signing.private_bytes_raw()
    with pytest.raises(SettingsError, match="not encrypted to the key"):
        care.restore(place["project"], tmp_path / "none", tmp_path / "copy.age", stranger[0])
    with pytest.raises(SettingsError, match="never overwritten"):
        care.restore(place["project"], place["keys_dir"], tmp_path / "copy.age", first[0])
    data = (tmp_path / "copy.age").read_bytes()
    (tmp_path / "cut.age").write_bytes(data[:-1])
    with pytest.raises(IntegrityFailure):
        care.restore(place["project"], tmp_path / "none", tmp_path / "cut.age", first[0])
    assert not (tmp_path / "none").exists()


def test_escrow_needs_two_custodians_and_a_place_apart(
    place: dict[str, Path], by: dict[str, Any], tmp_path: Path
) -> None:
    first, second = (custodian(tmp_path, name)[1] for name in ("one.key", "two.key"))
    with pytest.raises(SettingsError, match="two custodians"):
        care.escrow(**place, to=tmp_path / "copy.age", public_keys=[first, first], **by)
    with pytest.raises(SettingsError, match="no age public key"):
        care.escrow(**place, to=tmp_path / "copy.age", public_keys=[first, "age1x"], **by)
    assert not (tmp_path / "copy.age").exists()
    with pytest.raises(SettingsError, match="inside the project"):
        care.escrow(**place, to=place["project"] / "copy.age", public_keys=[first, second], **by)
    care.escrow(**place, to=tmp_path / "copy.age", public_keys=[first, second], **by)
    with pytest.raises(InputError, match="exists already"):
        care.escrow(**place, to=tmp_path / "copy.age", public_keys=[first, second], **by)


def test_an_old_key_is_destroyed_with_its_reason_and_the_one_in_use_is_not(
    place: dict[str, Path], by: dict[str, Any]
) -> None:
    with pytest.raises(InputError, match="in use"):
        care.destroy(**place, version=1, reason="end", **by)
    care.rotate(**place, reason="yearly", **by)
    with pytest.raises(InputError, match="a reason is needed"):
        care.destroy(**place, version=1, reason=" ", **by)
    care.destroy(**place, version=1, reason="the study has ended", **by)
    assert store.versions(place["keys_dir"]) == [2]
    assert [entry["type"] for entry in entries(place)][-2:] == [care.DESTROYING, care.DESTROYED]
    assert entries(place)[-1]["body"]["reason"] == "the study has ended"
    assert states(place) == [(1, "destroyed"), (2, "in use")]
    with pytest.raises(InputError, match="no root key of version 1"):
        care.destroy(**place, version=1, reason="again", **by)
    assert care.rotate(**place, reason="yearly", **by) == 3


def test_the_log_holds_no_secret(place: dict[str, Path], by: dict[str, Any], tmp_path: Path) -> None:
    import base64

    public = [custodian(tmp_path, name)[1] for name in ("one.key", "two.key")]
    care.rotate(**place, reason="yearly", **by)
    care.escrow(**place, to=tmp_path / "copy.age", public_keys=public, **by)
    secret = [store.read_root(place["keys_dir"], version) for version in (1, 2)]
    kept = b"".join(path.read_bytes() for path in (place["project"] / "audit").rglob("*") if path.is_file())
    for each in secret:
        assert each not in kept
        assert each.hex().encode() not in kept
        assert base64.b64encode(each) not in kept
        assert each.hex() not in str(care.listed(place["keys_dir"], entries(place)))


def test_the_commands(place: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from caretrace.cli.keys import app

    monkeypatch.setenv("CARETRACE_KEYS", str(place["keys_dir"]))
    monkeypatch.setenv("USERNAME", "maker")
    at = ["--project", str(place["project"])]
    public = [custodian(tmp_path, name)[1] for name in ("one.key", "two.key")]
    copy = str(tmp_path / "copy.age")
    lines = [
        (["list", *at], "1,in use,,0,"),
        (["rotate", "--reason", "yearly", *at], "version 2 is in use"),
        (["escrow", "--out", copy, "--to", public[0], "--to", public[1], *at], "for 2 custodians"),
        (["destroy", "1", "--reason", "end of study", "--yes", *at], "root key 1 is destroyed"),
        (["list", *at], "2,in use,"),
    ]
    for arguments, words in lines:
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert (result.exit_code, words in result.output) == (0, True), result.output
    refused = CliRunner().invoke(app, ["destroy", "1", "--reason", "x", *at])
    assert isinstance(refused.exception, SettingsError)
    monkeypatch.setenv("CARETRACE_KEYS", str(tmp_path / "other"))
    restored = CliRunner().invoke(app, ["restore", copy, "--key", str(tmp_path / "one.key"), *at])
    assert "root keys 1, 2" in restored.output
