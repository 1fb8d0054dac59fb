"""Mutants of a module's functions and constants, put in place one by one while it is loaded.

mutmut and cosmic-ray ask one thing of a mutant: does any test fail? Asked here is more: does it allow what was not
allowed before? And they start a test run for each, where these rules answer in microseconds. So: a small set of changes
to the syntax tree, each compiled into the function that runs, and taken back.
"""

from __future__ import annotations
import __future__

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType
from typing import Any

_FLIPS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_SWAPS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr}
_NAMES = {"any": "all", "all": "any", "min": "max", "max": "min", "deny": "refer", "True": "False", "False": "True"}
_MILDER = {"DENY": ("REFER", "ALLOW"), "REFER": ("ALLOW",), "TRANSFORM": ("ALLOW",)}


@dataclass(frozen=True)
class Mutant:
    """A change, where it is, and how to put it in place for a while."""

    where: str
    change: str
    applied: Callable[[], Any]


def of_module(module: ModuleType, only: Callable[[str], bool] = lambda name: True) -> Iterator[Mutant]:
    """Every mutant of the functions, methods and constants that a module defines."""
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.FunctionDef) and only(node.name):
            yield from _of_function(module, getattr(module, node.name), node, node.name)
        elif isinstance(node, ast.ClassDef):
            for each in node.body:
                found = vars(getattr(module, node.name)).get(getattr(each, "name", ""))
                found = found.fget if isinstance(found, property) else found
                if isinstance(each, ast.FunctionDef) and isinstance(found, FunctionType) and only(each.name):
                    yield from _of_function(module, found, each, f"{node.name}.{each.name}")
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and only(node.targets[0].id):
            yield from _of_constant(module, node, node.targets[0].id)


def _of_function(module: ModuleType, function: FunctionType, node: ast.FunctionDef, name: str) -> Iterator[Mutant]:
    bare = deepcopy(node)
    bare.decorator_list = []
    if isinstance(bare.body[0], ast.Expr) and isinstance(bare.body[0].value, ast.Constant):
        bare.body = bare.body[1:]
    _without_types(bare)
    for line, change, mutated in _changed(bare):
        code = _compiled(module, mutated, bare.name)
        if code is not None and code.co_freevars == function.__code__.co_freevars:
            yield Mutant(f"{module.__name__}.{name}:{line}", change, lambda code=code: _running(function, code))


def _without_types(tree: ast.FunctionDef) -> None:
    """Annotations decide nothing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Name("object", ast.Load())


@contextmanager
def _running(function: FunctionType, code: CodeType) -> Iterator[None]:
    kept = function.__code__
    function.__code__ = code
    try:
        yield
    finally:
        function.__code__ = kept


def _compiled(module: ModuleType, node: ast.FunctionDef, name: str) -> CodeType | None:
    tree = ast.fix_missing_locations(ast.Module([node], []))
    space = dict(vars(module))
    flags = __future__.annotations.compiler_flag
    try:
        exec(compile(tree, module.__file__ or "", "exec", flags=flags, dont_inherit=True), space)  # noqa: S102 - our own source
    except SyntaxError:
        return None  # a keyword twice
    code: CodeType = space[name].__code__
    return code


def _of_constant(module: ModuleType, node: ast.Assign, name: str) -> Iterator[Mutant]:
    for line, change, mutated in _changed(node):
        space = dict(vars(module))
        tree = ast.fix_missing_locations(ast.Module([mutated], []))
        try:
            exec(compile(tree, module.__file__ or "", "exec", dont_inherit=True), space)  # noqa: S102 - our own source
        except (TypeError, ValueError, KeyError):
            continue  # no constant comes of it
        value = space[name]
        yield Mutant(
            f"{module.__name__}.{name}:{line}", change, lambda value=value: _held(getattr(module, name), value)
        )


@contextmanager
def _held(old: Any, new: Any) -> Iterator[None]:
    """The constant replaced wherever a module of ours has it under a name."""
    places = [
        (held, name)
        for held in list(sys.modules.values())
        if getattr(held, "__name__", "").startswith("governance")
        for name, value in vars(held).items()
        if value is old
    ]
    for held, name in places:
        setattr(held, name, new)
    try:
        yield
    finally:
        for held, name in places:
            setattr(held, name, old)


def _changed(tree: ast.AST) -> Iterator[tuple[int, str, Any]]:
    """The tree once for each change: line, what was changed into what, and the changed tree."""
    for at, node in enumerate(ast.walk(tree)):
        for new in _alternatives(node):
            copy = deepcopy(tree)
            target = list(ast.walk(copy))[at]
            yield getattr(node, "lineno", 0), f"{_said(node)}  ->  {_said(new)}", _Swap(target, new).visit(copy)


def _said(node: ast.AST) -> str:
    return textwrap.shorten(ast.unparse(ast.fix_missing_locations(deepcopy(node))), 70)


class _Swap(ast.NodeTransformer):
    def __init__(self, target: ast.AST, new: ast.AST) -> None:
        self.target, self.new = target, new

    def visit(self, node: ast.AST) -> Any:
        return self.new if node is self.target else self.generic_visit(node)


def _alternatives(node: ast.AST) -> Iterator[ast.AST]:
    """What a slip could make of a node."""
    match node:
        case ast.Compare(ops=[op]):
            for flipped in _FLIPS.get(type(op), ()):
                yield _with(node, ops=[flipped()])
            yield from _texts(node)
        case ast.BoolOp(op=op, values=values):
            yield _with(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
            for left_out in range(len(values)):
                rest = [value for at, value in enumerate(values) if at != left_out]
                yield rest[0] if len(rest) == 1 else _with(node, values=rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.If() | ast.IfExp() | ast.While():
            yield from (_with(node, test=ast.Constant(value)) for value in (True, False))
        case ast.comprehension(ifs=[_, *_]):
            yield _with(node, ifs=[])
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield from (ast.Constant(value + by) for by in (1, -1))
        case ast.BinOp(op=op) if type(op) in _SWAPS:
            yield _with(node, op=_SWAPS[type(op)]())
        case ast.Attribute(attr=name) if name in _MILDER:
            yield from (_with(node, attr=milder) for milder in _MILDER[name])
        case ast.Name(id=name) if name in _NAMES:
            yield _with(node, id=_NAMES[name])
        case ast.keyword(arg=str(name)) if name in _NAMES:
            yield _with(node, arg=_NAMES[name])
        case ast.Return(value=value) if value is not None:
            yield _with(node, value=ast.parse("allow('')", mode="eval").body)
        case ast.Dict(keys=keys, values=values):
            for at in range(len(keys)):
                yield _with(node, keys=keys[:at] + keys[at + 1 :], values=values[:at] + values[at + 1 :])
        case (
            ast.Set(elts=elements) | ast.Tuple(elts=elements, ctx=ast.Load()) | ast.List(elts=elements, ctx=ast.Load())
        ):
            for at in range(len(elements) if len(elements) > 1 else 0):
                yield _with(node, elts=elements[:at] + elements[at + 1 :])


def _texts(node: ast.Compare) -> Iterator[ast.AST]:
    """Texts compared with another: a slip of the keyboard."""
    for at, side in enumerate([node.left, *node.comparators]):
        if isinstance(side, ast.Constant) and isinstance(side.value, str):
            other = ast.Constant(side.value + "?")
            sides = [other if n == at else each for n, each in enumerate([node.left, *node.comparators])]
            yield _with(node, left=sides[0], comparators=sides[1:])


def _with(node: Any, **changes: Any) -> Any:
    copy = deepcopy(node)
    for name, value in changes.items():
        setattr(copy, name, deepcopy(value))
    return copy
