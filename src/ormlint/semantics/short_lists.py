"""Lists that are as short as the text that fills them.

Takes a function's body and a name; says whether the name is a display to which single elements are appended, each once. Knows nothing of
values: what a loop fills, or somebody else may have filled, is not short.
"""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.facts import records as r
from ormlint.facts.walking import walk
from ormlint.semantics.symbols import nested_bodies

_READING = frozenset({"len", "enumerate", "reversed", "sorted", "list", "tuple", "zip", "bool", "iter"})


def length_written(body: tuple[r.Stmt, ...], name: str) -> int | None:
    """How many elements the list of this name may have as far as it is written out; None where something else may fill it."""
    elements = mentions = 0
    started = False
    for stmt in _once(body):
        if isinstance(stmt, r.Assign) and len(stmt.targets) == 1 and _is(stmt.targets[0], name):
            start: r.Expr | None = stmt.value
        elif isinstance(stmt, r.AnnAssign) and _is(stmt.target, name):
            start = stmt.value
        elif isinstance(stmt, r.ExprStmt) and _appends(stmt.value, name):
            elements += 1
            mentions += 1
            continue
        else:
            continue
        if started or not isinstance(start, r.Seq) or any(isinstance(item, r.Star) for item in start.items):
            return None
        started = True
        elements += len(start.items)
        mentions += 1
    if not started:
        return None
    every = sum(1 for node in walk(body) if isinstance(node, r.Name) and node.id == name)
    return elements if every == mentions + _reads(body, name) else None


def _once(body: tuple[r.Stmt, ...]) -> Iterator[r.Stmt]:
    """The statements that run once at most each time the function does."""
    for stmt in body:
        yield stmt
        if not isinstance(stmt, (r.For, r.While)):
            for inner in nested_bodies(stmt):
                yield from _once(inner)


def _is(expr: r.Expr, name: str) -> bool:
    return isinstance(expr, r.Name) and expr.id == name


def _appends(expr: r.Expr, name: str) -> bool:
    return (
        isinstance(expr, r.Call)
        and isinstance(expr.func, r.Attr)
        and expr.func.attr in ("append", "appendleft", "add")
        and _is(expr.func.value, name)
        and len(expr.args) == 1
        and not expr.args[0].star
    )


def _reads(body: tuple[r.Stmt, ...], name: str) -> int:
    """How often the name is only looked at: gone over, measured, tested or returned."""
    count = 0
    for node in walk(body):
        if isinstance(node, (r.For, r.Generator)):
            count += _is(node.iter, name)
        elif isinstance(node, r.Call) and isinstance(node.func, r.Name) and node.func.id in _READING:
            count += sum(1 for arg in node.args if _is(arg.value, name))
        elif isinstance(node, (r.If, r.While)):
            count += _is(node.test, name)
        elif isinstance(node, (r.Unary, r.Return)):
            count += node.value is not None and _is(node.value, name)
    return count
