"""Raw records that stay in memory, as the parser made them, until the tables are filled from them.

A copy into the store takes a fifth of the whole reading and more memory than the records themselves. The store reads
them where they are; fields that no table needs any more are let go.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from connectors.supplier import Kind

ROOM = 768 << 20
"""Bytes. A million patients of an EMIS extract take half of it."""
_LARGE = 32 << 20
"""Bytes below which letting go of single fields is not worth a statement."""
_SHORT, _SHARE = 250_000, 8192
"""Records up to which they go in pieces of so many [assumed]: a thread takes a whole piece, and a parser's is longer
than most lists of clients."""
_PLACE = ("file", "record", "line")


class Memory:
    """The records of one reading that stay in memory, by kind of file."""

    def __init__(self, room: int | None = None) -> None:
        """`room` is the number of bytes that may be taken (ROOM)."""
        self.room = ROOM if room is None else room
        self._files: dict[str, list[pa.Table]] = {}
        self._kinds: dict[str, pa.Table] = {}

    def keep(self, kind: Kind, tables: Sequence[pa.Table]) -> None:
        """Take in the records of one file: text columns, and `file`, `record` and `line`."""
        self.room -= sum(table.nbytes for table in tables)
        self._files.setdefault(kind.name, []).extend(tables)

    def create_view(self, connection: duckdb.DuckDBPyConnection, kind: Kind, *, beside: Sequence[str]) -> None:
        """`raw_<kind>`: the records of all its files, and what the queries `beside` give."""
        import pyarrow as pa

        parts = list(beside)
        if files := self._files.pop(kind.name, []):
            # What the parser needed for a moment more.
            pa.default_memory_pool().release_unused()
            # As one table, for a union is not written in parallel.
            table = shared_out(pa.concat_tables(files, promote_options="permissive"))
            parts.append(_register(connection, kind, table))
            if not beside:
                self._kinds[kind.name] = table
        union = " UNION ALL BY NAME ".join(parts) or f"SELECT * FROM loaded_{kind.name}"
        connection.execute(f"CREATE TEMP VIEW raw_{kind.name} AS {union}")

    def let_go(self, connection: duckdb.DuckDBPyConnection, kind: Kind, needed: Collection[str]) -> None:
        """Free the fields of a kind that are not among `needed`; they are null in `raw_<kind>` from now on."""
        import pyarrow as pa

        table = self._kinds.pop(kind.name, None)
        if table is None or table.nbytes < _LARGE:
            return
        # Copied, for pieces of columns that stay lie between pieces of those that go, and would keep their place; one
        # after the other, so that no more than one stands there twice.
        forget(connection, kind)
        table = table.select([name for name in table.schema.names if name in needed or name in _PLACE])
        for at, name in enumerate(table.schema.names):
            table = table.set_column(at, name, table.select([name]).combine_chunks()[name])
        self._kinds[kind.name] = table
        connection.execute(f"CREATE OR REPLACE TEMP VIEW raw_{kind.name} AS {_register(connection, kind, table)}")
        pa.default_memory_pool().release_unused()


def shared_out(table: pa.Table) -> pa.Table:
    """The same records, those of a short list in pieces for every thread; nothing is copied."""
    import pyarrow as pa

    return pa.Table.from_batches(table.to_batches(_SHARE), table.schema) if table.num_rows <= _SHORT else table


def forget(connection: duckdb.DuckDBPyConnection, kind: Kind) -> None:
    """Free everything that stands in memory for a kind."""
    connection.unregister(f"kept_{kind.name}")


def _register(connection: duckdb.DuckDBPyConnection, kind: Kind, table: pa.Table) -> str:
    connection.register(f"kept_{kind.name}", table)
    present = table.schema.names
    fields = (f'"{name}"' if name in present else f'CAST(NULL AS VARCHAR) AS "{name}"' for name in kind.columns)
    return f"SELECT {', '.join((*_PLACE, *fields))} FROM kept_{kind.name}"
