"""Postcodes told as small areas or deciles of deprivation, by a lookup; without one, not at all."""

from __future__ import annotations

from typing import Any

import pyarrow.parquet as pq
import pytest

from governance import release
from schemas.errors import Refused, SettingsError

Kit = Any
Desk = Any
AGREED = 'transform = "district"'
LOOKUP = ("[disclosure]\n", '[disclosure]\npostcode_lookup = "lookup.csv"\n')
HELD = "pcds,LSOA21CD,imd_decile\nZE1 0AA,S01012345,3\nze20aa,S01012346,9\n"


def placed(kit: Kit, transform: str, lookup: str | bytes | None = HELD) -> Desk:
    """Twelve people in one area, and six in another, five of them at a postcode that is not in the lookup."""
    others = [kit.someone(n, person={"postcode": "ZE2 0AA" if n < 36 else "ZE3 0AA"}) for n in range(30, 41)]
    people = [*kit.crowd(), *others]
    desk = kit.desk(people, service=[kit.service(who) for who in people])
    desk.edit(LOOKUP, (AGREED, f'transform = "{transform}"'))
    if lookup is not None:
        content = lookup if isinstance(lookup, bytes) else lookup.encode()
        (desk.agreement.parent / "lookup.csv").write_bytes(content)
    return desk


@pytest.mark.parametrize(
    ("transform", "told"),
    [
        ("lsoa", {"S01012345": 12, "S01012346": 6, None: 5}),
        ("imd_decile", {"3": 12, "9": 6, None: 5}),
    ],
)
def test_the_area_leaves_and_not_the_postcode(kit: Kit, transform: str, told: dict[str | None, int]) -> None:
    desk = placed(kit, transform)
    planned = desk.plan()
    assert "Areas by lookup.csv, 2 postcodes (SHA-256 " in planned.to_text()
    assert "1 of the run's postcodes are not in it and are told as blank" in planned.to_text()
    made = desk.make(planned)
    rows = pq.read_table(kit.opened(made.folder) / "person.parquet").to_pylist()
    assert {value: [row["postcode"] for row in rows].count(value) for value in told} == told
    assert sum(told.values()) == len(rows)


def test_areas_count_towards_groups_of_look_alikes(kit: Kit) -> None:
    desk = placed(kit, "lsoa", HELD.replace("ze20aa,S01012346,9\n", "ze20aa,S01012346,9\nZE3 0AA,S01012347,9\n"))
    assert desk.plan().groups.smallest == 5
    few = "ZE1 0AA,S01012345,3\nZE2 0AA,S01012345,3\nZE3 0AA,S01012347,9\n"
    assert placed_again(desk, "pcds,lsoa,imd_decile\n" + few).plan().groups.smallest == 5


def placed_again(desk: Desk, lookup: str) -> Desk:
    (desk.agreement.parent / "lookup.csv").write_text(lookup, encoding="utf-8")
    return desk


def test_another_lookup_after_the_plan_is_another_plan(kit: Kit) -> None:
    desk = placed(kit, "lsoa")
    planned = desk.plan()
    placed_again(desk, HELD.replace("S01012346", "S01012399"))
    with pytest.raises(Refused, match="plan"):
        desk.make(planned)


def test_areas_drawn_anew_under_the_same_pseudonyms_single_people_out(kit: Kit) -> None:
    desk = placed(kit, "lsoa")
    desk.make()
    desk.edit(('version = "1.0"', 'version = "1.1"'))
    placed_again(desk, HELD.replace("S01012346", "S01012399"))
    with pytest.raises(Refused, match="with the same pseudonyms, was coarsened or withheld in another way"):
        release.check(desk.plan())
    desk.edit(('epoch = "1"', 'epoch = "2"'))
    release.check(desk.plan())


@pytest.mark.parametrize(
    ("lookup", "reason"),
    [
        (None, "the lookup of postcodes that the agreement names is not there"),
        ("", "no CSV that can be read|has no column postcode"),
        ("pcds,imd_decile\nZE1 0AA,3\n", "has no column lsoa; known are the titles lsoa, lsoa21cd"),
        ("place,lsoa\nZE1 0AA,S01012345\n", "has no column postcode"),
        ("pcds,lsoa\n", "holds no postcode"),
        ("pcds,lsoa\nZE1 0AA,S01012345\nZE10AA,S01012346\n", "tells some postcodes twice, and differently"),
        (b"\x00\xff\xfe" * 500, "no CSV that can be read|has no column postcode"),
    ],
)
def test_a_lookup_that_is_none_stops_the_release(kit: Kit, lookup: str | bytes | None, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        placed(kit, "lsoa", lookup).plan()


@pytest.mark.parametrize("decile", ["17", "0", "12345", "three"])
def test_a_rank_is_no_decile(kit: Kit, decile: str) -> None:
    with pytest.raises(SettingsError, match=r"1 postcodes have a decile that is none from 1 to 10; is it the rank\?"):
        placed(kit, "imd_decile", f"pcds,imd_decile\nZE1 0AA,{decile}\nZE2 0AA,4\n").plan()


def test_without_a_lookup_the_agreement_says_what_else_there_is(kit: Kit) -> None:
    desk = kit.desk()
    with pytest.raises(SettingsError, match=r"needs disclosure\.postcode_lookup.*without one choose 'district'"):
        desk.edit((AGREED, 'transform = "lsoa"'))
        desk.plan()
