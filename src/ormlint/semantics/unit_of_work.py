"""What an operation on a session does to the state: commits, expiries, ends, and the transaction.

Takes a frame, a session value and a word of the vocabulary's effects; changes the frame's state and notes the event. Entities
know their session by their origin; those of an unknown session are left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType

import msgspec

from ormlint.facts import records as r
from ormlint.orms.vocabulary import EFFECTS
from ormlint.semantics.autoflush import flushes
from ormlint.semantics.dependence import parameters_behind, unsteady
from ormlint.semantics.events import FRESH, UNTOUCHED, Live, Overwritten
from ormlint.semantics.expiry import OPTION
from ormlint.semantics.frame import Frame
from ormlint.semantics.loading import eager_below
from ormlint.semantics.scope import USES, used
from ormlint.semantics.summaries import transform
from ormlint.semantics.transactions import advance, let_go, noted_end, settled
from ormlint.semantics.unfetched import found, kept, met_again, sent
from ormlint.semantics.values import (
    Actual,
    Awaitable,
    ClassRef,
    Const,
    Entity,
    Factory,
    LibInstance,
    LibRef,
    ModelAttr,
    ModuleRef,
    Never,
    Origin,
    Plain,
    Query,
    Session,
    SessionId,
    Site,
    Unknown,
    Value,
    options_of,
    registry_of,
)

_EVENT_KINDS = {
    "commit": "commit", "commit_or_rollback": "commit", "commit_and_close": "commit", "rollback": "rollback", "flush": "flush",
    "query": "query", "get": "query", "execute": "query", "stream": "query", "write": "write", "refresh": "query", "merge": "query",
    "merge_all": "query", "add": "add", "add_all": "add", "delete": "add", "delete_all": "add", "close": "close", "reset": "close",
    "invalidate": "close", "remove": "close", "close_all": "close", "begin": "begin", "begin_nested": "savepoint",
    "expire_all": "expire", "expire": "expire", "expunge_all": "expunge", "expunge": "expunge",
}  # fmt: skip


def operate(
    frame: Frame,
    session: Session | None,
    effect: str,
    node: r.Node,
    note: str = "",
    attr: str = "",
    varies: tuple[Site, ...] | None = None,
    block: bool = False,
    entity: Entity | None = None,
    query: Query | None = None,
) -> None:
    """Lets `effect` happen on `session` (None: on one that is not known) at `node`; `query` is what it sends."""
    kind = _EVENT_KINDS.get(effect)
    if kind is None:
        return
    if varies is None:
        varies = frame.varying(node)
    if session is not None and kind in USES:
        used(frame, session, node)
    if session is not None and effect == "remove":
        frame.world.leave("removed", registry_of(session.id))
    if kind in ("query", "write"):
        frame.happens(
            kind, node, session=session, note=note, attr=attr, varies=varies, how=effect, block=block, entity=entity,
            needs=parameters_behind(frame, node), unsteady=unsteady(frame, node),
            over=query.over if query is not None else (), about=query.about if query is not None else frozenset(),
        )  # fmt: skip
    else:
        over = settled(frame) if kind == "begin" else frozenset()
        frame.happens(
            kind, node, session=session, note=note, attr=attr, varies=varies, how=effect, block=block, entity=entity, settled=over
        )
    if session is not None and not frame.dead:
        site = frame.site(node)
        if effect in ("commit", "rollback", "commit_or_rollback"):
            noted_end(frame, session, effect, site, block)
            if effect == "rollback" and not block and not frame.exceptional:
                frame.rolled_back.add(session.id)
        advance(frame, session, effect, site, note, block)
        flushes(frame, session, effect, node, entity, query is None or not query.manual)
        change(frame, session, effect, site)


_CHANGING = frozenset({"add", "add_all", "delete", "delete_all", "merge", "merge_all", "write"})
"""What leaves something to commit. A flush does not: it sends what one of these has left."""


_STORED = 4
"""So many changes are remembered as committed."""


def change(frame: Frame, session: Session, effect: str, site: Site, far: bool = False) -> None:
    """The effect on what the state knows: expiry, detachment, the changes to commit, the session's fate. `far` where it happens many calls
    away: what is changed there is no business of the code at hand."""
    state = frame.state
    if effect == "mutate":
        touched = state.sessions.get(session.id, UNTOUCHED)
        if touched.written is None and not frame.exceptional and not far:
            state.sessions[session.id] = msgspec.structs.replace(touched, written=site)
        return
    row = EFFECTS.get(effect)
    if row is None:
        return
    state = frame.state
    if row.autoflushes:
        sent(frame, session, effect, site)
        for origin, known in state.live.items():
            if origin.kind == "new" and not known.flushed and _same(origin.session, session):
                state.live[origin] = msgspec.structs.replace(known, flushed=True)
    if row.expires == "all":
        if effect.startswith("commit"):
            expires = session.expires if session.expires is not None else frame.world.habits.of(session.is_async)
            if expires is True:
                _expire(frame, session, site, "commit")
        else:
            how = "rollback" if effect == "rollback" else "expire_all"
            _expire(frame, session, site, "failure" if frame.exceptional and how == "rollback" else how)
    if row.detaches == "all":
        for origin in list(state.live):
            if _same(origin.session, session):
                known = state.live[origin]
                state.live[origin] = msgspec.structs.replace(known, detached=site, detached_how=effect)
    known_state = state.sessions.get(session.id, UNTOUCHED)
    fates, ended, written = known_state.fates, known_state.ended, known_state.written
    if effect in _CHANGING and not frame.exceptional and not far:
        written = written or site
    locks, stored = known_state.locks, known_state.stored
    if row.ends_transaction:
        if written is not None and len(stored) < _STORED:
            stored |= {written}
        written, locks = None, frozenset()
        if session.id.kind != "made":  # two names for sessions from outside may be one session
            for id, other in list(state.sessions.items()):
                if other.written is not None and id.kind != "made" and id != session.id:
                    state.sessions[id] = msgspec.structs.replace(other, written=None)
    if effect in ("close", "reset", "invalidate", "remove", "close_all", "commit_and_close"):
        frame.world.leave("ended", session.id)
        if fates:
            if frame.tests and frame.made_under.get(session.id) == frame.tests[-1]:
                frame.ended_under.add(session.id)  # `if own:` made it, `if own:` ends it
            if "open" in fates and session.id in frame.sessions_made and not frame.final and not frame.exceptional:
                frame.risky[session.id] = site
            fates = frozenset({"closed"})
        ended = site
    elif row.runs_sql:
        ended = None
    if (fates, ended, written, locks) != (known_state.fates, known_state.ended, known_state.written, known_state.locks):
        state.sessions[session.id] = msgspec.structs.replace(
            known_state, fates=fates, ended=ended, written=written, locks=locks, stored=stored
        )


def released(frame: Frame, session: Session, node: r.Node) -> None:
    """The block of a savepoint ends: what waits is sent first."""
    frame.state.unsaved = frozenset()
    flushes(frame, session, "flush", node)
    change(frame, session, "flush", frame.site(node))


def lock(frame: Frame, session: Session | None, what: str, node: r.Node) -> None:
    """A statement has locked something until the transaction ends: "rows Order", "written Order", "any"."""
    frame.happens("lock", node, session=session, attr=what)
    hold(frame, session, what)


def hold(frame: Frame, session: Session | None, what: str) -> None:
    """The session's transaction holds a lock from here on."""
    if session is not None:
        known = frame.state.sessions.get(session.id, UNTOUCHED)
        frame.state.sessions[session.id] = msgspec.structs.replace(known, locks=known.locks | {what})


