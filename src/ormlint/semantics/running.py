"""Runs all that a project holds, and keeps what was observed where the project really reaches it.

Takes a world with its symbols and classes; leaves summaries and observations in it. Every function is run once as an entry (its parameters
are what they declare), where only some files are active those of these files, and, through calls, in each context in which the project
calls it. Knows nothing of rules.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

import msgspec

from ormlint.facts import records as r
from ormlint.facts.walking import inner, walk
from ormlint.semantics import conflicts
from ormlint.semantics.acting import holders, names
from ormlint.semantics.commands import runs_alone
from ormlint.semantics.decoration import decorated
from ormlint.semantics.definitions import FunctionNode
from ormlint.semantics.entries import entry_params
from ormlint.semantics.events import Event
from ormlint.semantics.expiry import habits_of
from ormlint.semantics.folding import first_of, fold, fold_table, put_best, within
from ormlint.semantics.frame import Frame, TooMuch, World
from ormlint.semantics.handlers import HANDLING, REFUSED, kind_of_error
from ormlint.semantics.members import function_kind
from ormlint.semantics.observations import Context, Made
from ormlint.semantics.parts import Keep, Tell, run_parts
from ormlint.semantics.repetition import note_repeated
from ormlint.semantics.running_order import importers_first
from ormlint.semantics.summarising import summarise
from ormlint.semantics.symbols import ModuleScope, flat_statements
from ormlint.semantics.values import (
    UNKNOWN,
    Actual,
    Session,
    Unknown,
    Value,
    options_of,
)

_TELL_EVERY = 50
PROJECT, LATE, BESIDE, ENDINGS = "<project>", "<late>", "<beside>", "<endings>"
"""The steps of a run that are neither a module, told by its name, nor a function, told by its id."""
LASTING = ("lasting",)
"""The key of finding the sessions that live as long as the process."""


Resume = Callable[[World], None]
"""Goes on from an earlier run of the same project before an edit."""


def run_all(
    world: World,
    jobs: int = 1,
    tell: Tell | None = None,
    active: Collection[str] | None = None,
    resume: Resume | None = None,
    keep: Keep | None = None,
) -> None:
    """Runs every module's own statements and every function as an entry, in up to `jobs` processes.

    Where `active` is given, only the modules of those files are run so, and classes whose objects turn out to hold something of the ORM;
    the others are run where these lead to them. `keep` gives what is to be kept of each part of the functions.
    """
    world.begin_step()
    collect_eager(world)
    world.habits = habits_of(world.symbols.modules.values())
    find_error_handlers(world)
    world.end_step(PROJECT)
    if resume is not None:
        resume(world)
    else:
        run_parts(world, enter(world, active), run_part, jobs, tell, keep)
        run_rest(world, active)
    finish(world, active)


def run_more(world: World, active: Collection[str], tell: Tell | None = None) -> None:
    """Runs the modules of files that are active besides those that were, in a world that knows what these did."""
    collect_eager(world)
    find_error_handlers(world)
    run_entries(world, enter(world, active), tell)
    for gathered in (world.repeated, world.misuses, world.reads, world.crossings, world.incidents, world.met):
        gathered.clear()
    run_rest(world, active)
    finish(world, active)


def enter(world: World, active: Collection[str] | None) -> list[str]:
    """Runs the statements of the modules that are run for themselves and have not been; gives the functions in them."""
    modules = sorted(world.symbols.modules.items())
    scopes = [scope for name, scope in modules if (active is None or scope.path in active) and name not in world.entered]
    for scope in scopes:
        run_module(world, scope)
    return functions_of(world, [scope.name for scope in scopes])


def functions_of(world: World, modules: Sequence[str]) -> list[str]:
    """The functions of modules that are entered, in the order in which they are run."""
    names = frozenset(modules)
    world.entered |= names
    return importers_first(world.symbols, [id for id, function in world.symbols.functions.items() if function.module in names])


def run_rest(world: World, active: Collection[str] | None) -> None:
    """Runs what can be told only once all functions have been run."""
    if active is not None:
        fold(world)
        run_holders(world)
    run_beside(world)
    for id in late_methods(world, find_late(world)):
        run_entries(world, (id,))
    run_endings(world)


def run_beside(world: World) -> None:
    """Runs what mapped classes have from mixins, and what lives as long as the process."""
    world.begin_step()
    run_mixins(world)
    with computing(world, LASTING):
        find_kept_sessions(world)
    world.end_step(BESIDE)


def run_part(world: World, ids: Sequence[str], tell: Tell | None = None) -> None:
    """Runs functions as if each were called from outside; and once more the methods of their classes that met a field too early."""
    run_entries(world, ids, tell)
    world.begin_step()
    world.end_step(LATE)
    for id in late_methods(world, find_late(world, homes_of(world, ids))):
        run_entries(world, (id,))


def homes_of(world: World, ids: Iterable[str]) -> frozenset[str]:
    """The modules of functions."""
    functions = world.symbols.functions
    return frozenset([functions[id].module for id in ids])


def find_late(world: World, modules: Collection[str] | None = None) -> list[str]:
    """Finds the classes, those of `modules` where given, of which fields were unknown when a method was run and that some construction has
    filled since; each is found once."""
    fold_table(world, "wanted")
    found: set[str] = set()
    infos = world.classes.infos
    for cls, name in world.wanted:
        info = infos[cls]
        in_reach = (modules is None or info.module in modules) and (cls, name) not in world.filled
        if in_reach and any((ancestor, name) in world.built for ancestor in info.mro):
            world.filled.add((cls, name))
            found.add(cls)
    late = sorted(found)
    world.late.append(tuple(late))
    return late


def late_methods(world: World, classes: Iterable[str]) -> Iterator[str]:
    """Their methods, which are run once more."""
    for cls in classes:
        for methods in world.classes.infos[cls].methods.values():
            yield from methods


def finish(world: World, active: Collection[str] | None) -> None:
    """Keeps what was observed."""
    fold(world)
    gather(world)
    if active is not None:
        with contained(world, "what acts on the ORM"):
            world.acting = frozenset(names(world))


def run_holders(world: World) -> None:
    """Runs the methods of classes to whose objects something of the ORM was given: whoever has such an object may call any of them."""
    done: set[str] = set()
    while fresh := holders(world) - done:
        done |= fresh
        ids = {id for cls in fresh for found in world.classes.infos[cls].methods.values() for id in found}
        run_entries(world, sorted(ids - world.entries.keys()))


def run_endings(world: World) -> None:
    """Runs the methods that a class which keeps a session has from its bases: one of them may end it."""
    world.begin_step()
    holders = {note.detail for notes in world.noted.values() for note in notes.values() if note.kind == "held"}
    for cls in sorted(holders):
        own = {id for ids in world.classes.infos[cls].methods.values() for id in ids}
        for ancestor in world.classes.infos[cls].mro[1:]:
            for name, ids in world.classes.infos[ancestor].methods.items():
                if ids[0] in own or name == "__init__" or function_kind(world, ids[0]) not in ("method", "property"):
                    continue
                function = world.symbols.functions[ids[0]]
                frame = Frame(world, world.symbols.modules[function.module], function)
                with contained(world, ids[0]):
                    summarise(world, ("ending", ids[0], cls), function, entry_params(frame, function, cls), {}, {}, None)
    world.end_step(ENDINGS)


_ASKING = frozenset({"object_session", "async_object_session"})
"""Names by which a method of a mixin asks for the session of the entity that it will be part of."""


def run_mixins(world: World) -> None:
    """Runs the properties and special methods that mapped classes have from plain mixins, with the mapped class as `self`."""
    for info in world.classes.infos.values():
        if info.model is None:
            continue
        for ancestor in info.mro[1:]:
            if world.classes.infos[ancestor].model is not None:
                continue
            for name, ids in world.classes.infos[ancestor].methods.items():
                found = world.classes.member(info.id, name)
                if found is None or found[0] != ancestor:
                    continue
                function = world.symbols.functions[ids[0]]
                special = name.startswith("__") and name != "__init__"
                if special or function_kind(world, ids[0]) == "property" or _asks(world, function):
                    frame = Frame(world, world.symbols.modules[function.module], function)
                    params = entry_params(frame, function, info.id)
                    with contained(world, ids[0]):
                        summary = summarise(world, ("member", ids[0], info.id), function, params, {}, {}, None)
                        if summary is not None:
                            world.member_entries[(ids[0], info.id)] = summary


def _asks(world: World, function: FunctionNode) -> bool:
    """Whether a method asks for the session of its object."""
    calls_in = (node for node in walk(function.node.body) if isinstance(node, r.Call))
    return any(world.symbols.spelled(function.module, call.func) in _ASKING for call in calls_in)


def find_kept_sessions(world: World) -> None:
    """Sessions that live as long as the process: at the top of a module, on a class, in a default argument."""
    for scope in world.symbols.modules.values():
        if scope.name not in world.entered:
            continue
        for name, bindings in scope.bindings.items():
            if not any(isinstance(binding, _MAKING) for binding in bindings):
                continue
            if (
                len(bindings) == 1
                and isinstance(bindings[0], r.Call)
                and not _may_be_session(world.steps.module_value(world, scope.name, name))
            ):
                continue
            for binding in bindings:
                if isinstance(binding, _MAKING):
                    _keep(world, scope, binding, f"{scope.name}:", "module", name)
        for walrus in _walruses(scope.record.body):
            _keep(world, scope, walrus.value, f"{scope.name}:", "module", walrus.target.id if isinstance(walrus.target, r.Name) else "")
    for info in world.classes.infos.values():
        if info.module not in world.entered:
            continue
        columns = info.model.attributes if info.model is not None else {}
        for name, expr in info.attrs.items():
            if name in columns:
                continue
            if isinstance(expr, r.Call) and any(arg.keyword == "default_factory" for arg in expr.args):
                _keep(world, world.symbols.modules[info.module], expr, info.id, "field", name)
            elif isinstance(expr, r.Call):
                _keep(world, world.symbols.modules[info.module], expr, info.id, "class", name)
    for id, function in world.symbols.functions.items():
        if function.module not in world.entered:
            continue
        for param in function.node.params:
            if isinstance(param.default, r.Call):
                _keep(world, world.symbols.modules[function.module], param.default, id, "default", param.name)


def _may_be_session(value: Value) -> bool:
    return any(isinstance(part, (Session, Unknown)) for part in options_of(value))


_MAKING = (r.Call, r.Dict, r.Seq, r.Comp, r.IfExp, r.BoolOp)


def _walruses(body: tuple[r.Stmt, ...]) -> Iterator[r.Walrus]:
    """The names that tests and expressions at the top of a module bind."""
    for stmt in flat_statements(body):
        tested = stmt.test if isinstance(stmt, (r.If, r.While, r.Assert)) else stmt.value if type(stmt) is r.ExprStmt else None
        stack: list[object] = [tested]
        while stack:
            node = stack.pop()
            if type(node) is r.Walrus:
                yield node
            elif isinstance(node, (r.Compare, r.BoolOp, r.Unary, r.Call, r.Attr)):
                stack.extend(inner(node))
            elif type(node) is tuple:
                stack.extend(node)


def _parts(expr: r.Expr) -> tuple[r.Expr, ...]:
    """The expressions of which a value holds the results: the elements of a display, the branches of a condition."""
    if isinstance(expr, r.Dict):
        return expr.values
    if isinstance(expr, (r.Seq, r.BoolOp)):
        return expr.items
    if isinstance(expr, r.Comp):
        # A generator makes nothing before somebody goes through it.
        return () if expr.kind == "generator" else (expr.value if expr.value is not None else expr.elt,)
    return (expr.body, expr.orelse) if isinstance(expr, r.IfExp) else (expr,)


def _keep(world: World, scope: ModuleScope, expr: r.Expr, owner: str, place: str, name: str) -> None:
    for part in _parts(expr):
        if not isinstance(part, r.Call):
            continue
        frame = Frame(world, scope, None)
        value: Value = UNKNOWN
        with contained(world, owner):
            value = frame.evaluate(part)
        if isinstance(value, Session) and not value.scoped and value.id.kind != "given":
            site = frame.site(part)
            world.leave("made", ((site, place), Made(value, site, owner, (), place, name)))


def find_error_handlers(world: World) -> None:
    """Handlers of the whole application: `@app.exception_handler(IntegrityError)`."""
    for function in world.symbols.functions.values():
        for decorator in function.node.decorators:
            if not (isinstance(decorator, r.Call) and decorator.args and isinstance(decorator.func, r.Attr)):
                continue
            if decorator.func.attr in HANDLING and kind_of_error(world, function.module, decorator.args[0].value) in REFUSED:
                world.raise_flag("violations_handled")


def collect_eager(world: World) -> None:
    """The names of relationships that some option or mapping of the project loads eagerly; evaluation adds what it finds."""
    for info in world.classes.infos.values():
        if info.model is None:
            continue
        for attribute in info.model.attributes.values():
            if attribute.kind == "relationship" and attribute.lazy not in ("select", "unknown"):
                world.eager.add(f"{attribute.owner or info.id}.{attribute.name}")


@contextmanager
def contained(world: World, name: str) -> Iterator[None]:
    """Whatever fails while one function is analysed costs what is known of that function, nothing else."""
    try:
        yield
    except TooMuch:
        world.change("abandoned", name)
        world.doubt("a function that is too large")
    except Exception as error:
        if os.environ.get("ORMLINT_DEBUG"):
            raise
        world.failed[name] = type(error).__name__
        world.provisional.clear()
        world.rests.clear()
        world.active.clear()
        world.on_stack.clear()
        world.depth = 0


def run_module(world: World, scope: ModuleScope) -> None:
    """Runs the statements at the top of a module."""
    world.begin_step()
    frame = Frame(world, scope, None, budget=200_000)
    with computing(world, ("module", scope.name)), contained(world, f"{scope.name}:"):
        frame.run(scope.record.body)
        conflicts.summary_of(frame, world.current)
    world.end_step(scope.name)


@contextmanager
def computing(world: World, key: object) -> Iterator[None]:
    """What is left meanwhile is that of `key`."""
    held = world.enter(key)
    try:
        yield
    finally:
        world.exit(held)


def run_entries(world: World, ids: Sequence[str], tell: Tell | None = None) -> None:
    """Runs functions as if each were called from outside."""
    for number, id in enumerate(ids):
        if tell is not None and not number % _TELL_EVERY:
            tell(number / len(ids))
        world.begin_step()
        with contained(world, id):
            run_entry(world, id)
        world.end_step(id)


def run_entry(world: World, id: str) -> None:
    """Runs one function as if called from outside, and keeps its summary."""
    function = world.symbols.functions[id]
    if "<lambda" in id:
        return
    frame = Frame(world, world.symbols.modules[function.module], function)
    with computing(world, ("params", id)):
        params = entry_params(frame, function)
    if function.outer:
        # An inner function is met with its closure when the outer one runs; alone it knows less.
        frame.closure = {}
    key = ("entry", id)
    world.summaries.pop(key, None)
    summary = summarise(world, key, function, params, {}, {}, None)
    if summary is not None:
        world.entries[id] = summary
    if key in world.pending:
        with computing(world, key):
            for item in world.pending[key]:
                note_repeated(frame, item)
    if function.node.decorators and not function.outer:
        quiet = Frame(world, world.symbols.modules[function.module], None)
        with computing(world, ("root", id)), contained(world, id):
            wrapper = decorated(quiet, id)
            if wrapper is not None:
                needed = [param for param in function.node.params if param.kind in ("pos", "pos-only") and param.default is None]
                quiet.call(wrapper, [Actual(params[param.name]) for param in needed], function.node)
                conflicts.summary_of(quiet, world.current)


def gather(world: World) -> None:
    """Keeps what was observed in contexts that the project really reaches.

    A function that the project itself calls is judged in the contexts of its calls; only what nobody calls (handlers, commands, what is
    exported) is judged by its declaration. What is reached from no such root counts as a root itself.
    """
    reached: set[object] = set()
    roots: list[object] = [("module", name) for name in world.symbols.modules]
    roots += [("member", *key) for key in world.member_entries]
    for id in world.entries:
        roots.append(("root", id))
        if not world.callers.get(id):
            roots.append(("entry", id))
    _reach(world, roots, reached)
    meet_conflicts(world, roots)
    met = {_function_of(world, key) for key in reached}
    for id in sorted(world.entries):
        if id not in met:
            meet_conflicts(world, [("entry", id)])
            met.update(_function_of(world, key) for key in _reach(world, [("entry", id)], reached))
    of_tests = {scope.path for scope in world.symbols.modules.values() if scope.role in ("test", "fixture")}
    # A test expires rows of its own; and one that passes has shown that its reads do not raise with its rows.
    lasting = (pair for pair in within(world.observed, reached) if not _is_expired_in(pair[1].event, of_tests))
    raising = (pair for pair in within(world.raising, reached) if pair[1].event.site.path not in of_tests)
    put_best("observed", world.repeated, lasting)
    put_best("raising", world.reads, raising)
    put_best("noted", world.misuses, within(world.noted, reached))
    put_best("crossed", world.crossings, within(world.crossed, reached))
    put_best("noticed", world.incidents, within(world.noticed, reached))


def _is_expired_in(event: Event, files: Collection[str]) -> bool:
    return event.how in ("undone", "expired") and event.since is not None and event.since.path in files


def meet_conflicts(world: World, roots: Sequence[object]) -> None:
    """Keeps the conflicts that came up to a root: nobody further out takes them away."""
    for key in roots:
        if isinstance(key, tuple) and key[0] == "root" and key[1] in world.called_decorated:
            continue
        for item in world.conflicts.get(key, ()):
            event = item.event
            if event.kind in ("rewrite", "insert") and world.serializable:
                continue
            if event.kind == "insert" and world.violations_handled:
                continue
            if (
                event.kind == "insert"
                and event.confidence > 1
                and isinstance(key, tuple)
                and key[0] != "module"
                and runs_alone(world, key[1])
            ):
                item = msgspec.structs.replace(item, event=msgspec.structs.replace(event, confidence=1))
                event = item.event
            place = (event.kind, event.site, event.attr)
            known = world.met.get(place)
            if known is None or (known != item and first_of(item, known, event, known.event)):
                world.met[place] = item


def _function_of(world: World, key: object) -> object:
    """The function of a context's key."""
    if isinstance(key, Context):
        return key.function
    if isinstance(key, int):
        return world.known[key]
    return key[1] if isinstance(key, tuple) and key[0] == "entry" else None


def _reach(world: World, roots: Sequence[object], reached: set[object]) -> list[object]:
    """Adds what can be reached from `roots`; gives what is new."""
    stack = list(roots)
    fresh: list[object] = []
    while stack:
        key = stack.pop()
        if key in reached:
            continue
        reached.add(key)
        fresh.append(key)
        stack.extend(world.edges.get(key, ()))
    return fresh
