"""What a run points out: a damaged field, one file on both sides, nobody found."""

from __future__ import annotations

from typing import Any

import pytest

from caretrace.report.callouts import callouts


def manifest(
    figures: dict[str, int] | None = None, inputs: list[dict[str, Any]] | None = None, linked: int = 1
) -> dict[str, Any]:
    told = {kind: {"records": records} for kind, records in (figures or {}).items()}
    source = {"side": "clients", "source": "carefirst", "source_org": "X0X01", "records": 100, "figures": told}
    return {"inputs": inputs or [], "quality": {"sources": [source]}, "counts": {"linked": linked}}


def file(name: str, side: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "side": side, "format": "emis", "note": None, "sha256": name, "records": 5} | more


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({"nhs-number-refused": 26, "nhs-number-missing": 50}, ["26 of 50 values of nhs_number"]),
        ({"nhs-number-refused": 25, "nhs-number-missing": 50}, []),  # half of what is there
        ({"birth-date-refused": 96}, ["96 of 100 values of birth_date"]),
        ({"postcode-refused": 3, "postcode-missing": 97}, []),  # so few may be slips
        ({"postcode-refused": 4, "postcode-missing": 96}, ["4 of 4 values of postcode"]),
        ({"postcode-missing": 100, "test-number": 100}, []),
    ],
)
def test_a_field_that_was_damaged_on_the_way(figures: dict[str, int], said: list[str]) -> None:
    expected = [f"carefirst (clients): {each} cannot be used; quality.csv says why" for each in said]
    assert list(callouts(manifest(figures))) == expected


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([file("a", "client"), file("b", "register")], 0),
        ([file("a", "client"), file("b", "register", sha256="a")], 1),
        ([file("a", "client"), file("b", "client", sha256="a")], 0),
        ([file("a", "client", sha256=None), file("b", "register", sha256=None)], 0),  # tables in memory
        ([file("a", "client", records=0), file("b", "register", sha256="a", records=0)], 0),  # two empty reports
    ],
)
def test_one_file_on_both_sides(files: list[dict[str, Any]], said: int) -> None:
    assert [
        note.startswith("a: is among the clients and in the register") for note in callouts(manifest({}, files))
    ] == [True] * said


@pytest.mark.parametrize(
    ("note", "is_said"),
    [
        ("not read: nearly a carefirst person file, but the column Forename is missing from b.csv", True),
        ("columns absent that a.csv has: NHS Number; assumed layout: no public one exists", True),
        ("its last record is broken: the file may be cut short, or end in a line of totals", True),
        ("perhaps only a part: a page of a search that has further pages", True),
        ("not read: its columns are those of no file that the emis format uses", False),
        ("columns not used: Room; assumed layout: no public one exists", False),
        (None, False),
    ],
)
def test_a_file_of_which_people_may_be_missed(note: str | None, is_said: bool) -> None:
    said = list(callouts(manifest(inputs=[file("b.csv", "client", note=note)])))
    assert said == ([f"b.csv: {note}"] if is_said else [])


def test_nobody_found() -> None:
    (note,) = callouts(manifest(linked=0))
    assert note.startswith("nobody was linked; is this the register of these clients?")


def test_titles_that_are_not_ours_are_told_of_our_own_format_alone() -> None:
    files = [file("a", "client", format="standard", note="titles not used: Borne"), file("b", "register", note="more")]
    assert list(callouts(manifest({}, files))) == ["a: titles not used: Borne"]
