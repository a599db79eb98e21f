"""The read-only questions that a rule may ask: the page that a rule's author reads.

Takes a world whose functions have all been run, with the observations that this left; answers from them and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import msgspec

from ormlint.declared_versions import DeclaredVersions
from ormlint.facts import records as r
from ormlint.facts.walking import walk
from ormlint.findings import Confidence, Finding, Location, Reveal, Trail
from ormlint.findings import Model as MappedModel
from ormlint.findings import Step as TrailStep
from ormlint.orms import registry as orms
from ormlint.semantics import boundary, expressions, ownership
from ormlint.semantics.announcements import changes_something
from ormlint.semantics.between import directly_before
from ormlint.semantics.classes import Classes
from ormlint.semantics.commands import is_command
from ormlint.semantics.definitions import DefinedClass, DefinedModule, FunctionNode, Library, Variable
from ormlint.semantics.dependence import dotted
from ormlint.semantics.engines import gives_engine, runs_once
from ormlint.semantics.events import CALLS, FRESH, Event, Step
from ormlint.semantics.frame import Frame, World
from ormlint.semantics.holders import is_ended
from ormlint.semantics.identity import entities_in
from ormlint.semantics.import_chains import ImportGraph, Link
from ormlint.semantics.kinds import kind_of
from ormlint.semantics.layers import Placed, matches
from ormlint.semantics.loading import model_at
from ormlint.semantics.mapped import Attribute, ClassInfo
from ormlint.semantics.members import function_kind
from ormlint.semantics.observations import Built, Cached, Conflict, Crossing, Incident, Made, Misuse, Read, Registry, Repeated, Summary
from ormlint.semantics.retrying import repeated_by, retry_loops
from ormlint.semantics.revealing import reveal, short
from ormlint.semantics.symbols import ModuleScope, Symbols, absolute, applied, last_name, nested_bodies
from ormlint.semantics.twins import attributes_read, declared_field, storage_detail
from ormlint.semantics.values import (
    ClassRef,
    Const,
    Entity,
    Factory,
    LibInstance,
    LibRef,
    ModelAttr,
    Plain,
    Session,
    Site,
    Tup,
    Value,
    is_core,
    registry_of,
)

_LOOP = "the loop"


_CACHING = frozenset({"memoize", "cached", "cache", "cache_on_arguments", "memoise"})


class Model:
    """What the project means, for rules: observations, classes, layers, and how to make a finding."""

    def __init__(self, world: World, layers: Mapping[str, Placed], versions: DeclaredVersions) -> None:
        self._world = world
        self.config = world.config
        self.layers = layers
        self.versions = versions
        self.paths = world.templates.scopes() | world.symbols.by_path
        lost = sorted(world.failed)
        self.warnings: tuple[str, ...] = tuple(
            f"{name} could not be analysed ({world.failed[name]} inside ormlint): please report it; the rest is checked"
            for name in lost[:5]
        ) + ((f"{len(lost) - 5} more functions could not be analysed",) if len(lost) > 5 else ())
        self.warnings += tuple(sorted(world.templates.warnings))

    @property
    def world(self) -> World:
        """What the model rests on; not for rules."""
        return self._world

    # For the report

    @property
    def mapped_models(self) -> tuple[MappedModel, ...]:
        """Every mapped class, sorted by file and line."""
        return tuple(sorted((self._mapped(info) for info in self.models()), key=lambda model: (model.at.path, model.at.line)))

    @property
    def resolved_calls(self) -> int:
        return len(self._world.resolved)

    @property
    def unresolved_calls(self) -> int:
        return len(self._world.unresolved.keys() - self._world.resolved)

    def unresolved_calls_at(self, path: str, line: int) -> Iterator[tuple[Location, str]]:
        """The calls that begin on a line and of which nobody knows what is called: where, and why; "" where there is nothing to say."""
        if path not in self.paths:
            return
        record = self.paths[path].record
        for site in sorted(self._world.unresolved.keys() - self._world.resolved):
            if site.path == path and record.position(site.start)[0] == line:
                yield self.location(site), self._world.unresolved[site]

    @property
    def reveals(self) -> tuple[Reveal, ...]:
        found = [Reveal(self.location(site), reveal(value, state, self.classes)) for site, (value, state) in self._world.reveals.items()]
        return tuple(sorted(found, key=lambda item: (item.at.path, item.at.line, item.at.column)))

    def _mapped(self, info: ClassInfo) -> MappedModel:
        assert info.model is not None
        scope = self._world.symbols.modules[info.module]
        site = Site(scope.path, info.node.name_start, info.node.name_start + len(info.name))
        attributes_of = info.model.attributes
        return MappedModel(
            info.name,
            info.module,
            info.model.table if info.model.table and not info.model.table.startswith("?") else None,
            info.model.style,
            self.location(site),
            tuple(name for name, item in attributes_of.items() if item.kind == "column"),
            tuple(
                f"{name} -> {short(item.target) if item.target else '?'}{'[]' if item.many else ''} ({item.lazy})"
                for name, item in attributes_of.items()
                if item.kind == "relationship"
            ),
        )

    # Places

    def location(self, site: Site) -> Location:
        """A site as a location for people."""
        if self.paths[site.path].role == "template":
            line, _ = self.paths[site.path].record.position(site.start)
            return Location(site.path, line, 1, line, 1)
        record = self.paths[site.path].record
        line, column = record.position(site.start)
        end_line, end_column = record.position(max(site.end, site.start))
        return Location(site.path, line, column, end_line, end_column)

    def role(self, site: Site) -> str:
        """code, test, migration, script or fixture: the role of the file."""
        return self.paths[site.path].role

    def is_command(self, function: str) -> bool:
        """Whether a function, by its id, is a command of a command line: the process ends with it."""
        return is_command(self._world, function)

    def layer(self, module: str) -> str:
        """The layer of a module, or ""."""
        placed = self.layers.get(module)
        return placed.layer if placed is not None else ""

    def modules(self) -> Iterator[ModuleScope]:
        """Every module, by name."""
        for name in sorted(self._world.symbols.modules):
            yield self._world.symbols.modules[name]

    @property
    def symbols(self) -> Symbols:
        return self._world.symbols

    @property
    def classes(self) -> Classes:
        return self._world.classes

    def models(self) -> Iterator[ClassInfo]:
        """Every mapped class of the project."""
        for info in self._world.classes.infos.values():
            if info.model is not None and not info.model.is_made:
                yield info

    # Observations

    def repeated(self, *kinds: str) -> Iterator[Repeated]:
        """Events of these kinds that happen again in each iteration of a loop, innermost loop first for each event."""
        found = [self._judged(item) for item in self._world.repeated.values() if item.event.kind in kinds]
        found.sort(key=lambda item: (item.event.site, item.event.kind, item.event.attr, item.loop.site.end - item.loop.site.start))
        yield from found

    def _judged(self, item: Repeated) -> Repeated:
        """An entity whose query is not known may come loaded where any query of the project loads that relationship."""
        entity = item.event.entity
        if item.event.kind != "load" or entity is None or entity.origin.kind not in ("param", "self", "declared", "field"):
            return item
        if self._world.eagerly(entity.model, item.event.attr):
            return msgspec.structs.replace(item, event=msgspec.structs.replace(item.event, confidence=1))
        return item

    def keeps_autoflush(self, session: Session) -> bool:
        """Whether a session is known to flush before it queries: its factory says so, or no session of the project does without."""
        return session.autoflush is True or (session.autoflush is None and not self._world.manual)

    def _may_be_at_hand(self, event: Event) -> bool:
        """Whether the identity map may answer the read of a reference: a caller has the target, or a sibling dependency of the request."""
        entity = event.entity
        mapped = self.attribute(entity.model, event.attr) if entity is not None else None
        if entity is None or mapped is None or mapped.many or mapped.kind != "relationship":
            return False
        return (event.end, event.attr) in self._world.answered or not self._world.provided.isdisjoint(entity.origin.via)

    def misuses(self, kind: str) -> Iterator[Misuse]:
        """Operations that are wrong because of what happened before them, of one kind (see the notes that semantics make)."""
        found = [item for item in self._world.misuses.values() if item.kind == kind]
        yield from sorted(found, key=lambda item: (item.event.site, item.event.attr))

    def raising_reads(self) -> Iterator[Read]:
        """Reads of attributes that raise: of a detached object, or under an AsyncSession; one for each place and attribute."""
        for item in sorted(self._world.reads.values(), key=lambda item: (item.event.end, item.event.attr)):
            event = item.event
            doubtful = event.how == "lazy" and self._may_be_at_hand(event)
            yield Read(msgspec.structs.replace(event, confidence=1), item.function) if doubtful else item

    def crossings(self, kind: str) -> Iterator[Crossing]:
        """What crosses a boundary: enters, takes, gives, leaves, rebuilds or mirrors; see `Crossing`."""
        yield from sorted((item for item in self._world.crossings.values() if item.kind == kind), key=lambda item: (item.site, item.name))

    def handed(self, item: Crossing) -> Trail:
        """How a value came to where it crosses: its query, the calls that gave it back, the calls that handed it on."""
        steps: list[TrailStep] = []
        if isinstance(item.value, Entity):
            origin = item.value.origin
            steps.extend(self.source_of(item.value) if origin.kind in ("query", "get") else ())
            steps.extend(self.step(site, "returned here") for site in origin.via if site.path in self.paths and site != item.site)
            if origin.kind == "new" and origin.site.path in self.paths:
                steps.append(self.step(origin.site, f"{short(item.value.model)} is made here"))
        steps.extend(self.steps(item.via))
        return tuple(dict.fromkeys(steps))

    def promised(self, function: str) -> tuple[str, ...]:
        """The project's own plain classes that a function, or its port, promises to give."""
        node = self.symbols.functions.get(function)
        return boundary.promise_of(self._world, node) if node is not None else ()

    def serves(self, function: str) -> bool:
        """Whether a function is a web handler of whose result nothing declares what may leave."""
        node = self.symbols.functions.get(function)
        return node is not None and boundary.is_handler(self._world, node)

    def leak_in(self, value: Value) -> str:
        """What of the ORM a value is or holds, in words; "" where nothing."""
        return boundary.leak_words(self._world, value)

    def handed_in(self, value: Value) -> Trail:
        """Where what leaks with a value was loaded."""
        entity = next(boundary.entities_in(value), None)
        return self.source_of(entity) if entity is not None else ()

    def broken_promise(self, function: str, value: Value) -> str:
        """The plain class that a function promises and that what it gives is not; "" where it keeps its promise, or promises nothing."""
        if isinstance(value, LibInstance):
            return ""
        given = [entity.model for entity in boundary.entities_in(value)]
        for cls in self.promised(function):
            info = self.classes.infos.get(cls)
            if info is None:  # made by a call: `namedtuple("Order", …)`, which a row may stand for
                if given:
                    return cls
                continue
            if info.model is not None or any(library.endswith((".Protocol", ".TypedDict")) for library in info.libraries):
                continue
            if not any(cls in self.classes.infos[model].mro for model in given):
                return cls
        return ""

    def stores(self, module: str, function: str) -> bool:
        """Whether a function is of the persistence layer, or implements a port, and others call it."""
        layer = self.layer(module)
        if layer in ("domain", "entrypoint") or self.role(Site(self.symbols.modules[module].path, 0, 0)) != "code":
            return False
        node = self.symbols.functions[function]
        implements = bool(node.cls) and boundary.implements_port(self._world, node)
        callers = self.called_from(function)
        if not implements and callers and callers <= {"persistence"}:
            return False
        return implements or layer in ("persistence", "unit-of-work")

    def functions_on_the_way(self, event: Event) -> Iterator[FunctionNode]:
        """The functions in which the steps of an event stand, its own left out."""
        for step in event.via:
            function = self.function_at(step.site)
            if function is not None:
                yield function

    def function_at(self, site: Site) -> FunctionNode | None:
        """The innermost named function around a place."""
        around = [item for item in self._functions_of.get(site.path, ()) if item.node.start <= site.start < item.node.end]
        return max(around, key=lambda item: item.node.start, default=None)

    @cached_property
    def _functions_of(self) -> dict[str, list[FunctionNode]]:
        found: dict[str, list[FunctionNode]] = {}
        for function in self.symbols.functions.values():
            found.setdefault(self.symbols.modules[function.module].path, []).append(function)
        return found

    def is_entity_method(self, function: FunctionNode) -> bool:
        """Whether a function is a method, or a property, of one mapped object."""
        return function.id in self._entity_methods and self.method_kind(function.id) in ("property", "method")

    @cached_property
    def _entity_methods(self) -> frozenset[str]:
        return frozenset(function.id for function, _, _ in self.members())

    def is_revision(self, module: str) -> bool:
        """Whether a module is a revision of Alembic."""
        scope = self.symbols.modules[module]
        if scope.role in ("test", "fixture") or not all(name in scope.bindings for name in orms.REVISION_NAMES):
            return False
        return scope.role == "migration" or any(
            getattr(binding, "module", "").split(".", 1)[0] == "alembic" for items in scope.bindings.values() for binding in items
        )

    def imported_model(self, module: str, statement: r.Import, name: r.ImportName) -> str:
        """The application's entity, base or module of entities that an import brings in, in words; "" where it brings none."""
        scope = self.symbols.modules[module]
        if not statement.is_from:
            known = scope.known_as(name.name)
            is_used = self._holds_models(known) and self._uses_models(scope, name.asname or name.name, known)
            return f"the models of {name.name}" if is_used else ""
        source = absolute(scope, statement)
        if source is None or not self.symbols.is_module(source):
            return ""
        if name.name == "*":
            return f"the models of {source}" if self._holds_models(source) else ""
        symbol = self.symbols.member(source, name.name)
        if isinstance(symbol, DefinedClass):
            info = self.classes.infos.get(symbol.id)
            if info is None or self.symbols.modules[info.module].role == "migration":
                return ""
            return f"the entity {info.name}" if info.model is not None else f"the declarative base {info.name}" if info.is_base else ""
        if isinstance(symbol, DefinedModule):
            is_used = self._uses_models(scope, name.asname or name.name, symbol.name)
            return f"the models of {symbol.name}" if is_used and self._holds_models(symbol.name) else ""
        return ""

    def _uses_models(self, scope: ModuleScope, local: str, module: str) -> bool:
        """Whether a module may use the ORM's classes from one that it imports, and not just enumerations and other plain classes."""
        used = {node.attr for node in walk(scope.record.body) if isinstance(node, r.Attr) and dotted(node.value) == local}
        for attr in used:
            symbol = self.symbols.lookup(module, attr)
            info = self.classes.infos.get(symbol.id) if isinstance(symbol, DefinedClass) else None
            if info is None or info.model is not None or info.is_base:
                return True
        return not used

    def _holds_models(self, module: str) -> bool:
        """Whether a module defines mapped classes, or is the package that hands its own on."""
        scope = self.symbols.modules.get(module)
        if scope is None or scope.role == "migration":
            return False
        for name in scope.bindings:
            symbol = self.symbols.lookup(module, name)
            info = self.classes.infos.get(symbol.id) if isinstance(symbol, DefinedClass) else None
            own = info is not None and (info.module == module or (scope.is_package and info.module.startswith(f"{module}.")))
            if own and info is not None and info.model is not None:
                return True
        return False

    def chain_to_orm(self, module: str, statement: r.Import) -> tuple[Link, ...]:
        """The imports behind a statement of a domain module by which it reaches the ORM; () where it does not, or may."""
        if statement.is_from and statement.names and all(self._is_value_of_models(module, statement, name) for name in statement.names):
            return ()
        ports = self.config.allowed_ports
        return self._imports.chain(
            module,
            statement,
            lambda name: self.layer(name) != "domain" and not any(matches(port, name) for port in ports),
        )

    @cached_property
    def _imports(self) -> ImportGraph:
        return ImportGraph(self.symbols, is_orm_package)

    def _is_value_of_models(self, module: str, statement: r.Import, name: r.ImportName) -> bool:
        """Whether an imported name is a plain enum, value type or constant that lives in a file of models."""
        source = absolute(self.symbols.modules[module], statement)
        symbol = self.symbols.member(source, name.name) if source is not None and self.symbols.is_module(source) else None
        if isinstance(symbol, Variable):
            value = expressions.module_value(self._world, symbol.module, symbol.name)
            return isinstance(value, (Const, Plain)) and self._holds_models(symbol.module)
        info = self.classes.infos.get(symbol.id) if isinstance(symbol, DefinedClass) else None
        if info is None or info.model is not None or info.is_base or not self._holds_models(info.module):
            return False
        if any(library.rsplit(".", 1)[-1] in _VALUE_BASES for library in info.libraries):
            return True
        names = {self.symbols.spelled(info.module, applied(item)) for item in info.node.decorators}
        return not names.isdisjoint(("dataclass", "define", "frozen", "attrs", "s"))

    def storage_details(self) -> Iterator[tuple[str, str, Site, str, str]]:
        """The domain classes' fields that only the twin's table needs: class, field, place, twin, and why."""
        asked = attributes_read(scope for scope in self.modules() if self.layer(scope.name) == "domain")
        seen: set[tuple[str, str]] = set()
        for item in self.crossings("mirrors"):
            assert isinstance(item.value, Tup)
            cls, column = item.value.items
            assert isinstance(cls, ClassRef)
            assert isinstance(column, ModelAttr)
            field = declared_field(self._world, cls.cls, item.name)
            mapped = self.attribute(column.model, column.name)
            if field is None or mapped is None or (field.owner.id, field.name) in seen or self.role(item.site) != "code":
                continue
            why = storage_detail(self.classes, field, mapped, asked)
            if why:
                seen.add((field.owner.id, field.name))
                yield field.owner.id, field.name, field.site, column.model, why

    def called_from(self, function: str) -> frozenset[str]:
        """The layers of the modules that call a function, tests left out; "" for modules of no layer."""
        callers = self._world.callers.get(function, set())
        return frozenset(self.layer(caller.partition(":")[0]) for caller in callers)

    def declared_handles(self) -> Iterator[tuple[ClassInfo, str, Site, Value]]:
        """The fields of domain classes that their annotations make sessions, engines, connections, statements or results."""
        for info in self.classes.infos.values():
            if self.layer(info.module) != "domain" or info.model is not None:
                continue
            for name, annotation in info.annotations.items():
                frame = Frame(self._world, self.symbols.modules[info.module], None)
                value = frame.declared_in(info.id, annotation, name)
                handle = boundary.handle_in(value)
                if handle is not None:
                    yield info, name, Site(self.symbols.modules[info.module].path, annotation.start, annotation.end), handle

    def incidents(self, kind: str) -> Iterator[Incident]:
        """What operations met in the transactions of their sessions, one for each place; see `Incident` for the kinds."""
        found = sorted((item for item in self._world.incidents.values() if item.kind == kind), key=lambda item: item.site)
        for item in found:
            if not is_core(item.session) or kind in ("call_out", "ended"):
                yield item
            elif kind == "unwritten" and (each := self._commits_each(item.site)) is not True:
                yield item if each is False else msgspec.structs.replace(item, confidence=min(item.confidence, 1))

    def _commits_each(self, site: Site) -> bool | None:
        """Whether a Core connection commits each statement by itself, as before SQLAlchemy 2.0; None where the version is not declared."""
        declared = self.versions.declared("sqlalchemy", site.path)
        if declared is None:
            return None
        return False if not declared.meets("0.1", "1.4") else True if not declared.meets("2.0", None) else None

    def is_hook(self, function: str) -> bool:
        """Whether the ORM calls a function in the middle of somebody's transaction."""
        return ownership.is_hook(self._world, self.symbols.functions[function])

    def is_of_entity(self, function: str) -> bool:
        """Whether a function is a method of a mapped class, or of a base or mixin of one."""
        return ownership.is_of_entity(self._world, self.symbols.functions[function])

    def owns_transactions(self, function: str) -> bool:
        """Whether a function is there to end transactions."""
        return ownership.owns_transactions(self._world, self.symbols.functions[function])

    def steps(self, steps: Sequence[Step]) -> Trail:
        """Steps of an observation as a trail."""
        return tuple(
            self.step(step.site, self._called_by(step, steps[index + 1]) if step.note == CALLS and index + 1 < len(steps) else step.note)
            for index, step in enumerate(steps)
            if step.site.path in self.paths
        )

    def _called_by(self, step: Step, further: Step) -> str:
        """A call on the way, in words: the function in which the way goes on is the one that it calls."""
        function = self.function_at(further.site)
        if function is None or "<lambda" in function.id:
            return CALLS
        if step.site.path == further.site.path and function.node.start <= step.site.start < function.node.end:
            return CALLS  # a lambda or a comprehension of its own
        name = function.node.name
        if self.method_kind(function.id) == "property":
            return f"reads .{name}"
        if name in ("__enter__", "__aenter__"):
            return "enters the block"
        if name in ("__exit__", "__aexit__"):
            return "leaves the block"
        return f"makes {short(function.cls)}" if name == "__init__" and function.cls else f"calls {name}()"

    def in_coroutines(self) -> Iterator[Misuse]:
        """What coroutines themselves do with synchronous sessions, connections and registries, first use of each."""
        return self.misuses("in_coroutine")

    def is_over(self, event: Event) -> bool:
        """Whether a synchronous function has taken the session and ended it before it returned: no coroutine came between."""
        return event.own and bool(event.via) and event.session is not None and not event.session.is_async

    def shares_thread(self, event: Event) -> bool | None:
        """Whether coroutines share the event's session, as that of a registry whose scope is the thread; None where that is not known."""
        session = event.session
        if session is None or self.is_over(event):
            return False
        registry = self._world.registries.get(registry_of(session.id))
        return registry.by_thread if registry is not None else False

    def at_startup(self, function: str) -> bool:
        """Whether a function runs when the application starts or stops: nothing else runs then."""
        if function in self._world.startups:
            return True
        found = self.symbols.functions.get(function)
        return found is not None and any(
            isinstance(decorator, r.Call) and isinstance(decorator.func, r.Attr) and decorator.func.attr == "on_event"
            for decorator in found.node.decorators
        )

    def registry(self, event: Event) -> Registry | None:
        """The registry of sessions that the event's session belongs to."""
        return self._world.registries.get(registry_of(event.session.id)) if event.session is not None else None

    def is_removed(self, event: Event) -> bool:
        """Whether anything in the project removes the sessions of the event's registry, or may do so."""
        return event.session is not None and registry_of(event.session.id) in self._world.removed

    def ends_before(self, event: Event, what: str) -> bool | None:
        """Whether the framework ends the event's session before background tasks (or streaming bodies) run; None where nothing says so."""
        scope = event.session.scope if event.session is not None else ""
        if scope in ("none", "unknown"):
            return False if scope == "none" else None
        declared = self.versions.declared("fastapi", event.site.path)
        if declared is None:
            return True if scope == "function" else None
        rows = [row for row in orms.DEPENDENCY_ENDS if row.scope == scope] or [row for row in orms.DEPENDENCY_ENDS if not row.scope]
        answers = {
            row.before_streaming if what == "streaming" else row.before_background_tasks
            for row in rows
            if declared.meets(row.since, row.until)
        }
        return answers.pop() if len(answers) == 1 else None

    def conflicts(self, *kinds: str) -> Iterator[Conflict]:
        """What goes wrong with other transactions and sessions, by place; each came up to a function that nobody calls."""
        found = [item for item in self._world.met.values() if item.event.kind in kinds]
        yield from sorted(found, key=lambda item: (item.event.site, item.event.kind, item.event.attr))

    def cached_results(self) -> Iterator[Cached]:
        """The functions whose results are kept by argument and hold an entity."""
        for function, summary in self.entries():
            site = self._caching_decorator(function)
            if site is None or self.role(site) != "code" or function.outer:
                continue  # what a call defines for itself it forgets with the call
            # A session that comes with the arguments is part of the key: each has its own.
            held = [
                entity
                for entity in entities_in(summary.returned)
                if entity.origin.kind in ("query", "get")
                and entity.origin.session is not None
                and entity.origin.session.id.kind in ("made", "global", "given")
            ]
            lives = dict(summary.live)
            kept = [entity for entity in held if lives.get(entity.origin, FRESH).detached_how not in ("expunge", "make_transient")]
            if kept:
                yield Cached(site, kept[0], function.id)

    def _caching_decorator(self, function: FunctionNode) -> Site | None:
        path = self._world.symbols.modules[function.module].path
        for decorator in function.node.decorators:
            func = applied(decorator)
            symbol = self.classes.resolve(function.module, func)
            row = orms.DECORATORS.get(symbol.name) if isinstance(symbol, Library) else None
            if row is not None and row.meaning == "cache":
                return Site(path, decorator.start, decorator.end)
            if isinstance(func, r.Attr) and func.attr in _CACHING and isinstance(func.value, (r.Name, r.Attr)):
                frame = Frame(self._world, self._world.symbols.modules[function.module], None)
                owner = frame.evaluate(func.value)
                if isinstance(owner, LibInstance) and owner.cls in ("cache_client", "async_cache_client"):
                    return Site(path, decorator.start, decorator.end)
        return None

    def merges_unloaded(self, entity: Entity) -> bool:
        """Whether the project puts objects of this class back into a session with `merge(load=False)`."""
        return entity.model in self._world.remerged or entity.origin.site.path in self._world.remerged

    def made_sessions(self) -> Iterator[Made]:
        """Sessions that a function made and may leave open."""
        yield from sorted(self._world.made.values(), key=lambda item: item.site)

    def held_sessions(self) -> Iterator[Made]:
        """Sessions that objects make and keep, and that nothing in the project ends."""
        found = [item for item in self._world.made.values() if item.place == "field"]
        for note in self.misuses("held"):
            if note.event.session is not None and not is_core(note.event.session):
                found.append(Made(note.event.session, note.event.site, note.detail, (), "field", note.event.attr))
        for item in sorted(found, key=lambda item: item.site):
            if not is_ended(self._world, item.function, item.name, item.session):
                yield item

    def flushes_before_commits(self) -> Iterator[tuple[FunctionNode, Event, Event]]:
        """Flushes that a commit of the same session follows at once, with nothing read or written between."""
        for function, summary in self.entries():
            flushes = [event for event in summary.events if event.kind == "flush" and not event.via and event.session is not None]
            commits = [event for event in summary.events if event.kind == "commit" and not event.via and not event.block] if flushes else []
            for flush in flushes:
                for commit in commits:
                    same = commit.session is not None and flush.session is not None and commit.session.id == flush.session.id
                    if same and directly_before(function.node.body, flush.site.start, commit.site.start):
                        yield function, flush, commit

    def repeated_effects(self) -> Iterator[tuple[FunctionNode, Event, Event, str]]:
        """External effects that a retry repeats when the commit behind them fails, with what retries."""
        for function, summary in self.entries():
            effects = [
                (at, event)
                for at, event in enumerate(summary.events)
                if event.kind == "callout" and not event.exceptional and event.how != "keyed" and changes_something(event.note, event.attr)
            ]
            commits = [(at, event) for at, event in enumerate(summary.events) if event.kind == "commit" and not event.exceptional]
            if not effects or not commits:
                continue
            why = repeated_by(self._world, function)
            loops = retry_loops(function.node) if not why else ()
            for at, effect in effects:
                for later, commit in commits:
                    if later < at:
                        continue
                    around = why or next((_LOOP for loop in loops if _spans(loop, effect) and _spans(loop, commit)), "")
                    if around:
                        yield function, effect, commit, around
                        break

    def rebuilt(self) -> Iterator[Built]:
        """Engines and factories that are built each time some function runs, by their place."""
        found: dict[str, tuple[Event, list[str], bool]] = {}
        for id, summary in self._world.entries.items():
            events = [event for event in summary.events if event.kind == "engine"]
            if not events or not self._runs_again(id, summary):
                continue
            function = self.symbols.functions[id]
            often = id in self._world.dependencies or bool(function.cls) or bool(function.outer) or bool(function.node.decorators)
            for event in events:
                known = found.get(event.attr, (event, [], False))
                found[event.attr] = (known[0], [*known[1], id], known[2] or (event.how != "given" and (often or bool(event.how))))
        for _, (event, roots, often) in sorted(found.items(), key=lambda item: item[1][0].end):
            yield Built(event, tuple(roots), often or len(roots) > 1)

    def _runs_again(self, id: str, summary: Summary) -> bool:
        """Whether a function is at the top of its calls, and runs more than once as far as its name and place say."""
        function = self.symbols.functions[id]
        scope = self._world.symbols.modules[function.module]
        if scope.role != "code" or runs_once(self.symbols, function):
            return False
        given = id in self._world.dependencies
        callers = self._world.callers.get(id, set())
        if any(not caller.endswith(":") and caller != id for caller in callers):
            return given
        if callers and not given and not function.outer:
            return False
        return given or not gives_engine(summary)

    def entries(self) -> Iterator[tuple[FunctionNode, Summary]]:
        """Every function with what it does when nothing is known of its caller."""
        for id in sorted(self._world.entries):
            yield self._world.symbols.functions[id], self._world.entries[id]

    def acting_names(self) -> Iterator[str]:
        """What acts on the ORM, gives something of it or holds it, where not all modules are run for themselves: ids of functions and
        classes, and the names of variables behind those of their modules."""
        yield from sorted(self._world.acting)

    def members(self) -> Iterator[tuple[FunctionNode, str, Summary]]:
        """Every method of a mapped class, those of its mixins too, with the class and what it does on one of its objects."""
        for function, summary in self.entries():
            if function.cls and self.classes.model(function.cls) is not None:
                yield function, function.cls, summary
        for id, cls in sorted(self._world.member_entries):
            yield self.symbols.functions[id], cls, self._world.member_entries[(id, cls)]

    def summary(self, function: str) -> Summary | None:
        """What one function does, by its id `pkg.mod:Class.method`."""
        return self._world.entries.get(function)

    def method_kind(self, function: str) -> str:
        """property, static, class or method."""
        return function_kind(self._world, function)

    def attribute(self, model: str, name: str) -> Attribute | None:
        return self._world.classes.mapped_attribute(model, name)

    def root_model(self, entity: Entity) -> str | None:
        """The mapped class that the entity's query gave, before the relationships of its path."""
        if not entity.path:
            return entity.model
        found = [info.id for info in self.models() if model_at(self.classes, info.id, ".".join(entity.path)) == entity.model]
        named = [id for id in found if short(id) == entity.origin.name]
        return named[0] if named else found[0] if len(found) == 1 else None

    def is_generator_loop(self, item: Repeated) -> bool:
        """Whether the loop yields between its commits: its consumer decides when they happen."""
        function = self.symbols.functions.get(item.function)
        return (
            function is not None
            and function.node.is_generator
            and not item.loop.is_comprehension
            and _yields_in(function.node.body, item.loop.site)
        )

    def is_single_shot(self, made: Made) -> bool:
        """Whether a session at the top of a module belongs to a script that runs once."""
        scope = self.paths[made.site.path]
        if made.place != "module":
            return False
        return scope.role == "script" or any(_is_main_guard(stmt) for stmt in scope.record.body)

    # Imports

    def imports_of(self, module: str) -> Iterator[r.Import]:
        """Every import statement of a module, at any depth, in order."""
        stack: list[r.Stmt] = list(reversed(self.symbols.modules[module].record.body))
        while stack:
            stmt = stack.pop()
            if isinstance(stmt, r.Import):
                yield stmt
            inner = [part for body in nested_bodies(stmt) for part in body]
            if isinstance(stmt, (r.Function, r.Class)):
                inner.extend(stmt.body)
            stack.extend(reversed(inner))

    def imports_by_name(self, module: str) -> Iterator[tuple[Site, str]]:
        """Every `importlib.import_module("…")` with a constant name: its place and the module that it names."""
        scope = self.symbols.modules[module]
        for node in walk(scope.record.body):
            if isinstance(node, r.Call) and node.args and isinstance(node.args[0].value, r.Const):
                last = last_name(node.func)
                if last in ("import_module", "__import__") and isinstance(node.args[0].value.value, str):
                    yield Site(scope.path, node.start, node.end), node.args[0].value.value

    def orm_import(self, module: str, statement: r.Import, name: r.ImportName) -> str:
        """Why importing this name brings the ORM in, in words; "" where it does not."""
        scope = self.symbols.modules[module]
        if statement.is_from:
            source = absolute(scope, statement)
            if source is None:
                return ""
            if not self.symbols.is_module(source):
                return f"imports {name.name} from {source}" if is_orm_package(source) else ""
            if name.name == "*":
                return (
                    next(
                        (
                            words
                            for bound in sorted(self.symbols.modules[source].bindings)
                            if not bound.startswith("_") and (words := self._orm_symbol(source, bound))
                        ),
                        "",
                    )
                    if source in self.symbols.modules
                    else ""
                )
            return "" if self._is_told_at_class(module, source, name.name) else self._orm_symbol(source, name.name)
        return f"imports {name.name}" if not self.symbols.is_module(name.name) and is_orm_package(name.name) else ""

    def _is_told_at_class(self, module: str, source: str, name: str) -> bool:
        """Whether a domain module imports a mapped class that is itself defined in the domain: one leak, and ORM103 tells it."""
        symbol = self.symbols.member(source, name)
        info = self.classes.infos.get(symbol.id) if isinstance(symbol, DefinedClass) else None
        return info is not None and info.model is not None and self.layer(module) == self.layer(info.module) == "domain"

    def _orm_symbol(self, module: str, name: str) -> str:
        symbol = self.symbols.member(module, name)
        if isinstance(symbol, DefinedClass):
            info = self.classes.infos.get(symbol.id)
            if info is None:
                return ""
            if info.model is not None:
                return f"imports the entity {info.name}" if info.model.style != "imperative" else ""
            if info.is_base:
                return f"imports the declarative base {info.name}"
            return (
                f"imports the session class {info.name}"
                if any(kind_of(item) in ("session", "async_session", "database") for item in info.libraries)
                else ""
            )
        if isinstance(symbol, Library):
            return f"imports {symbol.name}" if is_orm_package(symbol.name) else ""
        if isinstance(symbol, Variable):
            value = expressions.module_value(self._world, symbol.module, symbol.name)
            if isinstance(value, Session):
                return f"imports the session {name}"
            if isinstance(value, Factory):
                return f"imports the session factory {name}"
            if isinstance(value, LibInstance) and value.cls in _ORM_OBJECTS:
                return f"imports {name}, a {value.cls.replace('_', ' ')}"
            if isinstance(value, LibRef) and is_orm_package(value.name):
                return f"imports {name}, which is {value.name}"
        return ""

    # Findings

    def finding(
        self,
        code: str,
        name: str,
        site: Site,
        message: str,
        confidence: Confidence = Confidence.likely,
        trail: Trail = (),
        symbol: str = "",
    ) -> Finding:
        """A finding at a site."""
        return Finding(code, name, self.location(site), message, confidence, trail, symbol.replace(":", ".").replace(".<locals>", ""))

    def step(self, site: Site, note: str) -> TrailStep:
        return TrailStep(self.location(site), note)

    def text(self, site: Site) -> str:
        """A name for what stands at a site is not kept in records; rules use values. This is the file and line, for messages."""
        at = self.location(site)
        return f"{at.path}:{at.line}"

    def way(self, event: Event) -> Trail:
        """The steps of an event from its own place down to where it happens."""
        return self.steps(event.via)

    def ways(self, events: Sequence[Event]) -> Trail:
        """The steps of several events that start at one place; a step that they share stands once."""
        steps: dict[TrailStep, None] = {}
        for event in events:
            for step in self.way(event):
                steps[step] = None
        return tuple(steps)

    def source_of(self, entity: Entity) -> Trail:
        """Where an entity came from: the query, and the calls that handed it on."""
        origin = entity.origin
        if origin.kind in ("query", "get") and origin.site.path in self.paths:
            verb = "loaded by this query" if origin.kind == "query" else "loaded by its key"
            return (self.step(origin.site, f"{short(entity.origin.name)} is {verb}"),)
        if origin.kind == "param" and origin.site.path in self.paths:
            name = origin.name or short(entity.model)
            return (self.step(origin.site, f"{name} is handed in; nothing in the project loads more with it"),)
        return ()


