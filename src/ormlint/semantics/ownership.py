"""Who owns a transaction, by the shape of the code: request handlers, event hooks, entities, units of work and their like.

Takes the world and a function; answers by its decorators, its class and its body's shape. Does not run anything but decorators' names.
"""

from __future__ import annotations

from ormlint.facts import records as r
from ormlint.facts.walking import walk
from ormlint.orms import registry as orms
from ormlint.semantics.definitions import FunctionNode, Library
from ormlint.semantics.frame import Frame, World
from ormlint.semantics.kinds import kind_of
from ormlint.semantics.symbols import applied
from ormlint.semantics.values import LibInstance, options_of

_AFTERWARDS = frozenset({"after_commit", "after_rollback", "on_connect", "on_sql", "on_mapping"})
"""Moments at which no transaction of the session that called the hook is there to be broken."""
_OWNERS = ("unitofwork", "unit_of_work", "uow", "transaction", "sessionmanager", "sessionscope")
_ENDS = frozenset({"commit", "rollback", "__exit__", "__aexit__", "commit_transaction", "rollback_transaction", "safe_commit"})


def serves(world: World, function: FunctionNode) -> bool:
    """Whether a web framework calls a function for a request."""
    scope = world.symbols.modules[function.module]
    for decorator in function.node.decorators:
        func = applied(decorator)
        if not isinstance(func, r.Attr):
            continue
        owner = Frame(world, scope, None).evaluate(func.value)
        for item in options_of(owner):
            row = orms.METHODS.get((item.cls, func.attr)) if isinstance(item, LibInstance) else None
            if row is not None and row.effect == "route":
                return True
    return False


def is_hook(world: World, function: FunctionNode) -> bool:
    """Whether the ORM calls a function in the middle of somebody's transaction: an event hook or a validator."""
    row = orms.EVENT_NAMES.get(world.listeners.get(function.id, ""))
    if row is not None:
        return row.moment not in _AFTERWARDS
    for decorator in function.node.decorators:
        func = applied(decorator)
        symbol = world.classes.resolve(function.module, func)
        kind = kind_of(symbol.name) if isinstance(symbol, Library) else ""
        if kind in ("validator", "reconstructor"):
            return True
        if kind == "event_listener" and isinstance(decorator, r.Call) and len(decorator.args) >= 2:
            name = decorator.args[1].value
            row = orms.EVENT_NAMES.get(str(name.value)) if isinstance(name, r.Const) else None
            if row is not None and row.moment not in _AFTERWARDS:
                return True
    return False


def is_of_entity(world: World, function: FunctionNode) -> bool:
    """Whether a function is a method of a mapped class, or of a base or mixin of one."""
    if not function.cls:
        return False
    info = world.classes.infos.get(function.cls)
    if info is None:
        return False
    if info.model is not None or info.is_base:
        return True
    return any(other.model is not None and function.cls in other.mro for other in world.classes.infos.values())


def owns_transactions(world: World, function: FunctionNode) -> bool:
    """Whether a function is there to end transactions: of a unit of work, a decorator, a context manager, a dependency, a runner."""
    node = function.node
    if node.is_generator or function.outer or node.name in _ENDS:
        return True
    if any(word in node.name.lower() for word in _OWNERS):
        return True
    params = {param.name for param in node.params}
    if any(name in params for name in _called_names(node)):
        return True
    if function.cls:
        short = function.cls.rsplit(":", 1)[-1].lower()
        if any(word in short for word in _OWNERS):
            return True
        return any(world.classes.member(function.cls, name) is not None for name in ("__exit__", "__aexit__"))
    return False


def _called_names(node: r.Function) -> set[str]:
    """The bare names that a function calls."""
    return {item.func.id for item in walk(node.body) if isinstance(item, r.Call) and isinstance(item.func, r.Name)}
