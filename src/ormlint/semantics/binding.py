"""Which parameter gets which argument: the values of a function's parameters by name.

Takes a function and the evaluated arguments of a call; what is not given is its default, a dependency that a framework provides, or what
the annotation declares. Also binds what `self`, `super()` and the class's type variables mean. Runs no function.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.semantics.changes import Change
from ormlint.semantics.concurrency import handed
from ormlint.semantics.containers import element_of
from ormlint.semantics.declared import declared, given_by, typevars_of
from ormlint.semantics.definitions import FunctionNode
from ormlint.semantics.frame import Frame, World
from ormlint.semantics.members import function_kind
from ormlint.semantics.summaries import matters, transform
from ormlint.semantics.twins import has_twin
from ormlint.semantics.values import (
    UNKNOWN,
    Actual,
    ClassRef,
    Coll,
    Const,
    Entity,
    Instance,
    LibInstance,
    Origin,
    Plain,
    Session,
    SessionId,
    Site,
    Tup,
    Unknown,
    Value,
    union,
)


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


def opened_before(world: World, function: FunctionNode, asked: Frame) -> None:
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
    opened_before(world, function, inner)
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
