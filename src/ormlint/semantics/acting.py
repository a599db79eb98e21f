"""What of a project turned out to act on the ORM: values that are of it or lead to it, and the classes whose objects hold such.

Takes a world in which functions have been run; says which values, classes and names can make others act on the ORM, so that it is known
whose users have to be run, too. Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

import msgspec

from ormlint.semantics.frame import Frame, World
from ormlint.semantics.mapped import ClassInfo
from ormlint.semantics.members import assigned_fields, class_attribute, field_value
from ormlint.semantics.observations import Summary
from ormlint.semantics.values import (
    UNKNOWN,
    ClassRef,
    Const,
    Entity,
    Factory,
    FuncRef,
    Instance,
    LibInstance,
    Manager,
    ModelAttr,
    Option,
    Plain,
    Query,
    Result,
    Session,
    Value,
)

_OF_ORM = (Session, Entity, Query, Result, Factory, Option, ModelAttr, Manager)
_HANDLES = frozenset(
    {
        *("engine", "async_engine", "connection", "async_connection", "raw_connection", "transaction", "async_transaction", "database"),
        *("session_transaction", "async_session_transaction", "dynamic_collection", "write_only_collection", "registry"),
    }
)
"""What of a library's own objects reaches the database."""
_DEEP = 5


def acts(summary: Summary) -> bool:
    """Whether a function does something to the ORM, or gives something of it."""
    return any(event.kind != "callout" for event in summary.events) or touches(summary.returned) or touches(summary.yielded)


def touches(value: object, depth: int = 0) -> bool:
    """Whether a value is or holds something of the ORM."""
    if isinstance(value, _OF_ORM) or (isinstance(value, LibInstance) and value.cls in _HANDLES):
        return True
    if depth > _DEEP or isinstance(value, (FuncRef, ClassRef)):
        return False
    if isinstance(value, msgspec.Struct):
        return any(touches(getattr(value, field), depth + 1) for field in value.__struct_fields__)
    return isinstance(value, tuple) and any(touches(item, depth + 1) for item in value)


def leads(world: World, value: object, known: Container[str] = (), depth: int = 0) -> bool:
    """Whether a value is of the ORM, or whoever has it can make it act: an object of a class among `known`, a function that acts."""
    if isinstance(value, _OF_ORM) or (isinstance(value, LibInstance) and value.cls in _HANDLES):
        return True
    if isinstance(value, (Plain, Const)):
        return False
    if isinstance(value, Instance) and value.cls in known:
        return True
    if isinstance(value, ClassRef):
        return value.cls in known
    if isinstance(value, FuncRef):
        summary = world.entries.get(value.func)
        return summary is not None and acts(summary)
    if depth > _DEEP:
        return False
    if isinstance(value, msgspec.Struct):
        return any(leads(world, getattr(value, field), known, depth + 1) for field in value.__struct_fields__)
    return isinstance(value, tuple) and any(leads(world, item, known, depth + 1) for item in value)


def holders(world: World) -> set[str]:
    """The classes to whose objects something was given that is of the ORM or leads to it, and those below them."""
    found: set[str] = set()
    models = {info.id for info in world.classes.infos.values() if info.model is not None}
    while True:
        more = {cls for (cls, _), value in world.built.items() if cls not in found and leads(world, value, found | models)}
        if not more:
            return found
        found |= more
        found.update(below for cls in more for below in world.classes.subclasses.get(cls, ()))


def names(world: World) -> Iterator[str]:
    """What acts on the ORM, gives something of it or holds it: ids of functions and classes, and `module:name` of variables."""
    classes = acting_classes(world)
    yield from classes
    # Who is handed an object of such a class can call its methods.
    for id, summary in world.entries.items():
        if acts(summary) or leads(world, summary.returned, classes) or leads(world, summary.yielded, classes):
            yield id
    yield from acting_variables(world, classes)


def acting_classes(world: World) -> set[str]:
    """The classes whose methods act on the ORM, and those whose objects hold something of it, or an object of such a class."""
    functions = world.symbols.functions
    found = {functions[id].cls for id, summary in world.entries.items() if functions[id].cls and acts(summary)}
    found |= holders(world)
    found.update(info.id for info in world.classes.infos.values() if info.model is not None or info.is_base)
    left = [info for info in world.classes.infos.values() if info.module in world.entered and info.id not in found]
    while True:
        before = len(found)
        found.update(below for cls in list(found) for below in world.classes.subclasses.get(cls, ()))
        found.update(info.id for info in left if any(leads(world, value, found) for value in _kept(world, info)))
        if len(found) == before:
            return found
        left = [info for info in left if info.id not in found]


def _kept(world: World, info: ClassInfo) -> Iterator[Value]:
    """What the objects of a class keep, as far as the class itself says."""
    frame = Frame(world, world.symbols.modules[info.module], None)
    for name in assigned_fields(world, info.id):
        yield field_value(frame, info.id, name)
    for name in info.attrs:
        yield class_attribute(frame, info.id, name) or UNKNOWN
    for name, annotation in info.annotations.items():
        yield frame.declared_in(info.id, annotation, name)


def acting_variables(world: World, classes: Container[str]) -> Iterator[str]:
    """The variables at the top of modules that are of the ORM, or lead to it."""
    for module in sorted(world.entered):
        for name in world.symbols.modules[module].bindings:
            world.steps.module_value(world, module, name)
    for (module, name), value in world.module_values.items():
        if leads(world, value, classes):
            yield f"{module}:{name}"
