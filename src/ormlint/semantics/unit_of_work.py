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
from ormlint.semantics.dependence import parameters_behind, unsteady
from ormlint.semantics.frame import Actual, Frame
from ormlint.semantics.state import FRESH, Live, SessionState
from ormlint.semantics.values import (
    ClassRef,
    Const,
    Entity,
    Factory,
    LibRef,
    ModelAttr,
    ModuleRef,
    Never,
    Origin,
    Plain,
    Session,
    SessionId,
    Site,
    Unknown,
    Value,
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
) -> None:
    """Lets `effect` happen on `session` (None: on one that is not known) at `node`."""
    kind = _EVENT_KINDS.get(effect)
    if kind is None:
        return
    if varies is None:
        varies = frame.varying(node)
    if kind in ("query", "write"):
        frame.happens(
            kind, node, session=session, note=note, attr=attr, varies=varies, how=effect, block=block, entity=entity,
            needs=parameters_behind(frame, node), unsteady=unsteady(frame, node),
        )  # fmt: skip
    else:
        frame.happens(kind, node, session=session, note=note, attr=attr, varies=varies, how=effect, block=block, entity=entity)
    if session is not None:
        change(frame, session, effect, frame.site(node))


_CHANGING = frozenset({"add", "add_all", "delete", "delete_all", "merge", "merge_all", "write"})
"""What leaves something to commit. A flush does not: it sends what one of these has left."""


def change(frame: Frame, session: Session, effect: str, site: Site) -> None:
    """The effect on what the state knows: expiry, detachment, the transaction, the session's fate."""
    state = frame.state
    if effect == "mutate":
        touched = state.sessions.get(session.id, SessionState())
        if touched.written is None:
            state.sessions[session.id] = msgspec.structs.replace(touched, written=site)
        return
    row = EFFECTS.get(effect)
    if row is None:
        return
    if row.expires == "all":
        if effect.startswith("commit"):
            expires = session.expires if session.expires is not None else frame.world.expires_default
            if expires is True:
                _expire(frame, session, site, "commit")
        else:
            _expire(frame, session, site, "rollback" if effect == "rollback" else "expire_all")
    if row.detaches == "all":
        for origin in list(state.live):
            if _same(origin.session, session):
                known = state.live[origin]
                state.live[origin] = msgspec.structs.replace(known, detached=site, detached_how=effect)
    known_state = state.sessions.get(session.id, SessionState())
    fates, began, opened, ended = known_state.fates, known_state.began, known_state.opened, known_state.ended
    written = known_state.written
    if effect in _CHANGING:
        written = written or site
    if row.ends_transaction:
        began, opened, written = "", None, None
    elif row.writes and row.opens_transaction:
        began, opened = ("explicit" if began == "explicit" else "write"), opened or site
    elif row.opens_transaction and not began:
        began, opened = "read", site
    if effect == "begin":
        began, opened = "explicit", site
    if effect in ("close", "reset", "invalidate", "remove", "close_all", "commit_and_close"):
        if fates:
            if frame.tests and frame.made_under.get(session.id) == frame.tests[-1]:
                frame.ended_under.add(session.id)  # `if own:` made it, `if own:` ends it
            if "open" in fates and session.id in frame.sessions_made and not frame.final and not frame.exceptional:
                frame.risky[session.id] = site
            fates = frozenset({"closed"})
        ended = site
    elif row.runs_sql:
        ended = None
    state.sessions[session.id] = SessionState(fates, began, opened, ended, written)


def _same(one: Session | None, other: Session) -> bool:
    return one is not None and one.id == other.id


def _expire(frame: Frame, session: Session, site: Site, how: str) -> None:
    for origin in list(frame.state.live):
        if _same(origin.session, session):
            known = frame.state.live[origin]
            frame.state.live[origin] = Live(frozenset(), site, how, frozenset(), known.detached, known.detached_how)


