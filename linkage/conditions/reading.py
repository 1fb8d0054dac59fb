"""Conditions that come from a file: read as a syntax tree, checked against a list, and written anew.

A model may bring comparisons of its own, and their conditions are SQL that would be run on people's records. So the
text itself is never run. DuckDB's parser turns it into a tree; every node of the tree must be one of those named here
or in `functions`, every column one that `resolve` knows; and the SQL that runs is written from the tree. What
is not known is refused with its name: subqueries, tables, files, settings, variables, window and aggregate functions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from linkage.conditions.expression import (
    Call,
    Case,
    Cast,
    Column,
    ConditionError,
    Constant,
    Expression,
    Function,
    Junction,
    Variable,
    walk,
)
from linkage.conditions.functions import FUNCTIONS, SYNONYMS, TAKES_FUNCTION, TYPES, Kind

if TYPE_CHECKING:
    import duckdb

LONGEST, DEEPEST = 10_000, 100
"""Characters of a condition, and levels of nesting; the longest that Splink's own library writes has some 800."""
LONGEST_PADDING = 50
MOST_REPLACEMENTS = 10
"""Each may double a text."""
MOST_FUNCTIONS = 2
"""Functions of list elements inside each other: each multiplies the work by the length of a list."""
_REPLACES = frozenset({"replace", "regexp_replace"})
_WIDTHS = {str(width) for width in range(LONGEST_PADDING + 1)}

Resolve = Callable[[tuple[str, ...]], Column | Variable]
"""Gives the column that a name of one or more parts means, or raises ConditionError."""


@dataclass(frozen=True)
class _Inside:
    """Where in the tree we are: what names mean there, and how much deeper it may go."""

    resolve: Resolve
    depth: int
    functions: int


