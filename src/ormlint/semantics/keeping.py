"""A whole analysis as bytes, to be kept, and back; and how a run goes on from one after an edit.

Takes a world whose functions have all been run; gives its `Kept`. Takes that and the same project after an edit; runs what rests on what
was edited, and puts what the rest had left beside it. The steps of a run are gone through in their order: what is not run anew changes the
tables that are asked meanwhile as it did before, so that what is run finds them as it would in a run of everything. Where it changes them
otherwise, or where what is found may depend on what was run before it, everything is run anew (`Redo`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

import msgspec

from ormlint.facts import records as r
from ormlint.semantics import running
from ormlint.semantics.changes import Change, Done
from ormlint.semantics.definitions import FunctionNode
from ormlint.semantics.edits import Edit, Moves, Occurs, refuse_names_in_use
from ormlint.semantics.frame import World
from ormlint.semantics.kept import COUNTED, MANY, Kept, Lambda, Left, Node, Remembered, Seen
from ormlint.semantics.observations import Context, Summary
from ormlint.semantics.parts import divided
from ormlint.semantics.repetition import keep_stronger
from ormlint.semantics.summarising import most_contexts
from ormlint.semantics.symbols import Symbols
from ormlint.semantics.traces import Redo, Trace, encoded, fingerprint, name_of
from ormlint.semantics.values import NOWHERE, Site

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Kept)
_summary_decoder = msgspec.msgpack.Decoder(Summary)
_OWN = frozenset({"entry", "root", "params"})


class Memory:
    """What a run may know of the one before: that one's analysis, its records by their hashes, and the text of the files as they are."""

    def __init__(self, known: bytes | None, record: Callable[[str], r.Record | None], occurs: Occurs) -> None:
        self.known = known
        self.record = record
        self.occurs = occurs
        self.made: bytes | None = None
        """What is to be kept of this run; None where what is kept remains good."""
        self.damaged = False
        self.said = ""
        """Why all was analysed anew; "" where not."""
        self.again = 0
        """How many functions were run anew after an edit."""


# An analysis as data


def packed(world: World) -> bytes | None:
    """The analysis as bytes; None where not all of it can be kept."""
    if world.failed or world.reveals or len(divided(world, sorted(world.symbols.functions))) > 1:
        return None
    try:
        return _packed(world)
    except (UnicodeError, msgspec.MsgspecError, RecursionError):
        return None


def _packed(world: World) -> bytes:
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
    templates = {rel: world.templates.digests.get(rel, "") for rel in world.templates.loaded}
    entries = {id: msgspec.Raw(_encoder.encode(summary)) for id, summary in world.entries.items()}
    kept = Kept(
        {scope.path: scope.record.digest for scope in world.symbols.modules.values()},
        {scope.path: scope.role for scope in world.symbols.modules.values()},
        templates,
        _grounds(world),
        tuple(names),
        tuple(sites.all),
        tuple(nodes),
        seen,
        left,
        tuple(world.done),
        tuple(world.late),
        entries,
        tuple([_lambda(world, function) for id, function in functions.items() if "<lambda" in id]),
        tuple([(function, held, len(keys)) for (function, held), keys in world.contexts.items() if len(keys) > COUNTED]),
        {numbers[key]: fingerprint(key) for key, trace in world.traces.items() if trace.asked},
        tuple([numbers[key] for key, trace in world.traces.items() if trace.shaky]),
        _remembered(world, numbers),
        tuple([fingerprint(key) for keys in world.contexts.values() if len(keys) > MANY for key in keys]),
    )
    return _encoder.encode(kept)


def unpacked(data: bytes) -> Kept:
    """Raises msgspec.MsgspecError where the bytes are no analysis."""
    return _decoder.decode(data)


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
    if isinstance(key, tuple) and key[0] in _OWN:
        return key[0], key[1]
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


def _grounds(world: World) -> str:
    """A hash of what is known before anything is run: layers, habits, and what of each class is mapped. Some of it is read in functions."""
    found = hashlib.sha256(encoded((sorted(world.layers.items()), world.habits)))
    for id, info in world.classes.infos.items():
        model = info.model
        if model is not None:
            attributes = {name: msgspec.structs.replace(item, site=NOWHERE) for name, item in model.attributes.items()}
            model = msgspec.structs.replace(model, attributes=attributes)
        members = sorted(info.methods), sorted(info.attrs), sorted(info.annotations), sorted(info.nested)
        found.update(encoded((id, info.mro, info.libraries, info.is_base, members, model)))
    return found.hexdigest()


# After an edit


