"""Raw records with the key of the source record they speak of, and what is looked up for them in other files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.supplier import Kind, Lookup, Supplier
from connectors.values import quoted

if TYPE_CHECKING:
    import duckdb


_OF_FILE = ("name", "source_org")
_LAST = 100_000_000
"""Records of a file up to which a bit for each says whether it is left out; DuckDB makes them ten times as long."""


def keyed(supplier: Supplier, kind: Kind) -> str:
    """Raw records with the key of the source record they speak of."""
    joins = "".join(join(lookup, f"({one_each(lookup)})") for lookup in kind.organisations)
    source = f"coalesce({kind.source}, {quoted(supplier.name)})" if kind.source else quoted(supplier.name)
    replaced = ", ".join(["source_org_default", *({"source", "source_org", "record_id"} & set(kind.columns))])
    derived = "".join(f", {sql} AS {name}" for name, sql in kind.derived.items())
    return (
        f"SELECT r.* EXCLUDE ({replaced}), {source} AS source,"
        f" coalesce({kind.source_org}, r.source_org_default) AS source_org, {kind.record_id} AS record_id{derived}"
        f" FROM (SELECT raw.*, {of_file('source_org', 'raw')} AS source_org_default"
        f" FROM {'prepared' if kind.prepare else 'raw'}_{kind.name} raw) r{joins}"
    )


def lay_files(connection: duckdb.DuckDBPyConnection) -> None:
    """Make what `of_file` asks from `reading_file`, whose files are numbered from 1."""
    for column in _OF_FILE:
        query = f"SELECT coalesce(list({column} ORDER BY file), []) FROM reading_file"
        connection.execute(f"SET VARIABLE reading_{column} = ({query})")


def take_files_away(connection: duckdb.DuckDBPyConnection) -> None:
    """Undo `lay_files`."""
    connection.execute("; ".join(f"RESET VARIABLE reading_{column}" for column in (*_OF_FILE, "gone")))


def of_file(column: str, record: str) -> str:
    """SQL of a column (name, source_org) of `reading_file`, of the file that a record, given by its alias, stands in.

    DuckDB gives the rows of a join in the order in which its threads were done, and to bring people into order
    again costs more than to read them: so nothing is joined that need not be.
    """
    return f"getvariable('reading_{column}')[{record}.file]"


def _candidates(lookup: Lookup) -> str:
    """The records of other kinds that may be found, under the look-up's alias."""
    union = " UNION ALL BY NAME ".join(
        f"SELECT k.* FROM {'raw' if lookup.raw else 'keyed'}_{name} k"
        " ANTI JOIN aside ON aside.file = k.file AND aside.record = k.record"
        for name in lookup.kinds
    )
    return f"({union}) {lookup.alias} WHERE ({lookup.where})"


def _first(lookup: Lookup, rows: str) -> str:
    on = ", ".join(column for column, _ in lookup.on)
    return f"SELECT DISTINCT ON ({on}) * FROM {rows} ORDER BY {on}, {lookup.order}, file DESC, record DESC"


def one_each(lookup: Lookup) -> str:
    """The first record of other kinds for each key that is looked up."""
    return _first(lookup, _candidates(lookup))


def find(connection: duckdb.DuckDBPyConnection, lookup: Lookup, named: set[str]) -> None:
    """`found_<alias>`: the same as a table of the columns named, for look-ups in long files.

    To put them all in order would take most of a reading. Most keys have one record, which needs no order; what a
    record has to be, to be found, takes long to ask, so it is asked once.
    """
    on = [column for column, _ in lookup.on]
    key, found = f"hash({', '.join(on)})", f"found_{lookup.alias}"
    columns = ", ".join(f'"{name}"' for name in sorted({*on, "file", "record", "line", *named}))
    candidates = _candidates(lookup)
    none = " LIMIT 0" if lookup.of_several else ""
    connection.execute(f"CREATE TEMP TABLE {found} AS SELECT {columns} FROM {candidates}{none}")
    connection.execute(
        f"CREATE TEMP TABLE several AS SELECT {key} AS hashed FROM {candidates if lookup.of_several else found}"
        " GROUP BY ALL HAVING count(*) > 1"
    )
    if connection.execute("FROM several LIMIT 1").fetchall():
        connection.execute(f"DELETE FROM {found} WHERE {key} IN (FROM several)")
        others = f"{candidates} AND {key} IN (FROM several)"
        connection.execute(f"INSERT INTO {found} SELECT {columns} FROM ({_first(lookup, others)})")
    connection.execute("DROP TABLE several")


def join(lookup: Lookup, found: str) -> str:
    """SQL that joins to `r` what was found for it."""
    match = " AND ".join(f"{lookup.alias}.{column} = {expression}" for column, expression in lookup.on)
    return f" LEFT JOIN {found} {lookup.alias} ON {match}"


def remaining(kind: Kind) -> str:
    """SQL of the keyed records of a kind, as `r`, that are not set aside."""
    return f"keyed_{kind.name} r ANTI JOIN aside ON aside.file = r.file AND aside.record = r.record"


def left_over(connection: duckdb.DuckDBPyConnection, kind: Kind, *, once: bool) -> str:
    """SQL of the same (`once`: without those in `later` too), their order kept where it can be."""
    later = " ANTI JOIN later ON later.file = r.file AND later.record = r.record" if once else ""
    gone = f"SELECT file, record FROM aside WHERE kind = {quoted(kind.name)}"
    gone += " UNION ALL SELECT file, record FROM later" if once else ""
    [(files, file, last)] = connection.execute(
        f"SELECT count(DISTINCT file), max(file), max(record) FROM ({gone})"
    ).fetchall()
    if not files:
        return f"keyed_{kind.name} r"
    if files > 1 or last > _LAST:
        return remaining(kind) + later
    connection.execute(f"SET VARIABLE reading_gone = (SELECT bitstring_agg(record, 0, {last}) FROM ({gone}))")
    return (
        f"keyed_{kind.name} r WHERE CASE WHEN r.file = {file} AND r.record <= {last}"
        " THEN get_bit(getvariable('reading_gone'), CAST(r.record AS INTEGER)) = 0 ELSE true END"
    )
