"""Calls: who is called, with what, what comes back and what it did.

Takes a callee's value and the evaluated arguments; gives the result's value, and lets the callee's events happen in the caller. A
function of the project is summarised once for each context: its arguments with sessions and entities as symbols (`summaries.py`).
Recursion goes to a fixed point: a summary that is needed while it is being made starts at the bottom and is made again once.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.facts.walking import walk
from ormlint.orms import registry as orms
from ormlint.project import TEMPLATE_ENDINGS
from ormlint.semantics import boundary, conflicts, serializing, unfetched
from ormlint.semantics.announcements import announces_early
from ormlint.semantics.attributes import already_loaded, answered, once_for_each_query, shared, straightened
from ormlint.semantics.autoflush import flushes, option_of
from ormlint.semantics.changes import Change
from ormlint.semantics.concurrency import handed, made_again, running_after, started_below, unawaited, working
from ormlint.semantics.containers import element_of
from ormlint.semantics.crossing import given_both, linked
from ormlint.semantics.declared import bind_typevars, declared, given_by, is_generic, type_params, typevars_of
from ormlint.semantics.definitions import FunctionNode, Library
from ormlint.semantics.dependence import dotted, is_memo, parameters_behind, unsteady
from ormlint.semantics.engines import passed_on, remembers
from ormlint.semantics.events import ABSENT, CALLS, FRESH, Event, Live, Overwritten, SessionState, Step
from ormlint.semantics.expiry import OPTION, said_by_init
from ormlint.semantics.frame import Frame, TooMuch, World
from ormlint.semantics.kinds import kind_of
from ormlint.semantics.library import call_library, call_method, made_by, own_effect
from ormlint.semantics.loading import origin_of
from ormlint.semantics.loops import guard
from ormlint.semantics.members import assigned_fields, function_kind, note_built
from ormlint.semantics.observations import Context, Incident, Made, Repeated, Summary
from ormlint.semantics.ownership import serves
from ormlint.semantics.scope import USES, judge_reuse, used, uses_of
from ormlint.semantics.state import State, join_live, join_sessions
from ormlint.semantics.summaries import Substitution, Symbolic, matters, plain, transform
from ormlint.semantics.symbols import applied, last_name
from ormlint.semantics.transactions import carry, commits_one_like, end_all, end_blocks, is_own, let_go, meets, notice, one_of, outcomes
from ormlint.semantics.twins import has_twin
from ormlint.semantics.unit_of_work import (
    attach,
    change,
    delete_one,
    detach_one,
    escape,
    expire_one,
    expires_on_commit,
    give_away,
    hold,
    lock,
    loosen,
    make,
    new_session,
    outdate,
    sessions_in,
)
from ormlint.semantics.values import (
    NEVER,
    NONE,
    UNKNOWN,
    Actual,
    ClassRef,
    Coll,
    Const,
    Entity,
    Factory,
    FuncRef,
    Instance,
    LibInstance,
    LibRef,
    Manager,
    Method,
    NameOf,
    Origin,
    Partial,
    Plain,
    Query,
    Session,
    SessionId,
    Site,
    Tup,
    UnionOf,
    Unknown,
    Value,
    is_made,
    join,
    options_of,
    union,
    widen,
)
from ormlint.semantics.variance import varies_with

_MET = frozenset({"callout", "begin"})
RAW = ("<raw>", NONE)
_CONTEXTS = 64
_WORK = 128_000
"""A function has more contexts where these together are not longer than so many characters: two lines that all repositories call."""
_DEEPEST = 40
_EVENTS = 48
_ROUNDS = 2
_PENDING = 48
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
_INNER = 5
"""A load of a row that the callee fetched itself, so many calls down, is only possible: it may be the same row each time."""
_ENDINGS = frozenset({"commit", "rollback", "close", "remove", "save", "abort", "end", "reset", "release", "invalidate", "expunge_all"})
"""An unresolved method of such a name may end the transaction of a session that is known here by another name."""
_BUSINESS = 3
"""A change so many calls down is still what the code at hand is about."""
_SAME = 3
"""So many contexts of one function may be under way at once; a recursion that needs more is cut off."""


def call(frame: Frame, callee: Value, actuals: Sequence[Actual], node: r.Node) -> Value:
    """What calling `callee` gives; its effects happen in `frame`."""
    frame.spend()
    if type(callee) is FuncRef:
        return call_function(frame, callee, actuals, node)
    if type(callee) is ClassRef:
        return construct(frame, callee, actuals, node)
    if type(callee) is Method:
        return call_method(frame, callee, actuals, node)
    if type(callee) is LibRef:
        _resolved(frame, node)
        return call_library(frame, callee.name, actuals, node)
    if type(callee) is Partial:
        given = (*(Actual(value) for value in callee.args), *actuals, *(Actual(value, name) for name, value in callee.keywords))
        return call(frame, callee.func, given, node)
    if type(callee) is Factory:
        session = new_session(frame, callee, node)
        return made_by(frame, callee, session, actuals, node) if actuals else session
    if type(callee) is Session:  # a scoped_session called gives the current session
        if frame.coroutine and callee.scoped:
            frame.by_coroutine(Event("current", frame.site(node), session=callee))
        return msgspec.structs.replace(callee, scoped=False, ended_by="registry")
    if type(callee) is UnionOf:
        return _call_any(frame, callee, actuals, node)
    if type(callee) is Instance:
        method = frame.world.classes.member(callee.cls, "__call__")
        if method is not None:
            return call_function(frame, FuncRef(method[1][0], callee), actuals, node)
    if type(callee) is LibInstance:
        return call_method(frame, Method(callee, "__call__"), actuals, node)
    if isinstance(callee, (Plain, Const)):
        return UNKNOWN
    why = callee.why if type(callee) is Unknown else ""
    frame.world.trace.unresolved.append((frame.site(node), why))
    if frame.state.unsaved:
        frame.state.unsaved = frozenset()  # whoever is called may flush
    if any(actual.keyword == "load" and actual.value == Const(False, "bool") for actual in actuals):
        frame.world.leave("remerged", frame.path)  # merge(obj, load=False) on a session that was not made out
    if any(type(actual.value) is Query and actual.value.locked for actual in actuals):
        lock(frame, None, "any", node)
    for actual in actuals:
        give_away(frame, actual.value)
    if type(node) is r.Call and type(node.func) is r.Attr and node.func.attr in _ENDINGS:
        end_all(frame)
    return Unknown(f"the call is not resolved: {why}" if why and not why.startswith("the call") else why or "the call is not resolved")


def _resolved(frame: Frame, node: r.Node) -> None:
    frame.world.trace.called.append((frame.path, node))


def _call_any(frame: Frame, callee: UnionOf, actuals: Sequence[Actual], node: r.Node) -> Value:
    results: list[Value] = []
    before = frame.state.sessions
    ways: list[dict[SessionId, SessionState]] = []
    unsure = frame.unsure
    frame.unsure = unsure or sum(isinstance(item, Method) and isinstance(item.receiver, Session) for item in callee.items) > 1
    for item in callee.items:
        if item == NONE:
            continue
        frame.state.sessions = before.copy()
        result = call(frame, item, actuals, node)
        handed(frame, result)  # where a session may be of either kind, nobody can say that an await is missing
        results.append(result)
        ways.append(frame.state.sessions)
    frame.unsure = unsure
    if ways:
        frame.state.sessions = one_of(before, ways)
    return union(tuple(results)) if results else UNKNOWN


# Classes


def construct(frame: Frame, cls: ClassRef, actuals: Sequence[Actual], node: r.Node) -> Value:
    """`Class(…)`."""
    world = frame.world
    info = world.classes.infos.get(cls.cls)
    if info is None:
        return UNKNOWN
    _resolved(frame, node)
    if info.model is not None:
        return _new_entity(frame, cls, actuals, node)
    for library in info.libraries:
        kind = kind_of(library)
        if kind in ("session", "async_session"):
            return new_session(
                frame,
                Factory(kind == "async_session", _expires(frame, cls.cls, actuals), frame.site(node), autoflush=option_of(frame, actuals)),
                node,
            )
        if kind == "database":
            return LibInstance("database")
        if kind in ("session_factory", "async_session_factory"):
            return Factory(
                kind.startswith("async"), _expires(frame, cls.cls, actuals), frame.site(node), autoflush=option_of(frame, actuals)
            )
    if info.module in world.layers and world.layers[info.module].layer == "domain":
        boundary.mirror(frame, cls.cls, node)
    schema = serializing.serializer(frame, cls.cls, actuals, node)
    if schema is not None:
        return schema
    serializing.built(frame, cls.cls, actuals, node)
    fields: list[tuple[str, Value]] = []
    init = world.classes.member(cls.cls, "__init__")
    if cls.args:
        fields.extend((f"[{name}]", value) for name, value in zip(type_params(frame, cls.cls), cls.args, strict=False))
    instance = Instance(cls.cls, tuple(fields), tuple(loop.site for loop in frame.loops))
    if init is not None:
        call_function(frame, FuncRef(init[1][0], instance), actuals, node)
        params = bind(frame, world.symbols.functions[init[1][0]], actuals, instance, node)
        for ancestor in info.mro:
            for name, assigned in assigned_fields(world, ancestor).items():
                for function, expr, _ in assigned:
                    if function == init[1][0] and isinstance(expr, r.Name) and expr.id in params:
                        value = widen(params[expr.id])
                        fields.append((name, value))
                        note_built(frame, cls.cls, name, value)
                    elif function == init[1][0] and isinstance(expr, r.Call) and name not in dict(fields):
                        inner = _field_of_call(frame, init[1][0], expr, params)
                        if inner is not None:
                            fields.append((name, inner))
            if ancestor == init[0]:
                break
        # A base's __init__ that super() reaches assigns its own fields from what it was given.
        _inherited_fields(frame, cls.cls, init[0], init[1][0], params, fields)
    else:
        fields.extend(_declared_fields(frame, cls.cls, actuals))
        for name, value in fields:
            note_built(frame, cls.cls, name, value)
    seen: dict[str, Value] = {}
    for name, value in fields:
        seen[name] = value if name not in seen or isinstance(seen[name], Unknown) else seen[name]
    born = tuple(loop.site for loop in frame.loops)
    return Instance(
        cls.cls,
        tuple(
            sorted(
                (name, value) for name, value in seen.items() if name.startswith("[") or (matters(value) and not isinstance(value, LibRef))
            )
        ),
        born,
    )


def _field_of_call(frame: Frame, function: str, expr: r.Call, params: dict[str, Value]) -> Value | None:
    """`self.repo = Repo(session)` in `__init__`: the field with the caller's own session in it."""
    names = frame.world.names(expr)
    given = [params[name] for name in names if name in params and name != "self"]
    if not any(sessions_in(value) or isinstance(value, (ClassRef, Factory)) for value in given):
        return None
    inner = frame.function_frame(function)
    inner.budget = 2000
    inner.state.vars.update(params)
    value = inner.evaluate(expr)
    return value if isinstance(value, (Instance, Session, Factory)) else None