class Past:
    """An analysis from before an edit, held against the project as it is now: what can be taken from it."""

    def __init__(self, kept: Kept, symbols: Symbols, memory: Memory) -> None:
        scopes = {scope.path: scope for scope in symbols.modules.values()}
        if kept.files.keys() != scopes.keys():
            raise Redo("files came or went")
        edits = {}
        digests = [scope.record.digest for scope in scopes.values()]
        for path, digest in kept.files.items():
            scope = scopes[path]
            if scope.role != kept.roles[path]:
                raise Redo(f"{path} is for something else")
            if scope.record.digest != digest:
                old = memory.record(digest)
                if old is None:
                    raise Redo(f"the record of {path} is gone")
                if digests.count(scope.record.digest) > 1:
                    raise Redo(f"{path} is as another file is")  # they share their nodes
                edits[path] = Edit(scope, old)
        for edit in edits.values():
            refuse_names_in_use(edit, memory.occurs)
        self.kept = kept
        self.edits = edits
        self.moves = Moves(edits)
        self.units = {symbols.id_of(function) for edit in edits.values() for function in (*edit.changed, *edit.added)}
        self.units |= {f"{edit.scope.name}:{name}" for edit in edits.values() for name in edit.removed}
        self.names = [self.name(name) for name in kept.names]
        self.affected = self._affected()
        self.remembered = {item.mark: number for number, item in kept.remembered.items()}
        self.recalled: set[int] = set()
        """The computations of the earlier run that what was run anew rests on."""
        self.numbers = {mark: number for number, mark in kept.asked.items()}
        self.paths = [path.encode("utf-8") for path in self.moves.edits]

    def first_step(self, world: World, key: object) -> int:
        """The step in which something was computed that is as it was; the one at hand for what is new."""
        number = self.numbers.get(fingerprint(key))
        if number is not None:
            return world.at if number in self.affected else self.kept.nodes[number].step
        if self.moves and any(path in encoded(key) for path in self.paths):
            raise Redo("what is asked for by moved code changes while functions are run")
        return world.at

    def key(self, number: int) -> object:
        """By what a computation of the earlier run is known in this one."""
        return "kept", self.names[self.kept.nodes[number].function], number

    def recall(self, world: World, key: object) -> Summary | None:
        """The summary of a context that was made before the step at hand, where to make it again might give another one."""
        number = self.remembered.get(fingerprint(key))
        if number is None or number in self.affected or self.kept.nodes[number].step >= world.at:
            return None
        found = self.kept.remembered[number]
        seen = self.kept.seen.get(number, Seen())
        if self.moves:
            found, seen = self.moves.value(found), self.moves.value(seen)  # type: ignore[assignment]
        world.summaries[key] = found.summary
        if found.pending:
            world.pending[key] = found.pending
        if found.crossing:
            world.crossing[key] = found.crossing
        if seen.conflicts:
            world.conflicts[key] = seen.conflicts
        world.edges[key] = {self.key(number)}
        self.recalled.add(number)
        return found.summary

    def name(self, function: str) -> str:
        """The name of a function now."""
        return self.moves.text(function) if self.moves and "<lambda" in function and not self.is_edited(function) else function

    def is_edited(self, function: str) -> bool:
        """Whether a function is one that the edit changed, or inside of one."""
        if function in self.units:
            return True
        head, _, tail = function.partition(":")
        name = tail
        for mark in (".<locals>", ".<lambda"):
            name = name.partition(mark)[0]
        return name != tail and f"{head}:{name}" in self.units

    def _affected(self) -> frozenset[int]:
        """The computations that rest on what was edited."""
        nodes = self.kept.nodes
        if not self.units:
            return frozenset()
        edited = {number for number, name in enumerate(self.kept.names) if self.is_edited(name)}
        users: list[list[int]] = [[] for _ in nodes]
        own: dict[int, list[int]] = {}
        for number, node in enumerate(nodes):
            for other in node.rests_on:
                users[other].append(number)
            if node.kind in ("entry", "root"):
                own.setdefault(node.function, []).append(number)
        stack = [number for number, node in enumerate(nodes) if node.function in edited]
        found: set[int] = set()
        while stack:
            number = stack.pop()
            if number not in found:
                found.add(number)
                stack.extend(users[number])
                if nodes[number].kind == "params":
                    stack.extend(own.get(nodes[number].function, ()))
        return frozenset(found)


