"""The context of a call: what of its arguments a callee can tell apart, and so which calls share one summary.

Takes a function and the evaluated arguments; gives its summary in that context, with the way back from the summary's symbols to what the
call gave. Sessions and entities are symbols (`summaries`); strings count only where the callee reads attributes by name. Hands on what the
context left for its callers to judge. What happens in the caller is not decided here.
"""

from __future__ import annotations

from collections.abc import Sequence

from ormlint.facts import records as r
from ormlint.facts.walking import walk
from ormlint.project import TEMPLATE_ENDINGS
from ormlint.semantics import boundary, conflicts, repetition
from ormlint.semantics.arguments import arguments_of
from ormlint.semantics.binding import bind
from ormlint.semantics.declared import bind_typevars, is_generic, typevars_of
from ormlint.semantics.decoration import RAW
from ormlint.semantics.definitions import FunctionNode
from ormlint.semantics.dependence import is_memo
from ormlint.semantics.frame import Frame, World
from ormlint.semantics.observations import Context, Summary
from ormlint.semantics.summaries import Substitution, Symbolic, matters, plain
from ormlint.semantics.summarising import summarise
from ormlint.semantics.values import Actual, Coll, Const, FuncRef, Instance, LibInstance, NameOf, Plain, Tup, Unknown, Value, widen

_READERS = frozenset(
    {
        "getattr",
        "attrgetter",
        "setattr",
        "joinedload",
        "selectinload",
        "subqueryload",
        "render_template",
        "get_template",
        "TemplateResponse",
    }
)


def invoke(frame: Frame, ref: FuncRef, actuals: Sequence[Actual], node: r.Node) -> tuple[Summary, Substitution] | None:
    """The summary of a call, and the way back from its symbols; None where the context is too deep."""
    world = frame.world
    function = world.symbols.functions[ref.func]
    params = bind(frame, function, actuals, ref.bound, node)
    symbols = Symbolic(frame.state)
    closure = dict(ref.closure)
    by_name = reads_by_name(world, function)
    names = tuple(
        [
            (name, symbols.value(widen_argument(value)) if matters(value) or (by_name and is_name(value)) else plain(value))
            for name, value in params.items()
        ]
    )
    held = tuple((name, symbols.value(value)) for name, value in closure.items() if name != RAW[0])
    typevars: dict[str, Value] = {}
    if is_generic(world, function):
        caller = frame.module_frame(function.module)
        caller.function = function
        for param in function.node.params:
            if param.annotation is not None and param.name in params and not isinstance(params[param.name], (Unknown, Plain, Const)):
                bind_typevars(caller, param.annotation, params[param.name], typevars)
    flags = tuple([(name, value) for name, value in frame.state.vars.items() if name[0] == "@"])
    if flags:
        names = (*names, *flags)
    key = Context(ref.func, names, held, symbols.key(), tuple(sorted(typevars.items(), key=lambda item: item[0])) if typevars else ())
    born = frame.varying(node)
    back = Substitution(symbols, frame.site(node), born, tuple(loop.site for loop in frame.loops))
    owner = ref.bound
    back.owner_born = owner.born if isinstance(owner, Instance) else ()
    back.memo = bool(function.node.decorators) and is_memo(world.symbols, function)
    back.params = params
    back.given = arguments_of(function, ref, node)
    if back.given is not None and frame.loops:
        back.varying = {name: tuple(site for expr in exprs for site in frame.varying(expr)) for name, exprs in back.given.items()}
    back.typevars = typevars_of(frame, owner.cls, owner.fields) | typevars if isinstance(owner, Instance) else typevars
    summary = summarise(world, key, function, dict(names), dict(held), typevars, symbols)
    made = key in world.summaries or key in world.provisional
    world.edges.setdefault(world.current, set()).add(key if made else ("entry", ref.func))
    if frame.scope.role not in ("test", "fixture") and frame.name != ref.func:
        world.trace.callers.append((ref.func, frame.name))
    if summary is None:
        return None
    for item in world.pending.get(key, ()):
        repetition.forward(frame, item, back)
    for crossing in world.crossing.get(key, ()):
        boundary.forward(frame, crossing, back, node, function)
    if frame.scope.role not in ("test", "fixture"):
        for conflict in world.conflicts.get(key, ()):
            conflicts.forward(frame, conflict, back, node)
    return summary, back


def reads_by_name(world: World, function: FunctionNode) -> bool:
    """Whether a function reads attributes by names that it is given."""
    known = world.by_name.get(function.id)
    if known is None:
        readers = _readers(world, function.module)
        # A method that is given nothing but its object is given no names; a static one has decorators.
        given = len(function.node.params) > (1 if function.cls and not function.node.decorators else 0)
        known = world.by_name[function.id] = given and any(type(node) is r.Name and node.id in readers for node in walk(function.node))
    return known


def _readers(world: World, module: str) -> frozenset[str]:
    """The names by which a module calls what reads by name."""
    known = world.readers.get(module)
    if known is None:
        imports = [stmt for stmt in world.symbols.modules[module].record.body if isinstance(stmt, r.Import)]
        others = {name.asname for stmt in imports for name in stmt.names if name.asname and name.name in _READERS}
        known = world.readers[module] = _READERS | others if others else _READERS
    return known


def is_name(value: Value) -> bool:
    """A string that may name an attribute: `getattr(order, "lines")` behind a call."""
    if type(value) is Coll:
        return type(value.elem) is NameOf or (value.size == 1 and is_name(value.elem))
    if type(value) is Tup:
        return bool(value.items) and all(is_name(item) for item in value.items)
    if type(value) is NameOf:
        return True
    if type(value) is not Const or not isinstance(value.value, str):
        return False
    text = value.value
    return (text.isidentifier() and len(text) < 40) or (text.endswith(TEMPLATE_ENDINGS) and len(text) < 120)


def widen_argument(value: Value) -> Value:
    """An argument as part of a context: strings matter only as names of attributes, numbers not at all."""
    if is_name(value) and type(value) is not Coll:
        return value
    if type(value) is Coll:
        return widen(value)
    if type(value) is Tup:
        return Tup(tuple(widen_argument(item) for item in value.items[:12]), value.names[:12])
    if type(value) is LibInstance and value.cls == "kwargs":
        return LibInstance("kwargs", tuple((name, widen_argument(item)) for name, item in value.data))
    return widen(value)
