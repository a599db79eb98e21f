"""How a run goes on from an earlier one after an edit.

Takes what was kept of an analysis and the same project after an edit; runs what rests on what was edited, and puts what the rest had left
beside it. The steps of a run are gone through in their order: what is not run anew changes the tables that are asked meanwhile as it did
before, so that what is run finds them as it would in a run of everything. Where it changes them otherwise, or where what is found may
depend on what was run before it, everything is run anew (`Redo`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial

import msgspec

from ormlint.facts import records as r
from ormlint.semantics import running
from ormlint.semantics.changes import Change, Done
from ormlint.semantics.definitions import FunctionNode, ImportedName
from ormlint.semantics.edits import Edit, Moves, refuse_names_in_use
from ormlint.semantics.frame import World
from ormlint.semantics.keeping import OWN, Memory, grounds_of
from ormlint.semantics.kept import COUNTED, Kept, Lambda, Left, Seen, Segment
from ormlint.semantics.mentions import functions_naming, mentions
from ormlint.semantics.observations import Summary
from ormlint.semantics.parts import PARTS, Tell, divided, put_together, run_apart
from ormlint.semantics.repetition import keep_stronger
from ormlint.semantics.summarising import most_contexts
from ormlint.semantics.symbols import ModuleScope, Symbols
from ormlint.semantics.traces import Redo, Trace, encoded, fingerprint, name_of
from ormlint.semantics.values import Site

_summary_decoder = msgspec.msgpack.Decoder(Summary)
_BESIDE = frozenset({"member", "lasting"})
_MARKS = frozenset({running.LATE, PARTS, running.BESIDE})
"""The steps that come behind the functions."""


class Edited:
    """What was edited since an analysis was kept, and where all else stands now."""

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
            _refuse_imports_in_use(edit, symbols)
        self.edits = edits
        self.moves = Moves(edits)
        self.paths = [path.encode("utf-8") for path in self.moves.edits]
        self.units = {symbols.id_of(function) for edit in edits.values() for function in (*edit.changed, *edit.added)}
        self.units |= {f"{edit.scope.name}:{name}" for edit in edits.values() for name in edit.removed}
        signed = {function.name for edit in edits.values() for function in edit.signed}
        self.units |= {symbols.id_of(function) for function in _who_name(signed, scopes, memory)}
        self.came = {f"{edit.scope.name}:{cls}": names for edit in edits.values() for cls, names in edit.methods.items()}
        """What classes got, by the class."""
        self.modules = {edit.scope.name for edit in edits.values() if edit.added or edit.removed or edit.imported or edit.methods}
        """The modules in whose own statements something came or went."""

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


def _refuse_imports_in_use(edit: Edit, symbols: Symbols) -> None:
    """Refuses where another module takes a name from this one of which the import came or went."""
    if not edit.imported:
        return
    name = edit.scope.name
    parent, _, last = name.rpartition(".")
    for scope in symbols.modules.values():
        if scope is edit.scope:
            continue
        taken = {(item.module, item.name) for items in scope.bindings.values() for item in items if isinstance(item, ImportedName)}
        if name in scope.stars or any((name, one) in taken for one in edit.imported):
            raise Redo(f"{scope.path} imports what came or went in {edit.scope.path}")
        if ((name, None) in taken or (parent, last) in taken or (name.split(".", 1)[0], None) in taken) and mentions(
            scope.record.body, edit.imported
        ):
            raise Redo(f"{scope.path} may name what came or went in {edit.scope.path}")


def _who_name(names: Collection[str], scopes: Mapping[str, ModuleScope], memory: Memory) -> Iterator[r.Function]:
    """The functions that mention functions of which the heads differ, or are called so. Refuses where these are named elsewhere."""
    for path in sorted({path for name in names for path in memory.where(name)} & scopes.keys()):
        for function in functions_naming(scopes[path].record.body, names):
            if function is None:
                raise Redo(f"{path} names a function of which the head changed, outside of functions")
            yield function


class Past:
    """What one world computed before an edit: what can be taken from it. Its computations are known by their numbers, from `first` on.
    It ran the statements of so many `modules`."""

    def __init__(self, kept: Segment, edited: Edited, modules: int, first: int) -> None:
        self.kept = kept
        self.edited = edited
        self.moves = edited.moves
        self.first = first
        self.names = [edited.name(name) for name in kept.names]
        self.steps = [_moved(step, edited.moves) for step in kept.steps]
        self.affected = self._affected()
        affected = {self.names[kept.nodes[number].function] for number in self.affected if kept.nodes[number].kind in OWN}
        self.rerun = affected | edited.units | edited.modules
        """The functions and modules that are run anew."""
        names = [step.name for step in self.steps]
        end = next(number for number, name in enumerate(names) if name in _MARKS)
        self.functions = self.steps[1 + modules : end]
        """The steps in which functions were run, each for the first time."""
        self.number_of = {name: number for number, name in enumerate(names) if number < end or name in _MARKS}
        self.remembered = {item.mark: number for number, item in kept.remembered.items()}
        self.recalled: set[int] = set()
        """The computations of the earlier run that what was run anew rests on."""
        self.numbers = {mark: number for number, mark in kept.asked.items()}
        self.members = {member.number: member.cls for member in kept.members}

    def enter(self, world: World) -> None:
        """Lets a world ask what was found before."""
        kept = self.kept
        world.total = {
            (self.edited.name(name), tuple([self.edited.name(item) for item in held])): count for name, held, count in kept.counts
        }
        world.admitted = {counted: max(0, count - len(world.contexts.get(counted, ()))) for counted, count in world.total.items()}
        world.told_apart = frozenset(kept.told_apart)
        world.unlisted = COUNTED
        volatile: dict[tuple[str, tuple[str, ...]], list[int]] = {}
        for number, done in enumerate(self.steps[1:], 1):
            for change in done.changes:
                volatile.setdefault((change.table, change.name), []).append(number)
        world.volatile = volatile
        world.first_step = partial(self.first_step, world)
        world.recall = partial(self.recall, world)
        world.partly = True

    def first_step(self, world: World, key: object) -> int:
        """The step in which something was computed that is as it was; the one at hand for what is new."""
        number = self.numbers.get(fingerprint(key))
        if number is not None:
            return world.at if number in self.affected else self.kept.nodes[number].step
        if self.moves and any(path in encoded(key) for path in self.edited.paths):
            raise Redo("what is asked for by moved code changes while functions are run")
        return world.at

    def key(self, number: int) -> object:
        """By what a computation of the earlier run is known in this one."""
        node = self.kept.nodes[number]
        if node.kind not in OWN:
            return self.first + number
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

    def _affected(self) -> frozenset[int]:
        """The computations that rest on what was edited."""
        nodes = self.kept.nodes
        units, modules = self.edited.units, self.edited.modules
        if not units:
            return frozenset()
        edited = {number for number, name in enumerate(self.kept.names) if name in modules or self.edited.is_edited(name)}
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


def resume(world: World, kept: Kept, segments: Sequence[Segment], memory: Memory) -> int:
    """Goes on from an earlier run. Takes a world in which nothing has been run; gives how many functions were run anew."""
    edited = Edited(kept, world.symbols, memory)
    for cls in edited.came:
        info = world.classes.infos.get(cls)
        if info is None or any(library.endswith("Dataclass") for library in info.libraries):
            raise Redo(f"{cls} takes what it got by its place")
    if grounds_of(world, edited.came) != kept.grounds:
        raise Redo("classes, layers or habits changed")
    for rel, digest in kept.templates.items():
        world.templates.load(rel)
        if world.templates.digests.get(rel, "") != digest:
            raise Redo(f"{rel} changed")
    pasts: list[Past] = []
    for part in segments:
        past = Past(part, edited, len(world.symbols.modules), len(world.known))
        _refuse_what_depends_on_order(world, past)
        world.known += [past.names[node.function] for node in part.nodes]
        pasts.append(past)
    whole, *parts = pasts
    _compare(world, whole.steps[0])
    whole.enter(world)
    modules = sorted(world.symbols.modules)
    for name in modules:
        world.at = whole.number_of[name]
        if name in whole.rerun:
            running.run_module(world, world.symbols.modules[name])
            _compare(world, whole.steps[world.at])
        else:
            _repeat(world, whole.steps[world.at])
    ids = running.functions_of(world, modules)
    again = _is_beside_affected(world, whole)
    left_out = _BESIDE if again else frozenset[str]()
    shares = divided(world, ids)
    if len(shares) != max(1, len(parts)):
        raise Redo("the project is divided otherwise")
    if parts:
        runs = [_Run(past, _BESIDE | {"module"}) for past in parts]
        put_together(world, [run_apart(world, share, run) for share, run in zip(shares, runs, strict=True)])
        _refuse_what_was_asked_elsewhere(world, whole)
        _install(world, whole, left_out)
    else:
        runs = [_Run(whole, left_out)]
        runs[0](world, ids)
    _rest(world, whole, again)
    for item in whole.kept.lambdas:
        if not edited.is_edited(item.id) and edited.name(item.id) not in world.symbols.functions:
            _add_lambda(world, edited, item)
    return sum(run.anew for run in runs)


class _Run:
    """Runs functions of a world as far as what they rest on was edited."""

    def __init__(self, past: Past, left_out: Collection[str]) -> None:
        self.past = past
        self.left_out = left_out
        """The kinds of computations that are not taken from before."""
        self.anew = 0

    def __call__(self, world: World, ids: Sequence[str], tell: Tell | None = None) -> None:
        past = self.past
        past.enter(world)
        known = {step.name: step for step in past.functions}
        if [id for id in ids if id in known] != [name for name in known if name in world.symbols.functions]:
            raise Redo("functions are run in another order")
        for id in ids:
            step: Done | None = known.pop(id) if id in known else None
            world.at = past.number_of.get(id, world.at)
            if step is None or id in past.rerun:
                self.anew += 1
                running.run_entries(world, (id,))
                if world.done[-1].changes != (() if step is None else step.changes):
                    raise Redo(f"{id} changes other tables than before")
            else:
                _repeat(world, step)
        if any(step.changes for step in known.values()):
            raise Redo("what is gone had changed something")
        _refuse_what_was_asked_elsewhere(world, past)
        _install(world, past, self.left_out)
        world.at = past.number_of[running.LATE]
        _run_late(world, past, running.find_late(world, running.homes_of(world, ids)))


def _rest(world: World, past: Past, again: bool) -> None:
    """What is run behind the functions; what is run beside them only where that is to be run `again`."""
    beside = past.number_of[running.BESIDE]
    world.at = beside
    if again:
        running.run_beside(world)
        _compare(world, past.steps[beside])
    else:
        _repeat(world, past.steps[beside])
    _run_late(world, past, running.find_late(world))
    world.at += 1
    running.run_endings(world)
    _compare(world, past.steps[world.at])
    world.entries = dict(sorted(world.entries.items()))


def _run_late(world: World, past: Past, classes: Sequence[str]) -> None:
    """Runs methods of classes once more, behind the step at hand, as far as what they rest on was edited."""
    if world.late != list(past.kept.late[: len(world.late)]):
        raise Redo("other classes have fields that were filled late")
    for id in running.late_methods(world, classes):
        world.at += 1
        step = past.steps[world.at]
        if step.name != id:
            raise Redo("other methods are run late")
        if id in past.rerun:
            running.run_entries(world, (id,))
            _compare(world, step)
        else:
            _repeat(world, step)


def _is_beside_affected(world: World, past: Past) -> bool:
    """Whether what is run beside the functions may find something else: the methods of mixins, and sessions that last."""
    nodes = past.kept.nodes
    if any(nodes[number].kind in _BESIDE for number in past.affected) or any(edit.has_made_defaults for edit in past.edited.edits.values()):
        return True
    classes = world.classes.infos
    for cls, names in past.edited.came.items():
        model = classes[cls].model
        if not names <= (classes[cls].methods.keys() | (model.attributes.keys() if model is not None else frozenset())):
            return True  # a call at the top of a class that makes no column
    mixins = {cls for info in classes.values() if info.model is not None for cls in info.mro[1:] if classes[cls].model is None}
    return any(function.cls in mixins for id in past.edited.units if (function := world.symbols.functions.get(id)) is not None)


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
    full = {name for name, _, count in kept.counts if (known := functions.get(past.edited.name(name))) and count >= most_contexts(known)}
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


def _install(world: World, past: Past, kinds_left_out: Collection[str]) -> None:
    """Puts beside what was run anew what the other computations left."""
    kept, moves, names, rerun = past.kept, past.moves, past.names, past.rerun
    nodes, sites = kept.nodes, kept.sites
    functions, first = world.symbols.functions, past.first
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
            world.edges[own.get(number, first + number)] = {own.get(other, first + other) for other in node.rests_on}
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
            _put_seen(world, own.get(number, first + number), moves.value(seen) if moves else seen)
    if not kinds_left_out:
        for member in kept.members:
            summary = moves.value(member.summary) if moves else member.summary
            world.member_entries[(names[nodes[member.number].function], member.cls)] = summary  # type: ignore[assignment]
    for name, raw in kept.entries.items():
        data = bytes(raw)
        id = past.edited.name(name)
        if id in functions and id not in rerun:
            summary = _summary_decoder.decode(data)
            if any(path in data for path in past.edited.paths):
                summary = moves.value(summary)
            world.entries[id] = summary  # type: ignore[assignment]


def _as_it_was(site: Site) -> Site:
    return site


def _add_lambda(world: World, edited: Edited, item: Lambda) -> None:
    """A lambda that nothing ran anew: where it stands is all that anybody asks."""
    id, site = edited.name(item.id), edited.moves.site(item.site)
    node = r.Function(site.start, site.end, "<lambda>", site.start, (), None, (), (), False, False)
    world.symbols.functions[id] = FunctionNode(id, item.module, node, "", edited.name(item.outer))


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
