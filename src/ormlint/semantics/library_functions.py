"""What a library's function gives and does, by the word that the vocabulary has for it.

Takes the word of a row of `orms.FUNCTIONS` and the evaluated arguments; gives the value. Does not know which function has which word.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.orms import registry as orms
from ormlint.semantics import conflicts
from ormlint.semantics.arguments import first_value
from ormlint.semantics.containers import as_collection, element_of
from ormlint.semantics.frame import Frame
from ormlint.semantics.iteration import batches, callbacks, dict_of, iterated, lazy_as, mapped, size_of
from ormlint.semantics.reflection import listed, read_each
from ormlint.semantics.scope import uses_of
from ormlint.semantics.unfetched import touched
from ormlint.semantics.unit_of_work import escape, loosen, mark_loaded
from ormlint.semantics.values import (
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
    NameOf,
    Partial,
    Plain,
    Query,
    Seen,
    Session,
    SessionId,
    Super,
    Tup,
    Unknown,
    Value,
    join,
    options_of,
    seen_in,
    union,
)
from ormlint.semantics.version_history import related_class


def _cast(frame: Frame, value: Value, node: r.Node) -> Value:
    """`cast(Session, value)`: the value, or the session that it is said to be where nothing is known of it (a proxy, an import)."""
    opaque = isinstance(value, Unknown) or (isinstance(value, LibInstance) and "." in value.cls)
    if opaque and isinstance(node, r.Call) and node.args:
        declared = frame.declared(node.args[0].value)
        if isinstance(declared, Session) and frame.module_level:
            # What stands at the top of a module is one for all, and somebody else makes and ends what is behind it.
            return msgspec.structs.replace(declared, id=SessionId("global", frame.site(node), "proxy"), scoped=True, ended_by="framework")
        if isinstance(declared, (Session, Factory)):
            return declared
    return UNKNOWN if isinstance(value, Unknown) else value


def by_word(frame: Frame, name: str, word: str, actuals: Sequence[Actual], node: r.Node) -> Value:
    """What a function returns, by the vocabulary's word for it."""
    first = first_value(actuals)
    second = first_value(actuals, 1)
    if word in (
        "list_of_first",
        "list_of_second",
        "set_of_first",
        "tuple_of_first",
        "iterator_of_first",
        "iterator_of_second",
        "iterator_of_sequence",
    ):
        source = second if word.endswith("second") else first
        collection = iterated(frame, source, node)
        callbacks(frame, name, actuals, collection, node)
        kind = {"list": "list", "set_o": "set", "tuple": "tuple"}.get(word[:5].rstrip("_"), "iterator")
        if word.startswith("list"):
            kind = "list"
        if word.startswith("tuple") and isinstance(collection, Tup):
            return collection
        found = as_collection(collection, kind)
        return lazy_as(found, collection) if kind == "iterator" else found
    if word == "dict_of_first":
        return dict_of(frame, actuals, node)
    if word in ("element_of_first",):
        if len(actuals) > 1 and name in ("builtins.min", "builtins.max") and actuals[1].keyword is None:
            return union(tuple(actual.value for actual in actuals if actual.keyword is None))
        collection = iterated(frame, first, node)
        callbacks(frame, name, actuals, collection, node)
        found = element_of(collection)
        defaults = (
            [actual.value for actual in actuals[1:] if actual.keyword in (None, "default")]
            if name.endswith(("next", "first", "max", "min"))
            else []
        )
        return join(found, defaults[0]) if defaults and not isinstance(found, Unknown) else found
    if word == "enumerated":
        collection = iterated(frame, first, node)
        return lazy_as(
            Coll("iterator", Tup((Plain("int"), element_of(collection))), None, size_of(collection), batches(collection)), collection
        )
    if word == "zipped":
        parts = [iterated(frame, actual.value, node) for actual in actuals if actual.keyword is None]
        size = next((s for s in map(size_of, parts) if s is not None), None)
        return lazy_as(Coll("iterator", Tup(tuple(element_of(part) for part in parts)), None, size), *parts)
    if word == "mapped":
        collection = iterated(frame, second, node)
        before = set(frame.state.events)
        elem = mapped(frame, first, collection, node, name.endswith("starmap"))
        return Coll("iterator", elem, lazy=uses_of([event for event in frame.state.events if event not in before]))
    if word in ("chained", "flattened"):
        if word == "flattened":
            outer = element_of(iterated(frame, first, node))
            return Coll("iterator", element_of(iterated(frame, outer, node)))
        return Coll("iterator", union(tuple(element_of(iterated(frame, actual.value, node)) for actual in actuals)) if actuals else UNKNOWN)
    if word in ("batches_of_first", "batches_of_second"):
        source = iterated(frame, second if word.endswith("second") else first, node)
        return lazy_as(Coll("iterator", Coll("list", element_of(source)), None, None, True), source)
    if word == "grouped":
        collection = iterated(frame, first, node)
        callbacks(frame, name, actuals, collection, node)
        return Coll("iterator", Tup((UNKNOWN, Coll("iterator", element_of(collection)))))
    if word == "tuples_of_first":
        elem = element_of(iterated(frame, first, node))
        return Coll("iterator", Tup((elem, elem)))
    if word == "repeated":
        return Coll("iterator", first)
    if word == "numbers":
        count = (
            first.value
            if isinstance(first, Const) and len(actuals) == 1 and name.endswith("range") and isinstance(first.value, int)
            else None
        )
        return Coll("iterator", Plain("int"), None, count, len(actuals) == 3)
    if word == "count":
        if name == "builtins.len":
            iterated(frame, first, node) if isinstance(first, Query) else None
        return Plain("int", tuple(Seen(told.entity, "", "count") for told in conflicts.presence(first)))
    if word in ("bool", "value"):
        if name in ("builtins.sum", "builtins.any", "builtins.all"):
            iterated(frame, first, node)
        if name in ("builtins.str", "builtins.repr", "builtins.format"):
            _text_of(frame, first, "__str__" if name != "builtins.repr" else "__repr__", node)
        if name == "builtins.isinstance":
            return Plain("bool")
        if name == "builtins.bool":
            return Plain("bool", conflicts.presence(first))
        if name in KEEPING and seen_in(first):
            return Plain(name.rsplit(".", 1)[-1], seen_in(first))
        return Plain(
            name.rsplit(".", 1)[-1]
            if name in ("builtins.str", "builtins.int", "builtins.float", "builtins.bool")
            else "bool"
            if word == "bool"
            else ""
        )
    if name == "builtins.setattr":
        _set_by_name(frame, first, second, node)
        return NONE
    if word == "none":
        for actual in actuals:
            _text_of(frame, actual.value, "__str__", node)
        return NONE
    if word == "attribute":
        # The name may change with a loop; only the object decides whether another row is read.
        read_of = node.args[0].value if isinstance(node, r.Call) and isinstance(node.func, r.Name) and node.args else node
        if isinstance(second, NameOf):
            return read_each(frame, first, second, read_of)
        if isinstance(second, Const) and isinstance(second.value, str):
            found = frame.attribute(first, second.value, read_of)
            third = first_value(actuals, 2)
            return join(found, third) if len(actuals) > 2 and not isinstance(found, (Unknown, Const)) else found
        return UNKNOWN
    if word == "class_of_first":
        if isinstance(first, Entity):
            return ClassRef(first.model)
        return ClassRef(first.cls) if isinstance(first, Instance) else UNKNOWN
    if word.endswith("_class_of_first"):
        return related_class(frame, first, word)
    if word == "super":
        return _super(frame)
    if name == "sqlalchemy.orm.with_polymorphic" and isinstance(first, ClassRef):
        return ClassRef(first.cls, (Plain("polymorphic"),))
    if word in ("argument", "class_of_argument"):
        return first
    if word == "argument_as_type":
        return _cast(frame, second, node)
    if word == "partial":
        return Partial(
            first, tuple(a.value for a in actuals[1:] if a.keyword is None), tuple((a.keyword, a.value) for a in actuals if a.keyword)
        )
    if word == "attribute_getter":
        return LibInstance("attribute_getter", tuple((str(a.value.value), NONE) for a in actuals if isinstance(a.value, Const)))
    if word in ("session_or_none", "async_session_or_none"):
        if isinstance(first, Entity) and first.origin.session is not None:
            return join(first.origin.session, NONE)
        if isinstance(first, Entity) and first.origin.kind == "new":
            return NONE
        is_async = word.startswith("async")
        return Session(SessionId("param", frame.site(node), "object_session"), is_async, None, ended_by="caller")
    if word == "expression":
        return LibInstance("expression")
    if word == "names":
        return listed(frame, first)
    if word == "inspection":
        return LibInstance("inspection", (("of", first),))
    if word == "field":
        for actual in actuals:
            if actual.keyword == "default":
                return actual.value
            if actual.keyword == "default_factory":
                return frame.call(actual.value, (), node)
        return UNKNOWN
    if word in ("set_of_argument", "callable", "decorator"):
        return UNKNOWN
    for actual in actuals:
        escape(frame, actual.value)
    if word in orms.KINDS if hasattr(orms, "KINDS") else False:
        return LibInstance(word)
    return UNKNOWN


