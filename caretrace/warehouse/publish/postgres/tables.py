"""Which tables the database holds, where their rows lie, and how their columns are typed in PostgreSQL.

All of `schemas.warehouse.PUBLISHED`: the rows that hold now under the table's own name, those that ended beside them
under `<table>_past`. Every table has two columns before the declared ones: `row_id`, by which a load tells what
changed, and `analyst_key`, the person to an analyst.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schemas import Column, Table, Type
from schemas.warehouse import PUBLISHED, SINCE_COLUMNS

POSTGRES = {
    Type.TEXT: "text",
    Type.DATE: "date",
    Type.FLAG: "boolean",
    Type.INTEGER: "bigint",
    Type.REAL: "double precision",
    Type.TIME: "timestamp without time zone",
    Type.LEVELS: "jsonb",
    Type.BITS: "jsonb",
}
"""Each type as PostgreSQL's own catalogue spells it, so that what stands there can be compared."""

ROW_ID = Column("row_id", Type.TEXT, "128 bits of the SHA-256 of the row: tells a load which rows changed.")
ANALYST_KEY = Column(
    "analyst_key",
    Type.TEXT,
    "The person, by a random id that exists in this database only; null where the row is nobody's.",
)
PAST = "_past"

_RECORD = ("source", "source_org", "record_id")


@dataclass(frozen=True)
class Stored:
    """A table of the database."""

    name: str
    table: Table
    file: str | None = None
    """Below the run folder, with the rows that hold now; a single run lacks some, and those tables are empty."""
    past: str | None = None
    """Below the folder of all runs' pasts, for rows that ended: a file for each run."""
    by_run: str | None = None
    """The column that says with which run a row of the past came."""
    key: tuple[str, ...] = ()
    """Its primary key; where rows have none of their own it is row_id."""

    @property
    def indexes(self) -> tuple[tuple[str, ...], ...]:
        """Columns by which people look rows up, beyond the primary key."""
        names = {*self.table.names, ANALYST_KEY.name}
        number = "person_nhs_number" if "person_nhs_number" in names else "nhs_number"
        wanted = [("analyst_key",), ("person_key",), (number,), ("start_date",), _RECORD]
        return tuple(index for index in wanted if names.issuperset(index) and index != self.key[: len(index)])

    def may_lack(self, name: str) -> bool:
        """Whether a single run has no such column: it is null then."""
        return self.by_run is None and name in {column.name for column in SINCE_COLUMNS}

    def files(self, run: Path, number: int | None, history: Path | None, floor: int) -> list[Path]:
        """The files whose rows are to stand here; of the past those after the run `floor`."""
        if self.file is not None:
            return [path for path in (run / self.file,) if path.exists()]
        if number is None:
            return []
        folder = history / str(self.past) if history else None
        found = {int(path.stem): path for path in folder.glob("*.parquet")} if folder else {}
        own = run / "history" / f"{self.past}.parquet"
        if number not in found and own.exists():
            found[number] = own
        return [found[each] for each in sorted(found) if floor < each <= number]


def _stored() -> tuple[Stored, ...]:
    every = []
    for each in PUBLISHED:
        if each.file:
            every.append(Stored(each.name, each.table, file=each.file, key=each.table.key))
        if each.past:
            every.append(Stored(each.name + PAST, each.past, past=each.name, by_run="to_run"))
        elif each.history:
            every.append(Stored(each.name, each.table, past=each.name, by_run="run"))
    return tuple(every)


STORED = _stored()
