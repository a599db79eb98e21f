"""Where ORM values cross a boundary: into domain code, out of a port or handler, out of the process, round a constructor.

Takes a frame and what was just evaluated; notes `Crossing`s. What a function does with a value that it was given is noted at its callers,
where it is known which value that is; values that tests hand in cross nothing. Knows nothing of what a rule makes of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ormlint.facts import records as r
from ormlint.facts.walking import walk
from ormlint.orms import registry as orms
from ormlint.semantics.annotations import parse_annotation
from ormlint.semantics.definitions import FunctionNode, Variable
from ormlint.semantics.events import CALLS, Event, Step
from ormlint.semantics.frame import Frame, World
from ormlint.semantics.kinds import kind_of
from ormlint.semantics.members import is_abstract
from ormlint.semantics.observations import Crossing
from ormlint.semantics.revealing import short
from ormlint.semantics.summaries import Substitution
from ormlint.semantics.symbols import last_name
from ormlint.semantics.values import (
    NONE,
    Actual,
    Awaitable,
    ClassRef,
    Coll,
    Const,
    Entity,
    FuncRef,
    Instance,
    LibInstance,
    LibRef,
    Manager,
    Method,
    ModelAttr,
    Partial,
    Query,
    Result,
    Session,
    Site,
    Tup,
    UnionOf,
    Value,
    options_of,
)

HANDLES = frozenset({"engine", "async_engine", "connection", "async_connection", "raw_connection"})
_STATEMENTS = frozenset(
    {"query", "select", "insert", "update", "delete", "compound_select", "dynamic_collection", "from_statement", "textual_select"}
)
_LONGEST = 6
"""Calls that hand a value on, in a trail."""
_QUIET = frozenset({"test", "fixture", "migration"})


# What of a value is the ORM's


def handle_in(value: Value) -> Value | None:
    """The session, engine, connection, statement or open result that a value is, or may be."""
    for item in options_of(value):
        if isinstance(item, Awaitable):
            item = item.value
        if isinstance(item, (Session, Result)):
            return item
        if isinstance(item, Query) and item.style in _STATEMENTS:
            return item
        if isinstance(item, LibInstance) and item.cls in HANDLES:
            return item
        if isinstance(item, Manager) and item.kind in ("begin_session", "other"):
            found = handle_in(item.enter)
            if found is not None:
                return found
    return None


def entities_in(value: Value, depth: int = 0) -> Iterator[Entity]:
    """The entities that a value is or holds, objects of other classes left aside."""
    if isinstance(value, Entity):
        yield value
    elif depth > 4:
        return
    elif isinstance(value, Coll):
        yield from entities_in(value.elem, depth + 1)
        if value.key is not None:
            yield from entities_in(value.key, depth + 1)
    elif isinstance(value, (Tup, UnionOf)):
        for item in value.items:
            yield from entities_in(item, depth + 1)
    elif isinstance(value, Awaitable):
        yield from entities_in(value.value, depth + 1)
    elif isinstance(value, LibInstance) and value.cls in ("kwargs", "pagination"):
        for _, item in value.data:
            yield from entities_in(item, depth + 1)


def is_foreign(world: World, entity: Entity) -> bool:
    """Whether an entity is the ORM's own class: not the domain's, mapped imperatively or defined there."""
    model = world.classes.model(entity.model)
    if model is None or model.style == "imperative":
        return False
    return world.symbols.modules[world.classes.infos[entity.model].module].path not in world.domain


def is_row(value: Value) -> bool:
    """Whether a value is a row of a query: a tuple whose columns have names."""
    return isinstance(value, Tup) and bool(value.names)


def _is_symbol(value: Value) -> bool:
    """Whether a value stands for something that the caller handed in."""
    if isinstance(value, Entity):
        return value.origin.kind == "arg" or not value.origin.site.path
    if isinstance(value, Session):
        return value.id.kind == "arg"
    return False


def identity(value: Value) -> object:
    """What makes a value this one: of an entity its query, of a session itself."""
    return value.origin if isinstance(value, Entity) else value.id if isinstance(value, Session) else value


# Notes


def note(frame: Frame, kind: str, site: Site, value: Value, name: str = "", via: tuple[Step, ...] = ()) -> None:
    """Keeps a crossing for the rules, or for the callers where its value is still a symbol."""
    key = (kind, site, name)
    item = Crossing(kind, site, frame.name, value, name, via)
    if kind in ("enters", "takes", "leaves") and _is_symbol(value):
        if frame.crossings is None:
            frame.crossings = {}
        frame.crossings.setdefault(key, item)
        return
    frame.world.crossed.setdefault(frame.world.current, {}).setdefault(key, item)


def forward(frame: Frame, item: Crossing, back: Substitution, node: r.Node, callee: FunctionNode) -> None:
    """What a callee does with a value that it was given: now it is known which."""
    if frame.scope.role in _QUIET:
        return
    value = back.value(item.value)
    site = frame.site(node)
    if item.kind == "leaves":
        if len(item.via) < _LONGEST:
            note(frame, "leaves", site, value, item.name, (Step(item.site, item.name), *item.via))
        return
    if frame.in_domain:
        # It came into the domain before: where that is seen, it has been told.
        if _is_symbol(value) and identity(value) not in entered(frame):
            note(frame, item.kind, item.site, value, item.name, item.via)
            _keep_function(frame, item)
        return
    if isinstance(value, Entity) and not is_foreign(frame.world, value):
        return
    words = f"handed to {callee.node.name}()" if not item.via else CALLS
    note(frame, item.kind, item.site, value, item.name, (Step(site, words), *item.via)[:_LONGEST])
    _keep_function(frame, item)


def _keep_function(frame: Frame, item: Crossing) -> None:
    """The crossing happens in the callee, wherever it is told."""
    key = (item.kind, item.site, item.name)
    for store in (frame.crossings or {}, frame.world.crossed.get(frame.world.current, {})):
        known = store.get(key)
        if known is not None and known.function != item.function:
            store[key] = Crossing(known.kind, known.site, item.function, known.value, known.name, known.via)


# Into the domain


def entered(frame: Frame) -> set[object]:
    """What has come into a domain function so far."""
    assert frame.entered is not None
    return frame.entered


def given(frame: Frame) -> dict[object, str]:
    """The origins of the entities that a domain function was given, with the parameter of each."""
    assert frame.given is not None
    return frame.given


def begin(frame: Frame, function: FunctionNode) -> None:
    """A domain function starts to run: notes the handles among its parameters, and which entities it was given."""
    for param in function.node.params:
        value = frame.state.vars.get(param.name)
        if value is None:
            continue
        for entity in entities_in(value):
            given(frame).setdefault(entity.origin, param.name)
        handle = handle_in(value)
        if handle is not None and not (isinstance(handle, Session) and handle.id.kind == "global"):
            entered(frame).add(identity(handle))
            note(frame, "takes", frame.site(param), handle, param.name)


def receive(frame: Frame, node: r.Node, value: Value) -> None:
    """An expression of domain code has given a value: notes what of the ORM comes in with it."""
    kind = type(value)
    if kind not in _CARRYING:
        return
    for entity in entities_in(value):
        origin = entity.origin
        if origin in entered(frame) or origin in given(frame) or not is_foreign(frame.world, entity):
            continue
        entered(frame).add(origin)
        if not _was_inside(frame, entity):
            note(frame, "enters", frame.site(node), entity)
        return
    handle = handle_in(value)
    if handle is not None and identity(handle) not in entered(frame):
        entered(frame).add(identity(handle))
        note(frame, "takes", frame.site(node), handle)


_CARRYING = frozenset({Entity, Coll, Tup, UnionOf, Awaitable, Session, Query, Result, LibInstance, Manager})


def write(frame: Frame, node: r.Node, entity: Entity) -> None:
    """Domain code sets an attribute of an entity."""
    if frame.set_here is None:
        frame.set_here = {}
    frame.set_here.setdefault(entity.origin, (frame.site(node), entity))


def end(frame: Frame) -> None:
    """A domain function has run: an entity that it only wrote to comes in where it first did."""
    for origin, (site, entity) in (frame.set_here or {}).items():
        if origin not in entered(frame) and is_foreign(frame.world, entity) and not _was_inside(frame, entity):
            note(frame, "enters", site, entity, given(frame).get(origin, ""))


def _was_inside(frame: Frame, entity: Entity) -> bool:
    """Whether a value comes from domain code: it was told where it came in, or its class was imported there."""
    origin = entity.origin
    domain = frame.world.domain
    return origin.site.path in domain or any(site.path in domain for site in origin.via[:-1])


def called(frame: Frame, expr: r.Call, callee: Value, value: Value) -> None:
    """A call in domain code has given a value."""
    if isinstance(callee, Method):
        if handle_in(callee.receiver) is not None:
            return  # what a session gives is told with the session
    elif isinstance(callee, FuncRef):
        function = frame.world.symbols.functions.get(callee.func)
        if function is not None and frame.world.symbols.modules[function.module].path in frame.world.domain:
            return
    receive(frame, expr, value)


def read(frame: Frame, expr: r.Attr, owner: Value, value: Value) -> None:
    """Domain code has read an attribute: of an entity that it was given, or of an object that holds one."""
    for item in options_of(owner):
        if isinstance(item, Entity):
            if item.origin not in entered(frame) and is_foreign(frame.world, item):
                entered(frame).add(item.origin)
                if not _was_inside(frame, item):
                    note(frame, "enters", frame.site(expr), item, given(frame).get(item.origin, ""))
            return
    if type(value) not in _CARRYING or handle_in(owner) is not None:
        return
    if isinstance(owner, Instance):
        info = frame.world.classes.infos.get(owner.cls)
        own = info is not None and frame.world.symbols.modules[info.module].path in frame.world.domain
        if own and handle_in(value) is not None:
            return  # told where it was stored
    receive(frame, expr, value)


# Out of functions


def give(frame: Frame, stmt: r.Node, value: Value) -> None:
    """A function returns or yields a value: notes it where a promise or a web framework makes it matter."""
    function = frame.function
    if function is None or type(value) not in _CARRYING or function.outer or frame.scope.role in _QUIET:
        return
    if not is_leak(frame.world, value):
        return
    if promise_of(frame.world, function) or is_handler(frame.world, function):
        note(frame, "gives", frame.site(stmt), value)


def is_leak(world: World, value: Value, depth: int = 0) -> bool:
    """Whether a value is or holds an entity of the ORM's own, a row, a statement or an open result."""
    kind = type(value)
    if kind not in _CARRYING or depth > 4:
        return False
    if isinstance(value, Entity):
        model = world.classes.model(value.model)
        return model is not None and model.style != "imperative"
    if isinstance(value, (Query, Result)):
        return not _is_imperative(world, value)
    if isinstance(value, Coll):
        return is_leak(world, value.elem, depth + 1)
    if isinstance(value, Tup):
        return is_row(value) or any(is_leak(world, item, depth + 1) for item in value.items)
    if isinstance(value, UnionOf):
        return any(is_leak(world, item, depth + 1) for item in value.items)
    if isinstance(value, Awaitable):
        return is_leak(world, value.value, depth + 1)
    return (
        isinstance(value, LibInstance)
        and value.cls in ("kwargs", "pagination")
        and any(is_leak(world, i, depth + 1) for _, i in value.data)
    )


