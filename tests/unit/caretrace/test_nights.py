"""Lists over nights: changes add up to full extracts, truth goes along, and every kind of bad delivery comes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
import pytest

import connectors
import schemas
from caretrace.synthetic import damage, inbox
from caretrace.synthetic.nights import Nights, Pace
from connectors.source import Source
from schemas import NhsNumber, SettingsError, nhs_number
from schemas.person import SUPERSEDED_NHS_NUMBER
from schemas.sql import install_macros

SIDES = ("clients", "register")


@pytest.fixture(scope="module")
def month() -> Nights:
    return Nights(300, 1_500, nights=30, seed=3, pace=Pace(change=0.04))


def laid_over(held: pa.Table | None, table: str, sent: pa.Table) -> pa.Table:
    """What a delta says of a record (or of an event) goes before what was held of it."""
    key = "event_id" if table == "service" else "record_id"
    if held is None:
        return sent
    return pa.concat_tables([held.filter(pc.invert(pc.is_in(held[key], sent[key].combine_chunks()))), sent])


def rows(table: pa.Table) -> Counter[tuple[object, ...]]:
    return Counter(zip(*(column.to_pylist() for column in table.columns), strict=True))


@pytest.mark.parametrize("side", SIDES)
def test_changes_laid_over_the_last_full_extract_are_the_full_extract_of_the_night(month: Nights, side: str):
    held: dict[str, pa.Table] = {}
    for night in range(17):
        true = month.full(side, night)
        if month.is_full(side, night):
            held = true
            continue
        for table, sent in month.delta(side, night).items():
            held[table] = laid_over(held[table], table, sent)
            assert rows(held[table]) == rows(true[table]), (side, night, table)


@pytest.mark.parametrize("side", SIDES)
def test_a_night_changes_about_the_share_that_was_asked_for(month: Nights, side: str):
    sizes = [len(month.delta(side, night)["person"]) for night in range(1, 31)]
    people = len(month.full(side, 0)["person"])
    assert people == {"clients": 300, "register": 1_500}[side]
    assert 0.03 < sum(sizes) / len(sizes) / people < 0.05


def test_the_same_seed_gives_the_same_nights_and_another_gives_others():
    one, again, other = (Nights(60, 400, nights=3, seed=seed, pace=Pace(change=0.1)) for seed in (1, 1, 2))
    for night in range(4):
        assert one.truth(night) == again.truth(night)
        assert all(one.full(side, night) == again.full(side, night) for side in SIDES)
    assert one.full("register", 3) != other.full("register", 3)


def test_everything_that_should_happen_does(month: Nights):
    people, clients, register = Counter[str](), Counter[str](), Counter[str]()
    for happened in month.happened[1:]:
        people.update(happened["people"])
        clients.update(happened["clients"])
        register.update(happened["register"])
    assert set(people) == {"moved", "died", "married", "renumbered"}
    told = {*people, "numbered", "mended", "arrived", "left", "merged", "services ended"}
    assert {kind for kind, times in clients.items() if times} >= told - {"merged"}
    assert {kind for kind, times in register.items() if times} == told - {"services ended"}


def test_truth_names_a_register_row_of_the_same_person_every_night(month: Nights):
    for night in (0, 9, 30):
        truth, register = month.truth(night), month.register_truth(night)
        person = dict(zip(*(register[name].to_pylist() for name in ("record_id", "person_id")), strict=True))
        assert set(truth["record_id"].to_pylist()) == set(
            month.full("clients", night)["person"]["record_id"].to_pylist()
        )
        assert set(person) == set(month.full("register", night)["person"]["record_id"].to_pylist())
        for row in truth.to_pylist():
            assert row["in_register"] == (row["person_id"] in set(person.values())) == bool(row["register_record_id"])
            assert person.get(row["register_record_id"], row["person_id"]) == row["person_id"]


def test_numbers_are_of_the_test_range_and_of_one_person_each(month: Nights):
    owner: dict[str, set[str]] = {}
    for night in range(0, 31, 5):
        register = month.full("register", night)["person"].join(month.register_truth(night), "record_id")
        for number, person in zip(register["nhs_number"].to_pylist(), register["person_id"].to_pylist(), strict=True):
            owner.setdefault(number, set()).add(person)
    owner.pop(None, None)
    assert {NhsNumber(number).range for number in owner} == {nhs_number.Range.TEST}
    assert all(len(people) == 1 for people in owner.values())


def test_a_number_that_another_replaces_stays_as_superseded(month: Nights):
    first, last = (month.full("register", night) for night in (0, 30))
    held = dict(zip(*(last["person"][name].to_pylist() for name in ("record_id", "nhs_number")), strict=True))
    before = dict(zip(*(first["person"][name].to_pylist() for name in ("record_id", "nhs_number")), strict=True))
    superseded = [row for row in last["identifier"].to_pylist() if row["scheme"] == SUPERSEDED_NHS_NUMBER]
    assert len(superseded) > 20
    assert all(row["value"] not in (None, held[row["record_id"]]) for row in superseded)
    changed = {id for id in held if before.get(id) and before[id] != held[id]}
    assert changed <= {row["record_id"] for row in superseded}


def test_who_moves_has_the_former_address_ended(month: Nights):
    for side in SIDES:
        address = month.full(side, 30)["address"].to_pandas()
        open_ones = address[address["to_date"].isna()].groupby("record_id").size()
        assert (open_ones == 1).all()
        assert len(open_ones) == len(month.full(side, 30)["person"])


def test_columns_are_those_of_the_standard_tables(month: Nights):
    for side in SIDES:
        for name, table in month.full(side, 30).items():
            assert set(table.column_names) <= set(schemas.TABLES[name.upper()].names), name


# --- what arrives ---------------------------------------------------------------------------------------------------


def test_every_kind_of_bad_delivery_comes_and_is_made_good(month: Nights):
    steps = inbox.schedule(month)
    sent = [delivery for step in steps for delivery in step.deliveries]
    bad = [delivery for delivery in sent if delivery.damaged]
    assert {delivery.damaged for delivery in bad} == set(damage.KINDS)
    assert [delivery.night for delivery in bad] == [5, 10, 15, 20, 25, 30]
    for delivery in bad:
        good = [d for d in sent if (d.side, d.name) == (delivery.side, delivery.name) and not d.damaged]
        assert [d.awaited for d in good] in (["applied"], ["late"])
    assert sum(d.awaited == "applied" for d in sent if any((d.side, d.name) == (b.side, b.name) for b in bad)) >= 4
    assert {delivery.awaited for delivery in sent} == {"applied", "held", "late", "repeated"}


@pytest.mark.parametrize(("nights", "bad_every"), [(30, 5), (8, 2), (5, 2), (1, 1)])
def test_nothing_is_lost_but_what_a_full_extract_makes_good(nights: int, bad_every: int):
    simulated = Nights(20, 100, nights=nights, seed=1, pace=Pace(change=0.05))
    steps = inbox.schedule(simulated, bad_every=bad_every)
    for side in SIDES:
        applied = [d for s in steps for d in s.deliveries if d.side == side and d.awaited == "applied"]
        assert [d.night for d in applied] == sorted(d.night for d in applied)
        late = {d.night for s in steps for d in s.deliveries if d.side == side and d.awaited == "late"}
        assert {d.night for d in applied} | late == set(range(nights + 1))
        assert all(any(d.whole and night < d.night <= night + 2 for d in applied) for night in late)


@pytest.mark.parametrize("form", inbox.FORMS)
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("kind", damage.KINDS)
def test_a_damaged_delivery_differs_from_the_good_one_in_the_list_of_people(
    month: Nights, tmp_path: Path, form: str, side: str, kind: str
):
    good, bad = tmp_path / "good", tmp_path / "bad"
    inbox.write(month, inbox.Delivery(side, "x", 7, whole=True), good, form)
    inbox.write(month, inbox.Delivery(side, "x", 7, whole=True, damaged=kind), bad, form)
    files = {path.name for path in good.iterdir()}
    assert {path.name for path in bad.iterdir()} == files
    differ = {name for name in files if (good / name).read_bytes() != (bad / name).read_bytes()}
    people = {name for name in files if "person" in name.lower()}
    assert len(people) == 1
    assert people <= differ
    if kind != damage.HALVED:
        assert differ == people


@pytest.mark.parametrize("form", inbox.FORMS)
def test_a_delta_is_read_whole_in_every_form(month: Nights, tmp_path: Path, form: str):
    inbox.write(month, inbox.Delivery("clients", "x", 8, whole=False), tmp_path / "x", form)
    by_record = form in ("carefirst", "swift")
    people = month.as_synthetic(8, changed=True).clients if by_record else month.delta("clients", 8)["person"]
    with duckdb.connect() as connection:
        install_macros(connection, as_at=month.day(8))
        report = connectors.read(connection, [Source(tmp_path / "x")], side="clients", as_at=month.day(8))
    assert (report.tables["PERSON"], report.rejected) == (len(people), 0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Nights(20, 100, nights=0, seed=1),
        lambda: Pace(change=0.0),
        lambda: Pace(archive=0.5),
        lambda: Pace(full_clients=0),
        lambda: inbox.schedule(Nights(20, 100, nights=1, seed=1), bad_every=0),
        lambda: inbox.write(
            Nights(20, 100, nights=1, seed=1), inbox.Delivery("clients", "x", 0, whole=True), Path(), "x"
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused(make):
    with pytest.raises(SettingsError):
        make()
