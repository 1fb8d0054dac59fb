"""What a project keeps of its traces: questions asked and answers read. Written once each, never changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace.project import Project
from caretrace.trace.opening import parquet
from governance import at_rest
from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb

QUESTION_COLUMNS = {
    **{"request_id": "VARCHAR", "run_id": "VARCHAR", "round": "VARCHAR", "with_postcode": "BOOLEAN"},
    **dict.fromkeys(("reference", "source", "source_org", "record_id", "why", "asked", "facts"), "VARCHAR"),
}
ANSWER_COLUMNS = {
    **{"reading": "INTEGER", "request_id": "VARCHAR", "run_id": "VARCHAR", "round": "VARCHAR"},
    **dict.fromkeys(("source", "source_org", "record_id", "why", "asked", "facts", "reference", "service"), "VARCHAR"),
    **dict.fromkeys(("code", "outcome", "nhs_number", "step", "verdict", "reason"), "VARCHAR"),
    **{"confidence": "DOUBLE", "answered_on": "DATE", "dead": "BOOLEAN", "restricted": "BOOLEAN"},
}

LISTED = (
    *("request_id", "created_at", "service", "round", "with_postcode", "questions", "answered", "open", "files"),
    "run_id",
)


def facts(client: str) -> str:
    """SQL of what a client was asked about by, as a hash: an answer holds for as long as that stays as it was.

    Later runs have other ids, yet most of their clients have not changed; nobody is asked again for that.
    """
    names = ("birth_date", "birth_date_precision", "family_name", "given_name", "middle_names", "gender")
    return f"sha256(to_json([{', '.join(f'CAST({client}.{name} AS VARCHAR)' for name in names)}]))"


@dataclass(frozen=True)
class Kept:
    """The traces of one project."""

    root: Path

    @classmethod
    def of(cls, project: Project) -> Kept:
        """Where a project keeps them."""
        return cls(project.root / "traces")

    def request(self, request_id: str) -> Path:
        """The folder of one request."""
        return self.root / "requests" / request_id

    def next_reading(self) -> tuple[int, Path]:
        """Number and folder of the next reading."""
        numbers = [int(path.name) for path in (self.root / "readings").glob("*") if path.name.isdigit()]
        number = max(numbers, default=0) + 1
        return number, self.root / "readings" / f"{number:04d}"

    def requests(self, connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
        """Every request, oldest first, with how many of its questions have an answer; keys are LISTED."""
        self.load_questions(connection)
        self.load_answers(connection)
        counts = {
            request_id: (asked, answered)
            for request_id, asked, answered in connection.execute(
                "SELECT q.request_id, count(*), count(a.reference) FROM asked_before q"
                " LEFT JOIN (SELECT DISTINCT reference FROM answer) a USING (reference) GROUP BY 1"
            ).fetchall()
        }
        found = [_facts(path) for path in (self.root / "requests").glob("*/request.json")]
        rows = []
        for facts in sorted(found, key=lambda facts: (facts["created_at"], facts["request_id"])):
            asked, answered = counts.get(facts["request_id"], (0, 0))
            said = {name: facts.get(name, "") for name in LISTED}
            files = ", ".join(facts.get("files", ()))
            rows.append(said | {"files": files, "questions": asked, "answered": answered, "open": asked - answered})
        return rows

    def load_questions(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the table `asked_before`: every question ever asked, of every run."""
        _load(
            connection, "asked_before", sorted((self.root / "requests").glob("*/questions.parquet")), QUESTION_COLUMNS
        )

    def load_answers(self, connection: duckdb.DuckDBPyConnection, also: Sequence[Path] = ()) -> None:
        """Make the table `answer`: every answer ever read, of every run, and those in the files `also`."""
        paths = [*sorted((self.root / "readings").glob("*/answers.parquet")), *also]
        _load(connection, "answer", paths, ANSWER_COLUMNS)


def _load(connection: duckdb.DuckDBPyConnection, table: str, paths: list[Path], columns: Mapping[str, str]) -> None:
    declared = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({declared})")
    for path in paths:
        _check(connection, path, columns)
    if paths:
        connection.execute(f"INSERT INTO {table} BY NAME SELECT {', '.join(columns)} FROM {parquet(*paths)}")


def _check(connection: duckdb.DuckDBPyConnection, path: Path, columns: Mapping[str, str]) -> None:
    import duckdb

    try:
        found = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {parquet(path)}").fetchall()}
    except duckdb.Error:  # its words hold parts of the file
        raise InputError("cannot be read; restore it from a backup", path=path) from None
    if missing := sorted(set(columns) - found):
        raise InputError(f"was written by another version of caretrace: it lacks {', '.join(missing)}", path=path)


def _facts(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(at_rest.read_bytes(path))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict) or "request_id" not in found:
        raise InputError("is not the note of a trace request that can be read; restore it from a backup", path=path)
    return found
