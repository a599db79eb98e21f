"""From LibCST expressions to expression records: one function for each type of node, in the table `EXPRESSIONS`.

Takes a cursor, a node and its depth; gives the record and leaves the cursor behind the node and its parentheses. As in
LibCST, a node's own parentheses do not count to its span, but do to that of the node around it. Resolves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import libcst as cst

from ormlint.facts import literals
from ormlint.facts.cursor import Cursor, TooDeep, blank, blank_or_comma, gap, gap_to_dot, gap_to_yield
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
    FString,
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

MAX_DEPTH = 200
"""How deep a record may be nested. Real code stays below 60; whoever walks a record may recurse."""

Walk = Callable[[Cursor, Any, int], Expr]

_CONSTANTS: dict[str, tuple[bool | None, str]] = {"True": (True, "bool"), "False": (False, "bool"), "None": (None, "none")}

# Parentheses


def expression(at: Cursor, node: Any, depth: int) -> Expr:
    """The record of any expression."""
    if node.lpar:
        return parenthesized(at, node, depth)
    return EXPRESSIONS[node.__class__](at, node, depth)


def parenthesized(at: Cursor, node: Any, depth: int) -> Expr:
    """The record of an expression in parentheses; `at.outer` is then where the outermost stands."""
    outer = at.take("(")
    count = len(node.lpar)
    for _ in range(count - 1):
        at.take("(")
    found = EXPRESSIONS[node.__class__](at, node, depth)
    for _ in range(count):
        at.take(")")
    at.outer = outer
    return found


# Leaves


def _name(at: Cursor, node: cst.Name, depth: int) -> Expr:
    if depth > MAX_DEPTH:
        raise TooDeep
    value = node.value
    text = at.text
    start = gap(text, at.pos).end()
    if not text.startswith(value, start):
        start = at.find(value, start)
    at.pos = end = start + len(value)
    if value in _CONSTANTS:
        constant, kind = _CONSTANTS[value]
        return Const(start, end, constant, kind)
    return Name(start, end, value)


def _leaf(at: Cursor, value: str, depth: int) -> int:
    if depth > MAX_DEPTH:
        raise TooDeep
    text = at.text
    start: int = (gap_to_dot if value[0] == "." else gap)(text, at.pos).end()
    if not text.startswith(value, start):
        start = at.find(value, start)
    at.pos = start + len(value)
    return start


def _integer(at: Cursor, node: cst.Integer, depth: int) -> Expr:
    start = _leaf(at, node.value, depth)
    return Const(start, at.pos, literals.integer(node.value), "int")


def _float(at: Cursor, node: cst.Float, depth: int) -> Expr:
    start = _leaf(at, node.value, depth)
    return Const(start, at.pos, literals.real(node.value), "float")


def _imaginary(at: Cursor, node: cst.Imaginary, depth: int) -> Expr:
    start = _leaf(at, node.value, depth)
    return Const(start, at.pos, None, "other")


def _ellipsis(at: Cursor, node: cst.Ellipsis, depth: int) -> Expr:
    start = _leaf(at, "...", depth)
    return Const(start, at.pos, None, "other")


def _simple_string(at: Cursor, node: cst.SimpleString, depth: int) -> Expr:
    value = node.value
    start = _leaf(at, value, depth)
    if at.strings is not None:
        at.strings.append((start, at.pos))
    found = literals.string(value)
    return Const(start, at.pos, found, "other" if found is None else "str")


# Strings of several parts


def _parts(at: Cursor, parts: Sequence[Any], raw: bool, depth: int, items: list[Expr]) -> str:
    """Steps over the content of an f-string, adds its expressions to `items`, gives its text."""
    text = at.text
    said = ""
    for part in parts:
        value = getattr(part, "value", None)
        if value is not None:
            start = at.pos
            if not text.startswith(value, start):
                start = at.find(value, start)
            at.pos = start + len(value)
            if at.strings is not None:
                at.strings.append((start, at.pos))
            said += literals.unescaped(value, raw).replace("{{", "{").replace("}}", "}")
            continue
        at.take("{")
        items.append(expression(at, part.expression, depth + 1))
        said += "{}"
        if part.equal is not None:
            at.pos = blank(text, at.pos).end()
            at.pos += 1
        at.pos = blank(text, at.pos).end()
        if part.conversion is not None:
            at.pos = at.find(part.conversion, at.pos) + len(part.conversion)
        if part.format_spec is not None:
            at.pos = at.find(":", at.pos) + 1
            nested: list[Expr] = []
            _parts(at, part.format_spec, raw, depth, nested)
            items += nested
            said += "{}" * len(nested)
        at.pos = at.find("}", at.pos) + 1
    return said


def _formatted(at: Cursor, node: Any, depth: int) -> FString:
    start = _leaf(at, node.start, depth)
    items: list[Expr] = []
    said = _parts(at, node.parts, "r" in node.start.lower(), depth, items)
    at.pos += len(node.end)
    return FString(start, at.pos, said, tuple(items))


def _concatenated(at: Cursor, node: cst.ConcatenatedString, depth: int) -> Expr:
    pieces: list[Expr] = []
    part: Any = node
    while part.__class__ is cst.ConcatenatedString:
        pieces.append(EXPRESSIONS[part.left.__class__](at, part.left, depth))
        part = part.right
    pieces.append(EXPRESSIONS[part.__class__](at, part, depth))
    start = pieces[0].start
    said = ""
    items: list[Expr] = []
    formatted = False
    for piece in pieces:
        if isinstance(piece, FString):
            formatted = True
            said += piece.text
            items += piece.items
        elif isinstance(piece, Const) and isinstance(piece.value, str):
            said += piece.value
        else:
            return Const(start, at.pos, None, "other")
    return FString(start, at.pos, said, tuple(items)) if formatted else Const(start, at.pos, said, "str")


# Attributes, calls, subscripts


def _attribute(at: Cursor, node: cst.Attribute, depth: int) -> Expr:
    inner = node.value
    if inner.lpar:
        value = parenthesized(at, inner, depth + 1)
        start = at.outer
    else:
        value = EXPRESSIONS[inner.__class__](at, inner, depth + 1)
        start = value.start
    attr = node.attr.value
    text = at.text
    pos = at.pos + 1
    if not text.startswith(attr, pos) or text[pos - 1] != ".":
        pos = gap(text, pos - 1).end()
        if not text.startswith(attr, pos):
            pos = at.find(attr, pos)
    at.pos = end = pos + len(attr)
    return Attr(start, end, value, attr)


def arguments(at: Cursor, args: Sequence[cst.Arg], depth: int) -> tuple[Arg, ...]:
    """The arguments of a call or the bases of a class, without the parentheses around them."""
    found: list[Arg] = []
    for arg in args:
        inner = arg.value
        keyword = arg.keyword
        if keyword is not None:
            name = keyword.value
            start = _leaf(at, name, depth)
            value = expression(at, inner, depth + 1)
            found.append(Arg(start, at.pos, value, name))
            continue
        low = at.pos
        if inner.lpar:
            value = parenthesized(at, inner, depth + 1)
            start = at.outer
        else:
            value = EXPRESSIONS[inner.__class__](at, inner, depth + 1)
            start = value.start
        star = arg.star
        if star:
            found.append(Arg(at.before(star, low, start), at.pos, value, None, len(star)))
        else:
            found.append(Arg(start, at.pos, value))
    return tuple(found)


def _call(at: Cursor, node: cst.Call, depth: int) -> Expr:
    inner = node.func
    if inner.lpar:
        func = parenthesized(at, inner, depth + 1)
        start = at.outer
    else:
        func = EXPRESSIONS[inner.__class__](at, inner, depth + 1)
        start = func.start
    if at.text[at.pos] == "(":
        at.pos += 1
    else:
        at.take("(")
    args = arguments(at, node.args, depth + 1) if node.args else ()
    if at.text[at.pos] == ")":
        at.pos += 1
    else:
        at.take(")")
    return Call(start, at.pos, func, args)


def _slice(at: Cursor, node: cst.Slice, depth: int) -> Expr:
    start = at.pos = blank_or_comma(at.text, at.pos).end()
    lower = upper = step = None
    if node.lower is not None:
        lower = expression(at, node.lower, depth + 1)
    at.take(":") if at.text[at.pos] == ":" else _colon(at)
    if node.upper is not None:
        upper = expression(at, node.upper, depth + 1)
    if node.second_colon.__class__ is cst.Colon:
        _colon(at)
    if node.step is not None:
        step = expression(at, node.step, depth + 1)
    return Slice(start, at.pos, lower, upper, step)


def _colon(at: Cursor) -> None:
    pos = blank(at.text, at.pos).end()
    at.pos = at.find(":", pos) + 1


def _subscript(at: Cursor, node: cst.Subscript, depth: int) -> Expr:
    inner = node.value
    value = expression(at, inner, depth + 1)
    start = at.outer if inner.lpar else value.start
    at.take("[")
    items: list[Expr] = []
    first = last = at.pos
    for element in node.slice:
        low = at.pos
        part: Any = element.slice
        if part.__class__ is cst.Slice:
            found = _slice(at, part, depth + 2)
            here = found.start
        else:
            found = expression(at, part.value, depth + 2)
            here = at.outer if part.value.lpar else found.start
            if part.star:
                here = at.before("*", low, here)
                found = Star(here, at.pos, found)
        if not items:
            first = here
        last = at.pos
        items.append(found)
    trailing = node.slice[-1].comma.__class__ is cst.Comma
    if trailing:
        last = at.find(",", blank(at.text, at.pos).end()) + 1
        at.pos = last
    at.take("]")
    index = items[0] if len(items) == 1 and not trailing and not isinstance(items[0], Star) else Seq(first, last, "tuple", tuple(items))
    return Sub(start, at.pos, value, index)


# Displays


def _elements(at: Cursor, elements: Sequence[Any], depth: int) -> tuple[Expr, ...]:
    return tuple([expression(at, e.value, depth) if e.__class__ is cst.Element else _starred(at, e, depth) for e in elements])


def _starred(at: Cursor, node: cst.StarredElement, depth: int) -> Expr:
    if node.lpar:
        return parenthesized(at, node, depth)
    return _star(at, node, depth)


def _star(at: Cursor, node: cst.StarredElement, depth: int) -> Expr:
    low = at.pos
    value = expression(at, node.value, depth + 1)
    return Star(at.before("*", low, at.outer if node.value.lpar else value.start), at.pos, value)


def _tuple(at: Cursor, node: cst.Tuple, depth: int) -> Expr:
    if depth > MAX_DEPTH:
        raise TooDeep
    elements = node.elements
    if not elements:
        at.pos = blank(at.text, at.pos).end()
        return Seq(at.pos, at.pos, "tuple", ())
    head: Any = elements[0]
    first = _elements(at, elements[:1], depth + 1)
    opened = head.lpar if head.__class__ is cst.StarredElement else head.value.lpar
    start = at.outer if opened else first[0].start
    rest = _elements(at, elements[1:], depth + 1)
    if elements[-1].comma.__class__ is cst.Comma:
        at.pos = at.find(",", blank(at.text, at.pos).end()) + 1
    return Seq(start, at.pos, "tuple", first + rest)


def _list(at: Cursor, node: cst.List, depth: int) -> Expr:
    if depth > MAX_DEPTH:
        raise TooDeep
    start = at.take("[")
    items = _elements(at, node.elements, depth + 1)
    at.take("]")
    return Seq(start, at.pos, "list", items)


def _set(at: Cursor, node: cst.Set, depth: int) -> Expr:
    start = at.take("{")
    items = _elements(at, node.elements, depth + 1)
    at.take("}")
    return Seq(start, at.pos, "set", items)


def _dict(at: Cursor, node: cst.Dict, depth: int) -> Expr:
    if depth > MAX_DEPTH:
        raise TooDeep
    start = at.take("{")
    keys: list[Expr | None] = []
    values: list[Expr] = []
    for element in node.elements:
        keys.append(expression(at, element.key, depth + 1) if isinstance(element, cst.DictElement) else None)
        values.append(expression(at, element.value, depth + 1))
    at.take("}")
    return Dict(start, at.pos, tuple(keys), tuple(values))


# Comprehensions


def _generators(at: Cursor, node: cst.CompFor, depth: int) -> tuple[Generator, ...]:
    found: list[Generator] = []
    part: cst.CompFor | None = node
    while part is not None:
        start = blank(at.text, at.pos).end()
        target = expression(at, part.target, depth + 1)
        over = expression(at, part.iter, depth + 1)
        ifs = tuple([expression(at, i.test, depth + 1) for i in part.ifs])
        found.append(Generator(start, at.pos, target, over, ifs, part.asynchronous is not None))
        part = part.inner_for_in
    return tuple(found)


def _generator_expression(at: Cursor, node: cst.GeneratorExp, depth: int) -> Expr:
    elt = expression(at, node.elt, depth + 1)
    start = at.outer if node.elt.lpar else elt.start
    generators = _generators(at, node.for_in, depth + 1)
    return Comp(start, at.pos, "generator", elt, None, generators)


def _list_comprehension(at: Cursor, node: cst.ListComp, depth: int) -> Expr:
    start = at.take("[")
    elt = expression(at, node.elt, depth + 1)
    generators = _generators(at, node.for_in, depth + 1)
    at.take("]")
    return Comp(start, at.pos, "list", elt, None, generators)


def _set_comprehension(at: Cursor, node: cst.SetComp, depth: int) -> Expr:
    start = at.take("{")
    elt = expression(at, node.elt, depth + 1)
    generators = _generators(at, node.for_in, depth + 1)
    at.take("}")
    return Comp(start, at.pos, "set", elt, None, generators)


def _dict_comprehension(at: Cursor, node: cst.DictComp, depth: int) -> Expr:
    start = at.take("{")
    key = expression(at, node.key, depth + 1)
    value = expression(at, node.value, depth + 1)
    generators = _generators(at, node.for_in, depth + 1)
    at.take("}")
    return Comp(start, at.pos, "dict", key, value, generators)


def _spread_dict_comprehension(at: Cursor, node: Any, depth: int) -> Expr:
    start = at.take("{")
    low = at.pos
    inner = expression(at, node.value, depth + 2)
    spread = Star(at.before("**", low, at.outer if node.value.lpar else inner.start), at.pos, inner)
    generators = _generators(at, node.for_in, depth + 1)
    at.take("}")
    return Comp(start, at.pos, "dict", spread, None, generators)


# Operators

_OPERATORS: dict[type, str] = {
    cst.Add: "+", cst.Subtract: "-", cst.Multiply: "*", cst.Divide: "/", cst.FloorDivide: "//", cst.Modulo: "%", cst.Power: "**",
    cst.MatrixMultiply: "@", cst.LeftShift: "<<", cst.RightShift: ">>", cst.BitAnd: "&", cst.BitOr: "|", cst.BitXor: "^",
    cst.AddAssign: "+", cst.SubtractAssign: "-", cst.MultiplyAssign: "*", cst.DivideAssign: "/", cst.FloorDivideAssign: "//",
    cst.ModuloAssign: "%", cst.PowerAssign: "**", cst.MatrixMultiplyAssign: "@", cst.LeftShiftAssign: "<<", cst.RightShiftAssign: ">>",
    cst.BitAndAssign: "&", cst.BitOrAssign: "|", cst.BitXorAssign: "^",
    cst.LessThan: "<", cst.GreaterThan: ">", cst.Equal: "==", cst.NotEqual: "!=", cst.LessThanEqual: "<=", cst.GreaterThanEqual: ">=",
    cst.In: "in", cst.NotIn: "not in", cst.Is: "is", cst.IsNot: "is not",
    cst.And: "and", cst.Or: "or", cst.Not: "not", cst.Minus: "-", cst.Plus: "+", cst.BitInvert: "~",
}  # fmt: skip


def operator(node: cst.CSTNode) -> str:
    """An operator as written, without the equals sign of an augmented assignment."""
    return _OPERATORS[node.__class__]


def _binary(at: Cursor, node: cst.BinaryOperation, depth: int) -> Expr:
    left = expression(at, node.left, depth + 1)
    start = at.outer if node.left.lpar else left.start
    right = expression(at, node.right, depth + 1)
    return BinOp(start, at.pos, _OPERATORS[node.operator.__class__], left, right)


def _boolean(at: Cursor, node: cst.BooleanOperation, depth: int) -> Expr:
    kind = node.operator.__class__
    operands: list[cst.BaseExpression] = []
    todo: list[Any] = [node]
    while todo:
        part = todo.pop()
        if part is node or (part.__class__ is cst.BooleanOperation and not part.lpar and part.operator.__class__ is kind):
            todo.append(part.right)
            todo.append(part.left)
        else:
            operands.append(part)
    items = [expression(at, operands[0], depth + 1)]
    start = at.outer if operands[0].lpar else items[0].start
    items += [expression(at, operand, depth + 1) for operand in operands[1:]]
    return BoolOp(start, at.pos, _OPERATORS[kind], tuple(items))


def _comparison(at: Cursor, node: cst.Comparison, depth: int) -> Expr:
    left = expression(at, node.left, depth + 1)
    start = at.outer if node.left.lpar else left.start
    ops = tuple([_OPERATORS[c.operator.__class__] for c in node.comparisons])
    rights = tuple([expression(at, c.comparator, depth + 1) for c in node.comparisons])
    return Compare(start, at.pos, left, ops, rights)


def _unary(at: Cursor, node: cst.UnaryOperation, depth: int) -> Expr:
    low = at.pos
    value = expression(at, node.expression, depth + 1)
    op = _OPERATORS[node.operator.__class__]
    return Unary(at.before(op, low, at.outer if node.expression.lpar else value.start), at.pos, op, value)


def _conditional(at: Cursor, node: cst.IfExp, depth: int) -> Expr:
    body = expression(at, node.body, depth + 1)
    start = at.outer if node.body.lpar else body.start
    test = expression(at, node.test, depth + 1)
    orelse = expression(at, node.orelse, depth + 1)
    return IfExp(start, at.pos, test, body, orelse)


def _walrus(at: Cursor, node: cst.NamedExpr, depth: int) -> Expr:
    target = expression(at, node.target, depth + 1)
    start = at.outer if node.target.lpar else target.start
    value = expression(at, node.value, depth + 1)
    return Walrus(start, at.pos, target, value)


def _await(at: Cursor, node: cst.Await, depth: int) -> Expr:
    low = at.pos
    value = expression(at, node.expression, depth + 1)
    return Await(at.before("await", low, at.outer if node.expression.lpar else value.start), at.pos, value)


def _yield(at: Cursor, node: cst.Yield, depth: int) -> Expr:
    at.yields = True
    start = gap_to_yield(at.text, at.pos).end()
    at.pos = start + len("yield")
    inner = node.value
    if inner is None:
        return Yield(start, at.pos, None, False)
    if isinstance(inner, cst.From):
        value = expression(at, inner.item, depth + 1)
        return Yield(start, at.pos, value, True)
    value = expression(at, inner, depth + 1)
    return Yield(start, at.pos, value, False)


# Parameters


def _parameter(at: Cursor, node: cst.Param, kind: str, depth: int) -> Param:
    low = at.pos
    name = node.name.value
    start = _leaf(at, name, depth)
    if kind[0] == "*":
        start = at.before(kind, low, start)
    annotation = expression(at, node.annotation.annotation, depth + 1) if node.annotation is not None else None
    default = expression(at, node.default, depth + 1) if node.default is not None else None
    return Param(start, at.pos, name, kind, annotation, default)


def parameters(at: Cursor, node: cst.Parameters, depth: int) -> tuple[Param, ...]:
    """The parameters of a function or lambda, in source order, without the parentheses around them."""
    found = [_parameter(at, p, "pos-only", depth) for p in node.posonly_params]
    found += [_parameter(at, p, "pos", depth) for p in node.params]
    if isinstance(node.star_arg, cst.Param):
        found.append(_parameter(at, node.star_arg, "*", depth))
    found += [_parameter(at, p, "kw-only", depth) for p in node.kwonly_params]
    if node.star_kwarg is not None:
        found.append(_parameter(at, node.star_kwarg, "**", depth))
    return tuple(found)


def _lambda(at: Cursor, node: cst.Lambda, depth: int) -> Expr:
    low = at.pos
    yields = at.yields
    params = parameters(at, node.params, depth + 1)
    body = expression(at, node.body, depth + 1)
    at.yields = yields
    first = params[0].start if params else at.outer if node.body.lpar else body.start
    return Lambda(at.before("lambda", low, first), at.pos, params, body)


EXPRESSIONS: dict[type, Walk] = {
    cst.Name: _name, cst.Attribute: _attribute, cst.Call: _call, cst.Subscript: _subscript,
    cst.Integer: _integer, cst.Float: _float, cst.Imaginary: _imaginary, cst.Ellipsis: _ellipsis,
    cst.SimpleString: _simple_string, cst.FormattedString: _formatted, cst.ConcatenatedString: _concatenated,
    cst.Tuple: _tuple, cst.List: _list, cst.Set: _set, cst.Dict: _dict, cst.StarredElement: _star,
    cst.GeneratorExp: _generator_expression, cst.ListComp: _list_comprehension, cst.SetComp: _set_comprehension,
    cst.DictComp: _dict_comprehension,
    cst.BinaryOperation: _binary, cst.BooleanOperation: _boolean, cst.Comparison: _comparison, cst.UnaryOperation: _unary,
    cst.IfExp: _conditional, cst.NamedExpr: _walrus, cst.Await: _await, cst.Yield: _yield, cst.Lambda: _lambda,
}  # fmt: skip
_NEWER: dict[str, Walk] = {"TemplatedString": _formatted, "StarredDictComp": _spread_dict_comprehension}
"""Nodes that older versions of LibCST do not have."""
EXPRESSIONS.update({getattr(cst, name): walk for name, walk in _NEWER.items() if hasattr(cst, name)})
