"""Methods of values that are not the project's objects, by the kind of their receiver.

Takes a method with its receiver and the evaluated arguments; gives the value. Those of sessions are in `session_methods`, those of other
objects of libraries in `library_objects`; here are those of queries, collections, texts and what else is a value of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.orms import registry as orms
from ormlint.semantics import boundary, identity, queries, serializing
from ormlint.semantics.arguments import first_value
from ormlint.semantics.concurrency import waited_for
from ormlint.semantics.containers import grown, method_of
from ormlint.semantics.crossing import linked
from ormlint.semantics.frame import Frame
from ormlint.semantics.iteration import iterated, mapped
from ormlint.semantics.kinds import kind_of_value
from ormlint.semantics.library_functions import text_of
from ormlint.semantics.library_objects import instance_method
from ormlint.semantics.loading import bind, flat, gathered, make_option
from ormlint.semantics.offloading import own_thread
from ormlint.semantics.session_methods import session_method
from ormlint.semantics.transactions import call_out, recovered
from ormlint.semantics.unit_of_work import escape, new_session, operate, sessions_in
from ormlint.semantics.values import (
    NONE,
    UNKNOWN,
    Actual,
    Awaitable,
    ClassRef,
    Coll,
    Const,
    Entity,
    Factory,
    FuncRef,
    Instance,
    LibInstance,
    Manager,
    Method,
    ModelAttr,
    NameOf,
    Option,
    Plain,
    Query,
    Result,
    Session,
    Super,
    Tup,
    Unknown,
    Value,
)


def call_method(frame: Frame, method: Method, actuals: Sequence[Actual], node: r.Node) -> Value:
    """Calling a method of a value whose behaviour the vocabulary knows."""
    receiver, name = method.receiver, method.name
    frame.world.trace.called.append((frame.path, node))
    if type(receiver) is Session:
        return session_method(frame, receiver, name, actuals, node)
    if type(receiver) is Query:
        return _query_method(frame, receiver, name, actuals, node)
    if type(receiver) is Result:
        row = orms.METHODS.get((kind_of_value(receiver), name))
        if row is None:
            return UNKNOWN
        value = queries.consume(frame, receiver, name, row, node)
        return Awaitable(value) if row.awaitable else value
    if type(receiver) is Factory:
        if name == "begin":
            session = new_session(frame, receiver, node)
            return Manager("begin_session", session, session)
        if name in ("remove", "close_all", "configure"):
            return NONE
        return UNKNOWN
    if type(receiver) is Awaitable:
        if name != "result":
            return UNKNOWN
        waited_for(frame, receiver)
        return receiver.value
    if type(receiver) is Coll:
        return _collection_method(frame, receiver, name, actuals, node)
    if type(receiver) is Option:
        if name == "options":
            inner, exact = gathered(frame, actuals)
            found = bind(receiver, inner)
            return found if exact else msgspec.structs.replace(found, exact=False)
        return make_option(frame, name, actuals, receiver, node)
    if type(receiver) is ModelAttr:
        if name == "of_type":
            cls = first_value(actuals)
            return ModelAttr(receiver.model, receiver.name, cls.cls if type(cls) is ClassRef else "")
        if name == "and_":
            return receiver
        return LibInstance("expression")
    if type(receiver) is Manager and receiver.kind == "nested":
        if name == "rollback" and receiver.session is not None:
            recovered(frame, receiver.session)
        return Awaitable(receiver) if name == "start" else NONE
    if type(receiver) is Manager:
        if name in ("commit", "rollback", "close") and receiver.session is not None:
            operate(frame, receiver.session, name, node)
            return NONE
        return Awaitable(receiver) if name == "start" else UNKNOWN
    if type(receiver) is LibInstance:
        return instance_method(frame, receiver, name, actuals, node)
    if type(receiver) is ClassRef:
        for actual in actuals:
            serializing.validated(frame, Instance(receiver.cls), actual.value, node)
        return frame.call(receiver, (), node)
    if isinstance(receiver, (Plain, Const, NameOf)):
        if name in ("split", "splitlines", "rsplit"):
            return Coll("list", Plain("str"))
        if name == "format":
            for actual in actuals:
                text_of(frame, actual.value, node)
        if name == "join" and actuals:
            iterated(frame, actuals[0].value, node)
        return Plain("str") if getattr(receiver, "type", getattr(receiver, "kind", "")) == "str" else Plain()
    if type(receiver) is Instance:
        return own_thread(frame, receiver, name, node)
    if type(receiver) is Super:
        return NONE if name.startswith("__") else UNKNOWN
    if type(receiver) is FuncRef:
        external = orms.EXTERNAL_METHODS.get(("task", name)) or orms.EXTERNAL_METHODS.get(("external_task", name))
        if external is not None or name in ("delay", "apply_async"):
            call_out(frame, node, "queue", name)
            boundary.leave(frame, [actual.value for actual in actuals], node, "a task")
        elif name in _SIGNATURES:
            boundary.leave(frame, [actual.value for actual in actuals], node, "a task")
        for actual in actuals:
            escape(frame, actual.value)
        return UNKNOWN
    if type(receiver) is Tup:
        return Plain("int") if name in ("count", "index") else UNKNOWN
    return UNKNOWN


_SIGNATURES = frozenset({"s", "si", "signature"})


def _query_method(frame: Frame, query: Query, name: str, actuals: Sequence[Actual], node: r.Node) -> Value:
    row = orms.METHODS.get((query.style, name))
    if row is not None and row.library == "flask_sqlalchemy":
        operate(frame, query.session, "query", node, note=f"SELECT {queries.describe(frame, query)}", attr=name, query=query)
        element = queries.row_of(frame, query, query.session, node, "query")
        return LibInstance("pagination", (("element", element),)) if row.returns == "pagination" else element
    if name == "with_transformation" and actuals:
        return frame.call(actuals[0].value, (Actual(query),), node)
    return queries.query_method(frame, query, name, actuals, node)


_KEEPS = frozenset({"append", "add", "insert", "extend", "update", "setdefault", "appendleft"})


def _collection_method(frame: Frame, receiver: Coll, name: str, actuals: Sequence[Actual], node: r.Node) -> Value:
    if name == "sort":
        for actual in actuals:
            if actual.keyword == "key":
                mapped(frame, actual.value, receiver, node, False)
        return NONE
    values = [
        Actual(iterated(frame, actual.value, node), actual.keyword, actual.star) if name in ("extend", "update") else actual
        for actual in actuals
    ]
    if name in _KEEPS and isinstance(node, r.Call) and isinstance(node.func, r.Attr) and identity.is_global(frame, node.func.value):
        for actual in actuals:
            identity.kept(frame, node, actual.value)
    after = grown(receiver, name, values)
    if after is not None and isinstance(node, r.Call) and isinstance(node.func, r.Attr):
        target = node.func.value
        if isinstance(target, r.Name) and target.id in frame.state.vars:
            frame.state.vars[target.id] = after
        elif isinstance(target, r.Sub) and isinstance(target.value, r.Name):  # groups[key].append(x)
            outer = frame.state.vars.get(target.value.id)
            if isinstance(outer, Coll):
                inner = after if isinstance(outer.elem, (Coll, Unknown)) else outer.elem
                frame.state.vars[target.value.id] = Coll(outer.kind, inner, outer.key, None, outer.batches)
        if isinstance(target, r.Attr) and isinstance(receiver.elem, Entity) and receiver.elem.path[-1:] == (target.attr,):
            _appended(frame, receiver.elem, values, node)
        for actual in actuals:
            if sessions_in(actual.value):
                escape(frame, actual.value)
    return method_of(receiver, name, actuals)


def _appended(frame: Frame, element: Entity, actuals: Sequence[Actual], node: r.Node) -> None:
    """`firm.contacts.append(contact)`: the relationship refers to what is put in."""
    owner = Entity(element.model, element.origin, element.path[:-1], element.born)
    for actual in actuals:
        for item in flat(actual.value):
            linked(frame, owner, item, node)