_ORM_OBJECTS = frozenset(
    {"declarative_base_factory", "declarative_base", "engine", "async_engine", "database", "registry", "table", "metadata"}
)
_ORM_PACKAGES = frozenset(
    {"sqlalchemy", "flask_sqlalchemy", "sqlmodel", "flask_sqlalchemy_lite", "sqlalchemy_utils", "geoalchemy2", "advanced_alchemy"}
)


_VALUE_BASES = frozenset(
    {"Enum", "StrEnum", "IntEnum", "Flag", "IntFlag", "NamedTuple", "TypedDict", "str", "int", "float", "Exception", "ValueError"}
)


def is_orm_package(name: str) -> bool:
    """Whether a dotted name belongs to an ORM package."""
    return name.split(".", 1)[0] in _ORM_PACKAGES


def _spans(loop: r.Stmt, event: Event) -> bool:
    return loop.start <= event.site.start and event.site.end <= loop.end


def _is_main_guard(stmt: r.Stmt) -> bool:
    return (
        isinstance(stmt, r.If)
        and isinstance(stmt.test, r.Compare)
        and isinstance(stmt.test.left, r.Name)
        and stmt.test.left.id == "__name__"
    )


def _yields_in(body: Sequence[r.Stmt], site: Site) -> bool:
    nodes = walk(tuple(body), (r.Function, r.Class, r.Lambda))
    return any(isinstance(node, r.Yield) and site.start <= node.start < site.end for node in nodes)
