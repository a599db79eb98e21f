"""Calls that have work done elsewhere: tasks, threads, pools, processes, after the response.

Takes the vocabulary's row of such a call; runs the callable as work of its own and gives what stands for its outcome, with the sessions
that it uses and those of the entities that it holds. What two works share and which are lost is judged by `concurrency`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.orms import registry as orms
from ormlint.orms.vocabulary import ConcurrencyRow
from ormlint.semantics import boundary
from ormlint.semantics.arguments import first_value
from ormlint.semantics.concurrency import captured_sessions, coroutines, direct_sessions, runs_beside, shared, start, threaded
from ormlint.semantics.containers import element_of
from ormlint.semantics.events import Event, Work
from ormlint.semantics.frame import Frame
from ormlint.semantics.iteration import iterated
from ormlint.semantics.loading import flat
from ormlint.semantics.repetition import per_element
from ormlint.semantics.transactions import at_rest
from ormlint.semantics.values import (
    NONE,
    UNKNOWN,
    Actual,
    Awaitable,
    Coll,
    Entity,
    FuncRef,
    Instance,
    LibInstance,
    Method,
    Partial,
    Tup,
    Value,
    options_of,
)


def started(frame: Frame, name: str, row: ConcurrencyRow, actuals: Sequence[Actual], node: r.Node) -> Value:
    """A call that makes work run beside its caller, or after it."""
    if not row.work.startswith("callable"):
        return coroutines(frame, row, name.rsplit(".", 1)[-1], actuals, node)
    target = first_value(actuals, row.position or 0, row.keyword or "func")
    if not row.arguments:
        return LibInstance("offloaded", (("function", target),))
    if row.arguments == "elements":
        return _for_elements(frame, name, row, target, actuals, node)
    given = _arguments(frame, row, actuals)
    if row.runs_in == "process":
        boundary.leave(frame, [actual.value for actual in actuals], node, "a process")
    if row.runs_in == "after_response":
        # It does what it does when the function has long ended.
        before = frame.state.copy()
        order, wrote = dict(frame.order), dict(frame.wrote)
        at_rest(frame)
        work = _work(frame, target, given, node, row.runs_in)
        frame.state, frame.order, frame.wrote, frame.dead = before, order, wrote, False
    else:
        work = _work(frame, target, given, node, row.runs_in)
    if name in orms.CLASSES and row.keyword:
        return threaded(frame, row, work, node)
    if row.waits and not row.receiver:
        return Awaitable(work.value, frame.site(node), work.uses, work.holds, tuple(loop.site for loop in frame.loops))
    start(frame, frame.site(node), work, row.runs_in, bool(row.receiver) and row.receiver != "event_loop")
    return NONE if row.runs_in == "after_response" else Awaitable(work.value, frame.site(node), work.uses, work.holds, (), True)


def _arguments(frame: Frame, row: ConcurrencyRow, actuals: Sequence[Actual]) -> tuple[Actual, ...]:
    """What the work itself is called with."""
    positional = [actual for actual in actuals if actual.keyword is None]
    if row.arguments == "rest":
        return (
            *positional[(row.position or 0) + 1 :],
            *(actual for actual in actuals if actual.keyword not in (None, row.keyword or "func")),
        )
    after = 1 if row.keyword else (row.position or 0) + 1
    args = next(
        (a.value for a in actuals if a.keyword == "args"), positional[after].value if len(positional) > after and not row.keyword else NONE
    )
    keywords = next((actual.value for actual in actuals if actual.keyword in ("kwargs", "kwds")), NONE)
    given = [Actual(item) for item in args.items] if isinstance(args, Tup) else []
    if isinstance(args, Coll):
        given.append(Actual(args, None, 1))
    if isinstance(keywords, LibInstance) and keywords.cls == "kwargs":
        given.extend(Actual(value, keyword) for keyword, value in keywords.data if keyword != "*")
    return tuple(given)


def _work(frame: Frame, target: Value, given: Sequence[Actual], node: r.Node, runs_in: str) -> Work:
    """Runs a callable as work of its own; says what it gives and what it has in its hands."""
    captured: list[Event] = []
    frame.captures.append(captured)
    frame.offloaded += 1
    known = isinstance(target, (FuncRef, Partial, Method, Instance))
    value = frame.call(target, given, node) if known else UNKNOWN
    frame.offloaded -= 1
    frame.captures.pop()
    frame.dead = False
    if runs_in in ("thread", "process"):
        for event in captured:  # what a thread does is its own, however many are started
            for events_of in (frame.state.events, frame.order):
                if event in events_of and not event.own:
                    del events_of[event]
                    events_of[msgspec.structs.replace(event, own=True)] = None
    if isinstance(value, Awaitable):  # a coroutine function, which the task runs
        value = value.value
    held = [item for actual in given for item in flat(actual.value)]
    uses = {session.id: session for session in captured_sessions(frame, captured)}
    if not known or runs_in == "process":
        uses.update((session.id, session) for session in direct_sessions(held))
    entities = [item for part in held for item in options_of(part) if isinstance(item, Entity)]
    holds = {item.origin.session.id: item.origin.session for item in entities if item.origin.session is not None}
    return Work(value, tuple(uses.values()), tuple(holds.values()))


def _for_elements(frame: Frame, name: str, row: ConcurrencyRow, target: Value, actuals: Sequence[Actual], node: r.Node) -> Value:
    """`pool.map(f, rows)`: many at once, each with its own element and all with what the function holds."""
    if row.runs_in == "process":
        boundary.leave(frame, [actual.value for actual in actuals], node, "a process")
    captured: list[Event] = []
    frame.captures.append(captured)
    frame.offloaded += 1
    positional = [actual.value for actual in actuals if actual.keyword is None][(row.position or 0) + 1 :]
    columns = [element_of(iterated(frame, value, node)) for value in positional]
    element = columns[0] if len(columns) == 1 else Tup(tuple(columns))
    spread = len(columns) > 1 or "starmap" in name
    value = per_element(frame, target, element, node, spread) if columns else UNKNOWN
    frame.offloaded -= 1
    frame.captures.pop()
    site = frame.site(node)
    many = [session for session in captured_sessions(frame, captured) if site not in session.born]
    for session in many:
        frame.note("shared", Event("share", site, session=session, how=row.runs_in))
    return Coll("iterator", value.value if isinstance(value, Awaitable) else value)


def offloaded(frame: Frame, target: Value, actuals: Sequence[Actual], node: r.Node) -> Value:
    """Calling what `sync_to_async` gave."""
    work = _work(frame, target, actuals, node, "thread")
    return Awaitable(work.value, frame.site(node), work.uses, work.holds, tuple(loop.site for loop in frame.loops))


def own_thread(frame: Frame, instance: Instance, name: str, node: r.Node) -> Value:
    """`start()` and `join()` of a thread of the project: `run()` is what it does. A `join()` is taken to wait for all of them."""
    runs_in = runs_beside(frame, instance)
    if name == "join":
        frame.state.running = frozenset([work for work in frame.state.running if work.runs_in != runs_in])
        return NONE
    run = frame.world.classes.member(instance.cls, "run")
    if run is None:
        return NONE
    work = _work(frame, FuncRef(run[1][0], instance), (), node, runs_in)
    if runs_in == "process":
        for session in work.uses:
            shared(frame, frame.site(node), session, runs_in)
    start(frame, frame.site(node), work, runs_in)
    return NONE
