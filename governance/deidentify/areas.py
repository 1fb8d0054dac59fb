"""Postcodes to small areas and deciles of deprivation, by a lookup that the agreement names.

The lookup is a CSV with a header, such as the National Statistics Postcode Lookup of the ONS: a postcode, its Lower
layer Super Output Area, and, where wanted, its decile of deprivation. A rank of deprivation is of one country and one
year, which the file does not say, so deciles are taken as given and never worked out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from governance.files import sha256_of
from schemas.errors import SettingsError

if TYPE_CHECKING:
    import duckdb

COLUMNS = {"lsoa": "postcode_lsoa", "imd_decile": "postcode_imd_decile"}
"""By the transform's name, the column that `lay` gives tables with a postcode."""
_CALLED = {
    "postcode": ("postcode", "pcds", "pcd", "pcd8", "pcd7", "pcd2"),
    "lsoa": ("lsoa", "lsoa21cd", "lsoa21", "lsoa11cd", "lsoa11"),
    "imd_decile": ("imd_decile", "imd decile"),
}
"""Titles that are known, the first there is; compared in lower case."""


@dataclass(frozen=True)
class Areas:
    """A lookup as found."""

    name: str
    sha256: str
    postcodes: int
    not_found: int
    """Different postcodes of the run that it does not hold; what is told of them is left blank."""


def lay(connection: duckdb.DuckDBPyConnection, path: Path, wanted: Iterable[str], tables: Iterable[str]) -> Areas:
    """Give the views `tables` the columns of COLUMNS that `wanted` names, by their `postcode`.

    SettingsError where the file cannot be read, lacks a column, tells a postcode twice and differently, or holds a
    decile that is none from 1 to 10.
    """
    asked = sorted(set(wanted))
    _load(connection, path, asked)
    columns = ", ".join(f"a.{name} AS {COLUMNS[name]}" for name in asked)
    places = []
    for table in sorted(set(tables)):
        connection.execute(f"ALTER VIEW {table} RENAME TO placeless_{table}")
        connection.execute(
            f"CREATE VIEW {table} AS SELECT t.*, {columns} FROM placeless_{table} t"
            " LEFT JOIN postcode_area a ON a.postcode = t.postcode"
        )
        places.append(f"SELECT postcode FROM placeless_{table} WHERE postcode IS NOT NULL")
    [(postcodes, not_found)] = connection.execute(
        "SELECT (SELECT count(*) FROM postcode_area), (SELECT count(DISTINCT postcode)"
        f" FROM ({' UNION ALL '.join(places)}) ANTI JOIN postcode_area USING (postcode))"
    ).fetchall()
    return Areas(path.name, sha256_of(path), int(postcodes), int(not_found))


def _load(connection: duckdb.DuckDBPyConnection, path: Path, wanted: list[str]) -> None:
    """Make `postcode_area` (postcode, and the columns wanted), one row a postcode."""
    import duckdb

    if not path.is_file():
        raise SettingsError(f"{path}: the lookup of postcodes that the agreement names is not there")
    file = f"read_csv('{str(path).replace(chr(39), chr(39) * 2)}', header = true, all_varchar = true)"
    try:
        titles = {title.strip().lower(): title for title in connection.sql(f"FROM {file} LIMIT 0").columns}
        columns = {name: _column(path, name, titles) for name in ("postcode", *wanted)}
        squeezed = f"upper(regexp_replace({columns['postcode']}, '[^A-Za-z0-9]', '', 'g'))"
        said = ", ".join(f"nullif(trim({columns[name]}), '') AS {name}" for name in wanted)
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE postcode_area AS
            SELECT DISTINCT left(p, -3) || ' ' || right(p, 3) AS postcode, {", ".join(wanted)}
            FROM (SELECT {squeezed} AS p, {said} FROM {file}) WHERE length(p) >= 5""")
    except duckdb.Error as error:
        raise SettingsError(f"{path}: is no CSV that can be read as a lookup of postcodes") from error
    [(rows, postcodes)] = connection.execute("SELECT count(*), count(DISTINCT postcode) FROM postcode_area").fetchall()
    if not rows:
        raise SettingsError(f"{path}: holds no postcode")
    if rows != postcodes:
        raise SettingsError(f"{path}: tells some postcodes twice, and differently; which holds is not known")
    if "imd_decile" in wanted:
        [(odd,)] = connection.execute(
            "SELECT count(*) FROM postcode_area WHERE imd_decile IS NOT NULL"
            " AND coalesce(TRY_CAST(imd_decile AS INTEGER) NOT BETWEEN 1 AND 10, true)"
        ).fetchall()
        if odd:
            raise SettingsError(f"{path}: {odd:,} postcodes have a decile that is none from 1 to 10; is it the rank?")


def _column(path: Path, name: str, titles: dict[str, str]) -> str:
    found = next((titles[each] for each in _CALLED[name] if each in titles), None)
    if found is None:
        raise SettingsError(f"{path}: has no column {name}; known are the titles {', '.join(_CALLED[name])}")
    return '"' + found.replace('"', '""') + '"'
