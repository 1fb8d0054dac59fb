"""What each measure counts, in little worlds: people, their services, their stays in hospital, the figure expected."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from caretrace.measures import hidden
from caretrace.measures import run as counting
from caretrace.measures.declared import measures, named
from caretrace.measures.figures import ALL, Figure
from caretrace.measures.period import period
from caretrace.measures.run import Asked, Report, Result
from caretrace.measures.settings import Settings
from schemas import LINK, PERSON, SERVICE, SPELL, Table

KNOWN_UNTIL = date(2026, 11, 22)
HOME, CARE, NURSE = (
    "Long term support: Community",
    "Long term support: Residential care",
    "Long term support: Nursing care",
)
REABLE = "Short term support: ST-Max"
ASTHMA, FRACTURE = "J459", "S7200"
OLD, YOUNG = "1940-05-01", "1990-05-01"


@dataclass(frozen=True)
class Person:
    """Somebody: of the council's list, the register's, or both; `review` is the register's person she waits for."""

    key: str
    born: str | None = OLD
    sides: str = "both"
    practice: str | None = "A81001"
    died: str | None = None
    review: str | None = None
    postcode: str = "TS1 1AA"


@dataclass(frozen=True)
class Service:
    of: str
    type: str | None = HOME
    start: str | None = "2025-01-01"
    end: str | None = None
    component: str | None = None
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Stay:
    of: str | None
    start: str | None
    end: str | None
    diagnosis: str | None = ASTHMA
    method: str | None = "21"
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    people: Sequence[Person] = ()
    services: Sequence[Service] = ()
    stays: Sequence[Stay] = ()

    def write(self, folder: Path) -> Path:
        """The tables of a run folder that measures read."""
        persons, links = [], []
        for who in self.people:
            for side in ("client", "register"):
                if who.sides in ("both", side):
                    of_client = side == "client"
                    persons.append(
                        key(who.key, side)
                        | {"birth_date": day(who.born), "death_date": day(who.died), "postcode": who.postcode}
                        | {"gp_practice_code": None if of_client else who.practice}
                    )
            if who.sides != "register":
                decision = "link" if who.sides == "both" else "review" if who.review else "none"
                found = key(who.review or who.key, "register")
                links.append(
                    key(who.key, "client") | {"decision": decision}
                    | {f"register_{name}": found[name] for name in ("source", "source_org", "record_id")}
                )  # fmt: skip
        services = [
            key(each.of, "client")
            | {"event_id": f"V{n}", "service_type": each.type, "service_component": each.component}
            | {"start_date": day(each.start), "end_date": day(each.end)} | each.more
            for n, each in enumerate(self.services)
        ]  # fmt: skip
        stays = [
            key(each.of, "register")
            | {"event_id": f"H{n}", "provider": "RXX", "primary_diagnosis": each.diagnosis}
            | {"admission_method": each.method, "start_date": day(each.start), "end_date": day(each.end)} | each.more
            for n, each in enumerate(self.stays)
        ]  # fmt: skip
        (folder / "linked").mkdir(parents=True)
        for table, rows in ((PERSON, persons), (SERVICE, services), (SPELL, stays)):
            pq.write_table(table_of(table, rows), folder / "linked" / f"{table.name.lower()}.parquet")
        pq.write_table(table_of(LINK, links, more=()), folder / "links.parquet")
        return folder


def key(who: str | None, side: str) -> dict[str, Any]:
    return {"person_key": who, "side": side, "source": "carefirst" if side == "client" else "emis"} | {
        "source_org": "Tees" if side == "client" else "A81001", "record_id": f"{side[0]}-{who}"
    }  # fmt: skip


def day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def table_of(table: Table, rows: Sequence[dict[str, Any]], more: Sequence[str] = ("person_key", "side")) -> pa.Table:
    types = {name: pa.string() for name in more} | {each.name: each.type for each in table.arrow_schema()}
    extra = {name for row in rows for name in row} - set(types) - {"person_key", "side"}
    types |= {name: pa.date32() for name in sorted(extra)}
    return pa.table({name: pa.array([row.get(name) for row in rows], kind) for name, kind in types.items()})


Count = Callable[..., Result]


