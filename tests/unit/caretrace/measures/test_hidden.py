"""What is shown of a measure: nothing small, and nothing from which a small number follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caretrace.measures import figures, hidden
from caretrace.measures.declared import Measure, measures
from caretrace.measures.figures import ALL, Figure, LeftOut
from caretrace.measures.tables import Linkage
from governance.aggregate.cells import MOST
from governance.aggregate.presets import PRESETS
from schemas.errors import SettingsError

HES = PRESETS["nhs-hes-2018"]
SHARE, RATE, MEANS = (measures()[name] for name in ("home_91_days", "local_metric", "cost_activity"))
Groups = dict[tuple[str, str], list[int]]
"""By area and part: the amount of each person."""
Show = Callable[..., dict[tuple[str, str], Figure]]


@pytest.fixture
def show() -> Iterator[Show]:
    with duckdb.connect(config={"threads": 1}) as connection:

        def show(measure: Measure, groups: Groups, *, exact: bool = False) -> dict[tuple[str, str], Figure]:
            names = [each.name for each in measure.amounts]
            columns = ", ".join(f"{name} BIGINT" for name in names)
            connection.execute(
                "CREATE OR REPLACE TEMP TABLE measure_row"
                f" (period VARCHAR, person_key VARCHAR, area VARCHAR, part VARCHAR, {columns})"
            )
            rows = [
                ("p", f"{area}{part}{n}", area, part, *(amount,) * len(names))
                for (area, part), amounts in groups.items()
                for n, amount in enumerate(amounts)
            ]
            marks = ", ".join("?" * (4 + len(names)))
            if rows:
                connection.executemany(f"INSERT INTO measure_row VALUES ({marks})", rows)
            found = figures.exact(connection, measure, ["p"])
            if not exact:
                found, refused = hidden.shown(connection, measure, found, HES)
                assert not refused or all(each.people is None and set(each.values) == {None} for each in found)
            return {(each.area, each.part): each for each in found}

        yield show


def people(of: int, having: int, each: int = 1) -> list[int]:
    return [each] * having + [0] * (of - having)


@pytest.mark.parametrize(
    ("says", "measure", "amounts", "shown"),
    [
        ("rounded to 5, the rate of what is shown", SHARE, people(103, 42), (105, 40, 38.1)),
        ("few people", SHARE, people(7, 3), (None, None, None)),
        ("few at home", SHARE, people(103, 4), (105, None, None)),
        ("nobody at home is shown, as the preset has it", SHARE, people(103, 0), (105, 0, 0.0)),
        ("nobody at all", SHARE, [], (0, 0, None)),
        ("all at home", SHARE, people(40, 40), (40, 40, 100.0)),
        ("many admissions of few people", RATE, people(200, 3, each=9), (200, None, None)),
        ("admissions are rounded, not people admitted", RATE, people(200, 10, each=3), (200, 30, 150.0)),
        ("a mean of what few have", MEANS, people(200, 3, each=900), (200, None, None)),
        ("a mean in three digits, its total not shown", MEANS, people(30, 30, each=12_345), (30, None, 123.0)),
    ],
)
def test_one_group(show: Show, says: str, measure: Measure, amounts: list[int], shown: tuple[object, ...]) -> None:
    figure = show(measure, {("A", "x"): amounts})[ALL, ALL]
    assert (figure.people, figure.amounts[0], figure.values[0]) == shown, says


def test_few_who_are_not_at_home_cannot_be_worked_out(show: Show) -> None:
    # 3 of 40 are not at home; with exact numbers 40 and 37 would say so.
    figure = show(SHARE, {("A", "x"): people(40, 37)})[ALL, ALL]
    assert figure.people == 40
    assert figure.amounts[0] in (35, None)


def test_a_mean_of_the_whole_is_not_shown_where_a_part_is_hidden(show: Show) -> None:
    found = show(MEANS, {("A", "x"): people(50, 50, 100), ("B", "x"): people(3, 3, 9_000)})
    assert found["B", ALL].people is None
    assert found["A", ALL].values[0] == 1.0
    assert found[ALL, ALL].people == 55
    assert found[ALL, ALL].values[0] is None


AMOUNTS = st.lists(st.integers(0, 3), max_size=30)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([SHARE, RATE, MEANS]),
    st.dictionaries(st.sampled_from([("A", "x"), ("A", "y"), ("B", "x")]), AMOUNTS),
)
def test_nothing_small_is_ever_shown_and_nothing_shown_is_far_from_true(
    show: Show, measure: Measure, groups: Groups
) -> None:
    if measure is SHARE:
        groups = {place: [min(amount, 1) for amount in amounts] for place, amounts in groups.items()}
    exact, shown = show(measure, groups, exact=True), show(measure, groups)
    for place, figure in shown.items():
        true = exact[place]
        if figure.people is not None:
            assert not HES.hides(true.people or 0)
            assert abs(figure.people - (true.people or 0)) <= 2
        for amount, count in zip(figure.amounts, true.amounts, strict=True):
            assert amount is None or (not HES.hides(count or 0) and abs(amount - (count or 0)) <= 2)
        if figure.people is None:
            assert set(figure.values) == {None}
    if measure is MEANS:
        assert all(amount is None or amount == 0 for figure in shown.values() for amount in figure.amounts)


def test_too_many_groups_are_not_shown_at_all() -> None:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(
            "CREATE TEMP TABLE measure_row AS SELECT 'p' AS period, CAST(n AS VARCHAR) AS person_key,"
            f" CAST(n % {MOST} AS VARCHAR) AS area, 'x' AS part, n % 2 AS at_home FROM range({2 * MOST}) t (n)"
        )
        found, refused = hidden.shown(connection, SHARE, figures.exact(connection, SHARE, ["p"])[:3], HES)
    assert refused == ["p: too many groups to audit together; take fewer areas"]
    assert all(figure.people is None for figure in found)


def test_what_was_left_out_is_hidden_too() -> None:
    few, many = LeftOut("p", "not linked", 40, 7), LeftOut("p", "no date of birth", 43, 41)
    assert hidden.left_out([few, many], HES) == [
        replace(few, records=None, people=None),
        replace(many, records=45, people=40),
    ]


@pytest.mark.parametrize(
    ("clients", "linked", "share"), [(1000, 902, 0.9), (1000, 995, None), (1000, 4, None), (0, 0, None), (6, 0, None)]
)
def test_the_share_linked_is_not_told_of_few(clients: int, linked: int, share: float | None) -> None:
    assert hidden.linkage(Linkage(clients, linked, 0), HES)["share_linked"] == share


@pytest.mark.parametrize("name", ["ons-ls-10", "hic-dundee", "none"])
def test_a_preset_that_does_not_round_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="take one of nhs-hes-2018"):
        hidden.preset(name)
