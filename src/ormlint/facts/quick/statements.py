"""From the statements of Python's own parser to statement records: one function for each type of node, in the table `STATEMENTS`.

Takes a source, a node and its depth. Strings that stand alone (docstrings among them) say nothing to an analysis and give None. A compound
statement ends where its last statement does; semicolons belong to none. Resolves nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from ormlint.facts.cursor import gap, statement_gap
from ormlint.facts.quick.expressions import EXPRESSIONS, OPERATORS, arguments, expression, optional, parameters
from ormlint.facts.quick.patterns import pattern
from ormlint.facts.quick.source import MAX_DEPTH, Source, Unsure
from ormlint.facts.records import (
    AnnAssign,
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
    Stmt,
    Try,
    TypeAlias,
    While,
    With,
    WithItem,
)  # fmt: skip
from ormlint.facts.type_checking import checks_types, denies_types

Walk = Callable[[Source, Any, int], Stmt | None]


def block(at: Source, nodes: Sequence[Any], depth: int) -> tuple[Stmt, ...]:
    """The records of the statements of one block; `at.end` is then where the last one ends."""
    if depth > MAX_DEPTH:
        raise Unsure
    found: list[Stmt] = []
    statement: Stmt | None = None
    for node in nodes:
        statement = STATEMENTS[node.__class__](at, node, depth)
        if statement is not None:
            found.append(statement)
    if statement is not None:
        at.end = statement.end
    elif nodes:
        at.end = at.span(nodes[-1])[1]
    return tuple(found)


# Simple statements


def _expression(at: Source, node: Any, depth: int) -> Stmt | None:
    inner = node.value
    value = EXPRESSIONS[inner.__class__](at, inner, depth + 1)
    if value.__class__ is Const and value.kind == "str":
        return None
    start, end = at.span(node)
    return ExprStmt(start, end, value)


def _assign(at: Source, node: Any, depth: int) -> Stmt:
    start, end = at.span(node)
    depth += 1
    if at.newer is not None and start in at.newer.aliases:
        if len(node.targets) > 1:
            raise Unsure
        return TypeAlias(start, end, at.newer.aliases.pop(start), expression(at, node.value, depth))
    targets = tuple([EXPRESSIONS[target.__class__](at, target, depth) for target in node.targets])
    inner = node.value
    return Assign(start, end, targets, EXPRESSIONS[inner.__class__](at, inner, depth))


def _annotated(at: Source, node: ast.AnnAssign, depth: int) -> Stmt:
    start, end = at.span(node)
    target = expression(at, node.target, depth + 1)
    annotation = expression(at, node.annotation, depth + 1)
    return AnnAssign(start, end, target, annotation, optional(at, node.value, depth + 1))


def _augmented(at: Source, node: ast.AugAssign, depth: int) -> Stmt:
    start, end = at.span(node)
    target = expression(at, node.target, depth + 1)
    return AugAssign(start, end, target, OPERATORS[node.op.__class__], expression(at, node.value, depth + 1))


def _return(at: Source, node: ast.Return, depth: int) -> Stmt:
    start, end = at.span(node)
    return Return(start, end, optional(at, node.value, depth + 1))


def _raise(at: Source, node: ast.Raise, depth: int) -> Stmt:
    start, end = at.span(node)
    value = optional(at, node.exc, depth + 1)
    return Raise(start, end, value, optional(at, node.cause, depth + 1))


def _delete(at: Source, node: ast.Delete, depth: int) -> Stmt:
    start, end = at.span(node)
    nodes: Sequence[ast.expr] = node.targets
    if len(nodes) == 1 and isinstance(nodes[0], ast.Tuple | ast.List):
        low = at.span(nodes[0])[1]
        if at.text.find(",", low, end) < 0:  # with a comma it is a tuple of one tuple
            nodes = nodes[0].elts
    return Delete(start, end, tuple([expression(at, target, depth + 2) for target in nodes]))


def _assert(at: Source, node: ast.Assert, depth: int) -> Stmt:
    start, end = at.span(node)
    test = expression(at, node.test, depth + 1)
    return Assert(start, end, test, optional(at, node.msg, depth + 1))


def _pass(at: Source, node: ast.Pass, depth: int) -> Stmt:
    start, end = at.span(node)
    return Pass(start, end)


def _break(at: Source, node: ast.Break, depth: int) -> Stmt:
    start, end = at.span(node)
    return Break(start, end)


def _continue(at: Source, node: ast.Continue, depth: int) -> Stmt:
    start, end = at.span(node)
    return Continue(start, end)


def _global(at: Source, node: ast.Global, depth: int) -> Stmt:
    start, end = at.span(node)
    return Global(start, end, tuple(node.names), False)


def _nonlocal(at: Source, node: ast.Nonlocal, depth: int) -> Stmt:
    start, end = at.span(node)
    return Global(start, end, tuple(node.names), True)


def _type_alias(at: Source, node: Any, depth: int) -> Stmt:
    start, end = at.span(node)
    _type_parameters(at, node, 0, -1, depth)
    return TypeAlias(start, end, node.name.id, expression(at, node.value, depth + 1))


# Imports


def _aliases(at: Source, nodes: Sequence[ast.alias]) -> tuple[ImportName, ...]:
    found: list[ImportName] = []
    for node in nodes:
        start, end = at.span(node)
        if node.name == "TYPE_CHECKING" and node.asname is not None:
            at.checking_names.add(node.asname)
        found.append(ImportName(start, end, node.name, node.asname))
    return tuple(found)


def _import(at: Source, node: Any, depth: int) -> Stmt:
    _eager(node)
    start, end = at.span(node)
    return Import(start, end, None, 0, _aliases(at, node.names), False, at.checking)


def _import_from(at: Source, node: Any, depth: int) -> Stmt:
    _eager(node)
    start, end = at.span(node)
    return Import(start, end, node.module, node.level, _aliases(at, node.names), True, at.checking)


def _eager(node: Any) -> None:
    """Lazy imports, of a newer Python, are left to the lossless reader."""
    if getattr(node, "is_lazy", False):
        raise Unsure


# Compound statements


def _if(at: Source, node: ast.If, depth: int) -> Stmt:
    if depth > MAX_DEPTH:
        raise Unsure
    start = at.lines[node.lineno] + node.col_offset
    test = expression(at, node.test, depth + 1)
    outside = at.checking
    names = at.checking_names
    at.checking = outside or checks_types(names, test)
    body = block(at, node.body, depth + 1)
    orelse: tuple[Stmt, ...] = ()
    if node.orelse:
        at.checking = outside or denies_types(names, test)
        orelse = block(at, node.orelse, depth + 1)
    at.checking = outside
    return If(start, at.end, test, body, orelse)


def _clause(at: Source, nodes: Sequence[Any], depth: int) -> tuple[Stmt, ...]:
    """The block of an `else` or `finally` clause, which may be missing."""
    return block(at, nodes, depth + 1) if nodes else ()


def _for(at: Source, node: Any, depth: int) -> Stmt:
    start = at.lines[node.lineno] + node.col_offset
    target = expression(at, node.target, depth + 1)
    over = expression(at, node.iter, depth + 1)
    body = block(at, node.body, depth + 1)
    orelse = _clause(at, node.orelse, depth)
    return For(start, at.end, target, over, body, orelse, node.__class__ is ast.AsyncFor)


def _while(at: Source, node: ast.While, depth: int) -> Stmt:
    start = at.lines[node.lineno] + node.col_offset
    test = expression(at, node.test, depth + 1)
    body = block(at, node.body, depth + 1)
    orelse = _clause(at, node.orelse, depth)
    return While(start, at.end, test, body, orelse)


def _try(at: Source, node: Any, depth: int) -> Stmt:
    lines = at.lines
    start = lines[node.lineno] + node.col_offset
    body = block(at, node.body, depth + 1)
    handlers: list[Handler] = []
    for clause in node.handlers:
        first = lines[clause.lineno] + clause.col_offset
        caught = optional(at, clause.type, depth + 2)
        if at.newer is not None:
            caught = at.newer.caught.pop(first, caught)
        handled = block(at, clause.body, depth + 2)
        handlers.append(Handler(first, at.end, caught, clause.name, handled))
    orelse = _clause(at, node.orelse, depth)
    final = _clause(at, node.finalbody, depth)
    return Try(start, at.end, body, tuple(handlers), orelse, final)


def _with(at: Source, node: Any, depth: int) -> Stmt:
    start = at.lines[node.lineno] + node.col_offset
    low = at.text.find("with", start) + 4
    items: list[WithItem] = []
    for item in node.items:
        inner = item.context_expr
        value = expression(at, inner, depth + 2)
        first, end = at.span(inner)
        opened = at.opened(low, first)
        if opened and not items and _parenthesizes(at, node.items, len(opened), end):
            opened = opened[1:]
        if opened:
            first = opened[0]
            end = at.closed(end, len(opened))[1]
        target = None
        if item.optional_vars is not None:
            target = expression(at, item.optional_vars, depth + 2)
            _, end = at.around(end, item.optional_vars, target)
        items.append(WithItem(first, end, value, target))
        low = end
    body = block(at, node.body, depth + 1)
    return With(start, at.end, tuple(items), body, node.__class__ is ast.AsyncWith)


def _parenthesizes(at: Source, items: Sequence[ast.withitem], opened: int, end: int) -> bool:
    """Whether the first of the parentheses before the first value, which ends at `end`, is that of the items, not of the value."""
    if at.closed(end, opened)[0] < opened:
        return True
    if len(items) > 1 or items[0].optional_vars is not None:
        return False
    return opened > isinstance(items[0].context_expr, ast.Yield | ast.YieldFrom | ast.NamedExpr)


def _match(at: Source, node: ast.Match, depth: int) -> Stmt:
    start = at.lines[node.lineno] + node.col_offset
    text = at.text
    subject = expression(at, node.subject, depth + 1)
    _, at.end = at.around(start + 5, node.subject, subject)
    cases: list[Case] = []
    for case in node.cases:
        first = statement_gap(text, at.end).end()
        if not text.startswith("case", first):
            raise Unsure
        names: list[str] = []
        values: list[Expr] = []
        pattern(at, case.pattern, depth + 2, names, values)
        guard = optional(at, case.guard, depth + 2)
        body = block(at, case.body, depth + 2)
        cases.append(Case(first, at.end, tuple(names), tuple(values), guard, body))
    return Match(start, at.end, subject, tuple(cases))


# Definitions


def _type_parameters(at: Source, node: Any, end: int, name_start: int, depth: int) -> tuple[tuple[str, ...], int]:
    """The names of the type parameters of a definition whose name ends at `end`, and where they end."""
    if at.newer is not None and name_start in at.newer.parameters:
        return at.newer.parameters.pop(name_start)
    parameters = getattr(node, "type_params", ())
    if not parameters:
        return (), end
    for parameter in parameters:
        optional(at, getattr(parameter, "bound", None), depth + 1)
        optional(at, getattr(parameter, "default_value", None), depth + 1)
    return tuple([parameter.name for parameter in parameters]), at.span(parameters[-1])[1]


def _named(at: Source, start: int, keyword: str, name: str) -> int:
    """Where the name of a definition stands."""
    text = at.text
    pos = start + len(keyword) + 1
    if text.startswith(name, pos) and text[pos - 1] == " " and text.startswith(keyword, start):
        return pos
    pos = gap(text, start).end()
    if not text.startswith(name, pos):
        raise Unsure
    return pos


def _is_string(node: Any) -> bool:
    """Whether the first statement of a body is a docstring."""
    return node.__class__ is ast.Expr and node.value.__class__ is ast.Constant and node.value.value.__class__ is str


def _function(at: Source, node: Any, depth: int) -> Stmt:
    decorators = tuple([expression(at, d, depth + 1) for d in node.decorator_list])
    start = at.lines[node.lineno] + node.col_offset
    name = node.name
    name_start = _named(at, start, "def", name)
    type_params, _ = _type_parameters(at, node, 0, name_start, depth)
    params = parameters(at, node.args, name_start, depth + 1)
    returns = optional(at, node.returns, depth + 1)
    outside = at.yields
    at.yields = False
    body = block(at, node.body, depth + 1)
    is_generator = at.yields
    at.yields = outside
    is_async = node.__class__ is ast.AsyncFunctionDef
    return Function(
        start, at.end, name, name_start, params, returns, decorators, body, is_async, is_generator, type_params, _is_string(node.body[0])
    )


def _class(at: Source, node: Any, depth: int) -> Stmt:
    decorators = tuple([expression(at, d, depth + 1) for d in node.decorator_list])
    start = at.lines[node.lineno] + node.col_offset
    name = node.name
    name_start = _named(at, start, "class", name)
    type_params, before = _type_parameters(at, node, name_start + len(name), name_start, depth)
    bases = arguments(at, node.bases, node.keywords, before, depth + 1) if node.bases or node.keywords else ()
    body = block(at, node.body, depth + 1)
    return Class(start, at.end, name, name_start, bases, decorators, body, type_params)


STATEMENTS: dict[type, Walk] = {
    ast.Expr: _expression, ast.Assign: _assign, ast.AnnAssign: _annotated, ast.AugAssign: _augmented, ast.Return: _return,
    ast.Raise: _raise, ast.Delete: _delete, ast.Assert: _assert, ast.Pass: _pass, ast.Break: _break, ast.Continue: _continue,
    ast.Global: _global, ast.Nonlocal: _nonlocal,
    ast.Import: _import, ast.ImportFrom: _import_from,
    ast.If: _if, ast.For: _for, ast.AsyncFor: _for, ast.While: _while, ast.Try: _try, ast.TryStar: _try,
    ast.With: _with, ast.AsyncWith: _with, ast.Match: _match,
    ast.FunctionDef: _function, ast.AsyncFunctionDef: _function, ast.ClassDef: _class,
}  # fmt: skip
if hasattr(ast, "TypeAlias"):  # from Python 3.12 on
    STATEMENTS[ast.TypeAlias] = _type_alias
