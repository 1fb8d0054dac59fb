"""Between Arrow tables of DuckDB and what Spark can carry, which has no unsigned numbers.

The bits of a 64-bit hash are kept and its sign is given up; narrower unsigned columns travel in the next wider signed
type. Both come back as they were, so that SQL sees the same types on every machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def carried(schema: pa.Schema) -> pa.Schema:
    """The schema under which Spark carries a table of `schema`."""
    import pyarrow as pa

    signed = {pa.uint8(): pa.int16(), pa.uint16(): pa.int32(), pa.uint32(): pa.int64(), pa.uint64(): pa.int64()}
    return pa.schema([pa.field(each.name, signed.get(each.type, each.type)) for each in schema])


def load(table: pa.Table) -> pa.Table:
    """`table` as Spark carries it."""
    return _retyped(table, carried(table.schema))


def unload(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """What `load` took, from what Spark brought; `schema` is the one it had, columns in any order."""
    return _retyped(table.select(schema.names), schema)


def _retyped(table: pa.Table, schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    columns = []
    for column, wanted in zip(table.columns, schema, strict=True):
        if {column.type, wanted.type} == {pa.int64(), pa.uint64()}:
            chunks = [chunk.view(wanted.type) for chunk in column.chunks]
            columns.append(pa.chunked_array(chunks, wanted.type))
        else:
            columns.append(column.cast(wanted.type))
    return pa.Table.from_arrays(columns, schema=schema)
