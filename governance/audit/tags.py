"""The tags of a release: what stands in the index for each name of each person, made for millions at once.

A tag is HMAC-SHA256(salt of the name, release), and a salt is found by HMAC-SHA256(index key, name), each cut to SIZE
bytes. Python's HMAC answers for one person, SQL over columns for a release; a test holds them equal.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from governance.audit.salts import SIZE, Salts

if TYPE_CHECKING:
    import duckdb
    import numpy.typing as npt
    import pyarrow as pa

_NAMES = """
SELECT concat_ws(chr(31), 'nhs-number', n.nhs_number) AS name
FROM numbers n SEMI JOIN leaving USING (person_key) WHERE n.certain
UNION ALL SELECT concat_ws(chr(31), 'record', k.source, k.source_org, k.record_id)
FROM person_key k SEMI JOIN leaving USING (person_key) WHERE k.side = 'client'
"""
"""Every certain NHS number of the people who leave, and every record of theirs as clients."""


def mac(key: bytes, text: bytes) -> bytes:
    """Of a name under the index key, or of a release's id under a salt."""
    return hmac.digest(key, text, "sha256")[:SIZE]


def _mac_sql(outer: str, inner: str, text: str) -> str:
    """The same (RFC 2104); `inner` and `outer` are the key padded to a block and XORed."""
    return f"unhex(left(sha256({outer} || unhex(sha256({inner} || {text}))), {2 * SIZE}))"


_BLOCK, _INNER, _OUTER = 64, 0x36, 0x5C


def tags_of(connection: duckdb.DuckDBPyConnection, salts: Salts, tables: Sequence[str], release_id: str) -> bytes:
    """The sorted tags of everybody in `out_<table>`; a name without a salt is given one, durably."""
    leaving = " UNION ALL ".join(f"SELECT person_key FROM out_{table}" for table in tables)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW leaving AS {leaving}")
    found = _mac_sql("?::BLOB", "?::BLOB", "encode(name)")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE named AS SELECT DISTINCT {found} AS name FROM ({_NAMES})",
        [bytes(byte ^ pad for byte in salts.key.ljust(_BLOCK, b"\0")) for pad in (_OUTER, _INNER)],
    )
    _add_salts(connection, salts)
    rows = _rows(salts)
    outer, inner = (rows[:, SIZE:] ^ np.uint8(pad) for pad in (_OUTER, _INNER))
    connection.register("salted", _table(name=rows[:, :SIZE], outer_key=outer, inner_key=inner))
    tag = _mac_sql("outer_key || ?::BLOB", "inner_key || ?::BLOB", "?::BLOB")
    fill = [bytes([pad]) * (_BLOCK - SIZE) for pad in (_OUTER, _INNER)]
    tags = connection.sql(
        f"SELECT {tag} AS tag FROM named JOIN salted USING (name) ORDER BY tag", params=[*fill, release_id.encode()]
    ).to_arrow_table()
    connection.unregister("salted")
    connection.execute("DROP TABLE named")
    return b"".join(_bytes(tags["tag"], SIZE))


def _add_salts(connection: duckdb.DuckDBPyConnection, salts: Salts) -> None:
    """Give a random salt to each of `named` that has none."""
    rows = _rows(salts)
    connection.register("held", _table(name=rows[:, :SIZE], salt=rows[:, SIZE:]))
    new = connection.sql("SELECT name FROM named ANTI JOIN held USING (name)").to_arrow_table()
    if len(new):
        made = np.frombuffer(secrets.token_bytes(SIZE * len(new)), np.uint8).reshape(-1, SIZE)
        connection.register("new", new.append_column("salt", _table(salt=made)["salt"]))
        both = connection.sql("SELECT name || salt AS row FROM (FROM held UNION ALL FROM new) ORDER BY row")
        salts.write(_bytes(both.to_arrow_table()["row"], 2 * SIZE))
        connection.unregister("new")
    connection.unregister("held")


def _rows(salts: Salts) -> npt.NDArray[np.uint8]:
    return np.frombuffer(salts.read(), np.uint8).reshape(-1, 2 * SIZE)


def _table(**columns: npt.NDArray[np.uint8]) -> pa.Table:
    """Columns of SIZE bytes each."""
    import pyarrow as pa

    def column(values: npt.NDArray[np.uint8]) -> pa.Array:
        return pa.Array.from_buffers(pa.binary(SIZE), len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])

    return pa.table({name: column(values) for name, values in columns.items()})


def _bytes(column: pa.ChunkedArray, width: int) -> list[memoryview]:
    """The values of a column of `width` bytes each, one behind the other."""
    import pyarrow as pa

    chunks = column.cast(pa.binary(width)).chunks
    return [memoryview(c.buffers()[1])[c.offset * width : (c.offset + len(c)) * width] for c in chunks]
