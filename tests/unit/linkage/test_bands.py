"""The bands: the lowest that keep the target, and what short lists and guards do to them."""

from __future__ import annotations

import duckdb
import pytest

from linkage.comparison import BIRTH, COMPARISONS, PLACE
from linkage.decide import Target, derive_bands
from linkage.default import default_model
from linkage.model import Bands

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
        ([1.0] * 2000, 1.0),
        ([1.0] * 2000 + [0.96], 0.96),  # one doubtful link among many certain ones keeps the target
        ([1.0] * 2000 + [0.94], 1.0),  # but none below the lowest
        ([1.0] * 2000 + [0.96] * 100, 1.0),  # a hundred of them do not keep it
        ([1.0] * 2000 + [0.99] * 50 + [0.96] * 100, 0.99),
        ([0.97], 0.97),  # a night's single new client
        ([], 1.0),
    ],
)
def test_link_band(probabilities: list[float], link_at: float) -> None:
    assert bands(probabilities).link_at == pytest.approx(link_at, abs=2e-6)


@pytest.mark.parametrize(
    ("probabilities", "review_at"),
    [
        ([1.0] * 1000 + [0.5, 0.3, 0.2], 0.2),
        ([1.0] * 1000 + [0.5, 0.3, 0.05], 0.3),  # nothing below the lowest is worth a person's time
        ([1.0] * 100 + [0.8, 0.6, 0.4, 0.2], 0.4),  # three in a hundred and four: the list is full
    ],
)
def test_review_band(probabilities: list[float], review_at: float) -> None:
    assert bands(probabilities).review_at == pytest.approx(review_at, abs=2e-6)


def test_guarded_clients_do_not_use_up_the_target() -> None:
    probabilities = [0.96] * 100 + [1.0] * 2000
    assert bands(probabilities).link_at == 1.0
    assert bands(probabilities, guarded=100).link_at == 1.0
    assert bands([0.96] * 100 + [1.0] * 2000 + [0.97], guarded=100).link_at == pytest.approx(0.97, abs=2e-6)


def test_a_stricter_target_never_lowers_the_band() -> None:
    probabilities = [1.0] * 500 + [0.999] * 300 + [0.99] * 60 + [0.96] * 40
    found = [bands(probabilities, Target(wrong_links=share)).link_at for share in (0.01, 0.002, 0.0005, 0.0001)]
    assert found == sorted(found)


def test_the_target_counts_clients_so_that_those_not_in_the_register_count_too() -> None:
    probabilities = [1.0] * 2000 + [0.96] * 100
    assert bands(probabilities).link_at == 1.0
    assert bands(probabilities, clients=10_000).link_at == pytest.approx(0.96, abs=2e-6)
