"""Inputs with the same name are told apart; the same input given twice is refused."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors import Source, read
from schemas.errors import InputError

TABLE = pa.table({"record_id": ["1"], "family_name": ["Ng"], "nhs_number": ["9434765919"]})
CSV = "record_id,family_name,nhs_number\n1,Ng,9434765919\n"


@pytest.mark.parametrize(
    ("given", "organisations", "names"),
    [
        (["x/register.csv", "y/register.csv"], ["x/register", "y/register"], ["x/register.csv", "y/register.csv"]),
        (["a/x/r.csv", "b/x/r.csv"], ["a/x/r", "b/x/r"], ["a/x/r.csv", "b/x/r.csv"]),
        (["x/r.csv", "y/r.csv", "q.csv"], ["q", "x/r", "y/r"], ["q.csv", "x/r.csv", "y/r.csv"]),
        (["c/reg", "d/reg"], ["c/reg", "d/reg"], ["c/reg/people.csv", "d/reg/people.csv"]),
        (["x/r.csv", "x/r.txt"], ["r.csv", "r.txt"], ["r.csv", "r.txt"]),
        (["x/one.csv", "y/two.csv"], ["one", "two"], ["one.csv", "two.csv"]),
        (["x", "y/x.csv"], ["t/x", "y/x"], ["people.csv", "x.csv"]),
    ],
)
def test_people_of_registers_with_the_same_name_are_all_used(  # type: ignore[no-untyped-def]
    store, write: Callable[..., Path], tmp_path: Path, given: list[str], organisations: list[str], names: list[str]
) -> None:
    for name in given:
        write(f"t/{name}" if "." in name else f"t/{name}/people.csv", CSV)
    report = store.read(*(tmp_path / "t" / name for name in given))
    assert (report.used, report.excluded) == (len(given), 0)
    assert sorted(org for (org,) in store.rows("person", "source_org")) == organisations
    assert sorted(file.name for file in report.files) == names
    assert [file.test_numbers for file in report.files] == [1] * len(given)


def test_names_do_not_depend_on_where_the_files_lie(tmp_path: Path) -> None:
    reports = []
    for place in ("here", "there/far"):
        files = [tmp_path / place / council / "register.parquet" for council in "xy"]
        for file in files:
            file.parent.mkdir(parents=True)
            pq.write_table(TABLE, file)
        with duckdb.connect() as connection:
            reports.append(read(connection, [Source(f) for f in files], side="clients", as_at=date(2026, 11, 22)))
    assert reports[0] == reports[1]


def test_tables_in_memory_are_numbered(store) -> None:  # type: ignore[no-untyped-def]
    report = store.read(TABLE, TABLE.append_column("gender", pa.array(["1"])))
    assert [file.name for file in report.files] == ["table in memory", "table in memory 2"]
    assert (report.used, report.excluded) == (2, 0)


def test_a_path_may_be_text(store, write: Callable[..., Path]) -> None:  # type: ignore[no-untyped-def]
    store.read(str(write("people.csv", CSV)))
    assert store.one("person", "source_org") == ("people",)


def _refusal(*data: Any) -> str:
    with duckdb.connect() as connection, pytest.raises(InputError) as caught:
        read(connection, [Source(d) for d in data], side="clients", as_at=date(2026, 11, 22))
    return str(caught.value)


def test_the_same_data_given_twice(write: Callable[..., Path]) -> None:
    path = write("x/people.csv", CSV)
    assert _refusal(path, path) == f"{path}: is given twice; give it once"
    assert "is given twice" in _refusal(path, path.parent)
    assert "is given twice" in _refusal(path, path.parent / ".." / "x" / "people.csv")
    assert "the same table is given twice" in _refusal(TABLE, TABLE)
    copy = path.with_name("copy.csv")
    shutil.copy(path, copy)
    with duckdb.connect() as connection:
        read(connection, [Source(path), Source(copy)], side="clients", as_at=date(2026, 11, 22))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    assert "is a pipe or a device" in _refusal(tmp_path / "pipe.csv")
    assert "is a pipe or a device" in _refusal(tmp_path)
    assert "is a pipe or a device" in _refusal(Path(os.devnull))