def overwrite(frame: Frame, session: Session | None, written: Overwritten, node: r.Node) -> None:
    """A statement changes rows without telling the session: the objects that it holds keep their old values."""
    if session is not None and written.table:
        frame.happens("overwrite", node, session=session, attr=written.table, how=",".join(written.columns), note=written.note)
        outdate(frame, session, written)


def outdate(frame: Frame, session: Session, written: Overwritten) -> None:
    """What the session's objects hold of these columns is old from here on."""
    live = frame.state.live
    for origin in list(live):
        if _same(origin.session, session) and origin.kind != "new":
            known = live[origin]
            if written not in known.outdated:
                live[origin] = msgspec.structs.replace(known, outdated=(*known.outdated, written)[:4])


def renew(frame: Frame, session: Session | None) -> None:
    """What a query reads overwrites what the session held."""
    for origin, known in list(frame.state.live.items()):
        if known.outdated and (session is None or _same(origin.session, session)):
            frame.state.live[origin] = msgspec.structs.replace(known, outdated=())


def _same(one: Session | None, other: Session) -> bool:
    return one is not None and one.id == other.id


def _expired(known: Live, site: Site, how: str) -> Live:
    nothing: frozenset[str] = frozenset()
    return msgspec.structs.replace(
        known,
        loaded=nothing,
        expired=site,
        how=how,
        fresh=nothing,
        asked=nothing,
        assigned=nothing,
        outdated=(),
        mismatched=(),
        due=frozenset(),
        lost=frozenset(),
    )


