"""An attacker's kit: whoever holds releases and every list there is tries to find people in them.

The attacker has two releases of the same people to different recipients, every valid NHS number, date of birth and
postcode (a stretch of each by default, in which the true ones stand), the published method and source, releases of
counts before and after somebody opted out, and everything in each bundle. They do not have our keys.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import hmac
import importlib.util
import json
import re
import sys
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.optimize import linprog

from governance import release
from governance.deidentify import pseudonym
from schemas.errors import Refused

COUNTS = """
[[data.counts]]
name = "by_place"
dimensions = ["person.gender", "person.postcode"]
justification = "shown by place"

[disclosure]
small_numbers = "{preset}"
risk_assessment = "RA-1"
intruder_test_on = 2026-01-15
"""
SALTS = ("", "salt", "NHS", "nhs", "secret", "DSA-EXAMPLE-01", "X0X01", "X0X02", "1", "ct1_")
DIGESTS: tuple[Callable[[bytes], bytes], ...] = tuple(
    lambda data, name=name: hashlib.new(name, data).digest()  # type: ignore[misc]
    for name in ("md5", "sha1", "sha256", "sha512", "blake2b")
)


def _kit() -> ModuleType:
    """The builders of small runs, which stand with the unit tests."""
    path = Path(__file__).parents[1] / "unit" / "governance" / "conftest.py"
    spec = importlib.util.spec_from_file_location("attackers_workbench", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


WORKBENCH = _kit()
POSTCODES = [f"ZE{district} {sector}A{unit}" for district in (1, 2) for sector in range(10) for unit in "ABDE"]
BIRTHS = [date(1940, 1, 1) + timedelta(days=n) for n in range(0, 800)]


def crowd(count: int) -> list[Any]:
    """People with different numbers, births and postcodes out of the attacker's lists."""
    return [
        WORKBENCH.someone(n, person={"birth_date": BIRTHS[n * 7 % 800], "postcode": POSTCODES[n % len(POSTCODES)]})
        for n in range(1, count + 1)
    ]


@pytest.fixture(scope="module")
def two_releases(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], Path, Path]:
    """The people, and what two recipients decrypted."""
    people = crowd(60)
    kit = WORKBENCH.Kit(tmp_path_factory.mktemp("attacker"))
    desk = kit.desk(people, service=[kit.service(who, n) for who in people for n in (1, 2)])
    desk.edit(("max_withheld_share = 0.10", "max_withheld_share = 0.9"))
    first = kit.opened(desk.make(to="one").folder)
    desk.edit(("X0X02", "X0X03"), ('version = "1.0"', 'version = "1.1"'))
    return people, first, kit.opened(desk.make(to="two").folder)


def pseudonyms(folder: Path) -> set[str]:
    return set(pq.read_table(folder / "person.parquet")["pseudonym"].to_pylist())


def guesses(people: list[Any]) -> Iterable[str]:
    """Everything a pseudonym could have been made from: the true values among the attacker's lists."""
    numbers = {who.number for who in people} | {WORKBENCH.nhs_number(n) for n in range(1, 120)}
    for number in sorted(numbers):
        yield number
        yield f"{number[:3]} {number[3:6]} {number[6:]}"
    for who in people:
        birth, postcode = who.person["birth_date"], who.person["postcode"]
        for when in (birth.isoformat(), birth.strftime("%d/%m/%Y"), birth.strftime("%Y%m%d")):
            yield from (when, f"{when}{postcode}", f"{when}|{postcode}", f"{when}{postcode.replace(' ', '')}")
        # Even with our internal id, which is nowhere outside, the key is missing.
        yield from (who.key, f"v1|person|{who.key}")
    yield from POSTCODES
    yield from (birth.isoformat() for birth in BIRTHS)


def spellings(digest: bytes) -> tuple[str, ...]:
    return (
        base64.b32encode(digest).decode()[:26],
        digest.hex()[:26].upper(),
        base64.b64encode(digest).decode()[:26],
    )


def test_no_pseudonym_is_a_hash_of_anything_that_can_be_listed(two_releases: tuple[list[Any], Path, Path]) -> None:
    people, first, second = two_releases
    bodies = {value.removeprefix("ct1_")[:26] for folder in (first, second) for value in pseudonyms(folder)}
    assert len(bodies) >= 40
    tried = 0
    for guess in guesses(people):
        for salt in SALTS:
            for data in (f"{salt}{guess}".encode(), f"{guess}{salt}".encode()):
                for digest in DIGESTS[:3]:
                    tried += 1
                    assert bodies.isdisjoint(spellings(digest(data)))
            keyed = hmac.new(salt.encode() or b"\0", guess.encode(), "sha256").digest()
            assert bodies.isdisjoint(spellings(keyed))
    assert tried > 50_000


