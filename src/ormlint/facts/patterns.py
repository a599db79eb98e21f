"""What a `case` pattern binds and names. Takes a cursor and a pattern node; gives names and expressions, in source order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import libcst as cst

from ormlint.facts.cursor import Cursor, TooDeep
from ormlint.facts.expressions import MAX_DEPTH, expression
from ormlint.facts.records import Expr

Walk = Callable[[Cursor, Any, int, list[str], list[Expr]], None]


def pattern(at: Cursor, node: Any, depth: int, names: list[str], values: list[Expr]) -> None:
    """Steps over a pattern; adds the names that it binds to `names`, the values and classes that it names to `values`."""
    if depth > MAX_DEPTH:
        raise TooDeep
    if node.__class__ in (cst.MatchValue, cst.MatchSingleton):
        values.append(expression(at, node.value, depth))
        return
    for _ in node.lpar:
        at.take("(")
    _PATTERNS[node.__class__](at, node, depth, names, values)
    for _ in node.rpar:
        at.take(")")


def _bind(at: Cursor, name: cst.Name | None, names: list[str]) -> None:
    at.word(name.value if name is not None else "_")
    if name is not None:
        names.append(name.value)


def _sequence(at: Cursor, node: Any, depth: int, names: list[str], values: list[Expr]) -> None:
    bracket = getattr(node, "lbracket", None) is not None
    if bracket:
        at.take("[")
    for element in node.patterns:
        if isinstance(element, cst.MatchStar):
            _bind(at, element.name, names)
        else:
            pattern(at, element.value, depth + 1, names, values)
    if bracket:
        at.take("]")


def _mapping(at: Cursor, node: cst.MatchMapping, depth: int, names: list[str], values: list[Expr]) -> None:
    at.take("{")
    for element in node.elements:
        values.append(expression(at, element.key, depth + 1))
        pattern(at, element.pattern, depth + 1, names, values)
    if node.rest is not None:
        _bind(at, node.rest, names)
    at.take("}")


def _class(at: Cursor, node: cst.MatchClass, depth: int, names: list[str], values: list[Expr]) -> None:
    values.append(expression(at, node.cls, depth + 1))
    at.take("(")
    for element in node.patterns:
        pattern(at, element.value, depth + 1, names, values)
    for keyword in node.kwds:
        at.word(keyword.key.value)
        pattern(at, keyword.pattern, depth + 1, names, values)
    at.take(")")


def _as(at: Cursor, node: cst.MatchAs, depth: int, names: list[str], values: list[Expr]) -> None:
    if node.pattern is not None:
        pattern(at, node.pattern, depth + 1, names, values)
    _bind(at, node.name, names)


def _or(at: Cursor, node: cst.MatchOr, depth: int, names: list[str], values: list[Expr]) -> None:
    for element in node.patterns:
        pattern(at, element.pattern, depth + 1, names, values)


_PATTERNS: dict[type, Walk] = {
    cst.MatchList: _sequence,
    cst.MatchTuple: _sequence,
    cst.MatchMapping: _mapping,
    cst.MatchClass: _class,
    cst.MatchAs: _as,
    cst.MatchOr: _or,
}