@pytest.fixture
def report(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Report]:
    def report(
        world: World, *names: str, periods: Sequence[str] = ("2025-26",), rule: str | None = None, area: str = "none",
        known_until: date = KNOWN_UNTIL, using: Settings | None = None, rows: Path | None = None,
    ) -> Report:  # fmt: skip
        asked = Asked(
            named(names), tuple(map(period, periods)), known_until, hidden.preset(rule) if rule else None, area,
            using or Settings(),
        )  # fmt: skip
        folder = world.write(tmp_path_factory.mktemp("world") / "run")
        with duckdb.connect(config={"threads": 1}) as connection:
            return counting.run(connection, folder, asked, rows=rows)

    return report


@pytest.fixture
def count(report: Callable[..., Report]) -> Count:
    """Count one measure, nothing hidden."""

    def count(world: World, name: str, **how: Any) -> Result:
        (result,) = report(world, name, **how).results
        return result

    return count


def together_as_one(those: Sequence[World]) -> World:
    """One world of many: the people of each are called by its number."""
    return World(
        [replace(p, key=f"{n}.{p.key}") for n, world in enumerate(those) for p in world.people],
        [replace(s, of=f"{n}.{s.of}") for n, world in enumerate(those) for s in world.services],
        [replace(s, of=f"{n}.{s.of}") for n, world in enumerate(those) for s in world.stays],
    )


Counted = dict[str, tuple[int, ...]]
Together = Callable[[str, Sequence[World]], list[tuple[Counted, dict[str, int]]]]


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Together:
    """Count many worlds as one run, and tell each from the rows behind the figures: people and amounts by part."""
    done: dict[tuple[str, int], list[tuple[Counted, dict[str, int]]]] = {}

    def together(name: str, those: Sequence[World]) -> list[tuple[Counted, dict[str, int]]]:
        if (name, id(those)) in done:
            return done[name, id(those)]
        folder = tmp_path_factory.mktemp("worlds")
        asked = Asked(named((name,)), (period("2025-26"),), KNOWN_UNTIL, None)
        with duckdb.connect(config={"threads": 1}) as connection:
            counting.run(connection, together_as_one(those).write(folder / "run"), asked, rows=folder)
        amounts = [each.name for each in measures()[name].amounts]
        found: list[tuple[Counted, dict[str, int]]] = [({}, {}) for _ in those]
        for row in pq.read_table(folder / f"{name}.parquet").to_pylist():
            counted, reasons = found[int(row["person_key"].split(".")[0])]
            if (reason := row["left_out_because"]) is not None:
                reasons[reason] = reasons.get(reason, 0) + 1
            else:
                before = counted.get(row["part"], (0,) * (1 + len(amounts)))
                added = (1, *(row[each] for each in amounts))
                counted[row["part"]] = tuple(a + b for a, b in zip(before, added, strict=True))
        done[name, id(those)] = found
        return found

    return together


def total(result: Result, period: str = "2025-26", part: str = ALL, area: str = ALL) -> tuple[Any, ...]:
    """People, then the amounts."""
    (found,) = [each for each in result.figures if (each.period, each.part, each.area) == (period, part, area)]
    return (found.people, *found.amounts)


def reasons(result: Result) -> dict[str, int]:
    return {each.reason: each.people or 0 for each in result.left_out}


ONE = (Person("a"),)
AT_HOME = (Service("a"),)


