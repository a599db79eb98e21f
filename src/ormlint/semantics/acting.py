"""What of a project turned out to act on the ORM: values that are of it or lead to it, and the classes whose objects hold such.

Takes a world in which functions have been run; says which values, classes and names can make others act on the ORM, so that it is known
whose users have to be run, too. Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

import msgspec

from ormlint.semantics.frame import World
from ormlint.semantics.observations import Summary
from ormlint.semantics.values import (
    ClassRef,
    Entity,
    Factory,
    FuncRef,
    Instance,
    LibInstance,
    Manager,
    ModelAttr,
    Option,
    Query,
    Result,
    Session,
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
    """Whether a value is of the ORM, or whoever has it can make it act: a function that does, an object of a class among `known`."""
    if isinstance(value, _OF_ORM) or (isinstance(value, LibInstance) and value.cls in _HANDLES):
        return True
    if isinstance(value, Instance) and value.cls in known:
        return True
    if isinstance(value, ClassRef):
        info = world.classes.infos.get(value.cls)
        return value.cls in known or (info is not None and info.model is not None)
    if isinstance(value, FuncRef):
        summary = world.entries.get(value.func)
        if summary is not None and acts(summary):
            return True
    if depth > _DEEP:
        return False
    if isinstance(value, msgspec.Struct):
        return any(leads(world, getattr(value, field), known, depth + 1) for field in value.__struct_fields__)
    return isinstance(value, tuple) and any(leads(world, item, known, depth + 1) for item in value)


def holders(world: World) -> set[str]:
    """The classes to whose objects something was given that is of the ORM or leads to it, and those below them."""
    found: set[str] = set()
    while True:
        more = {cls for (cls, _), value in world.built.items() if cls not in found and leads(world, value, found)}
        if not more:
            return found
        found |= more
        found.update(below for cls in more for below in world.classes.subclasses.get(cls, ()))


def keepers(world: World) -> Iterator[str]:
    """The classes of which a field or an attribute of the class itself is of the ORM."""
    for table in (world.fields, world.class_values):
        for (cls, _), value in table.items():
            if touches(value):
                yield cls


def variables(world: World, known: Container[str]) -> Iterator[tuple[str, str]]:
    """The names at the top of modules, as far as their values were needed, that are of the ORM or lead to it; each with its module."""
    for (module, name), value in world.module_values.items():
        if leads(world, value, known):
            yield module, name
