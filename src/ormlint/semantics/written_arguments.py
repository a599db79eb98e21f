"""What is written in the arguments of a declaration: flags, names, columns, words in a string.

Takes expressions; resolves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ormlint.facts import records as r
from ormlint.facts.walking import walk


def words_in(expr: r.Expr) -> tuple[str, ...]:
    return tuple(
        word for const in constants((r.ExprStmt(0, 0, expr),)) if isinstance(const.value, str) for word in re.findall(r"\w+", const.value)
    )


def last_names(expr: r.Expr) -> tuple[str, ...]:
    if isinstance(expr, r.Seq):
        return tuple(name for item in expr.items for name in last_names(item))
    if isinstance(expr, r.Attr):
        return (expr.attr,)
    if isinstance(expr, r.Name):
        return (expr.id,)
    if isinstance(expr, r.Const) and isinstance(expr.value, str):
        return tuple(part.strip(" []").rsplit(".", 1)[-1] for part in expr.value.split(","))
    if isinstance(expr, r.Lambda):
        return last_names(expr.body)
    if isinstance(expr, r.Call) and expr.args:
        return tuple(name for arg in expr.args for name in last_names(arg.value))
    if isinstance(expr, r.Compare):
        return (*last_names(expr.left), *(name for item in expr.rights for name in last_names(item)))
    if isinstance(expr, r.BoolOp):
        return tuple(name for item in expr.items for name in last_names(item))
    return ()


def qualified(expr: r.Expr) -> tuple[tuple[str, str], ...]:
    """Columns as (class or "", name)."""
    if isinstance(expr, r.Seq):
        return tuple(pair for item in expr.items for pair in qualified(item))
    if isinstance(expr, r.Attr):
        owner = expr.value.attr if isinstance(expr.value, r.Attr) else expr.value.id if isinstance(expr.value, r.Name) else "?"
        return ((owner, expr.attr),)
    if isinstance(expr, r.Name):
        return (("", expr.id),)
    if isinstance(expr, r.Lambda):
        return qualified(expr.body)
    if isinstance(expr, r.Const) and isinstance(expr.value, str):
        parts = [part.strip(" []()").split(".") for part in expr.value.split(",")]
        return tuple((part[-2] if len(part) > 1 else "", part[-1]) for part in parts)
    return (("?", "?"),)


def flag(call: r.Call, keyword: str) -> bool:
    return any(arg.keyword == keyword and isinstance(arg.value, r.Const) and arg.value.value is True for arg in call.args)


def string(call: r.Call, keyword: str) -> str:
    return next((str(arg.value.value) for arg in call.args if arg.keyword == keyword and isinstance(arg.value, r.Const)), "")


def is_false(expr: r.Expr) -> bool:
    return isinstance(expr, r.Const) and expr.value is False


def constants(body: tuple[r.Stmt, ...]) -> Iterator[r.Const]:
    for node in walk(body):
        if isinstance(node, r.Const):
            yield node
