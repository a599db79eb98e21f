"""What changes while a function runs: names, loaded state of entities, sessions, and the events so far.

A `State` is the abstract machine's memory at one point of one function; branches copy it and join it again. `Event`s are what a
function does to the outside (commit, query, load …); they ride along in the state, so that at a loop's back edge the state says
which of them can happen again.
"""

from __future__ import annotations

from typing import Union

import msgspec

from ormlint.facts import records as r
from ormlint.facts.walking import walk
from ormlint.semantics.values import (
    UNKNOWN,
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
    Session,
    SessionId,
    Site,
    Super,
    Tup,
    UnionOf,
    Value,
    is_made,
    join,
)


class Lost(msgspec.Struct, frozen=True, cache_hash=True):
    """A single attribute that was lost, or will be with the next UPDATE: its path, where, and by what (flush, expire)."""

    path: str
    site: Site
    how: str


class Live(msgspec.Struct, frozen=True, cache_hash=True):
    """What has happened to the entities of one origin since they were loaded.

    `loaded` are relationship paths read or loaded since; `expired` is where an expiry happened and `how` by what; `fresh` the paths
    ("" is the entity itself) whose columns were refreshed after it; `detached` where they left their session.
    """

    loaded: frozenset[str] = frozenset()
    expired: Union[Site, None] = None
    how: str = ""
    fresh: frozenset[str] = frozenset()
    detached: Union[Site, None] = None
    detached_how: str = ""
    asked: frozenset[str] = frozenset()
    """Those of `loaded` that were asked for (`refresh`, assignment), not merely read."""
    grafted: frozenset[str] = frozenset()
    """The relationships that were set: what is below them came from elsewhere."""
    flushed: bool = False
    """A new object that has been inserted: what it was not built with is not loaded any more."""
    deleted: bool = False
    """It is deleted, or transient again: what takes it out of its session leaves what it knows."""
    assigned: frozenset[str] = frozenset()
    """The paths that were set since; of a new object those that its construction set, "*" where that is not known."""
    outdated: tuple[Overwritten, ...] = ()
    """Statements that changed its table behind the session's back."""
    mismatched: tuple[tuple[str, Site], ...] = ()
    """Loaded relationships whose foreign key was set since, with where."""
    missing: frozenset[Event] = frozenset()
    """Of a new object: what was known to be missing when it was made."""
    due: frozenset[Lost] = frozenset()
    """Columns that the next flush will lose."""
    lost: frozenset[Lost] = frozenset()
    """Attributes that were lost one by one, while the others stayed."""


class Overwritten(msgspec.Struct, frozen=True, cache_hash=True):
    """A statement that changes rows of a table without telling the session: `columns` are what it sets, "*" where that is not known."""

    table: str
    columns: tuple[str, ...]
    site: Site
    note: str = ""


FRESH = Live()


CALLS = "calls on"
"""The note of a step that is a call: whom it calls is where the next step stands."""
ABSENT = "absent"
"""The condition of what is done only where a row was looked up and is not there."""


class Step(msgspec.Struct, frozen=True, cache_hash=True):
    """One step of an event's way down: where, and what happens there."""

    site: Site
    note: str


class Failure(msgspec.Struct, frozen=True, cache_hash=True):
    """A database error that a handler caught: where the handler stands, what failed, and how sure it is that it was the database."""

    site: Site
    steps: tuple[Step, ...] = ()
    confidence: int = 2
    strength: int = 2
    """That of the operation that failed, see `Risk`."""


class SessionState(msgspec.Struct, frozen=True, cache_hash=True):
    """What has happened to a session: its possible fates (open, closed, escaped), and its transaction.

    `began` is "" (not begun), pending (only objects were added), read, write or explicit. `opened` are the steps to the statement that
    opened the transaction in the database; empty where no connection is held. Where paths join, all of this may be: the transaction is open
    if it is open on one of them. `ended` is where the session was closed, on every path that came here. `written` is the first change that
    is not committed yet.
    """

    fates: frozenset[str] = frozenset()
    began: str = ""
    opened: tuple[Step, ...] = ()
    ended: Union[Site, None] = None
    written: Union[Site, None] = None
    inherits: bool = True
    """Whether the transaction may still be the one that the function's caller had."""
    used: bool = False
    """Whether SQL ran in the transaction that the caller had."""
    block: bool = False
    """Whether a `with session.begin():` block holds the transaction."""
    lost: tuple[Step, ...] = ()
    """The commit or rollback that ended the block's, or the caller's, transaction."""
    reused: bool = False
    """Whether the session was used after that."""
    failed: Union[Failure, None] = None
    """The handled error after which it waits for a rollback."""
    pending: Union[Site, None] = None
    """The first add that no flush has sent yet."""
    quiet: bool = False
    """Whether autoflush is switched off for now."""
    locks: frozenset[str] = frozenset()
    """What this transaction has locked: "rows Order" by a locking read, "written Order" by a statement, "any" by an advisory lock."""
    stored: frozenset[Site] = frozenset()
    """The changes that some way to here has committed, or undone: where the ways meet, `written` is none of them."""


