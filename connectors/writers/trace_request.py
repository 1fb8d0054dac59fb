"""Trace requests for PDS MESH and for its predecessor MPT (PDS MESH data dictionary; Person_ID Handbook, table 9).

Both have the same 23 columns. PDS MESH has the column titles in its first row; MPT has a header row of four fields, no
titles and no trailer. A PDS MESH form of 24 columns, with GP_REGISTRATION_DATE, is known from one client: a switch.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.writers import lines
from connectors.writers.plain import Written, prepare
from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb

REQUEST_COLUMNS = (
    *("reference", "nhs_number", "family_name", "given_name", "other_given_name", "previous_family_name", "gender"),
    *("birth_date", "death_date", "postcode", "gp_practice_code"),
)
"""What a query of trace requests gives, in any order; null where it is not asked with. Dates are DATE, else text."""

TITLES = (
    *("UNIQUE REFERENCE", "NHS_NO", "FAMILY_NAME", "GIVEN_NAME", "OTHER_GIVEN_NAME", "GENDER", "DATE_OF_BIRTH"),
    *("POSTCODE", "DATE_OF_DEATH", "ADDRESS_LINE1", "ADDRESS_LINE2", "ADDRESS_LINE3", "ADDRESS_LINE4"),
    *("ADDRESS_LINE5", "ADDRESS_DATE", "GP_PRACTICE_CODE", "NHAIS_POSTING_ID", "AS_AT_DATE", "LOCAL_PATIENT_ID"),
    *("INTERNAL_ID", "TELEPHONE_NUMBER", "MOBILE_NUMBER", "EMAIL_ADDRESS"),
)
_REGISTRATION_DATE, _AFTER = "GP_REGISTRATION_DATE", "GP_PRACTICE_CODE"

LENGTHS = {
    "family_name": 40,
    "given_name": 40,
    "other_given_name": 100,
    "gender": 1,
    "postcode": 8,
    "gp_practice_code": 8,
}
"""Field constraints of the Data Services Platform's reader for the same columns."""

_FILLED = {
    "UNIQUE REFERENCE": "reference",
    "NHS_NO": "nhs_number",
    "FAMILY_NAME": "family_name",
    "GIVEN_NAME": "given_name",
    "OTHER_GIVEN_NAME": "other_given_name",
    "GENDER": "gender",
    "DATE_OF_BIRTH": "strftime(birth_date, '%Y%m%d')",
    "POSTCODE": "postcode",
    "DATE_OF_DEATH": "strftime(death_date, '%Y%m%d')",
    "GP_PRACTICE_CODE": "gp_practice_code",
}

WORKFLOW = "SPINE_PDS_MESH_V1"
"""MESH workflow of PDS MESH, as two public clients send it."""
MPT_WORKFLOW = "SPINE_MPTPHASE4_TRACE"


def write_pds_mesh(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    path: Path,
    *,
    registration_date: bool = False,
    line_end: str = "crlf",
) -> Written:
    """Write a PDS MESH request of the rows of `query` (REQUEST_COLUMNS), in order of reference.

    `registration_date` makes the form of 24 columns. Addresses, telephone and e-mail are never sent: the trace does
    not need them. Raises InputError where a reference is missing, stands twice, or holds what a reference may not.
    """
    titles = list(TITLES)
    if registration_date:
        titles.insert(titles.index(_AFTER) + 1, _REGISTRATION_DATE)
    written = _prepare(connection, query)
    lines.write(connection, _lines(titles), path, first=(",".join(titles),), line_end=line_end)
    return written


def write_mpt(
    connection: duckdb.DuckDBPyConnection, query: str, path: Path, *, now: datetime, line_end: str = "crlf"
) -> Written:
    """Write an MPT request; `path` must be named by `mpt_name(now)`, for name and header are compared on arrival."""
    if path.name.removeprefix(".").partition(".")[0] != mpt_name(now).removesuffix(".csv"):
        raise ValueError("the file is not named by its own request reference")
    written = _prepare(connection, query)
    stamp = f"{now:%Y%m%d%H%M%S}"
    header = f"MPTREQ_{stamp},{MPT_WORKFLOW},{stamp},{written.rows}"
    lines.write(connection, _lines(TITLES), path, first=(header,), line_end=line_end)
    return written


def mpt_name(now: datetime) -> str:
    """The only name an MPT request may have."""
    return f"MPTREQ_{now:%Y%m%d%H%M%S}.csv"


def _prepare(connection: duckdb.DuckDBPyConnection, query: str) -> Written:
    check_references(connection, query)
    return prepare(connection, query, LENGTHS, table="trace_rows", order="reference")


def _lines(titles: Sequence[str]) -> str:
    cells = lines.csv_line([_FILLED.get(title, "''") for title in titles])
    return f"SELECT {cells} FROM trace_rows ORDER BY reference"


def check_references(connection: duckdb.DuckDBPyConnection, query: str, longest: int = 20) -> None:
    """Raise InputError unless every reference is there, is its row's alone, and is plain.

    Letters and digits only: which signs the services refuse is not published, and a colon is known to be one. Twenty
    is what DBS holds. Ten digits would look like an NHS number to a reader, and so would a number within them.
    """
    plain = f"coalesce(regexp_full_match(reference, '[A-Z][A-Z0-9]{{0,{longest - 1}}}'), false)"
    [(bad, repeated)] = connection.execute(
        f"SELECT count(*) FILTER (NOT {plain}), count(reference) - count(DISTINCT reference) FROM ({query})"
    ).fetchall()
    if bad:
        raise InputError(f"{bad} references of the request are not 1 to {longest} capital letters and digits")
    if repeated:
        raise InputError(f"{repeated} references of the request stand twice; each answer must find one question")
