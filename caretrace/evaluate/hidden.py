"""What the rest of the evidence is worth: clients who hold an NHS number, linked again as if they held none.

Every council can do this with its own live data, without clerks and without truth. Public Health England evaluated its
matching in the same way (Aldridge and others 2015, doi 10.1371/journal.pone.0136179): the number is the standard that
names and dates are held against.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace import working_store
from caretrace.evaluate.store import as_at, linked_sql, links_sql
from caretrace.linked import SIDES
from caretrace.run_folder import Run
from caretrace.run_settings import RunSettings
from linkage.evaluate import Share, f_measure
from linkage.model_file import from_facts
from schemas import PERSON, SOURCE_TABLES
from schemas.progress import SILENT, Progress

if TYPE_CHECKING:
    import duckdb

LEAST = 100
"""Clients with a number below which nothing is said: an interval of fewer helps nobody [assumed]."""
_NEEDED = ("person", "address", "name")
"""Tables that linking reads."""


def relink(run: Run, *, progress: Progress = SILENT) -> dict[str, Any]:
    """Precision and recall on clients whose own NHS number the run confirmed, with all clients' numbers hidden.

    The run's own model and bands are used. A client counts who was linked to the register person of the number it held:
    one who carries somebody else's number would make a right link look wrong. What this cannot see are links of clients
    who are not in the register at all, and that clients without a number may have poorer records.
    """
    import linkage

    model = from_facts(run.manifest["model"])
    settings = RunSettings(as_at=as_at(run), seed=int(run.manifest["seed"]))
    with (
        tempfile.TemporaryDirectory(prefix="caretrace-") as folder,
        working_store.opened(Path(folder), settings) as connection,
    ):
        _fill(connection, run)
        linkage.link(connection, seed=settings.seed, run_id="hidden", model=model, progress=progress)
        ((clients, links, right, review),) = connection.execute("""
            SELECT count(*), count(*) FILTER (l.decision = 'link'), count(*) FILTER (l.nhs_number = k.nhs_number),
                   count(*) FILTER (l.decision = 'review')
            FROM link l JOIN known k USING (source, source_org, record_id)""").fetchall()
    if clients < LEAST:
        return {"clients": clients, "too_few": LEAST}
    return {
        "clients": clients,
        "links": links,
        "right": right,
        "review": review,
        "precision": Share(right, links).to_json(),
        "recall": Share(right, clients).to_json(),
        "f1": f_measure(right, links, clients).to_json(),
    }


def _fill(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Both sides' tables from the run folder, the clients' numbers set aside in table `known`."""
    for schema, side in SIDES.items():
        connection.execute(f"CREATE SCHEMA {schema}")
        for table in SOURCE_TABLES:
            connection.execute(table.ddl(f"{schema}.{table.name.lower()}"))
        for name in _NEEDED:
            connection.execute(f"INSERT INTO {schema}.{name} BY NAME {linked_sql(run, name, side)}")
    connection.execute(f"""
        CREATE TABLE known AS SELECT p.source, p.source_org, p.record_id, p.nhs_number FROM clients.person p
        JOIN {links_sql(run)} l USING (source, source_org, record_id)
        WHERE l.decision = 'link' AND l.nhs_number = p.nhs_number""")
    hidden = [name for name in PERSON.names if name.startswith("nhs_number")]
    connection.execute(f"UPDATE clients.person SET {', '.join(f'{name} = NULL' for name in hidden)}")