def test_the_kit_breaks_a_pseudonym_made_the_usual_weak_way(two_releases: tuple[list[Any], Path, Path]) -> None:
    people = two_releases[0]
    weak = {base64.b32encode(hashlib.sha256(f"NHS{who.number}".encode()).digest()).decode()[:26] for who in people}
    found = {
        spelled
        for guess in guesses(people)
        for salt in SALTS
        for spelled in spellings(hashlib.sha256(f"{salt}{guess}".encode()).digest())
    }
    assert weak <= found


def test_two_recipients_cannot_link_their_people(two_releases: tuple[list[Any], Path, Path]) -> None:
    _, first, second = two_releases
    ours, theirs = sorted(pseudonyms(first)), sorted(pseudonyms(second))
    assert not set(ours) & set(theirs)
    shared = {(a[at : at + 8]) for a in ours for at in range(4, 24)} & {
        (b[at : at + 8]) for b in theirs for at in range(4, 24)
    }
    assert not shared
    events = [set(pq.read_table(folder / "service.parquet")["event_id"].to_pylist()) for folder in (first, second)]
    assert not events[0] & events[1]
    # Nor by where a row stands: rows are in the order of the pseudonyms, which is another for each recipient.
    for folder in (first, second):
        told = pq.read_table(folder / "person.parquet")["pseudonym"].to_pylist()
        assert told == sorted(told)


def test_a_pseudonym_is_no_nhs_number_and_looks_like_none(two_releases: tuple[list[Any], Path, Path]) -> None:
    for value in pseudonyms(two_releases[1]):
        assert re.fullmatch(pseudonym.PATTERN, value)
        assert not value.isdigit()


def counts(kit: Any, folder: Path) -> dict[tuple[str, ...], str]:
    text = (kit.opened(folder) / "by_place.csv").read_text("utf-8-sig")
    return {tuple(row[:-1]): row[-1] for row in list(csv.reader(text.splitlines()))[1:]}


def counted_desk(root: Path, grid: dict[tuple[str, str], int], preset: str, leave_out: int = 0) -> Any:
    """A desk that releases counts; the last `leave_out` people of it have opted out."""
    root.mkdir(parents=True, exist_ok=True)
    people = []
    for (gender, postcode), count in grid.items():
        for _ in range(count):
            people.append(WORKBENCH.someone(len(people) + 1, person={"gender": gender, "postcode": postcode}))
    kit = WORKBENCH.Kit(root)
    allowed = [who.number for who in people[: len(people) - leave_out]]
    desk = kit.desk(people, allowed=allowed)
    desk.edit(('"pseudonymised_limited"', '"aggregate"'), ("\n[disclosure]\nk = 5\n", COUNTS.format(preset=preset)))
    return kit, desk


GRID = {("1", "ZE1 0AA"): 21, ("2", "ZE1 0AA"): 33, ("1", "ZE2 9AA"): 47, ("2", "ZE2 9AA"): 52}
GRID |= {("1", "ZE3 0AA"): 38, ("2", "ZE3 0AA"): 3}


