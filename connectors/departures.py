"""Files of people that say nothing of them but that they are gone: changes may be of such files, a full list may not.

Where no column says who people are, a record that is not gone would be a person of whom nothing is known; and a list of
ids taken for everybody would take everybody away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.files.header import NO_HEADER
from connectors.found import Found
from connectors.supplier import Kind
from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb


def check_titles(file: Found, *, changes: bool) -> None:
    """InputError where no column says who people are, unless the file is of `changes` and may tell who is gone."""
    kind = file.kind
    if kind is None or says_who(file, kind):
        return
    tells_gone = kind.gone_field in kind.match(file.header.titles)
    if tells_gone and changes:
        return
    raise InputError(
        f"nothing says who the people are: at least one of the columns {', '.join(kind.any_of)} is needed"
        + (" in a full list; one that only tells who is gone is read as a delivery of changes" if tells_gone else ""),
        path=file.where,
        line=file.header.line if file.header.delimiter else None,
    )


def check_records(connection: duckdb.DuckDBPyConnection, file: Found, number: int) -> None:
    """InputError at the first record that is not gone, in a file without a column that says who people are.

    `number` is the file's in `raw_<kind>`. Records without a key, and lines that are nobody's, are left to their rules.
    """
    kind = file.kind
    if kind is None or says_who(file, kind):
        return
    others = [rule.when for rule in kind.exclude if kind.gone_field not in rule.columns]
    passed = [f"({when})" for when in (kind.gone or "false", *others)]
    keyless = [f"r.{field} IS NULL" for field in kind.key_columns]
    found = connection.execute(
        f"SELECT r.line FROM raw_{kind.name} r WHERE r.file = ? AND NOT coalesce({' OR '.join(keyless)}, false)"
        f" AND NOT coalesce({' OR '.join(passed)}, false) ORDER BY r.record LIMIT 1",
        [number],
    ).fetchall()
    for (line,) in found:
        raise InputError(
            f"none of the columns {', '.join(kind.any_of)} is there, so it can only tell who is gone, and this record"
            f" is not marked as deleted in {kind.gone_field}; add such a column, or take the record out",
            path=file.where,
            line=line,
        )


def says_who(file: Found, kind: Kind) -> bool:
    """Whether a file of that kind says more of people than that they are gone."""
    return not kind.any_of or file.header is NO_HEADER or bool(set(kind.any_of) & set(kind.match(file.header.titles)))