def expire_one(frame: Frame, entity: Entity, site: Site, how: str) -> None:
    """Expires one object."""
    known = frame.state.live.get(entity.origin, FRESH)
    frame.state.live[entity.origin] = Live(frozenset(), site, how, frozenset(), known.detached, known.detached_how)


def detach_one(frame: Frame, entity: Entity, site: Site, how: str) -> None:
    """Takes one object out of its session."""
    known = frame.state.live.get(entity.origin, FRESH)
    frame.state.live[entity.origin] = msgspec.structs.replace(known, detached=site, detached_how=how)


def refresh_one(frame: Frame, entity: Entity, names: tuple[str, ...]) -> None:
    """Reads one object again: its columns are fresh, and so are the relationships that were named."""
    known = frame.state.live.get(entity.origin, FRESH)
    prefix = ".".join(entity.path)
    paths = {f"{prefix}.{name}" if prefix else name for name in names}
    frame.state.live[entity.origin] = msgspec.structs.replace(
        known, loaded=known.loaded | paths, fresh=known.fresh | {prefix}, asked=known.asked | paths
    )


def mark_loaded(frame: Frame, origin: Origin, path: str, asked: bool = False) -> None:
    """Notes that the relationship at `path` is loaded now, because it was `asked` for or merely read."""
    known = frame.state.live.get(origin, FRESH)
    if path not in known.loaded or asked:
        frame.state.live[origin] = msgspec.structs.replace(
            known, loaded=known.loaded | {path}, asked=known.asked | {path} if asked else known.asked
        )


def register(frame: Frame, origin: Origin) -> None:
    """A query has just given entities of this origin: they are fresh."""
    frame.state.live[origin] = FRESH


def expires_on_commit(actuals: Sequence[Actual]) -> bool | None:
    """The flag of a session or factory, by the arguments that it is made with; None where they do not say."""
    for actual in actuals:
        if actual.keyword == "expire_on_commit":
            return actual.value.value if isinstance(actual.value, Const) and isinstance(actual.value.value, bool) else None
        if actual.star == 2:
            return None
    return True


def new_session(frame: Frame, factory: Factory, node: r.Node) -> Session:
    """A session that is made here; its maker owns it, unless a registry does."""
    kind = "global" if frame.module_level and not frame.cls else "made"
    born = tuple(loop.site for loop in frame.loops)
    ended_by = "registry" if factory.scoped else ""
    session = Session(SessionId(kind, frame.site(node), ""), factory.is_async, factory.expires, factory.scoped, born, ended_by)
    if not factory.scoped:
        make(frame, session)
    return session


def make(frame: Frame, session: Session) -> None:
    """A session was just made here and is owned by this function."""
    frame.state.sessions[session.id] = SessionState(frozenset({"open"}))
    frame.sessions_made[session.id] = session
    if frame.tests:
        frame.made_under[session.id] = frame.tests[-1]


def hand_back(frame: Frame, value: Value) -> None:
    """What a function returns belongs to its caller from then on."""
    for session in sessions_in(value):
        known = frame.state.sessions.get(session.id)
        if known is not None and "open" in known.fates:
            frame.state.sessions[session.id] = msgspec.structs.replace(known, fates=frozenset({"returned"}))


def escape(frame: Frame, value: Value) -> None:
    """What is handed to somebody unknown may be ended there: sessions in it are no longer this function's alone."""
    for session in sessions_in(value):
        known = frame.state.sessions.get(session.id)
        if known is not None and "open" in known.fates:
            frame.state.sessions[session.id] = SessionState(frozenset({"escaped"}), known.began, known.opened, known.ended, known.written)


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
    fields = getattr(value, "__struct_fields__", None)
    parts = [getattr(value, field) for field in fields] if fields else value if isinstance(value, tuple) else ()
    found: list[Session] = []
    for part in parts:
        if type(part) not in _PLAIN:
            found += sessions_in(part, depth + 1)
    return found
