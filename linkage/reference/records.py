"""Between the store and pandas: clean records out, `pair_level` and `ranked` back in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

if TYPE_CHECKING:
    import duckdb


def read(connection: duckdb.DuckDBPyConnection, side: str) -> pd.DataFrame:
    """`<side>_record` as a frame labelled by id; numbers are floats where any is missing, lists are tuples.

    No number of a record has more than ten digits, so floats hold them exactly, and NaN equals nothing, itself
    included: just what a null must do. Lists become tuples because values are looked up in tables.
    """
    table = connection.sql(f"SELECT * FROM {side}_record ORDER BY id").to_arrow_table()
    frame: pd.DataFrame = table.to_pandas()
    for field in table.schema:
        if pa.types.is_list(field.type):
            frame[field.name] = pd.Series(
                [None if many is None else tuple(many) for many in frame[field.name]], dtype=object
            )
    return frame.set_index("id", drop=False).rename_axis(None)


def nicknames(connection: duckdb.DuckDBPyConnection) -> frozenset[tuple[str, str]]:
    """Pairs of names that are nicknames of one, both ways round."""
    return frozenset(connection.execute("SELECT a, b FROM nickname").fetchall())


def ids(connection: duckdb.DuckDBPyConnection, sql: str) -> list[int]:
    """The one column that `sql` selects."""
    return [value for (value,) in connection.execute(sql).fetchall()]


def write(connection: duckdb.DuckDBPyConnection, table: str, frame: pd.DataFrame) -> None:
    """Make `table` of `frame`; missing values become null."""
    given = pa.Table.from_pandas(frame, preserve_index=False)
    connection.register("given_frame", given)
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM given_frame")
    connection.unregister("given_frame")


def verdicts(connection: duckdb.DuckDBPyConnection, table: str) -> pd.DataFrame:
    """Table `table` of linkage.verdicts, `ruled_out` or `confirmed`, with the ids of its pairs as integers."""
    frame: pd.DataFrame = connection.sql(f"SELECT * FROM {table}").to_arrow_table().to_pandas()
    return frame.astype({name: "int64" for name in ("c", "r", "person") if name in frame})


def shares(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, float]]:
    """Each name's share of the population given, by column and name (`linkage.frequencies`)."""
    return {
        column: dict(connection.execute(f"SELECT {column}, share FROM f_{column}").fetchall())
        for column in ("given", "family")
    }
