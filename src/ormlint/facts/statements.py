"""From LibCST statements to statement records: one function for each type of node, in the table `STATEMENTS`.

Takes a cursor, a node and its depth; gives the record and leaves the cursor behind the statement. Strings that stand alone
(docstrings among them) say nothing to an analysis and give None. Resolves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import libcst as cst

from ormlint.facts.cursor import Cursor, TooDeep, gap
from ormlint.facts.expressions import EXPRESSIONS, MAX_DEPTH, arguments, expression, operator, parameters, parenthesized
from ormlint.facts.patterns import pattern
from ormlint.facts.records import (
    AnnAssign,
    Arg,
    Assert,
    Assign,
    AugAssign,
    Break,
    Case,
    Class,
    Const,
    Continue,
    Delete,
    Expr,
    ExprStmt,
    For,
    Function,
    Global,
    Handler,
    If,
    Import,
    ImportName,
    Match,
    Pass,
    Raise,
    Return,
    Seq,
    Stmt,
    Try,
    TypeAlias,
    While,
    With,
    WithItem,
)  # fmt: skip
from ormlint.facts.type_checking import checks_types, denies_types

Walk = Callable[[Cursor, Any, int], Stmt | None]


def block(at: Cursor, lines: Sequence[Any], depth: int) -> tuple[Stmt, ...]:
    """The records of the statements of one block."""
    if depth > MAX_DEPTH:
        raise TooDeep
    found: list[Stmt] = []
    for line in lines:
        if line.__class__ is cst.SimpleStatementLine:
            for small in line.body:
                statement = STATEMENTS[small.__class__](at, small, depth)
                if statement is not None:
                    found.append(statement)
        else:
            statement = STATEMENTS[line.__class__](at, line, depth)
            if statement is not None:
                found.append(statement)
    return tuple(found)


def _first(at: Cursor, node: Any, depth: int) -> tuple[Expr, int]:
    """An expression that starts a statement, and where the statement starts."""
    if node.lpar:
        found = parenthesized(at, node, depth)
        return found, at.outer
    found = EXPRESSIONS[node.__class__](at, node, depth)
    return found, found.start


def _optional(at: Cursor, node: Any, depth: int) -> Expr | None:
    return None if node is None else expression(at, node, depth)


# Simple statements


def _expression(at: Cursor, node: cst.Expr, depth: int) -> Stmt | None:
    value, start = _first(at, node.value, depth + 1)
    if isinstance(value, Const) and value.kind == "str":
        return None
    return ExprStmt(start, at.pos, value)


def _assign(at: Cursor, node: cst.Assign, depth: int) -> Stmt:
    targets = node.targets
    head, start = _first(at, targets[0].target, depth + 1)
    rest = [expression(at, t.target, depth + 1) for t in targets[1:]]
    value = expression(at, node.value, depth + 1)
    return Assign(start, at.pos, (head, *rest), value)


def _annotated(at: Cursor, node: cst.AnnAssign, depth: int) -> Stmt:
    target, start = _first(at, node.target, depth + 1)
    annotation = expression(at, node.annotation.annotation, depth + 1)
    value = _optional(at, node.value, depth + 1)
    return AnnAssign(start, at.pos, target, annotation, value)


def _augmented(at: Cursor, node: cst.AugAssign, depth: int) -> Stmt:
    target, start = _first(at, node.target, depth + 1)
    value = expression(at, node.value, depth + 1)
    return AugAssign(start, at.pos, target, operator(node.operator), value)


def _return(at: Cursor, node: cst.Return, depth: int) -> Stmt:
    start = at.begin("return")
    value = _optional(at, node.value, depth + 1)
    return Return(start, at.pos, value)


def _raise(at: Cursor, node: cst.Raise, depth: int) -> Stmt:
    start = at.begin("raise")
    value = _optional(at, node.exc, depth + 1)
    cause = expression(at, node.cause.item, depth + 1) if node.cause is not None else None
    return Raise(start, at.pos, value, cause)


def _delete(at: Cursor, node: cst.Del, depth: int) -> Stmt:
    start = at.begin("del")
    target = expression(at, node.target, depth + 1)
    targets = target.items if isinstance(target, Seq) else (target,)
    return Delete(start, at.pos, targets)


def _assert(at: Cursor, node: cst.Assert, depth: int) -> Stmt:
    start = at.begin("assert")
    test = expression(at, node.test, depth + 1)
    message = _optional(at, node.msg, depth + 1)
    return Assert(start, at.pos, test, message)


def _pass(at: Cursor, node: cst.Pass, depth: int) -> Stmt:
    return Pass(at.begin("pass"), at.pos)


def _break(at: Cursor, node: cst.Break, depth: int) -> Stmt:
    return Break(at.begin("break"), at.pos)


def _continue(at: Cursor, node: cst.Continue, depth: int) -> Stmt:
    return Continue(at.begin("continue"), at.pos)


def _scope_names(at: Cursor, node: cst.Global | cst.Nonlocal, depth: int) -> Stmt:
    is_nonlocal = isinstance(node, cst.Nonlocal)
    start = at.begin("nonlocal" if is_nonlocal else "global")
    names = tuple([item.name.value for item in node.names])
    for name in names:
        at.word(name)
    return Global(start, at.pos, names, is_nonlocal)


def _type_alias(at: Cursor, node: cst.TypeAlias, depth: int) -> Stmt:
    start = at.begin("type")
    at.word(node.name.value)
    _type_parameters(at, node.type_parameters, depth)
    value = expression(at, node.value, depth + 1)
    return TypeAlias(start, at.pos, node.name.value, value)


# Imports


def _dotted(at: Cursor, node: cst.BaseExpression) -> str:
    """The dotted name of a module; steps over it."""
    parts: list[str] = []
    part: cst.BaseExpression = node
    while isinstance(part, cst.Attribute):
        parts.append(part.attr.value)
        part = part.value
    assert isinstance(part, cst.Name)
    parts.append(part.value)
    for name in reversed(parts):
        at.word(name)
    return ".".join(reversed(parts))


def _aliases(at: Cursor, nodes: Sequence[cst.ImportAlias]) -> tuple[ImportName, ...]:
    found: list[ImportName] = []
    for node in nodes:
        start = at.pos = gap(at.text, at.pos).end()
        name = _dotted(at, node.name)
        asname = None
        if node.asname is not None:
            assert isinstance(node.asname.name, cst.Name)
            asname = node.asname.name.value
            at.word(asname)
            if name == "TYPE_CHECKING":
                at.checking_names.add(asname)
        found.append(ImportName(start, at.pos, name, asname))
    return tuple(found)


def _import(at: Cursor, node: cst.Import, depth: int, keyword: str = "import") -> Stmt:
    start = at.begin(keyword)
    names = _aliases(at, node.names)
    return Import(start, at.pos, None, 0, names, False, at.checking)


def _import_from(at: Cursor, node: cst.ImportFrom, depth: int, keyword: str = "from") -> Stmt:
    start = at.begin(keyword)
    module = _dotted(at, node.module) if node.module is not None else None
    if isinstance(node.names, cst.ImportStar):
        pos = at.find("*", at.pos)
        at.pos = pos + 1
        names: tuple[ImportName, ...] = (ImportName(pos, pos + 1, "*", None),)
    else:
        if node.lpar is not None:
            at.take("(")
        names = _aliases(at, node.names)
        if node.lpar is not None:
            at.take(")")
    return Import(start, at.pos, module, len(node.relative), names, True, at.checking)


def _lazy_import(at: Cursor, node: Any, depth: int) -> Stmt:
    return _import(at, node, depth, "lazy")


def _lazy_import_from(at: Cursor, node: Any, depth: int) -> Stmt:
    return _import_from(at, node, depth, "lazy")


# Compound statements


def _if(at: Cursor, node: cst.If, depth: int, keyword: str = "if") -> Stmt:
    if depth > MAX_DEPTH:
        raise TooDeep
    start = at.begin(keyword)
    test = expression(at, node.test, depth + 1)
    outside = at.checking
    at.checking = outside or checks_types(at.checking_names, test)
    body = block(at, node.body.body, depth + 1)
    at.checking = outside or denies_types(at.checking_names, test)
    orelse: tuple[Stmt, ...] = ()
    if node.orelse.__class__ is cst.If:
        orelse = (_if(at, node.orelse, depth + 1, "elif"),)
    elif node.orelse is not None:
        orelse = _clause(at, node.orelse, "else", depth)
    at.checking = outside
    return If(start, at.pos, test, body, orelse)


def _clause(at: Cursor, node: Any, keyword: str, depth: int) -> tuple[Stmt, ...]:
    """The block of an `else` or `finally` clause, which may be missing."""
    if node is None:
        return ()
    at.begin(keyword)
    return block(at, node.body.body, depth + 1)


def _for(at: Cursor, node: cst.For, depth: int) -> Stmt:
    is_async = node.asynchronous is not None
    start = at.begin("async" if is_async else "for")
    target = expression(at, node.target, depth + 1)
    over = expression(at, node.iter, depth + 1)
    body = block(at, node.body.body, depth + 1)
    orelse = _clause(at, node.orelse, "else", depth)
    return For(start, at.pos, target, over, body, orelse, is_async)


def _while(at: Cursor, node: cst.While, depth: int) -> Stmt:
    start = at.begin("while")
    test = expression(at, node.test, depth + 1)
    body = block(at, node.body.body, depth + 1)
    orelse = _clause(at, node.orelse, "else", depth)
    return While(start, at.pos, test, body, orelse)


def _try(at: Cursor, node: cst.Try | cst.TryStar, depth: int) -> Stmt:
    start = at.begin("try")
    body = block(at, node.body.body, depth + 1)
    handlers: list[Handler] = []
    for clause in node.handlers:
        first = at.begin("except")
        caught = _optional(at, clause.type, depth + 2)
        name = None
        if clause.name is not None and isinstance(clause.name.name, cst.Name):
            name = clause.name.name.value
            at.word(name)
        handled = block(at, clause.body.body, depth + 2)
        handlers.append(Handler(first, at.pos, caught, name, handled))
    orelse = _clause(at, node.orelse, "else", depth)
    final = _clause(at, node.finalbody, "finally", depth)
    return Try(start, at.pos, body, tuple(handlers), orelse, final)


def _with(at: Cursor, node: cst.With, depth: int) -> Stmt:
    is_async = node.asynchronous is not None
    start = at.begin("async" if is_async else "with")
    opened = isinstance(node.lpar, cst.LeftParen)
    if opened:
        at.take("(")
    items: list[WithItem] = []
    for item in node.items:
        value, first = _first(at, item.item, depth + 2)
        target = expression(at, item.asname.name, depth + 2) if item.asname is not None else None
        items.append(WithItem(first, at.pos, value, target))
    if opened:
        at.take(")")
    body = block(at, node.body.body, depth + 1)
    return With(start, at.pos, tuple(items), body, is_async)


def _match(at: Cursor, node: cst.Match, depth: int) -> Stmt:
    start = at.begin("match")
    subject = expression(at, node.subject, depth + 1)
    cases: list[Case] = []
    for case in node.cases:
        first = at.begin("case")
        names: list[str] = []
        values: list[Expr] = []
        pattern(at, case.pattern, depth + 2, names, values)
        guard = _optional(at, case.guard, depth + 2)
        body = block(at, case.body.body, depth + 2)
        cases.append(Case(first, at.pos, tuple(names), tuple(values), guard, body))
    return Match(start, at.pos, subject, tuple(cases))


# Definitions


def _type_parameters(at: Cursor, node: cst.TypeParameters | None, depth: int) -> tuple[str, ...]:
    if node is None:
        return ()
    names: list[str] = []
    at.take("[")
    for parameter in node.params:
        name = parameter.param.name.value
        at.word(name)
        names.append(name)
        if isinstance(parameter.param, cst.TypeVar):
            _optional(at, parameter.param.bound, depth + 1)
        _optional(at, parameter.default, depth + 1)
    at.take("]")
    return tuple(names)


def _is_string(node: Any) -> bool:
    """Whether the first line of a body is a docstring."""
    if node.__class__ is cst.SimpleStatementLine:
        node = node.body[0]
    if node.__class__ is not cst.Expr:
        return False
    value = node.value
    while value.__class__ is cst.ConcatenatedString:
        if value.left.__class__ is not cst.SimpleString:
            return False
        value = value.right
    return value.__class__ is cst.SimpleString and "b" not in value.prefix


def _function(at: Cursor, node: cst.FunctionDef, depth: int) -> Stmt:
    decorators = tuple([expression(at, d.decorator, depth + 1) for d in node.decorators])
    is_async = node.asynchronous is not None
    start = at.begin("async" if is_async else "def")
    name = node.name.value
    name_start = at.word(name)
    type_params = _type_parameters(at, node.type_parameters, depth)
    at.take("(")
    params = parameters(at, node.params, depth + 1)
    at.take(")")
    returns = expression(at, node.returns.annotation, depth + 1) if node.returns is not None else None
    lines = node.body.body
    outside = at.yields
    at.yields = False
    body = block(at, lines, depth + 1)
    is_generator = at.yields
    at.yields = outside
    return Function(
        start, at.pos, name, name_start, params, returns, decorators, body, is_async, is_generator, type_params, _is_string(lines[0])
    )


def _class(at: Cursor, node: cst.ClassDef, depth: int) -> Stmt:
    decorators = tuple([expression(at, d.decorator, depth + 1) for d in node.decorators])
    start = at.begin("class")
    name = node.name.value
    name_start = at.word(name)
    type_params = _type_parameters(at, node.type_parameters, depth)
    bases: tuple[Arg, ...] = ()
    if isinstance(node.lpar, cst.LeftParen):
        at.take("(")
        bases = arguments(at, [*node.bases, *node.keywords], depth + 1)
        at.take(")")
    body = block(at, node.body.body, depth + 1)
    return Class(start, at.pos, name, name_start, bases, decorators, body, type_params)


STATEMENTS: dict[type, Walk] = {
    cst.Expr: _expression, cst.Assign: _assign, cst.AnnAssign: _annotated, cst.AugAssign: _augmented, cst.Return: _return,
    cst.Raise: _raise, cst.Del: _delete, cst.Assert: _assert, cst.Pass: _pass, cst.Break: _break, cst.Continue: _continue,
    cst.Global: _scope_names, cst.Nonlocal: _scope_names, cst.TypeAlias: _type_alias,
    cst.Import: _import, cst.ImportFrom: _import_from,
    cst.If: _if, cst.For: _for, cst.While: _while, cst.Try: _try, cst.TryStar: _try, cst.With: _with, cst.Match: _match,
    cst.FunctionDef: _function, cst.ClassDef: _class,
}  # fmt: skip
_NEWER: dict[str, Walk] = {"LazyImport": _lazy_import, "LazyImportFrom": _lazy_import_from}
"""Nodes that older versions of LibCST do not have."""
STATEMENTS.update({getattr(cst, name): walk for name, walk in _NEWER.items() if hasattr(cst, name)})
