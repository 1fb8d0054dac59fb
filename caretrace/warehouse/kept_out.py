"""Records that were erased and must not come back with the next delivery: keyed hashes of them, and nothing else.

The state keeps an HMAC-SHA-256 (RFC 2104) of side and record key under a secret made from the project's root key, which
is never in the project. Whoever has the state alone can test no guess against it. A delivery that cannot be compared,
because the keys are not there, is held: bringing somebody back in silence would be worse.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING

from caretrace.warehouse import identities, tables
from schemas.errors import SettingsError
from schemas.sql import reading_order

if TYPE_CHECKING:
    import duckdb

    from caretrace.warehouse.store import State

Roots = Callable[[int], bytes]
"""Gives the root key of a version; raises SettingsError where it is not there."""
RULE = "erased from the warehouse, and kept out"
_PURPOSE = b"caretrace kept-out record, version 1"
_BLOCK = 64
"""Bytes of a SHA-256 block, which HMAC pads its key to."""


def hashes(connection: duckdb.DuckDBPyConnection, root: bytes) -> list[str]:
    """Of every record in `erasing`."""
    query = _hashed("SELECT side, source, source_org, record_id FROM erasing", "side")
    return [digest for *_, digest in connection.execute(query, _pads(root)).fetchall()]


def find(connection: duckdb.DuckDBPyConnection, roots: Roots) -> dict[int, str]:
    """Of the records in `erasing` (with their `place`) those that are kept out: place to hash."""
    found: dict[int, str] = {}
    for (version,) in connection.execute("SELECT DISTINCT key_version FROM state.kept_out ORDER BY 1").fetchall():
        query = _hashed("SELECT place, side, source, source_org, record_id FROM erasing", "side")
        found |= dict(
            connection.execute(
                f"SELECT place, hash FROM ({query}) WHERE hash IN (SELECT hash FROM state.kept_out)",
                _pads(roots(int(version))),
            ).fetchall()
        )
    return found


def leave_out(state: State, side: str, roots: Roots) -> int:
    """Take the kept-out records out of `store.<side>`, as just read, and set them aside; gives how many.

    Raises SettingsError where there are some and a key is not there.
    """
    connection = state.connection
    versions = connection.execute("SELECT DISTINCT key_version FROM state.kept_out ORDER BY 1").fetchall()
    if not versions:
        return 0
    filled = tables.filled(connection, "store", side)
    key = ", ".join(tables.KEY)
    keys = " UNION ".join(f"SELECT {key} FROM store.{side}.{tables.name(table)}" for table in filled)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE keeping_out AS SELECT {key} FROM store.{side}.person LIMIT 0")
    for (version,) in versions:
        if keys:
            connection.execute(
                f"""INSERT INTO keeping_out SELECT {key} FROM ({_hashed(keys, f"'{side}'")})
                WHERE hash IN (SELECT hash FROM state.kept_out WHERE key_version = $version)""",
                {**_pads(roots(int(version))), "version": version},
            )
    [(count,)] = connection.execute("SELECT count(*) FROM keeping_out").fetchall()
    if count:
        connection.execute(f"""INSERT INTO store.{side}.set_aside BY NAME
            SELECT p.source, p.source_org, 'excluded' AS kind, p.extract_file, p.extract_record, p.extract_line,
                '' AS "columns", '{RULE}' AS rule
            FROM keeping_out k JOIN store.{side}.person p ON {identities.same("p", "k")}
            ORDER BY {reading_order("p")}""")
        for table in filled:
            connection.execute(
                f"DELETE FROM store.{side}.{tables.name(table)} t USING keeping_out k WHERE {identities.same('t', 'k')}"
            )
    return int(count)


def no_keys(version: int) -> bytes:
    """For whoever has no keys: SettingsError."""
    raise SettingsError(
        f"records that were erased are kept out, and to know them needs version {version} of the root key; set"
        " CARETRACE_KEYS to where the keys are"
    )


def _hashed(query: str, side: str) -> str:
    """SQL of the same rows with `hash`; JSON keeps the parts of a key apart."""
    parts = ", ".join(tables.KEY)
    said = f"CAST(to_json([{side}, {parts}]) AS VARCHAR)"
    return f"SELECT *, sha256($outer::BLOB || unhex(sha256($inner::BLOB || encode({said})))) AS hash FROM ({query})"


def _pads(root: bytes) -> dict[str, bytes]:
    """The two paddings of HMAC under the secret of this purpose, so that DuckDB can hash a column at once."""
    secret = hmac.digest(root, _PURPOSE, sha256).ljust(_BLOCK, b"\0")
    return {"inner": bytes(byte ^ 0x36 for byte in secret), "outer": bytes(byte ^ 0x5C for byte in secret)}
