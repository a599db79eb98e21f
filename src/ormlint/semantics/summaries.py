"""Summaries in terms of what a function was given: symbols in place of the caller's sessions and entities, and back.

`Symbols` replaces each session and each entity in a call's arguments by a numbered symbol, so that calls which differ only in *which*
session they pass share one summary. `Substitution` puts a call's own values into a summary's results and events.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ormlint.facts import records as r
from ormlint.orms import registry as orms
from ormlint.semantics.events import FRESH, Event, Live, Lost
from ormlint.semantics.state import State
from ormlint.semantics.values import (
    NONE,
    NOWHERE,
    UNKNOWN,
    Awaitable,
    ClassRef,
    Coll,
    Const,
    Entity,
    Factory,
    FuncRef,
    Instance,
    LibInstance,
    LibRef,
    Manager,
    Method,
    ModelAttr,
    ModuleRef,
    NameOf,
    Never,
    Option,
    Origin,
    Partial,
    Plain,
    Query,
    Result,
    Seen,
    Session,
    SessionId,
    Site,
    Super,
    Tup,
    TypeVarRef,
    UnionOf,
    Unknown,
    Value,
    is_anew,
    union,
)

_WITHOUT = frozenset({Unknown, Never, Const, Plain, LibRef, ModuleRef, ClassRef, ModelAttr, Option, Factory, TypeVarRef})
_SHAPELESS = frozenset({Plain, Unknown, LibRef})


def transform(value: Value, session: Callable[[Session], Session], entity: Callable[[Entity], Value], telling: bool = True) -> Value:
    """The value with every session and entity in it replaced; without `telling`, plain values forget what they were read from."""
    kind = type(value)
    if kind in _WITHOUT:
        if kind is Plain and value.seen:  # type: ignore[union-attr]
            return Plain(value.type, _told(value.seen, entity)) if telling else Plain(value.type)  # type: ignore[union-attr]
        return value
    if type(value) is Session:
        return session(value)
    if type(value) is Entity:
        return entity(value)
    if type(value) is Coll:
        elem = transform(value.elem, session, entity, telling)
        key = None if value.key is None else transform(value.key, session, entity, telling)
        lazy = tuple([session(item) for item in value.lazy]) if value.lazy else ()
        if elem is value.elem and key is value.key and lazy == value.lazy:
            return value
        return Coll(value.kind, elem, key, value.size, value.batches, lazy, value.streams)
    if type(value) is Tup:
        return Tup(tuple([transform(item, session, entity, telling) for item in value.items]), value.names)
    if type(value) is UnionOf:
        return UnionOf(tuple([transform(item, session, entity, telling) for item in value.items]))
    if type(value) is Instance:
        if not value.fields:
            return value
        return Instance(value.cls, tuple([(name, transform(item, session, entity, telling)) for name, item in value.fields]), value.born)
    if kind is FuncRef:
        assert type(value) is FuncRef
        if value.bound is None and not value.closure:
            return value
        bound = None if value.bound is None else transform(value.bound, session, entity, telling)
        return FuncRef(value.func, bound, tuple([(name, transform(item, session, entity, telling)) for name, item in value.closure]))
    if type(value) is Method:
        return Method(transform(value.receiver, session, entity, telling), value.name)
    if type(value) is Partial:
        return Partial(
            transform(value.func, session, entity, telling),
            tuple([transform(item, session, entity, telling) for item in value.args]),
            tuple([(name, transform(item, session, entity, telling)) for name, item in value.keywords]),
        )
    if type(value) is Query:
        if value.told:
            value = msgspec.structs.replace(value, told=_told(value.told, entity) if telling else ())
        return value if value.session is None else msgspec.structs.replace(value, session=session(value.session))
    if type(value) is Result:
        query = transform(value.query, session, entity, telling)
        return msgspec.structs.replace(value, query=query, session=None if value.session is None else session(value.session))
    if type(value) is Awaitable:
        uses = tuple([session(item) for item in value.uses]) if value.uses else ()
        holds = tuple([session(item) for item in value.holds]) if value.holds else ()
        return Awaitable(transform(value.value, session, entity, telling), value.made, uses, holds, value.born, value.started)
    if type(value) is LibInstance:
        if not value.data:
            return value
        return LibInstance(value.cls, tuple([(name, transform(item, session, entity, telling)) for name, item in value.data]))
    if type(value) is Manager:
        return Manager(
            value.kind,
            transform(value.enter, session, entity, telling),
            None if value.session is None else session(value.session),
            None if value.func is None else transform(value.func, session, entity, telling),
            tuple([transform(item, session, entity, telling) for item in value.args]),
            tuple([(name, transform(item, session, entity, telling)) for name, item in value.keywords]),
        )
    if type(value) is Super:
        return Super(value.cls, transform(value.bound, session, entity, telling))
    return value


def _told(told: tuple[Seen, ...], entity: Callable[[Entity], Value]) -> tuple[Seen, ...]:
    found = [(entity(item.entity), item) for item in told]
    return tuple(Seen(other, item.attr, item.how) for other, item in found if isinstance(other, Entity))


_KINDS = frozenset(orms.KINDS) - {"expression", "value", "list", "tuple", "set", "dict", "response", "request"}
_TELLING = frozenset({Session, Entity, Query, Result, Factory, Option, ModelAttr, FuncRef, Partial, ClassRef, Manager, Super})
_HOLDING = frozenset({Coll, Tup, UnionOf, Instance, LibInstance, Awaitable, Method})


def matters(value: Value, depth: int = 0) -> bool:
    """Whether a value may change what a function does to the ORM: it is or holds a session, entity, query, class or callback."""
    kind = type(value)
    if kind in _TELLING:
        return True
    if depth > 5 or kind not in _HOLDING:
        return False
    if type(value) is Coll:
        return matters(value.elem, depth + 1) or (value.key is not None and matters(value.key, depth + 1))
    if isinstance(value, (Tup, UnionOf)):
        return any(matters(item, depth + 1) for item in value.items)
    if type(value) is Instance:
        return any(matters(item, depth + 1) for _, item in value.fields)
    if type(value) is LibInstance:
        return value.cls in _KINDS or any(matters(item, depth + 1) for _, item in value.data)
    if type(value) is Awaitable:
        return bool(value.uses) or matters(value.value, depth + 1)
    return type(value) is Method and matters(value.receiver, depth + 1)


def plain(value: Value) -> Value:
    """What is left of a value that does not matter: its shape, flags and None."""
    if type(value) in _SHAPELESS:
        return UNKNOWN
    if type(value) is Coll:
        return Coll(value.kind, UNKNOWN, None if value.key is None else UNKNOWN, None, value.batches)
    if type(value) is Const:
        return value if value.kind in ("bool", "none") else UNKNOWN
    if type(value) is NameOf:
        return UNKNOWN
    if type(value) is UnionOf:
        parts = union(tuple(plain(item) for item in value.items))
        return parts if type(parts) is not UnionOf or (len(parts.items) == 2 and NONE in parts.items) else UNKNOWN
    if type(value) is Instance:
        return Instance(value.cls)
    if type(value) is Tup:
        return Tup(tuple(plain(item) for item in value.items)) if len(value.items) <= 8 else UNKNOWN
    if type(value) is LibInstance and value.cls == "kwargs":
        return LibInstance("kwargs", tuple((name, plain(item)) for name, item in value.data))
    if type(value) is LibInstance and value.cls == "expression":
        return LibInstance("expression")
    return value


class Symbolic:
    """The symbols of one call: what each stands for, and how the callee's state starts."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.sessions: dict[SessionId, tuple[Session, Session]] = {}
        self.entities: dict[tuple[Origin, tuple[str, ...], tuple[Site, ...]], tuple[Entity, Entity]] = {}
        self.live: dict[Origin, Live] = {}

    def value(self, value: Value) -> Value:
        return transform(value, self.session, self.entity, False)

    def session(self, session: Session) -> Session:
        known = self.sessions.get(session.id)
        if known is not None:
            return known[0]
        if session.id.kind in ("global", "field"):
            symbol = msgspec.structs.replace(session, born=())
        else:
            id = SessionId("arg", NOWHERE, str(len(self.sessions)))
            symbol = Session(
                id,
                session.is_async,
                session.expires,
                session.scoped,
                (),
                "caller",
                session.autocommit,
                autoflush=session.autoflush,
                cls=session.cls,
            )
        self.sessions[session.id] = (symbol, session)
        return symbol

    def entity(self, entity: Entity) -> Entity:
        key = (entity.origin, entity.path, entity.born)
        known = self.entities.get(key)
        if known is not None:
            return known[0]
        origin = entity.origin
        live = self.state.live.get(origin, FRESH)
        prefix = ".".join(entity.path)
        expired = live.expired or origin.expired
        base = origin.loaded if expired is not None else origin.loaded | live.loaded
        kind = origin.kind if origin.kind in ("new", "unknown") else "arg"
        if (kind == "new" and entity.path) or _came_from_elsewhere(live, entity.path):
            kind = "unknown"  # what was put into a new object came from elsewhere
        symbol_origin = Origin(
            kind,
            NOWHERE,
            str(len(self.entities)),
            _below(base, prefix),
            _below(origin.blocked, prefix),
            _below(origin.undeferred, prefix),
            _below(origin.deferred, prefix),
            None if origin.session is None else self.session(origin.session),
            exact=origin.exact,
            whole=origin.whole and not entity.path,
            beside=origin.beside if not entity.path else (),
        )
        symbol = Entity(entity.model, symbol_origin, (), (), entity.base)
        self.entities[key] = (symbol, entity)
        fresh = _below(live.fresh, prefix) | ({""} if prefix in live.fresh else frozenset())
        due, lost = _symbolic(live.due, prefix), _symbolic(live.lost, prefix)
        if expired is not None or due or lost or live.detached is not None or live.grafted or live.flushed or live.deleted:
            self.live[symbol_origin] = Live(
                _below(live.loaded, prefix) if expired is not None else frozenset(),
                NOWHERE if expired is not None else None,
                live.how,
                fresh,
                NOWHERE if live.detached is not None else None,
                live.detached_how,
                frozenset(),
                _below(live.grafted, prefix),
                live.flushed,
                live.deleted,
                due=due,
                lost=lost,
            )
        elif live.outdated or live.mismatched:
            paths = tuple((path[len(prefix) + 1 :] if prefix else path, site) for path, site in live.mismatched if path.startswith(prefix))
            self.live[symbol_origin] = Live(outdated=live.outdated, mismatched=paths)
        else:
            self.live[symbol_origin] = FRESH
        return symbol

    def key(self) -> tuple[tuple[Origin, Live], ...]:
        """What of the caller's state the callee may see, as part of its context."""
        return tuple((origin, live) for origin, live in self.live.items() if live is not FRESH)


