"""Training: what it learns, what it leans on, and what it refuses to believe."""

from __future__ import annotations

from dataclasses import replace

import pytest

from linkage import default_model, link
from linkage.fit import _hold, fit
from linkage.model import ComparisonWeights
from linkage.train import MIN_CLIENTS, _repair, train

GENDER = default_model()["gender"]


def test_too_few_clients_teach_nothing(store) -> None:
    from linkage.frequencies import Frequencies

    connection = store([], [])
    connection.execute("CREATE TABLE clients_record (id BIGINT)")
    start = default_model()
    model, training = train(connection, start, Frequencies(1, {}), seed=1)
    assert model is start
    assert training.method == "default"
    assert f"fewer than {MIN_CLIENTS}" in training.notes[0]


@pytest.mark.parametrize(
    ("counts", "m_same"),
    [
        ([0, 0], 0.99),  # nothing seen: the default
        ([0, 100], 0.495),  # as much seen as the default counts for
        ([9_900, 0], 0.9999),  # never quite certain
    ],
)
def test_estimates_lean_on_the_default(counts: list[float], m_same: float) -> None:
    fitted = fit(GENDER, GENDER, "m", counts, lean=100)
    assert fitted.levels[0].m == pytest.approx(m_same, abs=1e-9)
    assert sum(level.m for level in fitted.levels) == pytest.approx(1)
    assert [level.u for level in fitted.levels] == [level.u for level in GENDER.levels]


def test_a_level_nobody_reached_is_still_possible() -> None:
    given = default_model()["given name"]
    fitted = fit(given, given, "m", [1e6] + [0] * (len(given.levels) - 1), lean=100)
    assert all(level.m > 0 for level in fitted.levels)


def test_held_levels_keep_the_default_and_the_rest_share_what_is_left() -> None:
    given = default_model()["given name"]
    learned = fit(given, given, "m", [0] * (len(given.levels) - 1) + [1e6], lean=100)
    held = _hold(learned, given)
    assert held.levels[-1].m == given.levels[-1].m
    assert sum(level.m for level in held.levels) == pytest.approx(1)


def test_a_comparison_that_informs_the_wrong_way_is_put_back_and_said() -> None:
    same, different = GENDER.levels
    upside_down = ComparisonWeights(GENDER.comparison, (replace(same, m=0.4), replace(different, m=0.6)))
    model, notes = _repair(default_model().with_weights(upside_down), default_model())
    assert model == default_model()
    assert len(notes) == 1
    assert notes[0].startswith("gender: agreement came out as evidence against a match")


def test_a_sound_model_is_left_alone() -> None:
    assert _repair(default_model(), default_model()) == (default_model(), ())


def test_training_weighs_exchanged_names_once_and_tells_kin_as_clients(store) -> None:
    names = ("Ann", "Beth", "Carol", "Dora", "Edna", "Fay", "Gail", "Hope")
    register = [
        {
            "given_name": names[i % 8],
            "family_name": f"Family{'ABCDEFGHIJ'[i // 2 % 10]}{'KLMNOPQRST'[i // 20 % 10]}",
            "birth_date": f"{1940 + i // 2 % 60}-{1 + i % 12:02d}-{1 + i % 28:02d}",
            "address_line_1": f"{i // 2} High Street",  # two to a house, born in one year
            "postcode": f"BR1 {i // 2 % 10}{'ABDEFGHJLN'[i // 20 % 10]}A",
        }
        for i in range(600)
    ]
    clients = [
        each | {"birth_date": f"{each['birth_date'][:4]}-01-01", "birth_date_precision": "Y"} for each in register
    ]
    connection = store(clients[::2], register)
    model = link(connection, seed=1, run_id="test").model
    said = {level.level: level for level in model["family name"].levels}
    assert said["swapped"].m == pytest.approx(said["swapped"].u, rel=1e-6)
    vague = {level.level: level for level in model["date of birth"].levels}
    assert vague["year only"].h > 0.3
    assert vague["exact"].h < 0.05
