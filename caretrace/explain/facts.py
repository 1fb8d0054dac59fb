"""What a finished run holds about the decision on one client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace import run_folder
from caretrace.evaluate.store import opened
from linkage.explain import Competition, Waterfall, competition, waterfall
from linkage.guards import guards
from linkage.model_file import from_facts
from schemas import PERSON
from schemas.errors import InputError
from schemas.person import PROVENANCE_COLUMNS

if TYPE_CHECKING:
    import duckdb

_KEY = ("source", "source_org", "record_id")


@dataclass(frozen=True)
class Explanation:
    """All that there is to say about one client."""

    run_id: str
    decision: str
    reason: str | None
    method: str | None
    link_at: float
    review_at: float
    candidates: tuple[Waterfall, ...]
    """The best of them; `competition` has all."""
    competition: Competition
    decided_by: str | None = None
    decided_at: str | None = None
    values: tuple[Mapping[str, tuple[str | None, str | None]], ...] = ()
    """By candidate, and by column that either holds: the client's value and the register person's."""

    @property
    def guard(self) -> str | None:
        """The guard that holds the client back, if one does."""
        return self.reason if self.reason in {guard.name for guard in guards(())} else None

    def to_json(self) -> dict[str, Any]:
        """A JSON object; `records` stands in it only where values were asked for."""
        shares = self.competition
        facts = {
            "run_id": self.run_id,
            "decision": self.decision,
            "reason": self.reason,
            "guard": self.guard,
            "method": self.method,
            "decided_by": self.decided_by,
            "decided_at": self.decided_at,
            "bands": {"link_at": self.link_at, "review_at": self.review_at},
            "competition": {
                "candidates": list(shares.candidates),
                "other_candidates": round(shares.others, 9),
                "not_in_register": float(f"{shares.nobody:.6g}"),
            },
            "candidates": [each.to_json() for each in self.candidates],
        }
        records = [{name: {"client": c, "register": r} for name, (c, r) in each.items()} for each in self.values]
        return {**facts, "records": records} if self.values else facts


def explain(
    run: Path,
    record_id: str,
    *,
    source: str | None = None,
    source_org: str | None = None,
    candidates: int | None = None,
    values: bool = False,
) -> Explanation:
    """Explain the decision on one client of the run folder `run`.

    `candidates` is how many of the best are shown; if None, the best and up to two more that are worth a look.

    Raises InputError where the run has no such client, or several of that id.
    """
    opened_run = run_folder.open(run)
    if not (opened_run.path / "candidates.parquet").is_file():
        raise InputError("kept no candidates, so it cannot be explained; run `caretrace link` again", path=run)
    bands = opened_run.manifest["linkage"]["bands"]
    model = from_facts(opened_run.manifest["model"])
    with opened(opened_run) as connection:
        link = _client(connection, record_id, source, source_org)
        key = {name: link[name] for name in _KEY}
        rows = _rows(connection, "SELECT * FROM candidate WHERE ({}) ORDER BY rank", key)
        falls = [waterfall({**row, "levels": dict(row["levels"]), "bits": dict(row["bits"])}, model) for row in rows]
        shown = falls[: candidates or _worth_a_look(falls)]
        return Explanation(
            opened_run.manifest["run_id"],
            link["decision"],
            link["reason"],
            link["method"],
            bands["link_at"],
            bands["review_at"],
            tuple(shown),
            competition(falls),
            link["decided_by"],
            None if link["decided_at"] is None else link["decided_at"].isoformat(timespec="minutes"),
            tuple(_side_by_side(connection, key, row) for row in rows[: len(shown)]) if values else (),
        )


_WORTH_A_LOOK = 0.001
"""Probability from which a further candidate is shown unasked."""


def _worth_a_look(falls: Sequence[Waterfall]) -> int:
    return max(1, sum(each.probability >= _WORTH_A_LOOK for each in falls[:3]))


def _client(
    connection: duckdb.DuckDBPyConnection, record_id: str, source: str | None, source_org: str | None
) -> dict[str, Any]:
    asked = {"record_id": record_id, "source": source, "source_org": source_org}
    found = _rows(connection, "SELECT * FROM link WHERE ({})", {k: v for k, v in asked.items() if v is not None})
    if not found:
        raise InputError("no client of this run has that id; give it as the client system has it (see links.parquet)")
    if len(found) > 1:
        places = "; ".join(sorted(f"--source {row['source']} --org {row['source_org']}" for row in found))
        raise InputError(f"{len(found)} clients of this run have that id; add one of: {places}")
    return found[0]


def _rows(connection: duckdb.DuckDBPyConnection, query: str, key: Mapping[str, str]) -> list[dict[str, Any]]:
    result = connection.execute(query.format(" AND ".join(f"{name} = ?" for name in key)), list(key.values()))
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


_SHOWN = [name for name in PERSON.names if name not in {column.name for column in PROVENANCE_COLUMNS}]


def _side_by_side(
    connection: duckdb.DuckDBPyConnection, client: Mapping[str, str], candidate: Mapping[str, Any]
) -> dict[str, tuple[str | None, str | None]]:
    """Every column that one of the two records holds."""
    register = {name: candidate[f"register_{name}"] for name in _KEY}
    (ours,) = _rows(connection, "SELECT * FROM clients.person WHERE ({})", client)
    (theirs,) = _rows(connection, "SELECT * FROM register.person WHERE ({})", register)
    pairs = {name: (_text(ours[name]), _text(theirs[name])) for name in _SHOWN}
    return {name: pair for name, pair in pairs.items() if pair != (None, None)}


def _text(value: object) -> str | None:
    return None if value is None else str(value)