def renew_one(frame: Frame, entity: Entity) -> None:
    """What is read of one object next comes from the database."""
    known = frame.state.live.get(entity.origin, FRESH)
    if known.outdated or known.mismatched:
        frame.state.live[entity.origin] = msgspec.structs.replace(known, outdated=(), mismatched=())


def _expire(frame: Frame, session: Session, site: Site, how: str) -> None:
    for origin in list(frame.state.live):
        known = frame.state.live[origin]
        if known.detached is None and _same(origin.session, session):
            frame.state.live[origin] = _expired(known, site, how)


def expire_one(frame: Frame, entity: Entity, site: Site, how: str) -> None:
    """Expires one object."""
    known = frame.state.live.get(entity.origin, FRESH)
    frame.state.live[entity.origin] = _expired(known, site, how)


def delete_one(frame: Frame, entity: Entity) -> None:
    """Marks one object for deletion."""
    known = frame.state.live.get(entity.origin, FRESH)
    if not entity.path and not known.deleted:
        frame.state.live[entity.origin] = msgspec.structs.replace(known, deleted=True)


def make_transient(frame: Frame, entity: Entity, site: Site) -> None:
    """Takes one object out of its session and has it forget that it was ever stored: what it lacks is empty, and nothing raises."""
    known = frame.state.live.get(entity.origin, FRESH)
    frame.state.live[entity.origin] = msgspec.structs.replace(
        known, deleted=True, expired=known.expired or site, detached=site, detached_how="make_transient"
    )


def detach_one(frame: Frame, entity: Entity, site: Site, how: str) -> None:
    """Takes one object out of its session."""
    known = frame.state.live.get(entity.origin, FRESH)
    frame.state.live[entity.origin] = msgspec.structs.replace(known, detached=site, detached_how=how)


def attach(frame: Frame, origin: Origin, session: Session) -> None:
    """Objects that are new, handed in or detached join a session: from now on every name for them knows it."""
    state = frame.state
    known = state.live.get(origin, FRESH)
    if origin.session is not None and (known.detached is None or origin.session.id == session.id):
        if known.detached is not None:
            state.live[origin] = msgspec.structs.replace(known, detached=None, detached_how="")
        return
    if origin.kind in ("self", "unknown"):
        return
    joined = msgspec.structs.replace(origin, session=session)
    state.live[joined] = msgspec.structs.replace(known, detached=None, detached_how="")
    rename(frame, origin, joined)


