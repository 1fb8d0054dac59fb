"""A small warehouse over a few nights: people as rows, run folders as they come out."""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import connectors
import linkage
from caretrace import run_folder
from caretrace.project import Project
from caretrace.run_folder import Run
from caretrace.run_settings import RunSettings
from caretrace.warehouse import deliveries, keys, links, views
from caretrace.warehouse.apply import apply, clear_read
from caretrace.warehouse.publish import Night, refresh, snapshot
from caretrace.warehouse.store import State, next_state
from linkage.incremental import update

Row = dict[str, str]
WORDS = {"clients": "client", "register": "register"}
FIRST = date(2026, 11, 1)
LINKAGE = {"bands": {"link_at": 0.9, "review_at": 0.5}, "passes": []}
"""As much of the facts of a linkage as a manifest needs."""


def _tables(rows: Sequence[Row], place: Path) -> connectors.Source:
    """A folder in our own format; rows with a `table` go into that table, all others into person."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    by_table: dict[str, list[Row]] = {}
    for row in rows:
        given = {"source": "council", "source_org": "council"} | row
        by_table.setdefault(given.pop("table", "person"), []).append(given)
    for name, held in by_table.items():
        columns = sorted({column for row in held for column in row})
        made = pa.table({column: pa.array([row.get(column, "") for row in held], pa.string()) for column in columns})
        import pyarrow.csv

        pyarrow.csv.write_csv(made, place / f"{name}.csv")
    return connectors.Source(place, format="standard", name=place.name)


@dataclass
class Warehouse:
    """A project that is given a full delivery of each side a night."""

    root: Path
    nights: list[Run] = field(default_factory=list)

    @property
    def project(self) -> Project:
        return Project(self.root)

    def settings(self, night: int) -> RunSettings:
        return RunSettings(as_at=FIRST + timedelta(days=night - 1), threads=2)

    def night(
        self,
        *,
        held: bool = False,
        full: bool = False,
        tables_in: int | None = None,
        **sides: Sequence[Row],
    ) -> Run:
        """One run; `clients` and `register` are what is delivered whole, a side not named delivers nothing."""
        number = len(self.nights) + 1
        settings = self.settings(number)
        out = self.root / "runs" / f"{number:04d}"
        with next_state(self.root / "warehouse", settings) as state, run_folder.drafting(out) as draft:
            inputs = [file for side, rows in sides.items() for file in self._apply(state, side, rows, settings)]
            if held:
                deliveries.note(
                    state, feed="clients", side="clients", name="bad", mode="full", outcome="held", reason="a half"
                )
            updated = update(state.connection, seed=0, run_id=f"run{number}", model=linkage.default_model())
            links.update_links(state)
            keys.update_keys(state, lambda n: hashlib.shake_256(self._counter()).digest(n))
            views.open_views(state)
            night = Night(
                run_id=f"run{number}",
                created_at=datetime(2026, 11, number, 2, tzinfo=UTC),
                kind="full" if full else "night",
                settings=settings,
                model=updated.model,
                linkage=LINKAGE,
                inputs=inputs,
            )
            manifest = snapshot(state, draft.path, night, full=full, tables_in=tables_in)
            state.commit()
            run = run_folder.finish(draft, manifest)
        self.nights.append(run)
        refresh(self.project, run.path)
        return run

    _drawn: int = 0

    def _counter(self) -> bytes:
        self._drawn += 1
        return str(self._drawn).encode()

    def _apply(self, state: State, side: str, rows: Sequence[Row], settings: RunSettings) -> list[dict[str, Any]]:
        source = _tables(rows, self.root / "in" / side)
        report = connectors.read(state.connection, [source], side=side, as_at=settings.as_at)
        apply(state, side=side, feed=side, whole=True)
        files = [file.to_json() for file in report.files]
        deliveries.note(
            state, feed=side, side=side, name="all", mode="full", outcome="applied", files=files, whole=True
        )
        clear_read(state, side)
        return [{"side": WORDS[side], **file} for file in files]


def person(record_id: str, given: str, family: str, born: str, **more: str) -> Row:
    """A row of PERSON."""
    return {"record_id": record_id, "given_name": given, "family_name": family, "birth_date": born, **more}


PEOPLE = (
    ("Amina", "Warsame", "1941-02-03", "9000000009", "female", "ZZ1 1AA"),
    ("Bronwen", "Pryce", "1938-07-19", "9000000017", "female", "ZZ1 2BB"),
    ("Cedric", "Okonkwo", "1952-11-30", "9000000025", "male", "ZZ2 3CC"),
    ("Dorota", "Zielinska", "1947-05-08", "9000000033", "female", "ZZ2 4DD"),
    ("Edmund", "Featherstone", "1933-01-25", "9000000041", "male", "ZZ3 5EE"),
    ("Fatima", "Rahmani", "1960-09-14", "9000000068", "female", "ZZ3 6FF"),
)


def everybody(letter: str, *, numbers: Sequence[int] = (), leave: Sequence[int] = ()) -> list[Row]:
    """PEOPLE as records of one side; `numbers` are those that hold their NHS number."""
    return [
        person(
            f"{letter}{place}",
            given,
            family,
            born,
            gender=gender,
            postcode=postcode,
            address_line_1=f"{place} High Street",
            **({"nhs_number": number} if place in numbers else {}),
        )
        for place, (given, family, born, number, gender, postcode) in enumerate(PEOPLE)
        if place not in leave
    ]


def three_nights(warehouse: Warehouse, *, tables: bool = True) -> None:
    """Night 1 begins; 2 moves a client, loses one, brings one; 3 takes a number from the register and holds a file."""
    services: list[Row] = [
        {"table": "service", "record_id": "c0", "event_id": "s1", "start_date": "2026-01-05"},
        {"table": "service", "record_id": "c2", "event_id": "s2", "start_date": "2026-02-05"},
    ]
    register = everybody("r", numbers=range(6), leave=[5])
    warehouse.night(clients=[*everybody("c", numbers=[1], leave=[4]), *services], register=register, full=True)
    clients = everybody("c", numbers=[1], leave=[3])
    clients[0]["postcode"] = "ZZ9 9ZZ"
    earlier = None if tables else 1
    warehouse.night(clients=[*clients, *services], tables_in=earlier)
    # The register gives Amina another number: what was loaded back for her was wrong.
    register[0]["nhs_number"] = "9000000076"
    warehouse.night(register=register, held=True, tables_in=earlier)


@pytest.fixture(scope="session")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Three nights, only read by the tests."""
    warehouse = Warehouse(tmp_path_factory.mktemp("council"))
    three_nights(warehouse)
    yield warehouse


@pytest.fixture(scope="session", name="three_nights")
def let_pass() -> Callable[..., None]:
    """Let the three nights pass in another warehouse."""
    return three_nights


@pytest.fixture
def fresh(tmp_path: Path) -> Warehouse:
    """A project without a run."""
    return Warehouse(tmp_path / "council")
