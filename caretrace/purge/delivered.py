"""Deliveries in inboxes that nobody needs any more, as the state of the warehouse tells of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace.project import Project
from caretrace.purge.old import Found, Item, is_over
from caretrace.purge.settings import Retention

if TYPE_CHECKING:
    import duckdb

    from caretrace.project.settings import Settings

_READ = ("applied", "repeated", "late")
"""What became of a delivery that is over and done with; one that is held or was undone may be wanted again."""


def find(
    connection: duckdb.DuckDBPyConnection, project: Project, settings: Settings, retention: Retention, *, now: datetime
) -> Found:
    """Deliveries older than they must be kept; `connection` has the state attached as `state`.

    Kept are those since the last full delivery but one of their source: feeds that come as changes are read together
    with the full one before them, and the last may yet be undone.
    """
    rows = connection.execute(
        "WITH last_but_one AS (SELECT feed, side, max(delivery, 2)[2] AS second FROM state.delivery"
        " WHERE mode = 'full' AND outcome = 'applied' AND undone_by IS NULL GROUP BY ALL)"
        " SELECT d.delivery, d.feed, d.outcome, d.files, r.started, d.delivery >= coalesce(second, 0)"
        " FROM state.delivery d JOIN state.run r USING (run) LEFT JOIN last_but_one USING (feed, side)"
        " WHERE d.undone_by IS NULL ORDER BY d.delivery"
    ).fetchall()
    inboxes = {source.name: settings.inbox(project, source) for source in settings.source}
    old: list[Item] = []
    kept: list[Item] = []
    for number, feed, outcome, files, started, recent in rows:
        at = started.replace(tzinfo=UTC)
        if feed not in inboxes or not is_over(at, retention.deliveries, now):
            continue
        known = _standing(inboxes[feed], json.loads(files or "[]"))
        if not known:
            continue
        stays = "" if outcome in _READ else f"it is {outcome}"
        stays = stays or ("a full delivery after it is not there twice yet" if recent else "")
        why = stays or f"read {at:%Y-%m-%d}, kept {retention.deliveries} days"
        item = Item("delivery", f"{feed} {number}", tuple(known), why, known, inboxes[feed].resolve())
        (kept if stays else old).append(item)
    return Found(tuple(old), tuple(kept))


def _standing(inbox: Path, files: list[Mapping[str, Any]]) -> dict[Path, str]:
    """The files of a delivery that still lie in its inbox, with what they must be."""
    root = inbox.resolve()
    places = {(inbox / str(file["name"])).resolve(): str(file.get("sha256") or "") for file in files if "name" in file}
    return {path: digest for path, digest in places.items() if path.is_relative_to(root) and path.is_file() and digest}


def old_set_asides(connection: duckdb.DuckDBPyConnection, retention: Retention, *, now: datetime) -> int:
    """How many notes of records set aside, of deliveries since replaced, are older than they must be kept."""
    if retention.set_aside == "never":
        return 0
    [(count,)] = connection.execute(f"SELECT count(*) {_OLD_NOTES}", [_before(retention.set_aside, now)]).fetchall()
    return int(count)


def remove_set_asides(connection: duckdb.DuckDBPyConnection, retention: Retention, *, now: datetime) -> None:
    """Remove those notes from the state on its way."""
    if retention.set_aside != "never":
        connection.execute(f"DELETE {_OLD_NOTES}", [_before(retention.set_aside, now)])


_OLD_NOTES = "FROM state.set_aside_past WHERE to_run IN (SELECT run FROM state.run WHERE started < ?)"


def _before(days: int, now: datetime) -> datetime:
    return (now.astimezone(UTC) - timedelta(days=days)).replace(tzinfo=None)
