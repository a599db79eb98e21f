"""Whether a function handles what the database refuses, and whether it waits for a lock of its own.

Takes a frame and a place in its function; looks at the statements around and behind it. An error that is only logged and raised again is
not handled, unless the handler names the very error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ormlint.facts import records as r
from ormlint.facts.walking import calls_in, inner
from ormlint.orms import registry as orms
from ormlint.semantics.definitions import DefinedClass, DefinedFunction, Library
from ormlint.semantics.frame import Frame, World
from ormlint.semantics.symbols import applied, last_name, nested_bodies

HANDLING = frozenset(
    {
        "exception_handler",
        "errorhandler",
        "app_errorhandler",
        "add_exception_handler",
        "register_error_handler",
        "handle_exception",
        "mark_error_retryable",
    }
)
"""What registers a handler of an error for the whole application."""
REFUSED = frozenset({"integrity", "database"})
_SENDING = frozenset({"flush", "commit", "save"})
_LOCK = re.compile(r"(?<![bc])lock|mutex|semaphore|serializ", re.IGNORECASE)


def handles_violation(frame: Frame, at: int) -> bool:
    """Whether a unique violation of what is inserted at `at` is handled here: around it, or around the flush that follows."""
    if frame.world.handles_violations():
        return True
    if frame.function is None:
        return False
    if any(_decorator_handles(frame, decorator) for decorator in frame.function.node.decorators):
        return True
    return _handled_in(frame.world, frame.scope.name, frame.function.node.body, at)


def _handled_in(world: World, module: str, body: Sequence[r.Stmt], at: int) -> bool:
    for stmt in body:
        if stmt.end < at:
            continue
        if isinstance(stmt, r.Try) and catches_violation(world, module, stmt):
            first, last = stmt.body[0].start, stmt.body[-1].end
            if first <= at < last or (first > at and _sends(stmt.body)):
                return True
        around = isinstance(stmt, r.With) and stmt.body[0].start <= at < stmt.end
        if around and any(_manager_handles(world, module, item.value) for item in stmt.items):  # type: ignore[union-attr]
            return True
        if not isinstance(stmt, (r.Function, r.Class)) or stmt.start <= at < stmt.end:
            inner: list[Sequence[r.Stmt]] = list(nested_bodies(stmt))
            if isinstance(stmt, (r.Function, r.Class)):
                inner.append(stmt.body)
            if any(_handled_in(world, module, part, at) for part in inner):
                return True
    return False


def catches_violation(world: World, module: str, stmt: r.Try) -> bool:
    """Whether a `try` does something about an IntegrityError."""
    for handler in stmt.handlers:
        kind = kind_of_error(world, module, handler.type)
        if kind == "integrity" or (kind in ("database", "any") and not _raises_again(handler.body)):
            return True
    return False


def kind_of_error(world: World, module: str, type_: r.Expr | None) -> str:
    """integrity, database, stale, row_count, any, or "" for every other error; the first that a tuple names."""
    if type_ is None:
        return "any"
    if isinstance(type_, r.Seq):
        kinds = [kind_of_error(world, module, item) for item in type_.items]
        return next((kind for kind in ("integrity", "stale", "database", "row_count", "any") if kind in kinds), "")
    name = last_name(type_)
    if name in ("Exception", "BaseException"):
        return "any"
    symbol = world.classes.resolve(module, type_)
    if isinstance(symbol, Library):
        row = orms.ERRORS.get(symbol.name)
        if row is not None:
            return row.meaning
    if isinstance(symbol, DefinedClass):
        for library in world.classes.infos[symbol.id].libraries if symbol.id in world.classes.infos else ():
            row = orms.ERRORS.get(library)
            if row is not None and row.meaning != "any":
                return row.meaning
    return "integrity" if any(word in name for word in ("Integrity", "UniqueViolation", "Duplicate")) else ""


def _raises_again(body: Sequence[r.Stmt]) -> bool:
    return any(isinstance(stmt, r.Raise) and stmt.value is None for stmt in body)


def _sends(body: Sequence[r.Stmt]) -> bool:
    return any((name := last_name(call.func)).lower() in _SENDING or "commit" in name or "flush" in name for call in calls_in(body))


def _manager_handles(world: World, module: str, expr: r.Expr) -> bool:
    call = expr.value if isinstance(expr, r.Await) else expr
    if not isinstance(call, r.Call):
        return False
    if any(kind_of_error(world, module, arg.value) == "integrity" for arg in call.args if isinstance(arg.value, (r.Name, r.Attr))):
        return True  # suppress(IntegrityError), translating(IntegrityError, Taken)
    symbol = world.classes.resolve(module, call.func)
    if isinstance(symbol, DefinedFunction):
        function = world.symbols.functions[symbol.id]
        return _any_try(world, function.module, function.node.body)
    if isinstance(symbol, DefinedClass):
        exit_ = world.classes.member(symbol.id, "__exit__") or world.classes.member(symbol.id, "__aexit__")
        if exit_ is not None:
            function = world.symbols.functions[exit_[1][0]]
            names = [kind_of_error(world, function.module, node) for node in _names(function.node.body)]
            return "integrity" in names
    return False


def _decorator_handles(frame: Frame, decorator: r.Expr) -> bool:
    expr = applied(decorator)
    if isinstance(decorator, r.Call) and any(
        kind_of_error(frame.world, frame.scope.name, arg.value) == "integrity"
        for arg in decorator.args
        if isinstance(arg.value, (r.Name, r.Attr, r.Seq))
    ):
        return True
    symbol = frame.world.classes.resolve(frame.scope.name, expr)
    if isinstance(symbol, DefinedFunction):
        function = frame.world.symbols.functions[symbol.id]
        return _any_try(frame.world, function.module, function.node.body)
    return False


def _any_try(world: World, module: str, body: Sequence[r.Stmt]) -> bool:
    for stmt in body:
        if isinstance(stmt, r.Try) and catches_violation(world, module, stmt):
            return True
        inner = list(nested_bodies(stmt))
        if isinstance(stmt, r.Function):
            inner.append(stmt.body)
        if any(_any_try(world, module, part) for part in inner):
            return True
    return False


def _names(node: object) -> Iterator[r.Expr]:
    stack: list[object] = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, (r.Name, r.Attr)):
            yield item
        elif isinstance(item, r.Node):
            stack.extend(inner(item))
        elif isinstance(item, tuple):
            stack.extend(item)


def waits_for_lock(frame: Frame) -> bool:
    """Whether a decorator of the function makes it wait for a lock."""
    return frame.function is not None and any(is_lock(decorator) for decorator in frame.function.node.decorators)


def is_lock(expr: r.Expr) -> bool:
    """Whether an expression names a lock: `cache.lock(key)`, `account_lock`, `@synchronized(mutex)`. Names silence, they never alarm."""
    if isinstance(expr, r.Call):
        return is_lock(expr.func) or any(is_lock(arg.value) for arg in expr.args if isinstance(arg.value, (r.Name, r.Attr)))
    if isinstance(expr, r.Await):
        return is_lock(expr.value)
    if isinstance(expr, r.Attr):
        return _LOCK.search(expr.attr) is not None or is_lock(expr.value)
    return isinstance(expr, r.Name) and _LOCK.search(expr.id) is not None
