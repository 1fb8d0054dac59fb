"""What becomes of deliveries: applied, held, repeated or late; and that a held one leaves nothing behind."""

import csv
import io
import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caretrace.nightly.intake import Intake
from caretrace.warehouse import store
from connectors.files.opening import DEFAULT

MakeDesk = Callable[..., Any]
FIXTURES = Path(__file__).parents[4] / "fixtures"


def people(ids: Iterable[int], **changed: str) -> bytes:
    """A CSV of people in our own columns."""
    text = io.StringIO()
    rows = csv.DictWriter(text, ["record_id", "family_name", "given_name", "birth_date"])
    rows.writeheader()
    for number in ids:
        row = {
            "record_id": f"p{number}",
            "family_name": f"Name{number}",
            "given_name": "Ann",
            "birth_date": "1950-02-03",
        }
        rows.writerow({**row, **changed})
    return text.getvalue().encode()


def outcomes(told: dict[str, tuple[str, str | None]]) -> dict[str, str]:
    return {name: outcome for name, (outcome, _) in told.items()}


def test_a_full_delivery_replaces_the_one_before(desk: MakeDesk) -> None:
    one = desk()
    one.deliver("1.csv", people(range(10)))
    assert one.night() == {"1.csv": ("applied", None)}
    one.deliver("2.csv", people(range(1, 12)))
    assert one.night() == {"2.csv": ("applied", None)}
    assert one.people() == sorted(f"p{number}" for number in range(1, 12))
    assert one.night() == {}


def test_changes_touch_nobody_else(desk: MakeDesk) -> None:
    one = desk(feed="delta")
    one.deliver("1.csv", people(range(10)))
    one.deliver("2.csv", people([3, 20], given_name="Zoe"))
    assert outcomes(one.night()) == {"1.csv": "applied", "2.csv": "applied"}
    assert one.ask("SELECT record_id FROM state.clients.person WHERE given_name = 'Zoe' ORDER BY 1") == [
        ("p20",),
        ("p3",),
    ]
    assert len(one.people()) == 11


def test_names_tell_full_deliveries_from_changes(desk: MakeDesk) -> None:
    one = desk(full_names="*-full")
    one.deliver("1-full/person.csv", people(range(10)))
    one.deliver("2-delta/person.csv", people([1], given_name="Zoe"))
    one.deliver("3-full/person.csv", people(range(1, 10)))
    one.deliver("4-delta/person.csv", people([2], given_name="Zoe"))
    assert outcomes(one.night()) == {"1-full": "late", "2-delta": "late", "3-full": "applied", "4-delta": "applied"}
    assert one.ask("SELECT mode, outcome FROM state.delivery ORDER BY name") == [
        ("full", "late"), ("delta", "late"), ("full", "applied"), ("delta", "applied")
    ]  # fmt: skip


BAD = {
    "half the people": (people(range(20)), "20 of the source's 40 people are not in it, more than 20%"),
    "garbage": (b"\x00\x01garbage", "in/2 garbage.csv"),
    "another list": (b"colour,size\nred,3\n", "record_id"),
    "nobody": (people([]), "no records"),
    "cut short": (people(range(40)) + b'"p41,Name', "its last record is broken"),
    "dates that are none": (
        people(range(40)).replace(b"1950-02-03", b"3 Feb of 50"),
        "values of birth_date cannot be used",
    ),
    "broken lines": (
        people(range(40)) + b"x\n" * 4 + people([41]).splitlines()[1],
        "4 of 45 records cannot be read, more than 5%",
    ),
}


def test_a_bad_full_delivery_is_held_whole(desk: MakeDesk) -> None:
    one = desk()
    one.deliver("1.csv", people(range(40)))
    one.night()
    before = one.ask("FROM state.clients.person")
    for what, (content, _) in BAD.items():
        one.deliver(f"2 {what}.csv", content)
    told = one.night()
    for what, (_, said) in BAD.items():
        outcome, reason = told[f"2 {what}.csv"]
        assert outcome == "held", what
        assert said in Path(str(reason)).as_posix()
    assert one.ask("FROM state.clients.person") == before
    assert one.ask("SELECT count(*) FROM state.set_aside") == [(0,)]
    # A sound one after it takes its place, and nobody has to remove the bad one.
    one.deliver("3.csv", people(range(41)))
    assert outcomes(one.night()) == {**{f"2 {what}.csv": "late" for what in BAD}, "3.csv": "applied"}
    assert len(one.people()) == 41
    assert one.night() == {}