def leak_words(world: World, value: Value, depth: int = 0) -> str:
    """What of the ORM a value is or holds, in words; "" where nothing."""
    if not is_leak(world, value, depth):
        return ""
    if isinstance(value, Entity):
        return f"the entity {short(value.model)}"
    if isinstance(value, Query):
        return f"a {'Query' if value.style in ('query', 'dynamic_collection') else 'statement'} that has not run"
    if isinstance(value, Result):
        return "a Result that nobody has consumed"
    if is_row(value) and not any(True for _ in entities_in(value)):
        return "a Row of columns"
    if isinstance(value, Coll):
        parts: tuple[Value, ...] = (value.elem,)
    elif isinstance(value, (Tup, UnionOf)):
        parts = value.items
    elif isinstance(value, LibInstance):
        parts = tuple(item for _, item in value.data)
    else:
        parts = (value.value,) if isinstance(value, Awaitable) else ()
    return next((words for part in parts if (words := leak_words(world, part, depth + 1))), "")


def handle_words(value: Value) -> str:
    """A session, engine, connection, statement or result, in a word."""
    if isinstance(value, Session):
        return "an async session" if value.is_async else "a session"
    if isinstance(value, Query):
        return "a Query" if value.style in ("query", "dynamic_collection") else f"a {value.style.replace('_', ' ')} statement"
    if isinstance(value, Result):
        return "a Result"
    name = value.cls.replace("_", " ") if isinstance(value, LibInstance) else "a handle"
    return f"an {name}" if name[:1] in "aeiou" else f"a {name}"