def _set_by_name(frame: Frame, owner: Value, name: Value, node: r.Node) -> None:
    """`setattr(order, name, …)`: the attribute that is named is known from then on; of a new object any may be, where none is."""
    for item in options_of(owner):
        if isinstance(item, Entity) and isinstance(name, Const) and isinstance(name.value, str):
            mark_loaded(frame, item.origin, ".".join((*item.path, name.value)), asked=True)
            touched(frame, item, frame.world.classes.mapped_attribute(item.model, name.value), frame.site(node))
        else:
            loosen(frame, item)
            if isinstance(item, Entity):
                touched(frame, item, None, frame.site(node))


KEEPING = frozenset({"builtins.int", "builtins.float", "builtins.round", "builtins.abs", "decimal.Decimal"})
"""What gives the number that it was given."""


def _text_of(frame: Frame, value: Value, method: str, node: r.Node) -> None:
    """`str(entity)` runs the entity's own `__str__` or `__repr__`."""
    for item in options_of(value):
        if isinstance(item, Entity):
            member = frame.world.classes.member(item.model, method) or frame.world.classes.member(item.model, "__repr__")
            if member is not None:
                frame.call(FuncRef(member[1][0], item), (), node)


def text_of(frame: Frame, value: Value, node: r.Node) -> None:
    """What formatting a value into a string runs."""
    _text_of(frame, value, "__str__", node)


def _super(frame: Frame) -> Value:
    if frame.self_value is None or not frame.cls:
        return UNKNOWN
    return Super(frame.cls, frame.self_value)
