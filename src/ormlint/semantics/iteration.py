"""What going through a value's elements runs and gives, all at once or one call for each.

Takes a value; consuming a query or result sends it, an object's own `__iter__` is run, an iterator over what is lazy stays lazy. Takes
callbacks and runs them once for an element.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.orms import registry as orms
from ormlint.semantics import queries
from ormlint.semantics.arguments import first_value
from ormlint.semantics.containers import element_of
from ormlint.semantics.frame import Frame
from ormlint.semantics.repetition import per_element
from ormlint.semantics.scope import exhausted
from ormlint.semantics.values import (
    NONE,
    UNKNOWN,
    Actual,
    Awaitable,
    ClassRef,
    Coll,
    Entity,
    FuncRef,
    Instance,
    LibInstance,
    Plain,
    Query,
    Result,
    Tup,
    UnionOf,
    Unknown,
    Value,
    union,
)


def iterated(frame: Frame, value: Value, node: r.Node) -> Value:
    """The value as a plain collection; consuming a query or result runs it."""
    if isinstance(value, (Query, Result)):
        element = queries.iterate(frame, value, node)
        query = value.query if isinstance(value, Result) else value
        return queries.open_cursor(Coll("iterator", element if element is not None else UNKNOWN, None, queries.single(query)), value)
    if type(value) is UnionOf:
        return union(tuple(iterated(frame, item, node) for item in value.items if item != NONE))
    if type(value) is Coll:
        if value.lazy:
            exhausted(frame, value, node)
        return value
    if type(value) is LibInstance and value.cls == "pagination":
        return Coll("iterator", dict(value.data).get("element", UNKNOWN))
    if type(value) is ClassRef:
        info = frame.world.classes.infos.get(value.cls)
        if info is not None and any(library.startswith("enum.") for library in info.libraries):
            return Coll("list", Plain(info.name), None, max(1, len(info.attrs)))
    if isinstance(value, (Instance, Entity)):
        cls = value.cls if isinstance(value, Instance) else value.model
        member = frame.world.classes.member(cls, "__iter__") or frame.world.classes.member(cls, "__aiter__")
        if member is not None:
            iterator = frame.call(FuncRef(member[1][0], value), (), node)
            if not isinstance(iterator, (Instance, Entity, UnionOf)):
                return iterated(frame, iterator, node)
            following = frame.world.classes.member(cls, "__next__") or frame.world.classes.member(cls, "__anext__")
            if following is not None:
                element = frame.call(FuncRef(following[1][0], value), (), node)
                return Coll("iterator", element.value if type(element) is Awaitable else element)
            return UNKNOWN
    if type(value) is Instance:
        info = frame.world.classes.infos[value.cls]
        if any(library.endswith(".NamedTuple") for library in info.libraries):
            held = dict(value.fields)
            return Tup(tuple(held.get(name, UNKNOWN) for name in info.annotations))
    return value


def dict_of(frame: Frame, actuals: Sequence[Actual], node: r.Node) -> Value:
    values = [actual.value for actual in actuals if actual.keyword]
    key: Value = Plain("str")
    if actuals and actuals[0].keyword is None:
        source = iterated(frame, actuals[0].value, node)
        if isinstance(source, Coll) and source.kind == "dict":
            return source
        pair = element_of(source)
        if isinstance(pair, Tup) and len(pair.items) == 2:
            key = pair.items[0]
            values.append(pair.items[1])
        else:
            return Coll("dict", UNKNOWN, UNKNOWN)
    return Coll("dict", union(tuple(values)) if values else UNKNOWN, key)


def lazy_as(made: Value, *sources: Value) -> Value:
    """An iterator over what is itself consumed only now."""
    for source in sources:
        if isinstance(source, Coll) and source.lazy and isinstance(made, Coll):
            return msgspec.structs.replace(made, lazy=source.lazy, streams=source.streams)
    return made


def size_of(value: Value) -> int | None:
    return value.size if isinstance(value, Coll) else len(value.items) if isinstance(value, Tup) else None


def batches(value: Value) -> bool:
    return isinstance(value, Coll) and value.batches


def callbacks(frame: Frame, name: str, actuals: Sequence[Actual], collection: Value, node: r.Node) -> None:
    """Runs `key=` and its like once for an element of the collection."""
    row = orms.CALLBACKS.get(name)
    if row is None or row.times != "per_element":
        return
    given = [actual.value for actual in actuals if row.keyword and actual.keyword == row.keyword]
    if not given and row.position is not None:
        value = first_value(actuals, row.position)
        given = [] if isinstance(value, Unknown) else [value]
    for function in given:
        mapped(frame, function, collection, node, False)


def mapped(frame: Frame, function: Value, collection: Value, node: r.Node, spread: bool) -> Value:
    """Calls a function for each element, as a loop does."""
    elem = element_of(collection)
    return per_element(frame, function, elem, node, spread)


def sliced_query(frame: Frame, query: object, node: r.Node) -> Value:
    """`query[a:b]` runs the query and gives a list."""
    assert isinstance(query, Query)
    element = queries.iterate(frame, query, node)
    return Coll("list", element if element is not None else UNKNOWN)
