"""What reading versions sends: the attributes that are queries, and the functions that find classes and versions.

Takes a frame and a version, or its class; gives values and notes the queries. Which classes there are is known by `version_classes`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ormlint.facts import records as r
from ormlint.orms import registry as orms
from ormlint.semantics.events import FRESH
from ormlint.semantics.frame import Frame
from ormlint.semantics.loading import origin_of
from ormlint.semantics.mapped import Attribute
from ormlint.semantics.unit_of_work import mark_loaded, operate, register
from ormlint.semantics.values import (
    NONE,
    UNKNOWN,
    Actual,
    ClassRef,
    Coll,
    Const,
    Entity,
    LibInstance,
    Plain,
    Session,
    Value,
    options_of,
    union,
)
from ormlint.semantics.variance import varies_with

_FINDS = {name: many for row in orms.HISTORIES for name, many in row.finds}


def read_query(frame: Frame, entity: Entity, mapped: Attribute, node: r.Node) -> Value:
    """Reads an attribute that sends a SELECT each time: the version before, what a relationship held then."""
    live = frame.state.live.get(entity.origin, FRESH)
    path = ".".join((*entity.path, mapped.name))
    session = entity.origin.session
    model = mapped.target or entity.model
    if path not in live.asked and live.detached is None:
        note = f"SELECT {frame.world.classes.infos[model].name} (.{mapped.name})"
        operate(frame, session, "query", node, note=note, attr=mapped.name, varies=varies_with(frame, entity, node))
    if mapped.target is None:
        return Plain(mapped.type)
    if mapped.target == entity.model and not mapped.many:
        return union((entity, NONE))  # another version, of which no more is known than of this one
    found = _found(frame, mapped.target, session, node)
    return Coll("list", found) if mapped.many else union((found, NONE))


def _found(frame: Frame, model: str, session: Session | None, node: r.Node) -> Entity:
    origin = origin_of(frame.world.classes, model, "query", frame.site(node), (), session)
    register(frame, origin)
    return Entity(model, origin, (), frame.varying(node))


def finder(frame: Frame, owner: ClassRef, name: str) -> Value | None:
    """A method of a class of versions that finds some; None where it is no such method."""
    model = frame.world.classes.model(owner.cls)
    if name not in _FINDS or model is None or not model.version_of:
        return None
    return LibInstance("version_finder", (("class", owner), ("name", Const(name, "str"))))


def find(frame: Frame, receiver: LibInstance, actuals: Sequence[Actual], node: r.Node) -> Value:
    """Calling what `finder` gave."""
    held = dict(receiver.data)
    owner, name = held["class"], held["name"]
    assert isinstance(owner, ClassRef)
    assert isinstance(name, Const)
    session = next((item for actual in actuals[:1] for item in options_of(actual.value) if isinstance(item, Session)), None)
    operate(frame, session, "query", node, note=f"SELECT {frame.world.classes.infos[owner.cls].name}", attr=str(name.value))
    found = _found(frame, owner.cls, session, node)
    if not _FINDS[str(name.value)]:
        return union((found, NONE))
    for row in orms.HISTORIES:
        if not any(actual.keyword == row.link and actual.value != Const(True, "bool") for actual in actuals):
            for linked in row.linked:
                mark_loaded(frame, found.origin, linked, asked=True)
    return Coll("list", found)


def related_class(frame: Frame, given: Value, word: str) -> Value:
    """The class of the versions of a class, the class of a version, or that of its transaction; by the word of the vocabulary."""
    found = [part for item in options_of(given) if isinstance(item, ClassRef) and (part := _related(frame, item, word)) is not None]
    return union(tuple(found)) if found else UNKNOWN


def _related(frame: Frame, given: ClassRef, word: str) -> ClassRef | None:
    classes = frame.world.classes
    model = classes.model(given.cls)
    if model is None:
        return None
    if word == "versioned_class_of_first":
        return ClassRef(model.version_of) if model.version_of else None
    if word == "version_class_of_first":
        return ClassRef(model.version_class) if model.version_class else given
    made = classes.model(model.version_class) if model.version_class else model
    for row in orms.HISTORIES:
        reference = made.attributes.get(row.transaction) if made is not None and made.version_of else None
        if reference is not None and reference.target is not None:
            return ClassRef(reference.target)
    return None
