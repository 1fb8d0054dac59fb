"""FHIR: a resource is a record. NDJSON (one a line), a Bundle (one an entry), an array, or a bare resource.

DuckDB parses the JSON; a text is taken as NDJSON when a line at its beginning is a whole JSON object.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from connectors.files.header import Header
from connectors.files.layouts import Rows
from connectors.files.layouts.lines import lines, taken
from connectors.files.records import NOT_TEXT, Rejected
from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from connectors.supplier import Kind

NOT_JSON = "not valid JSON"
NO_RESOURCE = "no FHIR resource: it has no resourceType"
MAX_DOCUMENT = 512 << 20
"""Bytes of a document, or a line of NDJSON, which is parsed whole."""

_SPACE = " \t\x1a"
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

# Where every line is a resource, as in NDJSON that is sound, one look into each is enough.
_PLAIN = """
SELECT line, text AS json, nullif(TRY(json_extract_string(text, '$.resourceType')), 'Bundle') AS resource_type,
    CAST(NULL AS VARCHAR) AS rule
FROM incoming ORDER BY line
"""


def read(blocks: Iterator[bytes], kind: Kind, header: Header) -> Iterator[Rows]:
    """Every resource with its type and JSON text; `line` is null in a document that runs over lines.

    Raises InputError where a document is no valid JSON, or larger than MAX_DOCUMENT.
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
            rows = _resources(connection, taken(line, at), met + 1 + at, record)
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
        [[line.replace("\0", "") for line in begin]],
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
    rows = _resources(connection, pa.array([text.decode(errors="ignore")], pa.large_string()), np.ones(1, np.int64), 1)
    if any(rejected.rule in (NOT_JSON, NOT_TEXT) for rejected in rows.rejected):
        raise InputError("is not valid JSON, or was cut short; export it again")
    at = rows.table.column_names.index("line")
    yield Rows(rows.table.set_column(at, "line", pa.nulls(rows.table.num_rows, pa.int64())), rows.rejected)


def _not_blank(line: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    # Only of what begins with space it must be asked whether there is more.
    first = pc.utf8_slice_codeunits(line, 0, 1)
    blank = np.asarray(pc.is_in(first, value_set=pa.array(["", *_SPACE], first.type)))
    spaced = np.flatnonzero(blank)
    if len(spaced):
        trimmed = pc.utf8_trim(line.take(pa.array(spaced)), _SPACE)
        blank[spaced[np.asarray(pc.greater(pc.binary_length(trimmed), 0))]] = False
    return ~blank


def _resources(
    connection: duckdb.DuckDBPyConnection, text: pa.Array, line: np.ndarray[tuple[int], np.dtype[np.int64]], record: int
) -> Rows:
    import pyarrow as pa
    import pyarrow.compute as pc

    connection.register("incoming", pa.table({"line": line, "text": text}))
    found: pa.Table = connection.sql(_PLAIN).to_arrow_table()
    if found["resource_type"].null_count:
        found = connection.sql(_EXPLODED).to_arrow_table()
    connection.unregister("incoming")
    found = found.append_column("record", [record + np.arange(found.num_rows)])
    aside = found.filter(pc.is_valid(found["rule"]))
    rejected = tuple(
        Rejected(record, place, rule)
        for record, place, rule in zip(*(aside[name].to_pylist() for name in ("record", "line", "rule")), strict=True)
    )
    good = found.filter(pc.is_null(found["rule"]))
    return Rows(good.select(["resource_type", "json", "record", "line"]), rejected)
