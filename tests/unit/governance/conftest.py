"""Small run folders, agreements and projects, real in every part."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from governance import agreement, example, keys, release
from governance.agreement.example_keys import EXAMPLE_IDENTITY
from governance.deidentify.columns import RELEASABLE, RUN_COLUMNS
from governance.keys import Keys
from governance.opening import open_release
from governance.plan import ReleasePlan
from schemas import LINK, OBJECTION, OPT_OUT, PERSON_KEY
from schemas.nhs_number import check_digit
from schemas.table import Table

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MAKER = "maker"


def nhs_number(n: int) -> str:
    """The n-th valid number of a stretch of the test range."""
    stem = 900_000_000 + n * 2
    while (digit := check_digit(str(stem))) is None:
        stem += 1
    return f"{stem}{digit}"


@dataclass
class Someone:
    """A person of a run: a client record, and a register record where linked."""

    key: str
    number: str | None
    decision: str | None = "link"
    person: dict[str, Any] = field(default_factory=dict)
    register: dict[str, Any] | None = field(default_factory=dict)
    link: dict[str, Any] = field(default_factory=dict)


def someone(n: int, **about: Any) -> Someone:
    """The n-th person, linked, with a number, like many others."""
    return Someone(key=f"{n:032x}", number=nhs_number(n), **about)


def crowd(count: int = 12, start: int = 1) -> list[Someone]:
    """People who look alike."""
    return [someone(n) for n in range(start, start + count)]


def _table(table: Table, rows: Sequence[dict[str, Any]], extra: bool = True) -> pa.Table:
    names = [*(c.name for c in RUN_COLUMNS if extra), *table.names]
    types = {c.name: pa.string() for c in RUN_COLUMNS} | {f.name: f.type for f in table.arrow_schema()}
    return pa.table({name: pa.array([row.get(name) for row in rows], types[name]) for name in names})


@cache
def _empty(name: str) -> bytes:
    """An empty table as a file; most tables of most tests are."""
    table = {**RELEASABLE, "opt_out": OPT_OUT, "objection": OBJECTION}[name]
    sink = io.BytesIO()
    pq.write_table(_table(table, ()), sink)
    return sink.getvalue()


def _record(who: Someone, side: str, about: dict[str, Any]) -> dict[str, Any]:
    prefix, source = ("C", "carefirst") if side == "client" else ("GP", "emis")
    plain = {
        "person_key": who.key,
        "person_nhs_number": who.number,
        "side": side,
        "source": source,
        "source_org": "X0X01",
        "record_id": f"{prefix}-{who.key[-6:]}",
        "nhs_number": who.number if side == "register" else None,
        "family_name": f"Surname{who.key[-6:]}",
        "given_name": f"Given{who.key[-6:]}",
        "birth_date": date(1950, 6, 15),
        "birth_date_precision": "YMD",
        "gender": "2",
        "address_line_1": f"{int(who.key, 16)} High Street",
        "postcode": "ZE1 0AA",
        "phone": f"01632960{int(who.key, 16) % 1000:03d}",
        "email": f"p{who.key[-6:]}@example.org",
    }
    return plain | about


def write_run(folder: Path, people: Iterable[Someone], **tables: Sequence[dict[str, Any]]) -> Path:
    """A finished run folder of these people, with rows for other tables by name."""
    persons, person_keys, links = [], [], []
    for who in people:
        sides = ["client"] * (who.decision is not None)
        sides += ["register"] * (who.register is not None and who.decision in ("link", None))
        for side in sides:
            row = _record(who, side, who.person if side == "client" else who.register or {})
            persons.append(row)
            person_keys.append({**row, "nhs_number": who.number})
        if who.decision is not None:
            linked = who.number if who.decision == "link" else None
            links.append(
                {**persons[-len(sides)], "run_id": "r", "decision": who.decision, "nhs_number": linked}
                | {"candidate_nhs_number": linked}
                | who.link
            )
    rows: dict[str, Sequence[dict[str, Any]]] = {"person": persons, **tables}
    (folder / "linked").mkdir(parents=True)
    for name, table in {**RELEASABLE, "opt_out": OPT_OUT, "objection": OBJECTION}.items():
        path = folder / "linked" / f"{name}.parquet"
        if rows.get(name):
            pq.write_table(_table(table, rows[name]), path)
        else:
            path.write_bytes(_empty(name))
    pq.write_table(_table(PERSON_KEY, person_keys, extra=False), folder / "linked" / "person_key.parquet")
    pq.write_table(_table(LINK, links, extra=False), folder / "links.parquet")
    seal(folder)
    return folder


def seal(folder: Path) -> None:
    """Write the manifest over whatever the folder holds."""
    files = sorted(path for path in folder.rglob("*.parquet"))
    outputs = {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
    (folder / "manifest.json").write_text(json.dumps({"format": 1, "run_id": "run-1", "outputs": outputs}))


def service(who: Someone, n: int = 1, **about: Any) -> dict[str, Any]:
    """A service row of a person."""
    base = _record(who, "client", {})
    kept = ("person_key", "person_nhs_number", "side", "source", "source_org", "record_id")
    plain = {name: base[name] for name in kept} | {
        "event_id": f"EV-{who.key[-6:]}-{n}",
        "service_type": "Home support",
        "start_date": date(2026, 3, 17),
    }
    return plain | about


@dataclass
class Desk:
    """A project, its keys, a run, and an agreement that can be edited."""

    root: Path
    keys: Keys
    run: Path
    agreement: Path

    @property
    def project(self) -> Path:
        return self.root / "project"

    @property
    def audit(self) -> Path:
        return self.project / "audit"

    def edit(self, *changes: tuple[str, str]) -> None:
        """Change the agreement's text; each change must be there to make."""
        text = self.agreement.read_text("utf-8")
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        self.agreement.write_text(text, encoding="utf-8")
        example.sign(self.agreement, on=TODAY)

    def plan(self, **about: Any) -> ReleasePlan:
        settings: dict[str, Any] = {"project": self.project, "keys_dir": self.keys.folder, "today": TODAY}
        return release.plan(self.run, agreement.load(self.agreement), **(settings | about))

    def make(self, planned: ReleasePlan | None = None, to: str = "one", **about: Any) -> release.Released:
        settings: dict[str, Any] = {"maker": MAKER, "now": NOW, "approved_by": example.APPROVER}
        return release.make(planned or self.plan(), self.project / "releases" / to, **(settings | about))


