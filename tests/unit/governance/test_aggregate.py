"""Tables of counts: what is shown, what is hidden, and that the hidden cannot be worked out."""

from __future__ import annotations

import csv
import json
from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from governance import release
from governance.aggregate import cells as counting
from governance.aggregate.audit import NARROWEST
from governance.aggregate.cells import Cells, Table
from governance.aggregate.hiding import Hidden, hide
from governance.aggregate.presets import PRESETS, Preset
from schemas.errors import Refused, SettingsError

if TYPE_CHECKING:
    from conftest import Desk, Kit

HES = PRESETS["nhs-hes-2018"]
EXACT = Preset("exact totals", 8, 1, False, "for tests")
"""HES without its rounding: what it would be to hide small numbers only."""


@pytest.mark.parametrize(
    ("preset", "count", "shown", "known"),
    [
        ("nhs-hes-2018", 0, "0", (0, 0)),
        ("nhs-hes-2018", 1, "*", (1, 7)),
        ("nhs-hes-2018", 7, "*", (1, 7)),
        ("nhs-hes-2018", 8, "10", (8, 12)),
        ("nhs-hes-2018", 12, "10", (8, 12)),
        ("nhs-hes-2018", 13, "15", (13, 17)),
        ("opensafely", 0, "*", (0, 7)),
        ("opensafely", 7, "*", (0, 7)),
        ("opensafely", 9, "10", (8, 12)),
        ("acro", 9, "*", (0, 9)),
        ("acro", 10, "10", (10, 12)),
        ("ons-ls-10", 9, "*", (0, 9)),
        ("ons-ls-10", 11, "11", (11, 11)),
        ("hic-dundee", 4, "*", (0, 4)),
        ("hic-dundee", 5, "5", (5, 5)),
        ("asc-round5", 5, "5", (5, 7)),
        ("asc-round5", 4, "*", (0, 4)),
    ],
)
def test_presets(preset: str, count: int, shown: str, known: tuple[int, int]) -> None:
    rule = PRESETS[preset]
    hidden = rule.hides(count)
    assert ("*" if hidden else str(rule.rounded(count))) == shown
    assert (rule.hidden if hidden else rule.published(count)) == known
    assert known[0] <= count <= known[1]


@pytest.mark.parametrize("preset", PRESETS)
def test_what_is_published_is_never_wrong_and_says_all_that_follows_from_it(preset: str) -> None:
    rule = PRESETS[preset]
    alike: dict[int, list[int]] = {}
    for count in range(200):
        if not rule.hides(count):
            alike.setdefault(rule.rounded(count), []).append(count)
    for counts in [counts for shown, counts in alike.items() if shown < 190]:
        assert rule.published(counts[0]) == (min(counts), max(counts))


def table(grid: list[list[int]]) -> Cells:
    """Cells of one table of two dimensions, with these counts."""
    rows = [
        (f"{r}-{c}-{n}", f"r{r}", f"c{c}") for r, row in enumerate(grid) for c, k in enumerate(row) for n in range(k)
    ]
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE out_person (person_key VARCHAR, a VARCHAR, b VARCHAR)")
        if rows:
            connection.executemany("INSERT INTO out_person VALUES (?, ?, ?)", rows)
        return counting.count(connection, [Table("t", ("a", "b"))])


def intervals(cells: Cells, preset: Preset, hidden: Hidden) -> list[float]:
    """How far each hidden cell may vary, worked out in another way: over the shown cells alone, by plain `linprog`."""
    low, high = np.array([preset.published(int(n)) for n in cells.counts]).T
    low[hidden.small], high[hidden.small] = preset.hidden
    low[hidden.others], high[hidden.others] = preset.threshold, cells.people
    equal = np.zeros((len(cells.equations), len(cells.cells)))
    for n, (total, *parts) in enumerate(cells.equations):
        equal[n, parts], equal[n, total] = 1, -1
    widths = []
    for cell in np.flatnonzero(hidden.small | hidden.others):
        aim = np.zeros(len(cells.cells))
        aim[cell] = 1
        ends = [
            linprog(sign * aim, A_eq=equal, b_eq=np.zeros(len(equal)), bounds=list(zip(low, high, strict=True))).fun
            for sign in (1, -1)
        ]
        widths.append(-ends[1] - ends[0])
    return widths


GRIDS = st.lists(st.lists(st.integers(0, 25), min_size=3, max_size=3), min_size=2, max_size=4).filter(
    lambda grid: sum(map(sum, grid)) > 0
)


@settings(max_examples=15, deadline=None)
@given(GRIDS, st.sampled_from([HES, EXACT, PRESETS["hic-dundee"], PRESETS["acro"]]))
def test_a_passed_audit_holds_against_another_audit(grid: list[list[int]], preset: Preset) -> None:
    cells = table(grid)
    hidden = hide(cells, preset)
    assert all(preset.hides(int(n)) == bool(small) for n, small in zip(cells.counts, hidden.small, strict=True))
    widths = intervals(cells, preset, hidden)
    if hidden.narrowest is None:
        assert not widths
    elif hidden.narrowest >= NARROWEST:
        assert min(widths) >= NARROWEST - 1e-6


def test_a_lone_small_number_is_not_given_away_by_exact_totals() -> None:
    cells = table([[3, 40, 30], [50, 60, 20], [70, 80, 90]])
    hidden = hide(cells, EXACT)
    assert hidden.small.sum() == 1
    assert hidden.others.sum() >= 3  # a square at the least
    assert hidden.narrowest is not None
    assert hidden.narrowest >= NARROWEST
    rounded = hide(cells, HES)
    assert rounded.others.sum() == 0  # rounding alone is enough


