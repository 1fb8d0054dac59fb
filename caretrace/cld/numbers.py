"""Which NHS number a run gives each client of a submission, and which it does not, by reason.

A submission has no column for the status of a number: whoever receives it takes every number for the council's own. So
only numbers that the run would load back without a conflict are filled in, and of those no more than `Numbers` allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from caretrace.exports import traced
from connectors.values import quoted
from governance import at_rest
from schemas.errors import InputError, SettingsError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


class Numbers(Enum):
    """How sure a number must be to be filled in."""

    TRACED = "traced"
    """Confirmed by the tracing service (`caretrace trace read`), or of status 01 in the client list."""
    EXACT = "exact"
    """Also numbers the client list holds, links by an exact pass, and links that people decided."""
    ALL = "all"
    """Also probabilistic links."""


SURE: Mapping[Numbers, tuple[str, ...]] = {
    Numbers.TRACED: ("traced",),
    Numbers.EXACT: ("traced", "held", "decided", "exact"),
    Numbers.ALL: ("traced", "held", "decided", "exact", "probable"),
}
WORDS = {
    "traced": "traced (status 01)",
    "held": "held in the client list",
    "decided": "linked, decided by people",
    "exact": "linked by an exact pass",
    "probable": "linked by probability",
    "differs": "the submission's own number differs from the run's",
    "conflict": "the client list's own number differs from the linked one",
    "several": "several clients are linked to one number",
    "restricted": "a restricted record",
    "doubted": "the tracing service's answer speaks against it",
    "unlinked": "not linked, or waiting for review",
    "unknown": "not a client of the run",
    "unsure": "linked, but less surely than was asked for",
}


def load(
    connection: duckdb.DuckDBPyConnection, run: Path, *, source: str | None, answers: pa.Table | None = None
) -> None:
    """Make the temporary table `found_number`: id (the client's id), number, how.

    `how` is a key of WORDS. `source` names one client list (SOURCE or SOURCE/ORGANISATION) where the run has several;
    ids of two systems must not be mixed up. `answers` are those of `caretrace.trace.results.of_run`. Raises
    SettingsError where `source` is needed or names none.
    """
    traced.make(connection, answers)
    person = _parquet(run / "linked" / "person.parquet")
    link = _parquet(run / "links.parquet")
    where = chosen(connection, run, source)
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE found_number AS
        WITH linked AS (
            SELECT *, count(*) OVER (PARTITION BY nhs_number) AS claimants FROM {link}
            WHERE decision = 'link' AND nhs_number IS NOT NULL
        ), sealed AS (
            SELECT DISTINCT nhs_number FROM {person} WHERE side = 'register' AND restricted AND nhs_number IS NOT NULL
        )
        SELECT p.record_id AS id, coalesce(p.nhs_number, t.nhs_number, l.nhs_number) AS number, CASE
            WHEN coalesce(p.restricted, false) OR s.nhs_number IS NOT NULL THEN 'restricted'
            WHEN p.nhs_number <> t.nhs_number THEN 'conflict'
            WHEN t.nhs_number IS NOT NULL THEN 'traced'
            WHEN t.verdict IS NOT NULL THEN 'doubted'
            WHEN p.nhs_number <> l.nhs_number THEN 'conflict'
            WHEN l.claimants > 1 THEN 'several'
            WHEN p.nhs_number IS NOT NULL AND p.nhs_number_status = '01' THEN 'traced'
            WHEN p.nhs_number IS NOT NULL THEN 'held'
            WHEN l.nhs_number IS NULL THEN 'unlinked'
            WHEN l.decided_by IS NOT NULL THEN 'decided'
            WHEN l.method = 'probabilistic' THEN 'probable'
            ELSE 'exact' END AS how
        FROM {person} p LEFT JOIN linked l USING (source, source_org, record_id)
        LEFT JOIN (SELECT * REPLACE (CASE WHEN {traced.TRACED} THEN nhs_number END AS nhs_number) FROM trace_result) t
            USING (source, source_org, record_id)
        LEFT JOIN sealed s ON s.nhs_number = coalesce(p.nhs_number, t.nhs_number, l.nhs_number)
        WHERE p.side = 'client' AND {where}""")


def chosen(connection: duckdb.DuckDBPyConnection, run: Path, source: str | None) -> str:
    """SQL over a person row `p` of the one client list that `source` names, or that the run has."""
    person = _parquet(run / "linked" / "person.parquet")
    lists = connection.execute(
        f"SELECT DISTINCT source, source_org FROM {person} WHERE side = 'client' ORDER BY ALL"
    ).fetchall()
    wanted = [(name, org) for name, org in lists if source is None or source in (name, f"{name}/{org}")]
    names = ", ".join(f"{name}/{org}" for name, org in lists)
    if not wanted:
        raise SettingsError(f"the run has no client list {source!r}; it has {names}")
    if len(wanted) > 1:
        raise SettingsError(f"the run has several client lists, and their ids may collide: name one of {names}")
    [(name, org)] = wanted
    return f"p.source = {quoted(name)} AND p.source_org = {quoted(org)}"


def fill(connection: duckdb.DuckDBPyConnection, rows: str, numbers: Numbers) -> None:
    """Fill the empty numbers of the table `rows` from `found_number`, and make `outcome`: id, ethnicity, before, how.

    `outcome` has one row a person; `how` is a key of WORDS, and null where nothing was looked for: a row of the person
    holds a number, and the run says no other. Then the person's other rows get it too, if it is sure enough. Raises
    InputError where no id of the rows is a client of the run.
    """
    known = connection.execute(
        f"SELECT count(*) FROM (SELECT la_person_unique_identifier AS id FROM {rows}) SEMI JOIN found_number USING (id)"
    ).fetchall()
    if known == [(0,)]:
        raise InputError(
            "none of the submission's ids is a client of the run; is it another client list, or a run of other people?"
        )
    sure = ", ".join(map(quoted, SURE[numbers]))
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE outcome AS
        SELECT id, ethnicity, own IS NOT NULL AS before, number,
            coalesce(how IN ({sure}) AND coalesce(number = own, true) AND held < 2, false) AS is_sure, CASE
            WHEN own IS NOT NULL AND (how IS NULL OR how IN ('restricted', 'unlinked', 'doubted') OR number = own)
                THEN NULL
            WHEN own IS NOT NULL THEN 'differs'
            WHEN how IS NULL THEN 'unknown'
            WHEN how IN ('traced', 'held', 'decided', 'exact', 'probable') AND how NOT IN ({sure}) THEN 'unsure'
            ELSE how END AS how
        FROM (
            SELECT la_person_unique_identifier AS id, max(nhs_number(nhs_number)) AS own,
                count(DISTINCT nhs_number(nhs_number)) AS held,
                arg_max(ethnicity, (file, record)) AS ethnicity
            FROM {rows} WHERE la_person_unique_identifier IS NOT NULL GROUP BY ALL
        ) LEFT JOIN found_number USING (id)""")
    connection.execute(f"""UPDATE {rows} SET nhs_number = o.number FROM outcome o
        WHERE o.id = la_person_unique_identifier AND o.is_sure AND nhs_number(nhs_number) IS NULL""")


def _parquet(path: Path) -> str:
    return f"read_parquet({quoted(str(at_rest.readable(path)))})"