def _is_imperative(world: World, value: Query | Result) -> bool:
    query = value.query if isinstance(value, Result) else value
    for column in query.columns:
        model = world.classes.model(column.cls) if isinstance(column, ClassRef) else None
        if model is not None and model.style == "imperative":
            return True
    return False


def promise_of(world: World, function: FunctionNode) -> tuple[str, ...]:
    """The project's own plain classes that a function's annotation, or else its port's, says it gives."""
    known = world.promises.get(function.id)
    value_key = ("promise", function.id)
    if known is not None:
        world.asks_value(value_key)
        return known
    world.promises[function.id] = ()
    held = world.begin_value(value_key)
    try:
        found = world.promises[function.id] = _promise_of(world, function)
    finally:
        world.end_value(value_key, held)
    return found


def _promise_of(world: World, function: FunctionNode) -> tuple[str, ...]:
    found: tuple[str, ...] = ()
    for candidate in (function, *_ports_of(world, function)):
        if candidate.node.returns is None:
            continue
        frame = Frame(world, world.symbols.modules[candidate.module], None)
        frame.cls = candidate.cls
        found = tuple(_plain_classes(world, frame.declared(candidate.node.returns, candidate.node.name)))
        found = found or tuple(_made_classes(world, candidate.module, candidate.node.returns))
        break
    return found