def _inherited_fields(frame: Frame, cls: str, owner: str, function: str, params: dict[str, Value], fields: list[tuple[str, Value]]) -> None:
    world = frame.world
    node = world.symbols.functions[function].node
    for stmt in node.body:
        value = stmt.value if isinstance(stmt, r.ExprStmt) else None
        if not (isinstance(value, r.Call) and isinstance(value.func, r.Attr) and value.func.attr == "__init__"):
            continue
        order = world.classes.infos[cls].mro
        for ancestor in order[order.index(owner) + 1 :] if owner in order else ():
            base = world.classes.infos[ancestor].methods.get("__init__")
            if not base:
                continue
            inner = frame.function_frame(function)
            inner.budget = 2000
            inner.state.vars.update(params)
            actuals = evaluated(inner, value.args)
            if actuals and isinstance(value.func.value, r.Name):
                actuals = actuals[1:]
            given = bind(frame, world.symbols.functions[base[0]], actuals, Instance(cls), value)
            for name, assigned in assigned_fields(world, ancestor).items():
                for by, expr, _ in assigned:
                    if by == base[0] and isinstance(expr, r.Name) and expr.id in given:
                        fields.append((name, widen(given[expr.id])))
                        note_built(frame, cls, name, widen(given[expr.id]))
            return


def _declared_fields(frame: Frame, cls: str, actuals: Sequence[Actual]) -> list[tuple[str, Value]]:
    """The fields of a dataclass, NamedTuple or pydantic model, from its annotations in order."""
    names: list[str] = []
    for ancestor in reversed(frame.world.classes.infos[cls].mro):
        for name in frame.world.classes.infos[ancestor].annotations:
            if name not in names:
                names.append(name)
    found: list[tuple[str, Value]] = []
    positional = [actual for actual in actuals if actual.keyword is None and not actual.star]
    for name, actual in zip(names, positional, strict=False):
        found.append((name, widen(actual.value)))
    for actual in actuals:
        if actual.keyword is not None:
            found.append((actual.keyword, _as_validated(frame, cls, actual.keyword, widen(actual.value))))
    return found


def _as_validated(frame: Frame, cls: str, name: str, value: Value) -> Value:
    """What a field holds of the value that it is given: of an entity, pydantic makes an object of the model that the field declares."""
    if not serializing.holds_entity(value) or not serializing.is_schema(frame.world.classes.infos[cls]):
        return value
    annotated = frame.world.classes.annotation(cls, name)
    if annotated is None:
        return value
    declared = frame.declared_in(annotated[0], annotated[1], f"{cls}.{name}")
    return declared if _holds_schema(frame, declared) else value


def _holds_schema(frame: Frame, value: Value) -> bool:
    infos = frame.world.classes.infos
    return any(
        (isinstance(item, Instance) and serializing.is_schema(infos[item.cls]))
        or (isinstance(item, Coll) and _holds_schema(frame, item.elem))
        for item in options_of(value)
    )


def _expires(frame: Frame, cls: str, actuals: Sequence[Actual]) -> bool | None:
    """`expire_on_commit` of a session class of the project: what the call says, else what its `__init__` does."""
    given = any(actual.keyword == OPTION for actual in actuals)
    init = frame.world.classes.member(cls, "__init__")
    if init is not None and not given:
        return said_by_init(frame.world.symbols.functions[init[1][0]].node)
    return expires_on_commit(frame, actuals)


def _new_entity(frame: Frame, cls: ClassRef, actuals: Sequence[Actual], node: r.Node) -> Entity:
    classes = frame.world.classes
    mapped = origin_of(classes, cls.cls, "new", frame.site(node), (), None)
    open_ended = any(
        actual.star == 2 and isinstance(actual.value, LibInstance) and any(name == "*" for name, _ in actual.value.data)
        for actual in actuals
    )
    origin = Origin("new", mapped.site, mapped.name, exact=not open_ended)
    given = [actual.keyword for actual in actuals if actual.keyword is not None]
    for actual in actuals:
        if actual.star == 2 and isinstance(actual.value, LibInstance):
            given.extend(name for name, _ in actual.value.data)
    frame.state.live[origin] = (
        Live(frozenset(given), assigned=_given(actuals), missing=frame.state.missing) if actuals or frame.state.missing else FRESH
    )
    init = classes.member(cls.cls, "__init__")
    entity = Entity(cls.cls, origin, (), frame.varying(node) or tuple(loop.site for loop in frame.loops))
    if init is not None:
        call_function(frame, FuncRef(init[1][0], entity), actuals, node)
    for actual in actuals:
        escape(frame, actual.value)
        if isinstance(actual.value, (Entity, UnionOf)) and actual.keyword is not None:
            mapped_to = classes.mapped_attribute(cls.cls, actual.keyword)
            if mapped_to is not None and mapped_to.kind == "relationship":
                linked(frame, entity, actual.value, node)
    return entity