UNTOUCHED = SessionState()
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
    )


def _still_written(left: SessionState, right: SessionState) -> Site | None:
    """The change that is not committed yet on either way, leaving aside what one of them has committed."""
    if left.written is not None and left.written not in right.stored:
        return left.written
    return right.written if right.written is not None and right.written not in left.stored else None


class Event(msgspec.Struct, frozen=True, cache_hash=True):
    """Something that a function does.

    `kind` is commit, rollback, flush, query, write, add, close, load, begin, callout. `site` is where in the function itself it stands: the
    statement's own expression, or the call that leads to it, with the rest of the way in `via`. `varies` are the loops in each of whose
    iterations it acts on another row. `conditions` are the enclosing `if`s that matter (offset and kind: batch, once). `exceptional` is
    true inside an `except`; `after_yield` behind a generator's yield.
    """

    kind: str
    site: Site
    note: str = ""
    session: Union[Session, None] = None
    entity: Union[Entity, None] = None
    attr: str = ""
    how: str = ""
    varies: tuple[Site, ...] = ()
    conditions: tuple[tuple[int, str], ...] = ()
    via: tuple[Step, ...] = ()
    exceptional: bool = False
    after_yield: bool = False
    reported: bool = False
    own: bool = False
    """The session was made inside the callee and ended there: a job of its own."""
    block: bool = False
    """It stands for a `with session.begin()` block's end."""
    since: Union[Site, None] = None
    """Where the expiry or the end of the session happened that makes a read a load."""
    confidence: int = 2
    needs: Union[frozenset[str], None] = None
    """Of a query: the function's parameters that its expression is computed from; None where that is not known."""
    unsteady: tuple[Site, ...] = ()
    """Of a query: the loops in which it is not shown to be the same each time."""
    settled: frozenset[SessionId] = frozenset()
    """The sessions whose transaction, as the caller has it, has ended when this happens."""
    held: bool = False
    """A transaction was open here already in the function itself: nothing of it concerns the callers."""
    over: tuple[Site, ...] = ()
    """Of a query: the loops in which it is about another class or table each time, so that no one statement could replace it."""
    about: frozenset[str] = frozenset()
    """Of a query: the function's parameters that say which class or table it is about."""
    aside: bool = False
    """It happens in a coroutine or thread of its own: whoever calls that is not the one that does it."""
    told: bool = False
    """Of an external call: that it comes before the commit has been noted where it stands."""

    @property
    def end(self) -> Site:
        """Where it really happens: the last step of the way."""
        return self.via[-1].site if self.via else self.site


class Loop(msgspec.Struct, frozen=True, cache_hash=True):
    """A loop that is being run: where, of which kind (see `loops.py`), and the names that change in it."""

    site: Site
    kind: str
    why: str
    varying: frozenset[str]
    each: str = "element"
    """What one iteration is about, in words: "order"."""
    is_comprehension: bool = False
    infinite: bool = False
    head: Union[Site, None] = None
    """The expression that it iterates over: evaluated once, before the loop."""
    seeking: tuple[Site, ...] = ()
    """The tests whose success ends it, and what they ask about: what is read there is a search, not a walk."""
    cursor: Union[SessionId, None] = None
    """The session of the open cursor that its rows come from."""
    sought: tuple[Site, ...] = ()
    """The expressions whose hit ends it: a query there is one of a search."""
    touched: frozenset[str] = frozenset()
    """The names and chains of names that its body binds or changes."""
    key: str = ""
    """The name that is another key of a mapping in each turn."""


class Running(msgspec.Struct, frozen=True, cache_hash=True):
    """Work that goes on beside what follows: where it was started, what it runs in, and the session that it has.

    `runs_in` is task, thread, process, after_response or streaming. `entity` is true where it has only objects of that session.
    """

    site: Site
    runs_in: str
    session: Session
    entity: bool = False
    group: bool = False
    """A block waits for it: a task group, an executor."""


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


class Risk(msgspec.Struct, frozen=True):
    """An operation that a database error may come from, with nothing between it and here that would roll back.

    `strength` is 2 for what sends writes, 1 for a query that may flush, 0 for a mere SELECT.
    """

    session: Session
    steps: tuple[Step, ...]
    strength: int


class Outcome(msgspec.Struct, frozen=True):
    """What calling a function does to one session's transaction, on the ways on which it does not raise."""

    session: Session
    state: SessionState = UNTOUCHED
    at_yield: SessionState = UNTOUCHED
    wrote: tuple[Step, ...] = ()
    """The first write, whether or not it is committed."""
    commits: bool = False
    """On some path, raising ones too; so `undoes`: rolls back or closes."""
    undoes: bool = False
    risk: Union[Risk, None] = None