def _ports_of(world: World, function: FunctionNode) -> Iterator[FunctionNode]:
    """What a method implements: the abstract methods of its bases, and of the Protocols that its class satisfies."""
    info = world.classes.infos.get(function.cls)
    if info is None:
        return
    name = function.node.name
    for ancestor in info.mro[1:]:
        for id in world.classes.infos[ancestor].methods.get(name, ())[:1]:
            yield world.symbols.functions[id]
    if name.startswith("_"):
        return
    for other in world.classes.protocols_with(name):
        shape = world.classes.infos[other]
        if other == info.id:
            continue
        wanted = [method for method in shape.methods if not method.startswith("__")]
        if len(wanted) > 1 and all(world.classes.member(info.id, method) is not None for method in wanted):
            id = shape.methods[name][0]
            if is_abstract(world, id):
                yield world.symbols.functions[id]


def implements_port(world: World, function: FunctionNode) -> bool:
    """Whether a method is what some abstract method or Protocol of the project asks for."""
    return any(is_abstract(world, port.id) for port in _ports_of(world, function))


def _plain_classes(world: World, value: Value, depth: int = 0) -> Iterator[str]:
    if isinstance(value, Instance):
        yield value.cls
    elif depth > 4:
        return
    elif isinstance(value, Coll):
        yield from _plain_classes(world, value.elem, depth + 1)
    elif isinstance(value, UnionOf):
        rest = [item for item in value.items if item != NONE]
        parts = [tuple(_plain_classes(world, item, depth + 1)) for item in rest]
        if all(parts):  # `Order | OrderRow` promises either
            for part in parts:
                yield from part
    elif isinstance(value, Tup):
        if any(entities_in(value)):
            return  # `tuple[OrderRow, Order]` says that it gives entities too
        for item in value.items:
            yield from _plain_classes(world, item, depth + 1)
    elif isinstance(value, Awaitable):
        yield from _plain_classes(world, value.value, depth + 1)