def _given(actuals: Sequence[Actual]) -> frozenset[str]:
    """The attributes that a construction sets; "*" where not all of them can be told."""
    names: set[str] = set()
    for actual in actuals:
        if actual.star == 2 and isinstance(actual.value, LibInstance) and actual.value.cls == "kwargs":
            names.update(name for name, _ in actual.value.data)
        else:
            names.add(actual.keyword if actual.keyword is not None else "*")
    return frozenset(names)


# Functions


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


def call_function(frame: Frame, ref: FuncRef, actuals: Sequence[Actual], node: r.Node) -> Value:
    """Calls a function of the project."""
    world = frame.world
    function = world.symbols.functions.get(ref.func)
    if function is None:
        return UNKNOWN
    _resolved(frame, node)
    if world.config.external_effects:
        own_effect(frame, node, world.called_as(ref.func))
    if function.node.decorators and RAW not in ref.closure:
        wrapper = decorated(frame, ref.func)
        if wrapper is not None:
            if frame.scope.role not in ("test", "fixture"):
                world.leave("called_decorated", ref.func)
            given = actuals if ref.bound is None else (Actual(ref.bound), *actuals)
            return call(frame, wrapper, given, node)
    if is_manager(world, function):
        values = tuple(actual.value for actual in actuals if actual.keyword is None)
        names = tuple((actual.keyword, actual.value) for actual in actuals if actual.keyword is not None)
        return Manager("function", UNKNOWN, None, ref, values, names)
    outcome = invoke(frame, ref, actuals, node)
    if outcome is None or world.is_abandoned(ref.func):
        for value in (*(actual.value for actual in actuals), *(() if ref.bound is None else (ref.bound,))):
            for session in sessions_in(value):
                let_go(frame, session)
    if outcome is None:
        return UNKNOWN
    summary, back = outcome
    if node is frame.iterating and function.node.is_generator and _provides(summary):
        return suspended(frame, summary, back, node)
    settle(frame, summary, back, node, lambda event: True)
    carry(frame, summary, back, frame.site(node))
    if not summary.finishes and not function.node.is_generator:
        frame.dead = True
        return NEVER
    return returned(frame, function, summary, back, node)


_DEEP = -8
"""Where the search for sessions begins to count: a service holds a repository, which holds the session."""


def _provides(summary: Summary) -> bool:
    """Whether a generator lends a session that it ends itself: what it yields holds one, and behind the yield that is over."""
    lent = {session.id for session in sessions_in(summary.yielded, _DEEP)}
    return bool(lent) and any(
        event.after_yield and event.kind in ("close", "commit", "rollback") and event.session is not None and event.session.id in lent
        for event in summary.events
    )


def suspended(frame: Frame, summary: Summary, back: Substitution, node: r.Node) -> Value:
    """`for session in get_session():` runs its body where the generator stands at its yield; what comes behind that waits."""
    settle(frame, summary, back, node, lambda event: not event.after_yield)
    adopt(frame, summary, back)
    given = back.value(summary.yielded)
    for session in sessions_in(given, _DEEP):
        if session.id.kind == "made":
            frame.state.sessions.pop(session.id, None)
            frame.managed.add(session.id)
    carry(frame, summary, back, frame.site(node), at_yield=True)
    frame.suspended = (summary, back)
    return Coll("iterator", given, None, 1)


def resumed(frame: Frame, summary: Summary, back: Substitution, node: r.Node) -> None:
    """The loop is over: the generator goes on behind its yield."""
    settle(frame, summary, back, node, lambda event: event.after_yield and not event.exceptional)
    end_blocks(frame, summary, back, frame.site(node), False)


def returned(frame: Frame, function: FunctionNode, summary: Summary, back: Substitution, node: r.Node) -> Value:
    """A summary's result as the caller sees it."""
    if function.node.is_generator:
        elem = back.value(summary.yielded)
        adopt(frame, summary, back)
        lazy = tuple(back.session(session) for session in uses_of(summary.events) if session.id in back.sessions)
        cursor = back.session(summary.streamed) if summary.streamed is not None and back.gave(summary.streamed) else None
        if cursor is not None:
            lazy = (cursor, *(session for session in lazy if session.id != cursor.id))
        return Coll("iterator", elem, None, None, isinstance(elem, Coll) and elem.kind in ("list", "tuple"), lazy, cursor is not None)
    value = back.value(summary.returned)
    adopt(frame, summary, back)
    if isinstance(value, Unknown) and function.node.returns is not None:
        value = _promised(frame, function, back.typevars)
    for id, session in back.made.items():
        if (
            id in summary.handed
            and _mentions(value, session)
            and not (function.cls and function_kind(frame.world, function.id) == "property")
        ):
            make(frame, session, used=True)
    if function.node.is_async:
        return working(frame, value, summary, back, node)
    return made_again(frame, value)


def _promised(frame: Frame, function: FunctionNode, typevars: dict[str, Value]) -> Value:
    """What a function's annotation promises, where its body does not say more."""
    inner = frame.module_frame(function.module)
    inner.cls = function.cls
    inner.typevars = typevars
    value = declared(inner, function.node.returns, function.node.name)
    return transform(
        value,
        lambda session: session,
        lambda entity: Entity(entity.model, msgspec.structs.replace(entity.origin, kind="declared"), entity.path, entity.born),
    )


def _mentions(value: Value, session: Session) -> bool:
    return any(found.id == session.id for found in sessions_in(value))


def adopt(frame: Frame, summary: Summary, back: Substitution) -> None:
    """What the callee's end state says of the entities that the caller now has."""
    unfetched.met_again(frame, back.origins.values())
    for origin in back.origins.values():
        frame.state.live[origin] = FRESH
    unfetched.settled(frame, summary.live, back)
    for origin, live in summary.live:
        actual = back.passed(origin)
        if actual is None:
            if origin in back.origins:
                frame.state.live[back.origins[origin]] = live
            continue
        if origin.kind == "new" and not origin.exact and actual.origin.exact:
            loosen(frame, actual)
            continue
        if live.loaded or live.fresh:
            known = frame.state.live.get(actual.origin, FRESH)
            prefix = ".".join(actual.path)
            more = frozenset([f"{prefix}.{path}" if prefix else path for path in live.loaded])
            fresh = frozenset([f"{prefix}.{path}".strip(".") for path in live.fresh])
            frame.state.live[actual.origin] = msgspec.structs.replace(known, loaded=known.loaded | more, fresh=known.fresh | fresh)
        if live.due or live.lost or live.loaded:
            unfetched.adopted(frame, actual, live, back.call)
        if live.assigned:
            known = frame.state.live.get(actual.origin, FRESH)
            frame.state.live[actual.origin] = conflicts.adopted(live, ".".join(actual.path), known)


def _to_several(summary: Summary, event: Event) -> bool:
    """Whether the callee's add is to one of several sessions: to which one, nobody knows."""
    return any(other.kind == "add" and other.end == event.end and other.session != event.session for other in summary.events)


