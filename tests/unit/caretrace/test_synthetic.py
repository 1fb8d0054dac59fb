"""Synthetic people: what is promised of every population, whatever its size and seed."""

from __future__ import annotations

from dataclasses import Field, fields, replace
from datetime import date
from importlib import metadata
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import schemas
from caretrace.synthetic import FORMATS, PRESETS, Errors, Synthetic, make, make_census, tails, write
from schemas import NhsNumber, Postcode, SettingsError, nhs_number

PERFECT = Errors(**dict.fromkeys(Errors.__dataclass_fields__, 0.0))
"""Every record as the truth is."""


@pytest.fixture(scope="module")
def town() -> Synthetic:
    return make(2_000, 20_000, seed=5)


@pytest.fixture(scope="module")
def perfect() -> Synthetic:
    return make(1_000, 10_000, seed=5, errors=PERFECT)


def joined(synthetic: Synthetic) -> pa.Table:
    """Client records beside the register row of the same person: register columns end in _r."""
    clients = synthetic.clients.join(synthetic.truth.rename_columns({"nhs_number": "true_number"}), "record_id")
    return clients.join(synthetic.register, "true_number", "nhs_number", join_type="inner", right_suffix="_r")


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 60), st.integers(100, 400), st.integers(0, 2**32), st.sampled_from(sorted(PRESETS)))
def test_any_size_is_met_exactly_and_the_seed_settles_everything(clients: int, register: int, seed: int, preset: str):
    one, again = (make(clients, register, seed=seed, errors=PRESETS[preset]) for _ in range(2))
    assert (len(one.clients), len(one.register), len(one.truth)) == (clients, register, clients)
    assert one == again


def test_another_seed_gives_other_people():
    assert make(50, 500, seed=1).register != make(50, 500, seed=2).register


@pytest.mark.parametrize(("clients", "register"), [(0, 10), (10, 0), (500, 100)])
def test_sizes_that_cannot_be_met_are_refused(clients: int, register: int):
    with pytest.raises(SettingsError):
        make(clients, register, seed=1)


def test_every_true_number_is_valid_distinct_and_of_the_test_range(town: Synthetic):
    held = pc.drop_null(town.register["nhs_number"]).to_pylist()
    assert {NhsNumber(number).range for number in held} == {nhs_number.Range.TEST}
    # Only people at two practices have a number twice.
    assert 0.005 < 1 - len(set(held)) / len(held) < 0.03


def test_ids_are_unique_and_columns_are_those_of_person(town: Synthetic):
    for table in (town.clients, town.register):
        assert pc.count_distinct(table["record_id"]).as_py() == len(table)
        assert set(table.column_names) <= set(schemas.PERSON.names)
    assert set(town.client_addresses.column_names) <= set(schemas.ADDRESS.names)
    assert set(town.client_services.column_names) <= set(schemas.SERVICE.names)


def test_what_hangs_on_clients_belongs_to_one_of_them(town: Synthetic):
    for table in (town.client_addresses, town.client_services, town.truth):
        assert pc.all(pc.is_in(table["record_id"], town.clients["record_id"])).as_py()


def test_the_truth_says_who_is_in_the_register(town: Synthetic):
    known = pc.is_in(town.truth["nhs_number"], town.register["nhs_number"])
    # A register row may lack its number, so presence by number is the lesser of the two.
    assert pc.all(pc.or_(pc.invert(known), town.truth["in_register"])).as_py()
    assert pc.mean(pc.cast(town.truth["in_register"], pa.int8())).as_py() == pytest.approx(0.93, abs=0.01)


def test_the_truth_names_the_register_row_of_every_person_who_has_one(town: Synthetic):
    person_of = dict(zip(*(town.register_truth[name].to_pylist() for name in ("record_id", "person_id")), strict=True))
    assert set(person_of) == set(town.register["record_id"].to_pylist())
    for row in town.truth.to_pylist():
        assert (row["register_record_id"] is not None) == row["in_register"]
        assert person_of.get(row["register_record_id"], row["person_id"]) == row["person_id"]


def test_of_two_register_rows_the_truth_names_that_at_the_present_practice():
    twice = make(300, 3_000, seed=4, errors=Errors(**{**PERFECT.__dict__, "two_practices": 0.5}))
    joined = twice.truth.join(twice.register, "register_record_id", "record_id", join_type="inner", right_suffix="_r")
    both = joined.join(twice.clients.select(["record_id", "postcode"]), "record_id", right_suffix="_c")
    assert both["postcode"].equals(both["postcode_c"])


@pytest.fixture(scope="module")
def census() -> Synthetic:
    return make_census(3_000, 3_100, seed=2)


def beside(lists: Synthetic) -> pa.Table:
    """Each client beside the register row of the same person; register columns end in _r."""
    clients = lists.clients.join(lists.truth, "record_id")
    return clients.join(lists.register, "register_record_id", "record_id", join_type="inner", right_suffix="_r")


