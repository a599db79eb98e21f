"""Functions that nobody is known to call: their parameters are what they declare.

Takes a function, and for a method the class whose object it is called on; gives its parameters, or a frame that is ready to be run.
"""

from __future__ import annotations

from ormlint.facts import records as r
from ormlint.semantics.binding import declared_param, opened_before, set_self
from ormlint.semantics.declared import given_by
from ormlint.semantics.definitions import FunctionNode
from ormlint.semantics.frame import Frame, World
from ormlint.semantics.loading import origin_of
from ormlint.semantics.members import function_kind
from ormlint.semantics.values import (
    NONE,
    UNKNOWN,
    ClassRef,
    Coll,
    Entity,
    Factory,
    FuncRef,
    Instance,
    LibInstance,
    Origin,
    Session,
    Site,
    Unknown,
    Value,
    join,
)


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
                opened_before(world, function, inner)
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
        return frame.call(ClassRef(declared_value.cls), (), node)
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