_CLASS_MAKERS = frozenset(
    {"collections.namedtuple", "typing.NamedTuple", "typing_extensions.NamedTuple", "dataclasses.make_dataclass", "pydantic.create_model"}
)


def _made_classes(world: World, module: str, annotation: r.Expr) -> Iterator[str]:
    """The classes in an annotation that a call made: `Order = namedtuple("Order", "number total")`."""
    if isinstance(annotation, r.Const) and isinstance(annotation.value, str):
        parsed = parse_annotation(annotation.value, annotation.start, annotation.end)
        if parsed is not None and not isinstance(parsed, r.Const):
            yield from _made_classes(world, module, parsed)
    elif isinstance(annotation, r.BinOp):
        yield from _made_classes(world, module, annotation.left)
        yield from _made_classes(world, module, annotation.right)
    elif isinstance(annotation, r.Sub):
        parts = annotation.index.items if isinstance(annotation.index, r.Seq) else (annotation.index,)
        for part in parts:
            yield from _made_classes(world, module, part)
    elif isinstance(annotation, (r.Name, r.Attr)):
        symbol = world.classes.resolve(module, annotation)
        if isinstance(symbol, Variable) and world.classes.variable_kind(symbol) in _CLASS_MAKERS:
            yield f"{symbol.module}:{symbol.name}"


_VERBS = frozenset({"get", "post", "put", "patch", "delete", "api_route"})


def is_handler(world: World, function: FunctionNode) -> bool:
    """Whether FastAPI serves a function and nothing declares what of its result may leave."""
    known = world.handlers.get(function.id)
    value_key = ("handler", function.id)
    if known is not None:
        world.asks_value(value_key)
        return known
    held = world.begin_value(value_key)
    try:
        known = world.handlers[function.id] = _serves_undeclared(world, function)
    finally:
        world.end_value(value_key, held)
    return known


def _serves_undeclared(world: World, function: FunctionNode) -> bool:
    scope = world.symbols.modules[function.module]
    for decorator in function.node.decorators:
        if not (isinstance(decorator, r.Call) and isinstance(decorator.func, r.Attr) and decorator.func.attr in _VERBS):
            continue
        owner = Frame(world, scope, None).evaluate(decorator.func.value)
        if not any(isinstance(item, LibInstance) and item.cls in ("web_app", "web_router") for item in options_of(owner)):
            continue
        if not _imports(scope.bindings, "fastapi"):
            continue
        keywords = {arg.keyword: arg.value for arg in decorator.args if arg.keyword}
        if any(arg.star for arg in decorator.args) or "response_class" in keywords or _has_no_body(keywords.get("status_code")):
            return False
        model = keywords.get("response_model")
        if model is not None:
            return isinstance(model, r.Const) and model.kind == "none"
        return function.node.returns is None or _is_any(world, function)
    return function.node.name in _added(world, function.module) and (function.node.returns is None or _is_any(world, function))


def _has_no_body(status: r.Expr | None) -> bool:
    """Whether a declared status lets no body leave, whatever the handler returns: the framework sends none."""
    if isinstance(status, r.Const):
        return str(status.value) in ("204", "205", "304")
    return isinstance(status, r.Attr) and status.attr in _WITHOUT_BODY


