"""Pseudonyms: keyed, apart for every domain, never to be taken for an NHS number; and the keys they come from."""

from __future__ import annotations

import base64
import hmac
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance import keys
from governance.deidentify import pseudonym
from schemas.errors import SettingsError
from schemas.nhs_number import fault

ROOT = bytes(range(32))
DOMAIN = {"agreement_id": "A", "recipient": "R", "epoch": "1", "key_version": 1}


def derive(**changes: object) -> bytes:
    return pseudonym.derive(ROOT, **(DOMAIN | changes))  # type: ignore[arg-type]


def of(key: bytes, *values: str, kind: str = pseudonym.PERSON) -> list[str]:
    made: list[str] = pseudonym.pseudonyms(key, kind, values).to_pylist()
    return made


def plainly(key: bytes, kind: str, value: str) -> str:
    """The slow, plain form: hmac and base32 of the standard library."""
    framed = len(kind).to_bytes(4, "big") + kind.encode()
    return "ct1_" + base64.b32encode(hmac.digest(key, framed + value.encode(), "sha256")).decode()[:26]


@given(st.lists(st.text(max_size=40), min_size=1, max_size=5), st.sampled_from(["person", "event_id"]))
def test_the_fast_form_is_the_plain_one(values: list[str], kind: str) -> None:
    key = derive()
    for value, made in zip(values, of(key, *values, kind=kind), strict=True):
        assert made[:-1] == plainly(key, kind, value)


@given(st.text(min_size=1, max_size=20), st.integers(4, 30), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
def test_every_single_wrong_character_is_found(value: str, at: int, other: str) -> None:
    [made] = of(derive(), value)
    assert pseudonym.is_whole(made)
    assert pseudonym.is_whole(made[:at] + other + made[at + 1 :]) is (made[at] == other)


@given(st.text(max_size=20))
def test_none_is_an_nhs_number(value: str) -> None:
    [made] = of(derive(), value)
    assert fault(made) is not None
    assert not made.isdigit()


CHANGES = [{"agreement_id": "B"}, {"recipient": "S"}, {"epoch": "2"}, {"key_version": 2}]


@pytest.mark.parametrize("change", CHANGES)
def test_every_part_of_the_domain_makes_other_pseudonyms(change: dict[str, object]) -> None:
    assert of(derive(), "x") != of(derive(**change), "x")
    assert of(derive(), "x") != of(pseudonym.derive(bytes(32), **DOMAIN), "x")  # type: ignore[arg-type]


def test_fields_of_a_domain_cannot_run_into_each_other() -> None:
    assert derive(agreement_id="AB", recipient="C") != derive(agreement_id="A", recipient="BC")
    assert of(derive(), "x", kind="person") != of(derive(), "x", kind="event_id")


def test_this_scheme_never_changes() -> None:
    """A vector of our own: whoever changes it breaks every pseudonym given out, and has to call the scheme ct2."""
    assert of(derive(), "0" * 32) == [VECTOR]


VECTOR = "ct1_SOQFAHAKF3DV6JBCYKQTJOIYP3Q"


@pytest.mark.parametrize("text", ["", "ct1_", "ct2_" + "A" * 27, "ct1_" + "a" * 27, "ct1_" + "A" * 26, "9434765919"])
def test_what_is_no_pseudonym(text: str) -> None:
    assert not pseudonym.is_whole(text)


def test_no_values_give_no_pseudonyms() -> None:
    assert pseudonym.pseudonyms(derive(), "person", []).to_pylist() == []


def test_they_can_be_stored_as_any_text(tmp_path: Path) -> None:
    made = pseudonym.pseudonyms(derive(), "person", ["a", "b"])
    pq.write_table(pa.table({"p": made}), tmp_path / "p.parquet")
    assert pq.read_table(tmp_path / "p.parquet")["p"].to_pylist() == made.to_pylist()


def test_keys_are_made_once_kept_and_never_shown(tmp_path: Path) -> None:
    made = keys.create(tmp_path / "keys", project=tmp_path / "project")
    again = keys.load(tmp_path / "keys", project=tmp_path / "project")
    assert made.root == again.root
    assert made.root.hex() not in repr(made)
    assert repr(made.root) not in repr(made)
    with pytest.raises(SettingsError, match="never overwritten"):
        keys.create(tmp_path / "keys", project=tmp_path / "project")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows files have no owner-only mode; the folder's list decides")
def test_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    keys.create(tmp_path / "keys", project=tmp_path / "project")
    assert {oct(path.stat().st_mode & 0o777) for path in (tmp_path / "keys").iterdir()} == {"0o600"}
    assert (tmp_path / "keys").stat().st_mode & 0o077 == 0


def test_the_newest_root_key_is_used(tmp_path: Path) -> None:
    made = keys.create(tmp_path / "keys", project=tmp_path / "project")
    text = (tmp_path / "keys" / "root-1.key").read_text("ascii")
    (tmp_path / "keys" / "root-10.key").write_text(text)
    (tmp_path / "keys" / "root-old.key").write_text("no key of ours")
    found = keys.load(tmp_path / "keys", project=tmp_path / "project")
    assert (found.version, found.root) == (10, made.root)


@pytest.mark.parametrize(("platform", "environ", "expected"), [
    ("linux", {}, "home/.config/caretrace/keys"),
    ("linux", {"XDG_CONFIG_HOME": "conf"}, "conf/caretrace/keys"),
    ("darwin", {}, "home/Library/Application Support/caretrace/keys"),
    ("win32", {"APPDATA": "roaming"}, "roaming/caretrace/keys"),
    ("win32", {}, "home/AppData/Roaming/caretrace/keys"),
    ("win32", {"CARETRACE_KEYS": "mine", "APPDATA": "roaming"}, "mine"),
])  # fmt: skip
def test_where_keys_live(platform: str, environ: dict[str, str], expected: str) -> None:
    assert keys.folder(environ, platform=platform, home=Path("home")) == Path(expected)


def test_keys_reached_through_a_link_into_the_project_are_refused(tmp_path: Path) -> None:
    (tmp_path / "project" / "keys").mkdir(parents=True)
    try:
        (tmp_path / "keys").symlink_to(tmp_path / "project" / "keys", target_is_directory=True)
    except OSError:
        pytest.skip("this system lets no ordinary user make links")
    with pytest.raises(SettingsError, match="lies inside"):
        keys.create(tmp_path / "keys", project=tmp_path / "project")