def opened(folder: Path) -> Path:
    """A release as its recipient has it after decrypting: a folder beside it."""
    to = folder.parent.parent / "received" / folder.name
    if not to.exists():
        identity = folder.parent.parent / "recipient.key"
        identity.write_text(EXAMPLE_IDENTITY + "\n")
        open_release(folder, identity, to)
    return to


class Kit:
    """What the tests build with; given as a fixture because test folders are not packages."""

    Someone = Someone
    someone = staticmethod(someone)
    crowd = staticmethod(crowd)
    service = staticmethod(service)
    nhs_number = staticmethod(nhs_number)
    seal = staticmethod(seal)
    opened = staticmethod(opened)
    today, now = TODAY, NOW

    def __init__(self, root: Path) -> None:
        self.root = root

    def desk(
        self, people: Sequence[Someone] | None = None, allowed: Iterable[str] | None = None, **tables: Any
    ) -> Desk:
        """Set up a desk for these people; by default everybody's number is allowed."""
        people = crowd() if people is None else people
        (self.root / "project").mkdir()
        run = write_run(self.root / "project" / "runs" / "one", people, **tables)
        numbers = [who.number for who in people if who.number] if allowed is None else allowed
        path = example.write(self.root / "agreements", numbers, today=TODAY)
        return Desk(self.root, keys.create(self.root / "keys", project=self.root / "project"), run, path)


@pytest.fixture(scope="session")
def kit_in() -> type[Kit]:
    """For a workbench that several tests share: give it a folder."""
    return Kit


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    """A workbench in a folder of its own."""
    return Kit(tmp_path)
