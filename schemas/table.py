"""How a table is declared: its columns, their meaning, their codes, and which of them identify a person.

Declarations are data. Readers are checked against them, `docs/tables.md` is generated from them, and governance
asks them which columns identify.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from schemas.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa


class Type(Enum):
    """What a column holds; the value is its DuckDB type."""

    TEXT = "VARCHAR"
    DATE = "DATE"
    FLAG = "BOOLEAN"
    INTEGER = "BIGINT"
    REAL = "DOUBLE"
    TIME = "TIMESTAMP"
    LEVELS = "MAP(VARCHAR, VARCHAR)"
    BITS = "MAP(VARCHAR, DOUBLE)"


class Identifies(Enum):
    """How far a column points at one person (ICO anonymisation guidance 2025: singling out, linkability)."""

    DIRECT = "direct"
    """On its own: a name, number, address line, phone, or an id that another system also holds."""
    INDIRECT = "indirect"
    """In combination: date of birth, postcode, gender, ethnicity, practice."""
    FREE_TEXT = "free text"
    """May hold anything, so it is treated as direct."""
    NO = "no"


@dataclass(frozen=True)
class Column:
    """One column of a standard table."""

    name: str
    type: Type
    meaning: str
    identifies: Identifies = Identifies.NO
    codes: Mapping[str, str] | None = None
    required: bool = False

    def __post_init__(self) -> None:
        if self.codes is not None and self.type is not Type.TEXT:
            raise TypeError(f"{self.name}: codes need a text column")


@dataclass(frozen=True)
class Table:
    """A standard table: one row is what `grain` says."""

    name: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    _by_name: dict[str, Column] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._by_name.update({column.name: column for column in self.columns})
        if len(self._by_name) != len(self.columns):
            raise TypeError(f"{self.name}: a column name stands twice")
        if missing := [name for name in self.key if name not in self._by_name]:
            raise TypeError(f"{self.name}: key columns that are not declared: {missing}")

    def __getitem__(self, name: str) -> Column:
        return self._by_name[name]

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in declared order."""
        return tuple(self._by_name)

    def ddl(self, qualified: str) -> str:
        """The CREATE TABLE statement under the name `qualified`."""
        columns = ", ".join(f'"{c.name}" {c.type.value}' for c in self.columns)
        return f"CREATE TABLE {qualified} ({columns})"

    def check(self, data: pa.Table) -> None:
        """Raise InputError unless `data` has exactly the declared columns, in order, with their types.

        Names the columns at fault, never a value.
        """
        wanted = self.arrow_schema()
        if data.schema.names != wanted.names:
            missing = [n for n in wanted.names if n not in data.schema.names]
            extra = [n for n in data.schema.names if n not in wanted.names]
            raise InputError(
                f"table {self.name} does not match its declaration: missing columns {missing}, "
                f"unknown columns {extra}, or another order; see docs/tables.md"
            )
        if wrong := [f.name for f in wanted if data.schema.field(f.name).type != f.type]:
            raise InputError(f"table {self.name}: columns of another type than declared: {wrong}")

    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema, columns in declared order."""
        import pyarrow as pa

        arrow = {
            Type.TEXT: pa.string(),
            Type.DATE: pa.date32(),
            Type.FLAG: pa.bool_(),
            Type.INTEGER: pa.int64(),
            Type.REAL: pa.float64(),
            Type.TIME: pa.timestamp("us"),
            Type.LEVELS: pa.map_(pa.string(), pa.string()),
            Type.BITS: pa.map_(pa.string(), pa.float64()),
        }
        return pa.schema([(c.name, arrow[c.type]) for c in self.columns])
