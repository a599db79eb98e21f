"""Functions and blocks that are run again as a whole when they fail.

Takes a function; says what repeats it: a library's decorator, a decorator of the project that calls it in a loop, a task queue, a loop of
its own. Knows nothing of what is done inside.
"""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.facts import records as r
from ormlint.facts.walking import calls_in
from ormlint.orms import registry as orms
from ormlint.semantics.definitions import DefinedFunction, FunctionNode, Library
from ormlint.semantics.frame import World
from ormlint.semantics.loops import is_retry
from ormlint.semantics.symbols import applied, flat_statements


def repeated_by(world: World, function: FunctionNode) -> str:
    """What runs the function again when it raises, in words; "" where nothing is known to."""
    for decorator in function.node.decorators:
        func = applied(decorator)
        symbol = world.classes.resolve(function.module, func)
        if isinstance(symbol, Library) and symbol.name in orms.RETRYING:
            return symbol.name
        if isinstance(symbol, DefinedFunction) and _calls_again(world.symbols.functions[symbol.id].node):
            return symbol.id.rsplit(":", 1)[-1]
        if isinstance(decorator, r.Call) and any(arg.keyword == "autoretry_for" for arg in decorator.args):
            return "autoretry_for"
        if isinstance(decorator, r.Call) and any(arg.keyword == "bind" for arg in decorator.args) and _retries_itself(function.node):
            return "its own retry()"
    return ""


def _calls_again(decorator: r.Function) -> bool:
    """Whether a decorator's wrapper calls what it was given in a loop that goes on after a failure."""
    functions = list(_functions(decorator))
    given = {param.name for inner in (decorator, *functions) for param in inner.params}
    for inner in functions:
        for stmt in flat_statements(inner.body):
            if isinstance(stmt, (r.For, r.While)) and is_retry(stmt) and not given.isdisjoint(_called_names(stmt.body)):
                return True
    return False


def _functions(outer: r.Function) -> Iterator[r.Function]:
    for stmt in flat_statements(outer.body):
        if isinstance(stmt, r.Function):
            yield stmt
            yield from _functions(stmt)


def _called_names(body: tuple[r.Stmt, ...]) -> set[str]:
    return {call.func.id for call in calls_in(body) if isinstance(call.func, r.Name)}


def _retries_itself(function: r.Function) -> bool:
    owner = function.params[0].name if function.params else ""
    return any(
        isinstance(call.func, r.Attr) and call.func.attr == "retry" and isinstance(call.func.value, r.Name) and call.func.value.id == owner
        for call in calls_in(function.body)
    )


def retry_loops(function: r.Function) -> tuple[r.Stmt, ...]:
    """The loops of a function that try the same thing again until it succeeds."""
    return tuple(stmt for stmt in flat_statements(function.body) if isinstance(stmt, (r.For, r.While)) and is_retry(stmt))
