"""The list of NHS numbers that may be used, as the national check for data opt-outs replies.

It is an allow-list: a number that is not in it is left out, whatever the reason. One NHS number and a comma a line with
LF (`.dat`, as MESH carries it), or one a line (`.csv`, `.txt`). Beside it `<name>.receipt.toml` says when it was
checked: `checked_on = 2026-11-20`, and may give the list's `sha256`. Whatever is wrong with either, nobody is allowed.
The result is used for nothing else and is not added to anybody's record (terms of use of the check).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from governance import at_rest
from governance.request import ListFacts

if TYPE_CHECKING:
    import duckdb

_LONGEST = 40
"""Characters: more than a number, a comma and whatever space stands around them."""


def receipt_path(path: Path) -> Path:
    """Where the receipt of a list is looked for."""
    return path.with_name(f"{path.name}.receipt.toml")


def load(connection: duckdb.DuckDBPyConnection, path: Path | None) -> ListFacts:
    """Fill the table `allowed` with the list's numbers and say what it is; at any fault the table stays empty.

    The connection has the macros of `schemas.sql`. A fault is told, not raised, so that a plan can show it among
    every other reason.
    """
    if path is None:
        _fill(connection, "allowed", "")
        return ListFacts(fault="the agreement names no list of allowed NHS numbers")
    read = read_list(connection, path, "allowed")
    fault = f"{read.fault}, so the list is not used; ask for the check again" if read.fault else None
    if not read.sha256:
        return ListFacts(fault=fault)
    checked_on, receipt_fault = _receipt(path, read.sha256)
    if receipt_fault or fault or not read.numbers:
        _fill(connection, "allowed", "")
        return ListFacts(checked_on=checked_on, fault=receipt_fault or fault)
    return ListFacts(checked_on, read.numbers, read.sha256)


@dataclass(frozen=True)
class ListRead:
    """A list of numbers as it was read; `sha256` is empty where it could not be read at all."""

    numbers: int = 0
    fault: str | None = None
    sha256: str = ""


def read_list(connection: duckdb.DuckDBPyConnection, path: Path, table: str) -> ListRead:
    """Fill `table` with the numbers of a request or a reply of the check; at any fault it stays empty.

    A reply that is blank has no numbers and no fault.
    """
    _fill(connection, table, "")
    try:
        data = at_rest.read_bytes(path)
    except OSError as error:
        return ListRead(fault=f"the list of allowed NHS numbers {path.name} cannot be read ({error.strerror})")
    digest = sha256(data).hexdigest()
    if not data.strip():
        return ListRead(sha256=digest)
    if not data.isascii():
        return ListRead(fault=f"{path.name} is not plain text", sha256=digest)
    if line := _fill(connection, table, data.decode("ascii").replace("\r\n", "\n").removesuffix("\n")):
        return ListRead(fault=f"{path.name}, line {line}: not an NHS number", sha256=digest)
    [(count,)] = connection.execute(f"SELECT count(*) FROM {table}").fetchall()
    return ListRead(count, sha256=digest)


def receipt(checked_on: date, path: Path) -> str:
    """The text of a receipt for the list at `path`."""
    return f'checked_on = {checked_on.isoformat()}\nsha256 = "{sha256(path.read_bytes()).hexdigest()}"\n'


def _fill(connection: duckdb.DuckDBPyConnection, table: str, text: str) -> int | None:
    """Fill `table`, or give the first line that is no NHS number (the reply to an invalid request is blank)."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    connection.execute(f"CREATE OR REPLACE TABLE {table} (nhs_number VARCHAR)")
    if not text:
        return None
    lines = pc.split_pattern(pa.array([text], pa.large_string()), "\n").values
    connection.register("allowed_lines", pa.table({"line": np.arange(1, len(lines) + 1), "text": lines}))
    try:
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE read_lines AS"
            # Of another file a line may be of any length, which nothing has to go through.
            f" SELECT line, CASE WHEN length(text) <= {_LONGEST} THEN nhs_number(regexp_replace(text, ',$', '')) END"
            " AS nhs_number FROM allowed_lines"
        )
        [(first_bad,)] = connection.execute("SELECT min(line) FROM read_lines WHERE nhs_number IS NULL").fetchall()
        if first_bad is None:
            connection.execute(f"INSERT INTO {table} SELECT DISTINCT nhs_number FROM read_lines")
        connection.execute("DROP TABLE read_lines")
    finally:
        connection.unregister("allowed_lines")
    return None if first_bad is None else int(first_bad)


def _receipt(path: Path, digest: str) -> tuple[date | None, str | None]:
    """The day of the check, and what is wrong with the receipt."""
    receipt = receipt_path(path)
    try:
        content = tomllib.loads(at_rest.read_bytes(receipt).decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None, f"{receipt.name}, which says when the list was checked, is missing or cannot be read"
    checked_on = content.get("checked_on")
    if not isinstance(checked_on, date) or isinstance(checked_on, datetime):
        return None, f"{receipt.name}: checked_on is not a date such as 2026-11-20"
    if content.get("sha256", digest) != digest:
        return checked_on, f"{path.name} is not the list that {receipt.name} was written for (another SHA-256)"
    return checked_on, None