LOCAL_METRIC: list[Any] = [
    ("asthma, of somebody supported", ONE, AT_HOME, [Stay("a", "2025-06-01", "2025-06-05")], (1, 1), {}),
    ("not a fracture", ONE, AT_HOME, [Stay("a", "2025-06-01", "2025-06-05", FRACTURE)], (1, 0), {}),
    ("not a planned admission", ONE, AT_HOME, [Stay("a", "2025-06-01", None, method="11")], (1, 0), {}),
    ("a flag where no method is held", ONE, AT_HOME,
     [Stay("a", "2025-06-01", None, method=None, more={"emergency": True})], (1, 1), {}),
    ("the first and the last day of the window", ONE, AT_HOME,
     [Stay("a", "2025-04-01", None), Stay("a", "2026-03-31", None)], (1, 2), {}),
    ("not the days outside", ONE, AT_HOME, [Stay("a", "2025-03-31", None), Stay("a", "2026-04-01", None)], (1, 0), {}),
    ("only while the service was open", ONE, [Service("a", end="2025-06-30")],
     [Stay("a", "2025-06-30", None), Stay("a", "2025-07-01", None)], (1, 1), {}),
    ("75 on the last day counts", [Person("a", "1951-03-31")], AT_HOME, [], (1, 0), {}),
    ("75 the day after does not", [Person("a", "1951-04-01")], AT_HOME, [], (0, 0), {}),
    ("a care home is not support in the community", ONE, [Service("a", CARE)], [], (0, 0), {}),
    ("words in other case and punctuation", ONE, [Service("a", "LONG TERM SUPPORT - COMMUNITY")], [], (1, 0), {}),
    ("words in no list are counted as such", ONE, [Service("a", "Meals"), Service("a")], [], (1, 0),
     {"a service of a kind that is not known: its words are in no list": 1}),
    ("a service for a carer is not the person's support", ONE, [Service("a", more={"client_type": "Unpaid carer"})],
     [], (0, 0), {}),
    ("not linked", [Person("a", sides="client")], AT_HOME, [], (0, 0), {"not linked": 1}),
    ("no date of birth", [Person("a", None)], AT_HOME, [], (0, 0), {"no date of birth": 1}),
    ("no practice", [Person("a", practice=None)], AT_HOME, [], (0, 0), {"no practice is known": 1}),
    ("no first day", ONE, [Service("a", start=None)], [], (0, 0), {"a service without a first day": 1}),
    ("an emergency without a diagnosis", ONE, AT_HOME, [Stay("a", "2025-06-01", None, None)], (1, 0),
     {"an emergency admission without a diagnosis": 1}),
    ("support ends with death", [Person("a", died="2025-03-01")], AT_HOME, [], (0, 0), {}),
    ("one admission told by two feeds", ONE, AT_HOME,
     [Stay("a", "2025-06-01", "2025-06-05"), Stay("a", "2025-06-01", None)], (1, 1), {}),
    ("two services, one person", ONE, [Service("a"), Service("a", start="2025-02-01")], [], (1, 0), {}),

]  # fmt: skip
LOCAL_WORLDS = [World(people, services, stays) for _, people, services, stays, _, _ in LOCAL_METRIC]


@pytest.mark.parametrize("case", range(len(LOCAL_METRIC)), ids=[each[0] for each in LOCAL_METRIC])
def test_the_local_metric(together: Together, case: int) -> None:
    _, _, _, _, expected, left_out = LOCAL_METRIC[case]
    counted, reasons = together("local_metric", LOCAL_WORLDS)[case]
    assert counted.get(ALL, (0, 0)) == expected
    assert reasons == left_out


def test_the_rate_is_for_a_thousand_people(count: Count) -> None:
    people = [Person(f"p{n}") for n in range(8)]
    world = World(
        people, [Service(who.key) for who in people], [Stay("p1", "2025-06-01", None), Stay("p1", "2025-07-01", None)]
    )
    (figure,) = count(world, "local_metric").figures
    assert (figure.people, figure.amounts, figure.values) == (8, (2,), (250.0,))


def test_the_window_of_a_quarter_is_the_twelve_months_up_to_its_end(count: Count) -> None:
    world = World(ONE, AT_HOME, [Stay("a", "2025-07-01", None), Stay("a", "2025-06-30", None)])
    assert total(count(world, "local_metric", periods=["2026-27 Q1"]), "2026-27 Q1") == (1, 1)


@pytest.mark.parametrize(
    ("acsc_list", "diagnosis", "method", "admissions"),
    [
        ("nhs-institute-19", "I481", "21", 0),
        ("nhsof-2.3.i", "I481", "21", 1),
        ("nhsof-3a", "N390", "21", 1),
        ("nhs-institute-19", "N390", "21", 0),
        ("nhs-institute-19", "J459", "2B", 1),
        ("nhsof-2.3.i", "J459", "2B", 0),
        ("nhs-institute-19", "L88", "21", 1),
        ("nhs-institute-19", "L88X", "21", 1),
    ],
)
def test_the_list_decides_what_is_avoidable(
    count: Count, acsc_list: str, diagnosis: str, method: str, admissions: int
) -> None:
    using = Settings(parameters={"local_metric": {"acsc_list": acsc_list}})
    world = World(ONE, AT_HOME, [Stay("a", "2025-06-01", None, diagnosis, method)])
    assert total(count(world, "local_metric", using=using)) == (1, admissions)