def resume(world: World, past: Past, ids: Sequence[str]) -> int:
    """Goes on from an earlier run. Takes a world in which the modules' own statements have been run.

    Gives how many functions were run anew.
    """
    kept, moves = past.kept, past.moves
    if len(divided(world, ids)) > 1:
        raise Redo("the project is analysed in parts")
    if _grounds(world) != kept.grounds:
        raise Redo("classes, layers or habits changed")
    for rel, digest in kept.templates.items():
        world.templates.load(rel)
        if world.templates.digests.get(rel, "") != digest:
            raise Redo(f"{rel} changed")
    steps = [_moved(step, moves) for step in kept.steps]
    if steps[0].changes != world.done[0].changes:
        raise Redo("what modules do changed")
    _refuse_what_depends_on_order(world, past)
    affected = {past.names[kept.nodes[number].function] for number in past.affected if kept.nodes[number].kind in _OWN}
    rerun = affected | past.units
    beside = next(number for number, step in enumerate(steps) if step.name == running.BESIDE)
    known = {step.name: step for step in steps[1:beside]}
    world.total = {(past.name(name), tuple([past.name(item) for item in held])): count for name, held, count in kept.counts}
    world.admitted = {counted: max(0, count - len(world.contexts.get(counted, ()))) for counted, count in world.total.items()}
    world.told_apart = frozenset(kept.told_apart)
    world.unlisted = COUNTED
    volatile: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for number, done in enumerate(steps[1:], 1):
        for change in done.changes:
            volatile.setdefault((change.table, change.name), []).append(number)
    world.volatile = volatile
    world.first_step = partial(past.first_step, world)
    world.recall = partial(past.recall, world)
    world.partly = True
    number_of = {step.name: number for number, step in enumerate(steps[:beside])}
    if [id for id in ids if id in known] != [name for name in known if name in world.symbols.functions]:
        raise Redo("functions are run in another order")
    anew: list[str] = []
    for id in ids:
        step: Done | None = known.pop(id) if id in known else None
        world.at = number_of.get(id, world.at)
        if step is None or id in rerun:
            anew.append(id)
            running.run_entries(world, (id,))
            if world.done[-1].changes != (() if step is None else step.changes):
                raise Redo(f"{id} changes other tables than before")
        else:
            _repeat(world, step)
    if any(step.changes for step in known.values()):
        raise Redo("what is gone had changed something")
    _refuse_what_was_asked_elsewhere(world, past)
    _install(world, past, rerun)
    world.at = beside
    running.run_beside(world)
    _compare(world, steps[beside])
    following = iter(steps[beside + 1 :])
    running.find_late(world)
    if tuple(world.late) != kept.late:
        raise Redo("other classes have fields that were filled late")
    for id in running.late_methods(world):
        step = next(following)
        world.at += 1
        if step.name != id:
            raise Redo("other methods are run late")
        if id in rerun:
            running.run_entries(world, (id,))
            _compare(world, step)
        else:
            _repeat(world, step)
    world.at += 1
    running.run_endings(world)
    _compare(world, next(following))
    world.entries = dict(sorted(world.entries.items()))
    for item in kept.lambdas:
        if not past.is_edited(item.id) and past.name(item.id) not in world.symbols.functions:
            _add_lambda(world, past, item)
    return len(anew)


def _refuse_what_depends_on_order(world: World, past: Past) -> None:
    """Refuses where what is to be run anew was found otherwise than it would be by itself."""
    kept = past.kept
    steps = {kept.nodes[number].step for number in past.affected}
    for number in past.affected.intersection(kept.shaky):
        raise Redo(f"shaky: {kept.steps[kept.nodes[number].step].unsteady}")
    lost = {change.name[0] for step in kept.steps for change in step.changes if change.table == "abandoned"}
    if lost and any(kept.names[kept.nodes[other].function] in lost for node in kept.nodes if node.step in steps for other in node.rests_on):
        raise Redo("what is run anew rests on a function that is too large")
    functions = world.symbols.functions
    full = {name for name, _, count in kept.counts if (known := functions.get(past.name(name))) and count >= most_contexts(known)}
    for node in kept.nodes:
        if node.step in steps and node.kind == "context" and kept.names[node.function] in full:
            raise Redo(f"{kept.names[node.function]}: a function with too many contexts")


def _refuse_what_was_asked_elsewhere(world: World, past: Past) -> None:
    """Refuses where something that asked tables which change was first computed in a step that has been run anew, and was not there now."""
    again = {fingerprint(key) for key, trace in world.traces.items() if trace.asked}
    steps = {past.kept.nodes[number].step for number in past.affected}
    for number, mark in past.kept.asked.items():
        if number not in past.affected and past.kept.nodes[number].step in steps and mark not in again:
            raise Redo("what asks for what changes may be first computed elsewhere")


def _moved(step: Done, moves: Moves) -> Done:
    if not moves:
        return step
    changes = tuple([_moved_change(change, moves) for change in step.changes])
    return Done(moves.text(step.name), changes, step.unsteady)


