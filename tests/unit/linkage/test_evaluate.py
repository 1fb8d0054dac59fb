"""The formulas of an evaluation, against figures worked by hand or known from print."""

from __future__ import annotations

from dataclasses import asdict
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.blocking import RULES, AnyOf, BlockingRule
from linkage.clean import clean
from linkage.engine import link
from linkage.evaluate import (
    Captured,
    Estimate,
    Share,
    Split,
    Stratum,
    allocate,
    capture,
    f_measure,
    ratio,
    standardised_difference,
    stratified,
)
from linkage.evaluate.capture import SPLITS, ByRule, count, fields
from linkage.evaluate.shares import is_surprising


@pytest.mark.parametrize(
    ("right", "links", "findable", "value"),
    [
        (8, 10, 10, 0.8),
        (9, 9, 12, 2 * 1.0 * 0.75 / 1.75),
        (0, 5, 5, 0.0),
        (7, 7, 7, 1.0),
    ],
)
def test_f1_is_the_harmonic_mean_and_lies_in_its_interval(right: int, links: int, findable: int, value: float) -> None:
    f1 = f_measure(right, links, findable)
    assert f1.value == pytest.approx(value)
    assert 0 <= f1.low <= f1.value <= f1.high <= 1


@pytest.mark.parametrize(
    ("share", "other", "difference"),
    # (0.30 - 0.25) / sqrt((0.21 + 0.1875) / 2)
    [(0.30, 0.25, 0.11215), (0.25, 0.30, -0.11215), (0.4, 0.4, 0.0), (1.0, 1.0, 0.0), (1.0, 0.0, inf)],
)
def test_standardised_difference(share: float, other: float, difference: float) -> None:
    assert standardised_difference(share, other) == pytest.approx(difference, abs=1e-5)


@pytest.mark.parametrize(
    ("part", "whole", "expected", "surprising"),
    [
        (0, 0, 0.5, False),
        (5, 10, 0.5, False),
        (1, 10, 0.5, True),  # 11 of 1024 cases
        (2, 10, 0.5, False),  # 56 of 1024
        (9, 10, 0.5, True),
        (17, 18, 0.9963, False),  # 1 - 0.9963^18 = 6.5 %
        (999_900, 1_000_000, 0.9999, False),
        (999_500, 1_000_000, 0.9999, True),
        (9, 10, 1.0, True),
        (10, 10, 1.0, False),
    ],
)
def test_what_chance_would_seldom_bring(part: int, whole: int, expected: float, surprising: bool) -> None:
    assert is_surprising(part, whole, expected) is surprising