class Summary(msgspec.Struct, frozen=True):
    """What calling a function in one context gives and does, in terms of what it was given.

    `returned` is the value (before it is wrapped as awaitable or iterator); `yielded` what a generator yields; `events` what happens, in
    order; `finishes` is False where every path raises.
    """

    returned: Value = UNKNOWN
    yielded: Value = UNKNOWN
    events: tuple[Event, ...] = ()
    finishes: bool = True
    live: tuple[tuple[Origin, Live], ...] = ()
    handed: tuple[SessionId, ...] = ()
    """The sessions that were made inside and belong to the caller now."""
    left: tuple[tuple[SessionId, SessionState], ...] = ()
    """How it leaves the sessions that it touched, on its normal ways out taken together."""
    outcomes: tuple[Outcome, ...] = ()
    """What happens to the transactions of the sessions that it was given, and of those that it hands out."""
    streamed: Union[Session, None] = None
    """The session of the open cursor that a generator yields from."""
    running: tuple[Running, ...] = ()
    """The work that it started and did not wait for."""
    missing: tuple[Event, ...] = ()
    """What is known not to be there once it has returned."""


class Context(msgspec.Struct, frozen=True, cache_hash=True):
    """A function and all of a call that its summary depends on: the key of the summary."""

    function: str
    params: tuple[tuple[str, Value], ...]
    closure: tuple[tuple[str, Value], ...]
    live: tuple[tuple[Origin, Live], ...]
    typevars: tuple[tuple[str, Value], ...]


class Made(msgspec.Struct, frozen=True):
    """A session that some function made and owns, with the exits at which it may still be open."""

    session: Session
    site: Site
    function: str
    exits: tuple[tuple[str, Site], ...]
    place: str
    """local, field, module, class, default."""
    name: str = ""


class Registry(msgspec.Struct, frozen=True):
    """A `scoped_session` or its asynchronous twin, by what its sessions are told apart."""

    is_async: bool
    by_thread: Union[bool, None]
    """Whether one thread is one session; None where the scope function is not known."""
    site: Site


class Built(msgspec.Struct, frozen=True):
    """An engine or a factory that is built each time a function runs; `roots` are the functions at the top, `again` says that one of them
    is shown to run many times."""

    event: Event
    roots: tuple[str, ...]
    again: bool


class Repeated(msgspec.Struct, frozen=True, cache_hash=True):
    """An event that happens again in each iteration of a loop."""

    event: Event
    loop: Loop
    function: str
    rows: bool
    """Whether the loop was shown to go over rows."""


class Misuse(msgspec.Struct, frozen=True):
    """An operation that is wrong because of what happened before it: a use after the close, a mail before the commit.

    Kept for each context like `Repeated`, so that only what the project really reaches counts. `other` is the place of what happened
    before, `detail` what a rule's words need besides.
    """

    kind: str
    event: Event
    function: str
    other: Union[Site, None] = None
    detail: str = ""


class Incident(msgspec.Struct, frozen=True):
    """What an operation meets in the transaction of its session, at one place.

    `kind` is call_out (an external call while a transaction is open), ended (a commit or rollback, by itself no fault), lost (a commit
    inside a block that holds the transaction, and a use after it), begun (a `begin()` after the transaction has begun), failed (a handled
    error without a rollback, and a use after it), unwritten (a write that is never committed).
    """

    kind: str
    site: Site
    session: Session
    function: str
    steps: tuple[Step, ...] = ()
    """What led to it, in order."""
    note: str = ""
    attr: str = ""
    confidence: int = 2
    via: tuple[Step, ...] = ()
    """The way down from `site`."""
    own: bool = False
    """Whether the session was made in this very function."""


class Conflict(msgspec.Struct, frozen=True):
    """Something that goes wrong with other transactions, other sessions or with what the session still holds.

    `event.kind` is rewrite, insert, stale, stale_link, kept, compared, unborn, unchecked or swallowed; `event.via` leads from the function
    where the facts came together down to `event.site`.
    """

    event: Event
    function: str


class Read(msgspec.Struct, frozen=True):
    """A read of an attribute that raises, wherever it stands: after the session's end, or under an AsyncSession."""

    event: Event
    function: str


class Crossing(msgspec.Struct, frozen=True):
    """Something of the ORM at a place where it matters on which side of a boundary it is.

    `kind` is enters (an entity reaches domain code), takes (a session or statement does), gives (a function returns or yields it), leaves
    (it leaves the process), rebuilds (an object is made round its constructor), mirrors (a domain object is made of a column). `name` is
    the parameter, the field, or what is done, in words; `via` the calls that handed the value on, the first one first.
    """

    kind: str
    site: Site
    function: str
    value: Value
    name: str = ""
    via: tuple[Step, ...] = ()


def contains(outer: Site, inner: Site) -> bool:
    return outer.path == inner.path and outer.start <= inner.start and inner.end <= outer.end


def names_in(node: object) -> frozenset[str]:
    """The bare names that an expression mentions."""
    return frozenset([item.id for item in walk(node) if type(item) is r.Name])
