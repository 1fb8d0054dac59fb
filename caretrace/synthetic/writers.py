"""Writes what `make` gives as files: our own columns, or a supplier's."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from caretrace.synthetic.draw import Synthetic
from schemas import SettingsError

FORMATS = ("standard",)


def write(synthetic: Synthetic, folder: Path, format: str = "standard", *, file_type: str = "parquet") -> list[Path]:
    """Write the tables into `folder` (made where missing) and return the files; SettingsError for an unknown format."""
    folder.mkdir(parents=True, exist_ok=True)
    if format != "standard":
        raise SettingsError(f"unknown format {format!r}; choose one of {', '.join(FORMATS)}")
    tables = {
        "clients": synthetic.clients,
        "register": synthetic.register,
        "truth": synthetic.truth,
        "client_addresses": synthetic.client_addresses,
        "client_services": synthetic.client_services,
    }
    return [_write_table(table, folder / f"{name}.{file_type}", file_type) for name, table in tables.items()]


def _write_table(table: pa.Table, path: Path, file_type: str) -> Path:
    if file_type == "parquet":
        pyarrow.parquet.write_table(table, path, compression="zstd", store_schema=False)
    else:
        pyarrow.csv.write_csv(table, path)
    return path