_WITHOUT_BODY = ("HTTP_204_NO_CONTENT", "HTTP_205_RESET_CONTENT", "HTTP_304_NOT_MODIFIED", "NO_CONTENT", "RESET_CONTENT", "NOT_MODIFIED")


def _added(world: World, module: str) -> frozenset[str]:
    """The functions that `router.add_api_route("/path", function)` at the top of a module serves with nothing declared."""
    known = world.added_routes.get(module)
    if known is None:
        scope = world.symbols.modules[module]
        names: set[str] = set()
        for stmt in scope.record.body:
            call = stmt.value if isinstance(stmt, r.ExprStmt) else None
            if not (isinstance(call, r.Call) and isinstance(call.func, r.Attr) and call.func.attr == "add_api_route"):
                continue
            given = [arg.value for arg in call.args if arg.keyword == "endpoint"] or [
                arg.value for arg in call.args[1:2] if not arg.keyword
            ]
            if not any(arg.keyword in ("response_model", "response_class") for arg in call.args):
                names.update(item.id for item in given if isinstance(item, r.Name))
        known = world.added_routes[module] = frozenset(names) if _imports(scope.bindings, "fastapi") else frozenset()
    return known


def _imports(bindings: dict[str, list[object]], package: str) -> bool:
    return any(getattr(item, "module", "").split(".", 1)[0] == package for items in bindings.values() for item in items)


def _is_any(world: World, function: FunctionNode) -> bool:
    return world.symbols.spelled(function.module, function.node.returns) == "Any"


# Out of the process

_TEXT = ("orjson.", "ujson.", "simplejson.", "msgspec.", "dataclasses.")
_COPIES = frozenset({"copy.copy", "copy.deepcopy"})
_PARTS = "__dict__"
OUTSIDE = {"queue": "a message", "cache": "a cache"}
"""The categories of external calls that take objects away, in words."""


_SENT = frozenset({"a task", "a message"})
"""What is written as text on its way: a session cannot be."""


def leaves_by(name: str) -> str:
    """What a library's function does with its first argument that takes an object apart or away, in words; "" where it does not."""
    row = orms.FUNCTIONS.get(name)
    serializer = orms.SERIALIZERS.get(name)
    if name.startswith(_TEXT):
        return ""  # they refuse an entity, are told how to write one, or make a row of a domain object
    if (row is not None and row.effect == "serialize") or (serializer is not None and serializer.through == "dict" and name not in _COPIES):
        return f"{name.rsplit('.', 1)[-1]}()"
    return ""


def told_how(frame: Frame, name: str, actuals: Sequence[Actual], node: r.Node) -> bool:
    """Whether a call that writes values as text was told how to write objects (`cls=Encoder`, `default=function`), which is run here."""
    if not name.startswith("json."):
        return False
    given = [actual.value for actual in actuals if actual.keyword in ("cls", "default") and actual.value != NONE]
    for entity in entities_in(actuals[0].value) if given else ():
        for how in given:
            member = frame.world.classes.member(how.cls, "default") if isinstance(how, ClassRef) else None
            target = FuncRef(member[1][0], Instance(how.cls)) if member is not None and isinstance(how, ClassRef) else how
            if isinstance(target, (FuncRef, Partial)):
                frame.call(target, (Actual(entity),), node)
    return bool(given)


