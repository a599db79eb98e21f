"""What stands between two expressions of one function.

Takes a function's statements and two offsets; says whether the second follows the first with nothing but words for people in between.
"""

from __future__ import annotations

from ormlint.facts import records as r
from ormlint.semantics.symbols import last_name, nested_bodies

_WORDS = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "log", "print", "echo", "secho"})


def directly_before(body: tuple[r.Stmt, ...], first: int, second: int) -> bool:
    """Whether the statements of the two offsets stand in one block, one after the other but for log lines.

    A `try` with a handler around them counts as something between: it handles what the first one raises."""
    for at, stmt in enumerate(body):
        if not stmt.start <= first < stmt.end:
            continue
        if isinstance(stmt, r.ExprStmt):
            return _follows(body[at + 1 :], second)
        if isinstance(stmt, r.Try) and stmt.handlers and _within(stmt.body, first):
            return False
        return any(directly_before(inner, first, second) for inner in nested_bodies(stmt))
    return False


def _within(body: tuple[r.Stmt, ...], offset: int) -> bool:
    return bool(body) and body[0].start <= offset < body[-1].end


def _follows(rest: tuple[r.Stmt, ...], second: int) -> bool:
    for stmt in rest:
        if stmt.start <= second < stmt.end:
            return isinstance(stmt, r.ExprStmt)
        if not (isinstance(stmt, r.ExprStmt) and isinstance(stmt.value, r.Call) and _only_tells(stmt.value)):
            return False
    return False


def _only_tells(call: r.Call) -> bool:
    """A log line of which no part can be a column: constants, counts, the standard streams."""
    last = last_name(call.func)
    return last in _WORDS and all(_is_plain(arg.value) for arg in call.args)


def _is_plain(expr: r.Expr) -> bool:
    if isinstance(expr, r.Const):
        return True
    if isinstance(expr, r.Call):
        return isinstance(expr.func, r.Name) and expr.func.id == "len" and all(isinstance(arg.value, r.Name) for arg in expr.args)
    return isinstance(expr, r.Attr) and isinstance(expr.value, r.Name) and expr.value.id == "sys"
