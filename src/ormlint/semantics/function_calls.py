"""Calls of the project's own functions: what comes back of them, be they decorated, managers, generators or coroutines.

Takes a function with what it is bound to, and the evaluated arguments; gives the result's value as the caller sees it. A generator that
lends a session is suspended where the caller's loop runs, and resumed behind it. What the call does is settled by `settling`; the summary
comes from `contexts`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.facts.walking import walk
from ormlint.semantics.concurrency import made_again, working
from ormlint.semantics.contexts import invoke
from ormlint.semantics.declared import declared
from ormlint.semantics.decoration import RAW, decorated, is_manager
from ormlint.semantics.definitions import FunctionNode
from ormlint.semantics.frame import Frame, Lender
from ormlint.semantics.library import own_effect
from ormlint.semantics.members import function_kind
from ormlint.semantics.observations import Summary
from ormlint.semantics.scope import uses_of
from ormlint.semantics.settling import adopt, settle
from ormlint.semantics.summaries import Substitution, transform
from ormlint.semantics.transactions import carry, end_blocks, let_go
from ormlint.semantics.unit_of_work import make, sessions_in
from ormlint.semantics.values import NEVER, UNKNOWN, Actual, Coll, Entity, FuncRef, Manager, Session, Unknown, Value


def resolved(frame: Frame, node: r.Node) -> None:
    frame.world.trace.called.append((frame.path, node))


def call_function(frame: Frame, ref: FuncRef, actuals: Sequence[Actual], node: r.Node) -> Value:
    """Calls a function of the project."""
    world = frame.world
    function = world.symbols.functions.get(ref.func)
    if function is None:
        return UNKNOWN
    resolved(frame, node)
    if world.config.external_effects:
        own_effect(frame, node, world.called_as(ref.func))
    if function.node.decorators and RAW not in ref.closure:
        wrapper = decorated(frame, ref.func)
        if wrapper is not None:
            if frame.scope.role not in ("test", "fixture"):
                world.leave("called_decorated", ref.func)
            given = actuals if ref.bound is None else (Actual(ref.bound), *actuals)
            return frame.call(wrapper, given, node)
    if is_manager(world, function):
        values = tuple(actual.value for actual in actuals if actual.keyword is None)
        names = tuple((actual.keyword, actual.value) for actual in actuals if actual.keyword is not None)
        return Manager("function", UNKNOWN, None, ref, values, names)
    outcome = invoke(frame, ref, actuals, node)
    if outcome is None or world.is_abandoned(ref.func):
        for value in (*(actual.value for actual in actuals), *(() if ref.bound is None else (ref.bound,))):
            for session in sessions_in(value):
                let_go(frame, session)
    if outcome is None:
        return UNKNOWN
    summary, back = outcome
    if node is frame.iterating and function.node.is_generator and _provides(summary):
        return suspended(frame, function, summary, back, node)
    settle(frame, summary, back, node, lambda event: True)
    carry(frame, summary, back, frame.site(node))
    if not summary.finishes and not function.node.is_generator:
        frame.dead = True
        return NEVER
    return returned(frame, function, summary, back, node)


_DEEP = -8
"""Where the search for sessions begins to count: a service holds a repository, which holds the session."""


def _provides(summary: Summary) -> bool:
    """Whether a generator lends a session that it ends itself: what it yields holds one, and behind the yield that is over."""
    lent = {session.id for session in sessions_in(summary.yielded, _DEEP)}
    return bool(lent) and any(
        event.after_yield and event.kind in ("close", "commit", "rollback") and event.session is not None and event.session.id in lent
        for event in summary.events
    )


def suspended(frame: Frame, function: FunctionNode, summary: Summary, back: Substitution, node: r.Node) -> Value:
    """`for session in get_session():` runs its body where the generator stands at its yield; what comes behind that waits."""
    settle(frame, summary, back, node, lambda event: not event.after_yield)
    adopt(frame, summary, back)
    given = back.value(summary.yielded)
    for session in sessions_in(given, _DEEP):
        if session.id.kind == "made":
            frame.state.sessions.pop(session.id, None)
            frame.managed.add(session.id)
    before, frame.committed = frame.committed, set()
    carry(frame, summary, back, frame.site(node), at_yield=True)
    frame.suspended = Lender(summary, back, frozenset(frame.committed), _commits_finally(function))
    frame.committed = before
    return Coll("iterator", given, None, 1)


def _commits_finally(function: FunctionNode) -> bool:
    """Whether a generator commits also where it is left at its yield."""
    return any(
        type(node) is r.Attr and node.attr == "commit"
        for stmt in walk(function.node.body)
        if type(stmt) is r.Try
        for node in walk(stmt.final)
    )


def resumed(frame: Frame, lender: Lender, node: r.Node, left: bool) -> None:
    """The loop is over: the generator goes on behind its yield; or it is closed where it stands, where each turn has `left` the loop."""
    summary, back = lender.summary, lender.back
    if left and not lender.whatever:
        settle(frame, summary, back, node, lambda event: event.after_yield and event.kind == "close")
        end_blocks(frame, summary, back, frame.site(node), True)
        return
    frame.committed |= lender.committed
    settle(frame, summary, back, node, lambda event: event.after_yield and not event.exceptional)
    end_blocks(frame, summary, back, frame.site(node), False)


def returned(frame: Frame, function: FunctionNode, summary: Summary, back: Substitution, node: r.Node) -> Value:
    """A summary's result as the caller sees it."""
    if function.node.is_generator:
        elem = back.value(summary.yielded)
        adopt(frame, summary, back)
        lazy = tuple(back.session(session) for session in uses_of(summary.events) if session.id in back.sessions)
        cursor = back.session(summary.streamed) if summary.streamed is not None and back.gave(summary.streamed) else None
        if cursor is not None:
            lazy = (cursor, *(session for session in lazy if session.id != cursor.id))
        return Coll("iterator", elem, None, None, isinstance(elem, Coll) and elem.kind in ("list", "tuple"), lazy, cursor is not None)
    value = back.value(summary.returned)
    adopt(frame, summary, back)
    if isinstance(value, Unknown) and function.node.returns is not None:
        value = _promised(frame, function, back.typevars)
    for id, session in back.made.items():
        if (
            id in summary.handed
            and _mentions(value, session)
            and not (function.cls and function_kind(frame.world, function.id) == "property")
        ):
            make(frame, session, used=True)
    if function.node.is_async:
        return working(frame, value, summary, back, node)
    return made_again(frame, value)


def _promised(frame: Frame, function: FunctionNode, typevars: dict[str, Value]) -> Value:
    """What a function's annotation promises, where its body does not say more."""
    inner = frame.module_frame(function.module)
    inner.cls = function.cls
    inner.typevars = typevars
    value = declared(inner, function.node.returns, function.node.name)
    return transform(
        value,
        lambda session: session,
        lambda entity: Entity(entity.model, msgspec.structs.replace(entity.origin, kind="declared"), entity.path, entity.born),
    )


def _mentions(value: Value, session: Session) -> bool:
    return any(found.id == session.id for found in sessions_in(value))