SERVICES = b"record_id,service_id,service_type\n" + b"".join(b"p%d,s%d,Home care\n" % (n, n) for n in range(20))
OBJECTIONS = b"record_id,upheld\np1,true\n"


@pytest.mark.parametrize(
    ("before", "now", "held"),
    [
        ({"objection": OBJECTIONS}, {}, "OBJECTION (1 rows)"),
        ({"opt_out": b"record_id,scheme,opted_out\np1,type 1,true\n"}, {}, "OPT_OUT (1 rows)"),
        ({"service": SERVICES}, {"objection": OBJECTIONS}, "SERVICE (20 rows)"),
        ({"service": SERVICES[:-19]}, {}, None),
        ({"objection": OBJECTIONS}, {"objection": OBJECTIONS.replace(b"p1", b"p2")}, None),
        # She has gone, and so has what hung on her.
        ({"objection": OBJECTIONS.replace(b"p1", b"p29")}, {}, None),
    ],
    ids=["objections", "opt-outs", "services", "fewer than anybody asks about", "another's", "of somebody who is gone"],
)
def test_a_full_delivery_that_leaves_out_a_table_is_held(
    desk: MakeDesk, before: dict[str, bytes], now: dict[str, bytes], held: str | None
) -> None:
    one = desk()
    for night, (count, tables) in enumerate([(30, before), (29, now)], 1):
        for name, content in {"person": people(range(count)), **tables}.items():
            one.deliver(f"{night}/{name}.csv", content)
        ((outcome, reason),) = one.night().values()
    assert outcome == ("held" if held else "applied"), reason
    if held:
        assert f"nothing for {held} of people who are in it; is a file missing?" in str(reason)
        assert outcomes(one.night(accept=["2"])) == {"2": "applied"}


def test_what_comes_after_held_changes_is_held_with_them(desk: MakeDesk) -> None:
    one = desk(feed="delta")
    one.deliver("1.csv", people(range(10)))
    one.deliver("2.csv", b"colour\nred\n")
    one.deliver("3.csv", people([4], given_name="Zoe"))
    told = one.night()
    assert outcomes(told) == {"1.csv": "applied", "2.csv": "held", "3.csv": "held"}
    assert told["3.csv"][1] == "it comes after 2.csv, which is held"
    assert one.ask("SELECT count(*) FROM state.clients.person WHERE given_name = 'Zoe'") == [(0,)]
    one.deliver("2.csv", people([3], given_name="Zoe"))
    assert outcomes(one.night()) == {"2.csv": "applied", "3.csv": "applied"}
    assert one.ask("SELECT count(*) FROM state.clients.person WHERE given_name = 'Zoe'") == [(2,)]


def test_a_night_without_changes_may_send_an_empty_list(desk: MakeDesk) -> None:
    one = desk(feed="delta")
    one.deliver("1.csv", people(range(3)))
    one.deliver("2.csv", people([]))
    assert outcomes(one.night()) == {"1.csv": "applied", "2.csv": "applied"}
    assert len(one.people()) == 3
    strict = desk(feed="delta", hold={"fewest": 1})
    strict.deliver("3.csv", people([]) + b"\r\n")
    assert strict.night()["3.csv"] == ("held", "it holds 0 records, fewer than 1")


def test_changes_may_be_of_what_hangs_on_people_alone(desk: MakeDesk) -> None:
    one = desk(feed="delta")
    one.deliver("1/person.csv", people(range(3)))
    one.deliver("2/address.csv", b"record_id,address_type,postcode\np1,home,LS1 1AA\n")
    assert outcomes(one.night()) == {"1": "applied", "2": "applied"}
    assert one.ask("SELECT record_id FROM state.clients.address") == [("p1",)]


