"""What must hold of any linkage, shown on synthetic people with the truth beside them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import caretrace
from caretrace.synthetic import PRESETS, make

COMPARED = ("record_id", "decision", "nhs_number", "weight", "probability", "runner_up_nhs_number", "reason")


def rows(links: pa.Table) -> list[dict[str, object]]:
    return links.select(COMPARED).sort_by("record_id").to_pylist()


@pytest.fixture(scope="module")
def people():
    return make(1_500, 15_000, seed=11)


@pytest.fixture(scope="module")
def linked(people):
    return caretrace.link(people.clients, people.register, seed=5)


def test_every_client_has_one_row(people, linked) -> None:
    assert sorted(linked.links["record_id"].to_pylist()) == sorted(people.clients["record_id"].to_pylist())
    assert linked.summary["clients"]["people"] == len(people.clients)


def test_a_number_is_given_exactly_where_the_decision_is_link(linked) -> None:
    decision = linked.links["decision"]
    assert pc.equal(decision, "link").equals(pc.is_valid(linked.links["nhs_number"]))
    assert linked.review["decision"].unique().to_pylist() == ["review"]


@pytest.mark.parametrize("threads", [1, 2])
def test_the_number_of_threads_changes_nothing(threads: int, people, linked) -> None:
    again = caretrace.link(people.clients, people.register, seed=5, threads=threads)
    assert again.links.equals(linked.links)


def test_the_order_of_rows_changes_nothing(people, linked) -> None:
    def reversed_(table: pa.Table) -> pa.Table:
        return table.take(pa.array(range(len(table) - 1, -1, -1)))

    again = caretrace.link(reversed_(people.clients), reversed_(people.register), seed=5)
    assert rows(again.links) == rows(linked.links)


def test_an_unrelated_register_row_never_makes_a_link_another_persons(people, linked) -> None:
    stranger = pa.Table.from_pylist(
        [
            {
                "record_id": f"stranger-{n}",
                "given_name": "Xenophon",
                "family_name": "Quibblethwaite",
                "birth_date": f"1899-05-{n + 1:02d}",
                "postcode": "ZE2 9XX",
            }
            for n in range(20)
        ],
        people.register.schema,
    )
    again = caretrace.link(people.clients, pa.concat_tables([people.register, stranger]), seed=5)
    before, after = (
        {row["record_id"]: row["nhs_number"] for row in rows(each.links) if row["nhs_number"]}
        for each in (linked, again)
    )
    assert before.keys() & after.keys()
    for record_id in before.keys() & after.keys():
        assert after[record_id] == before[record_id]


@pytest.mark.parametrize(
    ("preset", "precision", "recall"), [("default", 0.999, 0.97), ("no-nhs-numbers", 0.998, 0.96), ("hard", 0.98, 0.70)]
)
def test_links_are_right(preset: str, precision: float, recall: float) -> None:
    """A floor on small lists; docs/benchmarks.md has the figures on large ones."""
    people = make(2_500, 25_000, seed=3, errors=PRESETS[preset])
    links = caretrace.link(people.clients, people.register, seed=1).links
    joined = links.select(["record_id", "nhs_number"]).join(
        people.truth.select(["record_id", "nhs_number", "in_register"]), "record_id", right_suffix="_true"
    )
    given = joined.filter(pc.is_valid(joined["nhs_number"]))
    right = pc.sum(pc.equal(given["nhs_number"], given["nhs_number_true"])).as_py()
    assert right / len(given) >= precision
    assert right / pc.sum(pc.equal(pc.cast(joined["in_register"], pa.string()), "true")).as_py() >= recall


def test_two_runs_share_no_person_key(tmp_path) -> None:
    """Whoever stands first in next month's list is somebody else, and must not have this month's first one's key."""
    people = make(20, 200, seed=2)
    lists = {"this": people.clients, "next": people.clients.slice(1)}
    keys = {}
    for month, clients in lists.items():
        caretrace.link(clients, people.register, seed=5, out=tmp_path / month)
        keys[month] = set(pq.read_table(tmp_path / month / "linked" / "person_key.parquet")["person_key"].to_pylist())
    assert len(keys["this"]) > 150
    assert not keys["this"] & keys["next"]
