"""What lies in an inbox: what belongs together, in which order, and what is not yet whole."""

import os
from pathlib import Path

import pytest

from caretrace.nightly.deliveries import Inbox, hashed, in_order, look
from caretrace.project.settings import Source
from schemas.errors import InputError

SOURCE = Source(name="list", side="clients")
EMIS = "93505AF0-BB31-D3E5-E368-C451735C59D1"


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")


def seen(folder: Path, **words: object) -> Inbox:
    return look(folder, SOURCE, quiet=0, **words)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (["b.csv", "a.csv"], ["a.csv", "b.csv"]),
        (["list 10.csv", "list 9.csv"], ["list 9.csv", "list 10.csv"]),
        (["11-20 again.csv", "11-20.csv", "11-3.csv"], ["11-3.csv", "11-20.csv", "11-20 again.csv"]),
        (["2026.11.10/a.csv", "2026.11.9/a.csv"], ["2026.11.9", "2026.11.10"]),
        (["LIST-2.csv", "list-1.csv.gz"], ["list-1.csv.gz", "LIST-2.csv"]),
    ],
)
def test_names_are_taken_in_the_order_that_people_mean(names: list[str], order: list[str], tmp_path: Path) -> None:
    put(tmp_path, *names)
    assert [each.name for each in seen(tmp_path).deliveries] == order
    assert [in_order(name) for name in order] == sorted(in_order(name) for name in order)


def test_a_folder_is_one_delivery_and_so_is_each_file(tmp_path: Path) -> None:
    put(tmp_path, "2026-11-20/person.csv", "2026-11-20/deep/service.csv", "2026-11-20/.thumb", "2026-11-21.csv")
    found = seen(tmp_path)
    assert {each.name: [file.name for file in each.files] for each in found.deliveries} == {
        "2026-11-20": ["2026-11-20/deep/service.csv", "2026-11-20/person.csv"],
        "2026-11-21.csv": ["2026-11-21.csv"],
    }


def test_loose_files_of_one_time_and_agreement_are_one_delivery(tmp_path: Path) -> None:
    put(
        tmp_path,
        f"301_Admin_Patient_20261002010203_{EMIS}.csv",
        f"301_Admin_Organisation_20261002010203_{EMIS}.csv.gpg",
        f"302_Admin_Patient_20261003010203_{EMIS}.csv",
    )
    found = seen(tmp_path)
    assert [(each.name, len(each.files)) for each in found.deliveries] == [
        (f"20261002010203_{EMIS}", 2),
        (f"20261003010203_{EMIS}", 1),
    ]


@pytest.mark.parametrize("name", ["a.csv.part", "a.tmp", "b/person.csv.filepart", "c.CRDOWNLOAD"])
def test_what_is_named_as_unfinished_is_left(name: str, tmp_path: Path) -> None:
    put(tmp_path, name, "whole.csv")
    found = seen(tmp_path)
    assert [each.name for each in found.deliveries] == ["whole.csv"]
    assert list(found.unfinished) == [name.partition("/")[0]]


def test_an_empty_folder_waits_and_strange_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "2026-11-20").mkdir()
    put(tmp_path, "notes.docx", ".gitkeep", "~$list.xlsx")
    found = seen(tmp_path)
    assert (found.deliveries, found.unfinished, found.strange) == (
        (),
        {"2026-11-20": "the folder is empty"},
        ("notes.docx",),
    )


def test_what_grows_while_it_is_watched_is_left(tmp_path: Path) -> None:
    put(tmp_path, "growing.csv", "still.csv")

    def a_moment(seconds: float) -> None:
        assert seconds == 5
        with (tmp_path / "growing.csv").open("a") as file:
            file.write("more")

    found = look(tmp_path, SOURCE, quiet=5, sleep=a_moment)
    assert [each.name for each in found.deliveries] == ["still.csv"]
    assert found.unfinished == {"growing.csv": "it is still being written"}


def test_nobody_waits_for_what_is_old_or_known(tmp_path: Path) -> None:
    put(tmp_path, "old.csv", "known.csv")
    os.utime(tmp_path / "old.csv", (1_000_000_000, 1_000_000_000))
    known = [each.stamp for each in seen(tmp_path).deliveries if each.name == "known.csv"]

    def never(seconds: float) -> None:
        raise AssertionError("waited for nothing")

    found = look(tmp_path, SOURCE, quiet=5, known=known, sleep=never)
    assert [each.name for each in found.deliveries] == ["known.csv", "old.csv"]


def test_a_clock_that_is_ahead_is_waited_for_too(tmp_path: Path) -> None:
    put(tmp_path, "ahead.csv")
    os.utime(tmp_path / "ahead.csv", (4_000_000_000, 4_000_000_000))
    waited: list[float] = []
    assert len(look(tmp_path, SOURCE, quiet=5, sleep=waited.append).deliveries) == 1
    assert waited == [5]


def test_what_changes_between_the_look_and_the_hash_waits(tmp_path: Path) -> None:
    put(tmp_path, "list.csv")
    (delivery,) = seen(tmp_path).deliveries
    (tmp_path / "list.csv").write_text("longer than before", encoding="utf-8")
    assert hashed(delivery) == "it is still being written"
    (tmp_path / "list.csv").unlink()
    gone = hashed(delivery)
    assert not isinstance(gone, str)
    assert gone.fault is not None
    assert "cannot be read" in gone.fault


def test_an_inbox_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such inbox of the source list"):
        seen(tmp_path / "in")