def test_a_file_that_was_read_before_and_is_another_now_holds_its_delivery(desk: MakeDesk) -> None:
    one = desk(feed="delta")
    address = b"record_id,address_type,postcode\np1,home,LS1 1AA\n"
    one.deliver("2026-11-20/person-2026-11-20.csv", people(range(3)))
    one.deliver("2026-11-20/address.csv", address)
    one.deliver("2026-11-20/readme.csv", b"colour\nred\n")
    one.deliver("2026-11-21/person-2026-11-21.csv", b"colour\nred\n")
    one.deliver("2026-11-21/address.csv", address.replace(b"p1", b"p2"))
    one.deliver("2026-11-21/readme.csv", b"colour\nblue\n")
    told = one.night()
    assert outcomes(told) == {"2026-11-20": "applied", "2026-11-21": "held"}
    assert "a file of this name was read before" in str(told["2026-11-21"][1])
    assert one.night() == {"2026-11-21": told["2026-11-21"]}


def test_the_same_files_again_are_noted_and_not_applied(desk: MakeDesk) -> None:
    one = desk(feed="delta")
    one.deliver("1.csv", people(range(3)))
    one.deliver("2.csv", people([1], given_name="Zoe"))
    one.night()
    one.deliver("3.csv", people(range(3)))
    since = "it is later by name than what was applied since, 2.csv"
    assert one.night() == {"3.csv": ("repeated", f"its files are those of 1.csv, which run 1 applied; {since}")}
    assert one.ask("SELECT given_name FROM state.clients.person WHERE record_id = 'p1'") == [("Zoe",)]
    assert one.night() == {}


def test_the_last_files_again_and_empty_ones_are_nothing_to_look_at(desk: MakeDesk) -> None:
    one = desk(feed="delta")
    one.deliver("1.csv", people(range(3)))
    one.deliver("2.csv", people([]))
    one.night()
    one.deliver("3.csv", people([]))
    assert one.night() == {"3.csv": ("repeated", "its files are those of 2.csv, which run 1 applied")}
    one.deliver("4.csv", people([1], given_name="Zoe"))
    one.night()
    one.deliver("5.csv", people([]))
    assert one.night() == {"5.csv": ("repeated", "its files are those of 2.csv, which run 1 applied")}


@pytest.mark.parametrize("feed", ["full", "delta"])
def test_a_file_that_is_written_over_may_say_again_what_it_said(desk: MakeDesk, feed: str) -> None:
    one = desk(feed=feed)
    for given_name in ("Ann", "Zoe", "Ann"):
        one.deliver("clients.csv", people(range(3), given_name=given_name))
        assert outcomes(one.night()) == {"clients.csv": "applied"}
        assert one.ask("SELECT DISTINCT given_name FROM state.clients.person") == [(given_name,)]
    assert one.night() == {}


def test_what_comes_before_what_is_applied_is_late(desk: MakeDesk) -> None:
    one = desk(feed="delta")
    one.deliver("2026-11-20.csv", people(range(3), given_name="Zoe"))
    one.night()
    one.deliver("2026-11-19.csv", people([1], given_name="Ann"))
    assert one.night() == {"2026-11-19.csv": ("late", "it comes before 2026-11-20.csv, which is applied already")}
    assert one.ask("SELECT DISTINCT given_name FROM state.clients.person") == [("Zoe",)]
    assert one.night() == {}


def test_a_file_that_is_written_over_each_night_is_new_each_night(desk: MakeDesk) -> None:
    one = desk()
    for count in (10, 11, 12):
        one.deliver("clients.csv", people(range(count)))
        assert outcomes(one.night()) == {"clients.csv": "applied"}
        assert len(one.people()) == count
    assert one.ask("SELECT count(*) FROM state.delivery") == [(3,)]