def settle(frame: Frame, summary: Summary, back: Substitution, node: r.Node, wanted: object) -> None:
    """Lets a summary's events happen at the call `node`."""
    site = frame.site(node)
    call_varies = frame.varying(node)
    call_unsteady: tuple[Site, ...] | None = None
    conditions = tuple(frame.conditions)
    if frame.loops and isinstance(node, r.Call):
        # `store(row, commit=i == last)`: the call is told when the batch is full.
        told = any(isinstance(arg.value, (r.BoolOp, r.Compare)) and guard(arg.value) == "batch" for arg in node.args)
        conditions = (*conditions, (node.start, "batch")) if told else conditions
    before = dict(frame.state.sessions) if summary.events else {}
    world = frame.world
    for event in summary.events:
        if not wanted(event):  # type: ignore[operator]
            continue
        session = None
        if event.session is not None:
            inside = is_made(event.session.id) and event.session.id not in back.made and event.session.id not in back.sessions
            session = _given_each_turn(frame, back.session(event.session), back)
            if inside:  # another one at each call
                frame.state.sessions.pop(session.id, None)
        entity = event.entity
        given = back.is_given(event)
        if entity is not None:
            entity = back.entity(entity)
        varies = call_varies
        if entity is not None and given and event.kind == "load":
            # What else the call is given may change with the loop; only the entity itself decides.
            varies = varies_with(frame, entity, _expression_of(entity, back, node))
            if varies and shared(frame, entity, event.attr):
                varies = once_for_each_query(frame, varies, entity.origin)
            flushed = frame.state.live.get(entity.origin, FRESH).flushed
            if entity.origin.kind == "new" and (event.how in ("written", "cascade") or (event.how == "lazy" and not flushed)):
                continue
        if entity is not None and event.kind == "load" and event.how in ("lazy", "undone"):
            if given:
                entity = straightened(frame, entity, event.entity)
                if already_loaded(frame, entity, event.attr):
                    continue
            if answered(frame, entity, event.attr):
                if given:
                    continue
                world.leave("answered", (event.end, event.attr))
        if len(event.via) > 12:
            continue
        if event.kind == "autoflush" and session is not None and (known := frame.state.sessions.get(session.id)) and known.quiet:
            continue
        confidence = event.confidence
        if given and entity is not None and entity.origin.kind in ("param", "self", "declared") and world.eagerly(entity.model, event.attr):
            confidence = min(confidence, 1)
        if given and entity is not None and entity.origin.kind == "declared" and has_twin(world, entity.model):
            confidence = min(confidence, 1)
        if event.kind == "load" and not given and len(event.via) >= _INNER:
            confidence = min(confidence, 1)
        if any(meaning == "untold type" for _, meaning in event.conditions):
            confidence = min(confidence, 1)
        missing = ""
        if event.kind == "load" and event.conditions:
            missing = _missing_for(frame, event, back)
            # A row that was made is there the next time: what its making loads is no load of each turn.
            confidence = min(confidence, 1) if missing == ABSENT else confidence
        own = event.own or (
            event.session is not None
            and is_made(event.session.id)
            and event.session.id not in back.sessions
            and not _kept(summary, event.session)
        )
        since = event.since
        if since is not None and since.path == "" and entity is not None:
            live = frame.state.live.get(entity.origin, FRESH)
            single = unfetched.lost_at(live, ".".join((*entity.path, event.attr)))
            since = (
                live.detached
                if event.how == "detached"
                else single.site
                if single is not None
                else live.expired or entity.origin.expired or since
            )
        if event.kind == "autoflush":
            since = site  # as the caller sees it, the add is in the call as well
        step = Step(event.site, _words(event))
        around = conditions
        needs: frozenset[str] | None = None
        loose: tuple[Site, ...] = ()
        about_loops: tuple[Site, ...] = ()
        about: frozenset[str] = frozenset()
        if event.kind in ("query", "write") or (event.kind == "load" and not given):
            if call_unsteady is None:
                call_unsteady = unsteady(frame, node)
            around, needs, loose = (*conditions, *_kept_for(frame, event, site, back)), _needs_here(frame, event, back, node), call_unsteady
            if event.needs is not None and back.varying is not None:
                changing = {loop for name in event.needs for loop in back.varying.get(name, ())}
                varies = tuple(loop for loop in call_varies if loop in changing)
            if event.about and back.given is not None:
                about_loops = tuple(loop for name in event.about for loop in (back.varying or {}).get(name, ()))
                about = _behind_arguments(frame, event.about, back.given)
        if missing.startswith(f"{ABSENT} "):
            around = (*around, (site.start, missing))
        over, held = meets(frame, event, site, back) if event.kind in _MET else (event.settled, event.held)
        if event.kind == "engine":
            passed = passed_on(frame, event)
            if passed is None:
                continue
            event = passed
        early = None
        if event.kind == "callout" and not event.told and not event.exceptional:
            early = announces_early(frame, event.note, event.attr, before)
        mapped = Event(
            event.kind, site, event.note, session, entity, event.attr, event.how, varies, around, (step, *event.via),
            event.exceptional or frame.exceptional > 0, frame.state.yielded, event.reported, own, event.block, since, confidence,
            needs, loose, over, held, about_loops, about, event.aside or frame.coroutine or frame.offloaded > 0,
            event.told or early is not None,
        )  # fmt: skip
        frame.emit(mapped)
        if early is not None:
            frame.note("announced-early", mapped, early)
        adds = event.kind == "add" and given and back.gave(event.session)
        if adds and entity is not None and session is not None and not _to_several(summary, event):
            given_both(frame, entity, session, mapped)
        if frame.coroutine and not event.aside:
            frame.by_coroutine(mapped)
        if session is not None and event.kind in USES and not event.exceptional:
            earlier = before.get(session.id)
            known = frame.state.sessions.get(session.id)
            if earlier is not None and earlier.ended is not None and known is not None and known.ended == earlier.ended:
                used(frame, session, node, mapped)
        if event.kind in ("lock", "overwrite", "add"):
            _what_it_does(frame, event, mapped, node, given)
        if session is not None and not event.exceptional and event.kind != "load":
            if event.how in ("add", "add_all") and entity is not None and given:
                attach(frame, entity.origin, session)
                back.attached(entity.origin, session)
            elif event.how == "expire" and entity is not None and given and not event.note:
                expire_one(frame, entity, site, "expire")
            elif event.how in ("delete", "delete_all") and entity is not None and given:
                delete_one(frame, entity)
            elif event.how == "expunge" and entity is not None and given:
                detach_one(frame, entity, site, "expunge")
            flushes(frame, session, event.how, node, entity, via=mapped.via)
            change(frame, session, event.how, site, len(event.via) > _BUSINESS)
    if summary.left:
        _settle_sessions(frame, summary, back, before)
    if summary.running:
        started_below(frame, summary, back)
    if summary.missing:
        conflicts.carried(frame, summary, back)


def _given_each_turn(frame: Frame, session: Session, back: Substitution) -> Session:
    """A session that only the callee declares, and that the loop's body binds anew: `with opened() as session: f(session)`."""
    if session.id.kind != "passed" or not frame.loops or back.given is None:
        return session
    for name, value in back.params.items():
        exprs = back.given.get(name, ())
        if len(exprs) == 1 and isinstance(exprs[0], r.Name) and any(found.id == session.id for found in sessions_in(value)):
            born = tuple(loop.site for loop in frame.loops if exprs[0].id in loop.touched)
            return msgspec.structs.replace(session, born=born) if born else session
    return session


def _settle_sessions(frame: Frame, summary: Summary, back: Substitution, before: dict[SessionId, SessionState]) -> None:
    """The callee's events were taken in one after the other, branches and all; what it leaves behind on its ways out decides."""
    sessions = frame.state.sessions
    for id, left in summary.left:
        session = back.sessions.get(id)
        actual = session.id if session is not None else id
        known = sessions.get(actual)
        if known is None or (session is None and id.kind not in ("global", "field", "given")):
            continue
        earlier = before.get(actual)
        ended = known.ended
        if session is not None and left.ended is None:
            ended = earlier.ended if earlier is not None and not left.began else None
        written = known.written
        if left.written is None and written is not None and (earlier is None or earlier.written != written):
            written = None
        if ended != known.ended or written != known.written:
            sessions[actual] = msgspec.structs.replace(known, ended=ended, written=written)


