"""Small groups repaired by least loss: the search against every possibility tried, and whole releases."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import date
from itertools import product
from math import log2
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance import agreement, release
from governance.agreement import summary
from governance.deidentify import events, ladder, lattice
from governance.deidentify.lattice import Axis, Demand, Rows, Told
from governance.deidentify.transform import TRANSFORMS
from schemas.errors import Refused, SettingsError

if TYPE_CHECKING:
    from conftest import Desk, Kit

TODAY = date(2026, 11, 22)
# A field's values are 0 to 7; its steps are halves of them, as birth years are of bands.
COARSER = [lambda v: v, lambda v: v // 2, lambda v: v // 4, lambda v: 0]


def axes(people: list[tuple[int, ...]], fields: int) -> list[Axis]:
    return [
        Axis(f"f{n}", ("a", "b", "c", "d"), tuple(np.array([step(who[n]) for who in people]) for step in COARSER))
        for n in range(fields)
    ]


def slowly(
    people: list[tuple[int, ...]], demand: Demand, least: int, farthest: float | None
) -> tuple[float, tuple[int, ...], int] | None:
    """The same by trying everything, person by person: what the search is held to."""
    fields, best = len(people[0]) - 1, None
    for steps in product(range(4), repeat=fields):
        group = [tuple(COARSER[step](who[n]) for n, step in enumerate(steps)) for who in people]
        left = set(range(len(people)))
        while True:
            bad = _bad(people, group, left, demand.k, least, farthest)
            if not bad:
                break
            left -= {at for at in left if group[at] in bad}
        gone = len(people) - len(left)
        if gone > demand.share * len(people) + 1e-9 or not left:
            continue
        each = [_lost([who[n] for who in people], COARSER[step]) for n, step in enumerate(steps)]
        coarse = sum(each) / fields
        loss = round(coarse + (1 - coarse) * gone / len(people), 6)
        if best is None or (loss, steps) < best[:2]:
            best = (loss, steps, gone)
    return best


def _bad(
    people: list[tuple[int, ...]], group: list[Any], left: set[int], k: int, least: int, farthest: float | None
) -> set[Any]:
    members = defaultdict(list)
    for at in sorted(left):
        members[group[at]].append(people[at][-1])
    everybody = Counter(people[at][-1] for at in left)
    if bad := {name for name, values in members.items() if len(values) < k}:
        return bad  # these go first, whatever they tell
    for name, values in members.items():
        held = Counter(values)
        apart = sum(max(n / len(values) - everybody[v] / len(left), 0) for v, n in held.items())
        too_far = farthest is not None and round(apart, 6) > farthest
        if (any(values) and len(held) < least) or too_far:
            bad.add(name)
    return bad


def _lost(values: list[int], step: Any) -> float:
    def entropy(counts: Counter[int]) -> float:
        return sum(n * log2(len(values) / n) for n in counts.values())

    held = entropy(Counter(values))
    return round(1 - entropy(Counter(map(step, values))) / held, 9) if held else 0.0


PEOPLE = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(0, 2)), min_size=1, max_size=24)


@given(PEOPLE, st.integers(1, 6), st.sampled_from([0.0, 0.1, 0.5]), st.integers(1, 2), st.sampled_from([None, 0.4]))
@settings(max_examples=40, deadline=None)
def test_the_search_finds_what_trying_everything_finds(
    people: list[tuple[int, ...]], k: int, share: float, least: int, farthest: float | None
) -> None:
    at, value = np.arange(len(people)), np.array([who[-1] for who in people])
    told = [Told(at, value, np.ones(len(people), dtype=np.int64), least, farthest)]
    rows = Rows(np.ones(len(people), dtype=np.int64))
    found = lattice.search(axes(people, 2), rows, Demand(k, share), told)
    expected = slowly(people, Demand(k, share), least, farthest)
    assert (found is None) is (expected is None)
    if found is not None and expected is not None:
        assert found.loss == pytest.approx(expected[0], abs=1e-6)
        assert int(rows.n[found.withheld].sum()) == found.gone
    order = np.random.default_rng(1).permutation(len(people))
    again = lattice.search(
        axes([people[n] for n in order], 2), rows, Demand(k, share), [Told(at, value[order], rows.n, least, farthest)]
    )
    assert (found and (found.steps, found.loss)) == (again and (again.steps, again.loss))


def test_people_are_counted_where_they_have_several_rows() -> None:
    place = Axis("place", ("each", "all"), (np.array([0, 0, 0, 1, 1]), np.zeros(5, dtype=np.int64)))
    person = np.array([0, 0, 0, 1, 2])  # three rows of the first person
    found = lattice.search([place], Rows(np.ones(5, dtype=np.int64), person), Demand(2, 0))
    assert found is not None
    assert found.steps == (1,)
    assert lattice.search([place], Rows(np.ones(5, dtype=np.int64)), Demand(2, 0)).steps == (0,)  # type: ignore[union-attr]


LADDERS = [("person", "birth_date", "year"), ("person", "postcode", "keep"), ("service", "start_date", "keep")]


@pytest.mark.parametrize(("table", "name", "agreed"), LADDERS)
@given(st.lists(st.dates(date(1900, 1, 1), TODAY), min_size=2, max_size=40))
@settings(max_examples=10, deadline=None)
def test_each_step_stands_for_whole_values_of_the_step_before(
    table: str, name: str, agreed: str, days: list[date]
) -> None:
    steps = [step for step in ladder.steps(table, name, agreed) if step != "drop"]
    with duckdb.connect() as connection:
        values: list[Any] = (
            [f"AB{d.month} {d.day % 10}{'ABC'[d.year % 3]}D" for d in days] if name == "postcode" else days
        )
        connection.execute(f'CREATE TABLE t ("{name}" {"VARCHAR" if name == "postcode" else "DATE"})')
        connection.executemany("INSERT INTO t VALUES (?)", [[value] for value in values])
        columns = ", ".join(
            f"CAST({TRANSFORMS[step].sql(f'{chr(34)}{name}{chr(34)}', TODAY)} AS VARCHAR)" for step in steps
        )
        rows = connection.execute(f"SELECT {columns} FROM t").fetchall()
    for at in range(len(steps) - 1):
        coarser: dict[Any, Any] = {}
        assert all(coarser.setdefault(row[at], row[at + 1]) == row[at + 1] for row in rows), steps[at + 1]


@pytest.mark.parametrize(
    ("table", "name", "agreed", "coarsest", "steps"),
    [
        ("person", "birth_date", "five_year_band", None, ("five_year_band", "ten_year_band", "drop")),
        ("person", "birth_date", "month", "year", ("month", "year")),
        ("person", "birth_date", "week", None, ("week", "drop")),
        ("person", "postcode", "district", None, ("district", "area", "drop")),
        ("person", "gender", "keep", None, ("keep", "drop")),
        ("person", "gender", "keep", "keep", ("keep",)),
        ("service", "start_date", "month", "quarter", ("month", "quarter")),
        ("service", "provider", "pseudonym", None, ("pseudonym", "drop")),
        ("person", "postcode", "drop", None, ("drop",)),
    ],
)
def test_ladders(table: str, name: str, agreed: str, coarsest: str | None, steps: tuple[str, ...]) -> None:
    assert ladder.steps(table, name, agreed, coarsest) == steps


COARSEN = ('below_k = "withhold"', 'below_k = "coarsen"')


def three_districts(kit: Kit, **about: Any) -> Desk:
    """Twelve people in one district, and four in each of two others of the same area: too few for k = 5."""
    others = [kit.someone(n, person={"postcode": "ZE2 0AA" if n < 34 else "ZE3 0AA"}) for n in range(30, 38)]
    people = [*kit.crowd(), *others]
    desk = kit.desk(people, service=[kit.service(who) for who in people])
    desk.edit(COARSEN)
    return desk


def test_a_coarser_field_is_proposed_and_leaves(kit: Kit) -> None:
    desk = three_districts(kit)
    planned = desk.plan()
    assert planned.people == 20
    assert planned.groups is not None
    assert planned.groups.smallest == 20
    [asked] = [each for each in planned.decision.trace if each.rule.id == "R36"]
    assert "coarsened for it, person: person.postcode district to area" in asked.finding.reason
    assert (
        "postcode: postcode area, the letters it begins with (coarsened for k; agreed: district)" in planned.to_text()
    )
    assert (
        "Proposed to reach k, of person: person.postcode district to area; 33.3% of information lost"
        in planned.to_text()
    )
    made = desk.make(planned)
    person = pq.read_table(kit.opened(made.folder) / "person.parquet").to_pylist()
    assert {row["postcode"] for row in person} == {"ZE"}
    manifest = json.loads((made.folder / "manifest.json").read_text("utf-8"))
    assert '"coarser": "area"' in json.dumps(manifest)


def test_the_agreement_in_plain_words_says_what_befalls_small_groups(kit: Kit) -> None:
    desk = kit.desk()
    desk.edit(
        COARSEN,
        ("[disclosure]\n", '[disclosure]\nevents = "withhold"\ncoarsest = { "person.postcode" = "area" }\n'),
        ('territory = "England"\n', 'territory = "England"\npools_with = ["X0X05"]\n'),
    )
    said = summary.text(agreement.load(desk.agreement))
    assert "than k = 5 look alike: fields are made coarser, and whom that does not reach is left out" in said
    assert "where fewer share a row of events: they are left out. Left out at most: 10.0%." in said
    assert "Fields no coarser than: person.postcode area." in said
    assert "Exampleshire Integrated Care Board (X0X02) may pool what it has with X0X05." in said


def test_off_it_is_refused_as_before(kit: Kit) -> None:
    desk = three_districts(kit)
    desk.edit(('below_k = "coarsen"', 'below_k = "refuse"'))
    with pytest.raises(Refused) as refused:
        release.check(desk.plan())
    assert "the smallest group of look-alikes has 4 people, k = 5" in " ".join(refused.value.reasons)


def test_withholding_a_few_loses_less_than_coarsening_everybody(kit: Kit) -> None:
    lone = kit.someone(40, person={"postcode": "ZE2 0AA"})
    desk = kit.desk([*kit.crowd(30), lone])
    desk.edit(COARSEN)
    planned = desk.plan()
    assert (planned.people, planned.request.evidence.repairs) == (30, ())
    assert [(each.rule, each.people) for each in planned.exclusions] == [("R36", 1)]
    assert planned.allowed
    assert dict(planned.rows) == {"person": 30, "service": 0}


def test_never_coarser_than_what_still_serves_the_purpose(kit: Kit) -> None:
    desk = three_districts(kit)
    desk.edit(('below_k = "coarsen"', 'below_k = "coarsen"\ncoarsest = { "person.postcode" = "district" }'))
    planned = desk.plan()
    assert not planned.allowed
    assert "nothing that the agreement allows makes every group large" in " ".join(planned.reasons)
    with pytest.raises(SettingsError, match=r"no step of 'person\.postcode' from 'district' on"):
        desk.edit(('"person.postcode" = "district"', '"person.postcode" = "sector"'))


def test_what_left_before_under_the_same_pseudonyms_is_kept_to(kit: Kit) -> None:
    desk = kit.desk([*kit.crowd(30), *(kit.someone(n, person={"postcode": "ZE2 0AA"}) for n in range(40, 44))])
    desk.edit(COARSEN)
    desk.make(to="a")
    desk.edit(('version = "1.0"', 'version = "1.1"'), ("max_withheld_share = 0.10", "max_withheld_share = 0.2"))
    # With four withheld, districts would lose less; areas left before, and both together tell more.
    planned = desk.plan()
    assert planned.allowed
    assert [(f.transform, f.agreed) for f in planned.fields if f.name == "postcode"] == [("area", "district")]
    desk.edit(('epoch = "1"', 'epoch = "2"'))
    assert [f.transform for f in desk.plan().fields if f.name == "postcode"] == ["district"]


def test_a_group_that_tells_is_repaired_too(kit: Kit) -> None:
    """Two districts of six, one of which has a single diagnosis."""
    people = [kit.someone(n, person={"postcode": "ZE1 0AA" if n < 7 else "ZE2 0AA"}) for n in range(1, 13)]
    codes = ["I219"] * 6 + ["J189"] * 6
    desk = kit.desk(people, spell=[kit.service(w, primary_diagnosis=c) for w, c in zip(people, codes, strict=True)])
    spell = (
        '[[data.tables]]\nname = "spell"\nfields = [\n  { name = "primary_diagnosis", transform = "keep",'
        ' justification = "x" },\n]\n\n[disclosure]\nsensitive = ["spell.primary_diagnosis"]\n'
    )
    desk.edit(COARSEN, ("[disclosure]\n", spell))
    planned = desk.plan()
    assert planned.allowed, planned.reasons
    assert [f.transform for f in planned.fields if f.name == "postcode"] == ["area"]


ROWS = [
    # person, group, value
    [("a", "g", 1), ("a", "g", 1), ("b", "g", 1)],
    [("a", "g", 1), ("b", "h", 1)],
    [("a", "g", 1), ("b", "g", 2), ("b", "g", 1)],
]


@pytest.mark.parametrize(("rows", "smallest", "small"), list(zip(ROWS, [2, 1, 1], [0, 2, 1], strict=True)))
def test_people_who_share_a_row_are_counted(rows: list[tuple[str, str, int]], smallest: int, small: int) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE profile (person_key VARCHAR, grp VARCHAR)")
        connection.execute("CREATE TABLE out_service (person_key VARCHAR, v INTEGER)")
        connection.executemany("INSERT INTO profile VALUES (?, ?)", sorted({(who, group) for who, group, _ in rows}))
        connection.executemany("INSERT INTO out_service VALUES (?, ?)", [(who, value) for who, _, value in rows])
        found = events.measure(connection, "service", ["v"], ["grp"], k=2)
        assert (found.smallest, found.rows, found.small) == (smallest, len(rows), small)
        alone = events.alone(connection, {"service": ["v"]}, ["grp"], k=2)
        assert alone == 2  # in each of the three, no two people have all their rows alike
        events.withhold(connection, "service", ["v"], ["grp"], k=2)
        left = events.measure(connection, "service", ["v"], ["grp"], k=2)
        assert (left.small, left.rows) == (0, len(rows) - small)


def odd_months(kit: Kit) -> Desk:
    """Everybody has a service begun in March; one has another, begun in a month of their own."""
    people = kit.crowd()
    rows = [kit.service(who) for who in people] + [kit.service(people[0], 2, start_date=date(2026, 2, 1))]
    return kit.desk(people, service=rows)


def test_rows_of_events_are_measured_and_said(kit: Kit) -> None:
    planned = odd_months(kit).plan()
    assert planned.allowed
    assert "Rows of service are not held to k (disclosure.events)" in planned.to_text()
    [found] = planned.request.evidence.events or ()
    assert (found.smallest, found.rows, found.small) == (1, 13, 1)
    assert planned.alone == 1


@pytest.mark.parametrize(
    ("setting", "allowed", "rows", "months"),
    [
        ("refuse", False, 13, None),
        ("withhold", True, 12, {"2026-03"}),
        ("coarsen", True, 12, {"2026-03"}),  # one row of thirteen may be withheld: that loses less than a quarter
    ],
)
def test_rows_of_events_held_to_k(kit: Kit, setting: str, allowed: bool, rows: int, months: set[str] | None) -> None:
    desk = odd_months(kit)
    desk.edit(("[disclosure]\n", f'[disclosure]\nevents = "{setting}"\n'))
    planned = desk.plan()
    assert planned.allowed is allowed
    assert dict(planned.rows)["service"] == rows
    if months is None:
        assert "rows of service are shared by 1 people (k = 5)" in " ".join(planned.reasons)
    else:
        made = desk.make(planned)
        assert set(pq.read_table(kit.opened(made.folder) / "service.parquet")["start_date"].to_pylist()) == months
        assert '"withheld": "fewer than 5"' in (made.folder / "manifest.json").read_text("utf-8")


def test_months_become_quarters_where_no_row_may_be_withheld(kit: Kit) -> None:
    desk = odd_months(kit)
    desk.edit(
        ("[disclosure]\n", '[disclosure]\nevents = "coarsen"\n'),
        ("max_withheld_share = 0.10", "max_withheld_share = 0.0"),
    )
    planned = desk.plan()
    assert planned.allowed
    made = desk.make(planned)
    service = pq.read_table(kit.opened(made.folder) / "service.parquet")
    assert set(service["start_date"].to_pylist()) == {"2026-Q1"}
    assert service.num_rows == 13