def test_practices_outside_the_area_are_left_out_where_the_area_is_given(count: Count) -> None:
    world = World(
        [Person("a"), Person("b", practice="B99999")], [Service("a"), Service("b")], [Stay("b", "2025-06-01", None)]
    )
    using = Settings(parameters={"local_metric": {"area_practices": ["A81001"]}})
    assert total(count(world, "local_metric")) == (2, 1)
    assert total(count(world, "local_metric", using=using)) == (1, 0)


def test_supported_people_beside_others(count: Count) -> None:
    people = [Person("a"), Person("b", sides="register"), Person("c", sides="register"), Person("d", sides="client")]
    stays = [Stay("a", "2025-06-01", None), Stay("b", "2025-06-01", None), Stay("b", "2025-08-01", None)]
    result = count(World(people, [Service("a"), Service("d")], stays), "avoidable_admissions")
    assert total(result, part="supported in the community") == (1, 1)
    assert total(result, part="others") == (2, 2)
    assert reasons(result) == {"not linked": 1}


CARE_HOMES: list[Any] = [
    ("a residential service that begins in the year", [Service("a", CARE, "2025-06-01")], 1),
    ("one that began before does not count", [Service("a", CARE, "2025-03-31")], 0),
    ("a short stay is not for good", [Service("a", CARE, "2025-06-01", component="Short term residential care")], 0),
    ("nor one that people pay themselves",
     [Service("a", CARE, "2025-06-01", more={"outcome": "NFA: Self-funded client or under 12wk disregard"})], 0),
    ("from residential to nursing is no admission",
     [Service("a", CARE, "2024-06-01", "2025-06-01"), Service("a", NURSE, "2025-06-01")], 0),
    ("back within a year", [Service("a", CARE, "2023-06-01", "2024-06-02"), Service("a", CARE, "2025-06-01")], 0),
    ("back after a year", [Service("a", CARE, "2023-06-01", "2024-06-01"), Service("a", CARE, "2025-06-01")], 1),
    ("once, however many services",
     [Service("a", CARE, "2025-06-01", "2025-06-20"), Service("a", NURSE, "2025-06-21")],
     1),

]  # fmt: skip
CARE_HOME_WORLDS = [World([Person("a"), Person("b", YOUNG, "register")], services) for _, services, _ in CARE_HOMES]


@pytest.mark.parametrize("case", range(len(CARE_HOMES)), ids=[each[0] for each in CARE_HOMES])
def test_care_home_admissions(together: Together, case: int) -> None:
    counted, _ = together("care_home_admissions", CARE_HOME_WORLDS)[case]
    assert counted == {"65 and over": (1, CARE_HOMES[case][2]), "18 to 64": (1, 0)}


def test_care_home_admissions_by_the_age_when_the_service_began_and_a_given_population(count: Count) -> None:
    world = World([Person("a", "1960-07-01", "client"), Person("b")], [Service("a", CARE, "2025-06-30")])
    using = Settings(parameters={"care_home_admissions": {"population": {"18 to 64": 50_000}}})
    result = count(world, "care_home_admissions", using=using)
    (figure,) = [each for each in result.figures if each.part == "18 to 64"]
    assert (figure.people, figure.amounts, figure.values) == (50_000, (1,), (2.0,))


LEFT = Stay("a", "2025-10-01", "2025-10-10", FRACTURE)
REABLED = Service("a", REABLE, "2025-10-11", "2025-11-20")