def test_what_is_known_is_not_hashed_again(desk: MakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    one = desk()
    one.deliver("1.csv", people(range(3)))
    one.night()

    def never(*_: object) -> None:
        raise AssertionError("read a file that it knows")

    monkeypatch.setattr("caretrace.nightly.waiting.hashed", never)
    assert one.night() == {}


def test_limits_give_way_to_a_person(desk: MakeDesk) -> None:
    one = desk()
    one.deliver("1.csv", people(range(20)))
    one.night()
    one.deliver("2.csv", people(range(3)))
    assert outcomes(one.night()) == {"2.csv": "held"}
    assert outcomes(one.night(accept=["list/2.csv"])) == {"2.csv": "applied"}
    assert len(one.people()) == 3


def test_nobody_can_accept_what_cannot_be_read(desk: MakeDesk) -> None:
    one = desk()
    one.deliver("1.csv", b"colour\nred\n")
    assert outcomes(one.night(accept=["1.csv"])) == {"1.csv": "held"}


def test_a_look_changes_nothing(desk: MakeDesk) -> None:
    one = desk()
    one.deliver("1.csv", people(range(3)))
    assert outcomes(one.night(dry=True)) == {"1.csv": "applied"}
    assert outcomes(one.night()) == {"1.csv": "applied"}


def test_a_reading_that_fails_half_way_leaves_room_for_the_next(desk: MakeDesk) -> None:
    one = desk(feed="delta")
    one.deliver("1/person.csv", people(range(3)))
    one.deliver("1/address.csv", b"record_id,address_type\np1,home,too,many\n" * 20)
    one.deliver("2/person.csv", b"")
    one.night()
    shutil.rmtree(one.inbox / "1")
    shutil.rmtree(one.inbox / "2")
    one.deliver("3/person.csv", people(range(3)))
    assert outcomes(one.night()) == {"3": "applied"}


def test_no_reason_holds_a_value(desk: MakeDesk) -> None:
    one = desk()
    one.deliver(
        "1.csv", people(range(10), family_name="Zaphodson").replace(b"1950-02-03", b"Zaphodson") + b"Zaphodson\n" * 5
    )
    ((outcome, reason),) = one.night().values()
    assert outcome == "held"
    assert "Zaphodson" not in str(reason)


def copy(desk_inbox: Path, day: str, folder: str) -> None:
    for path in (FIXTURES / folder / day).iterdir():
        shutil.copyfile(path, desk_inbox / path.name)


def test_emis_files_lie_loose_and_are_laid_over_each_other(desk: MakeDesk) -> None:
    """Night after night it comes to what one reading of all deliveries gives, however they arrive."""
    one = desk(side="register", name="gp")
    for day in ("2026-10-01", "2026-10-02", "2026-10-03"):
        copy(one.inbox, day, "emis_delta")
        assert [outcome for outcome, _ in one.night().values()] == ["applied"]
    assert one.night() == {}
    nightly = one.ask("SELECT * EXCLUDE (id, from_run) FROM state.register.person ORDER BY ALL")
    shutil.rmtree(one.root / "warehouse")
    assert set(outcomes(one.night()).values()) == {"applied"}
    assert one.ask("SELECT * EXCLUDE (id, from_run) FROM state.register.person ORDER BY ALL") == nightly
    assert nightly


def test_changes_without_what_they_are_laid_over_are_held(desk: MakeDesk) -> None:
    one = desk(side="register", name="gp")
    copy(one.inbox, "2026-10-01", "emis_delta")
    one.night()
    for path in one.inbox.iterdir():
        path.unlink()
    copy(one.inbox, "2026-10-02", "emis_delta")
    ((outcome, reason),) = one.night().values()
    assert outcome == "held"
    assert reason is not None
    assert "is no longer in the inbox" in reason


def test_systmone_comes_as_an_archive_and_a_folder(desk: MakeDesk) -> None:
    one = desk(side="register", name="gp")
    shutil.copyfile(FIXTURES / "systmone_delta" / "2026-10-01.zip", one.inbox / "2026-10-01.zip")
    assert outcomes(one.night()) == {"2026-10-01.zip": "applied"}
    shutil.copytree(FIXTURES / "systmone_delta" / "2026-10-02", one.inbox / "2026-10-02")
    assert outcomes(one.night()) == {"2026-10-02": "applied"}
    assert one.ask("SELECT name, mode FROM state.delivery ORDER BY 1") == [
        ("2026-10-01.zip", "full"),
        ("2026-10-02", "delta"),
    ]


FEW = 3 if "CARETRACE_PROVE" not in os.environ else 40
"""Histories tried: `make test` a sample, `make prove` more."""
one_delivery = st.tuples(
    st.sampled_from(["full", "delta", "bad"]), st.sets(st.integers(0, 9), min_size=1), st.sampled_from("ABC")
)


@pytest.mark.prove
@given(history=st.lists(one_delivery, min_size=2, max_size=6), cuts=st.sets(st.integers(1, 5)))
@settings(max_examples=FEW, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_comes_to_the_same_however_the_nights_are_cut(
    history: list[tuple[str, set[int], str]], cuts: set[int], tmp_path: Path, desk: MakeDesk
) -> None:
    """Full ones, changes and bad ones, all at once or over several nights: the same people hold, the same are held."""
    ends = []
    for number, points in enumerate((set[int](), cuts)):
        one = desk(full_names="*-full", hold={"gone": 1})
        one.root = tmp_path / str(number)
        shutil.rmtree(one.root, ignore_errors=True)
        one.root.mkdir()
        for place, (mode, who, name) in enumerate(history):
            if place in points:
                one.night()
            content = b"colour\nred\n" if mode == "bad" else people(sorted(who), given_name=name)
            # No two of them are alike: what is repeated is another matter.
            one.deliver(f"{place}-{mode}.csv", content + b"\n" * place)
        told = one.night()
        held = sorted(name for name, (outcome, _) in told.items() if outcome == "held")
        ends.append((held, one.ask("SELECT record_id, given_name FROM state.clients.person ORDER BY ALL")))
    assert ends[0] == ends[1]


SOUND, BAD_CHANGE = people([3, 20], given_name="Zoe"), b"colour,size\nred,3\n"


@pytest.mark.parametrize("clients", [SOUND, BAD_CHANGE], ids=["sound", "held"])
@pytest.mark.parametrize("register", [SOUND, BAD_CHANGE], ids=["sound", "held"])
def test_to_read_a_side_while_the_other_is_at_work_changes_nothing(
    desk: MakeDesk, tmp_path: Path, clients: bytes, register: bytes
) -> None:
    first = desk(name="clients", feed="delta")
    other = replace(desk(name="register", side="register", feed="delta"), root=tmp_path / "other")
    other.root.mkdir()
    for each, change in ((first, clients), (other, register)):
        each.deliver("1.csv", people(range(10)))
        each.deliver("2.csv", change)
        each.deliver("3.csv", people([5], given_name="Ada"))
    found = []
    for ahead in (False, True):
        with store.next_state(tmp_path / "warehouse", first.settings) as state:
            mine, theirs = (Intake(state, each.wait(state), each.settings, DEFAULT) for each in (first, other))
            with theirs.reading_ahead() if ahead else nullcontext():
                told = mine.take()
            told += theirs.take()
            rows = [
                state.connection.execute(f"FROM state.{table} ORDER BY ALL").fetchall()
                for table in ("record", "clients.person", "register.person", "delivery", "set_aside")
            ]
            left = state.connection.execute("SELECT count(*) FROM duckdb_tables() WHERE database_name = 'store'")
            found.append(([(each.outcome, each.reason) for each in told], rows, left.fetchall()))
    assert found[0] == found[1]
    assert ("held" in [outcome for outcome, _ in found[1][0]]) == (BAD_CHANGE in (clients, register))


def test_whole_extracts_are_not_read_ahead(desk: MakeDesk) -> None:
    one = desk()
    one.deliver("1.csv", people(range(10)))
    with store.next_state(one.root / "warehouse", one.settings) as state:
        intake = Intake(state, one.wait(state), one.settings, DEFAULT)
        with intake.reading_ahead():
            assert not state.connection.execute(
                "FROM duckdb_schemas() WHERE schema_name = 'clients' AND database_name = 'store'"
            ).fetchall()
        assert [each.outcome for each in intake.take()] == ["applied"]