def test_a_total_that_gives_its_parts_away_fails_the_audit() -> None:
    # Two people in one cell, everybody else nowhere: the number of people says it all.
    hidden = hide(table([[2, 0], [0, 0]]), EXACT)
    assert hidden.narrowest == 0


def people(kit: Kit, counts: dict[tuple[str, str], int]) -> list[Any]:
    made = []
    for (gender, postcode), count in counts.items():
        for _ in range(count):
            made.append(kit.someone(len(made) + 1, person={"gender": gender, "postcode": postcode}))
    return made


COUNTS = """
[[data.counts]]
name = "by_place"
dimensions = ["person.gender", "person.postcode"]
justification = "shown by place"

[[data.counts]]
name = "by_service"
dimensions = ["person.gender", "service.service_type"]
justification = "shown by service"

[disclosure]
small_numbers = "nhs-hes-2018"
risk_assessment = "RA-1"
intruder_test_on = 2026-01-15
"""
GRID = {("1", "ZE1 0AA"): 30, ("2", "ZE1 0AA"): 3, ("1", "ZE2 9AA"): 22, ("2", "ZE2 9AA"): 14}


def desk(kit: Kit, *edits: tuple[str, str], counts: dict[tuple[str, str], int] = GRID) -> Desk:
    crowd = people(kit, counts)
    made = kit.desk(crowd, service=[kit.service(who) for who in crowd[:40]])
    made.edit(('"pseudonymised_limited"', '"aggregate"'), ("\n[disclosure]\nk = 5\n", COUNTS), *edits)
    return made


def shown(kit: Kit, made: release.Released, name: str) -> dict[tuple[str, ...], str]:
    text = (kit.opened(made.folder) / f"{name}.csv").read_text("utf-8-sig")
    return {tuple(row[:-1]): row[-1] for row in list(csv.reader(text.splitlines()))[1:]}


def test_a_release_of_counts(kit: Kit) -> None:
    made = desk(kit).make()
    assert shown(kit, made, "by_place") == {
        ("All", "All"): "70",
        ("All", "ZE1"): "35",
        ("All", "ZE2"): "35",
        ("1", "All"): "50",
        ("2", "All"): "15",
        ("1", "ZE1"): "30",
        ("1", "ZE2"): "20",
        ("2", "ZE1"): "*",
        ("2", "ZE2"): "15",
    }
    assert shown(kit, made, "by_service") == {
        ("All", "Home support"): "40",
        ("1", "Home support"): "35",
        ("2", "Home support"): "*",
    }
    names = {path.name for path in made.folder.iterdir()}
    assert not any(name.startswith(("person", "service")) for name in names)


def test_nothing_that_goes_with_the_counts_says_exactly_how_many_people(kit: Kit) -> None:
    made = desk(kit).make()
    manifest = json.loads((made.folder / "manifest.json").read_text("utf-8"))
    released = json.loads((made.folder / "released.json").read_text("utf-8"))
    assert manifest["plan"]["people"] == released["body"]["people"] == 70  # of 69
    assert "69" not in (made.folder / "plan.txt").read_text("utf-8")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('small_numbers = "nhs-hes-2018"\n', "", "R38: the agreement names no preset"),
        ('["person.gender", "person.postcode"]', '["person.birth_date"]', None),
    ],
)
def test_refusals(kit: Kit, old: str, new: str, words: str | None) -> None:
    planned = desk(kit, (old, new)).plan()
    if words is None:
        release.check(planned)
    else:
        with pytest.raises(Refused) as refused:
            release.check(planned)
        assert any(words in reason for reason in refused.value.reasons)


def test_counts_that_tell_are_refused(kit: Kit) -> None:
    made = desk(kit, ("nhs-hes-2018", "hic-dundee"), counts={("1", "ZE1 0AA"): 2, ("2", "ZE1 0AA"): 1})
    with pytest.raises(Refused) as refused:
        release.check(made.plan())
    assert any(reason.startswith("R38: a hidden count can be worked out") for reason in refused.value.reasons)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("nhs-hes-2018", "hes", "unknown preset 'hes'"),
        ("person.gender", "person.ethnicity", "list 'person.ethnicity' under data.tables"),
        ("by_service", "by_place", "two tables of counts have one name"),
        ('"aggregate"', '"anonymised"', "tables of counts are of form 'aggregate'"),
        ('"person.gender", "service.service_type"', '"person.gender", "person.gender"', "two dimensions have one name"),
    ],
)
def test_an_agreement_that_cannot_be_counted_by(kit: Kit, old: str, new: str, words: str) -> None:
    made = desk(kit)
    text = made.agreement.read_text("utf-8").replace(old, new)
    made.agreement.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=words):
        made.plan()


def test_a_second_release_of_counts_must_be_rounded_and_cut_alike(kit: Kit) -> None:
    made = desk(kit)
    made.make()
    release.check(made.plan())
    made.edit(('"district"', '"sector"'), ('version = "1.0"', 'version = "1.1"'))
    with pytest.raises(Refused) as refused:
        release.check(made.plan())
    assert [reason.partition(":")[0] for reason in refused.value.reasons] == ["R27"]


def test_exact_counts_leave_once(kit: Kit) -> None:
    big = {key: count + 40 for key, count in GRID.items()}
    made = desk(kit, ("nhs-hes-2018", "hic-dundee"), counts=big)
    made.make()
    with pytest.raises(Refused) as refused:
        release.check(made.plan(today=date(2026, 11, 23)))
    assert any("the difference of two counts can be one person" in reason for reason in refused.value.reasons)
