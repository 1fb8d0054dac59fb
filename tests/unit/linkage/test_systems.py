"""Error rates by client system: who gets their own, what they learn, and that every form weighs by them alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import duckdb
import pytest

import linkage
from linkage.default import default_model
from linkage.model import LevelWeights, Model, SystemWeights
from linkage.model_diff import diff
from linkage.model_file import dumps, from_facts
from linkage.systems import MIN_TRAINING, MOST_SYSTEMS, with_places
from schemas.errors import SettingsError

Store = Callable[..., duckdb.DuckDBPyConnection]
AS_ALL = default_model()


def slack(model: Model = AS_ALL) -> tuple[linkage.model.ComparisonWeights, ...]:
    """Comparisons of a system that gets addresses wrong and swaps days for months."""

    def moved(name: str, **m: float) -> linkage.model.ComparisonWeights:
        usual = model[name]
        first = 1 - sum(m.values()) - sum(level.m for level in usual.levels[1:] if level.level not in m)
        given = {usual.levels[0].level: first, **m}
        return replace(usual, levels=tuple(replace(x, m=given.get(x.level, x.m)) for x in usual.levels))

    return moved("address", elsewhere=0.4), moved("date of birth", swapped=0.2)


OWN = replace(AS_ALL, systems=(SystemWeights("carefirst", ()), SystemWeights("swift", slack())))


@pytest.mark.parametrize(
    ("clients", "systems"),
    [
        ({"carefirst": 500}, ()),  # one system: nothing to tell apart
        ({"carefirst": 500, "swift": 500}, ("carefirst", "swift")),
        ({"swift": 500, "carefirst": MIN_TRAINING - 1}, ("swift",)),
        # Of 1,000 drawn from 6,000 only some 167 would be of carefirst.
        ({"carefirst": 1_000, "swift": 5_000}, ("swift",)),
        ({"o'brien": 500, "swift": 500}, ("swift",)),
        ({f"s{n:02}": 200 for n in range(MOST_SYSTEMS + 1)}, ()),
    ],
)
def test_a_system_needs_clients_of_its_own_to_learn_from(clients: dict[str, int], systems: tuple[str, ...]) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE clients_record (source VARCHAR)")
        for source, count in clients.items():
            connection.execute("INSERT INTO clients_record SELECT ? FROM range(?)", [source, count])
        training = 1_000 if len(clients) < 10 else 100_000
        assert with_places(connection, AS_ALL, training=training).sources == systems


def test_a_model_is_that_of_a_system() -> None:
    assert OWN.of("carefirst") == OWN.of("mosaic") == OWN.of(None) == AS_ALL
    assert OWN.of("swift")["address"].levels[-1].m == 0.4
    assert OWN.of("swift")["gender"] == AS_ALL["gender"]
    assert [each.levels[-1].m for each in OWN.by_system("address")] == [0.115, 0.115, 0.4]


def test_a_file_holds_them_and_an_earlier_version_refuses_it() -> None:
    import json

    facts = json.loads(dumps(OWN))
    back = from_facts(facts)
    assert back == OWN.as_written()
    assert back.model_id == OWN.model_id != AS_ALL.model_id
    assert (facts["format"], AS_ALL.to_json()["format"]) == (3, 2)
    assert "systems" not in AS_ALL.to_json()


def systems(**change: Any) -> dict[str, Any]:
    facts = OWN.to_json()
    facts["systems"] = [facts["systems"][0], {**facts["systems"][1], **change}]
    return facts


ADDRESS = [{"level": level.level, "m": level.m, "h": level.h} for level in AS_ALL["address"].levels]


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (systems(source="x' OR true --"), "client system 2 of the model: its source must be 1 to 100 characters"),
        (systems(source=7), "client system 2 of the model: its source"),
        (systems(source="carefirst"), "two sets of error rates for one client system"),
        (systems(comparisons=[{"comparison": "shoe size", "levels": ADDRESS}]), "of no comparison it has"),
        (systems(comparisons=[{"comparison": "gender", "levels": ADDRESS}]), "of no comparison it has"),
        (systems(comparisons=[{"comparison": "address", "levels": [{"level": "same house"}]}]), "an m and an h each"),
        (
            systems(comparisons=[{"comparison": "address", "levels": [{**x, "m": 0.9} for x in ADDRESS]}]),
            "'address of swift': its m add up to",
        ),
        (
            systems(comparisons=[{"comparison": "address", "levels": [{**x, "m": 7} for x in ADDRESS]}]),
            "'address' holds a value outside 0 to 1",
        ),
        ({**systems(), "systems": {"swift": []}}, "systems are no list"),
    ],
)
def test_a_file_with_other_things_in_their_place_is_refused(facts: dict[str, Any], reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        from_facts(facts)


def test_what_moved_says_whose() -> None:
    moved = {each.place for each in diff(AS_ALL, OWN)}
    assert {"address of swift, elsewhere", "date of birth of swift, swapped"} <= moved
    assert not any("carefirst" in place for place in moved)


# ------------------------------------------------------------------------------------------------------------- weighed


def town(people: int, seed: int) -> list[dict[str, Any]]:
    """A register of people who do not exist, with enough names and streets to tell most of them apart."""
    chance = Random(seed)  # noqa: S311 - no secret depends on it
    first = ["Ann", "Beth", "Carl", "Dora", "Emil", "Faye", "Gert", "Hugo", "Iris", "Jack", "Kaye", "Lars", "Mona"]
    last = [f"{a}{b}" for a in ("Ash", "Birch", "Cob", "Dun", "Elm", "Fern") for b in ("ton", "ley", "worth", "field")]
    return [
        {
            "record_id": f"r{n}",
            "given_name": chance.choice(first),
            "family_name": chance.choice(last),
            "birth_date": f"{chance.randint(1920, 1990)}-{chance.randint(1, 12):02}-{chance.randint(1, 12):02}",
            "gender": chance.choice("12"),
            "postcode": f"BR{n % 7 + 1} {n % 9}A{'ABDEFGHJLN'[n % 10]}",
            "address_line_1": f"{chance.randint(1, 200)} High Street",
        }
        for n in range(people)
    ]


def moved_house(row: dict[str, Any], n: int) -> dict[str, Any]:
    return {**row, "postcode": f"LS{n % 7 + 1} {n % 9}BB", "address_line_1": f"{n % 90} Mill Lane"}


def two_systems(each: int, wrong: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """`each` clients of carefirst and as many of swift, whose address is another for `wrong` in 100; and the town."""
    register = town(3 * each, seed=8)
    clients = []
    for n, row in enumerate(register[: 2 * each]):
        slip = n % 2 and (n // 2) % 100 < wrong
        client = moved_house(row, n) if slip else row
        clients.append({**client, "record_id": f"c{n}", "source": ("carefirst", "swift")[n % 2]})
    return clients, register


def test_a_system_learns_its_own_slips_and_lends_them_to_nobody(store: Store) -> None:
    clients, register = two_systems(400, wrong=40)
    facts = linkage.link(store(clients, register), seed=1, run_id="x")
    model = facts.model
    elsewhere = {source: model.of(source)["address"].levels[-1].m for source in (None, "carefirst", "swift")}
    # Planted are 0, 40 and on average 20 in a hundred; 300 observations of the average lean on each.
    assert elsewhere["carefirst"] < elsewhere[None] - 0.03
    assert elsewhere["swift"] > elsewhere[None] + 0.03
    assert model.provenance["pairs by client system"].keys() == {"carefirst", "swift"}
    for source in ("carefirst", "swift"):
        for weights in model.of(source).comparisons:
            assert sum(level.m for level in weights.levels) == pytest.approx(1)
            assert [level.u for level in weights.levels] == [level.u for level in model[weights.comparison.name].levels]
        # What the given name has said of exchanged names, the family name does not say again.
        (exchanged,) = (level for level in model.of(source)["family name"].levels if level.level == "swapped")
        assert exchanged.m == exchanged.u == exchanged.h


def figures(connection: duckdb.DuckDBPyConnection, model: Model, engine: Any = None) -> dict[str, dict[str, Any]]:
    """Every client's best candidate: weight, bits, household bits."""
    linkage.link(connection, seed=1, run_id="x", model=model, engine=engine)
    rows = connection.execute("""
        SELECT c.record_id, l.decision, c.weight, c.household_bits, map_values(c.bits)
        FROM candidate c JOIN link l USING (source, source_org, record_id) WHERE rank = 1 ORDER BY 1""").fetchall()
    return {row[0]: row[1:] for row in rows}


