"""What changes while a function runs: names, loaded state of entities, sessions, and the events so far.

A `State` is the abstract machine's memory at one point of one function; branches copy it and join it again. `Event`s are what a
function does to the outside (commit, query, load …); they ride along in the state, so that at a loop's back edge the state says
which of them can happen again.
"""

from __future__ import annotations

import msgspec

from ormlint.facts import records as r
from ormlint.facts.walking import walk
from ormlint.semantics.events import UNTOUCHED, Event, Live, Running, SessionState
from ormlint.semantics.values import (
    Awaitable,
    Coll,
    Entity,
    FuncRef,
    Instance,
    LibInstance,
    Manager,
    Method,
    Origin,
    Partial,
    SessionId,
    Site,
    Super,
    Tup,
    UnionOf,
    Value,
    is_made,
    join,
)

_BEGAN = ("", "pending", "read", "write", "explicit")


def join_sessions(left: SessionState, right: SessionState) -> SessionState:
    """What may hold of a session where two paths meet."""
    if left == right:
        return left
    return SessionState(
        left.fates | right.fates,
        max(left.began, right.began, key=_BEGAN.index),
        left.opened or right.opened,
        left.ended if right.ended is not None else None,
        _still_written(left, right),
        left.inherits or right.inherits,
        left.used or right.used,
        left.block or right.block,
        left.lost or right.lost,
        left.reused or right.reused,
        left.failed or right.failed,
        left.pending or right.pending,
        left.quiet or right.quiet,
        left.locks | right.locks,
        left.stored | right.stored,
        (left.sound or not left.inherits) and (right.sound or not right.inherits),
    )


def _still_written(left: SessionState, right: SessionState) -> Site | None:
    """The change that is not committed yet on either way, leaving aside what one of them has committed."""
    if left.written is not None and left.written not in right.stored:
        return left.written
    return right.written if right.written is not None and right.written not in left.stored else None


class State:
    """Names and what has happened, at one point of one function."""

    __slots__ = ("events", "live", "missing", "running", "sessions", "unsaved", "vars", "yielded")

    def __init__(self) -> None:
        self.vars: dict[str, Value] = {}
        self.live: dict[Origin, Live] = {}
        self.sessions: dict[SessionId, SessionState] = {}
        self.events: dict[Event, None] = {}
        self.running: frozenset[Running] = _NOTHING
        self.missing: frozenset[Event] = frozenset()
        """What was looked up and is known not to be there, whichever way led here."""
        self.unsaved: frozenset[Origin] = frozenset()
        """New objects that were added and not flushed: their keys are not made yet."""
        self.yielded = False

    def copy(self) -> State:
        new = State.__new__(State)
        new.vars = self.vars.copy()
        new.live = self.live.copy()
        new.sessions = self.sessions.copy()
        new.events = self.events.copy()
        new.running = self.running
        new.missing = self.missing
        new.unsaved = self.unsaved
        new.yielded = self.yielded
        return new

    def adds_to(self, other: State) -> bool:
        """Whether this state says of what `other` knows anything else; events, and names that `other` does not have, left aside."""
        theirs = self.vars
        return (
            self.live != other.live
            or self.running != other.running
            or self.sessions != other.sessions
            or any(theirs.get(name) != value for name, value in other.vars.items())
        )


_NOTHING: frozenset[Running] = frozenset()


def join_states(states: list[State]) -> State | None:
    """The state that holds whichever of `states` came here; None where none did. Takes ownership of the first."""
    if not states:
        return None
    first = states[0]
    for other in states[1:]:
        if other is not first:
            _join_into(first, other)
    return first


def _holds(value: Value, origin: Origin, depth: int = 0) -> bool:
    """Whether a value is or holds an entity of this origin."""
    if isinstance(value, Entity):
        return value.origin == origin
    if depth > 4:
        return True
    if isinstance(value, (UnionOf, Tup)):
        return any(_holds(item, origin, depth + 1) for item in value.items)
    if isinstance(value, Coll):
        return _holds(value.elem, origin, depth + 1) or (value.key is not None and _holds(value.key, origin, depth + 1))
    if isinstance(value, Instance):
        return any(_holds(item, origin, depth + 1) for _, item in value.fields)
    if isinstance(value, LibInstance):
        return any(_holds(item, origin, depth + 1) for _, item in value.data)
    if isinstance(value, FuncRef):
        return (value.bound is not None and _holds(value.bound, origin, depth + 1)) or any(
            _holds(item, origin, depth + 1) for _, item in value.closure
        )
    if isinstance(value, Method):
        return _holds(value.receiver, origin, depth + 1)
    return isinstance(value, (Partial, Awaitable, Manager, Super))


def _is_held(state: State, origin: Origin) -> bool:
    """Whether some name still leads to the entities of an origin."""
    return any(_holds(value, origin) for value in state.vars.values())


def _join_into(left: State, right: State) -> None:
    for origin, live in right.live.items():
        known = left.live.get(origin)
        if known is None or known == live:
            left.live[origin] = live
        elif (known.expired is None) != (live.expired is None) and not _is_held(left if known.expired is not None else right, origin):
            left.live[origin] = known if known.expired is None else live  # where it was expired, nobody has it any more
        else:
            left.live[origin] = join_live(known, live)
    for name, value in right.vars.items():
        mine = left.vars.get(name)
        if mine is None:
            left.vars[name] = value
        elif mine is not value:
            left.vars[name] = join(mine, value)
    for id, state in right.sessions.items():
        seen = left.sessions.get(id)
        if seen is None:
            if not is_made(id):
                state = join_sessions(UNTOUCHED, state)
            left.sessions[id] = state if state.ended is None else msgspec.structs.replace(state, ended=None)
        elif seen is not state:
            left.sessions[id] = join_sessions(seen, state)
    for id, state in left.sessions.items():
        if id not in right.sessions:
            if not is_made(id):
                left.sessions[id] = join_sessions(state, UNTOUCHED)
            elif state.ended is not None:
                left.sessions[id] = msgspec.structs.replace(state, ended=None)
    left.events.update(right.events)
    if right.running:
        left.running |= right.running
    if left.unsaved is not right.unsaved:
        left.unsaved &= right.unsaved
    if left.missing is not right.missing:
        left.missing &= right.missing
    left.yielded = left.yielded or right.yielded


def join_live(left: Live, right: Live) -> Live:
    """What holds whichever of two ways was taken."""
    return Live(
        left.loaded & right.loaded,
        left.expired or right.expired,
        left.how or right.how,
        left.fresh & right.fresh if left.expired and right.expired else (left.fresh if left.expired else right.fresh),
        left.detached if right.detached is not None else None,
        left.detached_how,
        left.asked & right.asked,
        left.grafted | right.grafted,
        left.flushed and right.flushed,
        left.deleted or right.deleted,
        left.assigned & right.assigned,
        left.outdated if left.outdated == right.outdated else tuple(dict.fromkeys((*left.outdated, *right.outdated)))[:4],
        left.mismatched if left.mismatched == right.mismatched else tuple(dict.fromkeys((*left.mismatched, *right.mismatched)))[:4],
        left.missing | right.missing,
        left.due | right.due,
        left.lost | right.lost,
    )


def contains(outer: Site, inner: Site) -> bool:
    return outer.path == inner.path and outer.start <= inner.start and inner.end <= outer.end


def names_in(node: object) -> frozenset[str]:
    """The bare names that an expression mentions."""
    return frozenset([item.id for item in walk(node) if type(item) is r.Name])