def _kept_for(frame: Frame, event: Event, site: Site, back: Substitution) -> tuple[tuple[int, str], ...]:
    """A store that lives longer than the call still keeps what the call asks for."""
    if back.memo:
        return ((site.start, "kept outer ()"),)
    for _, meaning in event.conditions:
        if meaning.startswith("kept "):
            _, scope, store = meaning.split(" ", 2)
            if scope == "param" and "." in store and _is_looked_up(frame, back, store.split(".", 1)[0]):
                return ((site.start, "kept outer ()"),)  # `self.name` of what a collection keeps by its key
            if scope == "outer" or (scope == "param" and back.varying is not None and not back.varying.get(store.split(".", 1)[0])):
                return ((site.start, "kept outer ()"),)
            if scope == "param" and back.given is not None:
                # The caller's own parameter has the store: its callers know whether that is the same one each time.
                root, _, rest = store.partition(".")
                exprs = back.given.get(root, ())
                named = dotted(exprs[0]) if len(exprs) == 1 and isinstance(exprs[0], (r.Name, r.Attr)) else ""
                own = () if frame.function is None else tuple(param.name for param in frame.function.node.params)
                if named.partition(".")[0] in own:
                    return ((site.start, f"kept param {named}{rest and '.'}{rest}"),)
    return ()


def _is_looked_up(frame: Frame, back: Substitution, name: str) -> bool:
    """Whether what a call gives to a parameter was taken out of a collection that is the same in each turn."""
    exprs = back.given.get(name, ()) if back.given is not None else ()
    return len(exprs) == 1 and isinstance(exprs[0], r.Sub) and not frame.varying(exprs[0].value)


def _missing_for(frame: Frame, event: Event, back: Substitution) -> str:
    """Whether a callee's load needs a row to be missing: "" where each turn may look for another one, `ABSENT` where it is the same for
    all, else that with the caller's own parameters which tell."""
    told = [meaning for _, meaning in event.conditions if meaning.startswith(ABSENT)]
    if not told:
        return ""
    own = frozenset() if frame.function is None else frozenset(param.name for param in frame.function.node.params)
    behind: set[str] = set()
    for name in told[-1].split()[1:]:
        for expr in back.given.get(name, ()) if back.given is not None else ():
            of_element = isinstance(expr, r.Name) or (isinstance(expr, r.Attr) and isinstance(expr.value, r.Name))
            if not of_element or any(isinstance(part, (Entity, Session)) for part in options_of(back.params.get(name, UNKNOWN))):
                continue  # what an object refers to is often the same for all
            if frame.varying(expr):
                return ""
            if isinstance(expr, r.Name) and not frame.loops:
                behind |= {expr.id} & own
    return f"{ABSENT} {' '.join(sorted(behind))}" if behind else ABSENT


def _needs_here(frame: Frame, event: Event, back: Substitution, node: r.Node) -> frozenset[str] | None:
    """The caller's own parameters that the callee's query is computed from."""
    if event.needs is None or back.given is None:
        return parameters_behind(frame, node)
    return _behind_arguments(frame, event.needs, back.given)


def _behind_arguments(frame: Frame, names: frozenset[str], given: dict[str, tuple[r.Node, ...]]) -> frozenset[str]:
    found: set[str] = set()
    for name in names:
        for expr in given.get(name, ()):
            found |= parameters_behind(frame, expr) or frozenset()
    return frozenset(found)


def arguments_of(function: FunctionNode, ref: FuncRef, node: r.Node) -> dict[str, tuple[r.Node, ...]] | None:
    """The expressions that a call gives to each parameter; None where the call's text does not say."""
    params = [param for param in function.node.params if param.kind in ("pos", "pos-only")]
    found: dict[str, tuple[r.Node, ...]] = {}
    if ref.bound is not None and params:
        found[params[0].name] = (node.func.value if type(node) is r.Call and type(node.func) is r.Attr else node,)
        params = params[1:]
    if type(node) is not r.Call:
        return found if type(node) is r.Attr else None
    if ref.closure or (type(node.func) is r.Attr and node.func.attr != function.node.name):
        return None
    if type(node.func) is r.Name and ref.bound is not None:
        return None
    named = {param.name for param in function.node.params if param.kind in ("pos", "kw-only")}
    rest = next((param.name for param in function.node.params if param.kind == "*"), "")
    others = next((param.name for param in function.node.params if param.kind == "**"), "")
    positional = iter(params)
    for arg in node.args:
        if arg.star:
            for param in function.node.params:
                if param.name not in found or param.kind in ("*", "**"):
                    found[param.name] = (*found.get(param.name, ()), arg.value)
        elif arg.keyword is not None:
            target = arg.keyword if arg.keyword in named else others
            found[target] = (*found.get(target, ()), arg.value)
        else:
            following = next(positional, None)
            target = following.name if following is not None else rest
            found[target] = (*found.get(target, ()), arg.value)
    return found


def _expression_of(entity: Entity, back: Substitution, node: r.Node) -> r.Node:
    """The expression that gives the entity to the call: an argument where it is one, else the receiver."""
    for name, value in back.params.items():
        parts = [part for part in options_of(value) if isinstance(part, Entity)]
        if any(part.origin == entity.origin and part.path == entity.path[: len(part.path)] for part in parts):
            exprs = back.given.get(name, ()) if back.given is not None else ()
            if len(exprs) == 1:
                return exprs[0]
    return receiver_of(node)


def _what_it_does(frame: Frame, event: Event, mapped: Event, node: r.Node, given: bool) -> None:
    """What a callee's lock, raw write or insert means for the caller."""
    if event.kind == "lock":
        hold(frame, mapped.session, event.attr)
    elif event.kind == "overwrite":
        if mapped.session is not None:
            outdate(frame, mapped.session, Overwritten(event.attr, tuple(event.how.split(",")), mapped.site, event.note))
    elif event.entity is not None and mapped.entity is not None and event.entity.origin.kind == "new":
        conflicts.added(frame, mapped.entity, mapped.session, node, mapped.via, given)


def receiver_of(node: r.Node) -> r.Node:
    """The object that a method is called on, where the node is such a call."""
    if isinstance(node, r.Call):
        return node.func.value if isinstance(node.func, r.Attr) else node.func
    return node


def _kept(summary: Summary, session: Session) -> bool:
    return any(found.id == session.id for found in (*sessions_in(summary.returned), *sessions_in(summary.yielded)))