def test_a_client_is_weighed_by_the_model_of_its_system(store: Store) -> None:
    clients, register = two_systems(60, wrong=40)
    mixed = figures(store(clients, register), OWN)
    assert len(mixed) > 100
    for source in ("carefirst", "swift"):
        alone = figures(store(clients, register), OWN.of(source))
        of_source = [each["record_id"] for each in clients if each["source"] == source and each["record_id"] in mixed]
        assert [mixed[c] for c in of_source] == [alone[c] for c in of_source]
    assert mixed != figures(store(clients, register), AS_ALL)


def test_the_second_engine_and_the_look_up_weigh_alike(store: Store) -> None:
    pytest.importorskip("recordlinkage")
    from linkage.lookup.build import build
    from linkage.lookup.record import record
    from linkage.lookup.search import search
    from linkage.lookup.weigh import Weigher
    from linkage.reference import RecordLinkageEngine
    from schemas import PERSON

    clients, register = two_systems(60, wrong=40)
    mixed = figures(store(clients, register), OWN)
    second = figures(store(clients, register), OWN, RecordLinkageEngine())
    assert second.keys() == mixed.keys()
    for client, (decision, weight, *_) in mixed.items():
        assert second[client][0] == decision
        assert second[client][1] == pytest.approx(weight, abs=2e-6)
    connection = store(clients, register)
    index, weigher = build(connection), Weigher.of(OWN)
    found = connection.execute(f"SELECT {', '.join(PERSON.names)} FROM clients.person").fetchall()
    swift = 0
    for row in (dict(zip(PERSON.names, each, strict=True)) for each in found):
        if row["record_id"] in mixed:
            best = search(index, weigher, record(row)).candidate
            assert best is not None
            _, weight, household_bits, bits = mixed[row["record_id"]]
            assert list(best.bits.values()) == pytest.approx(bits, abs=2e-6)
            assert best.household_bits == pytest.approx(household_bits, abs=2e-6)
            swift += row["source"] == "swift"
    assert swift > 40


def test_the_waterfall_shows_the_systems_own_rates() -> None:
    from linkage.explain import waterfall

    level = AS_ALL["address"].levels[-1].level
    candidate = {"levels": {"address": level}, "bits": {"address": -1.0}, "prior_bits": 0.0, "household_bits": 0.0}
    candidate |= {"rank": 1, "method": "probabilistic", "weight": 0.0, "probability": 0.5}
    shown = {
        source: next(bar.m for bar in waterfall(candidate | {"source": source}, OWN).bars if bar.name == "address")
        for source in ("carefirst", "swift", "mosaic")
    }
    assert shown == {"carefirst": 0.115, "swift": 0.4, "mosaic": 0.115}


def test_what_splink_has_no_place_for_is_said() -> None:
    from linkage.splink.exports import export_settings

    notes = export_settings(OWN, to="splink5", people=1_000, frequencies=False).notes
    assert any("the error rates of carefirst, swift alone are left out" in note for note in notes)


def test_levels_of_a_system_are_whole() -> None:
    assert all(isinstance(level, LevelWeights) for each in slack() for level in each.levels)
    assert all(sum(level.m for level in each.levels) == pytest.approx(1) for each in slack())