class TestCapture:
    # 60 in the first catch, 50 in the second, 40 of them again: Chapman 61 * 51 / 41 - 1 = 74.878.
    SPLIT = Split(("date",), ("address",), 72, 60, 50, 40)

    def test_chapmans_total(self) -> None:
        assert self.SPLIT.total == pytest.approx(61 * 51 / 41 - 1)

    def test_recall_counts_what_other_rules_found(self) -> None:
        # Of 74.88 there are, 70 are seen by the two groups and 2 more by others.
        assert self.SPLIT.recall.value == pytest.approx(72 / (61 * 51 / 41 - 1))
        assert self.SPLIT.recall.low < self.SPLIT.recall.value < self.SPLIT.recall.high <= 1

    def test_where_both_find_all_nothing_is_missed(self) -> None:
        assert Split(("date",), ("address",), 50, 50, 50, 50).recall == Estimate(1.0, 1.0, 1.0)

    def test_nothing_found_tells_nothing(self) -> None:
        assert Split(("date",), ("address",), 0, 0, 0, 0).recall == Estimate(0.0, 0.0, 0.0)

    @given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300), st.integers(0, 300))
    def test_recall_is_a_share_whatever_was_caught(
        self, only_first: int, only_second: int, both: int, none: int
    ) -> None:
        links = only_first + only_second + both + none
        split = Split(("a",), ("b",), links, only_first + both, only_second + both, both)
        recall = split.recall
        assert 0 <= recall.low <= recall.value <= recall.high <= 1
        assert split.total >= links

    def test_it_is_close_where_the_groups_are_independent(self) -> None:
        # 10,000 links; one group finds 90 %, the other 80 %, apart from each other, so 2 % are found by neither.
        split = Split(("a",), ("b",), 9_800, 9_000, 8_000, 7_200)
        assert split.recall.value == pytest.approx(0.98, abs=1e-4)
        assert split.recall.low < 0.98 < split.recall.high

    def test_histories_are_added_up(self) -> None:
        rules = (
            BlockingRule("number", ("nhs",)),
            BlockingRule("date and name", ("birth_year", "family_sound")),
            BlockingRule("place and given", (AnyOf("unit", "other_units"), "given_root")),
            BlockingRule("all", ("birth_year", "family", "given", "unit")),
        )
        histories = [
            (frozenset({0, 1, 2, 3}), True, 10),
            (frozenset({1}), False, 4),
            (frozenset({2, 3}), False, 3),
            (frozenset({0}), True, 2),
            (frozenset(), False, 1),
        ]
        found = count(histories, rules)
        assert found.links == 20
        rows = [("number", 12, 2), ("date and name", 14, 4), ("place and given", 13, 0), ("all", 13, 0)]
        assert found.rules == tuple(ByRule(*row) for row in rows)
        by_group = {(split.first, split.second): split for split in found.splits}
        split = by_group[("date", "family name"), ("address", "given name")]
        assert (split.links, split.in_first, split.in_second, split.in_both) == (20, 14, 13, 10)
        # The number can only be asked of clients who hold one.
        (number,) = (split for split in found.splits if split.first == ("number",))
        assert (number.links, number.in_first, number.in_second, number.in_both) == (12, 12, 10, 10)
        assert found.without_number == Share(10, 12)
        assert Captured.from_json(found.to_json()) == Captured.from_json(asdict(found)) == found

    def test_every_split_has_rules_on_both_sides_and_shares_no_field(self) -> None:
        for first, second in SPLITS:
            assert not first & second
            for group in (first, second):
                assert any(fields(rule) <= group for rule in RULES), f"no blocking rule looks at {sorted(group)} alone"

    def test_it_asks_the_rules_of_the_run(self, store) -> None:
        people = [
            {
                "nhs_number": f"{9000000000 + n:010d}",
                "given_name": ("Anna", "Boris", "Chloe", "Dimitri")[n % 4] + "abcdefghij"[n // 4 % 10],
                "family_name": ("Ash", "Birch", "Cedar", "Elm", "Fir")[n % 5] + "klmnopqrst"[n // 5 % 10] + "son",
                "birth_date": f"{1930 + n % 60}-{1 + n % 12:02d}-{1 + n % 28:02d}",
                "gender": str(1 + n % 2),
                "address_line_1": f"{n} High Street",
                "postcode": f"BR{1 + n % 9} {n % 10}{'ABDEFGHJLN'[n % 10]}{'PQRSTUWXYZ'[n // 10 % 10]}",
            }
            for n in range(60)
        ]
        clients = [{k: v for k, v in each.items() if k != "nhs_number"} for each in people]
        clients[0]["birth_date"] = None
        connection = store(clients, people)
        link(connection, seed=1, run_id="test")
        ((links,),) = connection.execute("SELECT count(*) FROM link WHERE decision = 'link'").fetchall()
        assert links >= 55
        clean(connection, ("clients", "register"))  # the engine calls it before it drops these tables
        found = capture(connection, seed=1)
        assert found.links == links
        by_rule = {each.name: each.links for each in found.rules}
        assert by_rule["NHS number"] == 0
        assert by_rule["birth date, given name"] == links - 1
        assert found.recall is not None
        assert 0.9 < found.recall.value <= 1


class TestStrata:
    def test_cochran(self) -> None:
        # W = 0.9 and 0.1, p = 0.95 and 0.5, n = 100 and 50.
        strata = [Stratum("high", 900, Share(95, 100)), Stratum("low", 100, Share(25, 50))]
        found = stratified(strata)
        variance = 0.81 * 0.95 * 0.05 / 100 + 0.01 * 0.25 / 50
        assert found is not None
        assert found.value == pytest.approx(0.905)
        assert found.high - found.low == pytest.approx(2 * 1.959964 * variance**0.5, rel=1e-6)

    def test_all_right_is_not_certain_unless_all_were_looked_at(self) -> None:
        some, every = (stratified([Stratum("one", size, Share(10, 10))]) for size in (1000, 10))
        assert some is not None
        assert every is not None
        assert (some.value, every.value) == (1, 1)
        assert some.low < 0.95
        assert every.low == 1

    def test_a_stratum_without_a_sample_makes_the_whole_unknown(self) -> None:
        assert stratified([Stratum("high", 900, Share(9, 10)), Stratum("low", 1, Share(0, 0))]) is None

    def test_recall_of_totals(self) -> None:
        right, missed = [Stratum("link", 900, Share(90, 90))], [Stratum("none", 1000, Share(5, 50))]
        found = ratio(right, missed)
        assert found is not None
        assert found.value == pytest.approx(0.9)
        assert found.low < 0.9 < found.high

    @given(
        st.lists(st.tuples(st.integers(0, 5000), st.floats(0.01, 0.5)), min_size=1, max_size=8),
        st.integers(0, 2000),
    )
    def test_as_many_are_drawn_as_asked_and_there_are(self, strata: list[tuple[int, float]], sample: int) -> None:
        sizes, spreads = [size for size, _ in strata], [spread for _, spread in strata]
        drawn = allocate(sizes, spreads, sample)
        least = [min(size, 5) for size in sizes]
        assert all(low <= each <= size for low, each, size in zip(least, drawn, sizes, strict=True))
        assert sum(drawn) == max(min(sample, sum(sizes)), sum(least))