def _words(event: Event) -> str:
    if event.via:
        return CALLS
    if event.kind == "load":
        return f"reads .{event.attr}"
    if event.kind == "query":
        return event.note or "runs a query"
    return {"commit": "commits", "rollback": "rolls back", "flush": "flushes", "write": "writes", "close": "closes the session"}.get(
        event.kind, event.kind
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
        _forward(frame, item, back, node)
    for crossing in world.crossing.get(key, ()):
        boundary.forward(frame, crossing, back, node, function)
    if frame.scope.role not in ("test", "fixture"):
        for conflict in world.conflicts.get(key, ()):
            conflicts.forward(frame, conflict, back, node)
    return summary, back


def _forward(frame: Frame, item: Repeated, back: Substitution, node: r.Node) -> None:
    """A repeated load on an entity that was passed in: now it is known which."""
    event = item.event
    if event.entity is None:
        return
    entity = back.entity(event.entity)
    if entity.origin.kind in ("new", "unknown") and not (entity.origin.kind == "new" and event.how in ("expired", "undone")):
        return
    if event.how == "lazy" and (answered(frame, entity, event.attr) or shared(frame, entity, event.attr)):
        return
    session = None if event.session is None else back.session(event.session)
    confidence = event.confidence
    if entity.origin.kind in ("param", "self", "declared") and frame.world.eagerly(entity.model, event.attr):
        confidence = 1
    since = event.since
    if since is not None and since.path == "":
        live = frame.state.live.get(entity.origin, FRESH)
        since = live.expired or entity.origin.expired or live.detached or since
    note_repeated(
        frame,
        msgspec.structs.replace(
            item, event=msgspec.structs.replace(event, entity=entity, session=session, since=since, confidence=confidence)
        ),
    )


def note_repeated(frame: Frame, item: Repeated) -> None:
    """Keeps a repeated event for the rules, or for the callers where its entity is still a symbol."""
    entity = item.event.entity
    if item.event.kind == "load" and entity is not None and entity.origin.kind == "arg":
        place = (item.event.site, item.event.attr, item.loop.site, entity.origin.name, entity.path)
        if len(frame.pending) < _PENDING:
            frame.pending.setdefault(place, item)
        return
    world = frame.world
    keep_stronger(world.observed.setdefault(world.current, {}), item)


def keep_stronger(found: dict[tuple[str, Site, str, Site, Site | None], Repeated], item: Repeated) -> None:
    """Of two observations of one place the surer one stays."""
    event = item.event
    key = (event.kind, event.site, event.attr, item.loop.site, event.end if event.kind in ("query", "write") else None)
    known = found.get(key)
    if known is None or known.event.confidence < item.event.confidence or (not known.rows and item.rows):
        found[key] = item


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


def summarise(
    world: World,
    key: object,
    function: FunctionNode,
    params: dict[str, Value],
    closure: dict[str, Value],
    typevars: dict[str, Value],
    symbols: Symbolic | None,
) -> Summary | None:
    """The summary of one function in one context, made when it is first needed."""
    known = world.summaries.get(key)
    if known is not None:
        return known
    provisional = world.provisional.get(key)
    if provisional is not None:
        at = world.active.get(key)
        if at is not None:
            world.lowest = min(world.lowest, at)
        if key != world.current or world.on_stack[_counted(function, closure, params)] > 1:
            world.doubt(f"{function.id} is called by what it calls")
        return provisional
    if world.recall is not None and (recalled := world.recall(key)) is not None:
        return recalled
    if world.depth >= _DEEPEST:
        world.doubt("calls that go too deep")
        return None
    counted = _counted(function, closure, params)
    contexts = world.contexts.setdefault(counted, [])
    count = len(contexts)
    nested = world.on_stack.get(counted, 0)
    # What the function does by its declaration says nothing of the sessions and entities that this call gives it.
    given = symbols is not None and bool(symbols.sessions or symbols.entities)
    if nested >= _SAME:
        world.doubt(f"{function.id} is called by what it calls")
        return None if given else world.entries.get(function.id)
    if not world.decorating:  # a decorator is applied to any number of functions
        most = most_contexts(function)
        if world.is_one_too_many(counted, key, count, 4 * most if given else most):
            world.doubt(f"{function.id} has too many contexts")
        if count >= 4 * most and given:
            return None
        if count >= most and symbols is not None and not given:
            return _by_declaration(world, function)
        contexts.append(key)
    world.on_stack[counted] = nested + 1
    outer_lowest = world.lowest
    world.depth += 1
    world.active[key] = world.depth
    summary = Summary(NEVER, NEVER, (), True)
    try:
        for turn in range(_ROUNDS if nested == 0 else 1):
            if turn:
                _forget(world, world.depth)
            world.lowest = 1 << 30
            world.provisional[key] = summary
            before = summary
            summary = _run(world, function, params, closure, typevars, symbols, key)
            depends_on_itself = world.lowest <= world.depth
            settled = not summary.events and not matters(summary.returned) and not matters(summary.yielded)
            if not depends_on_itself or settled or summary == before:
                break
    finally:
        own = world.active.pop(key)
        world.on_stack[counted] = nested
        world.depth -= 1
    below = world.lowest < own
    if below:
        # It rests on a caller's unfinished summary: keep it only until that caller is done.
        world.provisional[key] = summary
        world.rests.append((world.lowest, key))
    else:
        del world.provisional[key]
        world.summaries[key] = summary
        # What rested on this summary alone was made with its last value: it is final too.
        for lowest, other in world.rests:
            if lowest >= own and other in world.provisional:
                world.summaries[other] = world.provisional.pop(other)
        world.rests = [item for item in world.rests if item[0] < own]
    world.lowest = min(outer_lowest, world.lowest) if below else outer_lowest
    return summary


def most_contexts(function: FunctionNode) -> int:
    """So many contexts of a function are told apart; then four times as many, of those in which it is given sessions or entities."""
    return max(_CONTEXTS, min(_WORK // (function.node.end - function.node.start + 1), 8 * _CONTEXTS))


def _counted(function: FunctionNode, closure: dict[str, Value], params: dict[str, Value]) -> tuple[str, tuple[str, ...]]:
    """What contexts are counted by: a decorator, and its wrapper, is another function for each function that it holds."""
    held = [value.func for values in (closure, params) for value in values.values() if type(value) is FuncRef]
    return function.id, tuple(sorted(held)) if held else ()


def _by_declaration(world: World, function: FunctionNode) -> Summary | None:
    """What a function gives and does with what its parameters declare, whether or not it has been run by itself."""
    known = world.entries.get(function.id)
    if known is not None or "<lambda" in function.id:
        return known
    frame = Frame(world, world.symbols.modules[function.module], function)
    return summarise(world, ("entry", function.id), function, entry_params(frame, function), {}, {}, None)


def _forget(world: World, depth: int) -> None:
    """Before another round: what was made with the last round's value of the summary at `depth` must be made again."""
    for lowest, other in world.rests:
        if lowest >= depth:
            world.provisional.pop(other, None)
    world.rests = [item for item in world.rests if item[0] < depth]


def _run(
    world: World,
    function: FunctionNode,
    params: dict[str, Value],
    closure: dict[str, Value],
    typevars: dict[str, Value],
    symbols: Symbolic | None,
    key: object,
) -> Summary:
    frame = Frame(world, world.symbols.modules[function.module], function)
    frame.state.vars.update(params)
    frame.closure = closure
    frame.typevars = typevars
    held = world.enter(key)
    world.observed.pop(key, None)
    world.noted.pop(key, None)
    world.raising.pop(key, None)
    world.crossed.pop(key, None)
    world.noticed.pop(key, None)
    world.edges.pop(key, None)
    if frame.in_domain:
        boundary.begin(frame, function)
    if symbols is not None:
        frame.state.live.update(symbols.live)
    elif serves(world, function):
        frame.state.sessions.update(world.opened_before.get(function.id, {}))
    set_self(frame, function, params)
    try:
        frame.run(function.node.body)
        summary = finished(frame)
    except TooMuch:
        world.change("abandoned", function.id)
        world.doubt("a function that is too large")
        summary = Summary(Unknown("the function is too large"), UNKNOWN, tuple(frame.order)[:_EVENTS])
    finally:
        world.exit(held)
    if frame.pending:
        world.pending[key] = tuple(frame.pending.values())
    if frame.set_here is not None:
        boundary.end(frame)
    if frame.crossings:
        world.crossing[key] = tuple(frame.crossings.values())
    conflicts.summary_of(frame, key)
    return summary


def set_self(frame: Frame, function: FunctionNode, params: dict[str, Value]) -> None:
    """Binds what `self`, `super()` and the class's type variables mean in a method."""
    if not function.cls or not function.node.params:
        return
    kind = function_kind(frame.world, function.id)
    if kind == "static":
        return
    owner = params.get(function.node.params[0].name)
    frame.self_value = owner
    if isinstance(owner, Instance):
        for name, value in typevars_of(frame, owner.cls, owner.fields).items():
            frame.typevars.setdefault(name, value)
    elif isinstance(owner, ClassRef):
        for name, value in typevars_of(frame, owner.cls).items():
            frame.typevars.setdefault(name, value)


def finished(frame: Frame) -> Summary:
    """The summary of a frame whose body has been run."""
    value = frame.returned
    if not frame.dead:
        value = join(value, NONE) if not isinstance(value, type(NEVER)) else NONE
        frame.ends.append(
            (
                "end",
                Site(frame.path, frame.function.node.start, frame.function.node.end) if frame.function else Site(frame.path, 0, 0),
                frame.state,
            )
        )
    finishes = not frame.dead or any(kind == "return" for kind, _, _ in frame.ends)
    live: dict[Origin, Live] = {}
    states = [state for kind, _, state in frame.ends if kind != "raise"]
    for state in states:
        for origin, item in state.live.items():
            known = live.get(origin)
            if known is None:
                live[origin] = item
            elif known != item:
                live[origin] = join_live(known, item)
    _tried(frame, states, live)
    kept = tuple(
        (origin, item)
        for origin, item in live.items()
        if item != FRESH and (origin.kind == "arg" or origin.kind in ("query", "get", "new"))
    )[:40]
    check_fates(frame)
    if frame.reused:
        judge_reuse(frame, states)
    unawaited(frame)
    events = _bounded(frame)
    fates: dict[SessionId, frozenset[str]] = {}
    for state in states:
        for id, known_session in state.sessions.items():
            fates[id] = fates.get(id, frozenset()) | known_session.fates
    handed_out = tuple(id for id, fate in fates.items() if "returned" in fate and "escaped" not in fate)
    given = tuple(sessions_in(value)) + tuple(sessions_in(frame.yielded))
    if frame.wrote:
        _judge_writes(frame, finishes, {session.id for session in given})
    after = running_after(frame, states, value)
    streamed = frame.streamed
    missing = frozenset.intersection(*(state.missing for state in states)) if states else frozenset()
    known_missing = tuple(sorted(missing, key=lambda event: event.site)) if missing else ()
    left, ways = _left(states), outcomes(frame, given)
    return Summary(value, frame.yielded, events, finishes, kept, handed_out, left, ways, streamed, after, known_missing)


def _tried(frame: Frame, states: Sequence[State], live: dict[Origin, Live]) -> None:
    """A property that tries one relationship after the other: what the ways past it load is told at its first use, and once."""
    owner, function = frame.self_value, frame.function
    if not isinstance(owner, Entity) or function is None or owner.origin not in live:
        return
    known = live[owner.origin]
    if known.expired is None and len(states) > 1 and function_kind(frame.world, function.id) == "property":
        loaded = frozenset[str]().union(*[state.live.get(owner.origin, FRESH).loaded for state in states])
        if loaded != known.loaded:
            live[owner.origin] = msgspec.structs.replace(known, loaded=loaded)


def _judge_writes(frame: Frame, finishes: bool, handed: set[SessionId]) -> None:
    """Notes the writes on the function's own sessions that no path of it commits."""
    function = frame.function
    if function is None or not finishes or frame.world.is_abandoned(frame.name):
        return
    for id, (session, steps) in frame.wrote.items():
        if id in frame.loose or id in handed or session.committed_by or commits_one_like(frame, id):
            continue
        if id.kind == "given":
            if frame.world.is_committed(id) or not serves(frame.world, function) or decorated(frame, function.id) is not None:
                continue
        elif id.kind != "made" or not is_own(frame, id):
            continue
        if id in frame.rolled_back:
            continue  # on purpose: a rehearsal
        # An attribute that something far down sets is often meant for what is shown, not for the row.
        confidence = 1 if len(steps) > 2 and steps[-1].note.startswith("sets ") else 2
        notice(frame, Incident("unwritten", steps[0].site, session, frame.name, steps[1:], attr=id.kind, confidence=confidence))


def _left(states: Sequence[State]) -> tuple[tuple[SessionId, SessionState], ...]:
    """How the ways out of a function leave the sessions that it touched; one that it ended on some only is not ended, and what it wrote
    and committed on some counts as committed."""
    left: dict[SessionId, SessionState] = {}
    for state in states:
        for id, known in state.sessions.items():
            left[id] = join_sessions(left[id], known) if id in left else known
    for id, known in left.items():
        if known.written is not None and known.stored:
            left[id] = msgspec.structs.replace(known, written=None)
    return tuple(
        (id, known if known.ended is None or all(id in state.sessions for state in states) else msgspec.structs.replace(known, ended=None))
        for id, known in left.items()
    )


def _bounded(frame: Frame) -> tuple[Event, ...]:
    """A function's events, few of each kind: enough for trails, bounded for callers."""
    counts: dict[tuple[str, object, object, bool], int] = {}
    kept: list[Event] = []
    leaving = [state.events for kind, _, state in frame.ends if kind != "raise"]
    lasting = {(event.kind, event.site, event.attr) for events in leaving for event in events}
    for event in frame.order:
        if leaving and (event.kind, event.site, event.attr) not in lasting:
            continue  # it happens only on the way to an exception
        if event.kind == "engine" and frame.function is not None and remembers(frame.world.symbols, frame.function):
            continue
        key = (
            event.kind,
            event.session.id if event.session is not None else None,
            (event.attr, event.entity.origin.name) if event.entity is not None else event.attr if event.kind == "engine" else None,
            event.reported
            and event.kind == "commit",  # those of loops in here leave room for the one at the end, which a caller may repeat
        )
        limit = 2 if event.kind in ("autoflush", "query", "add", "load", "write") else 3
        if counts.get(key, 0) >= limit:
            continue
        counts[key] = counts.get(key, 0) + 1
        kept.append(event)
        if len(kept) >= _EVENTS:
            break
    return tuple(kept)


def check_fates(frame: Frame) -> None:
    """Notes the sessions that this function made, with the exits at which they may still be open."""
    world = frame.world
    exits: dict[SessionId, list[tuple[str, Site]]] = {}
    for kind, site, state in frame.ends:
        for id, known in state.sessions.items():
            if "open" in known.fates:
                exits.setdefault(id, []).append((kind, site))
    for id, place in frame.risky.items():
        exits.setdefault(id, [("exception", place)])
    for id, places in exits.items():
        session = frame.sessions_made.get(id)
        if session is None or id in frame.ended_under:
            continue
        key = (session.id.site, frame.name)
        world.leave("made", (key, Made(session, session.id.site, frame.name, tuple(places), "local")))


# Binding


def bind(frame: Frame, function: FunctionNode, actuals: Sequence[Actual], bound: Value | None, node: r.Node) -> dict[str, Value]:
    """The parameters of a call by name; what is not given is its default or its declaration."""
    positional: list[Value] = [] if bound is None else [bound]
    keywords: dict[str, Value] = {}
    rest: Value | None = None
    open_keywords = False
    for actual in actuals:
        value = actual.value
        if actual.star == 1:
            if type(value) is Tup and rest is None:
                positional.extend(value.items)
            else:
                rest = element_of(value)
        elif actual.star == 2:
            if type(value) is LibInstance and value.cls == "kwargs":
                for name, item in value.data:
                    if name == "*":
                        open_keywords = True
                    else:
                        keywords[name] = item
            else:
                open_keywords = True
        elif actual.keyword is not None:
            keywords[actual.keyword] = value
        elif rest is None:
            positional.append(value)
    found: dict[str, Value] = {}
    at = 0
    for param in function.node.params:
        if param.kind == "*":
            spread = tuple(positional[at:])
            found[param.name] = Tup(spread) if rest is None else Coll("tuple", union((*spread, rest)))
            at = len(positional)
            continue
        if param.kind == "**":
            data = tuple(keywords.items())
            found[param.name] = LibInstance("kwargs", (*data, ("*", UNKNOWN)) if open_keywords else data)
            continue
        if param.kind != "kw-only" and at < len(positional):
            # Where both are given the keyword is: an entry's own guess at the arguments of a wrapper may be among the positional ones.
            value = keywords.pop(param.name) if param.name in keywords and param.kind == "pos" else positional[at]
            at += 1
        elif param.name in keywords and param.kind != "pos-only":
            value = keywords.pop(param.name)
        elif rest is not None and param.kind != "kw-only":
            value = rest
        elif param.default is not None and not open_keywords:
            found[param.name] = default_of(frame, function, param)
            continue
        else:
            value = UNKNOWN
        if type(value) is Unknown and param.annotation is not None:
            value = _passed(frame.world, declared_param(frame, function, param))
        found[param.name] = value
    return found


def _passed(world: World, value: Value) -> Value:
    """What an argument that is not known is by the parameter's declaration: nobody can say which session it is, or which of two twins."""
    if not matters(value):
        return value
    return transform(
        value,
        lambda session: msgspec.structs.replace(session, id=SessionId("passed", session.id.site, session.id.name)),
        lambda entity: msgspec.structs.replace(entity, origin=_doubted(entity.origin)) if has_twin(world, entity.model) else entity,
    )


def _doubted(origin: Origin) -> Origin:
    return msgspec.structs.replace(origin, kind="declared")


def default_of(frame: Frame, function: FunctionNode, param: r.Param) -> Value:
    """The value of a parameter that was not given; a dependency is what it provides."""
    assert param.default is not None
    if isinstance(param.default, r.Const):
        if param.default.kind == "none":
            given = _annotated_dependency(frame, function, param)
            if given is not None:
                return given
        return Const(param.default.value, param.default.kind) if param.default.kind != "other" else Plain("")
    inner = frame.module_frame(function.module)
    value = inner.evaluate(param.default)
    given = given_by(inner, value, param.default)
    if given is not None:
        return given
    if isinstance(value, Unknown) and param.annotation is not None:
        return declared_param(frame, function, param)
    return value


def _annotated_dependency(frame: Frame, function: FunctionNode, param: r.Param) -> Value | None:
    if param.annotation is None or "Annotated" not in frame.world.names(param.annotation):
        return None
    value = declared_param(frame, function, param)
    return value if isinstance(value, Session) and value.ended_by == "framework" else None


def _opened_before(world: World, function: FunctionNode, asked: Frame) -> None:
    """A dependency has sent SQL on the request's session: its transaction is open when the handler begins."""
    known = world.opened_before.setdefault(function.id, {}) if asked.lent else {}
    for id, state in asked.lent.items():
        if known.get(id) != state:
            known[id] = state
            world.changes.append(Change("opened_before", (function.id,), id, state=state))


def declared_param(frame: Frame, function: FunctionNode, param: r.Param) -> Value:
    """What a parameter's annotation declares."""
    world = frame.world
    key = (function.id, param.name)
    known = world.declared_params.get(key)
    value_key = ("param", function.id, param.name)
    if known is not None:
        world.asks_value(value_key)
        return known
    world.declared_params[key] = UNKNOWN
    inner = frame.module_frame(function.module)
    inner.cls = function.cls
    held = world.begin_value(value_key)
    try:
        value = declared(inner, param.annotation, param.name)
    finally:
        world.end_value(value_key, held)
    _opened_before(world, function, inner)
    if isinstance(value, (Session, Entity)) or not isinstance(value, Unknown):
        value = _placed(value, Site(world.symbols.modules[function.module].path, param.start, param.end), param.name)
    world.declared_params[key] = value
    return value


def _placed(value: Value, site: Site, name: str) -> Value:
    """A declared value with the parameter as the place where its sessions and entities come from."""

    def session(found: Session) -> Session:
        return msgspec.structs.replace(found, id=SessionId("param", site, name)) if found.id.kind == "param" else found

    def entity(found: Entity) -> Entity:
        return (
            Entity(found.model, msgspec.structs.replace(found.origin, site=site, name=name), found.path, found.born)
            if found.origin.kind == "param"
            else found
        )

    return transform(value, session, entity)


def evaluated(frame: Frame, args: Sequence[r.Arg]) -> list[Actual]:
    """The arguments of a call, evaluated in order."""
    found = [Actual(frame.evaluate(arg.value), arg.keyword, arg.star) for arg in args]
    if frame.unawaited:
        for actual in found:
            handed(frame, actual.value)
    return found


def entry_frame(world: World, id: str, cls: str = "") -> Frame:
    """A frame of a function that nobody is known to call: its parameters are what they declare."""
    function = world.symbols.functions[id]
    frame = Frame(world, world.symbols.modules[function.module], function)
    frame.state.vars.update(entry_params(frame, function, cls))
    set_self(frame, function, frame.state.vars)
    return frame


def entry_params(frame: Frame, function: FunctionNode, cls: str = "") -> dict[str, Value]:
    """The parameters of a function as its declaration has them."""
    world = frame.world
    found: dict[str, Value] = {}
    kind = function_kind(world, function.id) if function.cls else ""
    for at, param in enumerate(function.node.params):
        if at == 0 and function.cls and kind != "static":
            owner = cls or function.cls
            found[param.name] = self_of(frame, owner, kind, param)
            continue
        if param.kind == "*":
            found[param.name] = Coll("tuple", declared_param(frame, function, param) if param.annotation is not None else UNKNOWN)
            continue
        if param.kind == "**":
            rest = declared_param(frame, function, param) if param.annotation is not None else UNKNOWN
            found[param.name] = LibInstance("kwargs", (("*", rest),))
            continue
        value: Value = UNKNOWN
        if param.annotation is not None:
            value = declared_param(frame, function, param)
        if param.default is not None:
            given = None
            if not isinstance(param.default, r.Const):
                inner = frame.module_frame(function.module)
                default = inner.evaluate(param.default)
                given = given_by(inner, default, param.default)
                _opened_before(world, function, inner)
                if isinstance(default, LibInstance) and default.cls == "dependency" and (given is None or isinstance(given, Unknown)):
                    given = built_dependency(inner, value, param.default)
                if given is None and isinstance(value, Unknown) and isinstance(default, (Factory, FuncRef, ClassRef, Session)):
                    given = default
            if given is not None:
                value = given
            elif (
                isinstance(param.default, r.Const)
                and param.default.kind == "none"
                and not isinstance(value, Unknown)
                and not (isinstance(value, Session) and value.ended_by == "framework")
            ):
                value = join(value, NONE)
        found[param.name] = value
    return found


def built_dependency(frame: Frame, declared_value: Value, node: r.Expr) -> Value | None:
    """`repo: Repo = Depends()`: the class itself is the dependency, and its own dependencies are given to it."""
    if isinstance(declared_value, Instance):
        return construct(frame, ClassRef(declared_value.cls), (), node)
    return None


def self_of(frame: Frame, cls: str, kind: str, param: r.Param) -> Value:
    """`self` or `cls` of a method that nobody is known to call."""
    world = frame.world
    if kind == "class":
        return ClassRef(cls)
    info = world.classes.infos[cls]
    site = Site(world.symbols.modules[info.module].path, param.start, param.end)
    if info.model is not None:
        mapped = origin_of(world.classes, cls, "self", site, (), None)
        return Entity(cls, Origin("self", site, "self", mapped.loaded))
    return Instance(cls)
