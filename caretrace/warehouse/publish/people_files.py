"""The CSV files of a run: numbers to load and to take back, conflicts, what to review, what was not used.

What was given before is not given again: load_back.csv holds the numbers that are new tonight, `caretrace load-back`
all of them. Conflicts and reviews are whole lists, for they stand until somebody settles them; records set aside and
values not used are those of tonight's deliveries, and stand whole in the Parquet tables.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from caretrace.linked import SIDES
from caretrace.outputs import CONFLICTS, REVIEW, write_csv
from caretrace.warehouse import tables
from caretrace.warehouse.publish.made_from import made_from
from schemas import DATA_QUALITY, SET_ASIDE

if TYPE_CHECKING:
    from caretrace.warehouse.store import State

RETRACTIONS = """WITH left_with AS (
        SELECT source, source_org, client_id, nhs_number, string_agg(DISTINCT its_id, ' ' ORDER BY its_id) AS was_in
        FROM stood JOIN made USING (run_id) GROUP BY ALL)
    SELECT source, source_org, client_id, nhs_number AS nhs_number_to_remove, reason,
        coalesce(was_in, '') AS was_in
    FROM newly_retracted LEFT JOIN left_with USING (source, source_org, client_id, nhs_number) ORDER BY ALL"""
"""`was_in`: releases and files for others that were made from a run in which the client had this number. Whether the
client was in them too, `caretrace officer` tells, which has the keys."""


def write(state: State, folder: Path) -> dict[str, int]:
    """Write the CSV files into the draft; gives the rows of each by its name.

    Needs what `warehouse.retracting.open_handed_over` makes.
    """
    connection = state.connection
    _prepare_retractions(state)
    queries = {
        "load_back": "FROM newly_loaded_back ORDER BY source, source_org, client_id",
        "retractions": RETRACTIONS,
        "conflicts": CONFLICTS,
        "review": REVIEW,
        "set_aside": _tonight(
            SET_ASIDE.names, "state.set_aside t JOIN state.delivery d USING (delivery)", "d.side", "d.run", state.run
        ),
        "quality": _both(DATA_QUALITY.names, tables.name(DATA_QUALITY), state.run),
    }
    return {name: write_csv(connection, query, folder / f"{name}.csv") for name, query in queries.items()}


def _prepare_retractions(state: State) -> None:
    """Make `made` (run_id, its_id), and `stood`: in which runs each number that is taken back was given."""
    connection = state.connection
    connection.execute("CREATE OR REPLACE TEMP TABLE made (run_id VARCHAR, its_id VARCHAR)")
    connection.execute("""CREATE OR REPLACE TEMP TABLE stood AS
        SELECT DISTINCT r.*, n.counts->>'run_id' AS run_id
        FROM (SELECT source, source_org, client_id, nhs_number FROM newly_retracted) r
        JOIN state.link_past l ON l.source = r.source AND l.source_org = r.source_org AND l.record_id = r.client_id
            AND l.nhs_number = r.nhs_number
        JOIN state.run n ON n.run >= l.from_run AND n.run < l.to_run""")
    [(any_stood,)] = connection.execute("SELECT count(*) FROM stood").fetchall()
    if any_stood:
        rows = [(run_id, its_id) for run_id, ids in made_from(_audit(state)).items() for its_id in ids]
        if rows:
            connection.executemany("INSERT INTO made VALUES (?, ?)", rows)


def _audit(state: State) -> Path:
    return state.folder.parent / "audit"


def _both(names: tuple[str, ...], table: str, run: int) -> str:
    columns = ", ".join(f't."{name}"' for name in names)
    union = " UNION ALL ".join(
        f"SELECT '{word}' AS side, {columns} FROM state.{side}.{table} t WHERE t.from_run = {run}"
        for side, word in SIDES.items()
    )
    return f"SELECT * FROM ({union}) ORDER BY ALL"


def _tonight(names: tuple[str, ...], source: str, side: str, run: str, number: int) -> str:
    columns = ", ".join(f't."{name}"' for name in names)
    words = " ".join(f"WHEN '{name}' THEN '{word}'" for name, word in SIDES.items())
    return f"SELECT CASE {side} {words} END AS side, {columns} FROM {source} WHERE {run} = {number} ORDER BY ALL"