def _came_from_elsewhere(live: Live, path: tuple[str, ...]) -> bool:
    """Whether an object is reached over a relationship that was set."""
    return bool(live.grafted) and any(".".join(path[: at + 1]) in live.grafted for at in range(len(path)))


def _symbolic(items: frozenset[Lost], prefix: str) -> frozenset[Lost]:
    """What a callee may know of lost attributes: not where they were lost."""
    if not items:
        return items
    start = f"{prefix}." if prefix else ""
    return frozenset([Lost(item.path[len(start) :], NOWHERE, item.how) for item in items if item.path.startswith(start)])


def _below(paths: frozenset[str], prefix: str) -> frozenset[str]:
    if not prefix or not paths:
        return paths
    start = prefix + "."
    return frozenset(path[len(start) :] for path in paths if path.startswith(start))


class Substitution:
    """The way back: the callee's symbols as the caller's values, and the callee's own sessions and origins as seen from the call."""

    def __init__(self, symbols: Symbolic, call: Site, born: tuple[Site, ...], loops: tuple[Site, ...]) -> None:
        self.sessions = {symbol.id: actual for symbol, actual in symbols.sessions.values()}
        self.entities = {symbol.origin: actual for symbol, actual in symbols.entities.values()}
        self.call = call
        self.born = born
        self.loops = loops
        self.made: dict[SessionId, Session] = {}
        self.typevars: dict[str, Value] = {}
        self.owner_born: tuple[Site, ...] = ()
        self.memo = False
        self.params: dict[str, Value] = {}
        self.given: dict[str, tuple[r.Node, ...]] | None = None
        """The expressions that the call gives to each parameter, where its text says so."""
        self.varying: dict[str, tuple[Site, ...]] | None = None
        """The caller's loops in which what it gives to each parameter changes."""
        self.origins: dict[Origin, Origin] = {}
        self.began = symbols.live
        """What the callee knew of the objects that it was given when it began."""

    def value(self, value: Value) -> Value:
        return transform(value, self.session, self.entity)

    def session(self, session: Session) -> Session:
        actual = self.sessions.get(session.id)
        if actual is not None:
            return actual
        if session.id.kind == "made":
            known = self.made.get(session.id)
            if known is None:
                known = msgspec.structs.replace(
                    session, id=SessionId("made", self.call, session.id.name or str(session.id.site.start)), born=self.loops
                )
                self.made[session.id] = known
            return known
        if is_anew(session.id):
            return msgspec.structs.replace(session, id=SessionId("global", self.call, session.id.name), born=self.loops)
        if session.id.kind == "field" and self.owner_born:
            return msgspec.structs.replace(session, born=self.owner_born)
        return session

    def attached(self, origin: Origin, session: Session) -> None:
        """What was given as new has joined a session in the callee: the caller's name for it knows that too."""
        joined = msgspec.structs.replace(origin, session=session)
        for symbol, actual in self.entities.items():
            if actual.origin == origin:
                self.entities[symbol] = Entity(actual.model, joined, actual.path, actual.born, actual.base)

    def entity(self, entity: Entity) -> Entity:
        actual = self.passed(entity.origin)
        if actual is not None:
            return Entity(
                entity.model,
                actual.origin,
                (*actual.path, *entity.path),
                actual.born,
                entity.base or (actual.base if not entity.path else ""),
            )
        return Entity(entity.model, self.origin(entity.origin), entity.path, self.born)

    def origin(self, origin: Origin) -> Origin:
        known = self.origins.get(origin)
        if known is None:
            session = None if origin.session is None else self.session(origin.session)
            via = origin.via if len(origin.via) >= 4 else (*origin.via, self.call)
            known = msgspec.structs.replace(origin, session=session, via=via)
            self.origins[origin] = known
        return known

    def gave(self, session: Session | None) -> bool:
        """Whether the call passed in the callee's `session`."""
        return session is not None and session.id in self.sessions

    def is_given(self, event: Event) -> bool:
        """Whether the event concerns an entity that the call passed in."""
        return event.entity is not None and self.passed(event.entity.origin) is not None

    def passed(self, origin: Origin) -> Entity | None:
        """What the caller passed in, where an origin of the callee stands for it."""
        found = self.entities.get(origin)
        if found is None and origin.kind == "new" and origin.site == NOWHERE:
            # The callee put it into a session, or let others set what they liked: there it has another origin.
            for symbol, actual in self.entities.items():
                if symbol.kind == "new" and symbol.name == origin.name:
                    return actual
        return found
