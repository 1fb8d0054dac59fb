"""A register that changed row by row is the register that would be built from what it holds."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from linkage import default_model
from linkage.lookup import file
from linkage.lookup.build import build
from linkage.lookup.columns import Lists, text, texts
from linkage.lookup.keys import Counts, Keys
from linkage.lookup.register import FIELDS, LISTS, TEXTS, Entry, Register
from linkage.lookup.texts import duckdb_hashes, key_of, keys_of, number_of, pack, unpack
from schemas.errors import InputError, IntegrityFailure, SettingsError

# Each example makes a store; to make a failing one smaller would take minutes.
SLOW = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def said(register: Register) -> dict[tuple[str, str, str], dict[str, object]]:
    """Everything that each row says, texts in words, by its key."""
    rows = {}
    for row in np.flatnonzero(register.fields["alive"].values).tolist():
        held: dict[str, object] = {name: register.fields[name].values[row].item() for name in FIELDS}
        held |= {name: None if held[name] == -1 else register.texts.text(held[name]) for name in TEXTS}
        held |= {name: sorted(register.lists[name][row].tolist()) for name in LISTS}
        for name in ("other_givens", "other_families"):
            held[name] = sorted(register.texts.text(code) for code in register.lists[name][row].tolist())
        del held["origin"]
        rows[register.name_of(row)] = held
    return rows


def found_by(register: Register) -> dict[int, list[tuple[str, str, str]]]:
    """The rows alive behind every key."""
    keys = sorted({*register.keys.keys.tolist(), *register.keys._added})
    rows = (register.alive(each).tolist() for each in register.keys.rows_of(keys))
    named = ((key, sorted(register.name_of(row) for row in each)) for key, each in zip(keys, rows, strict=True))
    return {key: each for key, each in named if each}


def counted(register: Register) -> dict[int, int]:
    counts = register.counts.settled()
    return dict(zip(counts.keys.tolist(), counts.counts.tolist(), strict=True))


def assert_same(one: Register, other: Register) -> None:
    assert said(one) == said(other)
    assert found_by(one) == found_by(other)
    assert counted(one) == counted(other)
    assert asdict(one.people) == asdict(other.people)
    assert len(one) == len(other)


@settings(SLOW, max_examples=10)
@given(data=st.data())
def test_rows_may_come_and_go(data: st.DataObject, people, both, records) -> None:
    """Also several rows of one person, of whom one counts."""
    before = data.draw(st.lists(people, min_size=1, max_size=8))
    after = data.draw(st.lists(people, min_size=1, max_size=8))
    register = build(both([], before))
    connection = both([], after)
    made, built = records(connection, "register"), build(connection)
    for row in data.draw(st.permutations(range(len(before)))):
        register.remove(row)
    assert len(register) == 0
    assert register.people.people == 0
    assert set(register.people.same.values()) == {0}
    keys = [("register", "T", record_id) for record_id in made]
    for key, tie in data.draw(st.permutations(list(zip(keys, duckdb_hashes(keys), strict=True)))):
        register.add(Entry(made[key[2]], *key, tie))
    assert_same(register, built)
    compacted = register.compacted()
    assert_same(compacted, built)
    assert len(compacted.texts.held) == len(built.texts.held), "texts that nobody has any more are gone"


def test_a_row_added_is_found_and_one_removed_is_not(both, records) -> None:
    hanging = {"names": [], "addresses": [], "identifiers": []}
    connection = both([], [{"given_name": "Ann", "family_name": "Lee", "nhs_number": "9434765919"} | hanging])
    (record,) = records(connection, "register").values()
    register = build(connection)
    (tie,) = duckdb_hashes([("register", "T", "new")])
    register.add(Entry(record, "register", "T", "new", tie))
    assert register.rows_of("person", 9434765919).tolist() == [0, 1]
    assert register.people.people == 1
    register.remove(0)
    assert register.rows_of("person", 9434765919).tolist() == [1]
    assert register.people.people == 1
    assert register.find(("register", "T", "r1")) is None
    assert register.find(("register", "T", "new")) == 1


@given(st.lists(st.lists(st.text(max_size=5), max_size=4), max_size=20))
def test_lists_give_back_what_was_put_in(rows: list[list[str]]) -> None:
    whole = texts(["".join(row) for row in rows])
    assert [text(whole, n) for n in range(len(rows))] == ["".join(row) for row in rows]
    codes = Lists(np.empty(0, np.int32), np.empty(0, np.uint32))
    for row in rows:
        codes.append(np.array([len(each) for each in row], np.int32))
    wanted = np.arange(len(rows))[::-1].copy()
    values, owner = codes.take(wanted)
    assert values.tolist() == [len(each) for n in wanted for each in rows[n]]
    assert owner.tolist() == [place for place, n in enumerate(wanted) for _ in rows[n]]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=30), st.integers(0, 30))
def test_keys_find_rows_wherever_they_stand(pairs: list[tuple[int, int]], cut: int) -> None:
    sorted_ones, added = pairs[:cut], pairs[cut:]
    columns = (np.array([pair[n] for pair in sorted_ones]) for n in range(2))
    keys = Keys.unsorted(*(column.astype(kind) for column, kind in zip(columns, (np.uint64, np.uint32), strict=True)))
    for key, row in added:
        keys.add([key], row)
    for made in (keys, keys.renumbered(np.arange(10))):
        rows = made.rows_of(list(range(7)))
        assert [sorted(each.tolist()) for each in rows] == [sorted(r for k, r in pairs if k == key) for key in range(7)]


def test_counts_change_and_settle() -> None:
    counts = Counts(np.array([3, 7], np.uint64), np.array([1, 5], np.int32))
    for key, by in ((3, -1), (9, 2), (7, 1), (7, 1)):
        counts.change(key, by)
    assert [counts.of(key) for key in (3, 7, 9, 11)] == [0, 7, 2, 0]
    settled = counts.settled()
    assert (settled.keys.tolist(), settled.counts.tolist()) == ([7, 9], [7, 2])


@given(st.lists(st.one_of(st.integers(0, 2**64 - 1), st.text(max_size=6)), max_size=4))
def test_keys_of_many_rows_are_those_of_one(parts: list[str | int]) -> None:
    arrays = [np.array([number_of(part)] * 3, np.uint64) for part in parts]
    assert set(keys_of(*arrays).tolist()) == {key_of(*parts)}


def test_a_key_depends_on_the_order_of_its_parts() -> None:
    assert len({key_of("a", "b"), key_of("b", "a"), key_of("ab"), key_of("a", "b", 0), key_of(1, "a")}) == 5


@pytest.mark.parametrize("unit", ["W1A 1AA", "BR1 3AA", "SW1A 1AA", "E1 6AN"])
def test_a_postcode_is_packed_and_unpacked(unit: str) -> None:
    assert unpack(pack(unit)) == unit
    assert unpack(pack(unit) >> 16) == unit[:-2]
    assert unpack(pack(unit) >> 32) == unit[:-4]


@pytest.fixture
def saved(both, tmp_path: Path) -> Path:
    hanging = {"names": [{"family_name": "Green"}], "addresses": [], "identifiers": []}
    people = [
        {"given_name": "Ann", "family_name": "Lee", "postcode": "BR1 3AA"} | hanging,
        {"given_name": "Bo"} | hanging,
    ]
    path = tmp_path / "register.index"
    file.save(path, file.Saved(build(both([], people)), default_model(), {"kept": 1}), version="1")
    return path


def test_a_file_gives_back_the_register(saved: Path) -> None:
    opened = file.load(saved, version="1")
    file.save(saved.with_name("again"), opened, version="1")
    assert saved.read_bytes() == saved.with_name("again").read_bytes()
    assert opened.settings == {"kept": 1}
    assert opened.model == default_model()
    assert [held["family"] for held in said(opened.register).values()] == ["LEE", None]
    assert [path.name for path in saved.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.skipif("sys.platform == 'win32'", reason="Windows has no such modes")
def test_a_file_is_its_owners_alone(saved: Path) -> None:
    assert saved.stat().st_mode & 0o777 == 0o600


def test_an_altered_file_is_refused_wherever_it_was_altered(saved: Path) -> None:
    whole = saved.read_bytes()
    for place in {24, 30, 40, 70, 500, *range(1_000, len(whole), len(whole) // 40), len(whole) - 1}:
        altered = bytearray(whole)
        altered[place] ^= 1
        saved.write_bytes(altered)
        with pytest.raises(IntegrityFailure, match="altered or cut short"):
            file.load(saved, version="1")
    for length in (40, 100, len(whole) // 2, len(whole) - 1):
        saved.write_bytes(whole[:length])
        with pytest.raises(IntegrityFailure, match="altered or cut short"):
            file.load(saved, version="1")
    saved.write_bytes(whole + b"x")
    with pytest.raises(IntegrityFailure, match="altered or cut short"):
        file.load(saved, version="1")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 something else", b"caretrace"])
def test_a_foreign_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is not a look-up index"):
        file.load(path, version="1")


def test_what_cannot_be_read_or_written_is_said(saved: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        file.load(saved.parent / "nowhere", version="1")
    with pytest.raises(InputError, match="cannot be written"):
        file.save(saved.parent / "no" / "folder", file.load(saved, version="1"), version="1")
    with pytest.raises(SettingsError, match="another version"):
        file.load(saved, version="2")
