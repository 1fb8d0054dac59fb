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

    return pa.schema([pa.field(each.name, _signed(each.type)) for each in schema])


def _signed(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_list(kind):
        return pa.list_(_signed(kind.value_type))
    signed = {pa.uint8(): pa.int16(), pa.uint16(): pa.int32(), pa.uint32(): pa.int64(), pa.uint64(): pa.int64()}
    return signed.get(kind, kind)


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
        if _holds_hashes(wanted.type) or _holds_hashes(column.type):
            # A hash above 2^63 has no place among signed numbers, but its bits have.
            columns.append(pa.chunked_array([chunk.view(wanted.type) for chunk in column.chunks], wanted.type))
        else:
            columns.append(column.cast(wanted.type))
    return pa.Table.from_arrays(columns, schema=schema)


def _holds_hashes(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(kind.value_type == pa.uint64() if pa.types.is_list(kind) else kind == pa.uint64())
