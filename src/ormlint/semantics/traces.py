"""What each computation of a run leaves in tables that are not kept by context, so that it can be told apart from what others leave.

A computation is a function in one context, or a value that is remembered once it has been evaluated. `Trace` is what one of them adds to
tables that nobody asks before all has been run. What is asked meanwhile is noted as a `Change` where it changes, with what was run then:
whoever goes through the changes in order stands where the run stood. Knows nothing of what the tables mean.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Union

import msgspec

from ormlint.facts import records as r
from ormlint.semantics.changes import Change, Done
from ormlint.semantics.observations import Made, Registry, Summary
from ormlint.semantics.values import SessionId, Site

Item = Union[str, Site, tuple[str, str], tuple[Site, str], SessionId, tuple[SessionId, Registry], tuple[tuple[Site, str], Made]]


class Trace:
    """What one computation adds to tables that only grow; most of it several times."""

    __slots__ = ("asked", "called", "callers", "part", "rest", "shaky", "sites", "unresolved")

    def __init__(self, part: int = -1) -> None:
        self.part = part
        """Which of the run's steps it was made in."""
        self.shaky = False
        """Whether what it found may depend on what was run before it."""
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        """What it asked of tables that change meanwhile."""
        self.called: list[tuple[str, r.Node]] = []
        """The calls of which it is known what is called, each behind its file; and below those of which it is not, with the reason."""
        self.unresolved: list[tuple[Site, str]] = []
        self.sites: Sequence[Site] = ()
        """Calls as `called` has them, of a computation of an earlier run."""
        self.callers: list[tuple[str, str]] = []
        """Who is called, and by whom."""
        self.rest: list[tuple[str, Item]] = []
        """What else is added, behind the name of the table."""

    def __bool__(self) -> bool:
        return bool(self.called or self.unresolved or self.callers or self.rest or self.asked or self.shaky)

    def add(self, other: Trace) -> None:
        """Takes in what the same computation left when it was done once more."""
        self.shaky = self.shaky or other.shaky
        self.asked += other.asked
        self.called += other.called
        self.unresolved += other.unresolved
        self.callers += other.callers
        self.rest += other.rest


_encoder = msgspec.msgpack.Encoder(order="deterministic")


def fingerprint(key: object) -> bytes:
    """A context in few bytes that are the same in every run."""
    return hashlib.blake2b(encoded(key), digest_size=12).digest()


def encoded(key: object) -> bytes:
    """All that is said by what a computation is known by."""
    try:
        return _encoder.encode(key)
    except UnicodeError:  # half of a surrogate pair in a string
        return repr(key).encode("utf-8", "backslashreplace")


def name_of(id: SessionId) -> tuple[str, ...]:
    """A session in the words of a `Change`."""
    return id.kind, id.site.path, str(id.site.start), id.name


class Redo(BaseException):
    """What an earlier run found cannot be told to hold still: all has to be analysed anew. Not an error, so that nothing contains it."""


Held = tuple[object, Trace, int]
"""What was computed before something else was begun."""


