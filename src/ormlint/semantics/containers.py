"""Collections: what iterating, indexing and their methods give.

Takes values, gives values; runs nothing. Consuming a query or result, which is I/O, is in `queries.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ormlint.semantics.values import (
    NEVER,
    NONE,
    UNKNOWN,
    Actual,
    Coll,
    Const,
    Entity,
    Instance,
    LibInstance,
    NameOf,
    Plain,
    Site,
    Tup,
    UnionOf,
    Unknown,
    Value,
    join,
    union,
)


def born_in(value: Value, loop: Site) -> Value:
    """The value as it is in one iteration of a loop: its entities are another row each time."""
    kind = type(value)
    if kind is Entity:
        assert isinstance(value, Entity)
        return value if loop in value.born else Entity(value.model, value.origin, value.path, (*value.born, loop), value.base)
    if kind is Coll:
        assert isinstance(value, Coll)
        return Coll(
            value.kind, born_in(value.elem, loop), None if value.key is None else born_in(value.key, loop), value.size, value.batches
        )
    if kind is Tup:
        assert isinstance(value, Tup)
        return Tup(tuple(born_in(item, loop) for item in value.items), value.names)
    if kind is UnionOf:
        assert isinstance(value, UnionOf)
        return UnionOf(tuple(born_in(item, loop) for item in value.items))
    if kind is Instance:
        assert isinstance(value, Instance)
        return Instance(value.cls, tuple((name, born_in(item, loop)) for name, item in value.fields), value.born)
    return value


def element_of(value: Value) -> Value:
    """What iterating over it gives; Unknown where that is not known."""
    kind = type(value)
    if kind is Coll:
        assert isinstance(value, Coll)
        if value.kind == "dict":
            return value.key if value.key is not None else UNKNOWN
        return UNKNOWN if type(value.elem) is type(NEVER) else value.elem
    if kind is Tup:
        assert isinstance(value, Tup)
        strings = [item.value for item in value.items if type(item) is Const and isinstance(item.value, str)]
        if 1 < len(strings) == len(value.items) and all(text.isidentifier() for text in strings):
            return NameOf(tuple(dict.fromkeys(strings)))
        return union(value.items) if value.items else UNKNOWN
    if kind is UnionOf:
        assert isinstance(value, UnionOf)
        return union(tuple(element_of(item) for item in value.items if item != NONE))
    if kind is Plain or kind is Const:
        return Plain("str") if getattr(value, "type", getattr(value, "kind", "")) == "str" else UNKNOWN
    return UNKNOWN


def item_at(value: Value, index: Value) -> Value:
    """`value[index]`."""
    if isinstance(value, Tup):
        if isinstance(index, Const) and isinstance(index.value, int) and -len(value.items) <= index.value < len(value.items):
            return value.items[index.value]
        return union(value.items) if value.items else UNKNOWN
    if isinstance(value, Coll):
        if value.kind == "dict" and isinstance(index, Const) and isinstance(index.value, str) and _is_mixed(value.elem):
            return UNKNOWN  # which of its values the name stands for is not known
        return value.elem if type(value.elem) is not type(NEVER) else UNKNOWN
    if isinstance(value, UnionOf):
        return union(tuple(item_at(item, index) for item in value.items if item != NONE))
    if isinstance(value, LibInstance):
        if isinstance(index, Const):
            for name, item in value.data:
                if name == index.value:
                    return item
        return UNKNOWN
    return UNKNOWN


def with_item(owner: Value, index: Value, value: Value) -> Value:
    """What a container is after `owner[index] = value`; the owner itself where that is not known."""
    if type(owner) is UnionOf:
        return union(tuple([with_item(item, index, value) for item in owner.items]))
    is_name = type(index) is Const and isinstance(index.value, str)
    if type(owner) is LibInstance and owner.cls == "kwargs":
        data = dict(owner.data)
        data[str(index.value) if type(index) is Const and is_name else "*"] = value if is_name else UNKNOWN
        return LibInstance("kwargs", tuple(data.items()))
    if type(owner) is not Coll:
        return owner
    elem, key = owner.elem, owner.key
    if owner.kind == "dict":
        key = join(key or NEVER, index)
        if is_name and type(elem) is UnionOf and type(value) is Coll:
            # Values of several sorts under names: the collection that is put there takes the place of the one that was there.
            elem = union(tuple([item for item in elem.items if type(item) is not Coll]))
    return Coll(owner.kind, join(elem, value), key, None, owner.batches)


def _is_mixed(value: Value) -> bool:
    """Whether some of the values are known, and others are not: they are of several sorts."""
    return isinstance(value, UnionOf) and any(isinstance(item, Unknown) for item in value.items)


def sliced(value: Value) -> Value:
    if isinstance(value, Coll):
        return Coll(value.kind, value.elem, value.key, None, value.batches)
    if isinstance(value, Tup):
        return Coll("tuple", union(value.items) if value.items else NEVER)
    if isinstance(value, UnionOf):
        return union(tuple(sliced(item) for item in value.items if item != NONE))
    return value if isinstance(value, (Plain, Const)) else Coll("list", UNKNOWN)


def as_collection(value: Value, kind: str) -> Value:
    """`list(value)` and its like."""
    size = value.size if isinstance(value, Coll) else len(value.items) if isinstance(value, Tup) else None
    batches = value.batches if isinstance(value, Coll) else False
    return Coll(kind, element_of(value), None, size, batches)


def unpacked(value: Value, count: int) -> list[Value]:
    """The values of `a, b = value`."""
    if isinstance(value, Tup) and len(value.items) == count:
        return list(value.items)
    if isinstance(value, UnionOf):
        columns = [unpacked(item, count) for item in value.items if item != NONE]
        return [union(tuple(column[at] for column in columns)) for at in range(count)] if columns else [UNKNOWN] * count
    return [element_of(value)] * count


_GROWING = {"append": 0, "add": 0, "insert": 1, "appendleft": 0, "put": 0, "put_nowait": 0}


def grown(value: Coll, name: str, actuals: Sequence[Actual]) -> Coll | None:
    """The collection after a method that puts something into it, or None where the method does not."""
    if name in _GROWING:
        position = _GROWING[name]
        if len(actuals) > position and not actuals[position].star:
            return Coll(value.kind, join(value.elem, actuals[position].value), value.key, None, value.batches)
        return Coll(value.kind, UNKNOWN, value.key, None)
    if name in ("extend", "update", "extendleft", "union", "__ior__"):
        if not actuals:
            return value
        other = actuals[0].value
        if value.kind == "dict":
            if isinstance(other, Coll) and other.kind == "dict":
                return Coll("dict", join(value.elem, other.elem), other.key if value.key is None else join(value.key, other.key or NEVER))
            return Coll("dict", UNKNOWN, UNKNOWN)
        return Coll(value.kind, join(value.elem, element_of(other)), value.key, None, value.batches)
    if name == "setdefault" and value.kind == "dict" and actuals:
        given = actuals[1].value if len(actuals) > 1 else NONE
        return Coll("dict", join(value.elem, given), join(value.key or NEVER, actuals[0].value))
    return None


def method_of(value: Coll, name: str, actuals: Sequence[Actual]) -> Value:
    """What a method of a collection returns."""
    elem = value.elem if type(value.elem) is not type(NEVER) else UNKNOWN
    if value.kind == "dict":
        key = value.key if value.key is not None else UNKNOWN
        if name == "items":
            return Coll("iterator", Tup((key, elem)), None, value.size)
        if name == "values":
            return Coll("iterator", elem, None, value.size)
        if name == "keys":
            return Coll("iterator", key, None, value.size)
        if name == "get":
            default = actuals[1].value if len(actuals) > 1 else NONE
            return join(elem, default)
        if name in ("pop", "setdefault"):
            return join(elem, actuals[1].value) if len(actuals) > 1 else elem
        if name == "popitem":
            return Tup((key, elem))
        if name == "copy":
            return value
        return UNKNOWN
    if name in ("pop", "popleft", "get", "get_nowait", "__next__", "__anext__", "send"):
        return elem
    if name in ("copy", "union", "difference", "intersection", "symmetric_difference", "__iter__"):
        grew = grown(value, "union", actuals) if name == "union" else None
        return grew if grew is not None else Coll(value.kind, value.elem, value.key, None, value.batches)
    if name in ("index", "count"):
        return Plain("int")
    if name in ("append", "extend", "add", "insert", "sort", "reverse", "clear", "discard", "remove", "update"):
        return NONE
    return UNKNOWN
