"""What a condition from a file may call: a list of names, and what each takes and gives.

A name that is not here is refused. Nothing here reads a file, a setting, a clock or a random number, or grows a text
without bound. Nothing can fail on data, since the message would hold somebody's value: what raises on odd arguments is
written inside TRY, and gives null instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What an expression gives, as far as it must be known to write it in SQL."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    TRUTH = "truth"
    LIST = "list"
    ANY = "any"


@dataclass(frozen=True)
class Function:
    """A function or operator; `sql` is its form in DuckDB, the name and its arguments where None."""

    takes: Kind
    gives: Kind
    fewest: int
    most: int
    sql: str | None = None
    constants: tuple[int, ...] = ()
    """Places of arguments that must be constants: patterns, units, formats."""

    def write(self, name: str, arguments: list[str]) -> str:
        """The call in DuckDB SQL."""
        if name == "in":
            return f"({arguments[0]} IN ({', '.join(arguments[1:])}))"
        if self.sql is not None:
            return self.sql.format(*arguments)
        return f"{name}({', '.join(arguments)})"


def _text(gives: Kind, fewest: int, most: int | None = None, sql: str | None = None, *constants: int) -> Function:
    return Function(Kind.TEXT, gives, fewest, fewest if most is None else most, sql, constants)


_T, _N, _B, _L, _D, _A = Kind.TEXT, Kind.NUMBER, Kind.TRUTH, Kind.LIST, Kind.DATE, Kind.ANY

TAKES_FUNCTION = frozenset({"list_filter", "list_transform"})
"""Their second argument is a function of an element, and nothing else is."""

FUNCTIONS: dict[str, Function] = {
    # How far two texts are apart.
    "levenshtein": _text(_N, 2),
    "damerau_levenshtein": _text(_N, 2),
    "jaro_similarity": _text(_N, 2),
    "jaro_winkler_similarity": _text(_N, 2),
    # Both raise on texts they cannot compare.
    "jaccard": _text(_N, 2, None, "TRY(jaccard({0}, {1}))"),
    "hamming": _text(_N, 2, None, "TRY(hamming({0}, {1}))"),
    # Texts.
    "length": _text(_N, 1),
    "lower": _text(_T, 1),
    "upper": _text(_T, 1),
    "trim": _text(_T, 1, 2),
    "ltrim": _text(_T, 1, 2),
    "rtrim": _text(_T, 1, 2),
    "reverse": _text(_T, 1),
    "strip_accents": _text(_T, 1),
    "substring": Function(_A, _T, 2, 3),
    "left": Function(_A, _T, 2, 2),
    "right": Function(_A, _T, 2, 2),
    "replace": _text(_T, 3, None, None, 1, 2),
    "lpad": Function(_T, _T, 3, 3, None, (1, 2)),
    "translate": _text(_T, 3),
    "concat": _text(_T, 1, 20),
    "concat_ws": _text(_T, 2, 20),
    "||": _text(_T, 2, None, "({0} || {1})"),
    "starts_with": _text(_B, 2),
    "ends_with": _text(_B, 2),
    "contains": _text(_B, 2),
    "~~": _text(_B, 2, None, "({0} LIKE {1})", 1),
    "!~~": _text(_B, 2, None, "({0} NOT LIKE {1})", 1),
    "regexp_extract": Function(_A, _T, 2, 4, None, (1, 2, 3)),
    "regexp_replace": _text(_T, 3, 4, None, 1, 2, 3),
    "regexp_matches": _text(_B, 2, 3, None, 1, 2),
    "regexp_full_match": _text(_B, 2, 3, None, 1, 2),
    # Either, or one of several.
    "nullif": Function(_A, _A, 2, 2),
    "coalesce": Function(_A, _A, 1, 20),
    "greatest": Function(_A, _A, 1, 20),
    "least": Function(_A, _A, 1, 20),
    # Numbers. Columns are widened first: two narrow ones would overflow and give null.
    "abs": Function(_N, _N, 1, 1),
    "floor": Function(_N, _N, 1, 1),
    "ceil": Function(_N, _N, 1, 1),
    "round": Function(_N, _N, 1, 2, None, (1,)),
    "+": Function(_N, _N, 2, 2, "TRY({0} + {1})"),
    "-": Function(_N, _N, 2, 2, "TRY({0} - {1})"),
    "negative": Function(_N, _N, 1, 1, "TRY(- {0})"),
    "*": Function(_N, _N, 2, 2, "TRY({0} * {1})"),
    "/": Function(_N, _N, 2, 2, "({0} / {1})"),
    "//": Function(_N, _N, 2, 2, "({0} // {1})"),
    "%": Function(_N, _N, 2, 2, "({0} % {1})"),
    # Bits: which letters a name has.
    "xor": Function(_N, _N, 2, 2),
    "bit_count": Function(_N, _N, 1, 1),
    # Dates.
    "try_strptime": _text(_D, 2, None, None, 1),
    "epoch": Function(_D, _N, 1, 1),
    "date_diff": Function(_A, _N, 3, 3, None, (0,)),
    "date_part": Function(_A, _N, 2, 2, None, (0,)),
    "year": Function(_D, _N, 1, 1),
    "month": Function(_D, _N, 1, 1),
    "day": Function(_D, _N, 1, 1),
    # Lists.
    "len": Function(_A, _N, 1, 1),
    "list_contains": Function(_A, _B, 2, 2),
    "list_has_any": Function(_L, _B, 2, 2),
    "list_intersect": Function(_L, _L, 2, 2),
    "list_prepend": Function(_A, _L, 2, 2),
    "list_value": Function(_A, _L, 0, 20),
    "list_filter": Function(_A, _L, 2, 2),
    "list_transform": Function(_A, _L, 2, 2),
    "list_max": Function(_L, _A, 1, 1),
    "list_min": Function(_L, _A, 1, 1),
    "flatten": Function(_L, _L, 1, 1),
    "slice": Function(_A, _A, 3, 3, "{0}[{1}:{2}]"),
    "element": Function(_A, _A, 2, 2, "{0}[{1}]"),
    # Truths.
    "=": Function(_A, _B, 2, 2, "({0} = {1})"),
    "<>": Function(_A, _B, 2, 2, "({0} <> {1})"),
    "<": Function(_A, _B, 2, 2, "({0} < {1})"),
    ">": Function(_A, _B, 2, 2, "({0} > {1})"),
    "<=": Function(_A, _B, 2, 2, "({0} <= {1})"),
    ">=": Function(_A, _B, 2, 2, "({0} >= {1})"),
    "in": Function(_A, _B, 2, 100),
    "between": Function(_A, _B, 3, 3, "({0} BETWEEN {1} AND {2})"),
    "distinct": Function(_A, _B, 2, 2, "({0} IS DISTINCT FROM {1})"),
    "not distinct": Function(_A, _B, 2, 2, "({0} IS NOT DISTINCT FROM {1})"),
    "is null": Function(_A, _B, 1, 1, "({0} IS NULL)"),
    "is not null": Function(_A, _B, 1, 1, "({0} IS NOT NULL)"),
    "not": Function(_B, _B, 1, 1, "(NOT {0})"),
}
"""By DuckDB's name; the operators that have none of their own are named here."""

