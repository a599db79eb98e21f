"""What a `case` pattern binds and names. Takes a source and a pattern node; gives names and expressions, in the order of the source."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from ormlint.facts.quick.expressions import expression
from ormlint.facts.quick.source import MAX_DEPTH, Source, Unsure
from ormlint.facts.records import Const, Expr

Walk = Callable[[Source, Any, int, list[str], list[Expr]], None]


def pattern(at: Source, node: Any, depth: int, names: list[str], values: list[Expr]) -> None:
    """Adds the names that a pattern binds to `names`, the values and classes that it names to `values`."""
    if depth > MAX_DEPTH:
        raise Unsure
    _PATTERNS[node.__class__](at, node, depth, names, values)


def _value(at: Source, node: ast.MatchValue, depth: int, names: list[str], values: list[Expr]) -> None:
    values.append(expression(at, node.value, depth))


def _singleton(at: Source, node: ast.MatchSingleton, depth: int, names: list[str], values: list[Expr]) -> None:
    start, end = at.span(node)
    values.append(Const(start, end, node.value, "none" if node.value is None else "bool"))


def _sequence(at: Source, node: ast.MatchSequence, depth: int, names: list[str], values: list[Expr]) -> None:
    for element in node.patterns:
        pattern(at, element, depth + 1, names, values)


def _star(at: Source, node: ast.MatchStar, depth: int, names: list[str], values: list[Expr]) -> None:
    if node.name is not None:
        names.append(node.name)


def _mapping(at: Source, node: ast.MatchMapping, depth: int, names: list[str], values: list[Expr]) -> None:
    for key, inner in zip(node.keys, node.patterns, strict=True):
        values.append(expression(at, key, depth + 1))
        pattern(at, inner, depth + 1, names, values)
    if node.rest is not None:
        names.append(node.rest)


def _class(at: Source, node: ast.MatchClass, depth: int, names: list[str], values: list[Expr]) -> None:
    values.append(expression(at, node.cls, depth + 1))
    for inner in (*node.patterns, *node.kwd_patterns):
        pattern(at, inner, depth + 1, names, values)


def _as(at: Source, node: ast.MatchAs, depth: int, names: list[str], values: list[Expr]) -> None:
    if node.pattern is not None:
        pattern(at, node.pattern, depth + 1, names, values)
    if node.name is not None:
        names.append(node.name)


def _or(at: Source, node: ast.MatchOr, depth: int, names: list[str], values: list[Expr]) -> None:
    for element in node.patterns:
        pattern(at, element, depth + 1, names, values)


_PATTERNS: dict[type, Walk] = {
    ast.MatchValue: _value,
    ast.MatchSingleton: _singleton,
    ast.MatchSequence: _sequence,
    ast.MatchStar: _star,
    ast.MatchMapping: _mapping,
    ast.MatchClass: _class,
    ast.MatchAs: _as,
    ast.MatchOr: _or,
}
