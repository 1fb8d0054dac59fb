"""Agreement of readers against published figures, and what answers make of a pair."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.review import DISAGREED, Answer, agreement, resolve

SAME, DIFFERENT, UNSURE = Answer.SAME, Answer.DIFFERENT, Answer.CANNOT_TELL
ANSWERS = st.sampled_from(list(Answer))


def pairs(table: Sequence[Sequence[int]]) -> list[tuple[Answer, Answer]]:
    """The cross table, first reader in rows."""
    return [
        (a, b) for a, row in zip(Answer, table, strict=True) for b, n in zip(Answer, row, strict=True) for _ in range(n)
    ]


@pytest.mark.parametrize(
    ("table", "kappa"),
    [
        ([[88, 14, 18], [10, 40, 10], [2, 6, 12]], 0.492),  # Cohen 1960, table 1: kappa .492
        ([[75, 1, 4], [5, 4, 1], [0, 0, 10]], 0.676),  # Fleiss 1981, table 13.1: kappa .68
        ([[20, 5, 0], [10, 15, 0], [0, 0, 0]], 0.4),
        ([[0, 5, 0], [5, 0, 0], [0, 0, 0]], -1.0),
    ],
)
def test_kappa_is_the_published_one(table: list[list[int]], kappa: float) -> None:
    found = agreement(pairs(table))
    assert found.kappa == pytest.approx(kappa, abs=0.0005)
    assert found.low < found.kappa < found.high or kappa == -1.0


def test_kappa_is_not_defined_where_both_give_one_answer_throughout() -> None:
    found = agreement([(SAME, SAME)] * 9)
    assert (found.kappa, found.low, found.high) == (None, None, None)
    assert found.agreed.value == 1


def test_full_agreement_on_few_pairs_is_not_certainty() -> None:
    found = agreement([(SAME, SAME), (DIFFERENT, DIFFERENT)] * 5)
    assert found.kappa == found.high == 1
    assert found.low < 0.5


def test_nothing_read_is_no_agreement() -> None:
    assert agreement([]).kappa is None


@given(st.lists(st.tuples(ANSWERS, ANSWERS), min_size=1))
def test_kappa_lies_in_its_interval_and_readers_may_change_places(both: list[tuple[Answer, Answer]]) -> None:
    found, turned = agreement(both), agreement([(b, a) for a, b in both])
    assert found.kappa == turned.kappa
    if found.kappa is not None:
        assert found.low <= found.kappa <= found.high <= 1


@pytest.mark.parametrize(
    ("answers", "senior", "verdict", "by"),
    [
        ({"ann": SAME}, None, "same", ("ann",)),
        ({"ann": SAME, "bob": SAME}, None, "same", ("ann", "bob")),
        ({"ann": UNSURE, "bob": UNSURE}, None, "cannot tell", ("ann", "bob")),
        ({"ann": SAME, "bob": DIFFERENT}, None, DISAGREED, ("ann", "bob")),
        ({"ann": SAME, "bob": UNSURE}, None, DISAGREED, ("ann", "bob")),
        ({"ann": SAME, "bob": DIFFERENT}, "bob", "different", ("bob",)),
        ({"ann": SAME, "bob": SAME}, "bob", "same", ("ann", "bob")),
        ({"ann": SAME, "bob": DIFFERENT}, "carol", DISAGREED, ("ann", "bob")),
    ],
)
def test_what_answers_make_of_a_pair(
    answers: dict[str, Answer], senior: str | None, verdict: str, by: tuple[str, ...]
) -> None:
    outcome = resolve(answers, senior=senior)
    assert (outcome.verdict, outcome.by) == (verdict, by)
