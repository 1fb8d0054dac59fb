"""What a linkage is told of earlier decisions: the table `verdict` (schemas.VERDICT), as it stands today."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace.review.decisions import Decision
from caretrace.review.ledger import read
from schemas import VERDICT
from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_HONOURED = tuple(VERDICT["verdict"].codes or ())
"""The words that tell a linkage something; a pair nobody could tell, or that readers disagree on, is not among them."""


@dataclass(frozen=True)
class Verdicts:
    """Decisions to honour, and where they come from."""

    table: pa.Table
    facts: Mapping[str, Any]
    """For the manifest: file, sha256 (of the file, or of the table's values), same, different."""

    @property
    def sha256(self) -> str:
        """What stands for them in a run's id."""
        return str(self.facts["sha256"])


def verdicts(path: Path) -> Verdicts | None:
    """The decisions of the file `path` that stand; None where nobody has decided anything yet.

    Raises IntegrityFailure where the file was altered or cut short.
    """
    history = read(path)
    if not history.lines:
        return None
    standing = [each for each in history.standing.values() if each.made.verdict in _HONOURED]
    return _made([_row(each) for each in standing], path.name, hashlib.sha256(history.content).hexdigest())


def given(path: Path) -> Verdicts | None:
    """The same for a file that somebody names, so one that must exist."""
    if not path.is_file():
        raise InputError("there is no such file of decisions; `caretrace review import` writes one", path=path)
    return verdicts(path)


def from_table(data: object) -> Verdicts:
    """The same from a table that Arrow can take, of the columns of VERDICT, for callers who keep their own."""
    import pyarrow as pa

    table: pa.Table = data if isinstance(data, pa.Table) else pa.table(data)
    if missing := [name for name in VERDICT.names if name not in table.column_names]:
        raise InputError(f"the table of verdicts has no column {', '.join(missing)}; see VERDICT in docs/tables.md")
    try:
        rows = table.select(list(VERDICT.names)).cast(VERDICT.arrow_schema()).to_pylist()
    except pa.ArrowInvalid:
        raise InputError("the table of verdicts has a column of another type; see VERDICT in docs/tables.md") from None
    plain = json.dumps(rows, sort_keys=True, default=str).encode()
    return _made(rows, "a table", hashlib.sha256(plain).hexdigest())


def load(connection: duckdb.DuckDBPyConnection, given: Verdicts) -> None:
    """Make table `verdict` in the working store."""
    connection.register("verdict_rows", given.table)
    try:
        connection.execute("CREATE OR REPLACE TABLE verdict AS SELECT * FROM verdict_rows")
    finally:
        connection.unregister("verdict_rows")


def _row(decision: Decision) -> dict[str, Any]:
    made = decision.made
    return {
        **made.client._asdict(),
        **{f"register_{name}": value for name, value in made.register._asdict().items()},
        "nhs_number": made.nhs_number,
        "verdict": made.verdict,
        "decided_by": ", ".join(made.by),
        "decided_at": decision.at.replace(tzinfo=None),
    }


def _made(rows: list[dict[str, Any]], name: str, sha256: str) -> Verdicts:
    import pyarrow as pa

    rows = sorted(rows, key=lambda row: tuple(row[column] or "" for column in VERDICT.names[:-1]))
    counts = dict.fromkeys(_HONOURED, 0)
    people: dict[tuple[str, ...], object] = {}
    for row in rows:
        if row["verdict"] not in counts:
            raise InputError(f"{name}: a verdict is neither of {' and '.join(_HONOURED)}")
        counts[row["verdict"]] += 1
        client = tuple(row[column] for column in VERDICT.names[:3])
        person = row["nhs_number"] or tuple(row[column] for column in VERDICT.names[3:6])
        if row["verdict"] == "same" and people.setdefault(client, person) != person:
            raise InputError(f"{name}: one client is 'same' with two register people; withdraw one of these decisions")
    table = pa.Table.from_pylist(rows, schema=VERDICT.arrow_schema())
    return Verdicts(table, {"file": name, "sha256": sha256, **counts})
