"""From the expressions of Python's own parser to expression records: one function for each type of node, in the table `EXPRESSIONS`.

Takes a source, a node and its depth. The spans are those of the lossless reader: a node's own parentheses do not count to its span, but do
to that of the node around it. Resolves nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from ormlint.facts import literals
from ormlint.facts.cursor import before, blank
from ormlint.facts.quick import strings
from ormlint.facts.quick.source import MAX_DEPTH, Source, Unsure, blank_or_closing
from ormlint.facts.records import (
    Arg,
    Attr,
    Await,
    BinOp,
    BoolOp,
    Call,
    Comp,
    Compare,
    Const,
    Dict,
    Expr,
    Generator,
    IfExp,
    Lambda,
    Name,
    Param,
    Seq,
    Slice,
    Star,
    Sub,
    Unary,
    Walrus,
    Yield,
)  # fmt: skip

Walk = Callable[[Source, Any, int], Expr]


def expression(at: Source, node: Any, depth: int) -> Expr:
    """The record of any expression."""
    return EXPRESSIONS[node.__class__](at, node, depth)


def optional(at: Source, node: Any, depth: int) -> Expr | None:
    """The record of an expression that may be missing."""
    return None if node is None else EXPRESSIONS[node.__class__](at, node, depth)


# Leaves


def _name(at: Source, node: ast.Name, depth: int) -> Expr:
    if depth > MAX_DEPTH:
        raise Unsure
    name = node.id
    start = at.lines[node.lineno] + node.col_offset
    return Name(start, start + len(name), name)


def _constant(at: Source, node: Any, depth: int) -> Expr:
    if depth > MAX_DEPTH:
        raise Unsure
    lines = at.lines
    start = lines[node.lineno] + node.col_offset
    end = lines[node.end_lineno] + node.end_col_offset
    value = node.value
    kind = value.__class__
    if kind is str:
        if at.strings is not None:
            strings.keep(at, start, end)
        if "?" in value:  # may stand for a character that is not ASCII
            value = strings.written(at, start, end)
        elif not value.isascii():
            value = literals.storable(value)
        return Const(start, end, value, "str")
    if kind is int:
        return Const(start, end, literals.storable_integer(value), "int")
    if value is None:
        return Const(start, end, None, "none")
    if kind is bool:
        return Const(start, end, value, "bool")
    if kind is float:
        return Const(start, end, value, "float")
    if kind is bytes:
        strings.keep(at, start, end)
    return Const(start, end, None, "other")


def _interpolated(at: Source, node: ast.JoinedStr, depth: int) -> Expr:
    start, end = at.span(node)
    return strings.interpolated(at, start, end, depth, expression)


# Attributes, calls, subscripts


def _attribute(at: Source, node: Any, depth: int) -> Expr:
    inner = node.value
    lines = at.lines
    return Attr(
        lines[node.lineno] + node.col_offset,
        lines[node.end_lineno] + node.end_col_offset,
        EXPRESSIONS[inner.__class__](at, inner, depth + 1),
        node.attr,
    )


def arguments(at: Source, args: Sequence[Any], keywords: Sequence[Any], pos: int, depth: int) -> tuple[Arg, ...]:
    """The arguments of a call or the bases of a class; `pos` is where what stands before their parentheses ends."""
    lines = at.lines
    found: list[Arg] = []
    if args:
        text = at.text
        low = (pos if text[pos] == "(" else blank_or_closing(text, pos).end()) + 1
        for arg in args:
            kind = arg.__class__
            if kind is ast.Starred:
                inner = arg.value
                value = EXPRESSIONS[inner.__class__](at, inner, depth + 1)
                low = lines[arg.end_lineno] + arg.end_col_offset
                found.append(Arg(lines[arg.lineno] + arg.col_offset, low, value, None, 1))
                continue
            value = EXPRESSIONS[kind](at, arg, depth + 1)
            start = value.start
            if kind is ast.Tuple or kind is ast.GeneratorExp:
                if lines[arg.lineno] + arg.col_offset < low:  # the parentheses of the call are those of its only argument
                    found.append(Arg(start, value.end, value))
                    continue
                start, low = at.around(low, arg, value)
            elif text.find("(", low, start) < 0:
                low = value.end
            else:
                start, low = at.around(low, arg, value)
            found.append(Arg(start, low, value))
    if keywords:
        for keyword in keywords:
            inner = keyword.value
            value = EXPRESSIONS[inner.__class__](at, inner, depth + 1)
            start = lines[keyword.lineno] + keyword.col_offset
            end = lines[keyword.end_lineno] + keyword.end_col_offset
            name = keyword.arg
            found.append(Arg(start, end, value, name) if name is not None else Arg(start, end, value, None, 2))
        if args and args[-1].__class__ is ast.Starred:
            found.sort(key=_start)
    return tuple(found)


def _start(arg: Arg) -> int:
    return arg.start


def _call(at: Source, node: Any, depth: int) -> Expr:
    inner = node.func
    func = EXPRESSIONS[inner.__class__](at, inner, depth + 1)
    args = node.args
    keywords = node.keywords
    lines = at.lines
    return Call(
        lines[node.lineno] + node.col_offset,
        lines[node.end_lineno] + node.end_col_offset,
        func,
        arguments(at, args, keywords, func.end, depth + 1) if args or keywords else (),
    )


def _slice(at: Source, node: ast.Slice, depth: int) -> Expr:
    start, end = at.span(node)
    lower = optional(at, node.lower, depth + 1)
    upper = optional(at, node.upper, depth + 1)
    return Slice(start, end, lower, upper, optional(at, node.step, depth + 1))


def _subscript(at: Source, node: Any, depth: int) -> Expr:
    lines = at.lines
    start = lines[node.lineno] + node.col_offset
    end = lines[node.end_lineno] + node.end_col_offset
    inner = node.value
    value = EXPRESSIONS[inner.__class__](at, inner, depth + 1)
    index = node.slice
    return Sub(start, end, value, EXPRESSIONS[index.__class__](at, index, depth + 2))


# Displays


def _star(at: Source, node: ast.Starred, depth: int) -> Expr:
    start, end = at.span(node)
    return Star(start, end, expression(at, node.value, depth + 1))


def _tuple(at: Source, node: ast.Tuple, depth: int) -> Expr:
    if depth > MAX_DEPTH:
        raise Unsure
    elements = node.elts
    start, end = at.span(node)
    text = at.text
    if not elements:
        start = blank(text, start + 1).end()
        return Seq(start, start, "tuple", ())
    items = tuple([EXPRESSIONS[e.__class__](at, e, depth + 1) for e in elements])
    first, stop = at.span(elements[0])
    if first != start:
        opened = 1 if first == start + 1 else 1 + len(at.opened(start + 1, first))
        if at.closed(stop, opened)[0] < opened:  # the outermost is the tuple's own
            start = blank(text, start + 1).end()
            last = at.span(elements[-1])[1]
            end -= 1
            while last != end:
                stop = blank(text, last).end()
                if stop >= end:
                    break
                last = stop + 1
            end = last
    return Seq(start, end, "tuple", items)


def _list(at: Source, node: Any, depth: int) -> Expr:
    if depth > MAX_DEPTH:
        raise Unsure
    start, end = at.span(node)
    return Seq(start, end, "list", tuple([EXPRESSIONS[e.__class__](at, e, depth + 1) for e in node.elts]))


def _set(at: Source, node: Any, depth: int) -> Expr:
    start, end = at.span(node)
    return Seq(start, end, "set", tuple([EXPRESSIONS[e.__class__](at, e, depth + 1) for e in node.elts]))


def _dict(at: Source, node: Any, depth: int) -> Expr:
    if depth > MAX_DEPTH:
        raise Unsure
    start, end = at.span(node)
    depth += 1
    keys = tuple([None if key is None else EXPRESSIONS[key.__class__](at, key, depth) for key in node.keys])
    return Dict(start, end, keys, tuple([EXPRESSIONS[value.__class__](at, value, depth) for value in node.values]))


# Comprehensions


def _generators(at: Source, nodes: Sequence[ast.comprehension], pos: int, depth: int) -> tuple[Generator, ...]:
    """The generators of a comprehension; `pos` is where the element before them ends, but for its parentheses."""
    found: list[Generator] = []
    depth += 1
    for node in nodes:
        start = blank_or_closing(at.text, pos).end()
        target = expression(at, node.target, depth)
        over = expression(at, node.iter, depth)
        _, pos = at.around(target.end, node.iter, over)
        ifs: list[Expr] = []
        for test in node.ifs:
            condition = expression(at, test, depth)
            _, pos = at.around(pos, test, condition)
            ifs.append(condition)
        found.append(Generator(start, pos, target, over, tuple(ifs), bool(node.is_async)))
    return tuple(found)


def _generator_expression(at: Source, node: ast.GeneratorExp, depth: int) -> Expr:
    start = blank(at.text, at.span(node)[0] + 1).end()
    elt = expression(at, node.elt, depth + 1)
    generators = _generators(at, node.generators, elt.end, depth + 1)
    return Comp(start, generators[-1].end, "generator", elt, None, generators)


def _list_comprehension(at: Source, node: Any, depth: int) -> Expr:
    return _comprehension(at, node, depth, "list")


def _set_comprehension(at: Source, node: Any, depth: int) -> Expr:
    return _comprehension(at, node, depth, "set")


def _comprehension(at: Source, node: Any, depth: int, kind: str) -> Expr:
    start, end = at.span(node)
    elt = expression(at, node.elt, depth + 1)
    return Comp(start, end, kind, elt, None, _generators(at, node.generators, elt.end, depth + 1))


def _dict_comprehension(at: Source, node: Any, depth: int) -> Expr:
    start, end = at.span(node)
    if node.value is None:  # `**` in a comprehension, of a newer Python
        raise Unsure
    key = expression(at, node.key, depth + 1)
    value = expression(at, node.value, depth + 1)
    return Comp(start, end, "dict", key, value, _generators(at, node.generators, value.end, depth + 1))


# Operators

OPERATORS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**", ast.MatMult: "@",
    ast.LShift: "<<", ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
    ast.Lt: "<", ast.Gt: ">", ast.Eq: "==", ast.NotEq: "!=", ast.LtE: "<=", ast.GtE: ">=",
    ast.In: "in", ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not",
    ast.And: "and", ast.Or: "or", ast.Not: "not", ast.USub: "-", ast.UAdd: "+", ast.Invert: "~",
}  # fmt: skip
"""Operators as written."""


def _binary(at: Source, node: Any, depth: int) -> Expr:
    start, end = at.span(node)
    left = EXPRESSIONS[node.left.__class__](at, node.left, depth + 1)
    return BinOp(start, end, OPERATORS[node.op.__class__], left, EXPRESSIONS[node.right.__class__](at, node.right, depth + 1))


def _boolean(at: Source, node: Any, depth: int) -> Expr:
    start, end = at.span(node)
    return BoolOp(start, end, OPERATORS[node.op.__class__], tuple([EXPRESSIONS[v.__class__](at, v, depth + 1) for v in node.values]))


def _comparison(at: Source, node: Any, depth: int) -> Expr:
    start, end = at.span(node)
    left = EXPRESSIONS[node.left.__class__](at, node.left, depth + 1)
    ops = tuple([OPERATORS[op.__class__] for op in node.ops])
    return Compare(start, end, left, ops, tuple([EXPRESSIONS[c.__class__](at, c, depth + 1) for c in node.comparators]))


def _unary(at: Source, node: Any, depth: int) -> Expr:
    start, end = at.span(node)
    return Unary(start, end, OPERATORS[node.op.__class__], EXPRESSIONS[node.operand.__class__](at, node.operand, depth + 1))


def _conditional(at: Source, node: ast.IfExp, depth: int) -> Expr:
    start, end = at.span(node)
    body = expression(at, node.body, depth + 1)
    test = expression(at, node.test, depth + 1)
    return IfExp(start, end, test, body, expression(at, node.orelse, depth + 1))


def _walrus(at: Source, node: ast.NamedExpr, depth: int) -> Expr:
    start, end = at.span(node)
    target = expression(at, node.target, depth + 1)
    return Walrus(start, end, target, expression(at, node.value, depth + 1))


def _await(at: Source, node: ast.Await, depth: int) -> Expr:
    start, end = at.span(node)
    return Await(start, end, expression(at, node.value, depth + 1))


def _yield(at: Source, node: ast.Yield, depth: int) -> Expr:
    at.yields = True
    start, end = at.span(node)
    return Yield(start, end, optional(at, node.value, depth + 1), False)


def _yield_from(at: Source, node: ast.YieldFrom, depth: int) -> Expr:
    at.yields = True
    start, end = at.span(node)
    return Yield(start, end, expression(at, node.value, depth + 1), True)


# Parameters


def parameters(at: Source, node: ast.arguments, low: int, depth: int) -> tuple[Param, ...]:
    """The parameters of a function or lambda, in the order of the source; `low` is where something before them stands."""
    found: list[Param] = []
    plain = [*node.posonlyargs, *node.args]
    positional = len(node.posonlyargs)
    first = len(plain) - len(node.defaults)
    for index, arg in enumerate(plain):
        default = node.defaults[index - first] if index >= first else None
        found.append(_parameter(at, arg, "pos-only" if index < positional else "pos", default, low, depth))
    if node.vararg is not None:
        found.append(_parameter(at, node.vararg, "*", None, found[-1].end if found else low, depth))
    for arg, default in zip(node.kwonlyargs, node.kw_defaults, strict=True):
        found.append(_parameter(at, arg, "kw-only", default, low, depth))
    if node.kwarg is not None:
        found.append(_parameter(at, node.kwarg, "**", None, found[-1].end if found else low, depth))
    return tuple(found)


def _parameter(at: Source, node: Any, kind: str, default: Any, low: int, depth: int) -> Param:
    name = node.arg
    lines = at.lines
    start = lines[node.lineno] + node.col_offset
    end = lines[node.end_lineno] + node.end_col_offset
    if kind[0] == "*":
        start = before(at.text, kind, low, start)
    annotation = node.annotation
    if annotation is not None:
        annotation = EXPRESSIONS[annotation.__class__](at, annotation, depth + 1)
    if default is None:
        return Param(start, end, name, kind, annotation)
    value = EXPRESSIONS[default.__class__](at, default, depth + 1)
    return Param(start, at.around(end, default, value)[1], name, kind, annotation, value)


def _lambda(at: Source, node: ast.Lambda, depth: int) -> Expr:
    start, end = at.span(node)
    yields = at.yields
    params = parameters(at, node.args, start, depth + 1)
    body = expression(at, node.body, depth + 1)
    at.yields = yields
    return Lambda(start, end, params, body)


EXPRESSIONS: dict[type, Walk] = {
    ast.Name: _name, ast.Attribute: _attribute, ast.Call: _call, ast.Subscript: _subscript, ast.Slice: _slice,
    ast.Constant: _constant, ast.JoinedStr: _interpolated,
    ast.Tuple: _tuple, ast.List: _list, ast.Set: _set, ast.Dict: _dict, ast.Starred: _star,
    ast.GeneratorExp: _generator_expression, ast.ListComp: _list_comprehension, ast.SetComp: _set_comprehension,
    ast.DictComp: _dict_comprehension,
    ast.BinOp: _binary, ast.BoolOp: _boolean, ast.Compare: _comparison, ast.UnaryOp: _unary,
    ast.IfExp: _conditional, ast.NamedExpr: _walrus, ast.Await: _await, ast.Yield: _yield, ast.YieldFrom: _yield_from,
    ast.Lambda: _lambda,
}  # fmt: skip
