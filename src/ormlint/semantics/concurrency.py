"""What runs beside its maker: coroutines that nobody awaits, tasks, threads, and what is done after the response.

Takes a frame and the value of a coroutine, task or thread; notes for the rules which session two of them share, which coroutine is lost and
which work outlives the function that started it. Work that is being waited for is no longer beside anything. Knows nothing of how a call
is resolved or a library described: `function_calls` and `offloading` tell it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.orms.vocabulary import ConcurrencyRow
from ormlint.semantics.events import Event, Running, Work
from ormlint.semantics.frame import QUIET, Frame
from ormlint.semantics.kinds import kind_of
from ormlint.semantics.observations import Summary
from ormlint.semantics.state import State
from ormlint.semantics.summaries import Substitution
from ormlint.semantics.values import (
    NONE,
    UNKNOWN,
    Actual,
    Awaitable,
    Coll,
    Instance,
    LibInstance,
    Session,
    SessionId,
    Site,
    Tup,
    UnionOf,
    Value,
    options_of,
    union,
)

_NO_WORK = QUIET - {"add", "load"}


# Coroutines of a session that nobody awaits


def coroutine_of(frame: Frame, session: Session, name: str, value: Value, node: r.Node) -> Awaitable:
    """What an asynchronous method of a session gives: nothing happens before somebody awaits it."""
    site = frame.site(node)
    if session.is_async:
        frame.unawaited[site] = Event("coroutine", site, session=session, attr=name)
    return Awaitable(value, site, (session,), (), tuple([loop.site for loop in frame.loops]))


def handed(frame: Frame, value: Value) -> None:
    """A coroutine that is awaited, returned, stored or given to somebody is not lost."""
    if not frame.unawaited:
        return
    if isinstance(value, Awaitable):
        if value.made is not None:
            frame.unawaited.pop(value.made, None)
    elif isinstance(value, (UnionOf, Tup)):
        for item in value.items:
            handed(frame, item)
    elif isinstance(value, Coll):
        handed(frame, value.elem)


def unawaited(frame: Frame) -> None:
    """At the end of a function: the coroutines that nobody took."""
    for event in frame.unawaited.values():
        frame.note("unawaited", event)


# What a coroutine or generator works on


def working(frame: Frame, value: Value, summary: Summary, back: Substitution, node: r.Node) -> Awaitable:
    """What calling a coroutine function gives, with the sessions that it works on."""
    uses = used_sessions(frame, summary, back)
    holds: dict[object, Session] = {}
    for entity in back.entities.values():
        if entity.origin.session is not None:
            holds.setdefault(entity.origin.session.id, entity.origin.session)
    if not uses and not holds:
        return Awaitable(value)
    return Awaitable(value, frame.site(node), uses, tuple(holds.values()), tuple([loop.site for loop in frame.loops]))


def made_again(frame: Frame, value: Value) -> Value:
    """A coroutine that a plain function hands on is made anew in each iteration of the loops around the call."""
    if isinstance(value, Awaitable) and value.made is not None and frame.loops:
        return msgspec.structs.replace(value, born=(*value.born, *(loop.site for loop in frame.loops)))
    return value


def used_sessions(frame: Frame, summary: Summary, back: Substitution) -> tuple[Session, ...]:
    """The sessions of others that a function works on, where no lock lets one work at a time."""
    known = [
        event
        for event in summary.events
        if event.session is not None
        and (event.session.id in back.sessions or (event.session.id.kind in ("global", "field") and is_own(frame, event.session)))
    ]
    return sessions_of(known, back)


def captured_sessions(frame: Frame, events: Iterable[Event]) -> tuple[Session, ...]:
    """The sessions of the function itself that what was called has worked on."""
    return tuple([session for session in sessions_of(events) if is_own(frame, session)])


def is_own(frame: Frame, session: Session) -> bool:
    """Whether two mentions of a session mean the same one here: what a callee or another object calls so is known by its name alone."""
    id = session.id
    if id.kind == "param":
        function = frame.function
        return function is not None and id.site.path == frame.path and function.node.start <= id.site.start < function.node.end
    if id.kind == "field":
        infos = frame.world.classes.infos
        owner, mine = id.name.rpartition(".")[0], frame.cls
        return mine in infos and owner in infos and (owner in infos[mine].mro or mine in infos[owner].mro)
    return True


def sessions_of(events: Iterable[Event], back: Substitution | None = None) -> tuple[Session, ...]:
    """The sessions that these events work on, without those that the work has made itself."""
    found: dict[object, Session] = {}
    for event in events:
        session = event.session
        if session is None or event.own or event.kind in _NO_WORK or is_registered(session) or is_locked(event):
            continue
        actual = session if back is None else back.session(session)
        # Of a parameter's declaration nobody knows which session it is: two pieces of work may each have their own.
        if not is_registered(actual) and actual.id.kind != "passed":
            found.setdefault(actual.id, actual)
    return tuple(found.values())


def is_registered(session: Session) -> bool:
    """Whether a session is a registry's: each thread or task that asks gets its own."""
    return session.scoped or session.ended_by == "registry"


