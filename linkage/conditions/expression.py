"""A condition as a tree, and the tree as SQL for DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from linkage.conditions.functions import FUNCTIONS, TYPES, Kind
from schemas.errors import SettingsError


class ConditionError(SettingsError):
    """A condition holds something that is not allowed, or is not understood."""

    def __init__(self, message: str) -> None:
        """Names from a file may hold what a terminal would obey."""
        super().__init__("".join(c if c.isprintable() else "?" for c in message))


@dataclass(frozen=True)
class Column:
    """A column of one of the two records: `side` is l or r."""

    side: str
    name: str
    kind: Kind


@dataclass(frozen=True)
class Constant:
    """A value that stands in the condition; `sql` is how it is written."""

    sql: str
    kind: Kind


@dataclass(frozen=True)
class Call:
    """A function or operator of `linkage.conditions.functions`."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class Junction:
    """AND or OR of two or more."""

    word: str
    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class Case:
    """CASE WHEN: conditions with their results, and what else."""

    arms: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression


@dataclass(frozen=True)
class Cast:
    """A cast to one of `linkage.conditions.functions.TYPES`."""

    type: str
    inner: Expression


@dataclass(frozen=True)
class Variable:
    """The element of a list that the function around it looks at."""

    name: str


@dataclass(frozen=True)
class Function:
    """What is asked of each element of a list: `lambda x: ...`."""

    variable: Variable
    body: Expression


Expression = Column | Constant | Call | Junction | Case | Cast | Variable | Function
WriteColumn = Callable[[Column], str]


def walk(expression: Expression) -> Iterator[Expression]:
    """The expression and everything in it, outermost first."""
    yield expression
    for part in _parts(expression):
        yield from walk(part)


def columns(expression: Expression) -> tuple[Column, ...]:
    """The columns it reads, each once, in order."""
    return tuple(dict.fromkeys(each for each in walk(expression) if isinstance(each, Column)))


def same_columns(expression: Expression) -> frozenset[str]:
    """Names of the columns it asks to be equal on both sides, where it asks nothing else; otherwise empty.

    In whatever case: our texts have one.
    """
    if isinstance(expression, Junction) and expression.word == "AND":
        parts = [same_columns(part) for part in expression.parts]
        return frozenset[str]().union(*parts) if all(parts) else frozenset()
    if isinstance(expression, Call) and expression.name == "=":
        left, right = (_without_case(each) for each in expression.arguments)
        if isinstance(left, Column) and isinstance(right, Column) and left.name == right.name:
            return frozenset([left.name]) if left.side != right.side else frozenset()
    return frozenset()


def _without_case(expression: Expression) -> Expression:
    if (
        isinstance(expression, Call)
        and expression.name in ("lower", "upper", "trim")
        and len(expression.arguments) == 1
    ):
        return _without_case(expression.arguments[0])
    return expression


def kind(expression: Expression) -> Kind:
    """What it gives, as far as its own words say."""
    match expression:
        case Column(kind=known) | Constant(kind=known):
            return known
        case Variable() | Function():
            return Kind.ANY
        case Junction():
            return Kind.TRUTH
        case Cast(type=name):
            return TYPES[name]
        case Case(arms=arms):
            return kind(arms[0][1])
        case Call(name="nullif" | "coalesce" | "greatest" | "least" | "slice", arguments=arguments):
            return kind(arguments[0])
        case Call(name="element", arguments=(whole, _)) if kind(whole) is Kind.TEXT:
            return Kind.TEXT
        case Call(name=name):
            return FUNCTIONS[name].gives
    raise AssertionError(expression)


