"""Objects of the project's classes: what `Class(…)` gives, and which of its arguments the object keeps in which field.

Takes a class and the evaluated arguments; runs its `__init__` and gives an entity, a session, a factory or an instance with its fields.
Does not know which classes are mapped or what a field is declared to be (`classes`, `members`), nor what a schema reads (`serializing`).
"""

from __future__ import annotations

from collections.abc import Sequence

from ormlint.facts import records as r
from ormlint.semantics import boundary, serializing
from ormlint.semantics.autoflush import option_of
from ormlint.semantics.binding import bind, evaluated
from ormlint.semantics.crossing import linked
from ormlint.semantics.declared import type_params
from ormlint.semantics.events import FRESH, Live
from ormlint.semantics.expiry import OPTION, said_by_init
from ormlint.semantics.frame import Frame
from ormlint.semantics.function_calls import call_function, resolved
from ormlint.semantics.kinds import kind_of
from ormlint.semantics.loading import origin_of
from ormlint.semantics.members import assigned_fields, note_built
from ormlint.semantics.summaries import matters
from ormlint.semantics.unit_of_work import escape, expires_on_commit, new_session, sessions_in
from ormlint.semantics.values import (
    UNKNOWN,
    Actual,
    ClassRef,
    Coll,
    Entity,
    Factory,
    FuncRef,
    Instance,
    LibInstance,
    LibRef,
    Origin,
    Session,
    UnionOf,
    Unknown,
    Value,
    options_of,
    widen,
)


def construct(frame: Frame, cls: ClassRef, actuals: Sequence[Actual], node: r.Node) -> Value:
    """`Class(…)`."""
    world = frame.world
    info = world.classes.infos.get(cls.cls)
    if info is None:
        return UNKNOWN
    resolved(frame, node)
    frame.constructed.add(cls.cls)
    if info.model is not None:
        return _new_entity(frame, cls, actuals, node)
    for library in info.libraries:
        kind = kind_of(library)
        if kind in ("session", "async_session"):
            return new_session(
                frame,
                Factory(
                    kind == "async_session",
                    _expires(frame, cls.cls, actuals),
                    frame.site(node),
                    autoflush=option_of(frame, actuals),
                    cls=cls.cls,
                ),
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
                    given = _given_to(expr, params) if function == init[1][0] else None
                    if given is not None:
                        value = widen(given)
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


def _given_to(expr: r.Expr | None, params: dict[str, Value]) -> Value | None:
    """What `__init__` keeps of its arguments by `self.x = x`, or by `self.x = x or make()` where it was given a session or an object."""
    if isinstance(expr, r.Name):
        return params.get(expr.id)
    choices: tuple[r.Expr, ...] = ()
    if isinstance(expr, r.BoolOp) and expr.op == "or":
        choices = expr.items[:1]
    elif isinstance(expr, r.IfExp):
        choices = (expr.body, expr.orelse)
    for choice in choices:
        value = params.get(choice.id) if isinstance(choice, r.Name) else None
        if isinstance(value, (Session, Factory, Instance)):
            return value
    return None


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
