"""Records that were kept out, let in again: the next delivery that holds them brings them back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from caretrace.erasing.erasing import How, check_reference, keys_to_log_with
from caretrace.project import Project, locked
from caretrace.run_settings import RunSettings
from caretrace.warehouse import kept_out, tables
from caretrace.warehouse.store import next_state
from governance.audit import log, upkeep
from governance.keys.store import read_root
from schemas.errors import InputError

_PARTS = len(tables.KEY)


def let_in(
    project: Project, names: Sequence[str], side: str, how: How, keys_dir: Path, *, maker: str, now: datetime
) -> int:
    """Take records, each as source/organisation/id, off the list of those kept out, and log it; gives how many.

    InputError where one of them is not on the list; nothing is changed then.
    """
    found = [tuple(name.split("/", _PARTS - 1)) for name in names]
    if wrong := [place for place, each in enumerate(found, 1) if len(each) != _PARTS]:
        raise InputError(f"the record given as number {wrong[0]} is not named as source/organisation/id")
    secrets = keys_to_log_with(keys_dir, project)
    settings = RunSettings(as_at=now.date())
    with (
        log.opened(project.audit, secrets, now=now) as held,
        locked(project),
        next_state(project.warehouse, settings) as state,
    ):
        connection = state.connection
        connection.execute(
            "CREATE TEMP TABLE erasing (place BIGINT, side VARCHAR, source VARCHAR, source_org VARCHAR,"
            " record_id VARCHAR); CREATE TEMP TABLE erasing_number (nhs_number VARCHAR)"
        )
        rows = [(place, side, *each) for place, each in enumerate(found, 1)]
        connection.executemany("INSERT INTO erasing VALUES (?, ?, ?, ?, ?)", rows)
        check_reference(connection, how.reference)
        on_list = kept_out.find(connection, lambda version: read_root(keys_dir, version))
        if missing := sorted(set(range(1, len(rows) + 1)) - set(on_list)):
            raise InputError(f"the record given as number {missing[0]} is not kept out")
        body = {
            "id": f"E{len(held.entries):06d}",
            "counts": {"records let in again": len(rows)},
            "kept_out": False,
            "paths": [],
            "reference": how.reference,
            "maker": maker,
        }
        held.append([(upkeep.ERASING, body)], now=now)
        connection.execute("DELETE FROM state.kept_out WHERE hash IN (SELECT unnest(?))", [list(on_list.values())])
        state.commit()
        held.append([(upkeep.ERASED, {"id": body["id"]})], now=now)
    return len(rows)
