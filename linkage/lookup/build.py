"""A register into columns: the cleaned rows of DuckDB become arrays, keys and counts, all computed in columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from linkage.blocking import RULES, AnyOf
from linkage.clean import clean
from linkage.lookup.columns import Array, Column, Lists
from linkage.lookup.keys import Counts, Keys
from linkage.lookup.register import (
    AGREE,
    COUNTED,
    FIELDS,
    LISTS,
    NO_TEXT,
    PERSON,
    RECORD,
    TEXT_LISTS,
    TEXTS,
    People,
    Register,
    Texts,
)
from linkage.lookup.texts import keys_of, number_sql

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_TABLES = (
    *("register_record", "register_other_name", "register_other_unit", "register_other_id", "name_value", "nickname"),
    *("lookup_text", "lookup_origin"),
)


def build(connection: duckdb.DuckDBPyConnection) -> Register:
    """The register of the store's tables `register.*`; leaves no table behind."""
    clean(connection, ("register",))
    count = _count(connection)
    numbers = _Numbers(connection, count)
    texts = _texts(connection)
    fields = _fields(connection, count, numbers)
    counts, people = _counted(numbers, fields)
    register = Register(
        fields={name: Column(values) for name, values in fields.items()},
        lists=_lists(connection, count),
        texts=texts,
        keys=_keys(numbers, _record_numbers(connection, count)),
        origins=connection.execute("SELECT source, source_org FROM lookup_origin ORDER BY origin").fetchall(),
        counts=counts,
        people=people,
    )
    for table in _TABLES:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    return register


def _count(connection: duckdb.DuckDBPyConnection) -> int:
    ((count,),) = connection.execute("SELECT coalesce(max(id) + 1, 0) FROM register_record").fetchall()
    return int(count)


def _arrays(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Array]:
    return {name: np.asarray(values) for name, values in connection.execute(sql).fetchnumpy().items()}


class _Numbers:
    """Columns of `register_record` as numbers (`linkage.lookup.texts`), made when first asked for; 0 is not known."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, count: int) -> None:
        self.connection, self.count = connection, count
        described = connection.execute("DESCRIBE register_record").fetchall()
        self._is_text = {name: "VARCHAR" in kind for name, kind, *_ in described}
        self._made: dict[str, Array] = {}

    def __getitem__(self, column: str) -> Array:
        if column not in self._made:
            rows, numbers = self._read(column, "register_record")
            self._made[column] = np.zeros(self.count, np.uint64)
            self._made[column][rows] = numbers
        return self._made[column]

    def listed(self, column: str) -> tuple[Array, Array]:
        """Rows and numbers of every value in a column of lists."""
        return self._read(column, f"(SELECT id, unnest({column}) AS {column} FROM register_record)")

    def _read(self, column: str, source: str) -> tuple[Array, Array]:
        if self._is_text[column]:
            # A text is hashed once, however many rows have it.
            sql = f"""
                WITH held AS (SELECT id, {column} AS text FROM {source} WHERE {column} IS NOT NULL)
                SELECT id, number FROM held
                JOIN (SELECT text, {number_sql("text")} AS number FROM (SELECT DISTINCT text FROM held)) USING (text)"""
        else:
            sql = f"SELECT id, CAST({column} AS UBIGINT) AS number FROM {source} WHERE {column} IS NOT NULL"
        found = _arrays(self.connection, sql)
        return found["id"], found["number"]


def _texts(connection: duckdb.DuckDBPyConnection) -> Texts:
    """Code every distinct text by the order of its number, in `lookup_text` (text, number, code) too."""
    single = " UNION ".join(f"SELECT {name} AS text FROM register_record" for name in TEXTS)
    lists = " UNION ".join(f"SELECT unnest({name}) FROM register_record" for name in TEXT_LISTS)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE lookup_text AS
        WITH held AS (SELECT text, {number_sql("text")} AS number FROM ({single} UNION {lists}) WHERE text IS NOT NULL)
        SELECT *, CAST(row_number() OVER (ORDER BY number) - 1 AS INTEGER) AS code FROM held""")
    rows = connection.sql("SELECT text, number FROM lookup_text ORDER BY code").to_arrow_table()
    values, lengths = _bytes(rows["text"])
    return Texts(rows["number"].to_numpy(), Lists(values, np.cumsum(lengths).astype(np.uint32)))


