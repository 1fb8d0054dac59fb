"""Texts as national batch services take them: plain letters, no line breaks, within the length of the field.

What is changed on the way is counted by field and said, since a changed name is a changed question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

# Letters that are no accented form of a plain one, and signs of many shapes; the usual spelling in English records
# [assumed].
_LETTERS = {
    **dict(zip("ØøĐđÐðŁł\u0131Ħħ", "OoDdDdLliHh", strict=True)),
    **dict.fromkeys("\u2018\u2019\u02bc\u0060\u00b4\u2032", "'"),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
}
_SPELT = {
    **{"ß": "ss", "ẞ": "SS", "Æ": "AE", "æ": "ae", "Œ": "OE", "œ": "oe", "Þ": "Th", "þ": "th", "ŋ": "ng"},
}


class Change(Enum):
    """What happened to a text on its way into a file; the value is the sentence for the user."""

    LETTERS = "accents and signs were written in plain letters"
    SHORTENED = "cut to the longest the format holds"
    LEFT_OUT = "left out: it has letters that the format cannot hold"


@dataclass(frozen=True)
class Written:
    """What a writer wrote: rows, and how many texts of which column were changed and how."""

    rows: int
    changes: Mapping[tuple[str, Change], int]

    def to_text(self) -> list[str]:
        """One sentence for each kind of change, by column; empty where every text went as it is held."""
        return [f"{count:,} x {column}: {change.value}" for (column, change), count in sorted_changes(self.changes)]


def sorted_changes(changes: Mapping[tuple[str, Change], int]) -> list[tuple[tuple[str, Change], int]]:
    """The changes that happened, in order of column and kind."""
    order = list(Change)
    return sorted(((key, n) for key, n in changes.items() if n), key=lambda item: (item[0][0], order.index(item[0][1])))


def _bare(x: str) -> str:
    """SQL of a text without accents, * (a wildcard in traces), control characters and line breaks."""
    spaced = f"regexp_replace({x}, '[\\x00-\\x1f\\x7f\\x{{a0}}*]+', ' ', 'g')"
    letters, plain = "".join(_LETTERS), "".join(_LETTERS.values()).replace("'", "''")
    text = f"translate({spaced}, '{letters}', '{plain}')"
    for letter, spelt in _SPELT.items():
        text = f"replace({text}, '{letter}', '{spelt}')"
    return f"strip_accents({text})"


def prepare(
    connection: duckdb.DuckDBPyConnection, query: str, lengths: Mapping[str, int], *, table: str, order: str
) -> Written:
    """Make the temporary table `table` of the query's rows with the columns of `lengths` made plain and cut.

    Columns not in `lengths` stay as they are. Rows stand in the order of the column `order`.
    """
    bare = ", ".join(f'{_bare(f"""CAST("{name}" AS VARCHAR)""")} AS "{name}"' for name in lengths)
    # Single spaces; null where a letter is left that cannot be written.
    plain = ", ".join(
        f"""CASE WHEN regexp_full_match("{name}", '[ -~]*')"""
        f""" THEN nullif(trim(regexp_replace("{name}", ' +', ' ', 'g')), '') END AS "{name}\""""
        for name in lengths
    )
    cut = ", ".join(f'trim(left("{name}", {length})) AS "{name}"' for name, length in lengths.items())
    counted = {key: f"count(*) FILTER ({sql})" for name in lengths for key, sql in _changed(name, lengths[name])}
    connection.execute(f"CREATE OR REPLACE TEMP TABLE given_texts AS {query}")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE plain_texts AS SELECT * REPLACE ({plain})"
        f" FROM (SELECT * REPLACE ({bare}) FROM given_texts) ORDER BY {order}"
    )
    [counts] = connection.execute(
        f"SELECT count(*), {', '.join(counted.values())} FROM given_texts g JOIN plain_texts p USING ({order})"
    ).fetchall()
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * REPLACE ({cut}) FROM plain_texts")
    for name in ("given_texts", "plain_texts"):
        connection.execute(f"DROP TABLE {name}")
    return Written(int(counts[0]), dict(zip(counted, map(int, counts[1:]), strict=True)))


def _changed(name: str, length: int) -> Sequence[tuple[tuple[str, Change], str]]:
    given, made = f'trim(g."{name}")', f'p."{name}"'
    lost = f"coalesce({given}, '') <> '' AND {made} IS NULL"
    return [
        ((name, Change.LETTERS), f"{made} IS NOT NULL AND {made} <> regexp_replace({given}, '\\s+', ' ', 'g')"),
        ((name, Change.SHORTENED), f"length({made}) > {length}"),
        ((name, Change.LEFT_OUT), lost),
    ]
