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
    """Write into `folder` (made where missing) and return the files; SettingsError for an unknown or unfit format.

    `standard` and `standard-csv` write both sides, a folder of the clients with their addresses and services where
    there are any, and the person behind every register row.
    `carefirst` and `swift` write the clients, `emis` and `systmone` the register, `mixed` the register divided between
    the two; each supplier gets a folder of its name. The truth is always beside them.
    """
    if format in ("standard", "standard-csv"):
        ending = "parquet" if format == "standard" else "csv"
        return [write_table(table, folder / f"{name}.{ending}") for name, table in _standard(synthetic).items()]
    if "nhs_number" not in synthetic.clients.column_names:
        raise SettingsError(f"census lists have no {format} form; write them as standard or standard-csv")
    # A supplier's files name register rows in their own way, so the truth beside them cannot.
    truth = write_table(synthetic.truth.drop_columns("register_record_id"), folder / "truth.csv")
    if format == "mixed":
        of_emis, of_systmone = split(synthetic)
        written = emis(synthetic, of_emis).write(folder / "emis")
        return [*written, *systmone(synthetic, of_systmone).write(folder / "systmone"), truth]
    extracts = {"carefirst": carefirst, "swift": swift, "emis": emis, "systmone": systmone}
    if format not in extracts:
        raise SettingsError(f"unknown format {format!r}; choose one of {', '.join(FORMATS)}")
    return [*extracts[format](synthetic).write(folder / format), truth]


def _standard(synthetic: Synthetic) -> dict[str, pa.Table]:
    tables = {
        "clients": synthetic.clients,
        "register": synthetic.register,
        # The same clients with what hangs on them: a folder that can be read as one source.
        "clients/person": synthetic.clients,
        "clients/address": synthetic.client_addresses,
        "clients/service": synthetic.client_services,
        "truth": synthetic.truth,
        "register_truth": synthetic.register_truth,
    }
    of_census = len(synthetic.client_addresses) == 0
    return {name: table for name, table in tables.items() if not (of_census and name.startswith("clients/"))}


# Readers share a file out among cores by row groups; Arrow would write a million people as one.
_ROW_GROUP = 30_720


def write_table(table: pa.Table, path: Path) -> Path:
    """Write a table as Parquet or CSV, as the name of `path` says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(table, path, compression="zstd", row_group_size=_ROW_GROUP)
    else:
        pyarrow.csv.write_csv(table, path)
    return path
