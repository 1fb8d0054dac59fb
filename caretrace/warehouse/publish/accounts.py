"""The warehouse's account of itself: runs, deliveries, and counts that add up from the files to the rows.

Files: records = used + rejected + excluded. Sides: records before + new - gone - erased = records now. Clients: linked
+ to review + neither = clients. What does not add up is said in the manifest and on the page.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caretrace.linked import SIDES
from caretrace.version import __version__
from schemas.warehouse import RUN

if TYPE_CHECKING:
    import duckdb

    from caretrace.warehouse.publish.night import Night
    from caretrace.warehouse.store import State

_COUNTED = RUN.names[RUN.names.index("client_records") :]
_FILES = ("records", "used", "rejected", "excluded")
_FILE = '[{"name": "VARCHAR", "sha256": "VARCHAR", "bytes": "BIGINT", %s}]' % ", ".join(  # noqa: UP031 - braces
    f'"{name}": "BIGINT"' for name in _FILES
)

QUERIES = {
    "run": f"""SELECT run, as_at, started, kind, version,
            {", ".join(f"CAST(counts->>'{name}' AS BIGINT) AS {name}" for name in _COUNTED)}
        FROM state.run ORDER BY run""",
    "delivery": f"""SELECT delivery, feed, side, name, mode, outcome, reason, run, len(held) AS files,
            {", ".join(f"coalesce(list_sum(list_transform(held, lambda f: f.{n})), 0)::BIGINT AS {n}" for n in _FILES)}
        FROM (SELECT *, coalesce(from_json(files, '{_FILE}'), []) AS held FROM state.delivery) ORDER BY delivery""",
    "delivery_file": f"""SELECT delivery, unnest(from_json(files, '{_FILE}'), recursive := true)
        FROM state.delivery ORDER BY ALL""",
    "ended_key": """SELECT p.person_key, p.merged_into, d.as_at AS valid_from, p.from_run, u.as_at AS valid_to, p.to_run
        FROM state.person p LEFT JOIN state.run d ON d.run = p.from_run LEFT JOIN state.run u ON u.run = p.to_run
        WHERE p.to_run IS NOT NULL ORDER BY p.person_key""",
}
"""The files that hold the accounts, by name of the table."""


@dataclass(frozen=True)
class Moved:
    """Records of one side: how many there were, came and went."""

    before: int
    new: int
    changed: int
    gone: int
    now: int
    erased: int = 0
    """Taken out for good: of them no row stands anywhere, so they are counted and nothing more."""

    @property
    def adds_up(self) -> bool:
        """Whether those before, and those that came and went, make those of now."""
        return self.before + self.new - self.gone - self.erased == self.now


@dataclass(frozen=True)
class Accounts:
    """Tonight in numbers."""

    run: int
    moved: Mapping[str, Moved]
    """By side, `client` and `register`."""
    clients: Mapping[str, int]
    """own_number, with_number, linked, review, unlinked."""
    changes: Mapping[str, int]
    """Rows of LINK_CHANGE by what changed."""
    deliveries: Mapping[str, int]
    """Deliveries judged tonight, by outcome."""
    files: Mapping[str, int]
    """Records of the deliveries applied tonight: records, used, rejected, excluded."""

    @property
    def faults(self) -> tuple[str, ...]:
        """What does not add up, a sentence each; empty in all cases but a fault of ours or of the disk."""
        found = [
            f"the {side} records before, {moved.before:,}, and those new and gone do not make {moved.now:,}"
            for side, moved in self.moved.items()
            if not moved.adds_up
        ]
        if sum(self.clients[name] for name in ("linked", "review", "unlinked")) != self.moved["client"].now:
            found.append("the decisions are not as many as the clients")
        if self.files["records"] != sum(self.files[name] for name in _FILES[1:]):
            found.append("the records of the files are not those used, rejected and excluded")
        return tuple(found)

    def row(self) -> dict[str, int]:
        """What RUN holds of it."""
        sizes = {f"{side}_records": moved.now for side, moved in self.moved.items()}
        return {**sizes, **self.clients}

    def to_json(self) -> dict[str, Any]:
        """Plain values, for `state.run.counts` and the manifest."""
        return {
            **self.row(),
            "moved": {side: vars(moved) for side, moved in self.moved.items()},
            "changes": dict(self.changes),
            "deliveries": dict(self.deliveries),
            "files": dict(self.files),
            "faults": list(self.faults),
        }


def note_run(state: State, night: Night) -> None:
    """Write the run into `state.run`, unless it stands there already."""
    state.connection.execute(
        "INSERT INTO state.run BY NAME SELECT ? AS run, ? AS as_at, ? AS started, ? AS kind, ? AS version,"
        " CAST('{}' AS JSON) AS counts WHERE NOT EXISTS (FROM state.run WHERE run = ?)",
        [
            state.run,
            night.settings.as_at,
            night.created_at.replace(tzinfo=None),
            night.kind,
            __version__,
            state.run,
        ],
    )


def account(state: State) -> Accounts:
    """Count tonight; needs table `link_change`."""
    connection = state.connection
    decided = _counted(connection, "SELECT decision, count(*) FROM state.link GROUP BY 1")
    [(own, numbered)] = connection.execute("""SELECT count(p.nhs_number), count(coalesce(l.nhs_number, p.nhs_number))
        FROM state.clients.person p LEFT JOIN state.link l ON l.id = p.id AND l.decision = 'link'""").fetchall()
    applied = f"FROM ({QUERIES['delivery']}) WHERE run = {state.run} AND outcome = 'applied'"
    sums = ", ".join(f"coalesce(sum({name}), 0)::BIGINT" for name in _FILES)
    [files] = connection.execute(f"SELECT {sums} {applied}").fetchall()
    return Accounts(
        state.run,
        {word: _moved(state, side) for side, word in SIDES.items()},
        {
            "own_number": own,
            "with_number": numbered,
            "linked": decided.get("link", 0),
            "review": decided.get("review", 0),
            "unlinked": decided.get("none", 0),
        },
        _counted(connection, "SELECT change, count(*) FROM link_change GROUP BY 1"),
        _counted(connection, f"SELECT outcome, count(*) FROM state.delivery WHERE run = {state.run} GROUP BY 1"),
        dict(zip(_FILES, files, strict=True)),
    )


def note_counts(state: State, run_id: str, account: Accounts) -> None:
    """Add them to what `state.run` holds of the run."""
    state.connection.execute(
        "UPDATE state.run SET counts = json_merge_patch(coalesce(counts, '{}'), CAST(? AS JSON)) WHERE run = ?",
        [json.dumps({"run_id": run_id, **account.to_json()}), state.run],
    )


def history(connection: duckdb.DuckDBPyConnection, most: int) -> list[dict[str, Any]]:
    """The last runs as rows of RUN, oldest first."""
    found = connection.execute(f"SELECT * FROM ({QUERIES['run']}) ORDER BY run DESC LIMIT {most}").fetchall()
    return [dict(zip(RUN.names, row, strict=True)) for row in reversed(found)]


def _moved(state: State, side: str) -> Moved:
    people, past, run = f"state.{side}.person", f"state.{side}_past.person", state.run
    [(now, came, ended, both, before)] = state.connection.execute(f"""
        WITH came AS (SELECT id FROM {people} WHERE from_run = {run}),
            ended AS (SELECT DISTINCT id FROM {past} WHERE to_run = {run} AND from_run < {run})
        SELECT (SELECT count(*) FROM {people}), (SELECT count(*) FROM came), (SELECT count(*) FROM ended),
            (SELECT count(*) FROM came SEMI JOIN ended USING (id)),
            (SELECT CAST(counts->>'{SIDES[side]}_records' AS BIGINT) FROM state.run WHERE run < {run}
                ORDER BY run DESC LIMIT 1)""").fetchall()
    # Of whoever was erased nothing stands in the past.
    [(erased,)] = state.connection.execute(
        f"SELECT coalesce(max(CAST(counts->'erased'->>'{side}' AS BIGINT)), 0) FROM state.run WHERE run = {run}"
    ).fetchall()
    return Moved(before or 0, came - both, both, ended - both, now, erased)


def _counted(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, int]:
    """In the order of what is counted: the page and the manifest repeat theirs."""
    return dict(connection.execute(f"{query} ORDER BY 1").fetchall())
