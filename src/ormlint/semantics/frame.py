"""One function while it is run over abstract values: its state, its loops, and what it has given so far.

`Frame` is the only mutable thing that evaluation passes around. `World` holds what all frames share. The steps of evaluation
(`expressions`, `attributes`, `calls`, `flow`) are reached through the world's `Steps`, which `understanding` wires once, so that the
modules need not import each other in a circle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Union

from ormlint.config import Config
from ormlint.facts import records as r
from ormlint.semantics.changes import Change
from ormlint.semantics.classes import Classes
from ormlint.semantics.definitions import FunctionNode
from ormlint.semantics.events import Event, Loop, SessionState, Step
from ormlint.semantics.habits import Habits
from ormlint.semantics.layers import Placed
from ormlint.semantics.observations import Conflict, Crossing, Incident, Made, Misuse, Read, Registry, Repeated, Risk, Summary
from ormlint.semantics.state import State, names_in
from ormlint.semantics.summaries import Substitution
from ormlint.semantics.symbols import ModuleScope, Symbols
from ormlint.semantics.template_files import TemplateFiles
from ormlint.semantics.traces import Traced, name_of
from ormlint.semantics.values import NEVER, Actual, ClassRef, Entity, FuncRef, Origin, Session, SessionId, Site, Value, is_core

QUIET = frozenset({"add", "load", "mutate", "expire", "expunge", "close", "begin", "callout", "rollback", "current"})
"""Events that wait for no database, or that a wait has gone before."""


class Steps:
    """The functions that evaluation consists of; set once by `understanding`."""

    evaluate: Callable[[Frame, r.Expr], Value]
    attribute: Callable[[Frame, Value, str, r.Node], Value]
    call: Callable[[Frame, Value, Sequence[Actual], r.Node], Value]
    run: Callable[[Frame, Sequence[r.Stmt]], None]
    declared: Callable[[Frame, Union[r.Expr, None], str], Value]
    module_value: Callable[[World, str, str], Value]
    entry_frame: Callable[[World, str, str], Frame]
    enter: Callable[[Frame, Value, r.Node], Value]
    beside: Callable[[Frame, Event], None]


_FLUSHING = frozenset({"flush", "commit", "query", "savepoint", "rollback", "close", "load", "write", "expunge"})


class TooMuch(Exception):
    """A function's step budget is used up: its summary becomes Unknown."""


