"""Writes what `make` gives as files: our own columns, or a supplier's."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from caretrace.synthetic.councils import carefirst, swift
from caretrace.synthetic.draw import Synthetic
from caretrace.synthetic.emis import emis
from caretrace.synthetic.practices import split
from caretrace.synthetic.systmone import systmone
from schemas import SettingsError

FORMATS = ("standard", "standard-csv", "carefirst", "swift", "emis", "systmone", "mixed")


def write(synthetic: Synthetic, folder: Path, format: str = "standard") -> list[Path]:
    """Write into `folder` (made where missing) and return the files; SettingsError for an unknown format.

    `standard` and `standard-csv` write both sides, and a folder of the clients with their addresses and services.
    `carefirst` and `swift` write the clients, `emis` and `systmone` the register, `mixed` the register divided between
    the two; each supplier gets a folder of its name. The truth is always beside them.
    """
    truth = _write_table(synthetic.truth, folder / ("truth.parquet" if format == "standard" else "truth.csv"))
    if format in ("standard", "standard-csv"):
        ending = "parquet" if format == "standard" else "csv"
        tables = {
            "clients": synthetic.clients,
            "register": synthetic.register,
            # The same clients with what hangs on them: a folder that can be read as one source.
            "clients/person": synthetic.clients,
            "clients/address": synthetic.client_addresses,
            "clients/service": synthetic.client_services,
        }
        return [*(_write_table(table, folder / f"{name}.{ending}") for name, table in tables.items()), truth]
    if format == "mixed":
        of_emis, of_systmone = split(synthetic)
        written = emis(synthetic, of_emis).write(folder / "emis")
        return [*written, *systmone(synthetic, of_systmone).write(folder / "systmone"), truth]
    extracts = {"carefirst": carefirst, "swift": swift, "emis": emis, "systmone": systmone}
    if format not in extracts:
        raise SettingsError(f"unknown format {format!r}; choose one of {', '.join(FORMATS)}")
    return [*extracts[format](synthetic).write(folder / format), truth]


# Readers share a file out among cores by row groups; Arrow would write a million people as one.
_ROW_GROUP = 30_720


def _write_table(table: pa.Table, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(table, path, compression="zstd", row_group_size=_ROW_GROUP)
    else:
        pyarrow.csv.write_csv(table, path)
    return path
