"""How a run goes on from an earlier one after an edit.

Takes what was kept of an analysis and the same project after an edit; runs what rests on what was edited, and puts what the rest had left
beside it. The steps of a run are gone through in their order: what is not run anew changes the tables that are asked meanwhile as it did
before, so that what is run finds them as it would in a run of everything. Where it changes them otherwise, or where what is found may
depend on what was run before it, everything is run anew (`Redo`).
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

import msgspec

from ormlint.facts import records as r
from ormlint.semantics import running
from ormlint.semantics.changes import Change, Done
from ormlint.semantics.definitions import FunctionNode
from ormlint.semantics.edits import Edit, Moves, refuse_names_in_use
from ormlint.semantics.frame import World
from ormlint.semantics.keeping import OWN, Memory, grounds_of
from ormlint.semantics.kept import COUNTED, Kept, Lambda, Left, Seen
from ormlint.semantics.observations import Summary
from ormlint.semantics.parts import divided
from ormlint.semantics.repetition import keep_stronger
from ormlint.semantics.summarising import most_contexts
from ormlint.semantics.symbols import Symbols
from ormlint.semantics.traces import Redo, Trace, encoded, fingerprint, name_of
from ormlint.semantics.values import Site

_summary_decoder = msgspec.msgpack.Decoder(Summary)
_BESIDE = frozenset({"member", "lasting"})


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
        self.modules = {edit.scope.name for edit in edits.values() if edit.added or edit.removed}
        """The modules in whose own statements functions came or went."""
        self.names = [self.name(name) for name in kept.names]
        self.affected = self._affected()
        self.remembered = {item.mark: number for number, item in kept.remembered.items()}
        self.recalled: set[int] = set()
        """The computations of the earlier run that what was run anew rests on."""
        self.numbers = {mark: number for number, mark in kept.asked.items()}
        self.paths = [path.encode("utf-8") for path in self.moves.edits]
        self.members = {member.number: member.cls for member in kept.members}

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
        node = self.kept.nodes[number]
        if node.kind not in OWN:
            return number
        if node.kind == "lasting":
            return running.LASTING
        name = self.names[node.function]
        return (node.kind, name, self.members[number]) if node.kind == "member" else (node.kind, name)

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
        edited = {number for number, name in enumerate(self.kept.names) if name in self.modules or self.is_edited(name)}
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


def resume(world: World, past: Past) -> int:
    """Goes on from an earlier run. Takes a world in which nothing has been run; gives how many functions were run anew."""
    kept, moves = past.kept, past.moves
    if len(divided(world, list(world.symbols.functions))) > 1:
        raise Redo("the project is analysed in parts")
    if grounds_of(world) != kept.grounds:
        raise Redo("classes, layers or habits changed")
    for rel, digest in kept.templates.items():
        world.templates.load(rel)
        if world.templates.digests.get(rel, "") != digest:
            raise Redo(f"{rel} changed")
    steps = [_moved(step, moves) for step in kept.steps]
    _compare(world, steps[0])
    _refuse_what_depends_on_order(world, past)
    affected = {past.names[kept.nodes[number].function] for number in past.affected if kept.nodes[number].kind in OWN}
    rerun = affected | past.units | past.modules
    beside = next(number for number, step in enumerate(steps) if step.name == running.BESIDE)
    world.total = {(past.name(name), tuple([past.name(item) for item in held])): count for name, held, count in kept.counts}
    world.admitted = world.total
    world.told_apart = frozenset(kept.told_apart)
    world.unlisted = COUNTED
    volatile: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for number, done in enumerate(steps[1:], 1):
        for change in done.changes:
            volatile.setdefault((change.table, change.name), []).append(number)
    world.volatile = volatile
    world.first_step = partial(past.first_step, world)
    world.recall = partial(past.recall, world)
    world.known = [past.names[node.function] for node in kept.nodes]
    world.partly = True
    number_of = {step.name: number for number, step in enumerate(steps[:beside])}
    modules = sorted(world.symbols.modules)
    for name in modules:
        world.at = number_of[name]
        if name in rerun:
            running.run_module(world, world.symbols.modules[name])
            _compare(world, steps[world.at])
        else:
            _repeat(world, steps[world.at])
    ids = running.functions_of(world, modules)
    known = {step.name: step for step in steps[1 + len(modules) : beside]}
    if [id for id in ids if id in known] != [name for name in known if name in world.symbols.functions]:
        raise Redo("functions are run in another order")
    anew = 0
    for id in ids:
        step: Done | None = known.pop(id) if id in known else None
        world.at = number_of.get(id, world.at)
        if step is None or id in rerun:
            anew += 1
            running.run_entries(world, (id,))
            if world.done[-1].changes != (() if step is None else step.changes):
                raise Redo(f"{id} changes other tables than before")
        else:
            _repeat(world, step)
    if any(step.changes for step in known.values()):
        raise Redo("what is gone had changed something")
    _refuse_what_was_asked_elsewhere(world, past)
    again = _is_beside_affected(world, past)
    _install(world, past, rerun, _BESIDE if again else frozenset())
    world.at = beside
    if again:
        running.run_beside(world)
        _compare(world, steps[beside])
    else:
        _repeat(world, steps[beside])
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
    return anew


def _is_beside_affected(world: World, past: Past) -> bool:
    """Whether what is run beside the functions may find something else: the methods of mixins, and sessions that last."""
    nodes = past.kept.nodes
    if any(nodes[number].kind in _BESIDE for number in past.affected) or any(edit.has_made_defaults for edit in past.edits.values()):
        return True
    classes = world.classes.infos
    mixins = {cls for info in classes.values() if info.model is not None for cls in info.mro[1:] if classes[cls].model is None}
    return any(function.cls in mixins for id in past.units if (function := world.symbols.functions.get(id)) is not None)


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


def _install(world: World, past: Past, rerun: Collection[str], kinds_left_out: Collection[str]) -> None:
    """Puts beside what was run anew what the other computations left."""
    kept, moves, names = past.kept, past.moves, past.names
    nodes, sites = kept.nodes, kept.sites
    functions = world.symbols.functions
    own = {number: past.key(number) for number, node in enumerate(nodes) if node.kind in OWN}
    affected = past.affected
    stack = [
        number
        for number in own
        if nodes[number].step > 0
        and number not in affected
        and nodes[number].kind not in kinds_left_out
        and (names[nodes[number].function] not in rerun or nodes[number].kind in _BESIDE)
    ]
    stack.extend(past.recalled)
    live: set[int] = set()
    while stack:
        number = stack.pop()
        if number not in live:
            live.add(number)
            stack.extend(nodes[number].rests_on)
    assert live.isdisjoint(affected)
    resolved: set[int] = set()
    unresolved: set[int] = set()
    callers: set[tuple[int, int]] = set()
    for number in live:
        node = nodes[number]
        resolved.update(node.resolved)
        unresolved.update(node.unresolved)
        if node.callers:
            callers.update(zip(node.callers[::2], node.callers[1::2], strict=True))
        if node.rests_on:
            world.edges[own.get(number, number)] = {own.get(other, other) for other in node.rests_on}
    trace = world.traces[("earlier",)] = Trace()
    place = moves.site if moves else _as_it_was
    trace.sites = [place(sites[at]) for at in resolved]
    trace.unresolved = [(place(sites[at]), "") for at in unresolved]
    trace.callers = [(names[called], names[caller]) for called, caller in callers]
    for number, left in kept.left.items():
        if number in live:
            _put_left(trace, moves.value(left) if moves else left)
    for number, seen in kept.seen.items():
        if number in live:
            _put_seen(world, own.get(number, number), moves.value(seen) if moves else seen)
    if not kinds_left_out:
        for member in kept.members:
            summary = moves.value(member.summary) if moves else member.summary
            world.member_entries[(names[nodes[member.number].function], member.cls)] = summary  # type: ignore[assignment]
    for name, raw in kept.entries.items():
        data = bytes(raw)
        id = past.name(name)
        if id in functions and id not in rerun:
            summary = _summary_decoder.decode(data)
            if any(path in data for path in past.paths):
                summary = moves.value(summary)
            world.entries[id] = summary  # type: ignore[assignment]


def _as_it_was(site: Site) -> Site:
    return site


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
