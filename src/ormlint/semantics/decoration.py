"""What decorators of the project make of a function: its wrapper, or a context manager.

Takes a function; gives the value that its name stands for, found by calling its decorators with the bare function (`RAW`). A decorator
counts only where what it gives has the function in its hands.
"""

from __future__ import annotations

from ormlint.orms import registry as orms
from ormlint.semantics.definitions import FunctionNode, Library
from ormlint.semantics.frame import Frame, World
from ormlint.semantics.symbols import applied, last_name
from ormlint.semantics.values import NEVER, NONE, Actual, FuncRef, Instance, Manager, Partial, UnionOf, Value

RAW = ("<raw>", NONE)


def decorated(frame: Frame, id: str) -> Value | None:
    """What the name of a decorated function stands for, where a decorator of the project replaces it; None where none does."""
    world = frame.world
    known = world.decorated.get(id)
    value_key = ("decorated", id)
    if known is not None:
        world.asks_value(value_key)
        return None if known == NEVER else known
    world.decorated[id] = NEVER
    held = world.begin_value(value_key)
    try:
        return _decorated(frame, id)
    finally:
        world.end_value(value_key, held)


def _decorated(frame: Frame, id: str) -> Value | None:
    world = frame.world
    function = world.symbols.functions[id]
    current: Value = FuncRef(id, None, (RAW,))
    changed = False
    for decorator in reversed(function.node.decorators):
        func = applied(decorator)
        symbol = world.classes.resolve(function.module, func)
        if isinstance(symbol, Library) or symbol is None:
            continue
        inner = frame.module_frame(function.module)
        world.decorating += 1
        try:
            wrapper = inner.call(inner.evaluate(decorator), (Actual(current),), decorator)
        finally:
            world.decorating -= 1
        if isinstance(wrapper, (FuncRef, Manager, Instance, Partial)) and wrapper != current:
            if isinstance(wrapper, Instance) and world.classes.member(wrapper.cls, "__call__") is None:
                continue
            current = wrapper
            changed = True
    if not changed or not _holds(current, id):
        return None
    world.decorated[id] = current
    return current


def _holds(value: Value, id: str, depth: int = 0) -> bool:
    """Whether a wrapper really has the function in its hands."""
    if isinstance(value, FuncRef):
        return value.func == id or (depth < 5 and any(_holds(item, id, depth + 1) for _, item in value.closure))
    if isinstance(value, Instance):
        return depth < 5 and any(_holds(item, id, depth + 1) for _, item in value.fields)
    if isinstance(value, Partial):
        return _holds(value.func, id, depth + 1)
    return isinstance(value, UnionOf) and any(_holds(item, id, depth + 1) for item in value.items)


def is_manager(world: World, function: FunctionNode) -> bool:
    """Whether a generator function is a context manager by its decorator."""
    if not function.node.is_generator:
        return False
    for decorator in function.node.decorators:
        func = applied(decorator)
        symbol = world.classes.resolve(function.module, func)
        if isinstance(symbol, Library):
            row = orms.DECORATORS.get(symbol.name)
            if row is not None and row.meaning in ("context_manager", "async_context_manager"):
                return True
        last = last_name(func)
        if last in ("contextmanager", "asynccontextmanager"):
            return True
    return False