class World(Traced):
    """What every frame shares: symbols, classes, memoised summaries and values, and the observations for the rules."""

    def __init__(self, symbols: Symbols, classes: Classes, config: Config, templates: TemplateFiles | None = None) -> None:
        super().__init__()
        self.symbols = symbols
        self.classes = classes
        self.config = config
        self.steps = Steps()
        self.summaries: dict[object, Summary] = {}
        self.provisional: dict[object, Summary] = {}
        self.active: dict[object, int] = {}
        self.contexts: dict[tuple[str, tuple[str, ...]], list[object]] = {}
        """Of each function, with what it holds, the contexts that are told apart."""
        self.lowest = 1 << 30
        self.depth = 0
        self.module_values: dict[tuple[str, str], Value] = {}
        self.class_values: dict[tuple[str, str], Value] = {}
        self.fields: dict[tuple[str, str], Value] = {}
        self.decorated: dict[str, Value] = {}
        self.ports: dict[tuple[str, str], tuple[str, ...]] = {}
        self.put_in: dict[str, dict[str, frozenset[str]]] = {}
        """Of each method the lists of its object that it fills, with what it reads of all that it puts there."""
        self.assignments: dict[str, dict[str, list[tuple[str, r.Expr | None, r.Expr | None]]]] = {}
        self.built: dict[tuple[str, str], Value] = {}
        self.wanted: set[tuple[str, str]] = set()
        self.filled: set[tuple[str, str]] = set()
        """The fields that were built when methods that had wanted them were run once more."""
        self.late: list[tuple[str, ...]] = []
        """The classes of which a field was wanted before it was built, each time that they were looked for."""
        self.tellings: dict[str, dict[str, tuple[r.Call, ...]]] = {}
        self.served: dict[str, object] = {}
        self.templates = templates or TemplateFiles()
        self.text_of: dict[str, object] = {}
        self.manual = False
        """Whether the project makes sessions without autoflush."""
        self.habits = Habits()
        self.variance: dict[tuple[str, int], frozenset[str]] = {}
        self._offered: dict[str, str] | None = None
        self.mentions: dict[int, frozenset[str]] = {}
        self.kept: dict[tuple[int, int, bool], str] = {}
        """Of each `if` and branch, by identity, the store that the test asks before the branch fills it."""
        self.touched: dict[tuple[str, int], frozenset[str]] = {}
        self.behind: dict[str, dict[str, frozenset[str]]] = {}
        self.rests_on: dict[tuple[str, int], frozenset[str]] = {}
        self.chains: dict[int, tuple[frozenset[str], bool]] = {}
        self.stored: dict[int, tuple[frozenset[str], frozenset[str]]] = {}
        self.bodies: dict[tuple[str, int], tuple[r.Stmt, ...]] = {}
        self.lengths: dict[tuple[str, str], int | None] = {}
        self.eager: set[str] = set()
        self.repeated: dict[tuple[str, Site, str, Site, Site | None], Repeated] = {}
        self.observed: dict[object, dict[tuple[str, Site, str, Site, Site | None], Repeated]] = {}
        self.misuses: dict[tuple[str, Site, str], Misuse] = {}
        self.noted: dict[object, dict[tuple[str, Site, str], Misuse]] = {}
        self.callers: dict[str, set[str]] = {}
        self.made: dict[tuple[Site, str], Made] = {}
        self.twins: dict[str, bool] = {}
        self.provided: set[Site] = set()
        """Where a framework hands in what a dependency provides."""
        self.answered: set[tuple[Site, str]] = set()
        """Reads of a reference whose target some caller has in its hands: the identity map may answer."""
        self.ended: set[SessionId] = set()
        self.dependencies: set[str] = set()
        self.raising: dict[object, dict[tuple[Site, str, str], Read]] = {}
        self.registries: dict[SessionId, Registry] = {}
        self.removed: set[SessionId] = set()
        self.startups: set[str] = set()
        self.reads: dict[tuple[Site, str, str], Read] = {}
        self.entries: dict[str, Summary] = {}
        self.entered: frozenset[str] = frozenset()
        """The modules that are run for themselves: their statements, and each of their functions."""
        self.parts: list[bytes | None] = []
        """What is to be kept of each part."""
        self.in_parts = False
        """Whether the functions were run in parts: then what they asked is not known here."""
        self.acting: frozenset[str] = frozenset()
        """What turned out to act on the ORM, where not all modules are run for themselves; see `acting`."""
        self.member_entries: dict[tuple[str, str], Summary] = {}
        self.reveals: dict[Site, tuple[Value, State]] = {}
        self.global_assignments: dict[str, dict[str, list[tuple[r.Expr, str]]]] = {}
        self.resolved: set[Site] = set()
        self.unresolved: dict[Site, str] = {}
        """Calls of which it was not known what is called, each with the reason, "" where there is none to tell."""
        self.pending: dict[object, tuple[Repeated, ...]] = {}
        self.rests: list[tuple[int, object]] = []
        self.abandoned: set[str] = set()
        self.failed: dict[str, str] = dict(classes.failed)
        self.by_name: dict[str, bool] = {}
        self.readers: dict[str, frozenset[str]] = {}
        self.on_stack: dict[tuple[str, tuple[str, ...]], int] = {}
        self.conflicts: dict[object, tuple[Conflict, ...]] = {}
        self.met: dict[tuple[str, Site, str], Conflict] = {}
        self.opened_before: dict[str, dict[SessionId, SessionState]] = {}
        """For each function the transactions that its dependencies have opened when it begins."""
        self.decorating = 0
        """How many decorators are being applied."""
        self.remerged: set[str] = set()
        self.called_decorated: set[str] = set()
        self.serializable = False
        self.violations_handled = False
        self.generic: dict[str, bool] = {}
        """Of each function whether its parameters' annotations name type variables."""
        self.declared_params: dict[tuple[str, str], Value] = {}
        self.layers: Mapping[str, Placed] = {}
        self.domain: frozenset[str] = frozenset()
        """The paths of the files of the domain layer."""
        self.crossings: dict[tuple[str, Site, str], Crossing] = {}
        self.crossed: dict[object, dict[tuple[str, Site, str], Crossing]] = {}
        self.crossing: dict[object, tuple[Crossing, ...]] = {}
        """For each context the crossings of what it was given: they become known where it is called."""
        self.spared: set[int] = set()
        """Expressions `x.__dict__` (by identity: records outlive the world) of which one entry is used."""
        self.promises: dict[str, tuple[str, ...]] = {}
        self.handlers: dict[str, bool] = {}
        self.added_routes: dict[str, frozenset[str]] = {}
        self.noticed: dict[object, dict[tuple[str, Site], Incident]] = {}
        self.incidents: dict[tuple[str, Site], Incident] = {}
        self.listeners: dict[str, str] = {}
        """Functions that `event.listen` registers, each with the event's name."""
        self.committing: set[SessionId] = set()
        """The sessions of request dependencies that some dependency commits."""

    def has_observed(self, key: object) -> bool:
        return key in self.noted or key in self.observed or key in self.raising or key in self.noticed or key in self.crossed

    def change(self, table: str, *name: str) -> None:
        """Adds to a table that is asked while functions are run."""
        found: set[str] = getattr(self, table)
        if name[0] not in found:
            found.add(name[0])
            self.changes.append(Change(table, name))

    def is_abandoned(self, function: str) -> bool:
        """Whether some context of a function was too large to be run to its end."""
        if not self.abandoned and not self.volatile:
            return False
        if function in self.abandoned or ("abandoned", (function,)) in self.volatile:
            self.doubt(f"{function} is too large")
        return function in self.abandoned

    def is_committed(self, id: SessionId) -> bool:
        """Whether some request dependency commits the session."""
        self.asks("committing", *name_of(id))
        return id in self.committing

    def commits(self, id: SessionId) -> None:
        """Notes that a request dependency commits a session."""
        if id not in self.committing:
            self.committing.add(id)
            self.changes.append(Change("committing", name_of(id), id))

    def raise_flag(self, name: str) -> None:
        """Notes that something holds for the whole project."""
        if not getattr(self, name):
            setattr(self, name, True)
            self.changes.append(Change(name))

    def is_serializable(self) -> bool:
        """Whether an engine of the project isolates transactions so that conflicts raise."""
        self.asks("serializable")
        return self.serializable

    def handles_violations(self) -> bool:
        """Whether the whole application handles violations of unique keys."""
        self.asks("violations_handled")
        return self.violations_handled

    def is_named_eager(self, name: str) -> bool:
        """Whether some option loads a relationship of this name, of a class that is not known."""
        self.asks("eager", name)
        return name in self.eager

    def eagerly(self, model: str, name: str) -> bool:
        """Whether some option or mapping of the project loads this relationship with its owner."""
        mapped = self.classes.mapped_attribute(model, name)
        owner = (mapped.owner if mapped is not None else "") or model
        for asked in (f"{owner}.{name}", name, "*"):
            self.asks("eager", asked)
        return f"{owner}.{name}" in self.eager or name in self.eager or "*" in self.eager

    def called_as(self, function: str) -> str:
        """The name by which the configuration may speak of a function: where it is offered, or where it is defined."""
        if self._offered is None:
            self._offered = {}
            for name in self.config.external_effects:
                module, _, last = name.rpartition(".")
                value = self.steps.module_value(self, module, last) if module in self.symbols.modules else None
                if isinstance(value, (FuncRef, ClassRef)):
                    self._offered[value.func if isinstance(value, FuncRef) else value.cls] = name
        owner, _, method = function.rpartition(".")
        if owner in self._offered:
            return f"{self._offered[owner]}.{method}"
        return self._offered.get(function) or function.replace(":", ".").replace(".<locals>", "")

    def names(self, node: r.Node) -> frozenset[str]:
        """The bare names in an expression, remembered by its identity (records outlive the world)."""
        found = self.mentions.get(id(node))
        if found is None:
            found = self.mentions[id(node)] = names_in(node)
        return found


