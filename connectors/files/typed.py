"""Data whose columns have types (Parquet, tables in memory): what is taken as text, and what cannot be."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectors.called import called
from schemas.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

_NO_TEXT = (list, tuple, dict, set, bytes, bytearray, memoryview)


def as_arrow(data: object, label: str) -> pa.Table:
    """Any table in memory as Arrow: pandas, polars, pyarrow, or what has the Arrow PyCapsule interface."""
    import pyarrow as pa

    try:
        if isinstance(data, pa.Table):
            table = data
        elif _is_pandas_frame(data):
            table = _from_pandas(data, label)
        elif hasattr(data, "__arrow_c_stream__") and type(data).__name__ not in ("Series", "ChunkedArray"):
            table = pa.table(data)
        else:
            raise InputError(
                f"a {type(data).__name__} is neither a path nor a table; give a pathlib.Path or a pandas, polars or"
                " pyarrow table",
                path=label,
            )
    except pa.ArrowException as error:
        raise InputError("a column holds values of several types; make every column text first", path=label) from error
    refuse_float_ids(table.schema, label)
    return table


def refuse_float_ids(schema: pa.Schema, where: Path | str) -> None:
    """Refuse ids in floating point: from the seventeenth digit on two people would share one."""
    import pyarrow as pa

    for field in schema:
        if field.name.casefold() == "record_id" and pa.types.is_floating(field.type):
            raise InputError(
                "the column record_id holds decimal numbers; make it text, so that no digit is lost", path=where
            )


def refuse_nested(schema: pa.Schema, used: Iterable[str], where: Path | str) -> None:
    """Refuse lists, structures and bytes in a column that is used: the text of a list is nobody's name."""
    words = dict(zip(schema.names, called(schema.names), strict=True))
    for name in used:
        if not _has_text(schema.field(name).type):
            raise InputError(
                f"the column {words[name]} holds lists, structures or bytes; make it text or leave it out", path=where
            )


def all_text(schema: pa.Schema, used: Iterable[str]) -> bool:
    """Whether the columns that are used hold text and nothing else."""
    import pyarrow as pa

    text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return all(any(is_text(schema.field(name).type) for is_text in text) for name in used)


def text_sql(schema: pa.Schema, name: str) -> str:
    """SQL of a column's values as text.

    A column of whole numbers with gaps becomes floating point in pandas. Whole numbers are exact in it up to a size,
    and are written without ".0"; beyond it digits are lost already, and what is left shows so. Not-a-number is a gap.
    """
    import pyarrow as pa

    column = '"' + name.replace('"', '""') + '"'
    text = f"CAST({column} AS VARCHAR)"
    kind = schema.field(name).type
    if not pa.types.is_floating(kind):
        return text
    exact = 2 ** {16: 11, 32: 24, 64: 53}[kind.bit_width]
    return (
        f"CASE WHEN isnan({column}) THEN NULL WHEN abs({column}) <= {exact} AND {column} = trunc({column})"
        f" THEN CAST(CAST({column} AS BIGINT) AS VARCHAR) ELSE {text} END"
    )


def _is_pandas_frame(data: object) -> bool:
    if type(data).__module__.split(".")[0] != "pandas":
        return False
    import pandas as pd

    return isinstance(data, pd.DataFrame)


def _from_pandas(frame: Any, label: str) -> pa.Table:
    import pyarrow as pa

    names = [str(name) for name in frame.columns]
    for at, name in enumerate(names):
        if name in names[:at]:
            raise InputError(
                f"the column {called(names)[at]!r} stands twice in the header; remove or rename one", path=label
            )
    frame = frame.set_axis(names, axis=1)
    # An object column may hold numbers beside text, which Arrow refuses; as text it is what a file would hold.
    mixed = {name: "string" for name, kind in frame.dtypes.items() if kind.kind == "O" and not _holds(frame[name])}
    return pa.Table.from_pandas(frame.astype(mixed), preserve_index=False)


def _holds(column: Any) -> bool:
    """Whether an object column holds what has no text; it keeps its type then, and is refused if it is used."""
    from pandas.api.types import infer_dtype

    # Only columns of no one type need their values looked at.
    if infer_dtype(column, skipna=True) not in ("mixed", "mixed-integer", "bytes"):
        return False
    kinds = column.map(type).unique()
    return any(issubclass(kind, _NO_TEXT) or kind.__name__ == "ndarray" for kind in kinds)


def _has_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    if isinstance(kind, pa.ExtensionType):
        return _has_text(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return _has_text(kind.value_type)
    binary = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)
    return not pa.types.is_nested(kind) and not any(is_binary(kind) for is_binary in binary)
