"""The page of the night: from the accounts to what `caretrace.report.night` shows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from caretrace.report import night as report
from caretrace.version import __version__
from caretrace.warehouse.publish import accounts
from caretrace.warehouse.publish.figures import figures
from schemas.warehouse import DELIVERY, VERSION

if TYPE_CHECKING:
    import duckdb

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
) -> None:
    """Write the page; `rows` are the rows of each CSV file by its name."""
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
        notes=(*night.notes, *([_NO_TABLES.format(tables_in)] if tables_in is not None else [])),
        nights=accounts.history(connection, NIGHTS),
        seconds=dict(night.timings),
        full_report=full,
    )
    path.write_text(report.render(told), encoding="utf-8", newline="\n")


def _deliveries(connection: duckdb.DuckDBPyConnection, condition: str) -> list[dict[str, object]]:
    """Deliveries as rows of DELIVERY; a later judgement of the same delivery takes the place of the earlier."""
    found = connection.execute(f"""SELECT {", ".join(DELIVERY.names)} FROM (
            SELECT *, delivery = max(delivery) OVER (PARTITION BY feed, name) AS newest
            FROM ({accounts.QUERIES["delivery"]})) WHERE {condition} ORDER BY delivery""").fetchall()
    return [dict(zip(DELIVERY.names, row, strict=True)) for row in found]