def is_locked(event: Event) -> bool:
    """Whether a lock is held around the event."""
    return any(meaning == "lock" for _, meaning in event.conditions)


# Work that has been started


def waited_for(frame: Frame, value: Value) -> None:
    """Work that has been awaited or joined runs no longer."""
    handed(frame, value)
    if frame.state.running:
        sites = made_in(value)
        if sites:
            frame.state.running = frozenset([work for work in frame.state.running if work.site not in sites])


def made_in(value: Value) -> set[Site]:
    """The calls that gave the tasks and threads in a value."""
    if isinstance(value, Awaitable):
        found = {value.made} if value.made is not None else set()
        return found | made_in(value.value)
    if isinstance(value, (UnionOf, Tup)):
        return {site for item in value.items for site in made_in(item)}
    if isinstance(value, Coll):
        return made_in(value.elem)
    return set()


def beside(frame: Frame, event: Event) -> None:
    """Something happens on a session that work which still runs has, too."""
    session = event.session
    if session is None or event.kind in _NO_WORK - {"close"} or is_locked(event):
        return
    for work in frame.state.running:
        if not work.entity and work.session.id == session.id and work.runs_in in ("task", "thread", "process"):
            shared(frame, work.site, work.session, work.runs_in, event.site)


def shared(frame: Frame, site: Site, session: Session, runs_in: str, other: Site | None = None) -> None:
    """Notes that the call at `site` lets two pieces of work have one session."""
    frame.note("shared", Event("share", site, session=session, how=runs_in), other)


def running_after(frame: Frame, states: Sequence[State], value: Value) -> tuple[Running, ...]:
    """The work that a function leaves running and that its caller does not get into its hands."""
    left: frozenset[Running] = frozenset().union(*[state.running for state in states if state.running])
    if not left:
        return ()
    given = made_in(value)
    found: list[Running] = []
    for work in sorted(left, key=lambda item: item.site):
        if work.site in given:
            continue
        if work.session.ended_by == "framework":
            frame.note(
                "outlives", Event("outlive", work.site, session=work.session, how=work.runs_in, attr="entity" if work.entity else "")
            )
        else:
            found.append(work)
    return tuple(found)


def started_below(frame: Frame, summary: Summary, back: Substitution) -> None:
    """What a callee has left running runs beside its caller from now on."""
    more = [Running(work.site, work.runs_in, back.session(work.session), work.entity, work.group) for work in summary.running]
    frame.state.running |= frozenset(more)


def direct_sessions(values: Iterable[Value]) -> tuple[Session, ...]:
    """The sessions among some values that are no registries."""
    return tuple([value for value in values if isinstance(value, Session) and not is_registered(value)])


def start(frame: Frame, site: Site, work: Work | Awaitable, runs_in: str, group: bool = False) -> None:
    """Work begins to run; from here on it runs beside what follows."""
    if frame.dead:
        return
    for session in work.uses:
        if any(loop.is_comprehension and loop.site not in session.born for loop in frame.loops):
            shared(frame, site, session, runs_in)
        else:
            beside(frame, Event("start", site, session=session))
    found = [Running(site, runs_in, session, False, group) for session in work.uses]
    found += [Running(site, runs_in, session, True, group) for session in work.holds if session not in work.uses]
    if found:
        frame.state.running |= frozenset(found)


THREADS = frozenset({"thread", "process"})


def runs_beside(frame: Frame, instance: Instance) -> str:
    """What the objects of a project's class run in, where it is a thread or process; "" where it is none."""
    return next((kind for kind in map(kind_of, frame.world.classes.infos[instance.cls].libraries) if kind in THREADS), "")


