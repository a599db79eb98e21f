"""What running a function leaves behind: its summary, by the context that it was run in, and what the rules ask for.

Frozen data; who observes it, and which contexts count, is decided elsewhere (`summarising`, `running`).
"""

from __future__ import annotations

from typing import Union

import msgspec

from ormlint.semantics.events import UNTOUCHED, Event, Live, Loop, Running, SessionState, Step
from ormlint.semantics.values import UNKNOWN, Entity, Origin, Session, SessionId, Site, Value


class Risk(msgspec.Struct, frozen=True, array_like=True):
    """An operation that a database error may come from, with nothing between it and here that would roll back.

    `strength` is 2 for what sends writes, 1 for a query that may flush, 0 for a mere SELECT.
    """

    session: Session
    steps: tuple[Step, ...]
    strength: int


class Outcome(msgspec.Struct, frozen=True, array_like=True):
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


class Summary(msgspec.Struct, frozen=True, array_like=True):
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


class Context(msgspec.Struct, frozen=True, cache_hash=True, array_like=True):
    """A function and all of a call that its summary depends on: the key of the summary."""

    function: str
    params: tuple[tuple[str, Value], ...]
    closure: tuple[tuple[str, Value], ...]
    live: tuple[tuple[Origin, Live], ...]
    typevars: tuple[tuple[str, Value], ...]


class Made(msgspec.Struct, frozen=True, array_like=True):
    """A session that some function made and owns, with the exits at which it may still be open."""

    session: Session
    site: Site
    function: str
    exits: tuple[tuple[str, Site], ...]
    place: str
    """local, field, module, class, default."""
    name: str = ""


class Registry(msgspec.Struct, frozen=True, array_like=True):
    """A `scoped_session` or its asynchronous twin, by what its sessions are told apart."""

    is_async: bool
    by_thread: Union[bool, None]
    """Whether one thread is one session; None where the scope function is not known."""
    site: Site


class Built(msgspec.Struct, frozen=True, array_like=True):
    """An engine or a factory that is built each time a function runs; `roots` are the functions at the top, `again` says that one of them
    is shown to run many times."""

    event: Event
    roots: tuple[str, ...]
    again: bool


class Repeated(msgspec.Struct, frozen=True, cache_hash=True, array_like=True):
    """An event that happens again in each iteration of a loop."""

    event: Event
    loop: Loop
    function: str
    rows: bool
    """Whether the loop was shown to go over rows."""


class Misuse(msgspec.Struct, frozen=True, array_like=True):
    """An operation that is wrong because of what happened before it: a use after the close, a mail before the commit.

    Kept for each context like `Repeated`, so that only what the project really reaches counts. `other` is the place of what happened
    before, `detail` what a rule's words need besides.
    """

    kind: str
    event: Event
    function: str
    other: Union[Site, None] = None
    detail: str = ""


class Incident(msgspec.Struct, frozen=True, array_like=True):
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


class Conflict(msgspec.Struct, frozen=True, array_like=True):
    """Something that goes wrong with other transactions, other sessions or with what the session still holds.

    `event.kind` is rewrite, insert, stale, stale_link, kept, compared, unborn, unchecked or swallowed; `event.via` leads from the function
    where the facts came together down to `event.site`.
    """

    event: Event
    function: str


class Read(msgspec.Struct, frozen=True, array_like=True):
    """A read of an attribute that raises, wherever it stands: after the session's end, or under an AsyncSession."""

    event: Event
    function: str


class Crossing(msgspec.Struct, frozen=True, array_like=True):
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


class Served(msgspec.Struct, frozen=True, array_like=True):
    """A function that a web framework serves: `schema` is what an instance of its response model is, None where it has none."""

    schema: Union[Value, None]


class Cached(msgspec.Struct, frozen=True, array_like=True):
    """A function that keeps an entity as its result: the decorator that keeps it, and the entity."""

    site: Site
    entity: Entity
    function: str