STILL_AT_HOME: list[Any] = [
    ("home, and nothing happened", ONE, [REABLED], [LEFT], (1, 1), (1, 1)),
    ("dead by then", [Person("a", died="2025-12-01")], [REABLED], [LEFT], (1, 0), (1, 0)),
    ("in a care home by then", ONE, [REABLED, Service("a", CARE, "2025-12-01")], [LEFT], (1, 0), (1, 0)),
    ("a care home for a while: home on day 91", ONE, [REABLED, Service("a", CARE, "2025-12-01", "2025-12-20")],
     [LEFT], (1, 1), (1, 0)),
    ("in hospital on day 91 only", ONE, [REABLED], [LEFT, Stay("a", "2026-01-05", "2026-01-20")], (1, 0), (1, 1)),
    ("back in hospital and out again", ONE, [REABLED], [LEFT, Stay("a", "2025-11-01", "2025-11-05")], (1, 1), (1, 0)),
    ("a planned stay within 12 weeks", ONE, [REABLED], [LEFT, Stay("a", "2025-11-01", "2025-11-05", method="11")],
     (1, 1), (1, 1)),
    ("reablement 8 days later is not", ONE, [replace(REABLED, start="2025-10-18")], [LEFT], (0, 0), (0, 0)),
    ("reablement 7 days later is", ONE, [replace(REABLED, start="2025-10-17")], [LEFT], (1, 1), (1, 1)),
    ("reablement from 3 days before is", ONE, [replace(REABLED, start="2025-10-07")], [LEFT], (1, 1), (1, 1)),
    ("reablement from 4 days before is not", ONE, [replace(REABLED, start="2025-10-06")], [LEFT], (0, 0), (0, 0)),
    ("a stretch with a gap of a week began with its first service", ONE,
     [Service("a", REABLE, "2025-09-01", "2025-10-04"), REABLED], [LEFT], (0, 0), (0, 0)),
    ("died in hospital", ONE, [REABLED], [replace(LEFT, more={"discharge_method": "4"})], (0, 0), (0, 0)),
    ("to another hospital", ONE, [REABLED], [replace(LEFT, more={"discharge_destination": "51"})], (0, 0), (0, 0)),
    ("in a care home already", ONE, [REABLED, Service("a", CARE, "2025-01-01")], [LEFT], (0, 0), (0, 0)),
    ("64 at discharge", [Person("a", "1960-10-11")], [REABLED], [LEFT], (0, 0), (0, 0)),
    ("65 at discharge", [Person("a", "1960-10-10")], [REABLED], [LEFT], (1, 1), (1, 1)),
    ("twice into reablement, one person", ONE, [REABLED, Service("a", REABLE, "2025-12-11")],
     [LEFT, Stay("a", "2025-12-01", "2025-12-10", FRACTURE, "11")], (1, 1), (1, 1)),
    ("outside the sample quarter", ONE, [replace(REABLED, start="2025-06-11", end="2025-07-01")],
     [replace(LEFT, start="2025-06-01", end="2025-06-10")], (0, 0), (1, 1)),

]  # fmt: skip
HOME_WORLDS = [World(people, services, stays) for _, people, services, stays, _, _ in STILL_AT_HOME]


@pytest.mark.parametrize("case", range(len(STILL_AT_HOME)), ids=[each[0] for each in STILL_AT_HOME])
def test_still_at_home(together: Together, case: int) -> None:
    *_, at_91_days, at_12_weeks = STILL_AT_HOME[case]
    for name, expected in (("home_91_days", at_91_days), ("home_12_weeks", at_12_weeks)):
        counted, _ = together(name, HOME_WORLDS)[case]
        assert counted.get(ALL, (0, 0)) == expected


def test_what_is_not_known_yet_is_not_counted(count: Count) -> None:
    world = World([*ONE, Person("b", sides="client")], [REABLED, replace(REABLED, of="b")], [LEFT])
    result = count(world, "home_91_days", known_until=date(2026, 1, 8))
    assert total(result) == (0, 0)
    assert reasons(result) == {"the days had not passed when the data were taken": 1, "not linked": 1}


def test_delayed_discharge_says_where_the_data_do_not_hold_it(count: Count) -> None:
    world = World(ONE, (), [LEFT])
    assert count(world, "delayed_discharge").missing == (
        "no admission of the run says when the person was ready for discharge (CDS: discharge ready date)"
    )
    ready = {"discharge_ready_date": date(2025, 10, 6)}
    late = World(ONE, (), [replace(LEFT, more=ready), Stay("a", "2025-11-01", "2025-11-03")])
    result = count(late, "delayed_discharge")
    assert total(result) == (1, 1, 1, 4)
    assert reasons(result) == {"a discharge without a ready date": 1}


COSTS: list[Any] = [
    ("a cost a week", {"unit_cost": 70.0, "cost_unit": "week"}, 3650, 0),
    ("planned hours", {"unit_cost": 10.0, "cost_unit": "Per hour", "units_per_week": 7.0}, 3650, 0),
    ("once, in another year", {"unit_cost": 90.0, "cost_unit": "One-off"}, 0, 0),
    ("no unit that is known", {"unit_cost": 70.0, "cost_unit": "lunar cycle"}, 0, 1),
    ("hours without a plan", {"unit_cost": 10.0, "cost_unit": "hour"}, 0, 1),
    ("no cost", {}, 0, 1),
]
# 2 nights of the first stay fall into the year, and 2 of the second; the second alone began in it.
STAYS = [Stay("a", "2025-03-30", "2025-04-03"), Stay("a", "2026-03-30", None, method="11")]
COST_WORLDS = [World(ONE, [Service("a", more=more)], STAYS) for _, more, _, _ in COSTS]


