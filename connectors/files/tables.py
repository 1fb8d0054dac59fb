"""A table in memory, of whatever library, copied into its raw relation."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from connectors.files.raw import Loaded, insert, nulls, trimmed
from connectors.files.typed import refuse_nested, text_sql
from connectors.supplier import Kind

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def load_table(
    connection: duckdb.DuckDBPyConnection,
    table: pa.Table,
    label: str,
    kind: Kind,
    *,
    raw: str,
    file: int,
    fields: Mapping[str, str],
) -> Loaded:
    """Copy a table in memory into the raw table `raw`; its hash is that of its Arrow stream."""
    import numpy as np

    refuse_nested(table.schema, fields.values(), label)
    digest = _hash(table)
    numbered = table.select(list(fields.values())).rename_columns(list(fields))
    numbered = numbered.append_column("record", [np.arange(1, table.num_rows + 1)])
    numbered = numbered.append_column("line", [nulls(table.num_rows)])
    columns = "".join(f', {trimmed(text_sql(numbered.schema, name))} AS "{name}"' for name in fields)
    number = f"CAST({file} AS INTEGER) AS file, record, line"
    loaded = insert(connection, raw, numbered, kind, number + columns)
    return Loaded(table.num_rows, (), None, digest, table.nbytes, table.num_rows - loaded)


def _hash(table: pa.Table) -> str:
    import pyarrow as pa

    class Sink(io.RawIOBase):
        digest = hashlib.sha256()

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.digest.update(data)
            return len(data)

    sink = Sink()
    sink.digest = hashlib.sha256()
    with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), table.schema) as writer:
        writer.write_table(table)
    return str(sink.digest.hexdigest())