class Lender(NamedTuple):
    """A generator that stands at its yield while a loop runs with what it lends."""

    summary: Summary
    back: Substitution
    committed: frozenset[SessionId]
    """The sessions that it commits behind its yield."""
    whatever: bool
    """Whether it commits also where it is closed at its yield."""


class Frame:
    """A function, module body or class body being run."""

    __slots__ = (
        "awaited",
        "blocked",
        "blocks",
        "breaks",
        "budget",
        "captures",
        "catches",
        "closure",
        "cls",
        "committed",
        "conditions",
        "conflicts",
        "constructed",
        "continues",
        "coroutine",
        "crossings",
        "dead",
        "empty",
        "ended_under",
        "ending",
        "ends",
        "entered",
        "exceptional",
        "final",
        "function",
        "given",
        "globals",
        "guards",
        "in_domain",
        "iterating",
        "known_loaded",
        "lent",
        "links",
        "looked_up",
        "loops",
        "loose",
        "made_under",
        "managed",
        "module_level",
        "name",
        "offloaded",
        "order",
        "path",
        "pending",
        "rendering",
        "returned",
        "reused",
        "risks",
        "risky",
        "rolled_back",
        "scope",
        "searches",
        "self_value",
        "sessions_made",
        "set_here",
        "state",
        "streamed",
        "subject",
        "suspended",
        "testing",
        "tests",
        "typevars",
        "unawaited",
        "undone",
        "unsure",
        "walk",
        "world",
        "written",
        "wrote",
        "yielded",
        "yields",
    )

    def __init__(self, world: World, scope: ModuleScope, function: FunctionNode | None, budget: int = 60_000) -> None:
        self.world = world
        self.scope = scope
        self.path = scope.path
        self.function = function
        self.name = function.id if function is not None else f"{scope.name}:"
        self.state = State()
        self.dead = False
        self.loops: list[Loop] = []
        self.conditions: list[tuple[int, str]] = []
        self.blocks: list[tuple[Sequence[r.Stmt], int]] = []
        self.exceptional = 0
        self.closure: dict[str, Value] = {}
        self.returned: Value = NEVER
        self.yielded: Value = NEVER
        self.ends: list[tuple[str, Site, State]] = []
        self.breaks: list[list[State]] = []
        self.continues: list[list[State]] = []
        self.catches: list[list[State]] = []
        self.self_value: Value | None = None
        self.cls = function.cls if function is not None else ""
        self.budget = budget
        self.globals: set[str] = set()
        self.order: dict[Event, None] = {}
        self.typevars: dict[str, Value] = {}
        self.pending: dict[object, Repeated] = {}
        self.sessions_made: dict[SessionId, Session] = {}
        self.risky: dict[SessionId, Site] = {}
        self.managed: set[SessionId] = set()
        self.links: dict[Origin, tuple[Entity, ...]] = {}
        self.streamed: Session | None = None
        self.subject: r.Expr | None = None
        """The expression that gives the object which a serialiser reads, where that is one of several arguments."""
        self.reused: dict[SessionId, list[tuple[Event, Site]]] = {}
        self.final = 0
        self.ending: list[tuple[SessionId, bool]] = []
        self.committed: set[SessionId] = set()
        self.undone: set[SessionId] = set()
        self.constructed: set[str] = set()
        """The classes of which it has made objects that it keeps for itself."""
        self.wrote: dict[SessionId, tuple[Session, tuple[Step, ...]]] = {}
        self.loose: set[SessionId] = set()
        self.rolled_back: set[SessionId] = set()
        self.risks: list[dict[SessionId, Risk]] = [{}]
        self.yields: list[State] = []
        self.tests: list[frozenset[str]] = []
        self.empty: list[str] = []
        """For each `if` around this place: the attribute that it has found empty."""
        self.known_loaded: list[frozenset[str]] = []
        self.searches: set[int] = set()
        self.written: tuple[r.Expr, r.Call] | None = None
        self.rendering: object = None
        """The rendering that it is part of, where it runs a template."""
        self.walk: list[Event] | None = None
        """What a serialiser or template reads is kept here, not among the function's own events."""
        self.made_under: dict[SessionId, frozenset[str]] = {}
        self.ended_under: set[SessionId] = set()
        self.conflicts: dict[object, Conflict] = {}
        self.guards = 0
        self.looked_up: list[Entity] = []
        self.testing = False
        self.module_level = function is None
        self.in_domain = scope.path in world.domain
        self.crossings: dict[tuple[str, Site, str], Crossing] | None = None
        self.entered: set[object] | None = set() if self.in_domain else None
        self.given: dict[object, str] | None = {} if self.in_domain else None
        self.set_here: dict[object, tuple[Site, Entity]] | None = None
        """In domain code: the entities that it sets attributes of, each with the first place."""
        self.coroutine = function is not None and function.node.is_async
        self.offloaded = 0
        self.lent: dict[SessionId, SessionState] = {}
        """The transactions that the dependency which was asked last has opened."""
        self.iterating: r.Expr | None = None
        """The source of the `for` that begins."""
        self.suspended: Lender | None = None
        """The generator that it goes over, where that stands at its yield meanwhile."""
        self.unsure = False
        """Whether what runs is called on one of several sessions: on which one, nobody knows."""
        self.awaited: Site | None = None
        self.blocked: set[object] = set()
        self.captures: list[list[Event]] = []
        self.unawaited: dict[Site, Event] = {}

    def site(self, node: r.Node) -> Site:
        return Site(self.path, node.start, node.end)

    def evaluate(self, expr: r.Expr) -> Value:
        return self.world.steps.evaluate(self, expr)

    def attribute(self, value: Value, name: str, node: r.Node) -> Value:
        return self.world.steps.attribute(self, value, name, node)

    def call(self, callee: Value, actuals: Sequence[Actual], node: r.Node) -> Value:
        return self.world.steps.call(self, callee, actuals, node)

    def run(self, body: Sequence[r.Stmt]) -> None:
        self.world.steps.run(self, body)

    def declared(self, annotation: r.Expr | None, name: str = "") -> Value:
        return self.world.steps.declared(self, annotation, name)

    def declared_in(self, cls: str, annotation: r.Expr, name: str) -> Value:
        """What an annotation in the body of class `cls` declares."""
        inner = self.module_frame(self.world.classes.infos[cls].module)
        inner.cls = cls
        inner.typevars = self.typevars
        return inner.declared(annotation, name)

    def world_value(self, module: str, name: str) -> Value:
        """What `name` at the top of `module` is."""
        return self.world.steps.module_value(self.world, module, name)

    def module_frame(self, module: str) -> Frame:
        """A frame in which names mean what they mean at the top of `module`."""
        return Frame(self.world, self.world.symbols.modules[module], None)

    def function_frame(self, function: str, cls: str = "") -> Frame:
        """A frame in which a function's parameters are what they declare."""
        return self.world.steps.entry_frame(self.world, function, cls)

    def spend(self) -> None:
        self.budget -= 1
        if self.budget < 0:
            raise TooMuch

    def varying(self, node: r.Node) -> tuple[Site, ...]:
        """The active loops in each of whose iterations this expression may give something else."""
        if not self.loops:
            return ()
        names = self.world.names(node)
        return tuple(loop.site for loop in self.loops if loop.infinite or not loop.varying.isdisjoint(names))

    def emit(self, event: Event) -> None:
        """Notes that `event` happens here."""
        if self.dead:
            return
        if self.walk is not None:
            self.walk.append(event)
            return
        self.state.events[event] = None
        if self.state.unsaved and event.kind in _FLUSHING:
            self.state.unsaved = frozenset()
        if event not in self.order:
            self.order[event] = None
            if event.kind == "load":
                self._note_read(event)
        for captured in self.captures:
            captured.append(event)
        if self.state.running and event.session is not None:
            self.world.steps.beside(self, event)

    def _note_read(self, event: Event) -> None:
        """Keeps a read that raises, once it is known of which object: until then it is the callers' to keep."""
        entity, session = event.entity, event.session
        if event.how != "detached" and (session is None or not session.is_async or event.how in ("awaited", "cascade")):
            return
        if entity is None or entity.origin.site.path == "":
            return
        found = self.world.raising.setdefault(self.world.current, {})
        key = (event.end, event.attr, "detached" if event.how == "detached" else "async")
        known = found.get(key)
        if known is None or (known.event.confidence, -len(known.event.via)) < (event.confidence, -len(event.via)):
            found[key] = Read(event, self.name)

    def by_coroutine(self, event: Event) -> None:
        """Keeps the first thing that a coroutine itself does with each synchronous session, and with each registry."""
        session = event.session
        if self.offloaded or self.dead or event.kind == "close" or (session is None and event.how != "core"):
            return
        is_async = session is not None and session.is_async
        if (is_async and session is not None and not session.scoped) or (not is_async and event.site == self.awaited):
            return
        key = (event.kind in QUIET, session.id if session is not None and not is_core(session) else None)
        if key not in self.blocked:
            self.blocked.add(key)
            self.note("in_coroutine", event, detail="quiet" if key[0] else "")

    def note(self, kind: str, event: Event, other: Site | None = None, detail: str = "") -> None:
        """Keeps for the rules that `event` is wrong where it stands, in the context that is being run."""
        found = self.world.noted.setdefault(self.world.current, {})
        found.setdefault((kind, event.site, event.attr), Misuse(kind, event, self.name, other, detail))

    def happens(self, kind: str, node: r.Node, **details: object) -> Event:
        """An event of this place, with the conditions that stand around it."""
        event = Event(
            kind,
            self.site(node),
            conditions=tuple(self.conditions),
            exceptional=self.exceptional > 0,
            after_yield=self.state.yielded,
            aside=self.coroutine or self.offloaded > 0,
            **details,  # type: ignore[arg-type]
        )
        self.emit(event)
        if self.coroutine:
            self.by_coroutine(event)
        return event
