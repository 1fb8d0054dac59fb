"""A finished run made by hand, a project with keys, and replies made from the questions that were asked."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caretrace import run_folder
from caretrace.project import Project
from caretrace.run_folder import Run
from caretrace.trace.choose import Round, Why
from caretrace.trace.reading import Read, read
from caretrace.trace.request import Asked, Form, Service, request
from caretrace.trace.rules import Rules
from connectors import Source
from fixtures.systems.pds_mesh import MESH_TITLES, mesh
from governance import keys
from schemas import LINK, PERSON, PERSON_KEY
from schemas.table import Table

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RUN_ID = "0123456789abcdef0123456789abcdef"
Row = dict[str, Any]

BORN = date(1931, 7, 9)
ANN: Row = {"given_name": "Ann", "family_name": "Hill", "birth_date": BORN, "gender": "2", "postcode": "BR1 3AA"}


def _table(table: Table, rows: list[Row], extra: tuple[str, ...] = ()) -> pa.Table:
    types = dict.fromkeys(extra, pa.string()) | {each.name: each.type for each in table.arrow_schema()}
    return pa.table({name: pa.array([row.get(name) for row in rows], type_) for name, type_ in types.items()})


def make_run(folder: Path, clients: list[Row], *, run_id: str = RUN_ID, load_back: Row | None = None) -> Run:
    """A run of these clients; `linked` and `decision` of a row stand in links.parquet, the rest in PERSON."""
    (folder / "linked").mkdir(parents=True)
    for row in clients:
        row.setdefault("source", "carefirst")
        row.setdefault("source_org", "Bromley")
        row.setdefault("birth_date_precision", "YMD" if row.get("birth_date") else None)
    linked = [row | {"side": "client"} for row in clients]
    register = [
        {
            "source": "emis",
            "source_org": "A81001",
            "record_id": f"g{n}",
            "nhs_number": row["linked"],
            "side": "register",
        }
        for n, row in enumerate(clients)
        if row.get("linked")
    ]
    before = ("person_key", "person_nhs_number", "side")
    pq.write_table(_table(PERSON, linked + register, before), folder / "linked" / "person.parquet")
    keyed = [row | {"nhs_number": row.get("linked") or row.get("nhs_number")} for row in linked] + register
    pq.write_table(_table(PERSON_KEY, keyed), folder / "linked" / "person_key.parquet")
    links = [
        {name: row[name] for name in ("source", "source_org", "record_id")}
        | {"decision": row.get("decision", "link" if row.get("linked") else "none"), "nhs_number": row.get("linked")}
        | {"method": row.get("method", "probabilistic" if row.get("linked") else None), "levels": []}
        for row in clients
    ]
    pq.write_table(_table(LINK, links), folder / "links.parquet")
    files = [path for path in folder.rglob("*") if path.is_file()]
    manifest = {
        "format": 1,
        "run_id": run_id,
        "created_at": "2026-11-20T10:00:00+00:00",
        "settings": {
            "load_back": {"dead": "mark", "restricted": "mark", "trace_required": "probabilistic"} | (load_back or {})
        },
        "outputs": {path.relative_to(folder).as_posix(): run_folder.sha256(path) for path in files},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return run_folder.open(folder, verify=True)


@dataclass
class Bench:
    """A project, a run, and the steps of a trace in short."""

    project: Project
    keys_dir: Path
    run: Run
    folder: Path
    steps: int = 0
    asked: list[Asked] = field(default_factory=list)

    @property
    def common(self) -> dict[str, Any]:
        """What every step takes; each is a minute later than the one before."""
        self.steps += 1
        now = NOW + timedelta(minutes=self.steps)
        return {"project": self.project, "keys_dir": self.keys_dir, "maker": "ann", "now": now}

    def another_run(self, *clients: Row, run_id: str) -> Run:
        """A later run of these clients."""
        return make_run(self.folder / run_id, [{**row} for row in clients], run_id=run_id)

    def ask(self, which: Round = Round.NUMBERS, service: Service = Service.PDS, **options: Any) -> list[Row]:
        """Ask and give the questions as they stand in the project, with what was sent."""
        form = {name: options.pop(name) for name in ("most", "organisation", "as_csv") if name in options}
        asked = request(
            options.pop("run", self.run),
            self.folder / f"out{self.steps}",
            Form(service, **form),
            which=which,
            whom=options.pop("whom", frozenset(Why)),
            postcode=options.pop("postcode", False),
            again=options.pop("again", False),
            token=f"TEST{self.steps:04d}",
            **self.common,
        )
        self.asked.append(asked)
        kept = self.project.root / "traces" / "requests" / asked.request_id / "questions.parquet"
        questions = pq.read_table(kept).to_pylist()
        if service is Service.PDS:
            sent = {row["UNIQUE REFERENCE"]: row for path in asked.files for row in _csv(path)}
            questions = [question | {"sent": sent[question["reference"]]} for question in questions]
        return questions

    def reply(self, *answers: dict[str, str], name: str = "reply.csv") -> Path:
        """A PDS MESH reply."""
        path = self.folder / f"{self.steps}-{name}"
        path.write_bytes(mesh(answers, MESH_TITLES))
        return path

    def read(self, *replies: Path, run: Run | None = None, **rules: Any) -> Read:
        """Read replies."""
        return read([Source(path) for path in replies], run or self.run, rules=Rules(**rules), **self.common)

    def results(self, done: Read) -> dict[str, Row]:
        """results.csv by record id."""
        return {row["record_id"]: row for row in _csv(done.folder / "results.csv")}


def _csv(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


Make = Callable[..., Bench]


@pytest.fixture
def bench(tmp_path: Path) -> Make:
    """Give a function that makes a bench of clients."""

    def make(*clients: Row, **about: Any) -> Bench:
        (tmp_path / "project").mkdir()
        keys.create(tmp_path / "keys", project=tmp_path / "project")
        run = make_run(tmp_path / "run", [{**row} for row in clients], **about)
        return Bench(Project(tmp_path / "project"), tmp_path / "keys", run, tmp_path)

    return make
