"""Writing a trace request: the files for the service, and which client each reference stands for, all or nothing."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace.files import refuse_inside
from caretrace.project import Project
from caretrace.run_folder import Run
from caretrace.trace import results
from caretrace.trace.choose import Chosen, Round, Why, choose
from caretrace.trace.opening import opened, quoted
from caretrace.trace.store import QUESTION_COLUMNS, Kept
from caretrace.written import log_writing
from connectors.writers.dbs import Envelope, write_dbs
from connectors.writers.plain import Change, Written
from connectors.writers.trace_request import REQUEST_COLUMNS, mpt_name, write_mpt, write_pds_mesh
from schemas.errors import InputError, SettingsError

if TYPE_CHECKING:
    import duckdb


class Service(Enum):
    """Which service the files are for."""

    PDS = "pds"
    MPT = "mpt"
    DBS = "dbs"


MOST_RECORDS = {Service.PDS: 100_000, Service.MPT: 100_000, Service.DBS: 450_000}
"""Records a file. The limits of PDS MESH and MPT are not published, so theirs are assumed; DBS: UK Renal Registry."""

_NAMES = {Service.PDS: "PDS MESH", Service.MPT: "MPT", Service.DBS: "Demographics Batch Service"}


@dataclass(frozen=True)
class Form:
    """How the files are written; the choices differ by service."""

    service: Service
    most: int | None = None
    """Records to a file; None takes MOST_RECORDS."""
    line_end: str = "crlf"
    registration_date: bool = False
    """PDS MESH: the form of 24 columns."""
    organisation: str = ""
    """DBS: ODS code of the council."""
    tracing_service: str = ""
    sequence: int = 1
    """DBS: number of the first file; each further file has the next."""
    version: str = "201"
    as_csv: bool = False

    def __post_init__(self) -> None:
        if self.most is not None and self.most < 1:
            raise SettingsError("a file needs room for at least one record")


@dataclass(frozen=True)
class Asked:
    """What was written."""

    request_id: str
    files: tuple[Path, ...]
    chosen: Chosen
    changes: list[str]
    """What became of letters and lengths, one sentence each."""
    settled: tuple[str, ...] = field(default=())

    @property
    def questions(self) -> int:
        """How many questions the files hold together."""
        return self.chosen.total


def request(
    run: Run,
    out: Path,
    form: Form,
    *,
    project: Project,
    keys_dir: Path,
    which: Round,
    whom: frozenset[Why],
    postcode: bool,
    again: bool,
    token: str,
    maker: str,
    now: datetime,
) -> Asked:
    """Write the files of a request into the folder `out` and keep its questions in the project.

    `token` names the request: 8 capital letters and digits, drawn at random, so that a reference says nothing of a
    client and a reply to another request cannot be taken for one to this. Raises InputError where there is nobody to
    ask.
    """
    refuse_inside(out, run.path, option="--out")
    kept, run_id = Kept.of(project), str(run.manifest["run_id"])
    with opened(run) as connection:
        kept.load_questions(connection)
        results.build(connection, kept)
        chosen = choose(connection, which, request_id=token, whom=whom, postcode=postcode, again=again)
        if not chosen.total:
            reasons = "; ".join(f"{count:,} {why}" for why, count in chosen.left_out.items()) or "nobody is left"
            raise InputError(f"there is nobody to ask in this run: {reasons}", path=run.path)
        most = form.most or MOST_RECORDS[form.service]
        parts = -(-chosen.total // most)
        files = [out / _name(form, token, part, parts, now) for part in range(parts)]
        folder = kept.request(token)
        notes = [folder / "questions.parquet", folder / "request.json"]
        facts = _facts(run_id, form, which, postcode, token, chosen, files, now)
        with log_writing(
            project,
            keys_dir,
            kind="trace request",
            purpose="to find or verify the NHS numbers of people the council cares for",
            files=[*files, *notes],
            recipient=_NAMES[form.service],
            run_id=run_id,
            maker=maker,
            now=now,
        ) as writing:
            _keep(connection, facts, writing.drafts[-2], writing.drafts[-1])
            written = [
                _write(connection, form, draft, most=most, part=part, now=now)
                for part, draft in enumerate(writing.drafts[:parts])
            ]
            writing.rows = chosen.total
    return Asked(token, tuple(files), chosen, _changes(written), writing.settled)


def _name(form: Form, token: str, part: int, parts: int, now: datetime) -> str:
    if form.service is Service.MPT:
        # Its name is its time stamp, so each file has a second of its own.
        return mpt_name(now + timedelta(seconds=part))
    number = f"-{part + 1}" if parts > 1 else ""
    ending = "txt" if form.service is Service.DBS and not form.as_csv else "csv"
    return f"{form.service.value}-request-{token}{number}.{ending}"


def _facts(
    run_id: str,
    form: Form,
    which: Round,
    postcode: bool,
    token: str,
    chosen: Chosen,
    files: list[Path],
    now: datetime,
) -> dict[str, Any]:
    return {
        "request_id": token,
        "run_id": run_id,
        "created_at": now.isoformat(timespec="seconds"),
        "service": form.service.value,
        "round": which.value,
        "with_postcode": postcode,
        "asked": chosen.asked,
        "left_out": chosen.left_out,
        "files": [path.name for path in files],
    }


def _keep(connection: duckdb.DuckDBPyConnection, facts: dict[str, Any], questions: Path, note: Path) -> None:
    said = {name: quoted(facts[name]) for name in ("request_id", "run_id", "round")}
    said["with_postcode"] = f"CAST({facts['with_postcode']} AS BOOLEAN)"
    columns = [f"{said.get(name, name)} AS {name}" for name in QUESTION_COLUMNS]
    connection.execute(
        f"COPY (SELECT {', '.join(columns)} FROM question ORDER BY reference)"
        f" TO {quoted(str(questions))} (FORMAT parquet)"
    )
    note.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8", newline="\n")


def _write(
    connection: duckdb.DuckDBPyConnection, form: Form, path: Path, *, most: int, part: int, now: datetime
) -> Written:
    rows = f"(SELECT {', '.join(REQUEST_COLUMNS)} FROM question ORDER BY reference LIMIT {most} OFFSET {part * most})"
    query = f"SELECT * FROM {rows}"
    if form.service is Service.PDS:
        return write_pds_mesh(connection, query, path, registration_date=form.registration_date, line_end=form.line_end)
    if form.service is Service.MPT:
        return write_mpt(connection, query, path, now=now + timedelta(seconds=part), line_end=form.line_end)
    envelope = Envelope(
        organisation=form.organisation,
        prepared=now,
        sequence=form.sequence + part,
        tracing_service=form.tracing_service,
        version=form.version,
        as_csv=form.as_csv,
    )
    return write_dbs(connection, query, path, envelope)


def _changes(written: list[Written]) -> list[str]:
    together: Counter[tuple[str, Change]] = Counter()
    for each in written:
        together.update(each.changes)
    return Written(0, together).to_text()