SYNONYMS: dict[str, str] = {
    # Spark's and SQLite's names, as Splink writes them.
    "jaro_winkler": "jaro_winkler_similarity",
    "jaro_sim": "jaro_similarity",
    "array_size": "len",
    "size": "len",
    "cardinality": "len",
    "array_intersect": "list_intersect",
    "array_contains": "list_contains",
    "arrays_overlap": "list_has_any",
    "array": "list_value",
    "max": "greatest",
    "min": "least",
    "try_to_timestamp": "try_strptime",
    "try_cast_date": "try_strptime",
    "try_cast_timestamp": "try_strptime",
    "to_date": "try_strptime",
    "to_timestamp": "try_strptime",
    "unix_timestamp": "epoch",
    "time_to_unix": "epoch",
    # DuckDB's own other names.
    "array_length": "len",
    "list_length": "len",
    "array_max": "list_max",
    "array_min": "list_min",
    "list_has": "list_contains",
    "array_has": "list_contains",
    "array_has_any": "list_has_any",
    "&&": "list_has_any",
    "strptime": "try_strptime",
    "datediff": "date_diff",
    "datepart": "date_part",
    "substr": "substring",
    "char_length": "length",
    "character_length": "length",
    "lcase": "lower",
    "ucase": "upper",
    "mismatches": "hamming",
    "prefix": "starts_with",
    "suffix": "ends_with",
    "ifnull": "coalesce",
    "nvl": "coalesce",
    "ceiling": "ceil",
    "^@": "starts_with",
}
"""Other names of the same thing, of this dialect or another; read by name in the syntax tree, never in the text."""

TYPES: dict[str, Kind] = {
    **dict.fromkeys(("VARCHAR", "TEXT", "STRING", "CHAR"), Kind.TEXT),
    **dict.fromkeys(("DOUBLE", "FLOAT", "FLOAT8", "REAL"), Kind.NUMBER),
    **dict.fromkeys(("BIGINT", "INTEGER", "INT", "SMALLINT", "LONG"), Kind.NUMBER),
    **dict.fromkeys(("DATE", "TIMESTAMP"), Kind.DATE),
    "BOOLEAN": Kind.TRUTH,
}
"""Types that may be cast to."""
