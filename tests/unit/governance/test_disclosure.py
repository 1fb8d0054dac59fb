"""Restricted codes, rare codes, and what a group of look-alikes tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow.parquet as pq
import pytest

from governance import release
from governance.deidentify import inference, restricted
from governance.deidentify.rare import roll_up
from schemas.errors import Refused

if TYPE_CHECKING:
    from conftest import Desk, Kit

SPELL = """
[[data.tables]]
name = "spell"
fields = [
  { name = "primary_diagnosis", transform = "keep", justification = "What people were admitted for." },
]

[disclosure]
sensitive = ["spell.primary_diagnosis"]
"""


def desk(kit: Kit, *diagnoses: str | None, edit: tuple[tuple[str, str], ...] = ()) -> Desk:
    """Twelve people, of whom the first have these diagnoses, one each."""
    people = kit.crowd()
    rows: list[dict[str, Any]] = [
        kit.service(who, primary_diagnosis=code) for who, code in zip(people, diagnoses, strict=False)
    ]
    made = kit.desk(people, spell=rows)
    made.edit(("\n[disclosure]\n", SPELL), *edit)
    return made


def diagnoses(kit: Kit, made: release.Released) -> list[str | None]:
    read = pq.read_table(kit.opened(made.folder) / "spell.parquet")
    return sorted(read["primary_diagnosis"].to_pylist(), key=str)


@pytest.mark.parametrize(
    ("code", "held"),
    [
        ("A510", True),
        ("a51.0", True),
        ("A49", False),
        ("A65", False),
        ("B20", True),
        ("Z311", True),
        ("Z31.3", True),
        ("Z314", False),
        ("N98", True),
        ("F640", True),
        ("E11.9", True),  # added below
        ("E12", False),
        (None, False),
    ],
)
def test_restricted_codes(code: str | None, held: bool) -> None:
    sql = restricted.holds("spell", ["E11"])
    [(found,)] = duckdb.execute(f"SELECT {sql} FROM (SELECT ?::VARCHAR AS primary_diagnosis)", [code]).fetchall()
    assert found is held
    assert restricted.holds("service", []) is None


def test_restricted_rows_do_not_leave_and_only_we_are_told_how_many(kit: Kit) -> None:
    made = desk(kit, *["I219", "J189"] * 5, "A510", "Z311")
    planned = made.plan()
    assert planned.request.evidence.restricted_rows == 2
    assert "restricted codes: 2" in planned.to_text()
    assert planned.to_json()["restricted_rows"] == 2
    done = made.make(planned)
    assert diagnoses(kit, done) == ["I219"] * 5 + ["J189"] * 5
    for name in ("plan.txt", "manifest.json", "intent.json", "released.json"):
        text = (done.folder / name).read_text("utf-8")
        assert '"restricted_rows": 2' not in text
        assert "restricted codes: 2" not in text


def test_where_there_are_none_the_recipient_is_told_the_same(kit: Kit) -> None:
    planned = desk(kit, *["I219", "J189"] * 5).plan()
    [said] = [asked.finding.reason for asked in planned.decision.trace if asked.rule.id == "R26"]
    assert said == "rows with legally restricted codes are left out, if there are any"


@pytest.mark.parametrize(
    ("codes", "left"),
    [
        (["I219"] * 5 + ["J189"] * 5, ["I219"] * 5 + ["J189"] * 5),
        (["I210", "I211", "I212", "I213", "I219"] + ["J189"] * 6, ["I21"] * 5 + ["J189"] * 6),
        (["I219", "J189", "K359", "E119", "G409"] + ["M170"] * 6, ["M170"] * 6 + ["other"] * 5),
        # Two rare ones alone would be too few, so the smallest of the others joins them.
        (["I219", "K359"] + ["M170"] * 5, ["other"] * 7),
    ],
)
def test_rare_codes_are_rolled_up(kit: Kit, codes: list[str], left: list[str]) -> None:
    made = desk(kit, *codes, edit=(("[disclosure]\n", "[disclosure]\nleast_values = 1\n"),))
    assert diagnoses(kit, made.make()) == left


def test_people_are_counted_and_not_rows() -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE out_service (person_key VARCHAR, kind VARCHAR)")
        connection.executemany(
            "INSERT INTO out_service VALUES (?, ?)", [("a", "x")] * 9 + [(f"p{n}", "y") for n in "abcdef"]
        )
        assert roll_up(connection, "service", "kind", least=2) == 1
        assert connection.execute("SELECT DISTINCT kind FROM out_service").fetchall() == [("other",)]


@pytest.mark.parametrize(
    ("people", "fewest", "distance"),
    [
        # group, value: two groups of two
        ([("g", "a"), ("g", "b"), ("h", "a"), ("h", "b")], 2, 0.0),
        ([("g", "a"), ("g", "a"), ("h", "a"), ("h", "b")], 1, 0.25),
        ([("g", "a"), ("g", "a"), ("h", "b"), ("h", "b")], 1, 0.5),
        ([("g", None), ("g", None), ("h", "a"), ("h", "b")], 2, 0.5),  # nobody in g has a value to be told
        ([("g", None), ("g", "a"), ("h", "a"), ("h", None)], 2, 0.0),
        ([("g", None), ("h", None)], 0, 0.0),
    ],
)
def test_diversity_and_closeness(people: list[tuple[str, str | None]], fewest: int, distance: float) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE profile (person_key INTEGER, grp VARCHAR)")
        connection.execute("CREATE TABLE out_spell (person_key INTEGER, v VARCHAR)")
        for n, (group, value) in enumerate(people):
            connection.execute("INSERT INTO profile VALUES (?, ?)", [n, group])
            if value is not None:
                connection.execute("INSERT INTO out_spell VALUES (?, ?)", [n, value])
        found = inference.measure(connection, "spell", "v", ["grp"])
        assert (found.fewest, found.distance) == (fewest, distance)
        everybody = inference.measure(connection, "spell", "v", [])
        assert everybody.distance == 0


def test_a_group_that_tells_is_referred(kit: Kit) -> None:
    alike = desk(kit, *["I219"] * 12)
    with pytest.raises(Refused) as refused:
        release.check(alike.plan())
    assert [reason.partition(":")[0] for reason in refused.value.reasons] == ["R37"]
