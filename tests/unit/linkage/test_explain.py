"""A weight taken apart: bars that add up to what was decided on, and shares that add up to one."""

from __future__ import annotations

import math

import pytest

from linkage.default import default_model
from linkage.engine import link
from linkage.explain import HOUSEHOLD, PRIOR, Waterfall, competition, waterfall

MARY = {
    "given_name": "Mary",
    "family_name": "Featherstone",
    "birth_date": "1931-07-09",
    "gender": "2",
    "address_line_1": "14 High Street",
    "postcode": "BR1 3AA",
}
NUMBERS = ("9434765919", "9000000009")


@pytest.fixture
def explained(store) -> tuple[list[Waterfall], dict[str, object]]:
    register = [MARY | {"nhs_number": NUMBERS[0]}, MARY | {"given_name": "Doreen", "nhs_number": NUMBERS[1]}]
    clients = [MARY | {"gender": None}]
    connection = store(clients, register)
    model = default_model()
    link(connection, seed=1, run_id="test", model=model)
    result = connection.execute("SELECT * FROM candidate ORDER BY rank")
    names = [column[0] for column in result.description]
    rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    return [waterfall(row, model) for row in rows], rows[0]


def test_the_bars_add_up_to_the_weight(explained) -> None:
    falls, _ = explained
    assert [each.rank for each in falls] == [1, 2]
    for each in falls:
        assert math.fsum(float(bar.bits) for bar in each.bars) == pytest.approx(float(each.weight), abs=1e-5)
        (first, *_), (*_, last) = each.steps(), each.steps()
        assert (first[0].name, first[1]) == (PRIOR, 0)
        assert last[0].name == HOUSEHOLD
        assert last[2] == pytest.approx(float(each.weight), abs=1e-5)


def test_every_comparison_has_a_bar_and_silence_weighs_nothing(explained) -> None:
    falls, row = explained
    bars = {bar.name: bar for bar in falls[0].bars}
    assert list(bars)[1:-1] == [each.comparison.name for each in default_model().comparisons]
    assert (bars["gender"].level, bars["gender"].bits, bars["gender"].m) == (None, 0.0, None)
    assert bars["given name"].level == "exact"
    assert set(row["levels"]) == {name for name, bar in bars.items() if bar.level}


def test_a_frequency_stands_for_u_and_its_effect_is_told(explained) -> None:
    falls, _ = explained
    bar = next(bar for bar in falls[0].bars if bar.name == "family name")
    usual = next(each for each in default_model()["family name"].levels if each.level == "exact")
    assert bar.usual_u == usual.u
    assert bar.u is not None
    assert math.log2(usual.m / bar.u) == pytest.approx(float(bar.bits))
    assert bar.frequency_bits == pytest.approx(float(bar.bits) - math.log2(usual.m / usual.u))
    assert "m" in bar.to_json()


def test_what_a_household_shares_counts_less(explained) -> None:
    falls, _ = explained
    household = [next(bar.bits for bar in each.bars if bar.name == HOUSEHOLD) for each in falls]
    assert all(bits < -1 for bits in household)  # name and address, which a sister has too


def test_shares_add_up_to_one(explained) -> None:
    falls, _ = explained
    shares = competition(falls)
    assert sum(shares.candidates) + shares.others + shares.nobody == pytest.approx(1, abs=1e-6)
    # Odds of the best against nobody are 2^weight.
    assert shares.candidates[0] / shares.nobody == pytest.approx(2 ** float(falls[0].weight), rel=1e-6)


def test_without_a_candidate_it_is_nobody() -> None:
    shares = competition([])
    assert (shares.candidates, shares.others, shares.nobody) == ((), 0.0, 1.0)