def test_census_lists_are_of_one_population_and_hold_no_number(census: Synthetic):
    assert (len(census.clients), len(census.register)) == (3_000, 3_100)
    assert pc.sum(census.truth["in_register"]).as_py() == round(3_000 * 0.977) == len(beside(census))
    assert "nhs_number" not in census.clients.column_names
    assert census == make_census(3_000, 3_100, seed=2)
    assert census.clients != make_census(3_000, 3_100, seed=3).clients


@pytest.mark.parametrize(
    ("column", "least", "most"),
    [
        ("given_name", 0.70, 0.88),
        ("family_name", 0.70, 0.88),
        ("birth_date", 0.90, 0.98),
        ("gender", 0.92, 0.98),
        ("postcode", 0.88, 0.97),
        ("address_line_1", 0.87, 0.96),
    ],
)
def test_census_lists_agree_about_most_people(census: Synthetic, column: str, least: float, most: float):
    pairs = beside(census)
    same = pc.fill_null(pc.equal(pairs[column], pairs[f"{column}_r"]), False)
    assert least < pc.mean(pc.cast(same, pa.float64())).as_py() < most
    nulls = pairs[column].null_count / len(pairs)
    assert nulls < 0.04


def test_census_households_share_a_name_and_an_address_line(census: Synthetic):
    groups = census.register.group_by(["family_name", "address_line_1", "postcode"]).aggregate([("record_id", "count")])
    in_families = pc.sum(pc.if_else(pc.greater(groups["record_id_count"], 1), groups["record_id_count"], 0)).as_py()
    assert in_families > 0.4 * len(census.register)


def test_a_census_misreads_a_letter_wherever_it_stands(census: Synthetic):
    pairs = beside(census).select(["family_name", "family_name_r"]).to_pylist()
    assert any(
        row["family_name"] and row["family_name_r"] and "LL" in row["family_name"]
        and row["family_name"].replace("L", "C") == row["family_name_r"]
        for row in pairs
    )  # fmt: skip


@pytest.mark.parametrize(("clients", "register"), [(0, 10), (100, 90)])
def test_census_sizes_that_cannot_be_met_are_refused(clients: int, register: int):
    with pytest.raises(SettingsError, match="about as large"):
        make_census(clients, register, seed=1)


def test_census_lists_have_no_supplier_form(census: Synthetic, tmp_path: Path):
    with pytest.raises(SettingsError, match="standard"):
        write(census, tmp_path, "emis")
    files = {path.name for path in write(census, tmp_path)}
    assert files == {"clients.parquet", "register.parquet", "truth.parquet", "register_truth.parquet"}


def test_without_errors_every_record_is_the_truth(perfect: Synthetic):
    both = joined(perfect)
    assert len(both) == len(perfect.clients)
    for column in ("given_name", "family_name", "middle_names", "birth_date", "gender", "postcode", "address_line_1"):
        one, other = both[column], both[f"{column}_r"]
        assert pc.fill_null(one, "").equals(pc.fill_null(other, "")), column
    assert both["nhs_number"].equals(both["true_number"])


@pytest.mark.parametrize(
    ("rate", "column"),
    [
        ("given_name_typo", "given_name"),
        ("family_name_typo", "family_name"),
        ("nickname", "given_name"),
        ("given_name_variant", "given_name"),
        ("names_swapped", "family_name"),
        ("given_initial", "given_name"),
        ("middle_as_given", "given_name"),
        ("maiden_name", "family_name"),
        ("double_barrel_half", "family_name"),
        ("punctuation", "family_name"),
        ("name_noise", "given_name"),
        ("birth_date_swapped", "birth_date"),
        ("birth_date_digit", "birth_date"),
        ("birth_date_year", "birth_date"),
        ("birth_date_january", "birth_date"),
        ("birth_date_placeholder", "birth_date"),
        ("birth_year_only", "birth_date"),
        ("birth_date_missing", "birth_date"),
        ("gender_wrong", "gender"),
        ("gender_missing", "gender"),
        ("postcode_typo", "postcode"),
        ("postcode_missing", "postcode"),
        ("postcode_pseudo", "postcode"),
        ("old_address", "postcode"),
        ("address_noise", "address_line_1"),
        ("nhs_number_missing", "nhs_number"),
        ("nhs_number_typo", "nhs_number"),
        ("nhs_number_of_household", "nhs_number"),
        ("nhs_number_of_another", "nhs_number"),
        ("nhs_number_superseded", "nhs_number"),
    ],
)
def test_each_rate_changes_its_column_of_the_client_list(perfect: Synthetic, rate: str, column: str):
    slipped = make(1_000, 10_000, seed=5, errors=Errors(**{**PERFECT.__dict__, rate: 0.5}))
    before, after = (table[column].to_pylist() for table in (perfect.clients, slipped.clients))
    changed = sum(one != other for one, other in zip(before, after, strict=True))
    assert changed > 0
    assert slipped.truth == perfect.truth, "a slip may not move the people"


