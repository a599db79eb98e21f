"""A whole analysis as bytes, to be kept for the run after the next edit.

Takes a world whose functions have all been run; gives its `Kept`, encoded. Knows nothing of edits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.semantics.definitions import FunctionNode
from ormlint.semantics.edits import Occurs
from ormlint.semantics.frame import World
from ormlint.semantics.kept import COUNTED, MANY, Kept, Lambda, Left, Member, Node, Remembered, Seen, Segment
from ormlint.semantics.observations import Context
from ormlint.semantics.traces import Trace, encoded, fingerprint
from ormlint.semantics.values import NOWHERE, Site

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Kept)
_segment_decoder = msgspec.msgpack.Decoder(Segment)
OWN = frozenset({"entry", "root", "params", "module", "member", "lasting"})
"""The kinds of computations that are known by their names alone."""


class Memory:
    """What a run may know of the one before: that one's analysis, its records by their hashes, which files are as they were, and the text
    of the files as they are."""

    def __init__(
        self,
        known: bytes | None,
        record: Callable[[str], r.Record | None],
        occurs: Occurs,
        where: Callable[[str], Sequence[str]],
        unchanged: Mapping[str, str] | None = None,
    ) -> None:
        self.known = known
        self.record = record
        self.occurs = occurs
        self.where = where
        """The files in which a name is mentioned, relative to the root."""
        self.unchanged = unchanged or {}
        """The sha256 in hex of files that need not be read, by their paths."""
        self.made: bytes | None = None
        """What is to be kept of this run; None where what is kept remains good."""
        self.damaged = False
        self.said = ""
        """Why all was analysed anew; "" where not."""
        self.again = 0
        """How many functions were run anew after an edit."""


def packed(world: World) -> bytes | None:
    """The analysis as bytes; None where not all of it can be kept."""
    parts = tuple([part for part in world.parts if part is not None])
    whole = segment(world)
    if whole is None or len(parts) < len(world.parts):
        return None
    kept = Kept(
        {scope.path: scope.record.digest for scope in world.symbols.modules.values()},
        {scope.path: scope.role for scope in world.symbols.modules.values()},
        {rel: world.templates.digests.get(rel, "") for rel in world.templates.loaded},
        grounds_of(world),
        whole,
        parts,
    )
    return _encoder.encode(kept)


def segment(world: World) -> bytes | None:
    """What one world computed, as bytes; None where not all of it can be kept."""
    if world.failed or world.reveals:
        return None
    try:
        return _segment(world)
    except (UnicodeError, msgspec.MsgspecError, RecursionError):
        return None


def _segment(world: World) -> bytes:
    functions = world.symbols.functions
    names: dict[str, int] = {"": 0}
    sites = _Sites()
    numbers = {key: number for number, key in enumerate(world.traces)}
    nodes: list[Node] = []
    seen: dict[int, Seen] = {}
    left: dict[int, Left] = {}
    for key, trace in world.traces.items():
        kind, function = _kind_of(key)
        number = len(nodes)
        nodes.append(
            Node(
                kind,
                names.setdefault(function, len(names)),
                trace.part,
                tuple([numbers[other] for other in world.edges.get(key, ()) if other in numbers]),
                sites.called(trace),
                tuple([sites.number(site) for site, _ in trace.unresolved]),
                tuple([names.setdefault(name, len(names)) for pair in dict.fromkeys(trace.callers) for name in pair]),
            )
        )
        if trace.rest:
            left[number] = _left(trace)
        if world.has_observed(key) or key in world.conflicts:
            seen[number] = Seen(
                tuple(world.observed.get(key, {}).values()),
                tuple(world.noted.get(key, {}).values()),
                tuple(world.raising.get(key, {}).values()),
                tuple(world.crossed.get(key, {}).items()),
                tuple(world.noticed.get(key, {}).values()),
                world.conflicts.get(key, ()),
            )
    run = {step.name for step in world.done}
    entries = {id: msgspec.Raw(_encoder.encode(summary)) for id, summary in world.entries.items() if id in run}
    found = Segment(
        tuple(names),
        tuple(sites.all),
        tuple(nodes),
        seen,
        left,
        tuple(world.done),
        tuple(world.late),
        entries,
        tuple([Member(numbers[("member", id, cls)], cls, summary) for (id, cls), summary in world.member_entries.items()]),
        tuple([_lambda(world, function) for id, function in functions.items() if "<lambda" in id]),
        tuple([(function, held, len(keys)) for (function, held), keys in world.contexts.items() if len(keys) > COUNTED]),
        {numbers[key]: fingerprint(key) for key, trace in world.traces.items() if trace.asked},
        tuple([numbers[key] for key, trace in world.traces.items() if trace.shaky]),
        _remembered(world, numbers),
        tuple([fingerprint(key) for keys in world.contexts.values() if len(keys) > MANY for key in keys]),
    )
    return _encoder.encode(found)


def unpacked(data: bytes) -> tuple[Kept, list[Segment]]:
    """An analysis, and its segments: that of the whole first. Raises msgspec.MsgspecError where the bytes are none."""
    kept = _decoder.decode(data)
    return kept, [_segment_decoder.decode(part) for part in (kept.whole, *kept.parts)]


class _Sites:
    """The places of calls by their numbers."""

    def __init__(self) -> None:
        self.all: list[Site] = []
        self._of_node: dict[tuple[str, int], int] = {}
        self._of_site: dict[Site, int] = {}

    def called(self, trace: Trace) -> tuple[int, ...]:
        found: dict[int, None] = {}
        for path, node in trace.called:
            place = (path, id(node))
            number = self._of_node.get(place)
            if number is None:
                number = self._of_node[place] = len(self.all)
                self.all.append(Site(path, node.start, node.end))
            found[number] = None
        return tuple(found)

    def number(self, site: Site) -> int:
        number = self._of_site.get(site)
        if number is None:
            number = self._of_site[site] = len(self.all)
            self.all.append(site)
        return number


def _remembered(world: World, numbers: Mapping[object, int]) -> dict[int, Remembered]:
    """The contexts that may be found otherwise when they are made later than they were."""
    last: dict[tuple[str, tuple[str, ...]], int] = {}
    for number, step in enumerate(world.done[1:], 1):
        for change in step.changes:
            last[(change.table, change.name)] = number
    found: dict[int, Remembered] = {}
    for key, trace in world.traces.items():
        if isinstance(key, Context) and (trace.shaky or any(last.get(asked, -1) >= trace.part for asked in trace.asked)):
            summary = world.summaries.get(key)
            if summary is not None:
                pending, crossing = world.pending.get(key, ()), world.crossing.get(key, ())
                found[numbers[key]] = Remembered(fingerprint(key), summary, pending, crossing)
    return found


def _kind_of(key: object) -> tuple[str, str]:
    if isinstance(key, Context):
        return "context", key.function
    if isinstance(key, tuple) and key[0] in OWN:
        return key[0], key[1] if len(key) > 1 else ""
    return "value", ""


def _left(trace: Trace) -> Left:
    found: dict[str, list[object]] = {}
    for table, item in dict.fromkeys(trace.rest):
        kind = (
            "names"
            if isinstance(item, str)
            else "sites"
            if isinstance(item, Site)
            else table
            if table in ("answered", "registries", "made")
            else "pairs"
            if isinstance(item, tuple)
            else "sessions"
        )
        found.setdefault(kind, []).append(item if kind == table else (table, item))
    return Left(**{kind: tuple(items) for kind, items in found.items()})  # type: ignore[arg-type]


def _lambda(world: World, function: FunctionNode) -> Lambda:
    path = world.symbols.modules[function.module].path
    return Lambda(function.id, function.module, function.outer, Site(path, function.node.start, function.node.end))


def grounds_of(world: World, came: Mapping[str, Collection[str]] | None = None) -> str:
    """A hash of what is known before anything is run: layers, habits, and what of each class is mapped. Some of it is read in functions.

    `came` are names that classes got, which are left out, by the class.
    """
    found = hashlib.sha256(encoded((sorted(world.layers.items()), world.habits)))
    for id, info in world.classes.infos.items():
        model = info.model
        new = {name for ancestor in info.mro for name in came.get(ancestor, ())} if came else frozenset[str]()
        if model is not None:
            attributes = {name: msgspec.structs.replace(item, site=NOWHERE) for name, item in model.attributes.items() if name not in new}
            model = msgspec.structs.replace(model, attributes=attributes)
        members = [sorted(held.keys() - new) for held in (info.methods, info.attrs, info.annotations, info.nested)]
        found.update(encoded((id, info.mro, info.libraries, info.is_base, members, model)))
    return found.hexdigest()
