"""SQL over lines of values parted by commas, without titles: what those say that the layout left whole (`Kind.rows`).

A value in quotation marks may hold commas and line breaks, so such a line is taken apart by patterns, and one whose
marks do not pair runs on to the line that closes them. They are few: nearly all lines are split as they are read.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.values import quoted

SHAPE = '(?:,(?:"(?:[^"]|"")*"|[^",]*))*'
"""A line with a comma before it, where every quotation mark stands where one may stand."""

# Said so that the store asks it itself: a plain test for null it hands to Arrow, which copies all columns.
_PLAIN = "starts_with(coalesce(r.plain, ''), 'y')"
_SPACES = (*range(9, 14), *range(28, 33), 133, 160, 5760, *range(8192, 8203), 8232, 8233, 8239, 8287, 12288)
SPACE = quoted("".join(map(chr, _SPACES)))
"""All that Arrow trims (White_Space of Unicode, and the separators 28 to 31)."""


# SQL: the lines of `others`, where one whose quotation marks do not pair runs on to the next that closes them. Adds
# `whole` (with spaces for line breaks) and `continued`: carriage returns inside PDS addresses break records over lines.
_WHOLE_LINES = """
    WITH parity AS (SELECT file, record, (length(text) - length(replace(text, '"', ''))) % 2 AS odd FROM others),
        opened AS (SELECT file, record, coalesce(sum(odd) OVER (PARTITION BY file ORDER BY record
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) % 2 AS inside FROM parity),
        answers AS (SELECT file, record, inside = 1 AS continued,
            sum(1 - inside) OVER (PARTITION BY file ORDER BY record) AS answer FROM opened),
        tails AS (SELECT file, answer, string_agg(text, ' ' ORDER BY record) AS tail
            FROM answers JOIN others USING (file, record) WHERE continued GROUP BY ALL)
    SELECT r.*, a.continued, CASE WHEN t.tail IS NULL THEN r.text ELSE r.text || ' ' || t.tail END AS whole
    FROM others r JOIN answers a USING (file, record)
    LEFT JOIN tails t ON t.file = a.file AND t.answer = a.answer"""


def split(x: str) -> str:
    """SQL of the values of a line as a list of texts; null where its quotation marks stand where none may stand."""
    bare = "CASE WHEN starts_with(s, '\"') THEN replace(s[2:-2], '\"\"', '\"') ELSE s END"
    return (
        f"CASE WHEN NOT contains({x}, '\"') THEN string_split({x}, ',')"
        f" WHEN regexp_full_match(',' || {x}, {quoted(SHAPE)}) THEN list_transform("
        f"""regexp_extract_all(',' || {x}, ',("(?:[^"]|"")*"|[^",]*)', 1), lambda s: {bare}) END"""
    )


def records(kind: str, rows: Mapping[int, Mapping[str, int]], meant: str = "TRUE") -> str:
    """SQL: the records of `raw_<kind>` with the fields of `rows` of those too that were left whole.

    Gives file, record, line, text, the fields, `f` (the list of values of a line left whole, else null) and
    `continued`: the line is the rest of the one above, and has no fields. `meant` is SQL over `r` of whether commas and
    quotation marks mean anything in its file.
    """
    names = list(dict.fromkeys(name for fields in rows.values() for name in fields))
    columns = ", ".join(f"{_field(name, rows)} AS {name}" for name in names)
    # Lines that need nothing are not looked at twice: they are nearly all.
    return f"""
        WITH others AS MATERIALIZED (FROM raw_{kind} r WHERE NOT {_PLAIN} AND {meant}),
            taken AS (SELECT *, CASE WHEN NOT continued THEN {split("whole")} END AS f FROM ({_WHOLE_LINES}))
        SELECT file, record, line, text, {", ".join(names)}, CAST(NULL AS VARCHAR[]) AS f, false AS continued
        FROM raw_{kind} r WHERE {_PLAIN} OR NOT {meant}
        UNION ALL SELECT file, record, line, text, {columns}, f, continued FROM taken"""


def _field(name: str, rows: Mapping[int, Mapping[str, int]]) -> str:
    arms = " ".join(
        f"WHEN {width} THEN nullif(trim(f[{fields[name]}], {SPACE}), '')"
        for width, fields in rows.items()
        if name in fields
    )
    return f"CASE len(f) {arms} END"
