"""What Spark carries comes back as it was, unsigned numbers and hashes above all."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from linkage.spark.wire import carried, load, unload


@pytest.mark.parametrize(
    ("kind", "values", "travels"),
    [
        (pa.uint64(), [0, 2**63, 2**64 - 1, None], pa.int64()),
        (pa.uint32(), [2**32 - 1, None], pa.int64()),
        (pa.uint16(), [2**16 - 1], pa.int32()),
        (pa.uint8(), [255, None], pa.int16()),
        (pa.list_(pa.uint64()), [[2**64 - 1, None], [], None], pa.list_(pa.int64())),
        (pa.list_(pa.string()), [["A"], None], pa.list_(pa.string())),
        (pa.date32(), [date(1950, 1, 2), None], pa.date32()),
        (pa.float64(), [-0.1, None], pa.float64()),
    ],
)
def test_there_and_back(kind: pa.DataType, values: list[object], travels: pa.DataType) -> None:
    table = pa.table({"first": pa.array([1] * len(values)), "value": pa.array(values, kind)})
    there = load(table)
    assert there.schema.field("value").type == travels
    assert there.schema == carried(table.schema)
    # Spark is free to give the columns in another order and the rows in pieces.
    pieces = pa.concat_tables([there.slice(0, 1), there.slice(1)]).select(["value", "first"])
    assert unload(pieces, table.schema).equals(table)
    assert unload(there.slice(1), table.schema).equals(table.slice(1))