def rename(frame: Frame, old: Origin, new: Origin) -> None:
    """Every name that holds objects of one origin holds them as objects of the other."""

    def entity(item: Entity) -> Entity:
        return Entity(item.model, new, item.path, item.born, item.base) if item.origin == old else item

    variables = frame.state.vars
    for name, value in variables.items():
        if type(value) is Entity or type(value) not in _PLAIN:
            changed = transform(value, lambda session: session, entity)
            if changed != value:
                variables[name] = changed


def merged(frame: Frame, value: Value, session: Session) -> Value:
    """The session's own copies of what was given: loaded as the original was."""

    def copy(item: Entity) -> Entity:
        known = frame.state.live.get(item.origin, FRESH)
        origin = msgspec.structs.replace(item.origin, session=session)
        frame.state.live.setdefault(origin, msgspec.structs.replace(known, detached=None, detached_how=""))
        return Entity(item.model, origin, item.path, item.born, item.base)

    return transform(value, lambda found: found, copy)


def refresh_one(frame: Frame, entity: Entity, names: tuple[str, ...]) -> None:
    """Reads one object again: those of its attributes that are named; else its columns, and what its query or mapping loads eagerly."""
    known = frame.state.live.get(entity.origin, FRESH)
    prefix = ".".join(entity.path)
    start = f"{prefix}." if prefix else ""
    if names:
        paths = frozenset([start + name for name in names])
        known = kept(known, paths) if known.lost else known
        frame.state.live[entity.origin] = msgspec.structs.replace(known, loaded=known.loaded | paths, asked=known.asked | paths)
        return
    again = frozenset([path for path in entity.origin.loaded if path.startswith(start)])
    below = again | eager_below(frame.world.classes, entity.model, start)
    known = found(known, f"{start}*") if known.lost else known
    frame.state.live[entity.origin] = msgspec.structs.replace(known, loaded=known.loaded | below, fresh=known.fresh | below | {prefix})


def mark_loaded(frame: Frame, origin: Origin, path: str, asked: bool = False) -> None:
    """Notes that the relationship at `path` is loaded now, because it was `asked` for or merely read."""
    known = frame.state.live.get(origin, FRESH)
    if known.lost:
        known = kept(known, (path,))
    if path not in known.loaded or asked:
        frame.state.live[origin] = msgspec.structs.replace(
            known, loaded=known.loaded | {path}, asked=known.asked | {path} if asked else known.asked
        )


def mark_grafted(frame: Frame, origin: Origin, path: str) -> None:
    """Notes that a relationship was set: what is loaded of the objects there now is not this origin's to say."""
    known = frame.state.live.get(origin, FRESH)
    if path not in known.grafted:
        frame.state.live[origin] = msgspec.structs.replace(known, grafted=known.grafted | {path})


def register(frame: Frame, origin: Origin) -> None:
    """A query has just given entities of this origin: they are fresh, and so are those that it may have met again."""
    live = frame.state.live
    met_again(frame, (origin,))
    for other, known in live.items():
        if known.expired is not None and other.name == origin.name and origin.session is not None and _same(other.session, origin.session):
            live[other] = msgspec.structs.replace(known, fresh=known.fresh | {""})
    live[origin] = FRESH


def expires_on_commit(frame: Frame, actuals: Sequence[Actual]) -> bool | None:
    """The flag of a session or factory, by the arguments that it is made with; None where it is not known."""
    for actual in actuals:
        if actual.keyword == OPTION:
            return actual.value.value if isinstance(actual.value, Const) and isinstance(actual.value.value, bool) else None
        if actual.star == 2:
            held = dict(actual.value.data) if isinstance(actual.value, LibInstance) and actual.value.cls == "kwargs" else None
            given = held.get(OPTION) if held is not None else None
            if isinstance(given, Const) and isinstance(given.value, bool):
                return given.value
            if held is None or "*" in held:
                return None
    return frame.world.habits.configured