def parse(text: str, resolve: Resolve) -> Expression:
    """The syntax tree of a condition; ConditionError names what is not allowed."""
    if not isinstance(text, str) or not text.strip():
        raise ConditionError("the condition is empty")
    if len(text) > LONGEST:
        raise ConditionError(f"the condition has {len(text)} characters, more than {LONGEST}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConditionError("the condition holds half a character") from None
    # The line break ends a comment that would swallow the bracket.
    query = f"SELECT ({text}\n)"
    ((answer,),) = parser().cursor().execute("SELECT json_serialize_sql(?)", [query]).fetchall()
    try:
        parsed = json.loads(answer)
    except RecursionError:
        raise ConditionError(f"the condition is nested deeper than {DEEPEST} levels") from None
    if parsed.get("error"):
        raise ConditionError("the condition is not one expression of SQL that DuckDB can read")
    try:
        tree = _tree(parsed, resolve)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ConditionError(
            "DuckDB's syntax tree of the condition is of a form that this version cannot read"
        ) from None
    if sum(isinstance(each, Call) and each.name in _REPLACES for each in walk(tree)) > MOST_REPLACEMENTS:
        raise ConditionError(f"the condition replaces more than {MOST_REPLACEMENTS} times")
    return tree


def _tree(parsed: Mapping[str, Any], resolve: Resolve) -> Expression:
    expression = _only_expression(parsed)
    if expression.get("type") == "OPERATOR_TRY":  # as `expression.write_condition` may have written it
        expression = expression["children"][0]
    return _read(expression, _Inside(resolve, DEEPEST, MOST_FUNCTIONS))


@cache
def parser() -> duckdb.DuckDBPyConnection:
    """A database without data that can reach neither files nor the network, to read conditions with."""
    import duckdb

    return duckdb.connect(
        config={
            "enable_external_access": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "lock_configuration": True,
            "threads": 1,
        }
    )


def _only_expression(parsed: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one expression of `SELECT (...)`, which has no table, no filter, no order and no second statement."""
    statements = parsed.get("statements", [])
    node = statements[0].get("node", {}) if len(statements) == 1 else {}
    selected = node.get("select_list", [])
    bare: dict[str, object] = {
        "type": "SELECT_NODE",
        "modifiers": [],
        "where_clause": None,
        "group_expressions": [],
        "group_sets": [],
        "having": None,
        "sample": None,
        "qualify": None,
    }
    if (
        len(selected) != 1
        or any(node.get(key) != value for key, value in bare.items())
        or node.get("from_table", {}).get("type") != "EMPTY"
        or node.get("cte_map", {}).get("map") != []
    ):
        raise ConditionError("the condition is not one expression")
    expression: Mapping[str, Any] = selected[0]
    return expression


# What a node may hold besides what is read of it; a key that is not expected makes it unknown, and so refused.
_COMMON = {"class", "type", "alias", "query_location", "query_location_length"}
_EMPTY_IN_CALL = {"schema": "", "catalog": "", "filter": None, "distinct": False, "export_state": False}

_COMPARISONS = {
    "COMPARE_EQUAL": "=",
    "COMPARE_NOTEQUAL": "<>",
    "COMPARE_LESSTHAN": "<",
    "COMPARE_GREATERTHAN": ">",
    "COMPARE_LESSTHANOREQUALTO": "<=",
    "COMPARE_GREATERTHANOREQUALTO": ">=",
    "COMPARE_DISTINCT_FROM": "distinct",
    "COMPARE_NOT_DISTINCT_FROM": "not distinct",
}
_OPERATORS = {
    "OPERATOR_NOT": "not",
    "OPERATOR_IS_NULL": "is null",
    "OPERATOR_IS_NOT_NULL": "is not null",
    "OPERATOR_COALESCE": "coalesce",
    "ARRAY_EXTRACT": "element",
    "ARRAY_SLICE": "slice",
}


def _read(node: Mapping[str, Any], here: _Inside) -> Expression:
    if here.depth <= 0:
        raise ConditionError(f"the condition is nested deeper than {DEEPEST} levels")
    if node.get("alias"):
        raise ConditionError("the condition names a part of itself (AS), which is not read")

    def inner(part: Mapping[str, Any]) -> Expression:
        return _read(part, replace(here, depth=here.depth - 1))

    kind = node.get("type", "")
    match node.get("class"):
        case "COLUMN_REF":
            _expect(node, "column_names")
            return here.resolve(tuple(node["column_names"]))
        case "CONSTANT":
            _expect(node, "literal")
            return _constant(node["literal"])
        case "COMPARISON" if kind in _COMPARISONS:
            _expect(node, "left", "right")
            return _call(_COMPARISONS[kind], (inner(node["left"]), inner(node["right"])))
        case "CONJUNCTION" if kind in ("CONJUNCTION_AND", "CONJUNCTION_OR"):
            _expect(node, "children")
            return Junction(kind.removeprefix("CONJUNCTION_"), tuple(inner(part) for part in node["children"]))
        case "BETWEEN" if kind == "COMPARE_BETWEEN":
            _expect(node, "input", "lower", "upper")
            return _call("between", tuple(inner(node[part]) for part in ("input", "lower", "upper")))
        case "OPERATOR" if kind == "COMPARE_IN":
            _expect(node, "children")
            return _call("in", tuple(inner(part) for part in node["children"]))
        case "OPERATOR" if kind in _OPERATORS:
            _expect(node, "children")
            if kind == "ARRAY_SLICE":
                return _call("slice", tuple(_bound(part, inner) for part in node["children"]))
            return _call(_OPERATORS[kind], tuple(inner(part) for part in node["children"]))
        case "OPERATOR" if kind == "OPERATOR_TRY":
            _expect(node, "children")
            return _tried(inner(node["children"][0]))
        case "CASE" if kind == "CASE_EXPR":
            _expect(node, "case_checks", "else_expr")
            arms = tuple((inner(each["when_expr"]), inner(each["then_expr"])) for each in node["case_checks"])
            return Case(arms, inner(node["else_expr"]))
        case "CAST" if kind == "OPERATOR_CAST":
            _expect(node, "child", "type_expr", "try_cast")
            return Cast(_type(node["type_expr"]), inner(node["child"]))
        case "FUNCTION" if kind == "FUNCTION":
            return _function(node, inner, here)
    raise ConditionError(f"the condition holds {_words(node)}, which is not allowed")


def _expect(node: Mapping[str, Any], *keys: str) -> None:
    if unknown := set(node) - _COMMON - set(keys):
        raise ConditionError(f"the condition holds {_words(node)} with {sorted(unknown)[0]}, which is not allowed")


def _words(node: Mapping[str, Any]) -> str:
    known = {"SUBQUERY": "a subquery", "STAR": "a star", "WINDOW": "a window function", "LAMBDA": "a lambda"}
    name = str(node.get("class", ""))
    return known.get(name, f"a part of the kind {name.lower()} {str(node.get('type', '')).lower()}".rstrip())


def _constant(literal: Mapping[str, Any]) -> Constant:
    text = str(literal.get("text", ""))
    match literal.get("kind"):
        case "STRING":
            if not text.isprintable():
                raise ConditionError("the condition holds a text with a character that cannot be seen")
            return Constant("'" + text.replace("'", "''") + "'", Kind.TEXT)
        case "INTEGER" | "NUMERIC" if all(c in "0123456789.+-eE" for c in text):
            return Constant(text, Kind.NUMBER)
        case "BOOLEAN" if text in ("true", "false"):
            return Constant(text, Kind.TRUTH)
        case "NULL_LITERAL":
            return Constant("NULL", Kind.ANY)
    raise ConditionError("the condition holds a constant that is no text, number, truth or null")


def _bound(node: Mapping[str, Any], inner: Callable[[Mapping[str, Any]], Expression]) -> Expression:
    """A part of a slice; DuckDB marks an open end by an empty list."""
    if node.get("function_name") == "list_value" and not node.get("arguments"):
        return Constant("", Kind.ANY)
    return inner(node)


def _type(node: Mapping[str, Any]) -> str:
    _expect(node, "type_name", "children", "catalog", "schema", "qualified_name")
    name = str(node.get("type_name", "")).upper()
    if name not in TYPES or node.get("children") or node.get("schema") or node.get("catalog"):
        raise ConditionError(f"the condition casts to {name or 'a type'}, which is not allowed")
    return name


def _function(node: Mapping[str, Any], inner: Callable[[Mapping[str, Any]], Expression], here: _Inside) -> Expression:
    _expect(node, "function_name", "arguments", "order_bys", "is_operator", "qualified_name", *_EMPTY_IN_CALL)
    given = str(node["function_name"]).lower()
    arguments = node["arguments"]
    if (
        any(node.get(key, empty) != empty for key, empty in _EMPTY_IN_CALL.items())
        or node["order_bys"].get("orders")
        or node["qualified_name"].get("path") != [node["function_name"]]
        or any(each.get("name") for each in arguments)
    ):
        raise ConditionError(f"the condition calls {given} with more than plain arguments, which is not allowed")
    expressions = [each["expression"] for each in arguments]
    if SYNONYMS.get(given, given) in TAKES_FUNCTION and len(expressions) == 2:
        return Call(SYNONYMS.get(given, given), (inner(expressions[0]), _of_each(expressions[1], here)))
    return _translated(given, tuple(inner(each) for each in expressions))


def _translated(given: str, parts: tuple[Expression, ...]) -> Expression:
    """A call by DuckDB's name and order of arguments."""
    match given, parts:
        case "date", (one,):
            return Cast("DATE", one)
        case "if" | "ifelse", (when, then, otherwise):
            return Case(((when, then),), otherwise)
        case "-", (one,):
            return _call("negative", (one,))
        case "substring", (one, Constant(kind=Kind.TEXT) as pattern):  # Postgres': FROM a pattern with a group
            return _call("regexp_extract", (one, pattern, Constant("1", Kind.NUMBER)))
        case "datediff" | "date_diff", (later, earlier):  # Spark's, in days
            return _call("date_diff", (Constant("'day'", Kind.TEXT), earlier, later))
    name = SYNONYMS.get(given, given)
    if name not in FUNCTIONS or name in TAKES_FUNCTION:
        raise ConditionError(f"the condition calls {given}, which is not on the list of what a model may call")
    return _call(name, parts)


def _of_each(node: Mapping[str, Any], here: _Inside) -> Function:
    """A function of one element of a list."""
    if node.get("class") != "LAMBDA":
        raise ConditionError("the condition gives a list function something else than a function of its elements")
    _expect(node, "lhs", "expr", "syntax_type")
    names = node["lhs"].get("column_names", ())
    # A variable called l, n or r would take a table's name from it.
    if (
        node["lhs"].get("class") != "COLUMN_REF"
        or len(names) != 1
        or not re.fullmatch("[a-kmo-qs-z]|[a-z]{2,9}", names[0])
    ):
        raise ConditionError("the condition holds a function of elements whose variable is no short word")
    if here.functions == 0:
        raise ConditionError(f"the condition holds more than {MOST_FUNCTIONS} functions of elements inside each other")
    variable = Variable(names[0])

    def within(parts: tuple[str, ...]) -> Column | Variable:
        return variable if parts == (variable.name,) else here.resolve(parts)

    return Function(variable, _read(node["expr"], _Inside(within, here.depth - 1, here.functions - 1)))


def _tried(part: Expression) -> Expression:
    """What stands in TRY: only what is written in TRY anyway, so that it is read back as it was."""
    if isinstance(part, Call) and (FUNCTIONS[part.name].sql or "").startswith("TRY("):
        return part
    raise ConditionError("the condition holds TRY, which is not allowed")


def _call(name: str, arguments: tuple[Expression, ...]) -> Call:
    function = FUNCTIONS[name]
    if not function.fewest <= len(arguments) <= function.most:
        wanted = str(function.fewest) if function.fewest == function.most else f"{function.fewest} to {function.most}"
        raise ConditionError(f"the condition gives {name} {len(arguments)} arguments, wanted {wanted}")
    for place in function.constants:
        if place < len(arguments) and not isinstance(arguments[place], Constant):
            raise ConditionError(f"the condition gives {name} an argument {place + 1} that is no constant")
    if name in _REPLACES and len(arguments[2].sql) > max(3, len(arguments[1].sql)):  # type: ignore[union-attr]
        raise ConditionError(f"the condition gives {name} more to put in than it takes out")
    if name == "lpad" and isinstance(arguments[1], Constant) and arguments[1].sql not in _WIDTHS:
        raise ConditionError(f"the condition pads a text to more than {LONGEST_PADDING} characters")
    return Call(name, arguments)
