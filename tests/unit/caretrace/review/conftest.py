"""A small finished run made by hand, and readers who fill their sheets as a spreadsheet would save them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caretrace import run_folder
from caretrace.review.export import Wanted, export
from caretrace.review.sheets import ANSWER, CODE
from caretrace.review.sidecar import Export
from schemas import ADDRESS, CANDIDATE, LINK, NAME, PERSON, Table

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
Row = dict[str, Any]

# Four clients in review: the first has two candidates, the third a candidate without a number. c5 is linked, c6 not.
CLIENTS: list[Row] = [
    {"record_id": "c1", "family_name": "Okafor", "given_name": "Ann", "birth_date": date(1950, 3, 12), "gender": "2"},
    {
        "record_id": "c2",
        "family_name": "Smith",
        "given_name": "Zoë",
        "birth_date": date(1961, 7, 4),
        "postcode": "LS1 2AB",
    },
    {"record_id": "c3", "family_name": "=cmd()", "given_name": "Lee", "birth_date": date(1970, 1, 1)},
    {"record_id": "c4", "family_name": "Łucki", "given_name": "Jan", "restricted": True, "postcode": "LS6 3HN"},
    {"record_id": "c5", "family_name": "Patel", "given_name": "Ravi", "birth_date": date(1933, 2, 1)},
    {"record_id": "c6", "family_name": "Khan", "given_name": "Sara"},
    {"record_id": "c7", "family_name": "Nobody", "given_name": "Known"},
]
REGISTER: list[Row] = [
    {"record_id": "r1", "nhs_number": "9990000018", "family_name": "Okafor", "given_name": "Anne"},
    {"record_id": "r2", "nhs_number": "9990000026", "family_name": "Okafor", "given_name": "Ann"},
    {"record_id": "r3", "nhs_number": "9990000034", "family_name": "Smyth", "given_name": "Zoe", "postcode": "LS1 2AB"},
    {"record_id": "r4", "family_name": "Cmd", "given_name": "Lee", "birth_date": date(1970, 1, 1)},
    {
        "record_id": "r5",
        "nhs_number": "9990000042",
        "family_name": "Lucki",
        "given_name": "Jan",
        "phone": "0113 496 0000",
    },
    {"record_id": "r6", "nhs_number": "9990000050", "family_name": "Patel", "given_name": "Ravi"},
    {"record_id": "r7", "nhs_number": "9990000069", "family_name": "Kahn", "given_name": "Sarah"},
]
# Client, register row, rank, probability.
CANDIDATES = [
    ("c1", "r1", 1, 0.70),
    ("c1", "r2", 2, 0.29),
    ("c1", "r3", 3, 0.0001),
    ("c2", "r3", 1, 0.60),
    ("c3", "r4", 1, 0.55),
    ("c4", "r5", 1, 0.40),
    ("c5", "r6", 1, 0.99999),
    ("c6", "r7", 1, 0.02),
]
DECISIONS = {"c1": "review", "c2": "review", "c3": "review", "c4": "review", "c5": "link", "c6": "none", "c7": "none"}


def _filled(table: Table, rows: Sequence[Row], **fixed: Any) -> pa.Table:
    return pa.Table.from_pylist([{**fixed, **row} for row in rows], schema=table.arrow_schema())


def _side(table: Table, client_rows: Sequence[Row], register_rows: Sequence[Row]) -> pa.Table:
    parts = []
    for side, source, org, rows in (
        ("client", "carefirst", "Leeds", client_rows),
        ("register", "emis", "B86001", register_rows),
    ):
        part = _filled(table, rows, source=source, source_org=org)
        key = pa.array([f"{side}{n}" for n in range(len(rows))], pa.string())
        part = part.add_column(0, "side", pa.array([side] * len(rows), pa.string()))
        part = part.add_column(0, "person_nhs_number", pa.nulls(len(rows), pa.string()))
        parts.append(part.add_column(0, "person_key", key))
    return pa.concat_tables(parts)


MakeRun = Callable[..., Path]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Write a run folder; more people, other decisions or candidates may be given."""

    def make(
        name: str = "run",
        *,
        clients: Sequence[Row] = CLIENTS,
        register: Sequence[Row] = REGISTER,
        candidates: Sequence[tuple[str, str, int, float]] = CANDIDATES,
        decisions: Mapping[str, str] = DECISIONS,
        methods: Mapping[str, str] | None = None,
        addresses: Sequence[Row] = (),
        names: Sequence[Row] = (),
    ) -> Path:
        numbers = {row["record_id"]: row.get("nhs_number") for row in register}
        best = {client: probability for client, _, rank, probability in candidates if rank == 1}
        key = {"source": "carefirst", "source_org": "Leeds"}
        chosen = [
            {
                **key,
                **{"record_id": client, "register_source": "emis", "register_source_org": "B86001"},
                **{"register_record_id": row, "nhs_number": numbers[row], "rank": rank, "probability": probability},
                "method": "probabilistic",
            }
            for client, row, rank, probability in candidates
        ]
        links = [
            {
                **{"run_id": f"id of {name}", **key, "record_id": client, "decision": decision},
                **{"probability": best.get(client), "method": (methods or {}).get(client, "probabilistic")},
            }
            for client, decision in decisions.items()
        ]
        with run_folder.drafting(tmp_path / name) as draft:
            pq.write_table(_filled(LINK, links), draft.path / "links.parquet")
            pq.write_table(_filled(CANDIDATE, chosen), draft.path / "candidates.parquet")
            (draft.path / "linked").mkdir()
            for table, rows in (("person", (clients, register)), ("address", (addresses, ())), ("name", (names, ()))):
                declared = {"person": PERSON, "address": ADDRESS, "name": NAME}[table]
                pq.write_table(_side(declared, *rows), draft.path / "linked" / f"{table}.parquet")
            return run_folder.finish(draft, {"run_id": f"id of {name}"}).path

    return make