def write(expression: Expression, column: WriteColumn) -> str:
    """The SQL of an expression, every part in brackets of its own; `column` says how a column is written."""
    match expression:
        case Column():
            return column(expression)
        case Constant(sql=sql):
            return sql
        case Variable(name=name):
            return name
        case Function(variable=variable, body=body):
            return f"lambda {variable.name}: {write(body, column)}"
        case Junction(word=word, parts=parts):
            return "(" + f" {word} ".join(_truth(part, column) for part in parts) + ")"
        case Case(arms=arms, otherwise=otherwise):
            written = (f"WHEN {_truth(when, column)} THEN {write(then, column)}" for when, then in arms)
            return f"(CASE {' '.join(written)} ELSE {write(otherwise, column)} END)"
        case Cast(type=name, inner=inner):
            # A cast that fails would stop the run, and its message would hold somebody's value.
            return f"TRY_CAST({write(inner, column)} AS {name})"
        case Call(name="not", arguments=(inner,)):
            return f"(NOT {_truth(inner, column)})"
        case Call(name="try_strptime", arguments=(date, _)) if kind(date) is Kind.DATE:
            return f"TRY_CAST({write(date, column)} AS TIMESTAMP)"
        case Call(name=name, arguments=arguments):
            function = FUNCTIONS[name]
            return function.write(name, [_argument(each, function.takes, column) for each in arguments])
    raise AssertionError(expression)


def write_condition(expression: Expression, column: WriteColumn) -> str:
    """The SQL of a condition, which gives true, false or null on any two records and never an error."""
    sql = _truth(expression, column)
    return sql if _cannot_fail(expression) else f"TRY({sql})"


def _truth(expression: Expression, column: WriteColumn) -> str:
    """What is asked for its truth; DuckDB would turn a text into one, and fail on most."""
    found, sql = kind(expression), write(expression, column)
    if found is Kind.TRUTH or expression == Constant("NULL", Kind.ANY):
        return sql
    if found is Kind.ANY:
        return f"TRY_CAST({sql} AS BOOLEAN)"
    raise ConditionError(f"the condition takes a {found.value} for true or false")


_COMPARES = frozenset({"=", "<>", "<", ">", "<=", ">=", "between", "in", "distinct", "not distinct"}) | frozenset(
    {"coalesce", "nullif", "greatest", "least", "list_contains", "list_has_any", "list_intersect", "list_value"}
)


# Their places and lengths have limits, beyond which DuckDB raises.
_COUNTS = frozenset({"substring", "left", "right", "slice", "element"})


def _cannot_fail(expression: Expression) -> bool:
    """Whether no record can make it raise.

    DuckDB turns a text that is compared with a number or date into one, and raises where it is none.
    """
    return all(_is_safe(each) for each in walk(expression) if isinstance(each, Call))


def _is_safe(call: Call) -> bool:
    if call.name in _COMPARES:
        return _one_kind(call.arguments)
    return call.name not in _COUNTS or all(isinstance(part, Constant) for part in call.arguments[1:])


def _one_kind(arguments: tuple[Expression, ...]) -> bool:
    known = [each for each in arguments if each != Constant("NULL", Kind.ANY)]
    kinds = {kind(each) for each in known}
    # A text that stands in the condition is turned once, before any record is seen (`fields.check_types`).
    of_records = {kind(each) for each in known if not isinstance(each, Constant)}
    if Kind.ANY in kinds or Kind.LIST in kinds:
        return False
    return len(kinds) <= 1 or (len(of_records) == 1 and Kind.TEXT not in of_records)


def _argument(expression: Expression, wanted: Kind, column: WriteColumn) -> str:
    sql, found = write(expression, column), kind(expression)
    if isinstance(expression, Constant):
        return sql
    if wanted is Kind.TEXT and found is not Kind.TEXT and found is not Kind.ANY:
        if found is Kind.LIST:
            raise ConditionError("the condition takes a list for a text")
        return f"TRY_CAST({sql} AS VARCHAR)"
    if wanted is Kind.NUMBER and isinstance(expression, Column) and found is Kind.NUMBER:
        return f"TRY_CAST({sql} AS BIGINT)"
    return sql


def _parts(expression: Expression) -> tuple[Expression, ...]:
    match expression:
        case Call(arguments=parts) | Junction(parts=parts):
            return parts
        case Case(arms=arms, otherwise=otherwise):
            return (*(part for arm in arms for part in arm), otherwise)
        case Cast(inner=part) | Function(body=part):
            return (part,)
    return ()