def known(told: dict[tuple[str, ...], str], base: int, threshold: int, small: set[tuple[str, ...]]) -> list[Any]:
    """Bounds of every count as published; of the hidden `small` ones the attacker guesses right that they are small."""
    bounds = []
    for name in sorted(told):
        if told[name] == "*":
            bounds.append((0, threshold - 1 if name in small else 10_000))
        else:
            bounds.append((max(int(told[name]) - base // 2, 0), int(told[name]) + (base - 1) // 2))
    return bounds


def sums(names: list[tuple[str, ...]]) -> Any:
    """A row for every total: what it is the sum of, less itself, is nothing."""
    rows = []
    for fixed, rest in ((0, 1), (1, 0)):
        for value in sorted({name[fixed] for name in names}):
            rows.append([(name[fixed] == value) * (-1 if name[rest] == "All" else 1) for name in names])
    return np.array(rows)


def between(aim: Any, bounds: list[Any], **system: Any) -> tuple[float, float]:
    """The least and the most that `aim` can be, as a linear-programming solver sees it."""
    ends = [linprog(sign * aim, bounds=bounds, **system) for sign in (1, -1)]
    assert all(end.success for end in ends)
    return ends[0].fun, -ends[1].fun


def interval(told: dict[tuple[str, ...], str], cell: tuple[str, ...], base: int, threshold: int) -> tuple[float, float]:
    names = sorted(told)
    aim = np.array([name == cell for name in names], dtype=float)
    equal = sums(names)
    return between(aim, known(told, base, threshold, {cell}), A_eq=equal, b_eq=np.zeros(len(equal)))


def missing(before: dict[tuple[str, ...], str], after: dict[tuple[str, ...], str], cell: tuple[str, ...]) -> float:
    """How many people of a cell an attacker can show to have gone, who knows that nobody came and fewer than 5 went."""
    names = sorted(before)
    n, equal = len(names), sums(names)
    aim = np.array([name == cell for name in names], dtype=float)
    everybody = np.array([name == ("All", "All") for name in names], dtype=float)
    nobody_came = np.hstack([-np.eye(n), np.eye(n)])
    few_went = np.hstack([everybody, -everybody])
    least, _ = between(
        np.hstack([aim, -aim]),
        known(before, 5, 8, {cell}) + known(after, 5, 8, {cell}),
        A_eq=np.kron(np.eye(2), equal),
        b_eq=np.zeros(2 * len(equal)),
        A_ub=np.vstack([nobody_came, few_went]),
        b_ub=np.array([0] * n + [4]),
    )
    return least


@pytest.mark.parametrize(("preset", "base", "threshold"), [("nhs-hes-2018", 5, 8), ("hic-dundee", 1, 5)])
def test_hidden_counts_are_not_recovered(tmp_path: Path, preset: str, base: int, threshold: int) -> None:
    kit, desk = counted_desk(tmp_path, GRID, preset)
    told = counts(kit, desk.make().folder)
    hidden = [name for name, shown in told.items() if shown == "*"]
    assert ("2", "ZE3") in hidden
    assert len(hidden) == (1 if base == 5 else 4)
    least, most = interval(told, ("2", "ZE3"), base, threshold)
    assert most - least >= 3 - 1e-6
    # Without the hiding of others it would have been the difference of two numbers.
    if base == 1:
        plain = {name: ("*" if name == ("2", "ZE3") else shown) for name, shown in exact().items()}
        assert interval(plain, ("2", "ZE3"), 1, threshold) == pytest.approx((3, 3))


def exact() -> dict[tuple[str, ...], str]:
    """The table as nobody outside sees it."""
    told: dict[tuple[str, ...], int] = {}
    for (gender, postcode), count in GRID.items():
        for name in ((g, p) for g in (gender, "All") for p in (postcode[:3], "All")):
            told[name] = told.get(name, 0) + count
    return {name: str(count) for name, count in told.items()}


@pytest.mark.parametrize("out", [1, 2])
def test_who_opted_out_is_not_found_by_comparing_counts(tmp_path: Path, out: int) -> None:
    """Counts before and after people of the smallest cell opted out: nobody can show that anybody is missing there."""
    told, others = [], []
    for name, leave_out in (("before", 0), ("after", out)):
        kit, desk = counted_desk(tmp_path / name, GRID, "nhs-hes-2018", leave_out)
        made = desk.make()
        told.append(counts(kit, made.folder))
        bundle = json.loads((made.folder / "manifest.json").read_text("utf-8"))["plan"]
        others.append((bundle["people"], [each["people"] for each in bundle["left_out"]]))
    small = [name for name, shown in exact().items() if int(shown) < 8]
    assert small == [("2", "ZE3")]
    for cell in small:
        assert missing(told[0], told[1], cell) == pytest.approx(0)
    assert all(people % 5 == 0 for people, _ in others)
    assert others[1][1] == ["fewer than 5"]


def test_the_same_counts_with_and_without_opt_outs_do_not_leave(tmp_path: Path) -> None:
    _, desk = counted_desk(tmp_path, GRID, "nhs-hes-2018", 2)
    desk.make()
    desk.edit(
        (
            'national_data_opt_out = "applied"',
            'national_data_opt_out = "exempt"\nexemption = "law"\nexemption_evidence = "s.1"',
        ),
        ('version = "1.0"', 'version = "1.1"'),
    )
    with pytest.raises(Refused) as refused:
        release.check(desk.plan())
    assert any(reason.startswith("R27") for reason in refused.value.reasons)


def test_exact_counts_do_not_leave_a_second_time(tmp_path: Path) -> None:
    _, desk = counted_desk(tmp_path, GRID, "hic-dundee")
    desk.make()
    with pytest.raises(Refused) as refused:
        release.check(desk.plan())
    assert any("difference of two counts" in reason for reason in refused.value.reasons)
