"""Signatures of agreements: they hold for one text, one person and one key, and fail in words."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance import agreement, example
from governance.agreement import keyfile, signing, summary, templates
from governance.agreement.example_keys import example_key
from governance.request import History
from schemas.errors import InputError, SettingsError

DAY = date(2026, 11, 20)
SECRET = "correct horse battery"  # noqa: S105 - a passphrase for keys that protect nothing


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return example.write(tmp_path, [], today=DAY)


def test_all_three_have_signed(path: Path) -> None:
    found = agreement.load(path)
    assert [(each.organisation, each.role) for each in found.signatures] == [
        ("X0X01", "Caldicott Guardian"),
        ("X0X01", "SIRO"),
        ("X0X02", "Caldicott Guardian"),
    ]
    assert {each.date for each in found.signatures} == {DAY - timedelta(days=40)}
    assert not found.signature_faults


def other(suffix: str) -> Callable[[Path], Path]:
    return lambda path: path.with_name(f"{path.name}.{suffix}.sig")


SIRO, BOARD = other("X0X01.siro"), other("X0X02.caldicott-guardian")


def altered(change: Callable[[str], str]) -> Callable[[Path], None]:
    def alter(path: Path) -> None:
        note = SIRO(path).read_text("utf-8")
        assert change(note) != note
        SIRO(path).write_text(change(note), encoding="utf-8")

    return alter


TAMPERED: list[tuple[str, Callable[[Path], object]]] = [
    ("a letter of the agreement", lambda path: path.write_text(path.read_text("utf-8") + " ")),
    ("the day of the signature", altered(lambda note: note.replace("2026-10-11", "2026-10-12"))),
    ("the hash that was signed", altered(lambda note: note.replace(note.split("\n")[1], "0" * 64))),
    ("another's signature in its place", lambda path: shutil.copy(BOARD(path), SIRO(path))),
    ("the signature itself", altered(lambda note: note[:-6] + ("A" if note[-6] != "A" else "B") + note[-5:])),
    ("cut short", altered(lambda note: note[: len(note) // 2])),
    ("nothing left", lambda path: SIRO(path).write_text("")),
    ("no text", lambda path: SIRO(path).write_bytes(b"\xff\xfe")),
]  # fmt: skip


@pytest.mark.parametrize(("what", "tamper"), TAMPERED, ids=[row[0] for row in TAMPERED])
def test_what_was_changed_no_longer_counts(path: Path, what: str, tamper: Callable[[Path], object]) -> None:
    tamper(path)
    found = agreement.load(path)
    assert ("X0X01", "SIRO") not in {(each.organisation, each.role) for each in found.signatures}
    assert any("SIRO of X0X01" in fault for fault in found.signature_faults)


def test_every_single_changed_byte_of_a_signature_is_found(path: Path) -> None:
    note = SIRO(path).read_bytes()
    for place in range(len(note)):
        SIRO(path).write_bytes(note[:place] + bytes([note[place] ^ 1]) + note[place + 1 :])
        assert len(agreement.load(path).signatures) == 2, place


def test_a_missing_signature_is_no_fault_but_missing(path: Path) -> None:
    SIRO(path).unlink()
    found = agreement.load(path)
    assert len(found.signatures) == 2
    assert not found.signature_faults


def test_only_a_signatory_can_sign(path: Path) -> None:
    data = path.read_bytes()
    with pytest.raises(InputError, match="no signatory of the agreement has this key"):
        signing.sign(agreement.load(path).agreement, path, data, Ed25519PrivateKey.generate(), today=DAY)


def test_one_key_cannot_sign_for_two(path: Path) -> None:
    key = example_key("X0X01", "SIRO")
    text = path.read_text("utf-8")
    text = text.replace(signing.public_text(example_key("X0X01", "Caldicott Guardian")), signing.public_text(key))
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="two signatories"):
        signing.sign(agreement.load(path).agreement, path, path.read_bytes(), key, today=DAY)


def test_a_key_is_kept_under_its_passphrase(tmp_path: Path) -> None:
    made = keyfile.create(tmp_path / "mine.key", SECRET)
    assert signing.public_text(keyfile.load(tmp_path / "mine.key", SECRET)) == signing.public_text(made)
    assert b"ENCRYPTED PRIVATE KEY" in (tmp_path / "mine.key").read_bytes()
    with pytest.raises(SettingsError, match="passphrase is wrong"):
        keyfile.load(tmp_path / "mine.key", "something else entirely")
    with pytest.raises(InputError, match="never overwritten"):
        keyfile.create(tmp_path / "mine.key", SECRET)
    with pytest.raises(SettingsError, match="too short"):
        keyfile.create(tmp_path / "other.key", "short")
    with pytest.raises(InputError, match="cannot be read"):
        keyfile.load(tmp_path / "absent.key", SECRET)


def test_fingerprints_tell_keys_apart() -> None:
    one, two = (signing.fingerprint(signing.public_text(Ed25519PrivateKey.generate())) for _ in range(2))
    assert one != two
    assert [len(part) for part in one.split(" ")] == [4, 4, 4, 4]


@pytest.mark.parametrize("kind", templates.KINDS)
def test_a_template_can_be_read_and_says_what_is_missing(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "new.toml"
    templates.begin(path, kind, today=DAY)
    text = path.read_text("utf-8").replace('id = "TO FILL IN"', 'id = "DSA-1"')
    path.write_text(text, encoding="utf-8")
    found = agreement.load(path)
    against = summary.against(found, History(), today=DAY)
    assert any("lines say 'TO FILL IN'" in reason for reason in against.reasons)
    assert any(note.endswith(": statement") for note in against.notes)
    assert any(reason.startswith("R03: not signed") for reason in against.reasons)
    assert "NOT SIGNED" in summary.text(found)
    with pytest.raises(InputError, match="exists already"):
        templates.begin(path, kind, today=DAY)


def test_what_is_left_is_named_by_its_own_key(tmp_path: Path) -> None:
    path = tmp_path / "new.toml"
    templates.begin(path, "commissioning", today=DAY)
    left = [note.partition(": ")[2] for note in summary.left(path)]
    assert left[:5] == ["id", "title", "name", "ods_code", "name, key"]
    assert "encryption_keys" in left
    assert "justification" in left
    assert not {"role", "transform"} & set(left)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('id = "TO FILL IN"', "id: still says 'TO FILL IN'"),
        ('id = "DSA 1"', "id: has to be of letters, digits and . _ / - only, a letter or digit first"),
        ('id = "DSA-1"\nversion = 2', "version: Input should be a valid string"),
    ],
)
def test_a_fault_of_a_field_is_said_in_plain_words(tmp_path: Path, said: str, words: str) -> None:
    path = tmp_path / "new.toml"
    templates.begin(path, "commissioning", today=DAY)
    text = path.read_text("utf-8").replace('version = "1.0"\n', "" if "version" in said else 'version = "1.0"\n')
    path.write_text(text.replace('id = "TO FILL IN"', said), encoding="utf-8")
    with pytest.raises(SettingsError) as raised:
        agreement.load(path)
    assert str(raised.value) == f"{path}: {words}"


def test_a_choice_is_said_with_its_choices(path: Path) -> None:
    text = path.read_text("utf-8").replace('national_data_opt_out = "applied"', 'national_data_opt_out = "used"')
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match="national_data_opt_out: has to be one of applied, exempt"):
        agreement.load(path)


def test_an_unknown_kind_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no kind of agreement 'marketing'"):
        templates.begin(tmp_path / "new.toml", "marketing", today=DAY)


def test_nothing_stands_against_the_example(path: Path) -> None:
    found = agreement.load(path)
    assert summary.against(found, History(), today=DAY) == summary.Against((), ())
    assert "signed on 2026-10-11" in summary.text(found)
