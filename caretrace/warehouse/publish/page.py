"""The page of the night: from the accounts to what `caretrace.report.night` shows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from caretrace.cld.history import quarters, read
from caretrace.project import Project
from caretrace.report import night as report
from caretrace.version import __version__
from caretrace.warehouse.publish import accounts
from caretrace.warehouse.publish.figures import figures
from schemas.errors import InputError
from schemas.warehouse import DELIVERY, VERSION

if TYPE_CHECKING:
    import duckdb

    from caretrace.report.submissions import Quarters
    from caretrace.warehouse.publish.accounts import Accounts
    from caretrace.warehouse.publish.night import Night

NIGHTS = 30
"""Shown in the chart."""
_NO_TABLES = (
    "This night wrote no linked tables: those of run {} stand, and warehouse.duckdb shows them."
    " `caretrace warehouse tables` writes tonight's."
)


def write(
    path: Path,
    connection: duckdb.DuckDBPyConnection,
    night: Night,
    account: Accounts,
    rows: Mapping[str, int],
    *,
    full: bool,
    tables_in: int | None,
    project: Path,
) -> None:
    """Write the page; `rows` are the rows of each CSV file by its name, `project` the project's folder."""
    submissions, unread = _submissions(project)
    told = report.Told(
        run=account.run,
        kind=night.kind,
        as_at=night.settings.as_at,
        created_at=night.created_at,
        version=__version__,
        published=VERSION,
        run_id=night.run_id,
        model_id=night.model.model_id,
        deliveries=_deliveries(connection, f"run = {account.run}"),
        held=_deliveries(connection, "outcome = 'held' AND newest"),
        figures=figures(account),
        files=rows,
        faults=account.faults,
        notes=(*night.notes, *([_NO_TABLES.format(tables_in)] if tables_in is not None else []), *unread),
        nights=accounts.history(connection, NIGHTS),
        seconds=dict(night.timings),
        full_report=full,
        submissions=submissions,
    )
    path.write_text(report.render(told), encoding="utf-8", newline="\n")


def _submissions(project: Path) -> tuple[Quarters, list[str]]:
    """What the project knows of its submissions; a history that cannot be read is said, and no reason to stop."""
    try:
        return quarters(read(Project(project))), []
    except InputError as error:
        return (), [f"the history of submissions is not shown: {error}"]


def _deliveries(connection: duckdb.DuckDBPyConnection, condition: str) -> list[dict[str, object]]:
    """Deliveries as rows of DELIVERY; a later judgement of the same delivery takes the place of the earlier."""
    found = connection.execute(f"""SELECT {", ".join(DELIVERY.names)} FROM (
            SELECT *, delivery = max(delivery) OVER (PARTITION BY feed, name) AS newest
            FROM ({accounts.QUERIES["delivery"]})) WHERE {condition} ORDER BY delivery""").fetchall()
    return [dict(zip(DELIVERY.names, row, strict=True)) for row in found]
