"""The bands: the lowest that keep the target, and what short lists and guards do to them."""

from __future__ import annotations

import math

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.comparison import BIRTH, COMPARISONS, PLACE
from linkage.decide import Target, derive_bands
from linkage.default import default_model
from linkage.model import Bands


def halfway(taken: float, left: float) -> float:
    """In bits."""
    bits = sum(math.log2(p / (1 - p)) for p in (taken, left)) / 2
    return 1 / (1 + 2**-bits)


WIDE = Target(wrong_links=1 / 2000, review=0.03, lowest_link=0.95, lowest_review=0.10)


def bands(probabilities: list[float], target: Target = WIDE, *, clients: int | None = None, guarded: int = 0) -> Bands:
    """Bands for clients with these best probabilities; the first `guarded` have another date of birth."""
    with duckdb.connect() as connection:
        levels = ", ".join(f"NULL::UTINYINT AS {each.column}" for each in COMPARISONS if each is not BIRTH)
        connection.execute(
            f"""
            CREATE TABLE best AS SELECT p AS probability, 1::BIGINT AS person, true AS number_is_silent,
                false AS own_number_taken, false AS unnumbered, false AS rival, false AS kin_are_rare, {levels},
                CASE WHEN i <= {guarded} THEN {BIRTH.index("different")} ELSE 0 END::UTINYINT AS {BIRTH.column}
            FROM (SELECT unnest(?::DOUBLE[]) AS p, generate_subscripts(?::DOUBLE[], 1) AS i)""",
            [probabilities] * 2,
        )
        connection.execute(
            f"CREATE TABLE clients_record AS SELECT range AS id FROM range({clients or len(probabilities)})"
        )
        connection.execute(f"UPDATE best SET {PLACE.column} = 0")  # an address that supports the link
        return derive_bands(connection, default_model(), target)


@pytest.mark.parametrize(
    ("probabilities", "link_at"),
    [
        ([1.0] * 2000, halfway(0.9995, 0.95)),  # nothing says that it must be higher
        ([1.0] * 2000 + [0.96], halfway(0.96, 0.95)),  # one doubtful link among many certain ones keeps the target
        ([1.0] * 2000 + [0.94], halfway(0.9995, 0.95)),  # but none below the lowest
        ([1.0] * 2000 + [0.96] * 100, halfway(0.9995, 0.96)),  # a hundred of them do not keep it
        ([1.0] * 2000 + [0.99] * 50 + [0.96] * 100, halfway(0.99, 0.96)),
        ([1.0] * 2000 + [0.9999] * 50 + [0.9998] * 50, halfway(0.9995, 0.95)),
        ([0.97], halfway(0.97, 0.95)),  # a night's single new client
        ([], halfway(0.9995, 0.95)),
        ([0.95], 0.95),
    ],
)
def test_link_band(probabilities: list[float], link_at: float) -> None:
    assert bands(probabilities).link_at == pytest.approx(link_at, abs=2e-6)


def test_those_who_differ_in_the_seventh_decimal_are_parted_by_the_upper() -> None:
    probabilities = [1.0] * 2000 + [0.9700009] * 30 + [0.9700001] * 100
    assert bands(probabilities).link_at == 0.97


@given(st.lists(st.floats(0.9, 1.0), min_size=1, max_size=60), st.sampled_from([0.0, 1e-4, 5e-4, 1e-2]))
@settings(max_examples=60, deadline=None)
def test_no_band_takes_in_more_than_keeps_the_target(probabilities: list[float], share: float) -> None:
    """Those linked are the most that keep it, but for neighbours a millionth apart."""
    link_at = bands(probabilities, Target(wrong_links=share)).link_at
    room = (len(probabilities) + 1000) * share + 1e-9
    linked = [p for p in probabilities if p >= link_at + 1e-6]
    assert sum(1 - p for p in linked) <= room
    more = [p for p in probabilities if p >= 0.95]
    assert len([p for p in probabilities if p >= link_at]) == len(more) or sum(1 - p for p in more) > room - 1e-9


@pytest.mark.parametrize(
    ("probabilities", "review_at"),
    [
        ([1.0] * 1000 + [0.5, 0.3, 0.2], 0.1),  # there is room for more
        ([1.0] * 1000 + [0.5, 0.3, 0.05], 0.1),  # nothing below the lowest is worth a person's time
        ([1.0] * 100 + [0.8, 0.6, 0.4, 0.2], halfway(0.4, 0.2)),  # three in a hundred and four: the list is full
        ([1.0] * 100 + [0.8, 0.6, 0.4, 0.05], 0.1),
        ([1.0] * 20 + [0.8, 0.6], 0.1),  # three in a hundred of so few are nobody, and nobody is lost for that
    ],
)
def test_review_band(probabilities: list[float], review_at: float) -> None:
    assert bands(probabilities).review_at == pytest.approx(review_at, abs=2e-6)


def test_guarded_clients_do_not_use_up_the_target() -> None:
    probabilities = [0.96] * 100 + [1.0] * 2000
    assert bands(probabilities).link_at == pytest.approx(halfway(0.9995, 0.96), abs=2e-6)
    assert bands(probabilities, guarded=100).link_at == pytest.approx(halfway(0.9995, 0.95), abs=2e-6)


def test_a_stricter_target_never_lowers_the_band() -> None:
    probabilities = [1.0] * 500 + [0.999] * 300 + [0.99] * 60 + [0.96] * 40
    found = [bands(probabilities, Target(wrong_links=share)).link_at for share in (0.01, 0.002, 0.0005, 0.0001)]
    assert found == sorted(found)


def test_the_target_counts_clients_so_that_those_not_in_the_register_count_too() -> None:
    probabilities = [1.0] * 2000 + [0.96] * 100
    assert bands(probabilities).link_at > 0.96
    assert bands(probabilities, clients=10_000).link_at < 0.96