@dataclass(frozen=True)
class Desk:
    """A run, an export of it, and the file of decisions."""

    run: Path
    folder: Path
    decisions: Path
    export: Export

    def sheet(self, reader: str) -> list[dict[str, str]]:
        """The rows as they were sent."""
        with (self.folder / f"reader-{reader}.csv").open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    def client_of(self, code: str) -> tuple[str, str]:
        """The client's and the register row's ids behind a code."""
        sent = next(each for each in self.export.pairs if code in each.codes.values())
        return sent.asked.client.record_id, sent.asked.register.record_id

    def answer(self, reader: str, answers: Mapping[tuple[str, str], str], rest: str = "different people") -> Path:
        """Fill one reader's CSV by (client, register row); `rest` is the answer to all others."""
        rows = self.sheet(reader)
        for row in rows:
            row[ANSWER] = answers.get(self.client_of(row[CODE]), rest)
        return self.save(rows, f"{reader} back.csv")

    def save(
        self, rows: Sequence[Mapping[str, str]], name: str, *, encoding: str = "utf-8-sig", delimiter: str = ","
    ) -> Path:
        """Write rows as a spreadsheet would."""
        path = self.folder.parent / name
        with path.open("w", encoding=encoding, newline="", errors="replace") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter, lineterminator="\r\n")
            writer.writeheader()
            writer.writerows(rows)
        return path


@pytest.fixture
def desk(make_run: MakeRun, tmp_path: Path) -> Callable[..., Desk]:
    """Export pairs of a run (the small one if none is given) to readers."""

    def make(
        *readers: str, run: Path | None = None, name: str = "out", wanted: Wanted | None = None, **given: Any
    ) -> Desk:
        folder, decisions = tmp_path / name, tmp_path / "decisions.jsonl"
        run = run or (tmp_path / "run" if (tmp_path / "run").exists() else make_run())
        made = export(
            run, folder, readers=readers, decisions=decisions, seed=7, wanted=wanted, forms=("xlsx", "csv"), **given
        )
        return Desk(run, folder, decisions, made)

    return make
