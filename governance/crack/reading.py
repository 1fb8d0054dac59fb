"""A CSV or Parquet file as text columns; the readers' own messages hold values, so they are not passed on."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa


def read(path: Path) -> pa.Table:
    """The file's columns, all as text; InputError where it cannot be read."""
    import pyarrow as pa

    try:
        table = _parquet(path) if path.suffix.lower() in (".parquet", ".pq") else _csv(path)
        texts = [column.cast(pa.string()) for column in table.columns if _plain(column.type)]
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}); check the path", path=path) from None
    except (pa.ArrowInvalid, UnicodeDecodeError, csv.Error):
        raise InputError("is no Parquet file, and no UTF-8 CSV file with a header and even rows", path=path) from None
    names = [field.name for field in table.schema if _plain(field.type)]
    if len({name.casefold() for name in names}) < len(names):
        raise InputError("two columns have the same name", path=path)
    return pa.table(dict(zip(names, texts, strict=True)))


def _plain(kind: pa.DataType) -> bool:
    import pyarrow.types as types

    return not (types.is_nested(kind) or types.is_binary(kind) or types.is_null(kind))


def _parquet(path: Path) -> pa.Table:
    import pyarrow.parquet as pq

    with path.open("rb") as file:
        return pq.read_table(file)


def _csv(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    with path.open(encoding="utf-8-sig", newline="") as file:
        names = next(csv.reader(file), [])
    if not names:
        raise pa.ArrowInvalid("no header")
    as_text = arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True)
    with path.open("rb") as raw:
        return arrow_csv.read_csv(raw, convert_options=as_text)
