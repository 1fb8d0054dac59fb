"""How common names are in a population, from a file: what a small register cannot say of rare names.

In: a CSV of name_type (given or family), name and people. Out: table `population_name` in the store, which
`linkage.frequencies` lays under the register's own counts.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb

COLUMNS = ("name_type", "name", "people")
TYPES = ("given", "family")


@dataclass(frozen=True)
class Population:
    """Names with how many people bear them, and what the file was."""

    file: str
    sha256: str
    people: dict[tuple[str, str], int]
    """By (name_type, name as written); a name that stands twice counts together."""

    def to_json(self) -> dict[str, object]:
        """What a manifest says of it."""
        return {"file": self.file, "sha256": self.sha256, "names": len(self.people)}


def read(path: Path) -> Population:
    """Read the file; InputError where it is not one, with the line at fault and never the name."""
    try:
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"the population file cannot be read ({error.strerror}); check the path", path=path) from error
    except UnicodeDecodeError as error:
        raise InputError("the population file is not UTF-8 text; save it as CSV UTF-8", path=path) from error
    rows = csv.reader(io.StringIO(text, newline=""))
    people: Counter[tuple[str, str]] = Counter()
    try:
        titles = [title.strip().casefold() for title in next(rows, [])]
        if missing := [name for name in COLUMNS if name not in titles]:
            raise InputError(f"the population file lacks the columns {', '.join(missing)}", path=path, line=1)
        at = [titles.index(name) for name in COLUMNS]
        for row in rows:
            if any(cell.strip() for cell in row):
                kind, name, count = _row(row, at, path, rows.line_num)
                people[kind, name] += count
    except csv.Error as error:
        raise InputError("a quotation mark does not pair", path=path, line=rows.line_num) from error
    if not people:
        raise InputError("the population file holds no names", path=path)
    return Population(path.name, hashlib.sha256(data).hexdigest(), dict(people))


def _row(row: list[str], at: list[int], path: Path, line: int) -> tuple[str, str, int]:
    try:
        kind, name, count = (row[place].strip() for place in at)
    except IndexError:
        raise InputError("the line has fewer columns than the header", path=path, line=line) from None
    if kind.casefold() not in TYPES:
        raise InputError("name_type must be given or family", path=path, line=line)
    if not name:
        raise InputError("the name is empty", path=path, line=line)
    if not (count.isascii() and count.isdigit() and int(count) > 0):
        raise InputError("people must be a whole number above 0", path=path, line=line)
    return kind.casefold(), name, int(count)


def load(connection: duckdb.DuckDBPyConnection, population: Population) -> None:
    """Make table `population_name` (name_type, name, people)."""
    import pyarrow as pa

    table = pa.table(
        {
            "name_type": [kind for kind, _ in population.people],
            "name": [name for _, name in population.people],
            "people": pa.array(population.people.values(), pa.int64()),
        }
    )
    connection.register("population_here", table)
    connection.execute("CREATE OR REPLACE TABLE population_name AS FROM population_here")
    connection.unregister("population_here")
