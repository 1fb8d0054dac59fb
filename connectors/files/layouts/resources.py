"""FHIR: a resource is a record. NDJSON (one a line), a Bundle (one an entry), an array, or a bare resource.

DuckDB parses the JSON; a text is taken as NDJSON when a line at its beginning is a whole JSON object.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from connectors.files.header import Header
from connectors.files.layouts import NOT_JSON as NOT_JSON
from connectors.files.layouts import Rows
from connectors.files.layouts.lines import lines, taken, with_nul
from connectors.files.records import NOT_TEXT, Rejected
from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from connectors.supplier import Kind

NO_RESOURCE = "no FHIR resource: it has no resourceType"
NEXT = "a page of a search that has further pages: give them all, in one folder"
MAX_DOCUMENT = 512 << 20
"""Bytes of a document, or a line of NDJSON, which is parsed whole."""

_SPACE = " \t\x1a"
_PATIENT = ('{"resourceType":"Patient",', '{"resourceType": "Patient",')
_EXPLODED = f"""
WITH unit AS (
    SELECT line, text, contains(text, chr(0)) AS is_binary, NOT contains(text, chr(0)) AND json_valid(text) AS is_json
    FROM incoming
), element AS (
    SELECT line, is_binary, is_json, unnest(elements) AS element, generate_subscripts(elements, 1) AS place
    FROM (
        SELECT *, CASE
            WHEN NOT is_json THEN [CAST(NULL AS VARCHAR)]
            WHEN json_type(text) = 'ARRAY' THEN list_transform(json_extract(text, '$[*]'), lambda e: CAST(e AS VARCHAR))
            WHEN json_extract_string(text, '$.resourceType') = 'Bundle'
            THEN list_transform(json_extract(text, '$.entry[*]'), lambda e: CAST(e -> '$.resource' AS VARCHAR))
            ELSE [text] END AS elements
        FROM unit
    )
), typed AS (
    SELECT *, json_extract_string(element, '$.resourceType') AS resource_type FROM element
)
SELECT line, element AS json, resource_type, CASE
    WHEN is_binary THEN '{NOT_TEXT}' WHEN NOT is_json THEN '{NOT_JSON}' WHEN resource_type IS NULL THEN '{NO_RESOURCE}'
    END AS rule
FROM typed ORDER BY line, place
"""

# Of a text that is a resource, as all are in NDJSON that is sound, one look into it is enough.
_TYPES = "SELECT TRY(json_extract_string(text, '$.resourceType')) AS resource_type FROM incoming"
_NEXT = """
SELECT coalesce(bool_or(list_contains(TRY(json_extract_string(text, '$.link[*].relation')), 'next')), false)
FROM incoming
"""
_ENTRIES = """
SELECT json_array_length(text, '$.entry') AS count, json_extract(text, '$.entry[*].resource') AS resources
FROM incoming
"""


def read(blocks: Iterator[bytes], kind: Kind, header: Header) -> Iterator[Rows]:
    """Every resource with its type and JSON text; `line` is null in a document that runs over lines.

    A line that begins and ends as a Patient may prove to be no JSON when it is parsed. Raises InputError where a
    document is no valid JSON, or larger than MAX_DOCUMENT.
    """
    import duckdb

    first = next(blocks, b"")
    whole = chain([first], blocks)
    with duckdb.connect() as connection:
        if not _is_ndjson(connection, first):
            yield from _document(connection, whole)
            return
        met, record = 0, 1
        for line in lines(whole, longest=MAX_DOCUMENT):
            at = np.flatnonzero(_not_blank(line))
            found, more = _resources(connection, taken(line, at), met + 1 + at)
            rows = _numbered(found, record, more)
            met, record = met + len(line), record + rows.records
            yield rows


def _is_ndjson(connection: duckdb.DuckDBPyConnection, first: bytes) -> bool:
    """Whether the first line of the text is a whole object, or the second is a resource and no part of a document."""
    # Breaks are CR and LF and no others: JSON texts may hold U+2028 and U+0085 as they are.
    parts = re.split(r"[\r\n]+", first.decode(errors="ignore"), maxsplit=8)[:8]
    begin = [line.strip(_SPACE) for line in parts if line.strip(_SPACE)][:2]
    if not begin or begin[0].startswith("["):
        return False
    found = connection.execute(
        "SELECT json_valid(x) AND x[1] = '{', CASE WHEN json_valid(x) THEN json_extract_string(x, '$.resourceType') END"
        " FROM unnest(?::VARCHAR[]) WITH ORDINALITY t(x, n) ORDER BY n",
        # The beginning of a document that fills the block is not gone through for what no object ends with.
        [[line.replace("\0", "") if line.endswith("}") else "" for line in begin]],
    ).fetchall()
    if found[0][0] or len(found) == 1:
        return bool(found[0][0])
    is_object, resource_type = found[1]
    # An entry of a Bundle may fill a line, and so may a resource whose place the first line opens.
    return bool(is_object and resource_type and not begin[0].endswith(("[", ":")))


def _document(connection: duckdb.DuckDBPyConnection, blocks: Iterator[bytes]) -> Iterator[Rows]:
    import pyarrow as pa

    text = bytearray()
    for block in blocks:
        text += block
        if len(text) > MAX_DOCUMENT:
            raise InputError(f"a JSON document of more than {MAX_DOCUMENT >> 20} MB; export it as NDJSON")
    ends = pa.py_buffer(np.array([0, len(text)], np.int64))
    one = pa.Array.from_buffers(pa.large_string(), 1, [None, ends, pa.py_buffer(text)])
    found = _entries(connection, one)
    if found is None:
        found = _exploded(connection, one, np.ones(1, np.int64))
    rows = _numbered(found, 1, _more(connection, one))
    if any(rejected.rule in (NOT_JSON, NOT_TEXT) for rejected in rows.rejected):
        raise InputError("is not valid JSON, or was cut short; export it again")
    at = rows.table.column_names.index("line")
    table = rows.table.set_column(at, "line", pa.nulls(rows.table.num_rows, pa.int64()))
    yield replace(rows, table=table)


def _not_blank(line: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    import pyarrow.compute as pc

    begun = pc.starts_with(line, "{")
    if pc.all(begun).as_py():
        return np.ones(len(line), bool)
    trimmed = pc.utf8_trim(line, _SPACE)
    return np.asarray(pc.greater(pc.binary_length(trimmed), 0))


def _resources(
    connection: duckdb.DuckDBPyConnection, text: pa.Array, line: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> tuple[pa.Table, str | None]:
    """The resources of some lines: line, json, resource_type and, of what is none, the rule that rejects it.

    Beside them, what Bundles among the lines say of further pages.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kinds = _kinds(connection, text)
    bundles = pc.fill_null(pc.equal(kinds, "Bundle"), False)
    more = _more(connection, text.filter(bundles))
    kinds = pc.if_else(bundles, pa.scalar(None, kinds.type), kinds)
    plain = _found(text, line, kinds, pa.nulls(len(text), pa.string()))
    if not kinds.null_count:
        return plain, more
    known = np.asarray(pc.is_valid(kinds))
    others = _exploded(connection, text.filter(pa.array(~known)), line[~known])
    both = pa.concat_tables([plain.filter(pa.array(known)), others.cast(plain.schema)])
    return both.take(np.argsort(both["line"], kind="stable")), more


