"""Whether the parts of an extract are all there, and each of them once."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import InputError

CSV = "record_id,family_name\n{n},Smith\n"


def write_all(write: Callable[..., Path], *names: str) -> Path:
    paths = [write(f"in/{name}", CSV.format(n=n)) for n, name in enumerate(names)]
    return paths[0].parent


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["c part 1 of 2.csv", "c part 2 of 2.csv"], None),
        (["c_1of3.csv", "c_3of3.csv"], r"c_1of3\.csv: part 2 of 3 not found beside it"),
        (["c (1 of 4).csv", "c (2 of 4).csv"], "parts 3, 4 of 4 not found"),
        (["c1of2.csv", "d2of2.csv"], "not found beside it"),
        (["Bank of England.csv", "2019 of 2.csv", "7of3.csv"], None),
    ],
)
def test_parts(store: Any, write: Callable[..., Path], names: list[str], sentence: str | None) -> None:
    folder = write_all(write, *names)
    if sentence is None:
        assert store.read(folder).used == len(names)
        return
    with pytest.raises(InputError, match=sentence):
        store.read(folder)


def test_a_file_beside_itself_packed(store: Any, write: Callable[..., Path]) -> None:
    folder = write("in/people.csv", CSV).parent
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("people.csv", CSV)
    for name, content in {"people.csv.gz": gzip.compress(CSV.encode()), "all.zip": packed.getvalue()}.items():
        path = write(f"in/{name}", content)
        with pytest.raises(InputError, match=r"holds the same as people\.csv, unpacked"):
            store.read(folder)
        path.unlink()
    write("in/people.csv.gz", gzip.compress(CSV.format(n=2).encode()))
    assert store.read(folder).used == 2


def test_a_part_may_have_its_columns_in_another_order(store: Any, write: Callable[..., Path]) -> None:
    folder = write("in/c 1 of 2.csv", "record_id,family_name\n1,Smith\n").parent
    write("in/c 2 of 2.csv", "Family_Name;phone;RECORD_ID\nNg;1;2\n")
    assert store.read(folder).used == 2
    assert store.rows("person", "record_id", "family_name") == [("1", "Smith"), ("2", "Ng")]