def _moved_change(change: Change, moves: Moves) -> Change:
    moved = moves.value(change)
    assert isinstance(moved, Change)
    return (
        msgspec.structs.replace(moved, name=name_of(moved.session)) if moved.table == "committing" and moved.session is not None else moved
    )


def _compare(world: World, step: Done) -> None:
    if world.done[-1].changes != step.changes:
        raise Redo(f"{step.name} changes other tables than before")


def _repeat(world: World, step: Done) -> None:
    """Lets a step change the tables that are asked meanwhile, without running it."""
    for change in step.changes:
        table = getattr(world, change.table)
        if isinstance(table, bool):
            setattr(world, change.table, True)
        elif change.table == "committing":
            table.add(change.session)
        elif change.table == "opened_before":
            table.setdefault(change.name[0], {})[change.session] = change.state
        elif change.table == "built":
            table[change.name] = change.value
        else:
            table.add(change.name[0])


def _install(world: World, past: Past, rerun: Collection[str]) -> None:
    """Puts beside what was run anew what the other computations left."""
    kept, moves, names = past.kept, past.moves, past.names
    functions = world.symbols.functions
    stack = [
        number
        for number, node in enumerate(kept.nodes)
        if node.kind in _OWN and node.step > 0 and number not in past.affected and names[node.function] not in rerun
    ]
    stack.extend(past.recalled)
    live: set[int] = set()
    while stack:
        number = stack.pop()
        if number not in live:
            live.add(number)
            stack.extend(kept.nodes[number].rests_on)
    assert live.isdisjoint(past.affected)
    sites = kept.sites
    places: dict[int, Site] = {}
    if moves:
        used = {at for number in live for at in (*kept.nodes[number].resolved, *kept.nodes[number].unresolved)}
        places = {at: moves.site(sites[at]) for at in used if sites[at].path in moves.edits}
    keys: dict[int, object] = {}
    for number in live:
        node = kept.nodes[number]
        name = names[node.function]
        keys[number] = (node.kind, name) if node.kind in _OWN else past.key(number)
    for number in sorted(live):
        node, key = kept.nodes[number], keys[number]
        trace = Trace(-1)
        trace.sites = [places.get(at) or sites[at] for at in node.resolved]
        trace.unresolved = [(places.get(at) or sites[at], "") for at in node.unresolved]
        pairs = [names[at] for at in node.callers]
        trace.callers = list(zip(pairs[::2], pairs[1::2], strict=True))
        left = kept.left.get(number)
        if left is not None:
            _put_left(trace, moves.value(left) if moves else left)
        world.traces[key] = trace
        if node.rests_on:
            world.edges[key] = {keys[other] for other in node.rests_on}
        seen = kept.seen.get(number)
        if seen is not None:
            _put_seen(world, key, moves.value(seen) if moves else seen)
    for name, raw in kept.entries.items():
        data = bytes(raw)
        id = past.name(name)
        if id in functions and id not in rerun:
            summary = _summary_decoder.decode(data)
            if any(path in data for path in past.paths):
                summary = moves.value(summary)  # type: ignore[assignment]
            world.entries[id] = summary


def _add_lambda(world: World, past: Past, item: Lambda) -> None:
    """A lambda that nothing ran anew: where it stands is all that anybody asks."""
    id, site = past.name(item.id), past.moves.site(item.site)
    node = r.Function(site.start, site.end, "<lambda>", site.start, (), None, (), (), False, False)
    world.symbols.functions[id] = FunctionNode(id, item.module, node, "", past.name(item.outer))


def _put_left(trace: Trace, left: object) -> None:
    assert isinstance(left, Left)
    trace.rest += [*left.names, *left.pairs, *left.sites, *left.sessions]
    trace.rest += [("answered", read) for read in left.answered]
    trace.rest += [("registries", registry) for registry in left.registries]
    trace.rest += [("made", made) for made in left.made]


def _put_seen(world: World, key: object, seen: object) -> None:
    assert isinstance(seen, Seen)
    if seen.repeated:
        found = world.observed[key] = {}
        for item in seen.repeated:
            keep_stronger(found, item)
    if seen.misuses:
        world.noted[key] = {(note.kind, note.event.site, note.event.attr): note for note in seen.misuses}
    if seen.reads:
        world.raising[key] = {
            (read.event.end, read.event.attr, "detached" if read.event.how == "detached" else "async"): read for read in seen.reads
        }
    if seen.crossings:
        world.crossed[key] = dict(seen.crossings)
    if seen.incidents:
        world.noticed[key] = {(item.kind, item.site): item for item in seen.incidents}
    if seen.conflicts:
        world.conflicts[key] = seen.conflicts