class Traced:
    """Who leaves what, and who calls whom."""

    def __init__(self) -> None:
        self.current: object = None
        """What is being computed: the key of a context, of a module's own statements, of a value that will be remembered."""
        self.trace = Trace()
        """What that leaves; `traces` are those of all that has been computed."""
        self.traces: dict[object, Trace] = {}
        self.edges: dict[object, set[object]] = {}
        """What each computation rests on."""
        self.weighty: dict[object, object] = {}
        """The remembered values whose evaluation called something or left something, each with its key in `edges`."""
        self.filling: set[object] = set()
        """The remembered values that are being evaluated."""
        self.number = -1
        """The number of the step at hand; `done` are those before it."""
        self.done: list[Done] = []
        self.changes: list[Change] = []
        """What has changed in the step at hand."""
        self.doubts = 0
        self.unsteady = ""
        """Why what the step at hand finds may depend on what was run before it; "" where it does not."""
        self.recall: Callable[[object], Union[Summary, None]] | None = None
        """Gives the summary of a context as an earlier run left it, where to make it again might give another one."""
        self.known: list[str] = []
        """Of each computation of an earlier run, which is known by its number, the function."""
        self.partly = False
        """Whether only what an edit concerns is run."""
        self.at = 0
        """Then: which step of the earlier run is at hand."""
        self.volatile: Mapping[tuple[str, tuple[str, ...]], Sequence[int]] = {}
        """What changes while functions are run, of what is asked meanwhile, with the steps in which it did."""
        self.first_step: Callable[[object], int] = lambda _: self.at
        """The step of the earlier run in which something was computed and left as it was; the one at hand where it was not."""
        self.admitted: Mapping[tuple[str, tuple[str, ...]], int] = {}
        """And how many contexts each function had when all were run, where these were more than `unlisted`."""
        self.total: Mapping[tuple[str, tuple[str, ...]], int] = {}
        self.extra: dict[tuple[str, tuple[str, ...]], int] = {}
        self.unlisted = 0
        self.told_apart: frozenset[bytes] = frozenset()
        """And which contexts those were, where they were very many: in the words of `fingerprint`."""

    def leave(self, table: str, item: Item) -> None:
        """Adds to a table that nobody asks before all functions have been run."""
        self.trace.rest.append((table, item))

    def enter(self, key: object) -> Held:
        """Begins to compute what `key` names: what that leaves is its own, whoever asks for it first."""
        held = self.current, self.trace, self.doubts
        self.current, self.trace = key, Trace(self.number)
        return held

    def exit(self, held: Held) -> None:
        """Ends it, and goes on with what was at hand before."""
        if self.doubts > held[2]:
            self.trace.shaky = True
        known = self.traces.get(self.current)
        if known is None:
            self.traces[self.current] = self.trace
        else:
            known.add(self.trace)
        self.current, self.trace, _ = held

    def begin_value(self, value: object) -> Held:
        """Begins to evaluate what will be remembered."""
        self.filling.add(value)
        return self.enter(("value", value))

    def end_value(self, value: object, held: Held) -> None:
        """Ends it. A value whose evaluation called nothing and left nothing rests on nothing that could change by itself."""
        self.filling.discard(value)
        key = self.current
        if self.trace or key in self.edges or self.has_observed(key) or self.doubts > held[2]:
            self.exit(held)
            self.weighty[value] = key
            self.edges.setdefault(self.current, set()).add(key)
        else:
            self.current, self.trace, _ = held

    def begin_alias(self, value: object) -> None:
        """Begins to ask for a value that will be remembered under another name as well."""
        self.filling.add(value)

    def end_alias(self, value: object, other: object) -> None:
        """Ends it: who asks for `value` asks for `other`."""
        self.filling.discard(value)
        key = self.weighty.get(other)
        if key is not None:
            self.weighty[value] = key

    def has_observed(self, key: object) -> bool:
        """Whether anything was observed in a computation."""
        return False

    def asks_value(self, value: object) -> None:
        """A remembered value is used: what its evaluation called, its user rests on."""
        key = self.weighty.get(value)
        if key is not None:
            self.edges.setdefault(self.current, set()).add(key)
        elif value in self.filling and self.current != ("value", value):
            self.doubt(f"a value that needs itself: {value}")

    def doubt(self, why: str) -> None:
        """What is found now may depend on what was run before."""
        if self.partly:
            raise Redo(why)
        self.unsteady = self.unsteady or why
        self.doubts += 1

    def is_one_too_many(self, counted: tuple[str, tuple[str, ...]], key: object, count: int, most: int) -> bool:
        """Whether a function has so many contexts that it depends on their order which of them are told apart."""
        if not self.partly:
            return count >= most
        known = self.admitted.get(counted, self.unlisted)
        if count + known < most:
            return False
        if fingerprint(key) in self.told_apart:
            return False
        more = self.extra[counted] = self.extra.get(counted, 0) + 1
        return self.total.get(counted, self.unlisted) + more >= most

    def asks(self, table: str, *name: str) -> None:
        """A table is asked that changes while functions are run."""
        self.trace.asked.append((table, name))
        if self.volatile and (changed := self.volatile.get((table, name))) and self.is_other_than_before(changed):
            raise Redo(f"{table} {' '.join(name)} changes while functions are run")

    def is_other_than_before(self, changed: Sequence[int]) -> bool:
        """Whether a table that changed in these steps was asked by the computation at hand when it was another one."""
        first = self.first_step(self.current)
        low, high = min(first, self.at), max(first, self.at)
        return low != high and any(low <= step <= high for step in changed)

    def leavings(self) -> Iterator[Trace]:
        """What all computations have left, and what was left beside them."""
        yield from self.traces.values()
        yield self.trace

    def begin_step(self) -> None:
        """Begins the next step of the run."""
        self.number = len(self.done)
        self.changes = []
        self.unsteady = ""

    def end_step(self, name: str) -> Done:
        """Ends it."""
        found = Done(name, tuple(self.changes), self.unsteady)
        self.done.append(found)
        return found