def leave(frame: Frame, values: Sequence[Value], node: r.Node, words: str) -> None:
    """Values leave the process by `words`: notes the entities among them."""
    if frame.scope.role in _QUIET:
        return
    for value in values:
        for part in (value.items if type(value) is Tup else (value,)) if words in _SENT else ():
            if type(part) is Session:
                frame.note("shared", Event("share", frame.site(node), session=part, how="queue"))
        for entity in entities_in(value):
            mine = frame.self_value
            own = isinstance(mine, Entity) and mine.origin == entity.origin and not entity.path and frame.function is not None
            if own and frame.function is not None and frame.function.node.name.startswith("__"):
                return  # `__repr__`, `__eq__` and the hooks of copy and pickle may
            if own or words == _PARTS or _declares(frame, entity):
                # It is known here to be an entity: it is told here, not at each caller.
                item = Crossing("leaves", frame.site(node), frame.name, entity, words)
                frame.world.crossed.setdefault(frame.world.current, {}).setdefault(("leaves", item.site, words), item)
                return
            note(frame, "leaves", frame.site(node), entity, words)
            return


def _declares(frame: Frame, entity: Entity) -> bool:
    """Whether the function's own annotation says that the parameter that holds a value is an entity."""
    if frame.function is None:
        return False
    for param in frame.function.node.params:
        held = frame.state.vars.get(param.name)
        if param.annotation is None or held is None or all(item.origin != entity.origin for item in entities_in(held)):
            continue
        declared = frame.module_frame(frame.scope.name).declared(param.annotation, param.name)
        return any(item.model == entity.model for item in entities_in(declared))
    return False


def taken_apart(frame: Frame, entity: Entity, node: r.Node) -> None:
    """`entity.__dict__` as a whole."""
    if id(node) not in frame.world.spared:
        leave(frame, (entity,), node, _PARTS)


def spare_parts(frame: Frame, expr: r.Expr) -> None:
    """One entry of an object's `__dict__`, or a question about its entries, is not the object."""
    if isinstance(expr, r.Attr) and expr.attr == "__dict__":
        frame.world.spared.add(id(expr))


# Round a constructor

_BUILDERS = frozenset({"__new__", "__setattr__", "update", "model_construct", "construct"})


def rebuild(frame: Frame, expr: r.Call, callee: Value, actuals: Sequence[Actual]) -> None:
    """A call that may make or fill an object round its constructor."""
    func = expr.func
    name = last_name(func)
    if name == "setattr":
        if (
            len(actuals) == 3
            and frame.loops
            and isinstance(callee, LibRef)
            and callee.name == "builtins.setattr"
            and not isinstance(actuals[1].value, Const)
        ):
            _fills(frame, expr, actuals[0].value, "a loop of setattr")
        return
    if isinstance(callee, LibRef) and callee.name.endswith(".make_transient"):
        if callee.name.startswith("sqlalchemy.orm") and actuals and frame.scope.role not in _QUIET and _is_used_on(frame, expr):
            for entity in entities_in(actuals[0].value):
                note(frame, "rebuilds", frame.site(expr), entity, "make_transient")
                return
        return
    if not isinstance(func, r.Attr) or name not in _BUILDERS:
        return
    if name == "update":
        _updates(frame, expr, func.value)
    elif name == "__setattr__":
        if isinstance(callee, LibRef) and callee.name == "builtins.object.__setattr__" and actuals:
            _fills(frame, expr, actuals[0].value, "object.__setattr__")
    elif name == "__new__":
        owner = frame.evaluate(func.value) if isinstance(func.value, (r.Name, r.Attr)) else None
        made = actuals[0].value if actuals else None
        plain = isinstance(owner, ClassRef) or (isinstance(owner, LibRef) and owner.name == "builtins.object")
        if plain and isinstance(made, ClassRef):
            _makes(frame, expr, made.cls, "__new__")
    else:
        owner = frame.evaluate(func.value) if isinstance(func.value, (r.Name, r.Attr)) else None
        if isinstance(owner, ClassRef):
            info = frame.world.classes.infos.get(owner.cls)
            if info is not None and any(kind_of(library) == "schema_model" for library in info.libraries):
                _makes(frame, expr, owner.cls, name)