def test_a_mistyped_number_fails_the_check_digit_and_a_borrowed_one_passes():
    for rate, fault in (
        ("nhs_number_typo", nhs_number.Fault.CHECK_DIGIT),
        ("nhs_number_of_another", None),
        ("nhs_number_of_household", None),
        ("nhs_number_superseded", None),
    ):
        town = make(300, 3_000, seed=3, errors=Errors(**{**PERFECT.__dict__, rate: 1.0}))
        numbers = zip(town.clients["nhs_number"].to_pylist(), town.truth["nhs_number"].to_pylist(), strict=True)
        assert {nhs_number.fault(held) for held, true in numbers if held != true} == {fault}


def test_slips_come_together_on_careless_records():
    def wrong(errors: Errors) -> tuple[int, int]:
        town = make(3_000, 20_000, seed=2, errors=errors)
        no_postcode, no_birthday = town.clients["postcode"].is_null(), town.clients["birth_date"].is_null()
        return pc.sum(no_postcode).as_py(), pc.sum(pc.and_(no_postcode, no_birthday)).as_py()

    alone = Errors(**{**PERFECT.__dict__, "postcode_missing": 0.1, "birth_date_missing": 0.1})
    (many, both), (as_many, more) = wrong(alone), wrong(replace(alone, careless_records=0.15, careless_factor=4.0))
    assert as_many == pytest.approx(many, rel=0.2)
    assert more > 1.5 * both


def test_postcodes_are_postcodes_and_hold_a_street_of_people(perfect: Synthetic):
    codes = pc.unique(perfect.register["postcode"]).to_pylist()
    assert [Postcode.parse(code).unit for code in codes] == codes
    assert 20 < len(perfect.register) / len(codes) < 60


def test_nobody_is_born_in_the_future(town: Synthetic):
    for table in (town.clients, town.register):
        assert pc.max(table["birth_date"]).as_py() <= town.as_at.isoformat()


def test_names_have_the_shape_of_english_ones(town: Synthetic):
    counts = sorted(pc.value_counts(town.register["family_name"]).to_pylist(), key=lambda c: -c["counts"])
    shares = {entry["values"]: entry["counts"] / len(town.register) for entry in counts}
    assert 0.004 < shares["Smith"] < 0.016
    assert len(shares) > 4_000, "a long tail of rare names"


def test_there_are_twins_namesakes_and_families(town: Synthetic):
    def alike(*columns: str) -> int:
        groups = town.register.group_by(list(columns)).aggregate([("nhs_number", "count_distinct")])
        return pc.sum(pc.greater(groups["nhs_number_count_distinct"], 1)).as_py()

    assert alike("family_name", "birth_date", "postcode") > 50, "twins"
    assert alike("family_name", "address_line_1", "postcode") > 2_000, "families"
    assert alike("family_name", "given_name", "birth_date") > 0, "namesakes"


def test_clients_are_older_than_patients(town: Synthetic):
    def share_old(table: pa.Table) -> float:
        years = pc.cast(pc.utf8_slice_codeunits(pc.drop_null(table["birth_date"]), 0, 4), pa.int32())
        return pc.mean(pc.cast(pc.less(years, town.as_at.year - 70), pa.float64())).as_py()

    assert share_old(town.clients) > 2 * share_old(town.register)


def test_phones_and_mail_reach_nobody(town: Synthetic):
    phones = pc.drop_null(town.register["phone"])
    assert pc.all(pc.match_substring_regex(phones, "^(07700 900[0-9]{3}|01632 960[0-9]{3})$")).as_py()
    assert pc.all(pc.ends_with(pc.drop_null(town.register["email"]), "@example.org")).as_py()


def test_the_day_of_the_extract_is_an_argument():
    town = make(50, 500, seed=1, as_at=date(2014, 4, 1))
    assert pc.max(town.register["birth_date"]).as_py() <= "2014-04-01"


def test_hard_means_that_most_clients_are_nowhere():
    town = make(1_000, 5_000, seed=1, errors=PRESETS["hard"])
    assert pc.sum(town.truth["in_register"]).as_py() / 1_000 == pytest.approx(0.2, abs=0.02)
    assert town.clients["nhs_number"].null_count == 1_000


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_seed_writes_the_same_bytes(tmp_path, form: str):
    written = [write(make(20, 200, seed=9), tmp_path / name, form) for name in ("one", "two")]
    one, two = (
        {path.relative_to(tmp_path / n): path.read_bytes() for path in w}
        for n, w in zip(("one", "two"), written, strict=True)
    )
    assert one == two
    assert any(path.stem == "truth" for path in one)


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="carefirst"):
        write(make(5, 50, seed=1), tmp_path, "mosaic")


def test_the_kept_names_are_those_of_faker():
    if f'"faker": "{metadata.version("faker")}"' not in tails.FILE.read_text(encoding="utf-8")[:40]:
        pytest.skip("another version of Faker than the names were taken from")
    assert tails.FILE.read_text(encoding="utf-8") == tails.text(tails.take())


@pytest.mark.parametrize("field", fields(Errors), ids=lambda field: field.name)
def test_the_page_tells_every_rate(field: Field[float]):
    page = Path(__file__).parents[3] / "docs" / "synthetic.md"
    assert f"| `{field.name}` | {field.default:g} |" in page.read_text(encoding="utf-8")
