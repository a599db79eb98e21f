"""What the ways out of a function leave: its summary, and what was still open or not stored at them.

Takes a frame whose body has been run; gives the summary (result, events, the states of sessions and entities) and notes the sessions that
it made and the writes that none of its paths commits. Knows nothing of the call that asked for it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ormlint.semantics.concurrency import running_after, unawaited
from ormlint.semantics.conflicts import in_order
from ormlint.semantics.decoration import decorated
from ormlint.semantics.engines import remembers
from ormlint.semantics.events import FRESH, Event, Live, SessionState
from ormlint.semantics.frame import Frame
from ormlint.semantics.members import function_kind
from ormlint.semantics.observations import Incident, Made, Summary
from ormlint.semantics.ownership import serves
from ormlint.semantics.scope import judge_reuse
from ormlint.semantics.state import State, join_live, join_sessions
from ormlint.semantics.transactions import commits_one_like, is_own, notice, outcomes
from ormlint.semantics.unit_of_work import sessions_in
from ormlint.semantics.values import NEVER, NONE, Entity, Origin, SessionId, Site, join

MOST_EVENTS = 48
_ENDING = frozenset({"commit", "rollback", "close"})
"""These are kept whatever else a function does: its callers' transactions rest on them."""


def finished(frame: Frame) -> Summary:
    """The summary of a frame whose body has been run."""
    value = frame.returned
    if not frame.dead:
        value = join(value, NONE) if not isinstance(value, type(NEVER)) else NONE
        frame.ends.append(
            (
                "end",
                Site(frame.path, frame.function.node.start, frame.function.node.end) if frame.function else Site(frame.path, 0, 0),
                frame.state,
            )
        )
    finishes = not frame.dead or any(kind == "return" for kind, _, _ in frame.ends)
    live: dict[Origin, Live] = {}
    states = [state for kind, _, state in frame.ends if kind != "raise"]
    for state in states:
        for origin, item in state.live.items():
            known = live.get(origin)
            if known is None:
                live[origin] = item
            elif known != item:
                live[origin] = join_live(known, item)
    _tried(frame, states, live)
    kept = tuple(
        (origin, item)
        for origin, item in live.items()
        if item != FRESH and (origin.kind == "arg" or origin.kind in ("query", "get", "new"))
    )[:40]
    check_fates(frame)
    if frame.reused:
        judge_reuse(frame, states)
    unawaited(frame)
    events = _bounded(frame)
    fates: dict[SessionId, frozenset[str]] = {}
    for state in states:
        for id, known_session in state.sessions.items():
            fates[id] = fates.get(id, frozenset()) | known_session.fates
    handed_out = tuple(id for id, fate in fates.items() if "returned" in fate and "escaped" not in fate)
    given = tuple(sessions_in(value)) + tuple(sessions_in(frame.yielded))
    if frame.wrote:
        _judge_writes(frame, finishes, {session.id for session in given})
    after = running_after(frame, states, value)
    streamed = frame.streamed
    missing = frozenset.intersection(*(state.missing for state in states)) if states else frozenset()
    known_missing = tuple(sorted(missing, key=in_order)) if missing else ()
    left, ways = _left(states), outcomes(frame, given)
    return Summary(value, frame.yielded, events, finishes, kept, handed_out, left, ways, streamed, after, known_missing)


def _tried(frame: Frame, states: Sequence[State], live: dict[Origin, Live]) -> None:
    """A property that tries one relationship after the other: what the ways past it load is told at its first use, and once."""
    owner, function = frame.self_value, frame.function
    if not isinstance(owner, Entity) or function is None or owner.origin not in live:
        return
    known = live[owner.origin]
    if known.expired is None and len(states) > 1 and function_kind(frame.world, function.id) == "property":
        loaded = frozenset[str]().union(*[state.live.get(owner.origin, FRESH).loaded for state in states])
        if loaded != known.loaded:
            live[owner.origin] = msgspec.structs.replace(known, loaded=loaded)


def _judge_writes(frame: Frame, finishes: bool, handed: set[SessionId]) -> None:
    """Notes the writes on the function's own sessions that no path of it commits."""
    function = frame.function
    if function is None or not finishes or frame.world.is_abandoned(frame.name):
        return
    for id, (session, steps) in frame.wrote.items():
        if id in frame.loose or id in handed or session.committed_by or commits_one_like(frame, id):
            continue
        if id.kind == "given":
            if frame.world.is_committed(id) or not serves(frame.world, function) or decorated(frame, function.id) is not None:
                continue
        elif id.kind != "made" or not is_own(frame, id):
            continue
        if id in frame.rolled_back:
            continue  # on purpose: a rehearsal
        # An attribute that something far down sets is often meant for what is shown, not for the row.
        confidence = 1 if len(steps) > 2 and steps[-1].note.startswith("sets ") else 2
        notice(frame, Incident("unwritten", steps[0].site, session, frame.name, steps[1:], attr=id.kind, confidence=confidence))


def _left(states: Sequence[State]) -> tuple[tuple[SessionId, SessionState], ...]:
    """How the ways out of a function leave the sessions that it touched; one that it ended on some only is not ended, and what it wrote
    and committed on some counts as committed."""
    left: dict[SessionId, SessionState] = {}
    for state in states:
        for id, known in state.sessions.items():
            left[id] = join_sessions(left[id], known) if id in left else known
    for id, known in left.items():
        if known.written is not None and known.stored:
            left[id] = msgspec.structs.replace(known, written=None)
    return tuple(
        (id, known if known.ended is None or all(id in state.sessions for state in states) else msgspec.structs.replace(known, ended=None))
        for id, known in left.items()
    )


def _bounded(frame: Frame) -> tuple[Event, ...]:
    """A function's events, few of each kind: enough for trails, bounded for callers."""
    counts: dict[tuple[str, object, object, bool], int] = {}
    kept: list[Event] = []
    others = 0
    leaving = [state.events for kind, _, state in frame.ends if kind != "raise"]
    lasting = {(event.kind, event.site, event.attr) for events in leaving for event in events}
    for event in frame.order:
        if leaving and (event.kind, event.site, event.attr) not in lasting:
            continue  # it happens only on the way to an exception
        if event.kind == "engine" and frame.function is not None and remembers(frame.world.symbols, frame.function):
            continue
        key = (
            event.kind,
            event.session.id if event.session is not None else None,
            (event.attr, event.entity.origin.name) if event.entity is not None else event.attr if event.kind == "engine" else None,
            event.reported
            and event.kind == "commit",  # those of loops in here leave room for the one at the end, which a caller may repeat
        )
        limit = 2 if event.kind in ("autoflush", "query", "add", "load", "write") else 3
        if counts.get(key, 0) >= limit:
            continue
        if event.kind not in _ENDING:
            if others >= MOST_EVENTS:
                continue
            others += 1
        counts[key] = counts.get(key, 0) + 1
        kept.append(event)
    return tuple(kept)


def check_fates(frame: Frame) -> None:
    """Notes the sessions that this function made, with the exits at which they may still be open."""
    world = frame.world
    exits: dict[SessionId, list[tuple[str, Site]]] = {}
    for kind, site, state in frame.ends:
        for id, known in state.sessions.items():
            if "open" in known.fates:
                exits.setdefault(id, []).append((kind, site))
    for id, place in frame.risky.items():
        exits.setdefault(id, [("exception", place)])
    for id, places in exits.items():
        session = frame.sessions_made.get(id)
        if session is None or id in frame.ended_under:
            continue
        key = (session.id.site, frame.name)
        world.leave("made", (key, Made(session, session.id.site, frame.name, tuple(places), "local")))