def _entries(connection: duckdb.DuckDBPyConnection, one: pa.Array) -> pa.Table | None:
    """The same of a Bundle whose every entry has a resource; None of any other document."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if _types(connection, one)[0].as_py() != "Bundle":
        return None
    connection.register("incoming", pa.table({"text": one}))
    (bundle,) = connection.sql(_ENTRIES).to_arrow_table().to_batches()
    connection.unregister("incoming")
    texts = bundle["resources"].flatten().cast(pa.large_string())
    if bundle["count"][0].as_py() != len(texts):
        return None
    kinds = _kinds(connection, texts)
    rule = pc.if_else(pc.is_null(kinds), NO_RESOURCE, pa.scalar(None, pa.string()))
    return _found(texts, np.ones(len(texts), np.int64), kinds, rule)


def _kinds(connection: duckdb.DuckDBPyConnection, text: pa.Array) -> pa.Array:
    """What each resource is, null where a text is none; what begins and ends as a Patient is not looked into."""
    import pyarrow as pa
    import pyarrow.compute as pc

    begun = pc.or_(*(pc.starts_with(text, beginning) for beginning in _PATIENT))
    other = ~np.asarray(pc.and_(begun, pc.ends_with(text, "}")))
    other[with_nul(text)] = True
    kinds = pa.repeat("Patient", len(text))
    if not other.any():
        return kinds
    mask = pa.array(other)
    return pc.replace_with_mask(kinds, mask, _types(connection, text.filter(mask)))


def _types(connection: duckdb.DuckDBPyConnection, text: pa.Array) -> pa.Array:
    """What each resource is; null where a text is none."""
    import pyarrow as pa

    connection.register("incoming", pa.table({"text": text}))
    kinds = connection.sql(_TYPES).to_arrow_table()["resource_type"]
    connection.unregister("incoming")
    return kinds.combine_chunks()


def _found(
    text: pa.Array, line: np.ndarray[tuple[int], np.dtype[np.int64]], kinds: pa.Array, rule: pa.Array
) -> pa.Table:
    import pyarrow as pa

    return pa.table({"line": line, "json": text, "resource_type": kinds, "rule": rule})


def _exploded(
    connection: duckdb.DuckDBPyConnection, text: pa.Array, line: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> pa.Table:
    """The same of texts that may be or hold anything."""
    import pyarrow as pa

    connection.register("incoming", pa.table({"line": line, "text": text}))
    found: pa.Table = connection.sql(_EXPLODED).to_arrow_table()
    connection.unregister("incoming")
    return found


def _more(connection: duckdb.DuckDBPyConnection, text: pa.Array) -> str | None:
    """What Bundles say of further pages: one of their links, which may stand behind their entries."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pc.any(pc.match_substring(text, '"next"')).as_py():
        return None
    connection.register("incoming", pa.table({"text": text}))
    ((found,),) = connection.execute(_NEXT).fetchall()
    connection.unregister("incoming")
    return NEXT if found else None


def _numbered(found: pa.Table, record: int, more: str | None) -> Rows:
    """Rows and rejected; records are counted on from `record`."""
    import pyarrow.compute as pc

    found = found.append_column("record", [record + np.arange(found.num_rows)])
    fields = ["resource_type", "json", "record", "line"]
    if found["rule"].null_count == found.num_rows:
        return Rows(found.select(fields), more=more)
    aside = found.filter(pc.is_valid(found["rule"]))
    rejected = tuple(
        Rejected(record, place, rule)
        for record, place, rule in zip(*(aside[name].to_pylist() for name in ("record", "line", "rule")), strict=True)
    )
    return Rows(found.filter(pc.is_null(found["rule"])).select(fields), rejected, more)
