"""The file of salts: whole after any crash, found by name, erased for good, refused where touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance import files
from governance.audit import salts as salts_module
from governance.audit.salts import SIZE, Salts, place_of
from schemas.errors import IntegrityFailure

KEY = bytes(range(32))


def row(n: int) -> bytes:
    return n.to_bytes(SIZE, "big") + bytes([n % 256]) * SIZE


def names(*numbers: int) -> list[bytes]:
    return [n.to_bytes(SIZE, "big") for n in numbers]


@pytest.fixture
def salts(tmp_path: Path) -> Salts:
    made = Salts(tmp_path, KEY)
    made.write([row(2), row(4) + row(6)])
    return made


def test_a_salt_is_found_by_its_name_alone(salts: Salts) -> None:
    assert salts.find(names(6, 2, 3)) == [row(6)[SIZE:], row(2)[SIZE:]]
    assert Salts(salts.folder / "none", KEY).find(names(2)) == []


def test_an_erased_salt_stays_nowhere_in_the_folder(salts: Salts) -> None:
    assert salts.erase(names(4, 4, 5)) == 1
    assert salts.find(names(2, 4, 6)) == [row(2)[SIZE:], row(6)[SIZE:]]
    assert not any(row(4)[SIZE:] in path.read_bytes() for path in salts.folder.iterdir())
    assert [path.name for path in salts.folder.iterdir()] == [salts.path.name]
    assert salts.erase(names(4)) == 0


def test_what_is_replaced_is_overwritten_before_it_is_removed(salts: Salts) -> None:
    other = salts.folder / "another name of the same file"
    other.hardlink_to(salts.path)
    assert row(4) in other.read_bytes()
    salts.erase(names(4))
    assert not any(other.read_bytes())


@pytest.mark.parametrize("changed", [0, 31, 32, 60, -1])
def test_a_changed_byte_is_found(salts: Salts, changed: int) -> None:
    data = bytearray(salts.path.read_bytes())
    data[changed] ^= 1
    salts.path.write_bytes(data)
    with pytest.raises(IntegrityFailure, match="restore it from backup"):
        salts.read()


def test_another_key_reads_nothing(salts: Salts) -> None:
    with pytest.raises(IntegrityFailure, match="restore it from backup"):
        Salts(salts.folder, KEY[::-1]).read()


def test_a_crash_while_writing_leaves_the_old_or_the_new(salts: Salts) -> None:
    rows, old, draft = bytes(salts.read()), salts.folder / ".salts.bin.old", salts.folder / ".salts.bin.draft"
    draft.write_bytes(b"half of the ne")
    assert bytes(salts.read()) == rows
    salts.path.rename(old)  # between the two renames
    assert salts.there()
    assert bytes(salts.read()) == rows
    old.write_bytes(b"what was before")  # after both
    assert bytes(salts.read()) == rows
    assert not old.exists()
    salts.write([row(1)])
    assert [path.name for path in salts.folder.iterdir()] == [salts.path.name]


@pytest.mark.parametrize("step", ["_wipe", "fsync", "sync_folder", "first move", "second move"])
def test_a_write_that_fails_anywhere_leaves_the_old_or_the_new(
    salts: Salts, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, calls = bytes(salts.read()), []

    def failing(*about: Any) -> Any:
        calls.append(about)
        if step != "second move" or len(calls) == 2:
            raise OSError(28, "No space left on device")
        return files.move(*about)

    place = salts_module.os if step == "fsync" else salts_module
    with monkeypatch.context() as patch:
        patch.setattr(place, "move" if step.endswith("move") else step, failing)
        with pytest.raises(OSError, match="No space"):
            salts.write([row(1)])
    assert bytes(salts.read()) in ((rows, row(1)) if step == "sync_folder" else (rows,))
    salts.write([row(3)])
    assert bytes(salts.read()) == row(3)
    assert [path.name for path in salts.folder.iterdir()] == [salts.path.name]


@given(st.sets(st.binary(min_size=2, max_size=2), max_size=20), st.binary(min_size=1, max_size=2))
def test_a_place_is_found_as_by_looking_at_every_row(rows: set[bytes], wanted: bytes) -> None:
    held = sorted(rows)
    places = [at for at, each in enumerate(held) if each.startswith(wanted)]
    assert place_of(b"".join(held), 2, wanted) == (places[0] if places else None)