@pytest.mark.parametrize("case", range(len(COSTS)), ids=[each[0] for each in COSTS])
def test_cost(together: Together, case: int) -> None:
    _, _, pounds, not_used = COSTS[case]
    counted, reasons = together("cost_activity", COST_WORLDS)[case]
    assert counted == {"community support": (1, 100 * pounds, 365, 1, 0, 4)}
    assert sum(reasons.values()) == not_used


def test_everybody_is_in_one_segment(count: Count) -> None:
    people = [Person(name) for name in "abcd"] + [Person("e", YOUNG, "register"), Person("f", sides="client")]
    services = [Service("a", CARE), Service("a"), Service("b"), Service("c"), Service("f")]
    result = count(World(people, services, [Stay("c", "2025-06-01", "2025-06-02")]), "cost_activity")
    parts = {each.part: each.people for each in result.figures}
    assert parts == {
        ALL: 5, "care home": 1, "community support": 1, "community support, emergency admission": 1,
        "no support, 75 and over": 1, "no support, under 75": 1,
    }  # fmt: skip
    assert reasons(result)["not linked"] == 1


def test_with_and_without_those_for_review(count: Count) -> None:
    people = [Person("a"), Person("b", sides="client", review="r"), Person("r", sides="register")]
    world = World(people, [Service("a"), Service("b")], [Stay("r", "2025-06-01", None)])
    result = count(world, "local_metric")
    assert total(result) == (1, 0)
    (figure,) = result.with_review
    assert (figure.people, figure.amounts) == (2, (1,))
    assert result.scope == {"2025-26": 0.5}


def test_areas_add_up_to_the_whole(count: Count) -> None:
    people = [
        Person("a"),
        Person("b", postcode="TS2 1AA"),
        Person("c", practice="B1"),
        Person("d", postcode="X9 9XX", practice="Z"),
    ]
    using = Settings(areas={"TS1": "North", "TS2": "South", "B1": "South"})
    result = count(World(people, [Service(p.key) for p in people], [Stay("c", "2025-06-01", None)]), "local_metric",
                   area="named", using=using)  # fmt: skip
    assert {each.area: (each.people, each.amounts) for each in result.figures} == {
        ALL: (4, (1,)), "North": (1, (0,)), "South": (2, (1,)), "not known": (1, (0,)),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "words"), [("local_metric", "no hospital admissions"), ("care_home_admissions", "no social care services")]
)
def test_a_run_that_lacks_a_table_gives_no_figure(count: Count, name: str, words: str) -> None:
    result = count(World(ONE, AT_HOME if name == "local_metric" else (), ()), name)
    assert result.missing == f"the run holds {words}"
    assert not result.figures


def test_a_period_that_the_data_do_not_reach_is_said(count: Count) -> None:
    result = count(World(ONE, AT_HOME, [Stay("a", "2026-04-01", None)]), "local_metric", periods=["2026-27"])
    assert result.warnings == (
        "2026-27: it had not ended when the data were taken",
        "2026-27: the run's hospital admissions do not reach over all of it",
    )


# --------------------------------------------------------------------------------------------------------------------
# Properties, over worlds drawn at random.

KEYS = "abcdefgh"
DAYS = st.integers(0, 700).map(lambda n: (date(2024, 9, 1) + timedelta(days=n)).isoformat())