def new_session(frame: Frame, factory: Factory, node: r.Node) -> Session:
    """A session that is made here; its maker owns it, unless a registry does."""
    kind = "global" if frame.module_level and not frame.cls else "made"
    born = tuple(loop.site for loop in frame.loops)
    ended_by = "registry" if factory.scoped else ""
    id = SessionId(kind, frame.site(node), "")
    session = Session(
        id,
        factory.is_async,
        factory.expires,
        factory.scoped,
        born,
        ended_by,
        factory.autocommit,
        autoflush=factory.autoflush,
        cls=factory.cls,
    )
    if not factory.scoped:
        make(frame, session)
    return session


def make(frame: Frame, session: Session, used: bool = False) -> None:
    """A session was just made here and is owned by this function; `used` where its maker did something with it already."""
    known = frame.state.sessions.get(session.id, UNTOUCHED) if used else UNTOUCHED
    frame.state.sessions[session.id] = msgspec.structs.replace(known, fates=frozenset({"open"}), inherits=False)
    frame.sessions_made[session.id] = session
    if frame.tests:
        frame.made_under[session.id] = frame.tests[-1]


def hand_back(frame: Frame, value: Value) -> None:
    """What a function returns belongs to its caller from then on."""
    for session in sessions_in(value):
        frame.loose.add(session.id)
        known = frame.state.sessions.get(session.id)
        if known is not None and "open" in known.fates:
            frame.state.sessions[session.id] = msgspec.structs.replace(known, fates=frozenset({"returned"}))


def escape(frame: Frame, value: Value, stored: bool = False) -> None:
    """What is handed to somebody unknown may be ended there: sessions in it are no longer this function's alone. `stored` where it is not
    handed on but stored on an object of the project, whose code is known."""
    if frame.state.unsaved and not isinstance(value, (Plain, Const, Unknown)):
        frame.state.unsaved = frozenset()
    for session in sessions_in(value):
        if not stored:
            frame.world.leave("ended", session.id)
        frame.loose.add(session.id)
        known = frame.state.sessions.get(session.id)
        if session.scoped:
            frame.world.leave("removed", registry_of(session.id))
        if known is not None and "open" in known.fates:
            frame.state.sessions[session.id] = msgspec.structs.replace(known, fates=frozenset({"escaped"}))


def loosen(frame: Frame, value: Value) -> None:
    """New objects that unknown code has had in its hands may have any of their attributes set."""
    for item in options_of(value):
        if isinstance(item, Entity) and item.origin.kind == "new" and item.origin.exact:
            open_ended = msgspec.structs.replace(item.origin, exact=False)
            known = frame.state.live.get(item.origin, FRESH)
            frame.state.live[open_ended] = msgspec.structs.replace(known, asked=known.asked | {"*"})
            rename(frame, item.origin, open_ended)


def give_away(frame: Frame, value: Value) -> None:
    """As `escape`, to code that may do anything with a session: what it does to the transaction is not known either."""
    escape(frame, value)
    loosen(frame, value)
    for session in sessions_in(value):
        let_go(frame, session)


_PLAIN = frozenset({Unknown, Never, Const, Plain, LibRef, ClassRef, ModelAttr, ModuleRef, Origin, Entity, str, int, float, bool, NoneType})


def sessions_in(value: object, depth: int = 0) -> list[Session]:
    """The sessions that a value is or holds."""
    kind = type(value)
    if kind is Session:
        return [value]  # type: ignore[list-item]
    if kind in _PLAIN:
        return []
    if depth > 4:
        return []
    if kind is Awaitable:  # what it works on is not what it gives
        return sessions_in(value.value, depth + 1)  # type: ignore[attr-defined]
    fields = getattr(value, "__struct_fields__", None)
    parts = [getattr(value, field) for field in fields] if fields else value if type(value) is tuple else ()
    found: list[Session] = []
    for part in parts:
        if type(part) not in _PLAIN:
            found += sessions_in(part, depth + 1)
    return found
