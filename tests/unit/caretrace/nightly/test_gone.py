"""Nights of changes that say who is gone: applied, undone by coming back, and held where they are too many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

TITLES = "record_id,family_name,birth_date,record_status\n"


def listed(status: str, *numbers: int) -> bytes:
    return (TITLES + "".join(f"p{number},Name{number},1950-02-03,{status}\n" for number in numbers)).encode()


def test_they_go_come_back_and_go_again(desk: Callable[..., Any]) -> None:
    one = desk(feed="delta")
    one.deliver("1.csv", listed("", *range(10)))
    one.deliver("2.csv", listed("deleted", 3, 4))
    told = one.night()
    assert {outcome for outcome, _ in told.values()} == {"applied"}
    assert one.people() == [f"p{number}" for number in range(10) if number not in (3, 4)]
    one.deliver("3.csv", listed("current", 3))
    one.night()
    assert len(one.people()) == 9
    one.deliver("4.csv", listed("DELETED", 3))
    one.night()
    assert len(one.people()) == 8
    assert one.ask("SELECT count(*) FROM state.record WHERE to_run IS NULL") == [(8,)]
    assert one.ask("SELECT count(*) FROM state.set_aside WHERE rule = 'marked as deleted'") == [(3,)]


def test_ids_alone_are_enough_where_all_are_gone(desk: Callable[..., Any]) -> None:
    one = desk(full_names="*-full*")
    ids = "record_id,record_status\n"
    one.deliver("1-full.csv", listed("", *range(10)))
    one.deliver("2.csv", f"{ids}p3,deleted\np4,Deleted\np77,deleted\n".encode())
    told = one.night()
    assert told == {"1-full.csv": ("applied", None), "2.csv": ("applied", None)}
    assert one.people() == [f"p{number}" for number in range(10) if number not in (3, 4)]
    assert one.ask("SELECT count(*) FROM state.set_aside WHERE rule = 'marked as deleted'") == [(3,)]
    one.deliver("3.csv", f"{ids}p5,deleted\np6,\n".encode())
    [(outcome, reason)] = [told for name, told in one.night().items() if name == "3.csv"]
    assert outcome == "held"
    assert reason is not None
    assert "so it can only tell who is gone, and this record is not marked as deleted in record_status" in reason
    one.deliver("4-full.csv", f"{ids}p0,current\np1,\np2,deleted\n".encode())
    [(outcome, reason)] = [told for name, told in one.night().items() if name == "4-full.csv"]
    assert outcome == "held"
    assert reason is not None
    assert reason.startswith("nothing says who the people are", reason.index("nothing"))
    assert len(one.people()) == 8


@pytest.mark.parametrize(("count", "outcome"), [(4, "applied"), (5, "held")])
def test_many_at_once_hold_it(desk: Callable[..., Any], count: int, outcome: str) -> None:
    one = desk(full_names="*-full")
    one.deliver("1-full.csv", listed("", *range(20)))
    one.night()
    one.deliver("2-delta.csv", listed("deleted", *range(count), 77))
    [(became, reason)] = one.night().values()
    assert became == outcome
    assert len(one.people()) == (16 if outcome == "applied" else 20)
    if outcome == "held":
        assert reason == "it says that 5 of the source's 20 people are gone, more than 20%"
        assert one.night(accept=["2-delta.csv"])["2-delta.csv"][0] == "applied"
        assert len(one.people()) == 15
