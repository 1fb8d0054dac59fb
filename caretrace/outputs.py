"""What a run hands to people and to the client system: links and candidates, and CSV files a spreadsheet opens safely.

In: the working store with `link` and `candidate`. Out: links.parquet, candidates.parquet, load_back.csv,
conflicts.csv, review.csv, set_aside.csv and quality.csv. A client stands in load_back.csv or in conflicts.csv, never in
both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from caretrace.linked import SIDES
from caretrace.parquet import write_parquet
from connectors.writers.for_people import FORMULA_STARTS, neutralised, write_csv
from schemas import CANDIDATE, DATA_QUALITY, LINK, SET_ASIDE

if TYPE_CHECKING:
    import duckdb

__all__ = [
    "CONFLICTS",
    "FORMULA_STARTS",
    "REVIEW",
    "OutputSettings",
    "both_sides",
    "load_back_sql",
    "neutralised",
    "prepare_claims",
    "write_csv",
    "write_outputs",
]

Handling = Literal["mark", "leave-out"]


@dataclass(frozen=True)
class OutputSettings:
    """What load_back.csv holds. All three are choices of this project, not rules of a published source [assumed]."""

    dead: Handling = "mark"
    restricted: Handling = "mark"
    trace_required: Literal["probabilistic", "always", "never"] = "probabilistic"
    """Which links carry status 03 (trace required) instead of 02 (present, not traced). By default those that no exact
    pass found. Never 01: a link is no trace. `caretrace.trace.load_back` gives 01 to what was traced."""

    def to_json(self) -> dict[str, Any]:
        """Plain values for the manifest."""
        return asdict(self)


def write_outputs(connection: duckdb.DuckDBPyConnection, folder: Path, settings: OutputSettings) -> dict[str, int]:
    """Write both Parquet files and the five CSV files into `folder`; gives the rows of each CSV by its name."""
    prepare_claims(connection)
    for table, relation, name in ((LINK, "link", "links"), (CANDIDATE, "candidate", "candidates")):
        columns = ", ".join(f'CAST("{each.name}" AS {each.type.value}) AS "{each.name}"' for each in table.columns)
        query = f"SELECT {columns} FROM {relation} ORDER BY {_names(table.key)}"
        write_parquet(connection, query, folder / f"{name}.parquet")
    queries = (
        ("load_back", f"{load_back_sql(settings)} ORDER BY source, source_org, record_id"),
        ("conflicts", CONFLICTS),
        ("review", REVIEW),
        ("set_aside", both_sides(SET_ASIDE.name, SET_ASIDE.names)),
        ("quality", both_sides(DATA_QUALITY.name, DATA_QUALITY.names)),
    )
    return {name: write_csv(connection, query, folder / f"{name}.csv") for name, query in queries}


def _names(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def both_sides(table: str, names: Sequence[str]) -> str:
    """One of the account tables with the side before its columns, ordered completely."""
    union = " UNION ALL ".join(
        f"SELECT '{side}' AS side, {_names(names)} FROM {schema}.{table.lower()}" for schema, side in SIDES.items()
    )
    return f"SELECT * FROM ({union}) ORDER BY ALL"


def prepare_claims(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table `claim`: every linked client with the number found, its own, and what the register says of it."""
    # Of the register's rows only the few with such a mark are looked up, and of numbers only those claimed twice.
    connection.execute("""CREATE OR REPLACE TABLE claim AS
        WITH linked AS (
            SELECT source, source_org, record_id, nhs_number, method, probability,
                coalesce(levels['given name'] = 'different', false) AS other_given_name
            FROM link WHERE decision = 'link' AND nhs_number IS NOT NULL),
        marked AS (
            SELECT nhs_number, bool_or(death_date IS NOT NULL) AS dead, bool_or(restricted) AS restricted
            FROM register.person WHERE (death_date IS NOT NULL OR restricted)
                AND nhs_number IN (SELECT nhs_number FROM linked) GROUP BY nhs_number),
        shared AS (SELECT nhs_number, count(*) AS claimants FROM linked GROUP BY nhs_number HAVING count(*) > 1)
        SELECT l.source, l.source_org, l.record_id, l.nhs_number, l.method, l.probability,
            p.nhs_number AS own_nhs_number,
            p.death_date IS NOT NULL OR coalesce(r.dead, false) AS dead,
            coalesce(p.restricted, false) OR coalesce(r.restricted, false) AS restricted,
            l.other_given_name, coalesce(s.claimants, 1) AS claimants
        FROM linked l JOIN clients.person p USING (source, source_org, record_id)
        LEFT JOIN marked r ON r.nhs_number = l.nhs_number LEFT JOIN shared s ON s.nhs_number = l.nhs_number""")


def load_back_sql(settings: OutputSettings) -> str:
    """Numbers to load, in no order: linked, not held yet, and nothing that makes the link one of CONFLICTS."""
    probable = {"probabilistic": "method = 'probabilistic'", "always": "true", "never": "false"}
    left_out = "".join(f" AND NOT {each}" for each in ("dead", "restricted") if getattr(settings, each) == "leave-out")
    return f"""SELECT source, source_org, record_id AS client_id, nhs_number,
            CASE WHEN method = 'trace' THEN '01' WHEN {probable[settings.trace_required]} THEN '03' ELSE '02' END
                AS nhs_number_status,
            CASE WHEN dead THEN 'yes' ELSE '' END AS deceased,
            CASE WHEN restricted THEN 'yes' ELSE '' END AS restricted
        FROM claim WHERE own_nhs_number IS NULL AND claimants = 1 AND NOT other_given_name{left_out}"""


CONFLICTS = """SELECT source, source_org, record_id AS client_id, own_nhs_number AS client_nhs_number,
        nhs_number AS linked_nhs_number, method, probability, concat_ws('; ',
            CASE WHEN own_nhs_number <> nhs_number THEN 'the client''s own number differs from the linked one' END,
            CASE WHEN claimants > 1 THEN 'several clients are linked to this number: likely duplicates' END,
            CASE WHEN other_given_name AND own_nhs_number = nhs_number THEN 'the numbers agree, but the given name is a'
                || ' different one: are they twins whose numbers were exchanged?'
            WHEN other_given_name THEN 'the given name is a different one: is it a sister or brother?' END) AS reason
    FROM claim WHERE own_nhs_number <> nhs_number OR claimants > 1 OR other_given_name
    ORDER BY source, source_org, record_id"""

REVIEW = """SELECT source, source_org, record_id AS client_id, candidate_nhs_number, probability, method,
        runner_up_nhs_number, runner_up_probability, register_source, register_record_id,
        array_to_string(list_transform(map_entries(levels), lambda e: e.key || ': ' || e.value), '; ') AS levels, reason
    FROM link WHERE decision = 'review' ORDER BY source, source_org, record_id"""
