"""An analysis as it is kept between runs: what was computed, what each computation rests on and what it left. Data only.

Computations are told by their numbers; names of functions and places of calls stand in tables of their own, since many share them.
"""

from __future__ import annotations

import msgspec

from ormlint.semantics.changes import Done
from ormlint.semantics.observations import Conflict, Crossing, Incident, Made, Misuse, Read, Registry, Repeated, Summary
from ormlint.semantics.values import SessionId, Site


class Node(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A computation. `kind` is entry, root or params (those of `function` by itself), context (a call of it), member (it as a method that a
    mapped class has from a mixin), module (its statements: `function` is the module's name), lasting (the search for sessions that live as
    long as the process) or value."""

    kind: str
    function: int
    step: int
    rests_on: tuple[int, ...]
    resolved: tuple[int, ...]
    unresolved: tuple[int, ...]
    callers: tuple[int, ...]
    """Pairs: who is called, and by whom."""


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """What was observed in a computation."""

    repeated: tuple[Repeated, ...] = ()
    misuses: tuple[Misuse, ...] = ()
    reads: tuple[Read, ...] = ()
    crossings: tuple[tuple[tuple[str, Site, str], Crossing], ...] = ()
    incidents: tuple[Incident, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


class Left(msgspec.Struct, frozen=True, array_like=True):
    """What a computation left in the tables that only grow, each item behind the table's name where several are alike."""

    names: tuple[tuple[str, str], ...] = ()
    pairs: tuple[tuple[str, tuple[str, str]], ...] = ()
    sites: tuple[tuple[str, Site], ...] = ()
    answered: tuple[tuple[Site, str], ...] = ()
    sessions: tuple[tuple[str, SessionId], ...] = ()
    registries: tuple[tuple[SessionId, Registry], ...] = ()
    made: tuple[tuple[tuple[Site, str], Made], ...] = ()


class Lambda(msgspec.Struct, frozen=True, array_like=True):
    """A lambda that became a function."""

    id: str
    module: str
    outer: str
    site: Site


class Member(msgspec.Struct, frozen=True, array_like=True):
    """A method that a mapped class has from a mixin: its computation, the class, its summary."""

    number: int
    cls: str
    summary: Summary


class Remembered(msgspec.Struct, frozen=True, array_like=True):
    """What is known of a context by itself, where making it again might give something else."""

    mark: bytes
    summary: Summary
    pending: tuple[Repeated, ...]
    crossing: tuple[Crossing, ...]


class Segment(msgspec.Struct, frozen=True, array_like=True):
    """What one world computed: all, or what is the same for all parts of the analysis, or one part."""

    names: tuple[str, ...]
    sites: tuple[Site, ...]
    nodes: tuple[Node, ...]
    seen: dict[int, Seen]
    left: dict[int, Left]
    steps: tuple[Done, ...]
    late: tuple[tuple[str, ...], ...]
    entries: dict[str, msgspec.Raw]
    """The summary of each function by itself, encoded: most of them nobody asks for."""
    members: tuple[Member, ...]
    lambdas: tuple[Lambda, ...]
    counts: tuple[tuple[str, tuple[str, ...], int], ...]
    """How many contexts a function had, with what it held, where these were more than `COUNTED`."""
    asked: dict[int, bytes]
    """Which computations asked tables that change meanwhile, each in the words of `fingerprint`."""
    shaky: tuple[int, ...]
    """Which computations found what may depend on what was run before them."""
    remembered: dict[int, Remembered]
    told_apart: tuple[bytes, ...]
    """Which contexts those were, of functions with more than `MANY`."""


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """A whole analysis. `files` are the sha256 in hex of all files, `roles` what they are for, `templates` the hashes of those read."""

    files: dict[str, str]
    roles: dict[str, str]
    templates: dict[str, str]
    grounds: str
    """A hash of what was known before anything was run."""
    whole: bytes
    """The segment of the world that all was put together in, encoded."""
    parts: tuple[bytes, ...]
    """The segments of the parts, encoded, where the functions were run in parts."""


COUNTED = 3
MANY = 40
