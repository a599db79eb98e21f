"""Calls: what is called, by the kind of the callee's value, and what calling it gives.

Takes a callee's value and the evaluated arguments; gives the result's value, and lets what is done happen in the caller. Who does it is
known elsewhere: functions of the project (`function_calls`), their classes (`construction`), libraries (`library`). What is called without
being known may flush, and may have the sessions that it is given.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.semantics.concurrency import handed
from ormlint.semantics.connections import made_by
from ormlint.semantics.construction import construct
from ormlint.semantics.events import Event, SessionState
from ormlint.semantics.frame import Frame
from ormlint.semantics.function_calls import call_function, resolved
from ormlint.semantics.library import call_library
from ormlint.semantics.library_methods import call_method
from ormlint.semantics.transactions import end_all, one_of
from ormlint.semantics.unit_of_work import give_away, lock, new_session
from ormlint.semantics.values import (
    NONE,
    UNKNOWN,
    Actual,
    ClassRef,
    Const,
    Factory,
    FuncRef,
    Instance,
    LibInstance,
    LibRef,
    Method,
    Partial,
    Plain,
    Query,
    Session,
    SessionId,
    UnionOf,
    Unknown,
    Value,
    union,
)

_ENDINGS = frozenset({"commit", "rollback", "close", "remove", "save", "abort", "end", "reset", "release", "invalidate", "expunge_all"})
"""An unresolved method of such a name may end the transaction of a session that is known here by another name."""


def call(frame: Frame, callee: Value, actuals: Sequence[Actual], node: r.Node) -> Value:
    """What calling `callee` gives; its effects happen in `frame`."""
    frame.spend()
    if type(callee) is FuncRef:
        return call_function(frame, callee, actuals, node)
    if type(callee) is ClassRef:
        return construct(frame, callee, actuals, node)
    if type(callee) is Method:
        return call_method(frame, callee, actuals, node)
    if type(callee) is LibRef:
        resolved(frame, node)
        return call_library(frame, callee.name, actuals, node)
    if type(callee) is Partial:
        given = (*(Actual(value) for value in callee.args), *actuals, *(Actual(value, name) for name, value in callee.keywords))
        return call(frame, callee.func, given, node)
    if type(callee) is Factory:
        session = new_session(frame, callee, node)
        return made_by(frame, callee, session, actuals, node) if actuals else session
    if type(callee) is Session:  # a scoped_session called gives the current session
        if frame.coroutine and callee.scoped:
            frame.by_coroutine(Event("current", frame.site(node), session=callee))
        return msgspec.structs.replace(callee, scoped=False, ended_by="registry")
    if type(callee) is UnionOf:
        return _call_any(frame, callee, actuals, node)
    if type(callee) is Instance:
        method = frame.world.classes.member(callee.cls, "__call__")
        if method is not None:
            return call_function(frame, FuncRef(method[1][0], callee), actuals, node)
    if type(callee) is LibInstance:
        return call_method(frame, Method(callee, "__call__"), actuals, node)
    if isinstance(callee, (Plain, Const)):
        return UNKNOWN
    why = callee.why if type(callee) is Unknown else ""
    frame.world.trace.unresolved.append((frame.site(node), why))
    if frame.state.unsaved:
        frame.state.unsaved = frozenset()  # whoever is called may flush
    if any(actual.keyword == "load" and actual.value == Const(False, "bool") for actual in actuals):
        frame.world.leave("remerged", frame.path)  # merge(obj, load=False) on a session that was not made out
    if any(type(actual.value) is Query and actual.value.locked for actual in actuals):
        lock(frame, None, "any", node)
    for actual in actuals:
        give_away(frame, actual.value)
    if type(node) is r.Call and type(node.func) is r.Attr and node.func.attr in _ENDINGS:
        end_all(frame)
    return Unknown(f"the call is not resolved: {why}" if why and not why.startswith("the call") else why or "the call is not resolved")


_CLOSED = frozenset({"closed"})


def _call_any(frame: Frame, callee: UnionOf, actuals: Sequence[Actual], node: r.Node) -> Value:
    results: list[Value] = []
    before = frame.state.sessions
    ways: list[dict[SessionId, SessionState]] = []
    closed: set[SessionId] = set()
    unsure = frame.unsure
    frame.unsure = unsure or sum(isinstance(item, Method) and isinstance(item.receiver, Session) for item in callee.items) > 1
    for item in callee.items:
        if item == NONE:
            continue
        frame.state.sessions = before.copy()
        result = call(frame, item, actuals, node)
        if frame.dead:
            frame.dead = False
            continue  # this one never returns
        handed(frame, result)  # where a session may be of either kind, nobody can say that an await is missing
        results.append(result)
        ways.append(frame.state.sessions)
        if type(item) is Method and type(item.receiver) is Session:
            mine = frame.state.sessions.get(item.receiver.id)
            if mine is not None and mine.fates == _CLOSED:
                closed.add(item.receiver.id)
    frame.unsure = unsure
    frame.dead = bool(callee.items) and not results and any(item != NONE for item in callee.items)
    if ways:
        frame.state.sessions = one_of(before, ways)
    for id in closed:
        # `session.close()` of what is this session or something else: where it is something else, this one was never made.
        frame.state.sessions[id] = msgspec.structs.replace(frame.state.sessions[id], fates=_CLOSED)
    return union(tuple(results)) if results else UNKNOWN
