"""What can have happened at one point of a function: to entities, to sessions and their transactions, to the outside.

Frozen data and what it starts from; how two of them become one where paths meet is `state`'s. Imported everywhere, knows only values.
"""

from __future__ import annotations

from typing import Union

import msgspec

from ormlint.semantics.values import Entity, Session, SessionId, Site, Value


class Lost(msgspec.Struct, frozen=True, order=True, cache_hash=True, array_like=True):
    """A single attribute that was lost, or will be with the next UPDATE: its path, where, and by what (flush, expire)."""

    path: str
    site: Site
    how: str


class Live(msgspec.Struct, frozen=True, cache_hash=True, array_like=True):
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


class Overwritten(msgspec.Struct, frozen=True, cache_hash=True, array_like=True):
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


class Step(msgspec.Struct, frozen=True, cache_hash=True, array_like=True):
    """One step of an event's way down: where, and what happens there."""

    site: Site
    note: str


class Failure(msgspec.Struct, frozen=True, cache_hash=True, array_like=True):
    """A database error that a handler caught: where the handler stands, what failed, and how sure it is that it was the database."""

    site: Site
    steps: tuple[Step, ...] = ()
    confidence: int = 2
    strength: int = 2
    """That of the operation that failed, see `Risk`."""


class SessionState(msgspec.Struct, frozen=True, cache_hash=True, array_like=True):
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
    sound: bool = False
    """Whether a test has shown that it waits for no rollback."""


UNTOUCHED = SessionState()
DEFAULT = "a default"
"""The note of a change that only fills an attribute which was found empty with a plain value: what is shown, not what happened."""


class Event(msgspec.Struct, frozen=True, cache_hash=True, array_like=True):
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


class Loop(msgspec.Struct, frozen=True, cache_hash=True, array_like=True):
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


class Running(msgspec.Struct, frozen=True, cache_hash=True, array_like=True):
    """Work that goes on beside what follows: where it was started, what it runs in, and the session that it has.

    `runs_in` is task, thread, process, after_response or streaming. `entity` is true where it has only objects of that session.
    """

    site: Site
    runs_in: str
    session: Session
    entity: bool = False
    group: bool = False
    """A block waits for it: a task group, an executor."""


class Work(msgspec.Struct, frozen=True, array_like=True):
    """A callable that is run as work of its own: what it gives, the sessions that it uses, and those whose objects it has."""

    value: Value
    uses: tuple[Session, ...] = ()
    holds: tuple[Session, ...] = ()