@st.composite
def worlds(draw: st.DrawFn) -> World:
    people = [
        Person(
            who, draw(st.sampled_from([OLD, YOUNG, None, "1958-01-01"])),
            draw(st.sampled_from(["both", "client", "register"])),
            draw(st.sampled_from(["A81001", None])), draw(st.none() | DAYS), draw(st.sampled_from([None, "a", "b"])),
        )
        for who in KEYS
    ]  # fmt: skip
    clients = [who.key for who in people if who.sides != "register"] or ["a"]
    registered = [who.key for who in people if who.sides != "client"] or ["a"]
    services = draw(
        st.lists(
            st.builds(
                Service, st.sampled_from(clients), st.sampled_from([HOME, HOME, CARE, REABLE, "Meals", None]),
                st.none() | DAYS, st.none() | DAYS,
                more=st.sampled_from([{}, {"unit_cost": 10.0, "cost_unit": "week"}, {"cost_unit": "day"}]),
            ), min_size=1, max_size=14,
        )
    )  # fmt: skip
    stays = draw(
        st.lists(
            st.builds(
                Stay, st.sampled_from([*registered, None]), st.none() | DAYS, st.none() | DAYS,
                st.sampled_from([ASTHMA, FRACTURE, None]), st.sampled_from(["21", "11", "2B", None]),
                more=st.sampled_from([{}, {"discharge_ready_date": date(2025, 6, 1)}]),
            ), min_size=1, max_size=14,
        )
    )  # fmt: skip
    return World(people, services, stays)


def plain(found: Report) -> list[tuple[Any, ...]]:
    return [
        (result.measure.name, result.missing, tuple(result.figures), tuple(result.with_review), tuple(result.left_out))
        for result in found.results
    ]


PERIODS = ("2025-26", "2025-26 Q3")
# A world takes a second to count and minutes to make smaller, so it is shown as it was drawn.
SLOW = settings(
    max_examples=40 if "CARETRACE_PROVE" in os.environ else 2,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)  # fmt: skip


@SLOW
@given(worlds(), st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_names_matter(
    report: Callable[..., Report], world: World, draw: random.Random
) -> None:
    found = plain(report(world, periods=PERIODS, area="practice"))
    other = dict(zip(KEYS, draw.sample(list(KEYS), len(KEYS)), strict=True))

    def renamed(each: Any) -> Any:
        if isinstance(each, Person):
            return replace(each, key=other[each.key], review=other.get(each.review or ""))
        return replace(each, of=other.get(each.of))

    mixed = [draw.sample(list(each), len(each)) for each in (world.people, world.services, world.stays)]
    assert (
        plain(report(World(*(list(map(renamed, each)) for each in mixed)), periods=PERIODS, area="practice")) == found
    )


@SLOW
@given(worlds())
def test_a_person_counts_once_however_many_records_tell_of_her(report: Callable[..., Report], world: World) -> None:
    again = World(
        [*world.people, *world.people], [*world.services, *world.services], [*world.stays, *world.stays]
    )  # fmt: skip

    def counted(found: Report) -> list[tuple[Figure, ...]]:
        return [tuple(result.figures) for result in found.results]

    assert counted(report(again, periods=PERIODS)) == counted(report(world, periods=PERIODS))


@SLOW
@given(worlds())
def test_every_figure_is_the_sum_of_the_rows_behind_it(
    report: Callable[..., Report], tmp_path_factory: pytest.TempPathFactory, world: World
) -> None:
    rows = tmp_path_factory.mktemp("rows")
    for result in report(world, periods=PERIODS, area="practice", rows=rows).results:
        if result.missing:
            continue
        behind = pq.read_table(rows / f"{result.measure.name}.parquet").to_pylist()
        counted = [row for row in behind if row["left_out_because"] is None]
        assert len({(row["period"], row["person_key"]) for row in counted}) == len(counted)
        for figure in result.figures:
            mine = [
                row for row in counted
                if row["period"] == figure.period
                and figure.area in (ALL, row["area"]) and figure.part in (ALL, row["part"])
            ]  # fmt: skip
            assert figure.people == len(mine)
            assert figure.amounts == tuple(sum(row[each.name] for row in mine) for each in result.measure.amounts)
            assert all(amount >= 0 for amount in figure.amounts if amount is not None)
            if result.measure.kind == "share":
                assert all(row[each.name] in (0, 1) for row in mine for each in result.measure.amounts)
        left_out = [row for row in behind if row["left_out_because"] is not None]
        assert len(left_out) == sum(each.records or 0 for each in result.left_out)


def test_every_measure_declares_itself_in_full() -> None:
    for measure in measures().values():
        for said in (
            measure.question,
            measure.source,
            measure.standing,
            measure.denominator,
            measure.numerator,
            measure.link,
        ):
            assert said, measure.name
        assert all(each.standing and each.meaning for each in measure.parameters)
        assert set(measure.tables) <= {"person", "service", "spell"}