def threaded(frame: Frame, row: ConcurrencyRow, work: Work, node: r.Node) -> Value:
    """A `Thread(…)` or `Process(…)`: it runs from its `start()` to its `join()`. A session that goes to a process is always shared."""
    site = frame.site(node)
    for session in work.uses:
        if row.runs_in == "process" or any(loop.is_comprehension and loop.site not in session.born for loop in frame.loops):
            shared(frame, site, session, row.runs_in)
    return LibInstance(row.runs_in, (("work", Awaitable(NONE, site, work.uses, work.holds)),))


def thread_method(frame: Frame, thread: LibInstance, name: str) -> Value:
    """`start()` and `join()` of a thread or process."""
    work = dict(thread.data).get("work")
    if isinstance(work, Awaitable) and work.made is not None:
        if name == "start":
            start(frame, work.made, work, thread.cls)
        elif name == "join":
            waited_for(frame, work)
    return NONE


def block_ends(frame: Frame, group: LibInstance) -> None:
    """A task group or executor waits for its work at the end of its block."""
    if group.cls in _GROUPS:
        frame.state.running = frozenset([work for work in frame.state.running if not work.group])


_GROUPS = frozenset({"task_group", "callable_task_group", "executor", "process_executor", "thread_pool", "process_pool"})


def streamed(frame: Frame, body: Value, node: r.Node) -> None:
    """The body of a streaming response is consumed when the function has ended."""
    if isinstance(body, Coll) and body.lazy:
        start(frame, frame.site(node), Work(body, direct_sessions(body.lazy)), "streaming")


def coroutines(frame: Frame, row: ConcurrencyRow, name: str, actuals: Sequence[Actual], node: r.Node) -> Value:
    """`gather`, `create_task` and their like: what they give, and who shares a session in them."""
    site = frame.site(node)
    values = [actual for actual in actuals if actual.keyword in (None, "coro", "fs", "aws")]
    if not row.many:
        values = values[(row.position or 0) : (row.position or 0) + 1]
    pieces: list[Awaitable] = []
    exact = True
    for actual in values:
        whole = actual.star == 1 or row.work == "coroutine_list"
        exact = exact and not whole
        for part in _parts(actual.value) if whole else options_of(actual.value):
            if isinstance(part, Awaitable):
                pieces.append(part)
    results = [piece.value for piece in pieces]
    loops = tuple([loop.site for loop in frame.loops])
    uses = tuple({session.id: session for piece in pieces for session in piece.uses}.values())
    holds = tuple({session.id: session for piece in pieces for session in piece.holds}.values())
    if row.many:
        _together(frame, site, [piece for piece in pieces if not piece.started], row.runs_in)
        for piece in pieces:
            waited_for(frame, piece)
        given = union(tuple(results)) if results else UNKNOWN
        if name == "as_completed":
            return Coll("iterator", Awaitable(given))
        if name == "wait":
            done = Coll("set", Awaitable(given, started=True))
            return Awaitable(Tup((done, done)))
        return Awaitable(Tup(tuple(results)) if exact and len(results) == len(values) else Coll("list", given), site, uses, holds, loops)
    value = results[0] if results else UNKNOWN
    if row.waits:  # `wait_for(task)`, `shield(task)`: whoever awaits that awaits the task
        return pieces[0] if pieces else Awaitable(value)
    start(frame, site, Work(value, uses, holds), row.runs_in, row.receiver == "task_group")
    return Awaitable(value, site, uses, holds, loops, True)


def _parts(value: Value) -> tuple[Value, ...]:
    """The elements of a display, list or generator of coroutines."""
    if isinstance(value, Tup):
        return tuple([part for item in value.items for part in options_of(item)])
    if isinstance(value, Coll):
        return tuple([part for item in (value.elem, value.key) if item is not None for part in options_of(item)])
    if isinstance(value, UnionOf):
        return tuple([part for item in value.items for part in _parts(item)])
    return ()


def _together(frame: Frame, site: Site, pieces: Sequence[Awaitable], runs_in: str) -> None:
    """Coroutines that run at the same time: a session that two of them use is shared."""
    active = {loop.site for loop in frame.loops}
    seen: dict[SessionId, int] = {}
    for piece in pieces:
        again = [loop for loop in piece.born if loop not in active]
        for session in piece.uses:
            many = any(loop not in session.born for loop in again)
            seen[session.id] = seen.get(session.id, 0) + (2 if many else 1)
            if seen[session.id] >= 2:
                shared(frame, site, session, runs_in, piece.made)
