"""Asking the national check about a run, and taking its answer into use, or not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import duckdb
import pytest

from caretrace.trace import opt_out
from fixtures.systems import ndoo
from governance import optout
from schemas.errors import InputError
from schemas.sql import install_macros

ANN: dict[str, Any] = {"given_name": "Ann", "birth_date": date(1931, 7, 9)}
TODAY = date(2026, 11, 22)
Make = Callable[..., Any]


def test_everybody_with_a_number_is_asked_about(bench: Make) -> None:
    held, linked = ndoo.ASKED[:2]
    b = bench(
        ANN | {"record_id": "1", "nhs_number": held},
        ANN | {"record_id": "2", "linked": linked},
        ANN | {"record_id": "3"},
    )
    asked = opt_out.request(b.run, b.folder / "out", mailbox="8KM90", **b.common)
    assert (asked.request.name, asked.numbers) == ("8KM90-221126-0001.dat", 2)
    assert asked.request.read_bytes() == f"{held},\n{linked},\n".encode()
    assert "<LocalId>8KM90-221126-0001<" in asked.control.read_text("utf-8")


def test_a_reply_becomes_the_list_a_release_reads(bench: Make) -> None:
    b = bench(ANN | {"record_id": "1"})
    for name, data in ndoo.files().items():
        (b.folder / name.removeprefix("ndoo/")).write_bytes(data)
    reply, asked = b.folder / "reply.dat", b.folder / "request.dat"
    found = opt_out.read(reply, asked, checked_on=TODAY, **b.common)
    assert (found.asked, found.allowed) == (4, 2)
    with duckdb.connect() as connection:
        install_macros(connection, as_at=TODAY)
        facts = optout.load(connection, found.list_)
        allowed = connection.execute("SELECT nhs_number FROM allowed ORDER BY 1").fetchall()
    assert (facts.checked_on, facts.numbers, facts.fault) == (TODAY, 2, None)
    assert [number for (number,) in allowed] == list(ndoo.ALLOWED)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (b"\n", "holds no numbers"),
        (b"9000000009,\n9000000041,\n", "not asked about"),
        (b"9000000009,\n9000000008,\n", "line 2: not an NHS number"),
        (b"\xff\xfe", "not plain text"),
    ],
)
def test_what_cannot_be_the_reply_is_not_taken(bench: Make, reply: bytes, said: str) -> None:
    b = bench(ANN | {"record_id": "1"})
    (b.folder / "request.dat").write_bytes(ndoo.files()["ndoo/request.dat"])
    (b.folder / "reply.dat").write_bytes(reply)
    with pytest.raises(InputError, match=said):
        opt_out.read(b.folder / "reply.dat", b.folder / "request.dat", checked_on=TODAY, **b.common)
    assert not (b.project.root / "opt-outs").exists()


def test_a_day_still_to_come(bench: Make) -> None:
    b = bench(ANN | {"record_id": "1"})
    (b.folder / "r.dat").write_bytes(ndoo.files()["ndoo/request.dat"])
    with pytest.raises(InputError, match="still to come"):
        opt_out.read(b.folder / "r.dat", b.folder / "r.dat", checked_on=date(2026, 12, 1), **b.common)