def _bytes(column: pa.ChunkedArray) -> tuple[Array, Array]:
    """A column of texts as UTF-8 without gaps, and the length of each."""
    import pyarrow as pa

    whole = pa.concat_arrays(
        [chunk.cast(pa.large_binary()) for chunk in column.chunks] or [pa.array([], "large_binary")]
    )
    _, ends, values = whole.buffers()
    ends = np.frombuffer(ends, np.int64, len(whole) + 1)
    return np.frombuffer(values or b"", np.uint8)[ends[0] : ends[-1]], np.diff(ends)


def _fields(connection: duckdb.DuckDBPyConnection, count: int, numbers: _Numbers) -> dict[str, Array]:
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE lookup_origin AS
        SELECT source, source_org, row_number() OVER (ORDER BY source, source_org) - 1 AS origin
        FROM (SELECT DISTINCT source, source_org FROM register.person)""")
    codes = ", ".join(f"coalesce(t_{name}.code, {NO_TEXT}) AS {name}" for name in TEXTS)
    joins = " ".join(f"LEFT JOIN lookup_text t_{name} ON t_{name}.text = r.{name}" for name in TEXTS)
    found = _arrays(
        connection,
        f"""SELECT r.id, {codes}, r.key AS tie, o.origin, true AS alive, r.nhs IS NULL OR c.id IS NOT NULL AS counts
        FROM register_record r
        JOIN register.person p ON p.rowid = r.id
        JOIN lookup_origin o USING (source, source_org)
        {joins}
        -- Of the rows of one person the one that counts, as in linkage.frequencies.
        LEFT JOIN (SELECT min_by(id, key) AS id FROM register_record WHERE nhs IS NOT NULL GROUP BY nhs) c
            ON c.id = r.id
        """,
    )
    rows = found.pop("id")
    fields = {}
    for name, kind in FIELDS.items():
        # A row number that nobody has stays as it is here: not alive.
        fields[name] = np.zeros(count, kind)
        if name in found:
            fields[name][rows] = found.pop(name)
        elif name != "unit":
            fields[name] = numbers[name].astype(kind)
    at, packed = _packed(connection, "SELECT id, unit FROM register_record WHERE unit IS NOT NULL")
    fields["unit"][at] = packed
    return fields


_PAD = "."


def _packed(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[Array, Array]:
    """Rows and packed postcode units (`linkage.lookup.texts.pack`) of a query of id and unit."""
    table = connection.sql(f"SELECT id, lpad(unit, 8, '{_PAD}') AS unit FROM ({sql})").to_arrow_table()
    characters = _bytes(table["unit"])[0].copy()
    characters[characters == ord(_PAD)] = 0
    return table["id"].to_numpy(), characters.view(">u8").astype(np.uint64)


def _lists(connection: duckdb.DuckDBPyConnection, count: int) -> dict[str, Lists]:
    lists = {}
    for name in TEXT_LISTS:
        found = _arrays(
            connection,
            f"""SELECT id, code FROM (SELECT id, unnest({name}) AS text FROM register_record WHERE {name} IS NOT NULL)
            JOIN lookup_text USING (text) ORDER BY id, code""",
        )
        lists[name] = Lists.of_rows(found["code"].astype(LISTS[name]), found["id"], count)
    rows, units = _packed(connection, "SELECT id, unnest(other_units) AS unit FROM register_record")
    order = np.lexsort((units, rows))
    lists["other_units"] = Lists.of_rows(units[order], rows[order], count)
    for name in ("former_nhs", "ids", "schemes"):
        found = _arrays(
            connection, f"SELECT id, unnest({name}) AS value FROM register_record WHERE {name} IS NOT NULL ORDER BY ALL"
        )
        lists[name] = Lists.of_rows(found["value"].astype(LISTS[name]), found["id"], count)
    ids = connection.sql("SELECT rowid AS id, record_id FROM register.person ORDER BY id").to_arrow_table()
    values, each = _bytes(ids["record_id"])
    lengths = np.zeros(count, np.int64)
    lengths[ids["id"].to_numpy()] = each
    lists["record_id"] = Lists(values, np.cumsum(lengths).astype(np.uint32))
    return lists


def _record_numbers(connection: duckdb.DuckDBPyConnection, count: int) -> list[Array]:
    """Source, organisation and id of each row as numbers."""
    parts = ", ".join(f"{number_sql(name)} AS {name}" for name in ("source", "source_org", "record_id"))
    found = _arrays(connection, f"SELECT rowid AS id, {parts} FROM register.person")
    rows = found.pop("id")
    numbers = []
    for values in found.values():
        numbers.append(np.zeros(count, np.uint64))
        numbers[-1][rows] = values
    return numbers


def _keys(numbers: _Numbers, record: list[Array]) -> Keys:
    made = [pair for place, rule in enumerate(RULES) for pair in _rule_keys(numbers, place, rule.register_parts)]
    made += [_known_keys(PERSON, [numbers["nhs"]]), _known_keys(RECORD, record)]
    keys = np.concatenate([keys for keys, _ in made])
    rows = np.concatenate([rows for _, rows in made])
    made.clear()
    return Keys.unsorted(keys, rows)


def _known_keys(what: str | int, parts: list[Array]) -> tuple[Array, Array]:
    """Keys of the rows where all parts are known, and these rows."""
    rows = np.flatnonzero(np.logical_and.reduce([part > 0 for part in parts]))
    return keys_of(what, *(part[rows] for part in parts)), rows.astype(np.uint32)


def _rule_keys(numbers: _Numbers, place: int, parts: tuple[str | AnyOf, ...]) -> list[tuple[Array, Array]]:
    """Keys and rows of a rule, as `linkage.lookup.register.rule_keys` makes them."""
    several = [part for part in parts if isinstance(part, AnyOf)]
    usual = [part.usual if isinstance(part, AnyOf) else part for part in parts]
    made = []
    if None not in usual:
        made.append(_known_keys(place, [numbers[name] for name in usual if name is not None]))
    for one in several:
        rows, others = numbers.listed(one.others)
        held = [others if part is one else numbers[str(part)][rows] for part in parts]
        keys, of = _known_keys(place, held)
        made.append((keys, rows[of].astype(np.uint32)))
    return made


def _counted(numbers: _Numbers, fields: dict[str, Array]) -> tuple[Counts, People]:
    decade = np.where(numbers["birth_year"] > 0, numbers["birth_year"] // np.uint64(10) + np.uint64(1), 0)
    held = {name: numbers[name] for name in ("given", "middle", "family", "unit", "house", "gender")}
    held["has_middle"] = (held["middle"] > 0).astype(np.uint64)
    held["has_date"] = (numbers["birth_day"] > 0).astype(np.uint64)
    held |= {"decade": decade.astype(np.uint64)} | {
        name: numbers[name] for name in ("birth_year", "birth_month", "birth_day")
    }
    people = np.flatnonzero(fields["counts"])
    same, known, keys, counts = {}, {}, [], []
    for what, parts in COUNTED.items():
        made, _ = _known_keys(what, [held[part][people] for part in parts])
        distinct, n = np.unique(made, return_counts=True)
        if what in AGREE:
            same[what], known[what] = int((n * (n - 1)).sum()), int(n.sum())
        keys.append(distinct)
        counts.append(n.astype(np.int32))
    every = np.concatenate(keys)
    order = np.argsort(every)
    numbered = int(np.count_nonzero(fields["nhs"][people]))
    counted = Counts(every[order], np.concatenate(counts)[order])
    return counted, People(len(people), numbered, same, known)