def _is_used_on(frame: Frame, call: r.Call) -> bool:
    """Whether a function goes on with what it made transient: sets it, adds it, hands it to a call. To let it go is to detach it."""
    made = call.args[0].value if call.args else None
    if not isinstance(made, r.Name) or frame.function is None:
        return True
    for node in walk(frame.function.node.body):
        if node.start <= call.start:
            continue
        if isinstance(node, r.Call) and any(isinstance(arg.value, r.Name) and arg.value.id == made.id for arg in node.args):
            return True
        for target in node.targets if isinstance(node, r.Assign) else ():
            if isinstance(target, r.Attr) and isinstance(target.value, r.Name) and target.value.id == made.id:
                return True
    return False


def _updates(frame: Frame, expr: r.Call, target: r.Expr) -> None:
    """`order.__dict__.update(…)`, `vars(order).update(…)`."""
    held: r.Expr | None = None
    words = ""
    if isinstance(target, r.Attr) and target.attr == "__dict__":
        held, words = target.value, "__dict__.update"
    elif isinstance(target, r.Call) and isinstance(target.func, r.Name) and target.func.id == "vars" and len(target.args) == 1:
        held, words = target.args[0].value, "vars().update"
    if isinstance(held, (r.Name, r.Attr)):
        _fills(frame, expr, frame.evaluate(held), words)


def _fills(frame: Frame, expr: r.Call, value: Value, words: str) -> None:
    for item in options_of(value):
        if isinstance(item, Instance):
            if holds_rows(frame):
                _makes(frame, expr, item.cls, words)
            return


def _makes(frame: Frame, expr: r.Call, cls: str, words: str) -> None:
    """Notes it where somebody else than the class does it, with rows at hand."""
    classes = frame.world.classes
    info = classes.infos.get(cls)
    if info is None or frame.scope.role in _QUIET:
        return
    own = classes.infos.get(frame.cls)
    if frame.cls == cls or frame.cls in info.mro or (own is not None and cls in own.mro):
        return
    world = frame.world
    placed = world.layers.get(frame.scope.name)
    stored = placed is not None and placed.layer in ("persistence", "unit-of-work")
    of_domain = world.symbols.modules[info.module].path in world.domain
    if stored or (holds_rows(frame) and (of_domain or words == "__new__")):
        note(frame, "rebuilds", frame.site(expr), ClassRef(cls), words)


def holds_rows(frame: Frame) -> bool:
    """Whether the code at hand holds something of the ORM."""
    return any(is_leak(frame.world, value) or handle_in(value) is not None for value in frame.state.vars.values())


# Storage details


def mirror(frame: Frame, cls: str, node: r.Node) -> None:
    """A domain object is built: notes which of its fields are given columns of an entity as they are."""
    if not isinstance(node, r.Call):
        return
    world = frame.world
    names = _fields_in_order(world, cls)
    at = 0
    for arg in node.args:
        name = arg.keyword
        if name is None:
            if arg.star:
                return
            name = names[at] if at < len(names) else None
            at += 1
        if name is None or not isinstance(arg.value, r.Attr) or not isinstance(arg.value.value, r.Name):
            continue
        held = frame.state.vars.get(arg.value.value.id)
        for entity in options_of(held) if held is not None else ():
            if isinstance(entity, Entity) and is_foreign(world, entity):
                mapped = world.classes.mapped_attribute(entity.model, arg.value.attr)
                if mapped is not None and mapped.kind == "column":
                    value = Tup((ClassRef(cls), ModelAttr(entity.model, mapped.name)))
                    note(frame, "mirrors", frame.site(arg.value), value, name)
                break


def _fields_in_order(world: World, cls: str) -> tuple[str, ...]:
    """The parameters of a class's constructor."""
    init = world.classes.member(cls, "__init__")
    if init is not None:
        return tuple(param.name for param in world.symbols.functions[init[1][0]].node.params[1:])
    names: dict[str, None] = {}
    for ancestor in reversed(world.classes.infos[cls].mro):
        names.update(dict.fromkeys(world.classes.infos[ancestor].annotations))
    return tuple(names)
