"""What else of a project holds somebody: run folders, which can go, and what stays and must be seen to otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace import run_folder
from caretrace.project import Project
from caretrace.purge.old import Entries, Item, json_of, moment_of, needed
from caretrace.purge.settings import Retention
from caretrace.trace.opening import parquet
from caretrace.warehouse import tables
from governance.audit import upkeep, writings
from governance.request import history

if TYPE_CHECKING:
    import duckdb

    from caretrace.project.settings import Settings


def runs(
    connection: duckdb.DuckDBPyConnection, project: Project, retention: Retention, entries: Entries, *, now: datetime
) -> tuple[list[Item], list[Item]]:
    """Run folders that hold one of `erasing`: those that can go, and those that must stay, each with why."""
    stays = connection.execute("SELECT from_run, to_run FROM erasing").fetchall()
    why = needed(project, retention, entries, now)
    go: list[Item] = []
    stay: list[Item] = []
    for path in sorted(project.runs.glob("*/" + run_folder.MANIFEST)):
        facts = json_of(path)
        about = facts.get("warehouse")
        number = about.get("run") if isinstance(about, dict) else None
        # What is said of somebody in a run, past and links too, is said while she is there or in the run she left with.
        held = (
            any(first <= number and (last is None or number <= last) for first, last in stays)
            if isinstance(number, int)
            else _names(connection, path.parent)
        )
        if held:
            run_id = str(facts.get("run_id"))
            reason = why(run_id)
            (stay if reason else go).append(Item("run", run_id, (path.parent,), reason))
    return go, stay


def _names(connection: duckdb.DuckDBPyConnection, folder: Path) -> bool:
    """Whether the folder of a single run names one of them; one that cannot be read is taken to."""
    import duckdb

    same = " AND ".join(f"e.{name} = t.{name}" for name in tables.KEY)
    for path in (folder / "linked" / "person.parquet", folder / "links.parquet"):
        try:
            found = connection.execute(f"FROM {parquet(path)} t JOIN erasing e ON {same} LIMIT 1").fetchall()
        except duckdb.Error:
            return True
        if found:
            return True
    return False


def others(
    connection: duckdb.DuckDBPyConnection, project: Project, settings: Settings, entries: Entries, first: int
) -> Iterator[str]:
    """What stays and may hold one of `erasing`, who came with run `first`: a sentence each, which names nobody."""
    [(began,)] = connection.execute("SELECT min(started) FROM state.run WHERE run >= ?", [first]).fetchall()
    since = began.replace(tzinfo=UTC) if began else datetime.min.replace(tzinfo=UTC)
    ids = {run_id for (run_id,) in connection.execute(_RUN_IDS, [first]).fetchall()}
    yield from _releases(entries, ids)
    yield from _written(project, entries, ids)
    yield from _deliveries(connection, project, settings)
    if names := [str(e["body"]["file"]) for e in entries if e["type"] == upkeep.BACKUP and _at(e) >= since]:
        yield f"{len(names)} backups made since hold her until they are destroyed: {', '.join(names)}"
    if count := _decisions(connection, project):
        yield f"decisions.jsonl holds {count} decisions about her; its lines are chained and stay, for its owner only"


_RUN_IDS = "SELECT counts->>'run_id' FROM state.run WHERE run >= ? AND counts->>'run_id' IS NOT NULL"


def _at(entry: Any) -> datetime:
    return moment_of(entry["at"]) or datetime.max.replace(tzinfo=UTC)


def _releases(entries: Entries, run_ids: set[str]) -> Iterator[str]:
    of_run = {e["body"]["release_id"]: e["body"]["run_id"] for e in entries if e["type"] == "RELEASE_INTENT"}
    names = [
        past.release_id
        for past in history(entries).releases
        if past.state != "aborted" and not past.destroyed and of_run.get(past.release_id) in run_ids
    ]
    if names:
        yield (
            f"releases that may hold her, with their recipients: {', '.join(names)}; `caretrace officer recall` tells"
            " which, while her record is still here"
        )


def _written(project: Project, entries: Entries, run_ids: set[str]) -> Iterator[str]:
    files = {e["body"]["writing_id"]: e["body"]["files"] for e in entries if e["type"] == writings.WRITTEN}
    made = [e["body"] for e in entries if e["type"] == writings.INTENT and e["body"].get("run_id") in run_ids]
    names = [
        body["writing_id"]
        for body in made
        if not str(body["kind"]).startswith("trace")
        and any((project.root / name).is_file() for name in files.get(body["writing_id"], ()))
    ]
    if names:
        yield f"files written for other systems may hold her (`caretrace audit writings`): {', '.join(names)}"


def _deliveries(connection: duckdb.DuckDBPyConnection, project: Project, settings: Settings) -> Iterator[str]:
    """Deliveries of her sources that still lie in their inboxes; `caretrace purge` removes what is not needed."""
    rows: Sequence[tuple[str, str]] = connection.execute(
        "SELECT DISTINCT d.feed, d.name FROM state.delivery d JOIN erasing e ON e.feed = d.feed AND d.run >= e.from_run"
        " WHERE d.outcome <> 'held' ORDER BY ALL"
    ).fetchall()
    inboxes = {source.name: settings.inbox(project, source) for source in settings.source}
    names = [f"{feed}/{name}" for feed, name in rows if feed in inboxes and (inboxes[feed] / name).exists()]
    if names:
        yield f"deliveries in inboxes may hold her, and bring her back where they are read again: {', '.join(names)}"


def _decisions(connection: duckdb.DuckDBPyConnection, project: Project) -> int:
    from caretrace.review import ledger

    keys = set(connection.execute(f"SELECT {', '.join(tables.KEY)} FROM erasing").fetchall())
    found = ledger.read(project.decisions).decisions
    return sum(tuple(each.made.client) in keys or tuple(each.made.register) in keys for each in found)
